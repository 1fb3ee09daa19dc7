//! The job that watches how models answer: it looks at a sample of the last hour's answers, and holds the day against those before.

use std::collections::BTreeMap;

use observa_pipeline::manner::{Manner, Shift, shifts};
use observa_pipeline::settings::DAY;
use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::error::Error;
use crate::identity::{self, sql_uuid};
use crate::plans;
use crate::storage::{self, sql_time, unix_micros};

/// Microseconds.
const HOUR: i64 = 3_600_000_000;

/// Answers of a run: to read a language costs some 0.2 ms.
const MOST_ANSWERS: i64 = 500;

/// Days of the past that a day is held against, and that are kept.
const PAST_DAYS: i64 = 14;
const KEPT_DAYS: i64 = 28;

/// Project, environment, model, route; the last two are empty where the events do not say.
type Group = (Uuid, String, String, String);

/// For the acting tenant; how many signals were raised.
pub fn watch() -> Result<u64, Error> {
    let now = storage::now();
    see(now)?;
    let mut raised = 0;
    for (group, (past, present)) in days(now)? {
        for shift in shifts(&past, &present) {
            raised += u64::from(raise(&group, &shift, &present, past.len())?);
        }
    }
    forget(now)?;
    Ok(raised)
}

/// Adds what has come since the last run, an hour of it at most, to the days.
fn see(now: i64) -> Result<(), Error> {
    let mut seen_until = None;
    let sql = include_str!("../sql/manner/seen_until.sql");
    plans::each(sql, &[sql_time(now - DAY).into()], true, |found| {
        seen_until = found.get::<TimestampWithTimeZone>(1).map(unix_micros);
    })?;
    let since = seen_until.unwrap_or_default().max(now - HOUR);
    let mut seen: BTreeMap<(i64, Group), Manner> = BTreeMap::new();
    let arguments = [sql_time(since).into(), sql_time(now).into(), MOST_ANSWERS.into()];
    let sql = include_str!("../sql/manner/answers.sql");
    plans::each(sql, &arguments, true, |found| {
        let Some(ts) = found.get::<TimestampWithTimeZone>(1).map(unix_micros) else { return };
        let Some(project) = found.get::<pgrx::Uuid>(2).map(identity::uuid) else { return };
        let text = |column| found.get::<String>(column).unwrap_or_default();
        let manner = seen.entry((ts.div_euclid(DAY), (project, text(3), text(4), text(5)))).or_default();
        manner.see(&text(7), found.get::<String>(6).as_deref());
    })?;
    for ((day, (project, environment, model, route)), manner) in seen {
        let day = sql_time(day * DAY);
        let of = [
            day.into(),
            sql_uuid(project).into(),
            environment.as_str().into(),
            model.as_str().into(),
            route.as_str().into(),
        ];
        let mut all = manner;
        plans::each(include_str!("../sql/manner/day.sql"), &of, true, |found| {
            all.add(&found.get::<JsonB>(1).map(read).unwrap_or_default());
        })?;
        let [day, project, environment, model, route] = of;
        let stored = JsonB(serde_json::to_value(&all).unwrap_or_default());
        let arguments = [day, project, environment, model, route, stored.into(), sql_time(now).into()];
        Spi::run_with_args(include_str!("../sql/manner/put.sql"), &arguments)?;
    }
    Ok(())
}

/// What a newer library has written and this one can't read says nothing.
fn read(stored: JsonB) -> Manner {
    serde_json::from_value(stored.0).unwrap_or_default()
}

/// Of each group that answered on the day that runs: the days before, and that day.
fn days(now: i64) -> Result<BTreeMap<Group, (Vec<Manner>, Manner)>, Error> {
    let mut groups: BTreeMap<Group, (Vec<Manner>, Manner)> = BTreeMap::new();
    let arguments = [sql_time(now - PAST_DAYS * DAY).into(), sql_time(now).into()];
    plans::each(include_str!("../sql/manner/days.sql"), &arguments, true, |found| {
        let Some(project) = found.get::<pgrx::Uuid>(1).map(identity::uuid) else { return };
        let text = |column| found.get::<String>(column).unwrap_or_default();
        let (past, present) = groups.entry((project, text(2), text(3), text(4))).or_default();
        let manner = found.get::<JsonB>(5).map(read).unwrap_or_default();
        if found.get::<bool>(6).unwrap_or_default() {
            *present = manner;
        } else {
            past.push(manner);
        }
    })?;
    Ok(groups)
}

/// False: it was told today.
fn raise(group: &Group, shift: &Shift, present: &Manner, days: usize) -> Result<bool, Error> {
    let (project, environment, model, route) = group;
    let details = json!({
        "what": shift.what,
        "unit": shift.unit,
        "baseline": shift.before,
        "answers": present.answers,
        "days": days,
    });
    let arguments = [
        sql_uuid(Uuid::now_v7()).into(),
        sql_uuid(*project).into(),
        environment.as_str().into(),
        model.as_str().into(),
        route.as_str().into(),
        shift.now.into(),
        shift.threshold.into(),
        JsonB(details).into(),
    ];
    let sql = include_str!("../sql/manner/signal.sql");
    Ok(Spi::connect_mut(|client| client.update(sql, None, &arguments).map(|rows| !rows.is_empty()))?)
}

fn forget(now: i64) -> Result<(), Error> {
    let sql = include_str!("../sql/manner/forget.sql");
    Ok(Spi::run_with_args(sql, &[sql_time(now - KEPT_DAYS * DAY).into()])?)
}
