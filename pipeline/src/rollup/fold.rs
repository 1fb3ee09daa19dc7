//! Many deltas of one tenant together, as the rows that they add to.

use std::collections::BTreeMap;
use std::collections::hash_map::Entry;

use ahash::AHashMap;
use uuid::Uuid;

use super::Resolution;
use super::activity::{Activity, Actor};
use super::delta::{Added, Damaged, Read};
use super::fact::{OTHER, OwnedSeries};
use super::sums::{Scores, Sums};
use super::trace::TraceSummary;
use crate::distinct::{Distinct, Mark};
use crate::histogram::Latencies;

/// What is added to a row, and what is taken out of its histograms.
#[derive(Clone, Debug, Default)]
pub struct Group {
    pub sums: Sums,
    pub scores: Scores,
    latencies: Vec<u64>,
    ttfts: Vec<u64>,
    removed_latencies: Vec<u64>,
    removed_ttfts: Vec<u64>,
    users: Vec<Mark>,
    takes_out: bool,
}

impl Group {
    fn add(&mut self, added: &Added, removed: bool) {
        self.sums.add(&added.sums);
        self.scores.add(&added.scores);
        self.takes_out |= removed;
        let (latencies, ttfts) = match removed {
            false => (&mut self.latencies, &mut self.ttfts),
            true => (&mut self.removed_latencies, &mut self.removed_ttfts),
        };
        latencies.extend(&added.latencies);
        ttfts.extend(&added.ttfts);
        self.users.extend(&added.users);
    }

    fn merge(&mut self, other: &Group) {
        self.sums.add(&other.sums);
        self.scores.add(&other.scores);
        self.latencies.extend(&other.latencies);
        self.ttfts.extend(&other.ttfts);
        self.removed_latencies.extend(&other.removed_latencies);
        self.removed_ttfts.extend(&other.removed_ttfts);
        self.users.extend(&other.users);
        self.takes_out |= other.takes_out;
    }

    /// None: there is nothing in it.
    pub fn latency(&self) -> Option<Latencies> {
        histogram(&self.latencies)
    }

    pub fn ttft(&self) -> Option<Latencies> {
        histogram(&self.ttfts)
    }

    /// What was recorded before and is taken out.
    pub fn removed_latency(&self) -> Option<Latencies> {
        histogram(&self.removed_latencies)
    }

    pub fn removed_ttft(&self) -> Option<Latencies> {
        histogram(&self.removed_ttfts)
    }

    /// Whose events were added. None: nobody's.
    pub fn users(&self) -> Option<Distinct> {
        Distinct::of(&self.users)
    }

    /// Whether an event was taken out of it.
    pub fn takes_out(&self) -> bool {
        self.takes_out
    }
}

fn histogram(values: &[u64]) -> Option<Latencies> {
    let mut latencies = Latencies::new();
    values.iter().for_each(|us| latencies.record_us(*us));
    (!latencies.is_empty()).then_some(latencies)
}

/// What is added to one bucket of a series. Buckets begin so many microseconds after 1970 UTC.
pub struct SeriesRow<'f> {
    pub bucket: i64,
    pub series_id: Uuid,
    pub series: &'f OwnedSeries,
    pub group: Group,
}

/// What is added to one bucket of all series of an event type.
pub struct TotalRow<'f> {
    pub bucket: i64,
    pub project_id: Uuid,
    pub environment: &'f str,
    pub event_type: &'f str,
    pub group: Group,
}

/// What is added to a conversation, a session or a user.
pub struct ActivityRow<'f> {
    pub actor: Actor,
    pub project_id: Uuid,
    pub id: &'f str,
    pub activity: &'f Activity,
}

/// What has come of a trace: None, if one of its events was taken out and it has to be computed anew. Times are when the first and the
/// last of what has come or changed began, in microseconds since 1970 UTC.
#[derive(Clone, Debug)]
pub struct TraceChange {
    pub summary: Option<TraceSummary>,
    pub since: i64,
    pub until: i64,
    /// In how many deltas it came.
    pub deltas: u32,
}

