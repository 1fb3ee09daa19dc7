//! The job that tells of services that report to be unwell, or report no more.

use observa_pipeline::signal::Severity;
use observa_pipeline::signal::window::measure::Group;
use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::json;
use uuid::Uuid;

use crate::detection::states::alert_key;
use crate::error::Error;
use crate::identity::{self, sql_uuid};
use crate::plans;

/// What a service is, from better to worse, and the signal of it.
struct Kind {
    state: &'static str,
    signal: &'static str,
    severity: Severity,
    says: &'static str,
}

const KINDS: [Kind; 3] = [
    Kind {
        state: "degraded",
        signal: "service_degraded",
        severity: Severity::Medium,
        says: "reports that it is degraded",
    },
    Kind { state: "down", signal: "service_down", severity: Severity::High, says: "reports that it is down" },
    Kind {
        state: "stale",
        signal: "service_silent",
        severity: Severity::High,
        says: "has not reported as it said it would",
    },
];

struct Unwell {
    group: Group,
    state: String,
    since: TimestampWithTimeZone,
    reported_at: TimestampWithTimeZone,
}

/// For the acting tenant: tells once of each service that is not well, as long as that lasts, and resolves alerts of those that are better; how
/// many signals and alerts.
pub fn tell() -> Result<u64, Error> {
    let mut changed = resolve()?;
    for unwell in unwell()? {
        let Some(kind) = KINDS.iter().find(|kind| kind.state == unwell.state) else { continue };
        let key = sql_uuid(alert_key(kind.signal, &unwell.group));
        let mut is_told = false;
        plans::each(
            include_str!("../sql/service/is_told.sql"),
            &[key.into(), unwell.since.into()],
            true,
            |found| {
                is_told = found.get(1).unwrap_or_default();
            },
        )?;
        if !is_told {
            raise(kind, key, &unwell)?;
            changed += 1;
        }
    }
    Ok(changed)
}

fn unwell() -> Result<Vec<Unwell>, Error> {
    let mut all = Vec::new();
    let states = KINDS.map(|kind| kind.state).to_vec();
    plans::each(include_str!("../sql/service/unwell.sql"), &[states.into()], true, |found| {
        let home = found.get::<pgrx::Uuid>(1).zip(found.get::<String>(2));
        let what = found.get::<String>(3).zip(found.get::<String>(4));
        let times = found.get::<TimestampWithTimeZone>(5).zip(found.get::<TimestampWithTimeZone>(6));
        if let (Some((project, environment)), Some((text, state)), Some((since, reported_at))) =
            (home, what, times)
        {
            let group = Group { project_id: identity::uuid(project), environment, text };
            all.push(Unwell { group, state, since, reported_at });
        }
    })?;
    Ok(all)
}

/// The signals table's trigger raises the alert.
fn raise(kind: &Kind, key: pgrx::Uuid, unwell: &Unwell) -> Result<(), Error> {
    let Unwell { group, since, reported_at, .. } = unwell;
    let details = json!({
        "service": group.text, "state": kind.state, "since": since.to_iso_string(), "reported_at": reported_at.to_iso_string(),
        "explanation": format!("{} {}", group.text, kind.says),
    });
    let none: Option<String> = None;
    let arguments = [
        sql_uuid(Uuid::now_v7()).into(),
        sql_uuid(group.project_id).into(),
        group.environment.as_str().into(),
        kind.signal.into(),
        "service".into(),
        kind.severity.name().into(),
        None::<f64>.into(),
        None::<f64>.into(),
        group.text.as_str().into(),
        key.into(),
        none.clone().into(),
        none.clone().into(),
        none.into(),
        JsonB(details).into(),
    ];
    Ok(Spi::run_with_args(include_str!("../sql/detection/signal.sql"), &arguments)?)
}

fn resolve() -> Result<u64, Error> {
    let mut better = Vec::new();
    let (states, signals) = (KINDS.map(|kind| kind.state).to_vec(), KINDS.map(|kind| kind.signal).to_vec());
    plans::each(include_str!("../sql/service/well.sql"), &[states.into(), signals.into()], true, |found| {
        better.extend(found.get::<pgrx::Uuid>(1).zip(found.get::<String>(2)));
    })?;
    for (key, rule) in &better {
        let arguments =
            [(*key).into(), rule.as_str().into(), sql_uuid(Uuid::now_v7()).into(), None::<f64>.into()];
        Spi::run_with_args(include_str!("../sql/detection/resolve_alert.sql"), &arguments)?;
    }
    Ok(better.len() as u64)
}
