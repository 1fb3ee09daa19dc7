//! Questions that are unlike all that is usual.

use observa_pipeline::embedding::scope::{LEAST, Usual};
use pgrx::prelude::*;

use super::window::{self, Row, Window};
use crate::error::{Error, or_raise};
use crate::storage::{sql_time, unix_micros};

/// Those that are told, the farthest.
const MOST_TOLD: usize = 100;

/// Microseconds of the time before that says what is usual.
const PAST: i64 = 14 * observa_pipeline::settings::DAY;

type Unusual = (String, TimestampWithTimeZone, f64, f64, Option<String>);

#[pg_extern(sql = false)]
fn out_of_scope(
    project: Option<pgrx::Uuid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> TableIterator<
    'static,
    (
        name!(event_id, String),
        name!(ts, TimestampWithTimeZone),
        name!(distance, f64),
        name!(threshold, f64),
        name!(question, Option<String>),
    ),
> {
    TableIterator::new(or_raise(unusual(project, since, until)))
}

fn unusual(
    project: Option<pgrx::Uuid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> Result<Vec<Unusual>, Error> {
    let window = window::of(project, since, until)?;
    let now = window::load(&window, None)?;
    let Some(model) = &now.model else { return Ok(Vec::new()) };
    let begun = sql_time(unix_micros(window.since).saturating_sub(PAST));
    let before = Window { since: begun, until: window.since, ..window };
    let past = window::load(&before, Some(model))?;
    let Some(usual) = Usual::of(&past.vectors, window::pause) else {
        return Err(Error::NotReady(format!(
            "of the 14 days before there are {} vectors: with fewer than {LEAST} nothing is usual",
            past.rows.len()
        )));
    };
    let distances = now.vectors.iter().map(|vector| usual.distance(vector));
    let mut told: Vec<(&Row, f64)> =
        now.rows.iter().zip(distances).filter(|(_, distance)| *distance > usual.threshold).collect();
    told.sort_by(|a, b| b.1.total_cmp(&a.1));
    told.truncate(MOST_TOLD);
    let rows: Vec<&Row> = told.iter().map(|(row, _)| *row).collect();
    let questions = window::questions(window.tenant, &rows)?;
    let rows = told.into_iter().zip(questions);
    Ok(rows
        .map(|((row, distance), question)| {
            (row.event_id.clone(), row.ts, distance, usual.threshold, question)
        })
        .collect())
}