impl TraceChange {
    fn merge(&mut self, other: TraceChange) {
        self.since = self.since.min(other.since);
        self.until = self.until.max(other.until);
        self.deltas = self.deltas.saturating_add(other.deltas);
        match (&mut self.summary, other.summary) {
            (Some(summary), Some(other)) => summary.merge(other),
            (summary, _) => *summary = None,
        }
    }
}

/// What is added to an hour of a user.
pub struct UserRow {
    pub bucket: i64,
    pub project_id: Uuid,
    pub environment: String,
    pub user_id: String,
    pub sums: Sums,
}

/// What is added to an hour of a value of a tag.
pub struct TagRow<'f> {
    pub bucket: i64,
    pub project_id: Uuid,
    pub environment: &'f str,
    pub tag: &'f str,
    pub value: &'f str,
    pub sums: &'f Sums,
    users: &'f [Mark],
}

impl TagRow<'_> {
    /// Whose events were added. None: nobody's.
    pub fn users(&self) -> Option<Distinct> {
        Distinct::of(self.users)
    }
}

/// An hour as the minute that it begins in, a project, an environment, a user.
pub type UserKey = (i64, Uuid, String, String);

/// An hour as the minute that it begins in, a tag, a project, an environment, a value.
pub type TagKey = (i64, String, Uuid, String, String);

#[derive(Default)]
struct Tagged {
    sums: Sums,
    users: Vec<Mark>,
}

impl Tagged {
    fn add(&mut self, sums: &Sums, users: &[Mark]) {
        self.sums.add(sums);
        self.users.extend(users);
    }
}

#[derive(Default)]
pub struct Fold {
    series: AHashMap<Uuid, OwnedSeries>,
    minutes: AHashMap<(Uuid, i64), Group>,
    users: AHashMap<UserKey, Sums>,
    tags: AHashMap<TagKey, Tagged>,
    activities: AHashMap<(Actor, Uuid, String), Activity>,
    traces: AHashMap<(Uuid, String), TraceChange>,
}

impl Fold {
    /// Damaged bytes add nothing.
    pub fn add(&mut self, delta: &[u8]) -> Result<(), Damaged> {
        let read = Read::decode(delta)?;
        let entries = read.entries().collect::<Result<Vec<_>, Damaged>>()?;
        let users = read.users().collect::<Result<Vec<_>, Damaged>>()?;
        let tags = read.tags().collect::<Result<Vec<_>, Damaged>>()?;
        let activities = read.activities().collect::<Result<Vec<_>, Damaged>>()?;
        let traces = read.traces().collect::<Result<Vec<_>, Damaged>>()?;
        for (minute, series, added, removed) in entries {
            let id = series.id();
            self.series.entry(id).or_insert_with(|| series.to_owned());
            self.minutes.entry((id, minute)).or_default().add(&added, removed);
        }
        for (minute, project_id, environment, user_id, sums) in users {
            let key = (minute, project_id, environment.to_owned(), user_id.to_owned());
            self.users.entry(key).or_default().add(&sums);
        }
        for tag in tags {
            let (name, value) = (tag.tag.to_owned(), tag.value.to_owned());
            let key = (tag.minute, name, tag.project_id, tag.environment.to_owned(), value);
            self.tags.entry(key).or_default().add(&tag.sums, &tag.users);
        }
        for (actor, project_id, id, activity) in activities {
            self.activities.entry((actor, project_id, id.to_owned())).or_default().add(&activity);
        }
        for trace in traces {
            let (since, until) = trace.touched;
            let change = TraceChange { summary: trace.summary, since, until, deltas: 1 };
            match self.traces.entry((trace.project_id, trace.trace_id.to_owned())) {
                Entry::Occupied(mut known) => known.get_mut().merge(change),
                Entry::Vacant(place) => {
                    place.insert(change);
                }
            }
        }
        Ok(())
    }

