//! Days as Parquet files: observa.archive_partition, and what maintenance does before it drops a day for good.

use std::time::{Duration, Instant};

use observa_archive::{Column, Directory, File, Kind, Origin, Value, Writer, verify};
use observa_pipeline::settings::DAY;
use pgrx::JsonB;
use pgrx::datum::Date;
use pgrx::prelude::*;
use serde_json::json;

use crate::error::{Error, or_raise};
use crate::identity;
use crate::jobs::failure::Failure;
use crate::locks;
use crate::patience::Patience;
use crate::settings;
use crate::storage;
use crate::subtransaction;

/// Held while a file is written: two at once would write the same one.
const ARCHIVE_LOCK: i64 = 0x6f62_7365_7276_6104;

/// Rows in memory beside the row group that they are collected in. A row's texts have no more than `observa.max_line_bytes`.
const FETCH: i64 = 32;

/// A run begins no other day after it: the other jobs wait for their turn.
const TURN: Duration = Duration::from_secs(60);

/// Days between 1970 and 2000, where Postgres counts from.
const POSTGRES_EPOCH_DAYS: i64 = storage::POSTGRES_EPOCH / DAY;

struct Archived {
    file: File,
    rows: u64,
}

#[pg_extern(sql = false)]
fn archive_partition(table_name: Option<&str>, day: Option<Date>, directory: Option<&str>) -> JsonB {
    let Archived { file, rows } = or_raise(archive(table_name, day, directory));
    let sha256: String = file.sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    JsonB(json!({"file": file.path.to_string_lossy(), "rows": rows, "bytes": file.bytes, "sha256": sha256}))
}

fn archive(table: Option<&str>, day: Option<Date>, directory: Option<&str>) -> Result<Archived, Error> {
    if !identity::session_is_superuser() {
        return Err(Error::SuperuserOnly("observa.archive_partition()"));
    }
    let known = storage::BY_EVENT_DAY.into_iter().find(|known| Some(*known) == table);
    let known = known.ok_or_else(|| {
        Error::Invalid(format!("table_name is one of {}", storage::BY_EVENT_DAY.join(", ")))
    })?;
    let day = day.ok_or_else(|| Error::Invalid("day is not to be NULL".into()))?;
    let partition = storage::partition(known, i64::from(day.to_pg_epoch_days()) + POSTGRES_EPOCH_DAYS);
    let directory = match directory {
        Some(directory) => Directory::open(directory)?,
        None => chosen_directory()?.ok_or_else(|| {
            Error::Invalid("directory is NULL, and observa.archive_directory is empty".into())
        })?,
    };
    if !locks::is_free(ARCHIVE_LOCK) {
        return Err(Error::Busy("the lock of another archive".into()));
    }
    write(&directory, known, &partition, &partition)
}

/// That of the setting. None: it is empty, and nothing is archived.
pub fn chosen_directory() -> Result<Option<Directory>, Error> {
    let chosen = settings::archive_directory();
    Ok(chosen.map(|path| Directory::open(&path)).transpose()?)
}

/// Writes what waits for it, and drops what is written; how many days of a table. A day that fails stays, and the others go on: only
/// where none of them went it is an error.
pub fn empty_waiting_room(patience: &mut Patience) -> Result<u64, Error> {
    let waiting = waiting()?;
    if waiting.is_empty() {
        return Ok(0);
    }
    let directory = chosen_directory()?.ok_or_else(|| {
        Error::NotReady(format!(
            "observa.archive_directory is empty, and {} partitions wait to be archived",
            waiting.len()
        ))
    })?;
    if !locks::is_free(ARCHIVE_LOCK) {
        patience.postponed.push("archives, while observa.archive_partition() runs".into());
        return Ok(0);
    }
    let begun = Instant::now();
    let (mut done, mut failed): (u64, Option<Failure>) = (0, None);
    for Waiting { name, table, day } in waiting {
        if begun.elapsed() > TURN {
            break;
        }
        let run = || {
            write(&directory, &table, &name, &storage::partition(&table, day))?;
            // What is set aside nobody else reads or writes.
            Ok(Spi::run(&format!("DROP TABLE {}", qualified(&name)))?)
        };
        match subtransaction::attempt(run) {
            Ok(()) => done += 1,
            Err(failure) => {
                pgrx::warning!("observa: {name} could not be archived, and stays: {}", failure.text());
                failed.get_or_insert(failure);
            }
        }
    }
    // It has made nobody wait, and the round's other jobs have their time.
    patience.begin_again();
    match failed {
        Some(failure) if done == 0 => Err(Error::Archive(failure.text())),
        _ => Ok(done),
    }
}

struct Waiting {
    name: String,
    table: String,
    /// Since 1970.
    day: i64,
}

