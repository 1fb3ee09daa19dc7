//! What follows from a reading: a group of a rule is well, warned of or alerted of, and one alert is open from when it became bad until
//! it has been well for long enough.

use super::baseline::Usual;
use super::{NoData, WindowRule};

/// How long what is well again keeps its alert open, unless the rule says otherwise.
pub const RESOLVE_MINUTES: u32 = 5;

/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;

/// What lasts is an occurrence once in a window, and no more often than this.
const LEAST_REPEAT: i64 = 5 * MINUTE;

/// An alert that comes back within so long flaps: each time it has to be well for twice as long.
const FLAPS_FOR: i64 = 60 * MINUTE;

/// At most 16 times as long.
const MOST_FLAPS: u8 = 4;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    #[default]
    Ok,
    Warn,
    Alert,
}

impl Level {
    pub fn number(self) -> i16 {
        self as i16
    }

    pub fn from_number(number: i16) -> Level {
        match number {
            2.. => Level::Alert,
            1 => Level::Warn,
            _ => Level::Ok,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Alert => "alert",
        }
    }
}

/// A group's metric, and what it must not pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    pub value: f64,
    pub samples: i64,
    pub warn: Option<f64>,
    pub threshold: f64,
    pub usual: Option<Usual>,
}

/// What is kept of a group between two evaluations. Times are microseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct State {
    /// What has been told.
    pub level: Level,
    /// Since when it has been worse than that. None: it is not.
    pub worse_since: Option<i64>,
    /// Since when what was told has been over. None: it is not, or nothing was told.
    pub well_since: Option<i64>,
    /// When a signal told of it last.
    pub told_at: Option<i64>,
    /// When webhooks were told of it last.
    pub notified_at: Option<i64>,
    /// How often it has come back.
    pub flaps: u8,
    /// When it was well again last.
    pub ended_at: Option<i64>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A signal tells that it became so bad.
    Raise(Level),
    /// A signal tells that it still is.
    Repeat(Level),
    /// Webhooks are told again.
    Renotify,
    /// The alert resolves itself, where the rule lets it.
    Resolve,
}

/// The state after a reading, and what is to be done. None: there is nothing to keep. A reading that is None has no data.
pub fn step(
    rule: &WindowRule,
    before: Option<State>,
    reading: Option<&Reading>,
    now: i64,
) -> (Option<State>, Vec<Act>) {
    let mut state = before.unwrap_or_default();
    let mut acts = Vec::new();
    let target = match (reading, rule.no_data) {
        (Some(reading), _) => target(rule, &state, reading),
        (None, NoData::Ok) => Level::Ok,
        (None, NoData::Alert) => Level::Alert,
        (None, NoData::Ignore) => {
            state.worse_since = None;
            return (kept(state, now), acts);
        }
        (None, NoData::Keep) => return (kept(state, now), acts),
    };
    if target > state.level {
        let since = *state.worse_since.get_or_insert(now);
        if now - since >= i64::from(rule.for_minutes) * MINUTE {
            let was_well = state.level == Level::Ok;
            if was_well && state.ended_at.is_some_and(|ended| now - ended < FLAPS_FOR) {
                state.flaps = (state.flaps + 1).min(MOST_FLAPS);
            }
            state = State {
                level: target,
                worse_since: None,
                told_at: Some(now),
                notified_at: Some(now),
                ended_at: None,
                ..state
            };
            acts.push(Act::Raise(target));
        }
    } else {
        state.worse_since = None;
    }
    if state.level > Level::Ok && target == Level::Ok {
        let since = *state.well_since.get_or_insert(now);
        let minutes = if rule.resolve_minutes == 0 { RESOLVE_MINUTES } else { rule.resolve_minutes };
        if now - since >= (i64::from(minutes) * MINUTE) << state.flaps {
            state = State { flaps: state.flaps, ended_at: Some(now), ..State::default() };
            acts.push(Act::Resolve);
        }
    } else {
        state.well_since = None;
        if state.level > Level::Ok && target == state.level && acts.is_empty() {
            repeat(rule, &mut state, &mut acts, now);
        }
    }
    (kept(state, now), acts)
}

