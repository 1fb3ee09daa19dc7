//! The job that evaluates rules over windows: it reads each tenant's rollups once for all of its rules, and leaves what follows to the
//! pipeline's steps. What is not folded yet, about a second, is of the next evaluation.

mod raise;
mod rollup_rows;
pub mod series;
pub mod states;
mod test_rule;
mod usual;

use std::collections::{HashMap, HashSet};

use observa_pipeline::signal::window::edit::{self, Edit, Scoped};
use observa_pipeline::signal::window::measure::{self, Names, Sums};
use observa_pipeline::signal::window::replay::Usuals;
use observa_pipeline::signal::window::span::{self, Span};
use observa_pipeline::signal::window::state::{self, Act, State};
use observa_pipeline::signal::window::{Metric, Source};
use pgrx::prelude::*;
use uuid::Uuid;

use crate::detection::rollup_rows::{Known, Reader, Wants};
use crate::detection::states::States;
use crate::detection::usual::Turn;
use crate::error::{Error, or_raise};
use crate::identity;
use crate::jobs::{self, Done};
use crate::patience::Patience;
use crate::plans;
use crate::storage::{self, sql_time};

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// Groups of a rule that an evaluation finds bad anew: a rule that tells 10,000 groups apart wrongly raises no 10,000 alerts at once.
const MOST_RAISED: usize = 100;

/// For each tenant that counted something yesterday or today, or of whom something is wrong.
pub fn detect_all(patience: &mut Patience) -> Result<Done, Error> {
    let mut turn = Turn::of_a_run(patience.is_asked_for);
    jobs::tenants::for_each("detection", tenants()?, patience, |tenant_id| detect(tenant_id, &mut turn))
}

/// Those that a job which finds something out about events is for.
pub fn tenants() -> Result<Vec<Uuid>, Error> {
    let mut ids = Vec::new();
    let since = sql_time(storage::now() - DAY);
    let sql = "SELECT observa_internal.tenants_to_detect(($1 AT TIME ZONE 'UTC')::date)";
    plans::each(sql, &[since.into()], true, |found| {
        ids.extend(found.get::<pgrx::Uuid>(1).map(identity::uuid))
    })?;
    Ok(ids)
}

/// For the storage's owner alone.
#[pg_extern(sql = false)]
fn tenants_to_detect(since: pgrx::datum::Date) -> SetOfIterator<'static, pgrx::Uuid> {
    let ids = Spi::connect(|client| {
        let rows = client.select(include_str!("../sql/detection/tenants.sql"), None, &[since.into()])?;
        rows.map(|row| row.get::<pgrx::Uuid>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    });
    SetOfIterator::new(or_raise(ids.map_err(Error::Spi)).into_iter().flatten())
}

/// What the acting tenant has changed and added. A row that can't be read, as of a newer library, says nothing.
fn edits(is_fresh: bool) -> Result<Vec<Edit>, Error> {
    let mut edits = Vec::new();
    let sql = include_str!("../sql/detection/rules.sql");
    plans::each(sql, &[], is_fresh, |found| {
        let row = found.get::<String>(1).and_then(|text| serde_json::from_str(&text).ok());
        edits.extend(row.and_then(|row| Edit::of(&row).ok()));
    })?;
    Ok(edits)
}

/// Evaluates the acting tenant's rules; how many signals, alerts and states changed.
fn detect(tenant_id: Uuid, turn: &mut Turn) -> Result<u64, Error> {
    let now = storage::now();
    let rules = edit::scoped(&edits(true)?);
    let against_history: Vec<Scoped> =
        rules.iter().filter(|scoped| scoped.rule.history.is_some()).cloned().collect();
    let usuals = turn.usual(tenant_id, &against_history, now)?;
    let mut evaluation = Evaluation { now, states: states::read()?, usuals: usuals.as_deref(), changed: 0 };
    let sources: HashSet<Source> = rules.iter().map(|scoped| scoped.rule.source()).collect();
    for source in sources {
        let rules: Vec<&Scoped> = rules.iter().filter(|scoped| scoped.rule.source() == source).collect();
        evaluation.evaluate(&source, &rules)?;
    }
    evaluation.drop_rules(&rules)?;
    Ok(evaluation.changed)
}