fn waiting() -> Result<Vec<Waiting>, Error> {
    let read = Spi::connect(|client| {
        let rows = client.select(include_str!("../sql/retention/set_aside.sql"), None, &[])?;
        rows.map(|row| {
            let day = row.get::<i32>(3)?.map(i64::from);
            let found = row.get::<String>(1)?.zip(row.get::<String>(2)?).zip(day);
            Ok(found.map(|((name, table), day)| Waiting { name, table, day }))
        })
        .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(read.into_iter().flatten().collect())
}

/// Writes a table of `observa_internal` that holds a day, or what was set aside of one. It takes ACCESS SHARE, which no ingest waits for.
fn write(directory: &Directory, table: &str, relation: &str, partition: &str) -> Result<Archived, Error> {
    let oid = storage::relation(relation).ok_or_else(|| Error::NotFound {
        what: "partition",
        id: relation.to_owned(),
        state: "",
    })?;
    let database: Option<String> = Spi::get_one(include_str!("../sql/query/database_identity.sql"))?;
    let origin = Origin {
        database: database.unwrap_or_default(),
        partition: partition.to_owned(),
        relation: oid.to_u32().to_string(),
    };
    let columns = columns(relation)?;
    let draft = directory.draft(table, &origin)?;
    let mut writer = Writer::new(&draft.file, columns.clone(), &origin)?;
    // Row security is forced on partitions, and no policy opens one by itself.
    // In the order that the rows lie in, so that what is written twice is the same.
    let run = || {
        settings::with(c"synchronize_seqscans", c"off", || {
            read(relation, &columns, |row| Ok(writer.push(row)?))
        })
    };
    identity::as_session_superuser(run)??;
    let written = writer.finish()?;
    draft.sync()?;
    let mut tick = || {
        pgrx::check_for_interrupts!();
    };
    verify(draft.reopen()?, &written, &mut tick)?;
    let file = draft.publish(&written, &mut tick)?;
    Ok(Archived { file, rows: written.rows })
}

/// They are read as a superuser: of a view, or of a type that somebody has made, its functions would run as one.
fn columns(relation: &str) -> Result<Vec<Column>, Error> {
    let read = Spi::connect(|client| {
        let sql = include_str!("../sql/query/partition_columns.sql");
        let rows = client.select(sql, None, &[relation.into()])?;
        rows.map(|row| {
            let column = row.get::<String>(1)?.zip(row.get::<String>(2)?);
            let is_safe = row.get::<bool>(3)? == Some(true);
            Ok(column.map(|(name, sql_type)| (Column { name, kind: kind(&sql_type) }, is_safe)))
        })
        .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    let columns = read.into_iter().flatten().map(|(column, is_safe)| {
        let Column { name, .. } = &column;
        let refused = || {
            Error::Invalid(format!(
                "{relation} is no table, or {name} is of a type that is not PostgreSQL's own"
            ))
        };
        if is_safe { Ok(column) } else { Err(refused()) }
    });
    columns.collect()
}

/// Numbers of any size and whatever else there may be are archived as Postgres writes them: nothing is lost.
fn kind(sql_type: &str) -> Kind {
    match sql_type {
        "boolean" => Kind::Bool,
        "integer" => Kind::Int,
        "bigint" => Kind::BigInt,
        "double precision" => Kind::Double,
        "json" | "jsonb" => Kind::Json,
        "timestamp with time zone" => Kind::Time,
        "uuid" => Kind::Uuid,
        _ => Kind::Text,
    }
}

fn qualified(relation: &str) -> String {
    format!("observa_internal.{}", pgrx::spi::quote_identifier(relation))
}

/// Hands over all rows of one snapshot, a few of them in memory at once.
fn read(
    relation: &str,
    columns: &[Column],
    mut take: impl FnMut(Vec<Value>) -> Result<(), Error>,
) -> Result<(), Error> {
    let selected: Vec<String> = columns
        .iter()
        .map(|Column { name, kind }| {
            let name = pgrx::spi::quote_identifier(name);
            if matches!(kind, Kind::Text | Kind::Json) { format!("{name}::text") } else { name }
        })
        .collect();
    // Names from the catalogs, quoted.
    let sql = format!("SELECT {} FROM {}", selected.join(", "), qualified(relation));
    let mut cursor =
        Spi::connect(|client| Ok::<_, Error>(client.try_open_cursor(sql.as_str(), &[])?.detach_into_name()))?;
    loop {
        pgrx::check_for_interrupts!();
        // Each in a session of its own, which frees what was fetched.
        let (name, fetched) = Spi::connect(|client| {
            let mut open = client.find_cursor(&cursor)?;
            let rows = open.fetch(FETCH)?;
            let fetched = rows.len();
            for row in rows {
                take(row_of(&row, columns)?)?;
            }
            Ok::<_, Error>((if fetched > 0 { Some(open.detach_into_name()) } else { None }, fetched))
        })?;
        match name {
            Some(name) if fetched > 0 => cursor = name,
            _ => return Ok(()),
        }
    }
}

fn row_of(row: &pgrx::spi::SpiHeapTupleData, columns: &[Column]) -> Result<Vec<Value>, Error> {
    let value = |(at, column): (usize, &Column)| {
        let at = at + 1;
        Ok(match column.kind {
            Kind::Bool => row.get::<bool>(at)?.map(Value::Bool),
            Kind::Int => row.get::<i32>(at)?.map(Value::Int),
            Kind::BigInt => row.get::<i64>(at)?.map(Value::BigInt),
            Kind::Double => row.get::<f64>(at)?.map(Value::Double),
            Kind::Text | Kind::Json => row.get::<String>(at)?.map(Value::Text),
            Kind::Time => row.get(at)?.map(|time| Value::BigInt(storage::unix_micros(time))),
            Kind::Uuid => row.get::<pgrx::Uuid>(at)?.map(|id| Value::Uuid(*id.as_bytes())),
        }
        .unwrap_or(Value::Null))
    };
    columns.iter().enumerate().map(value).collect()
}