    pub fn is_empty(&self) -> bool {
        self.minutes.is_empty()
            && self.users.is_empty()
            && self.tags.is_empty()
            && self.activities.is_empty()
            && self.traces.is_empty()
    }

    pub fn series(&self) -> impl Iterator<Item = (Uuid, &OwnedSeries)> {
        self.series.iter().map(|(id, series)| (*id, series))
    }

    /// What the series added is added to [`super::Series::other`] instead. An environment that `keeps` does not name goes, too.
    pub fn merge_into_other(&mut self, ids: &[Uuid], keeps: impl Fn(&str) -> bool) {
        let mut others: AHashMap<Uuid, Uuid> = AHashMap::default();
        for id in ids {
            let Some(series) = self.series.remove(id) else { continue };
            let mut other = series.borrowed().other();
            if !keeps(other.environment) {
                other.environment = OTHER;
            }
            others.insert(*id, other.id());
            self.series.entry(other.id()).or_insert_with(|| other.to_owned());
        }
        for ((id, minute), group) in std::mem::take(&mut self.minutes) {
            let id = others.get(&id).copied().unwrap_or(id);
            self.minutes.entry((id, minute)).or_default().merge(&group);
        }
    }

    /// Hours, since 1970 UTC in microseconds, in which users are counted, and how many.
    pub fn users_of_hours(&self) -> BTreeMap<i64, usize> {
        let mut hours = BTreeMap::new();
        for (minute, ..) in self.users.keys() {
            *hours.entry(Resolution::Hour.bucket(*minute)).or_default() += 1;
        }
        hours
    }

    /// What users of an hour added is counted under [`OTHER`] instead, but for the ones that `stays` names and some more.
    pub fn merge_users_into_other(&mut self, bucket: i64, room: usize, stays: impl Fn(&UserKey) -> bool) {
        let mut keys: Vec<UserKey> = self
            .users
            .keys()
            .filter(|(minute, ..)| Resolution::Hour.bucket(*minute) == bucket)
            .filter(|key| !stays(key))
            .cloned()
            .collect();
        keys.sort_unstable();
        for key in keys.into_iter().skip(room) {
            let Some(sums) = self.users.remove(&key) else { continue };
            let (minute, project_id, environment, _) = key;
            let other = (minute, project_id, environment, OTHER.to_owned());
            self.users.entry(other).or_default().add(&sums);
        }
    }

    /// Hours, since 1970 UTC in microseconds, with the tags that have values in them, and how many.
    pub fn tags_of_hours(&self) -> BTreeMap<(i64, String), usize> {
        let mut hours = BTreeMap::new();
        for (minute, tag, ..) in self.tags.keys() {
            *hours.entry((Resolution::Hour.bucket(*minute), tag.clone())).or_default() += 1;
        }
        hours
    }

    /// What values of a tag added in an hour is counted under [`OTHER`] instead, but for the ones that `stays` names and some more.
    pub fn merge_values_into_other(
        &mut self,
        bucket: i64,
        tag: &str,
        room: usize,
        stays: impl Fn(&TagKey) -> bool,
    ) {
        let mut keys: Vec<TagKey> = self
            .tags
            .keys()
            .filter(|(minute, name, ..)| Resolution::Hour.bucket(*minute) == bucket && name == tag)
            .filter(|key| !stays(key))
            .cloned()
            .collect();
        keys.sort_unstable();
        for key in keys.into_iter().skip(room) {
            let Some(tagged) = self.tags.remove(&key) else { continue };
            let (minute, tag, project_id, environment, _) = key;
            let other = (minute, tag, project_id, environment, OTHER.to_owned());
            self.tags.entry(other).or_default().add(&tagged.sums, &tagged.users);
        }
    }

