//! What has outlived its time goes: whole days by dropping their partitions, where all projects are done with them, and a project's
//! rows in bounded batches, where others keep theirs for longer.

use std::collections::BTreeMap;

use observa_pipeline::settings::DAY;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::archive;
use crate::error::{Error, or_raise};
use crate::identity::{self, sql_uuid};
use crate::jobs::{self, Done};
use crate::patience::Patience;
use crate::settings;
use crate::storage::{self, sql_time};

/// Rows of one statement.
const BATCH: i64 = 2_000;

/// Rows of a round: what is left is the next one's.
const ROUND: i64 = 20_000;

/// How long something is kept, in days. None: for ever.
pub type Days = Option<i32>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Of everything: what is told of an event.
    pub days: Days,
    /// Of what was said: prompts, answers, attributes, logs.
    pub payload_days: Days,
}

struct Project {
    tenant_id: Uuid,
    id: Uuid,
    keeps: Kept,
    /// Day and bounds of its last finished pass.
    done: Option<(i64, Kept)>,
}

/// Which of the two a thing is kept by.
type Class = fn(Kept) -> Days;

/// What can be deleted of a project, in this order: what is told by a row goes before the row.
struct Part {
    sql: &'static str,
    /// The table that has a partition for each day. None: it has none.
    table: Option<&'static str>,
    days: Class,
}

const DEAD_LETTERS: &str = include_str!("../sql/retention/rejected_events.sql");

const ALERTS: &str = include_str!("../sql/retention/alerts.sql");

/// Few, so each pass looks at all: dead letters are kept by a setting of their own that may have changed, and an alert may end long after
/// its time.
const LOOKED_THROUGH: [&str; 2] = [DEAD_LETTERS, ALERTS];

const PARTS: [Part; 17] = [
    Part {
        sql: include_str!("../sql/retention/payloads.sql"),
        table: Some("event_payloads"),
        days: |kept| kept.payload_days,
    },
    Part {
        sql: include_str!("../sql/retention/logs.sql"),
        table: Some("logs"),
        days: |kept| kept.payload_days,
    },
    Part {
        sql: DEAD_LETTERS,
        table: None,
        days: |kept| shorter(kept.payload_days, settings::rejected_events_days()),
    },
    Part {
        sql: include_str!("../sql/retention/signal_details.sql"),
        table: Some("signals"),
        days: |kept| kept.payload_days,
    },
    Part {
        sql: include_str!("../sql/retention/alert_texts.sql"),
        table: None,
        days: |kept| kept.payload_days,
    },
    Part {
        sql: include_str!("../sql/retention/alert_notes.sql"),
        table: None,
        days: |kept| kept.payload_days,
    },
    Part {
        sql: include_str!("../sql/retention/issue_texts.sql"),
        table: None,
        days: |kept| kept.payload_days,
    },
    Part {
        sql: include_str!("../sql/retention/issue_notes.sql"),
        table: None,
        days: |kept| kept.payload_days,
    },
    Part {
        sql: include_str!("../sql/retention/reasonings.sql"),
        table: None,
        days: |kept| kept.payload_days,
    },
    Part {
        sql: include_str!("../sql/retention/embeddings.sql"),
        table: None,
        days: |kept| kept.payload_days,
    },
    Part { sql: include_str!("../sql/retention/verdicts.sql"), table: None, days: |kept| kept.days },
    Part {
        sql: include_str!("../sql/retention/signals.sql"),
        table: Some("signals"),
        days: |kept| kept.days,
    },
    Part { sql: ALERTS, table: None, days: |kept| kept.days },
    Part { sql: include_str!("../sql/retention/issues.sql"), table: None, days: |kept| kept.days },
    Part { sql: include_str!("../sql/retention/traces.sql"), table: None, days: |kept| kept.days },
    Part { sql: include_str!("../sql/retention/activities.sql"), table: None, days: |kept| kept.days },
    Part { sql: include_str!("../sql/retention/events.sql"), table: Some("events"), days: |kept| kept.days },
];

/// Tables whose partitions go, and by what.
const PARTITIONED: [(&str, Class); 4] = [
    ("event_payloads", |kept| kept.payload_days),
    ("logs", |kept| kept.payload_days),
    ("signals", |kept| kept.days),
    ("events", |kept| kept.days),
];

fn today() -> i64 {
    storage::now().div_euclid(DAY)
}

