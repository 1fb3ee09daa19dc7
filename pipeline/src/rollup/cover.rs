//! The rows of rollups that make up a time: minutes at its edges, hours within, days within those, and weeks. So a month is some hundred rows of a
//! series, and right to the minute.
//!
//! What is only added up needs fewer: an edge that is nearer to the end of its hour, day or week than to the beginning is the whole of it without
//! what lies beyond ([`Part`]).

use super::{HOUR, Resolution};

/// From when on rows of minutes and of hours are kept, in microseconds since 1970 UTC, both at midnight. What is older is counted by
/// the hour, or by the day.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    pub minutes: i64,
    pub hours: i64,
}

impl Kept {
    fn since(self, resolution: Resolution) -> i64 {
        match resolution {
            Resolution::Minute => self.minutes,
            Resolution::Hour => self.hours,
            Resolution::Day | Resolution::Week => i64::MIN,
        }
    }

    /// The finest rows that tell when a time was.
    fn finest(self, time: i64) -> Resolution {
        let kept = |resolution: &Resolution| time >= self.since(*resolution);
        Resolution::ALL.into_iter().find(kept).unwrap_or(Resolution::Day)
    }
}

/// A time from `since` on, before `until`, in microseconds since 1970 UTC, by rows of some length at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cover {
    pub since: i64,
    pub until: i64,
    longest: Resolution,
}

/// Rows of a resolution from `since` on, before `until`, whose sums are added, or taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    pub resolution: Resolution,
    pub since: i64,
    pub until: i64,
    pub is_added: bool,
}

impl Part {
    fn rows(&self, now: i64) -> i64 {
        let until = self.until.min(self.resolution.after(now));
        until.saturating_sub(self.since).max(0) / self.resolution.length()
    }
}

/// From the one edge to the other. None: there is nothing between them.
fn part(resolution: Resolution, [since, until]: [i64; 2]) -> Option<Part> {
    let (is_added, since, until) = (since < until, since.min(until), since.max(until));
    (since < until).then_some(Part { resolution, since, until, is_added })
}

impl Cover {
    /// Whole minutes that have any of the time, or whole hours and days where finer rows are gone.
    pub fn of(since: i64, until: i64, longest: Resolution, kept: Kept) -> Cover {
        let first = kept.finest(since).before(since);
        let last = if until > since { kept.finest(until).after(until) } else { first };
        Cover { since: first, until: last, longest }
    }

    /// Whole hours, none of those that go, by rows of hours and days: of users there are no others.
    pub fn of_hours(since: i64, until: i64, kept: Kept) -> Cover {
        let first = Resolution::Hour.before(since.max(kept.hours));
        let last = if until > since { Resolution::Hour.after(until).max(first) } else { first };
        Cover { since: first, until: last, longest: Resolution::Day }
    }

    /// Resolutions with the next longer one.
    fn steps(&self) -> impl Iterator<Item = (Resolution, Resolution)> {
        let steps = Resolution::ALL.into_iter().zip(Resolution::ALL.into_iter().skip(1));
        let longest = self.longest;
        steps.take_while(move |(_, longer)| *longer <= longest)
    }

    /// All of it as rows that are added, in the order of time.
    pub fn rows(&self) -> Vec<Part> {
        let mut edges = [self.since, self.until];
        let (mut finest, mut before, mut after) = (Resolution::Minute, Vec::new(), Vec::new());
        for (finer, longer) in self.steps() {
            let inner = [longer.after(edges[0]), longer.before(edges[1])];
            if inner[0] >= inner[1] {
                break;
            }
            before.extend(part(finer, [edges[0], inner[0]]));
            after.extend(part(finer, [inner[1], edges[1]]));
            (finest, edges) = (longer, inner);
        }
        before.extend(part(finest, edges));
        before.extend(after.into_iter().rev());
        before
    }

