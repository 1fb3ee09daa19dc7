//! Buckets of a time in a time zone: its minutes, hours, days, weeks and months.

use observa_pipeline::settings::DAY;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;

use crate::error::Error;
use crate::plans;
use crate::storage::{sql_time, unix_micros};

/// How long the shortest bucket of a unit is, in microseconds.
pub struct Unit {
    pub name: &'static str,
    pub length: i64,
    /// Where clocks are not changed: a time at which one begins, in UTC. None: not all are as long.
    begins: Option<i64>,
}

pub const UNITS: [Unit; 5] = [
    Unit { name: "minute", length: DAY / 1_440, begins: Some(0) },
    Unit { name: "hour", length: DAY / 24, begins: Some(0) },
    Unit { name: "day", length: DAY, begins: Some(0) },
    // The fifth of January 1970 was a Monday.
    Unit { name: "week", length: 7 * DAY, begins: Some(4 * DAY) },
    Unit { name: "month", length: 28 * DAY, begins: None },
];

/// When each bucket begins that has any of the time from `since` on, before `until`, in order. Microseconds since 1970 UTC.
pub fn starts(unit: &Unit, time_zone: &str, since: i64, until: i64) -> Result<Vec<i64>, Error> {
    let from = |time: i64| DatumWithOid::from(sql_time(time));
    let mut ahead: Vec<i64> = Vec::new();
    // The first bucket may begin before a change of the clock that the time itself comes after.
    let arguments = [time_zone.into(), from(since.saturating_sub(2 * unit.length)), from(until)];
    plans::each(include_str!("../sql/dashboard/zone.sql"), &arguments, false, |row| {
        ahead.extend(row.get::<i64>(1));
    })?;
    if since >= until {
        return Ok(Vec::new());
    }
    if let ([seconds], Some(begins)) = (ahead.as_slice(), unit.begins) {
        let one = begins - seconds * 1_000_000;
        let first = (since - one).div_euclid(unit.length) * unit.length + one;
        return Ok((0..)
            .map(|number| first + number * unit.length)
            .take_while(|start| *start < until)
            .collect());
    }
    let mut starts = Vec::new();
    let arguments = [unit.name.into(), time_zone.into(), from(since), from(until)];
    plans::each(include_str!("../sql/dashboard/buckets.sql"), &arguments, false, |row| {
        starts.extend(row.get::<TimestampWithTimeZone>(1).map(unix_micros));
    })?;
    Ok(starts)
}