/// The first day of those to keep, since 1970. A day is kept until all of it is old enough.
fn first_kept(days: Days) -> Option<i64> {
    days.map(|days| today() - i64::from(days))
}

/// A partitioned table and its first day of those to keep, since 1970. None: all days.
type FirstKept = (&'static str, Option<i64>);

/// The shorter one: what has no row any more is told by none.
fn shorter(a: Days, b: Days) -> Days {
    [a, b].into_iter().flatten().min()
}

impl Kept {
    /// A project's own days, else the settings'. 0: for ever.
    fn of(own_days: Days, own_payload_days: Days) -> Kept {
        let chosen = |own: Days, setting: Days| own.map_or(setting, |days| (days > 0).then_some(days));
        let days = chosen(own_days, settings::retention_days());
        let payload_days = chosen(own_payload_days, settings::payload_retention_days());
        Kept { days, payload_days: shorter(days, payload_days) }
    }
}

/// What the project that keeps longest keeps.
fn longest(of: impl Iterator<Item = Days>) -> Days {
    of.reduce(|a, b| a.zip(b).map(|(a, b)| a.max(b))).flatten()
}

/// The first day that is kept of each partitioned table, by all that tenants have chosen. None: all days.
pub fn horizons<const N: usize>(tables: [&'static str; N]) -> Result<[FirstKept; N], Error> {
    let projects = projects()?;
    Ok(tables.map(|table| (table, first_kept_of(table, &projects))))
}

fn first_kept_of(table: &str, projects: &[Project]) -> Option<i64> {
    let (_, days) = PARTITIONED.iter().find(|(name, _)| *name == table)?;
    first_kept(longest(projects.iter().map(|project| days(project.keeps))))
}

/// Of all tenants.
fn projects() -> Result<Vec<Project>, Error> {
    let read = Spi::connect(|client| {
        let rows = client.select("SELECT * FROM observa_internal.retention_of_projects()", None, &[])?;
        rows.map(|row| {
            let number = |column: usize| row.get::<i32>(column);
            let home = row.get::<pgrx::Uuid>(1)?.zip(row.get::<pgrx::Uuid>(2)?);
            let Some((tenant_id, id)) = home else { return Ok(None) };
            let kept = Kept { days: number(6)?, payload_days: number(7)? };
            Ok(Some(Project {
                tenant_id: identity::uuid(tenant_id),
                id: identity::uuid(id),
                keeps: Kept::of(number(3)?, number(4)?),
                done: number(5)?.map(|day| (i64::from(day), kept)),
            }))
        })
        .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(read.into_iter().flatten().collect())
}

type RetentionRow = (pgrx::Uuid, pgrx::Uuid, Days, Days, Days, Days, Days);

/// For the owner of ingest alone, as `find_tenant`.
#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "pgrx reads the columns from the type")]
fn retention_of_projects() -> TableIterator<
    'static,
    (
        name!(tenant_id, pgrx::Uuid),
        name!(project_id, pgrx::Uuid),
        name!(retention_days, Option<i32>),
        name!(payload_retention_days, Option<i32>),
        name!(done_on, Option<i32>),
        name!(days, Option<i32>),
        name!(payload_days, Option<i32>),
    ),
> {
    let rows = Spi::connect(|client| {
        let rows = client.select(include_str!("../sql/retention/projects.sql"), None, &[])?;
        rows.map(|row| {
            let home = row.get::<pgrx::Uuid>(1)?.zip(row.get::<pgrx::Uuid>(2)?);
            let Some((tenant_id, project_id)) = home else { return Ok(None) };
            Ok(Some((tenant_id, project_id, row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?)))
        })
        .collect::<Result<Vec<Option<RetentionRow>>, pgrx::spi::Error>>()
    });
    TableIterator::new(or_raise(rows.map_err(Error::Spi)).into_iter().flatten())
}

/// Deletes rows of projects that keep less than others; how many.
pub fn delete_rows(patience: &mut Patience) -> Result<Done, Error> {
    let mut left = ROUND;
    let projects = projects()?;
    let kept = PARTITIONED.map(|(table, _)| (table, first_kept_of(table, &projects)));
    let mut due: BTreeMap<Uuid, Vec<&Project>> = BTreeMap::new();
    for project in projects.iter().filter(|project| project.done != Some((today(), project.keeps))) {
        due.entry(project.tenant_id).or_default().push(project);
    }
    jobs::tenants::for_each("retention", due.keys().copied().collect(), patience, |tenant_id| {
        let before = left;
        for project in due.get(&tenant_id).into_iter().flatten() {
            if left > 0 {
                pass(project, &kept, &mut left)?;
            }
        }
        Ok((before - left).unsigned_abs())
    })
}

/// One pass a day over what a project keeps no longer.
fn pass(project: &Project, days_kept: &[FirstKept], left: &mut i64) -> Result<(), Error> {
    let Project { id, keeps, done, .. } = project;
    for part in &PARTS {
        let Some(before) = first_kept((part.days)(*keeps)) else { continue };
        // An earlier pass with the same bounds left nothing but what it had to keep, and what came late.
        let from = match done {
            _ if LOOKED_THROUGH.contains(&part.sql) => 0,
            Some((day, kept)) if kept == keeps => {
                let kept_then = before - (today() - day);
                (day - settings::limits().window_past.div_euclid(DAY) - 1).min(kept_then)
            }
            _ => 0,
        };
        // Days that nobody keeps go as a whole, and to their archive with all that is in them.
        let first =
            days_kept.iter().find(|(table, _)| Some(*table) == part.table).and_then(|(_, first)| *first);
        let from = first.map_or(from, |first| first.max(from));
        if !delete(part.sql, *id, (from, before), left)? {
            return Ok(());
        }
    }
    let today = i32::try_from(today()).unwrap_or(i32::MAX);
    let arguments = [sql_uuid(*id).into(), today.into(), keeps.days.into(), keeps.payload_days.into()];
    Ok(Spi::run_with_args(include_str!("../sql/retention/done.sql"), &arguments)?)
}

/// Whether all of the days are gone.
fn delete(sql: &str, project_id: Uuid, (from, before): (i64, i64), left: &mut i64) -> Result<bool, Error> {
    while *left > 0 {
        check_for_interrupts!();
        let most = BATCH.min(*left);
        let arguments = [
            sql_uuid(project_id).into(),
            sql_time(from * DAY).into(),
            sql_time(before * DAY).into(),
            most.into(),
        ];
        let deleted =
            Spi::connect_mut(|client| client.update(sql, None, &arguments).map(|rows| rows.len() as i64))?;
        *left -= deleted;
        if deleted < most {
            return Ok(true);
        }
    }
    Ok(false)
}

const BUCKETS: [&str; 4] = [
    include_str!("../sql/retention/metrics.sql"),
    include_str!("../sql/retention/totals.sql"),
    include_str!("../sql/retention/users.sql"),
    include_str!("../sql/retention/tags.sql"),
];

/// Deletes minutes and hours of metrics that are kept as hours and days alone, and names of which no metrics are left; how many rows.
pub fn delete_buckets(patience: &mut Patience) -> Result<Done, Error> {
    jobs::tenants::for_all("old_buckets", patience, delete_buckets_of_tenant)
}

fn delete_buckets_of_tenant() -> Result<u64, Error> {
    let finer = [("minute", settings::metrics_minute_days()), ("hour", settings::metrics_hour_days())];
    let mut deleted = 0;
    for (resolution, days) in finer {
        let before = sql_time((today() - i64::from(days)) * DAY);
        for sql in BUCKETS {
            check_for_interrupts!();
            let arguments = [resolution.into(), before.into(), ROUND.into()];
            let gone =
                Spi::connect_mut(|client| client.update(sql, None, &arguments).map(|rows| rows.len()))?;
            deleted += gone as u64;
        }
    }
    Spi::run(include_str!("../sql/retention/issue_hours.sql"))?;
    let arguments = [settings::series_days().into(), ROUND.into()];
    let sql = include_str!("../sql/retention/series.sql");
    let freed = Spi::connect_mut(|client| client.update(sql, None, &arguments).map(|rows| rows.len()))?;
    Ok(deleted + freed as u64)
}

/// Drops the days that no project keeps, or sets them aside for their archive; how many partitions. It locks out ingest to the transaction's end: the last thing of a round.
pub fn drop_days(patience: &mut Patience) -> Result<u64, Error> {
    let mut gone = 0;
    // A directory that can't be used is found out while the days are still where they belong.
    let is_archived = archive::chosen_directory()?.is_some();
    let release = if is_archived { storage::set_aside_before } else { storage::drop_partitions_before };
    for (table, first_kept) in horizons(PARTITIONED.map(|(table, _)| table))? {
        if let Some(day) = first_kept {
            gone += release(table, day, patience)?;
        }
    }
    Ok(gone)
}