    /// All of it as rows that are added, each of one bucket of those that begin at `starts` (in order): an hour in which one begins is told by the
    /// minute, where minutes are kept.
    pub fn rows_of_buckets(&self, starts: &[i64], kept: Kept) -> Vec<Part> {
        let mut divided = starts
            .iter()
            .filter(|start| **start % HOUR != 0)
            .map(|start| Resolution::Hour.before(*start))
            .peekable();
        let mut rows: Vec<Part> = Vec::new();
        for part in self.rows() {
            let mut since = part.since;
            while let Some(hour) =
                divided.next_if(|hour| part.resolution == Resolution::Hour && *hour < part.until)
            {
                if hour < since.max(kept.minutes) {
                    continue;
                }
                let minutes =
                    Part { resolution: Resolution::Minute, since: hour, until: hour + HOUR, ..part };
                match rows
                    .last_mut()
                    .filter(|last| last.resolution == Resolution::Minute && last.until == hour)
                {
                    Some(last) if since == hour => last.until = minutes.until,
                    _ => rows.extend(
                        [Part { since, until: hour, ..part }, minutes]
                            .into_iter()
                            .filter(|part| part.since < part.until),
                    ),
                }
                since = hour + HOUR;
            }
            if since < part.until {
                rows.push(Part { since, ..part });
            }
        }
        rows
    }

