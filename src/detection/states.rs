//! What the acting tenant's rules keep of groups from one evaluation to the next.

use std::collections::HashMap;

use observa_pipeline::identity::uuid_of_parts;
use observa_pipeline::signal::window::measure::Group;
use observa_pipeline::signal::window::state::{Level, State};
use pgrx::prelude::*;
use uuid::Uuid;

use crate::error::Error;
use crate::identity::{self, sql_uuid};
use crate::plans::{self, Found};
use crate::storage::{sql_time, unix_micros};

/// By rule: what its signals are called, and the state of each group.
pub type States = HashMap<String, (String, HashMap<Group, State>)>;

pub fn read() -> Result<States, Error> {
    let mut states = States::new();
    let sql = include_str!("../../sql/detection/states.sql");
    plans::each(sql, &[], true, |found| {
        let names = (
            found.get::<String>(1),
            found.get::<pgrx::Uuid>(2),
            found.get::<String>(3),
            found.get::<String>(4),
        );
        let (Some(rule), Some(project), Some(environment), Some(text)) = names else { return };
        let group = Group { project_id: identity::uuid(project), environment, text };
        let signal = found.get::<String>(5).unwrap_or_default();
        states.entry(rule).or_insert_with(|| (signal, HashMap::new())).1.insert(group, state(found));
    })?;
    Ok(states)
}

fn state(found: &Found) -> State {
    let time = |column| found.get::<TimestampWithTimeZone>(column).map(unix_micros);
    State {
        level: Level::from_number(found.get::<i16>(6).unwrap_or_default()),
        worse_since: time(7),
        well_since: time(8),
        told_at: time(9),
        notified_at: time(10),
        flaps: found.get::<i16>(11).and_then(|flaps| u8::try_from(flaps).ok()).unwrap_or_default(),
        ended_at: time(12),
    }
}

/// The key of the alert that signals of a name about a group raise.
pub fn alert_key(signal: &str, group: &Group) -> Uuid {
    uuid_of_parts(&["alert", &group.project_id.to_string(), &group.environment, signal, &group.text])
}

/// None: there is nothing to keep.
pub fn put(rule: &str, signal: &str, group: &Group, state: Option<&State>) -> Result<(), Error> {
    let key = sql_uuid(alert_key(signal, group));
    let Some(state) = state else {
        return Ok(Spi::run_with_args(
            include_str!("../../sql/detection/drop_state.sql"),
            &[rule.into(), key.into()],
        )?);
    };
    let time = |micros: Option<i64>| micros.map(sql_time);
    let arguments = [
        rule.into(),
        key.into(),
        sql_uuid(group.project_id).into(),
        group.environment.as_str().into(),
        group.text.as_str().into(),
        signal.into(),
        state.level.number().into(),
        time(state.worse_since).into(),
        time(state.well_since).into(),
        time(state.told_at).into(),
        time(state.notified_at).into(),
        i16::from(state.flaps).into(),
        time(state.ended_at).into(),
    ];
    Ok(Spi::run_with_args(include_str!("../../sql/detection/put_state.sql"), &arguments)?)
}