fn target(rule: &WindowRule, state: &State, reading: &Reading) -> Level {
    let found = if rule.is_beyond(reading.value, reading.threshold) {
        Level::Alert
    } else if reading.warn.is_some_and(|warn| rule.is_beyond(reading.value, warn)) {
        Level::Warn
    } else {
        Level::Ok
    };
    let stays = rule.recover.is_some_and(|recover| rule.is_beyond(reading.value, recover));
    if stays { found.max(state.level) } else { found }
}

fn repeat(rule: &WindowRule, state: &mut State, acts: &mut Vec<Act>, now: i64) {
    let every = (i64::from(rule.minutes) * MINUTE).max(LEAST_REPEAT);
    if state.told_at.is_none_or(|told| now - told >= every) {
        state.told_at = Some(now);
        acts.push(Act::Repeat(state.level));
    }
    let Some(minutes) = rule.renotify_minutes else { return };
    if state.notified_at.is_none_or(|told| now - told >= i64::from(minutes) * MINUTE) {
        state.notified_at = Some(now);
        acts.push(Act::Renotify);
    }
}

/// None: it is well, and has been for so long that nobody needs to remember.
fn kept(state: State, now: i64) -> Option<State> {
    let remembers = state.ended_at.is_some_and(|ended| now - ended < FLAPS_FOR);
    (state.level > Level::Ok || state.worse_since.is_some() || remembers).then_some(state)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::signal::window::builtin;

    fn rule() -> WindowRule {
        WindowRule { warn: Some(0.1), ..builtin::find("error_rate_by_model").unwrap() }
    }

    fn reading(value: f64) -> Reading {
        Reading { value, samples: 100, warn: Some(0.1), threshold: 0.2, usual: None }
    }

    /// What is done when, with a reading every 15 seconds: (minute, act).
    fn acts(rule: &WindowRule, values: impl Iterator<Item = Option<f64>>) -> Vec<(f64, Act)> {
        let (mut state, mut done) = (None, Vec::new());
        for (place, value) in values.enumerate() {
            let now = place as i64 * MINUTE / 4;
            let reading = value.map(reading);
            let (after, acts) = step(rule, state, reading.as_ref(), now);
            state = after;
            done.extend(acts.into_iter().map(|act| (place as f64 / 4.0, act)));
        }
        done
    }

    fn quarters(minutes: f64, value: f64) -> impl Iterator<Item = Option<f64>> {
        std::iter::repeat_n(Some(value), (minutes * 4.0) as usize)
    }

    #[test]
    fn an_alert_is_raised_once_repeats_each_window_and_resolves_when_it_was_well_for_long_enough() {
        let values = quarters(1.0, 0.0).chain(quarters(11.0, 0.5)).chain(quarters(10.0, 0.0));
        let expected = [
            (1.0, Act::Raise(Level::Alert)),
            (6.0, Act::Repeat(Level::Alert)),
            (11.0, Act::Repeat(Level::Alert)),
            (17.0, Act::Resolve),
        ];
        assert_eq!(acts(&rule(), values), expected);
    }

    #[test]
    fn what_is_bad_for_less_than_for_minutes_raises_nothing() {
        let rule = WindowRule { for_minutes: 3, ..rule() };
        let twice =
            quarters(2.0, 0.5).chain(quarters(1.0, 0.0)).chain(quarters(2.5, 0.5)).chain(quarters(1.0, 0.0));
        assert_eq!(acts(&rule, twice), []);
        assert_eq!(acts(&rule, quarters(4.0, 0.5)), [(3.0, Act::Raise(Level::Alert))]);
    }

    #[test]
    fn a_warning_becomes_an_alert_and_no_second_one_on_the_way_back() {
        let values = quarters(1.0, 0.15)
            .chain(quarters(1.0, 0.5))
            .chain(quarters(3.0, 0.15))
            .chain(quarters(6.0, 0.0));
        let expected =
            [(0.0, Act::Raise(Level::Warn)), (1.0, Act::Raise(Level::Alert)), (10.0, Act::Resolve)];
        assert_eq!(acts(&rule(), values), expected);
    }

    #[test]
    fn a_value_between_recover_and_threshold_keeps_what_was() {
        let rule = WindowRule { recover: Some(0.05), warn: None, ..rule() };
        let reading = |value| Reading { warn: None, ..reading(value) };
        let mut state = step(&rule, None, Some(&reading(0.3)), 0).0;
        for minute in 1..30 {
            state = step(&rule, state, Some(&reading(0.1)), minute * MINUTE).0;
            assert_eq!(state.unwrap().level, Level::Alert);
        }
        assert_eq!(step(&rule, None, Some(&reading(0.1)), 0), (None, vec![]));
    }

    #[test]
    fn what_flaps_is_raised_seldom_and_what_alternates_faster_than_it_resolves_once() {
        let fast = (0..240).map(|place| Some(if place / 4 % 2 == 0 { 0.5 } else { 0.0 }));
        let raised =
            |done: &[(f64, Act)]| done.iter().filter(|(_, act)| matches!(act, Act::Raise(_))).count();
        assert_eq!(raised(&acts(&rule(), fast)), 1);
        // Bad for a minute in each twelve, for six hours: 30 times.
        let slow = (0..1_440).map(|place| Some(if place / 4 % 12 == 0 { 0.5 } else { 0.0 }));
        let done = acts(&rule(), slow);
        assert!(raised(&done) <= 3, "{done:?}");
    }

    #[test]
    fn without_data_it_is_as_the_rule_says() {
        let silent = |no_data| {
            let rule = WindowRule { no_data, ..rule() };
            acts(&rule, quarters(1.0, 0.5).chain(std::iter::repeat_n(None, 40)))
        };
        let raised = (0.0, Act::Raise(Level::Alert));
        assert_eq!(silent(NoData::Ok), [raised, (6.0, Act::Resolve)]);
        assert_eq!(silent(NoData::Ignore), [raised]);
        assert_eq!(silent(NoData::Keep), [raised]);
        assert_eq!(silent(NoData::Alert).last(), Some(&(10.0, Act::Repeat(Level::Alert))));
        let rule = WindowRule { no_data: NoData::Alert, ..rule() };
        assert_eq!(acts(&rule, std::iter::once(None)), [raised]);
    }

    #[test]
    fn webhooks_are_told_again_only_where_the_rule_says_so() {
        let rule = WindowRule { renotify_minutes: Some(30), minutes: 60, ..rule() };
        let done = acts(&rule, quarters(100.0, 0.5));
        let told: Vec<f64> =
            done.iter().filter(|(_, act)| *act == Act::Renotify).map(|(at, _)| *at).collect();
        assert_eq!(told, [30.0, 60.0, 90.0]);
    }

    proptest! {
        #[test]
        fn raising_and_resolving_alternate_and_what_is_well_is_forgotten(values in prop::collection::vec(0.0_f64..0.4, 1..400)) {
            let mut level = Level::Ok;
            let all = values.iter().map(|value| Some(*value)).chain(quarters(300.0, 0.0));
            for (_, act) in acts(&rule(), all) {
                match act {
                    Act::Raise(to) => { prop_assert!(to > level); level = to; }
                    Act::Resolve => { prop_assert!(level > Level::Ok); level = Level::Ok; }
                    Act::Repeat(to) => prop_assert_eq!(to, level),
                    Act::Renotify => prop_assert!(false),
                }
            }
            prop_assert_eq!(level, Level::Ok);
        }
    }
}