fn wants<'r>(metrics: impl Iterator<Item = &'r Metric>) -> Wants {
    metrics.fold(Wants::default(), |wants, metric| Wants {
        latencies: wants.latencies || metric.is_latency(),
        users: wants.users || *metric == Metric::Users,
    })
}

struct Evaluation<'u> {
    now: i64,
    states: States,
    /// None: what is usual is not known yet.
    usuals: Option<&'u Usuals>,
    changed: u64,
}

impl Evaluation<'_> {
    fn evaluate(&mut self, source: &Source, rules: &[&Scoped]) -> Result<(), Error> {
        let spans: Vec<Span> = {
            let spans: HashSet<Span> = rules.iter().map(|scoped| scoped.rule.span(self.now)).collect();
            spans.into_iter().collect()
        };
        let mut sums: Vec<Sums> = spans.iter().map(|_| Sums::new()).collect();
        let mut known = Known::default();
        let reader = Reader {
            wants: wants(rules.iter().map(|scoped| &scoped.rule.metric)),
            seen_since: self.now.div_euclid(DAY) - 1,
            is_fresh: true,
        };
        let ranges = span::ranges(spans.iter().copied());
        reader.read(source, &ranges, &mut known, |_, resolution, minute, place, row| {
            for (span, sums) in spans.iter().zip(&mut sums) {
                if span.holds(resolution, minute) {
                    sums.entry(place).or_default().add_row(&row);
                }
            }
        })?;
        let of: HashMap<&Span, &Sums> = spans.iter().zip(&sums).collect();
        for scoped in rules {
            // Until it is known what is usual, all stays as it was.
            if scoped.rule.history.is_some() && self.usuals.is_none() {
                continue;
            }
            if let Some(sums) = of.get(&scoped.rule.span(self.now)) {
                self.step(scoped, &known.names, sums)?;
            }
        }
        Ok(())
    }

    /// One rule, all of its groups.
    fn step(&mut self, scoped: &Scoped, names: &[Names], sums: &Sums) -> Result<(), Error> {
        let rule = &scoped.rule;
        let groups = measure::groups(scoped, names, sums);
        let mut before = HashMap::new();
        if let Some((_, states)) = self.states.get_mut(&rule.name) {
            let ours: Vec<_> =
                states.keys().filter(|group| scoped.holds_for(group.project_id)).cloned().collect();
            before.extend(ours.into_iter().filter_map(|group| states.remove_entry(&group)));
        }
        let silent: Vec<_> = before.keys().filter(|group| !groups.contains_key(*group)).cloned().collect();
        let mut raised = 0;
        for group in groups.keys().chain(&silent) {
            let usual = self.usuals.and_then(|usuals| usuals.of(&rule.name, group));
            let reading = groups.get(group).and_then(|sum| measure::reading(rule, sum, usual));
            let state: Option<State> = before.get(group).copied();
            let (after, acts) = state::step(rule, state, reading.as_ref(), self.now);
            raised += usize::from(acts.iter().any(|act| matches!(act, Act::Raise(_))));
            if after == state || raised > MOST_RAISED {
                continue;
            }
            // Whether another rule keeps an alert open is asked of the states: so this one is written first.
            states::put(&rule.name, &rule.signal, group, after.as_ref())?;
            for act in acts {
                raise::act(scoped, names, group, reading.as_ref(), act, self.now)?;
            }
            self.changed += 1;
        }
        Ok(())
    }

    /// A rule that was switched off, or deleted, has nothing to say any more.
    fn drop_rules(&mut self, rules: &[Scoped]) -> Result<(), Error> {
        for (rule, (signal, states)) in std::mem::take(&mut self.states) {
            for (group, state) in states {
                let is_there =
                    rules.iter().any(|scoped| scoped.rule.name == rule && scoped.holds_for(group.project_id));
                if is_there {
                    continue;
                }
                states::put(&rule, &signal, &group, None)?;
                if state.level > state::Level::Ok {
                    raise::resolve(&rule, &signal, &group, None)?;
                }
                self.changed += 1;
            }
        }
        Ok(())
    }
}