    /// In the order of their keys.
    pub fn tags(&self) -> Vec<TagRow<'_>> {
        let mut rows: Vec<TagRow> = self
            .tags
            .iter()
            .map(|((minute, tag, project_id, environment, value), tagged)| TagRow {
                bucket: Resolution::Hour.bucket(*minute),
                project_id: *project_id,
                environment,
                tag,
                value,
                sums: &tagged.sums,
                users: &tagged.users,
            })
            .collect();
        let key = |row: &TagRow<'_>| (row.bucket, row.project_id);
        rows.sort_unstable_by(|a, b| {
            let names = (a.environment, a.value).cmp(&(b.environment, b.value));
            a.tag.cmp(b.tag).then_with(|| key(a).cmp(&key(b))).then(names)
        });
        rows
    }

    /// In the order of their keys.
    pub fn rows(&self, resolution: Resolution) -> Vec<SeriesRow<'_>> {
        let mut groups: AHashMap<(i64, Uuid), Group> = AHashMap::default();
        for ((id, minute), group) in &self.minutes {
            groups.entry((resolution.bucket(*minute), *id)).or_default().merge(group);
        }
        let mut rows: Vec<SeriesRow> = groups
            .into_iter()
            .filter_map(|((bucket, series_id), group)| {
                let series = self.series.get(&series_id)?;
                Some(SeriesRow { bucket, series_id, series, group })
            })
            .collect();
        rows.sort_unstable_by_key(|row| (row.bucket, row.series_id));
        rows
    }

    /// In the order of their keys.
    pub fn totals(&self, resolution: Resolution) -> Vec<TotalRow<'_>> {
        let mut groups: AHashMap<(i64, Uuid, &str, &str), Group> = AHashMap::default();
        for ((id, minute), group) in &self.minutes {
            let Some(series) = self.series.get(id) else { continue };
            let bucket = resolution.bucket(*minute);
            let key = (bucket, series.project_id, series.environment.as_str(), series.event_type.as_str());
            groups.entry(key).or_default().merge(group);
        }
        let mut rows: Vec<TotalRow> = groups
            .into_iter()
            .map(|((bucket, project_id, environment, event_type), group)| TotalRow {
                bucket,
                project_id,
                environment,
                event_type,
                group,
            })
            .collect();
        rows.sort_unstable_by(|a, b| {
            let key = |row: &TotalRow<'_>| (row.bucket, row.project_id);
            key(a)
                .cmp(&key(b))
                .then_with(|| (a.environment, a.event_type).cmp(&(b.environment, b.event_type)))
        });
        rows
    }

    /// In the order of their keys.
    pub fn activities(&self) -> Vec<ActivityRow<'_>> {
        let rows = self.activities.iter();
        let mut rows: Vec<ActivityRow> = rows
            .map(|((actor, project_id, id), activity)| ActivityRow {
                actor: *actor,
                project_id: *project_id,
                id,
                activity,
            })
            .collect();
        rows.sort_unstable_by(|a, b| (a.actor, a.id, a.project_id).cmp(&(b.actor, b.id, b.project_id)));
        rows
    }

    /// By project and trace.
    pub fn traces(&self) -> impl Iterator<Item = (Uuid, &str, &TraceChange)> {
        self.traces.iter().map(|((project_id, trace_id), change)| (*project_id, trace_id.as_str(), change))
    }

    /// In the order of their keys.
    pub fn users(&self) -> Vec<UserRow> {
        let mut rows: Vec<UserRow> = self
            .users
            .iter()
            .map(|((minute, project_id, environment, user_id), sums)| UserRow {
                bucket: Resolution::Hour.bucket(*minute),
                project_id: *project_id,
                environment: environment.clone(),
                user_id: user_id.clone(),
                sums: sums.clone(),
            })
            .collect();
        rows.sort_unstable_by(|a, b| {
            (a.bucket, a.project_id, &a.environment, &a.user_id).cmp(&(
                b.bucket,
                b.project_id,
                &b.environment,
                &b.user_id,
            ))
        });
        rows
    }
}
