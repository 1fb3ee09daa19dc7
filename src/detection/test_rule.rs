//! observa.test_rule: what a rule would have raised, by the steps that the job takes.

use std::cell::Cell;

use observa_pipeline::rollup::Resolution;
use observa_pipeline::signal::window::edit::{self, Scoped};
use observa_pipeline::signal::window::measure;
use observa_pipeline::signal::window::replay::{self, Happened, Past};
use observa_pipeline::signal::window::state::{Act, Level};
use observa_pipeline::signal::window::{Source, WindowRule};
use pgrx::prelude::*;

use crate::detection::rollup_rows::{Known, Reader};
use crate::detection::{DAY, usual, wants};
use crate::error::{Error, or_raise};
use crate::identity::{Acting, sql_uuid};
use crate::keys;
use crate::storage::{self, sql_time, unix_micros};
use crate::tenants;

/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;

const MOST_DAYS: i64 = 31;

/// Evaluations of a replay: of a longer time than a week they are further apart than a minute.
const MOST_STEPS: i64 = 10_080;

/// What they hold lies in memory, some 300 bytes each.
const MOST_ROWS: usize = 1_000_000;

/// Microseconds after a minute's begin, where its evaluation is: none of the job's is at the begin.
const WITHIN: i64 = MINUTE / 2;

#[pg_extern(sql = false)]
#[expect(clippy::type_complexity)]
fn test_rule(
    rule: &str,
    since: TimestampWithTimeZone,
    until: TimestampWithTimeZone,
) -> TableIterator<
    'static,
    (
        name!(at, TimestampWithTimeZone),
        name!(act, &'static str),
        name!(severity, &'static str),
        name!(project_id, pgrx::Uuid),
        name!(environment, String),
        name!(alert_group, String),
        name!(value, Option<f64>),
        name!(threshold, Option<f64>),
        name!(usual, Option<f64>),
        name!(samples, Option<i64>),
        name!(explanation, String),
    ),
> {
    let found = or_raise(run(rule, unix_micros(since), unix_micros(until)));
    TableIterator::new(found.into_iter().map(|(rule, happened)| {
        let Happened { at, act, group, reading } = happened;
        let (act, level) = match act {
            Act::Raise(level) => ("raised", level),
            Act::Repeat(level) => ("repeated", level),
            Act::Renotify => ("renotified", Level::Alert),
            Act::Resolve => ("resolved", Level::Alert),
        };
        let is_well = act == "resolved";
        let limit = reading.map(|reading| {
            if level == Level::Warn { reading.warn.unwrap_or(reading.threshold) } else { reading.threshold }
        });
        let explanation = if is_well {
            "it is well again".to_owned()
        } else {
            measure::explain(&rule, reading.as_ref(), level)
        };
        (
            sql_time(at),
            act,
            rule.severity_of(level).name(),
            sql_uuid(group.project_id),
            group.environment,
            group.text,
            reading.map(|reading| reading.value),
            limit,
            reading.and_then(|reading| reading.usual).map(|usual| usual.median),
            reading.map(|reading| reading.samples),
            explanation,
        )
    }))
}

fn run(name: &str, since: i64, until: i64) -> Result<Vec<(WindowRule, Happened)>, Error> {
    if !storage::exists() {
        return Err(Error::NoStorage);
    }
    keys::require(|rights| rights.query, "test rules")?;
    let acting = match Acting::current() {
        Some(acting) => acting,
        None => Acting::whole(tenants::acting_home().ok_or(Error::NoStorage)?.tenant_id),
    };
    let until = until.min(storage::now());
    if since >= until || until.saturating_sub(since) > MOST_DAYS * DAY {
        return Err(Error::Invalid(format!("until must come after since, by {MOST_DAYS} days at most")));
    }
    Acting::during(acting, || replayed(name, since, until))
}

fn replayed(name: &str, since: i64, until: i64) -> Result<Vec<(WindowRule, Happened)>, Error> {
    // What is switched off is tried, too: that is how its threshold is found.
    let rules: Vec<Scoped> = edit::all_scoped(&super::edits(false)?)
        .into_iter()
        .filter(|scoped| scoped.rule.name == name)
        .collect();
    if rules.is_empty() {
        return Err(Error::Invalid(
            "there is no rule over a window of this name; observa.detection_rules lists them".into(),
        ));
    }
    let histories = if rules.iter().any(|scoped| scoped.rule.history.is_some()) {
        usual::histories(&rules, since, until, false)?
    } else {
        Default::default()
    };
    let step = ((until - since) / MOST_STEPS).div_euclid(MINUTE).max(1) * MINUTE;
    let mut happened = Vec::new();
    for scoped in rules {
        let past = read(&scoped, since, until, MOST_ROWS)?.ok_or_else(|| {
            Error::Invalid(format!("the time has more than {MOST_ROWS} rows of metrics: test a shorter one"))
        })?;
        let times = (0..)
            .map(|number| since.div_euclid(MINUTE) * MINUTE + WITHIN + number * step)
            .take_while(|time| *time < until);
        let found = replay::replay(
            &scoped,
            &past,
            &histories,
            times.inspect(|_| {
                check_for_interrupts!();
            }),
        );
        happened.extend(found.into_iter().map(|happened| (scoped.rule.clone(), happened)));
    }
    happened.sort_by_key(|(_, happened)| happened.at);
    Ok(happened)
}

/// What a rule measures of a time, and of the window before it. None: that is more than `most` rows.
pub fn read(scoped: &Scoped, since: i64, until: i64, most: usize) -> Result<Option<Past>, Error> {
    let rule = &scoped.rule;
    let source = rule.source();
    let (first, last) = (rule.span(since).since, until.div_euclid(MINUTE) + 1);
    let by_hours = matches!(source, Source::Users | Source::Tag(_));
    let mut ranges = Vec::new();
    if !by_hours {
        ranges.push((Resolution::Minute, first, last));
    }
    if by_hours || rule.minutes > 120 {
        ranges.push((Resolution::Hour, first, last));
    }
    let reader = Reader {
        wants: wants(std::iter::once(&rule.metric)),
        seen_since: since.div_euclid(DAY) - 1,
        is_fresh: false,
    };
    let (mut known, mut past, rows) = (Known::default(), Past::default(), Cell::new(0_usize));
    reader.read(&source, &ranges, &mut known, |names, resolution, minute, place, row| {
        let counts = names.get(place).is_some_and(|names| measure::group(scoped, names).is_some());
        if counts && rows.get() < most {
            rows.set(rows.get() + 1);
            past.add(resolution, minute, place, row);
        }
    })?;
    past.names = known.names;
    Ok((rows.get() < most).then_some(past))
}
