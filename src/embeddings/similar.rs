//! Questions that are like a text or like an event's.

use observa_pipeline::embedding::normalised;
use pgrx::prelude::*;

use super::pgvector::{self, Index};
use super::queries;
use super::window::{self, Window};
use crate::error::{Error, or_raise};
use crate::log_guard::guard_statement;
use crate::rows;

/// Vectors that are looked at without an index, the newest: each is read and compared.
const MOST: i64 = 50_000;

/// Found at once.
const MOST_FOUND: i32 = 1_000;

type Found = (
    String,
    TimestampWithTimeZone,
    f64,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    pgrx::Uuid,
);

/// What is searched by.
struct Asked {
    model: String,
    vector: Vec<f32>,
    /// That is not among what is found.
    event_id: Option<String>,
}

/// Waits some seconds for a worker, if it is asked for right after observa.embed().
#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "pgrx reads the columns from the type")]
fn similar(
    query: Option<&str>,
    k: Option<i32>,
    project: Option<pgrx::Uuid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> TableIterator<
    'static,
    (
        name!(event_id, String),
        name!(ts, TimestampWithTimeZone),
        name!(similarity, f64),
        name!(question, Option<String>),
        name!(trace_id, Option<String>),
        name!(model, Option<String>),
        name!(route, Option<String>),
        name!(user_id, Option<String>),
        name!(project_id, pgrx::Uuid),
    ),
> {
    guard_statement();
    let asked = |tenant| {
        let (model, vector) = queries::wait_for(tenant, query)?;
        Ok(Asked { model, vector, event_id: None })
    };
    TableIterator::new(or_raise(search(k, project, (since, until), asked)))
}

#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "pgrx reads the columns from the type")]
fn similar_events(
    event_id: Option<&str>,
    k: Option<i32>,
    project: Option<pgrx::Uuid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> TableIterator<
    'static,
    (
        name!(event_id, String),
        name!(ts, TimestampWithTimeZone),
        name!(similarity, f64),
        name!(question, Option<String>),
        name!(trace_id, Option<String>),
        name!(model, Option<String>),
        name!(route, Option<String>),
        name!(user_id, Option<String>),
        name!(project_id, pgrx::Uuid),
    ),
> {
    let asked = |tenant| of_event(tenant, event_id.unwrap_or_default());
    TableIterator::new(or_raise(search(k, project, (since, until), asked)))
}

fn of_event(tenant: pgrx::Uuid, event_id: &str) -> Result<Asked, Error> {
    let found = Spi::connect(|client| {
        let arguments = [tenant.into(), event_id.into()];
        let rows = client.select(include_str!("../../sql/embedding/event.sql"), Some(1), &arguments)?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        Ok::<_, pgrx::spi::Error>(row.get::<String>(1)?.zip(row.get::<Vec<f32>>(2)?))
    })?;
    let (model, vector) = found.ok_or_else(|| Error::NotFound {
        what: "event",
        id: event_id.chars().take(200).collect(),
        state: "embedded",
    })?;
    Ok(Asked { model, vector, event_id: Some(event_id.to_owned()) })
}

fn search(
    k: Option<i32>,
    project: Option<pgrx::Uuid>,
    (since, until): (Option<TimestampWithTimeZone>, Option<TimestampWithTimeZone>),
    asked: impl FnOnce(pgrx::Uuid) -> Result<Asked, Error>,
) -> Result<Vec<Found>, Error> {
    let k = k.filter(|k| (1..=MOST_FOUND).contains(k));
    let k = k.ok_or_else(|| Error::Invalid(format!("k must be 1 to {MOST_FOUND}")))?;
    let window = window::of(project, since, until)?;
    let asked = asked(window.tenant)?;
    let Some(vector) = normalised(&asked.vector) else { return Ok(Vec::new()) };
    let asked = Asked { vector, ..asked };
    if let Some(index) = Index::of(asked.vector.len())?
        && is_many(&window, &asked)?
    {
        // Twice as many: what the index has may be rounded, and these are compared exactly.
        let near = index.fill(include_str!("../../sql/embedding/near.sql"));
        let found = pgvector::search(i64::from(k), || look(k, &window, &asked, &near, 2 * i64::from(k)))?;
        // Of a few among many others' the index finds some only.
        if found.len() == usize::try_from(k).unwrap_or_default() {
            return Ok(found);
        }
    }
    look(k, &window, &asked, include_str!("../../sql/embedding/newest.sql"), MOST)
}

fn is_many(window: &Window, asked: &Asked) -> Result<bool, Error> {
    let arguments = [
        window.tenant.into(),
        window.project.into(),
        window.since.into(),
        window.until.into(),
        asked.model.as_str().into(),
        pgvector::MANY.into(),
    ];
    let many = include_str!("../../sql/embedding/many.sql");
    Ok(Spi::get_one_with_args::<bool>(many, &arguments)?.unwrap_or_default())
}

/// Compares candidates, `most` of them.
fn look(k: i32, window: &Window, asked: &Asked, candidates: &str, most: i64) -> Result<Vec<Found>, Error> {
    let statement = include_str!("../../sql/embedding/similar.sql").replace("{candidates}", candidates);
    let arguments = [
        window.tenant.into(),
        window.project.into(),
        window.since.into(),
        window.until.into(),
        asked.model.as_str().into(),
        asked.vector.clone().into(),
        i64::from(k).into(),
        most.into(),
        asked.event_id.as_deref().into(),
    ];
    let found = rows::in_own_memory(|| {
        Spi::connect(|client| {
            let rows = client.select(&statement, None, &arguments)?;
            rows.map(|row| {
                let text = |column: usize| row.get::<String>(column);
                let key = row.get::<String>(1)?.zip(row.get::<TimestampWithTimeZone>(2)?);
                let (Some((event_id, ts)), Some(project)) = (key, row.get::<pgrx::Uuid>(9)?) else {
                    return Ok(None);
                };
                let similarity = row.get::<f64>(3)?.unwrap_or_default();
                Ok(Some((
                    event_id,
                    ts,
                    similarity,
                    text(4)?,
                    text(5)?,
                    text(6)?,
                    text(7)?,
                    text(8)?,
                    project,
                )))
            })
            .collect::<Result<Vec<_>, pgrx::spi::Error>>()
        })
    })?;
    Ok(found.into_iter().flatten().collect())
}
