//! observa.tail_logs(): log lines as they come, for who asks again and again.

use pgrx::JsonB;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::embeddings::window;
use crate::error::{Error, or_raise};
use crate::identity::{sql_uuid, uuid};
use crate::logs::level_named;
use crate::storage::{sql_time, unix_micros};

/// The least severe first.
const LEVELS: [&str; 5] = ["debug", "info", "warning", "error", "critical"];

/// Lines of one answer.
const MOST: i32 = 1_000;

/// Where an answer ended: the last line's time, in microseconds since 1970 UTC, and its id.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cursor {
    ts: i64,
    id: Uuid,
}

impl Cursor {
    fn parse(text: &str) -> Option<Cursor> {
        let (ts, id) = text.split_once('/')?;
        Some(Cursor { ts: ts.parse().ok()?, id: id.parse().ok()? })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        write!(to, "{}/{}", self.ts, self.id)
    }
}

type Line = (
    String,
    TimestampWithTimeZone,
    String,
    Option<String>,
    String,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<JsonB>,
    pgrx::Uuid,
    pgrx::Uuid,
);

/// With the rights of who asks.
#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "pgrx reads the columns from the type")]
fn tail_logs(
    after: Option<&str>,
    level: Option<&str>,
    service: Option<&str>,
    lim: Option<i32>,
    project: Option<pgrx::Uuid>,
) -> TableIterator<
    'static,
    (
        name!(cursor, String),
        name!(created_at, TimestampWithTimeZone),
        name!(level, String),
        name!(service, Option<String>),
        name!(message, String),
        name!(trace_id, Option<String>),
        name!(span_id, Option<String>),
        name!(request_id, Option<String>),
        name!(error_code, Option<String>),
        name!(error_stack, Option<String>),
        name!(metadata, Option<JsonB>),
        name!(id, pgrx::Uuid),
        name!(project_id, pgrx::Uuid),
    ),
> {
    TableIterator::new(or_raise(tail(after, level, service, lim, project)))
}

fn tail(
    after: Option<&str>,
    level: Option<&str>,
    service: Option<&str>,
    lim: Option<i32>,
    project: Option<pgrx::Uuid>,
) -> Result<Vec<Line>, Error> {
    let lim = lim.filter(|lim| (1..=MOST).contains(lim));
    let lim = lim.ok_or_else(|| Error::Invalid(format!("lim must be 1 to {MOST}")))?;
    let level = level.map_or(Some("debug"), level_named);
    let least = LEVELS.iter().position(|known| level == Some(known));
    let least = least.ok_or_else(|| Error::Invalid(format!("level must be one of {}", LEVELS.join(", "))))?;
    let wanted: Vec<&str> = LEVELS.iter().skip(least).copied().collect();
    let seen = after.map(|after| {
        Cursor::parse(after)
            .ok_or_else(|| Error::Invalid("after must be a cursor of an earlier answer".into()))
    });
    let seen = seen.transpose()?;
    let statement = match seen {
        Some(_) => include_str!("../sql/query/log_lines.sql"),
        None => include_str!("../sql/query/newest_log_lines.sql"),
    };
    let Cursor { ts, id } = seen.unwrap_or(Cursor { ts: 0, id: Uuid::nil() });
    let arguments = [
        window::tenant(project)?.into(),
        project.into(),
        wanted.into(),
        service.into(),
        sql_time(ts).into(),
        sql_uuid(id).into(),
        i64::from(lim).into(),
    ];
    let lines = Spi::connect(|client| {
        client.select(statement, None, &arguments)?.map(|row| line(&row)).collect::<Result<Vec<_>, _>>()
    })?;
    Ok(lines.into_iter().flatten().collect())
}

fn line(row: &pgrx::spi::SpiHeapTupleData) -> Result<Option<Line>, pgrx::spi::Error> {
    let text = |column: usize| row.get::<String>(column);
    let (Some(ts), Some(id), Some(project)) =
        (row.get::<TimestampWithTimeZone>(1)?, row.get::<pgrx::Uuid>(2)?, row.get::<pgrx::Uuid>(12)?)
    else {
        return Ok(None);
    };
    let cursor = Cursor { ts: unix_micros(ts), id: uuid(id) };
    Ok(Some((
        cursor.to_string(),
        ts,
        text(3)?.unwrap_or_default(),
        text(4)?,
        text(5)?.unwrap_or_default(),
        text(6)?,
        text(7)?,
        text(8)?,
        text(9)?,
        text(10)?,
        row.get::<JsonB>(11)?,
        id,
        project,
    )))
}
