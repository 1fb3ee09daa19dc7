//! What an evaluation does: signals, whose trigger raises alerts, and what becomes of alerts that are open.

use observa_pipeline::signal::Severity;
use observa_pipeline::signal::window::measure::{self, Group, Names};
use observa_pipeline::signal::window::state::{Act, Level, Reading};
use observa_pipeline::signal::window::{Grouping, edit::Scoped};
use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::detection::states::alert_key;
use crate::error::Error;
use crate::identity::sql_uuid;
use crate::storage::sql_time;

/// For the acting tenant.
pub fn act(
    scoped: &Scoped,
    names: &[Names],
    group: &Group,
    reading: Option<&Reading>,
    act: Act,
    now: i64,
) -> Result<(), Error> {
    let rule = &scoped.rule;
    match act {
        Act::Raise(level) | Act::Repeat(level) => {
            let is_repeated = matches!(act, Act::Repeat(_));
            signal(scoped, names, group, reading, level, now)?;
            update_alert(scoped, group, reading, level, is_repeated)
        }
        Act::Renotify => {
            let key = sql_uuid(alert_key(&rule.signal, group));
            Ok(Spi::run_with_args(include_str!("../../sql/detection/notify_again.sql"), &[key.into()])?)
        }
        Act::Resolve if rule.resolve_minutes == 0 => Ok(()),
        Act::Resolve => resolve(&rule.name, &rule.signal, group, reading.map(|reading| reading.value)),
    }
}

/// Of a rule by which all is well, or that is not there any more.
pub fn resolve(rule: &str, signal: &str, group: &Group, value: Option<f64>) -> Result<(), Error> {
    let key = sql_uuid(alert_key(signal, group));
    let arguments = [key.into(), rule.into(), sql_uuid(Uuid::now_v7()).into(), value.into()];
    Ok(Spi::run_with_args(include_str!("../../sql/detection/resolve_alert.sql"), &arguments)?)
}

fn limit(reading: Option<&Reading>, level: Level) -> Option<f64> {
    let reading = reading?;
    Some(if level == Level::Warn { reading.warn.unwrap_or(reading.threshold) } else { reading.threshold })
}

fn signal(
    scoped: &Scoped,
    names: &[Names],
    group: &Group,
    reading: Option<&Reading>,
    level: Level,
    now: i64,
) -> Result<(), Error> {
    let rule = &scoped.rule;
    let severity = rule.severity_of(level);
    let key = (severity != Severity::Low).then(|| sql_uuid(alert_key(&rule.signal, group)));
    let (model, route) = measure::model_and_route(scoped, names, group);
    let user = group.text.strip_prefix("user_id=").filter(|_| rule.group_by == Grouping::User);
    let span = rule.span(now);
    let time = |minute: i64| sql_time(minute.saturating_mul(60_000_000)).to_iso_string();
    let usual = reading.and_then(|reading| reading.usual);
    let details = json!({
        "unit": rule.metric.unit(), "rule": rule.name, "level": level.name(), "metric": rule.metric.name(),
        "window_minutes": rule.minutes, "window_start": time(span.since), "window_end": time(span.until),
        "samples": reading.map(|reading| reading.samples),
        "baseline": usual.map(|usual| json!({"median": usual.median, "deviation": usual.deviation, "windows": usual.windows})),
        "explanation": measure::explain(rule, reading, level),
    });
    let arguments = [
        sql_uuid(Uuid::now_v7()).into(),
        sql_uuid(group.project_id).into(),
        group.environment.as_str().into(),
        rule.signal.as_str().into(),
        rule.category.as_str().into(),
        severity.name().into(),
        reading.map(|reading| reading.value).into(),
        limit(reading, level).into(),
        group.text.as_str().into(),
        key.into(),
        model.into(),
        route.into(),
        user.into(),
        JsonB(details).into(),
    ];
    Ok(Spi::run_with_args(include_str!("../../sql/detection/signal.sql"), &arguments)?)
}

/// Of one that was just raised nothing changes.
fn update_alert(
    scoped: &Scoped,
    group: &Group,
    reading: Option<&Reading>,
    level: Level,
    is_repeated: bool,
) -> Result<(), Error> {
    let rule = &scoped.rule;
    let is_critical = level == Level::Alert && rule.severity_of(level) == Severity::High && !is_repeated;
    let arguments = [
        sql_uuid(alert_key(&rule.signal, group)).into(),
        reading.map(|reading| reading.value).into(),
        limit(reading, level).into(),
        is_critical.into(),
        measure::explain(rule, reading, level).into(),
        rule.name.as_str().into(),
    ];
    Ok(Spi::run_with_args(include_str!("../../sql/detection/update_alert.sql"), &arguments)?)
}