    /// Few rows that make up the same by adding and taking out. What begins from `now` on is taken for nothing: it costs no row, and is told
    /// exactly where there is some.
    pub fn parts(&self, kept: Kept, now: i64) -> Vec<Part> {
        let mut edges = [self.since, self.until];
        let (mut finest, mut parts) = (Resolution::Minute, Vec::new());
        for (finer, longer) in self.steps() {
            let nearest = |edge: i64| {
                let (first, last) = (longer.before(edge), longer.after(edge));
                let is_nearer = last.min(now).saturating_sub(edge) < edge - first;
                if edge >= kept.since(finer) && is_nearer { last } else { first }
            };
            let inner = edges.map(nearest);
            let around = [part(finer, [edges[0], inner[0]]), part(finer, [inner[1], edges[1]])];
            let rows =
                |parts: &[Option<Part>]| parts.iter().flatten().map(|part| part.rows(now)).sum::<i64>();
            let by_longer = rows(&around) + rows(&[part(longer, inner)]);
            let is_fewer = edges[0] >= kept.since(finer) && rows(&[part(finer, edges)]) < by_longer;
            if inner[0] == inner[1] || is_fewer {
                break;
            }
            parts.extend(around.into_iter().flatten());
            (finest, edges) = (longer, inner);
        }
        parts.extend(part(finest, edges));
        parts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{DAY, MINUTE};
    use super::*;

    const ALL: Kept = Kept { minutes: 0, hours: 0 };

    /// Each row's resolution, and when it begins.
    fn rows(cover: Cover) -> Vec<(Resolution, i64)> {
        let starts = |part: Part| {
            let length = part.resolution.length() as usize;
            (part.since..part.until).step_by(length).map(move |start| (part.resolution, start))
        };
        cover.rows().into_iter().flat_map(starts).collect()
    }

    fn is_one(resolution: Resolution, edge: i64) -> bool {
        resolution.before(edge) == edge
    }

    proptest! {
        #[test]
        fn each_minute_is_in_one_row_and_no_row_is_gone(
            since in 100 * DAY..130 * DAY, long in 0..20 * DAY, longest in prop::sample::select(Resolution::ALL.to_vec()),
            hours in 100_i64..120, minutes in 0_i64..20,
        ) {
            let kept = Kept { minutes: (hours + minutes) * DAY, hours: hours * DAY };
            let until = since + long;
            let cover = Cover::of(since, until, longest, kept);
            let mut next = cover.since;
            for (resolution, start) in rows(cover) {
                prop_assert_eq!(start, next);
                prop_assert!(is_one(resolution, start) && resolution <= longest);
                prop_assert!(longest < Resolution::Day || start >= kept.since(resolution));
                next = start + resolution.length();
            }
            prop_assert_eq!(next, cover.until);
            prop_assert!(cover.since <= since && cover.until >= until || long == 0);
            if since >= kept.minutes && long > 0 {
                prop_assert!(since - cover.since < MINUTE && cover.until - until < MINUTE);
            }
        }

        #[test]
        fn rows_of_buckets_are_the_time_once_and_each_is_of_one_bucket(
            since in 100 * DAY..130 * DAY, long in 1..5 * DAY, longest in prop::sample::select(vec![Resolution::Hour, Resolution::Day]),
            hours in 100_i64..120, minutes in 0_i64..20, quarters in 0_i64..96, each in prop::sample::select(vec![HOUR, DAY, 2 * DAY]),
        ) {
            let kept = Kept { minutes: (hours + minutes) * DAY, hours: hours * DAY };
            let cover = Cover::of(since, since + long, longest, kept);
            let first = cover.since.div_euclid(each) * each + quarters * (HOUR / 4) - each;
            let starts: Vec<i64> = (0..).map(|number| first + number * each).take_while(|start| *start < cover.until).collect();
            let mut next = cover.since;
            for part in cover.rows_of_buckets(&starts, kept) {
                prop_assert!(part.since == next && part.since < part.until && part.is_added);
                next = part.until;
                let is_divided = |start: &i64| *start > part.since && *start < part.until && !is_one(part.resolution, *start);
                let divided = starts.iter().find(|start| is_divided(start) && Resolution::Hour.before(**start) >= kept.minutes);
                prop_assert!(part.resolution == Resolution::Day || divided.is_none(), "{:?} {:?}", part, divided);
                prop_assert!(part.resolution != Resolution::Minute || part.since >= kept.minutes);
            }
            prop_assert_eq!(next, cover.until);
        }

        #[test]
        fn parts_are_the_minutes_of_the_time(
            since in 100 * DAY..130 * DAY, long in prop_oneof![0..3 * HOUR, 0..3 * DAY, 0..20 * DAY],
            hours in 100_i64..120, minutes in 0_i64..20, now in 100 * DAY..150 * DAY, longest in prop::sample::select(vec![Resolution::Day, Resolution::Week]),
        ) {
            let kept = Kept { minutes: (hours + minutes) * DAY, hours: hours * DAY };
            let cover = Cover::of(since, since + long, longest, kept);
            let mut counted = std::collections::BTreeMap::new();
            for part in cover.parts(kept, now) {
                prop_assert!(part.since < part.until && is_one(part.resolution, part.since) && is_one(part.resolution, part.until));
                prop_assert!(part.since >= kept.since(part.resolution) && part.resolution <= longest);
                // What is counted changes at the part's ends alone.
                *counted.entry(part.since).or_insert(0) += if part.is_added { 1 } else { -1 };
                *counted.entry(part.until).or_insert(0) -= if part.is_added { 1 } else { -1 };
            }
            counted.retain(|_, by| *by != 0);
            let expected = if cover.since < cover.until { vec![(cover.since, 1), (cover.until, -1)] } else { vec![] };
            prop_assert_eq!(counted.into_iter().collect::<Vec<_>>(), expected);
        }

        #[test]
        fn parts_are_few_rows(since in 100 * DAY..130 * DAY, long in 0..40 * DAY, later in prop_oneof![Just(0), 0..9 * DAY]) {
            let (cover, now) = (Cover::of(since, since + long, Resolution::Week, ALL), since + long + later);
            let count: i64 = cover.parts(ALL, now).iter().map(|part| part.rows(now)).sum();
            let edges = if later == 0 { 1 } else { 2 };
            prop_assert!(count <= 6 + (3 + 12 + 30) * edges, "{}", count);
            // An edge in the middle of a longer row may cost that row beside.
            prop_assert!(count <= super::tests::rows(cover).len() as i64 + 6, "{}", count);
        }

        #[test]
        fn hours_alone_hold_the_time(since in 0..DAY, long in 1..DAY, gone in (0..48_i64).prop_map(|hours| hours * HOUR)) {
            let kept = Kept { minutes: 0, hours: gone };
            let cover = Cover::of_hours(since, since + long, kept);
            prop_assert!(cover.since <= since.max(gone) && cover.until >= since + long && cover.since >= gone.min(cover.until));
            let is_finer = |part: &Part| part.resolution == Resolution::Minute;
            prop_assert!(![cover.rows(), cover.parts(kept, since + long)].concat().iter().any(is_finer));
        }
    }

    #[test]
    fn a_month_is_few_rows() {
        let rows = rows(Cover::of(100 * DAY + 5 * MINUTE + 7, 130 * DAY + 17 * HOUR, Resolution::Week, ALL));
        assert!(rows.len() < 110, "{}", rows.len());
    }

    #[test]
    fn nothing_is_no_row() {
        assert_eq!(rows(Cover::of(7, 7, Resolution::Day, ALL)), []);
        assert_eq!(rows(Cover::of_hours(7, 7, ALL)), []);
    }
}
