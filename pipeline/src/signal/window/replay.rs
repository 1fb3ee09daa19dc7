//! What rules would have raised over rows of the past: what an evaluation every so often would have found, by the same steps.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::baseline::{self, Usual};
use super::edit::Scoped;
use super::measure::{self, Group, Names, Row, Sum, Sums};
use super::span::Span;
use super::state::{self, Act, Reading, State};
use crate::rollup::Resolution;

/// Microseconds of an hour.
const HOUR: i64 = 3_600_000_000;

/// The hour since 1970 UTC that a window of the last hour has most of: with hours like it, it is compared.
pub fn hour_of(now: i64) -> i64 {
    (now - HOUR / 2).div_euclid(HOUR)
}

/// The last hour that is over and in no window of now: with those before, it is the past.
pub fn newest_hour(now: i64) -> i64 {
    hour_of(now) - 2
}

/// The first hour of the past that counts.
pub fn oldest_hour(now: i64) -> i64 {
    newest_hour(now) - baseline::DAYS * 24
}

/// What groups' metrics were in earlier hours, by the rule's name.
#[derive(Default)]
pub struct Histories(HashMap<(String, Group), Vec<(i64, f64)>>);

impl Histories {
    /// An hour that is over, later than those before: the sums of its rows.
    pub fn add(&mut self, rules: &[Scoped], names: &[Names], hour: i64, sums: &Sums) {
        for scoped in rules {
            let Some(metric) = scoped.rule.history else { continue };
            let mut groups: BTreeMap<Group, Sum> = BTreeMap::new();
            for (place, sum) in sums {
                let Some(group) = names.get(*place).and_then(|names| measure::group(scoped, names)) else {
                    continue;
                };
                groups.entry(group).or_default().add_for(metric, sum);
            }
            for (group, sum) in groups {
                if let Some(value) = measure::past_value(&scoped.rule, &sum) {
                    self.0.entry((scoped.rule.name.clone(), group)).or_default().push((hour, value));
                }
            }
        }
    }

    /// What is usual now for each group with enough of a past.
    pub fn usual(&self, now: i64) -> Usuals {
        let found = self.0.iter().filter_map(|((rule, group), _)| {
            Some(((rule.clone(), group.clone()), self.usual_of(rule, group, now)?))
        });
        Usuals(found.collect())
    }

    fn usual_of(&self, rule: &str, group: &Group, now: i64) -> Option<Usual> {
        let values = self.0.get(&(rule.to_owned(), group.clone()))?;
        let (oldest, newest) = (oldest_hour(now), newest_hour(now));
        let first = values.partition_point(|(hour, _)| *hour < oldest);
        let end = values.partition_point(|(hour, _)| *hour <= newest);
        baseline::usual(values.get(first..end)?, hour_of(now))
    }
}

/// What is usual for groups of rules, in an hour.
#[derive(Default)]
pub struct Usuals(HashMap<(String, Group), Usual>);

impl Usuals {
    pub fn of(&self, rule: &str, group: &Group) -> Option<&Usual> {
        self.0.get(&(rule.to_owned(), group.clone()))
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Rows of one source, with what they are told apart by.
#[derive(Default)]
pub struct Past {
    pub names: Vec<Names>,
    rows: BTreeMap<(bool, i64), Vec<(usize, Row)>>,
}

impl Past {
    pub fn add(&mut self, resolution: Resolution, bucket: i64, place: usize, row: Row) {
        self.rows.entry((resolution == Resolution::Hour, bucket)).or_default().push((place, row));
    }

    pub fn sums(&self, span: &Span) -> Sums {
        let mut sums = Sums::new();
        for resolution in [Resolution::Minute, Resolution::Hour] {
            let is_hour = resolution == Resolution::Hour;
            for ((_, bucket), rows) in self.rows.range((is_hour, span.since)..(is_hour, span.until)) {
                if span.holds(resolution, *bucket) {
                    rows.iter().for_each(|(place, row)| sums.entry(*place).or_default().add_row(row));
                }
            }
        }
        sums
    }
}

/// What a rule would have done.
#[derive(Clone, Debug)]
pub struct Happened {
    /// Microseconds since 1970 UTC.
    pub at: i64,
    pub act: Act,
    pub group: Group,
    /// Of a group that is well again without data it is None.
    pub reading: Option<Reading>,
}

/// The rule at each of some times, in their order, from nothing being wrong on.
pub fn replay(
    scoped: &Scoped,
    past: &Past,
    histories: &Histories,
    times: impl Iterator<Item = i64>,
) -> Vec<Happened> {
    let rule = &scoped.rule;
    let mut states: BTreeMap<Group, State> = BTreeMap::new();
    let mut happened = Vec::new();
    let mut hour = i64::MIN;
    let mut usual: HashMap<Group, Option<Usual>> = HashMap::new();
    for now in times {
        if hour_of(now) != hour {
            hour = hour_of(now);
            usual.clear();
        }
        let groups = measure::groups(scoped, &past.names, &past.sums(&rule.span(now)));
        let all: HashSet<Group> = groups.keys().chain(states.keys()).cloned().collect();
        let mut all: Vec<Group> = all.into_iter().collect();
        all.sort_unstable();
        for group in all {
            let found = match rule.history {
                Some(_) => {
                    *usual.entry(group.clone()).or_insert_with(|| histories.usual_of(&rule.name, &group, now))
                }
                None => None,
            };
            let reading = groups.get(&group).and_then(|sum| measure::reading(rule, sum, found.as_ref()));
            let (after, acts) = state::step(rule, states.remove(&group), reading.as_ref(), now);
            happened.extend(acts.into_iter().map(|act| Happened {
                at: now,
                act,
                group: group.clone(),
                reading,
            }));
            if let Some(after) = after {
                states.insert(group, after);
            }
        }
    }
    happened
}

#[cfg(test)]
mod tests;
