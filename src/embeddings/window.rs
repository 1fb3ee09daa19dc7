//! Vectors of a time, in memory: so many as can be looked at while somebody waits.

use observa_pipeline::embedding::Vectors;
use pgrx::prelude::*;

use crate::error::Error;
use crate::rows;
use crate::storage;
use crate::times::in_order;

/// Vectors that are looked at together, the newest: 5,000 of 3,072 dimensions are 60 MB.
pub const MOST: i64 = 5_000;

/// What of a tenant's vectors is looked at.
#[derive(Clone, Copy)]
pub struct Window {
    pub tenant: pgrx::Uuid,
    /// None: of all projects.
    pub project: Option<pgrx::Uuid>,
    pub since: TimestampWithTimeZone,
    pub until: TimestampWithTimeZone,
}

pub struct Row {
    pub event_id: String,
    pub ts: TimestampWithTimeZone,
    pub question_hash: pgrx::Uuid,
}

/// The newest first.
#[derive(Default)]
pub struct Loaded {
    /// That has made them. None: there are none.
    pub model: Option<String>,
    pub rows: Vec<Row>,
    pub vectors: Vectors,
}

/// The tenant of who asks: of a project that is named, else their own (a superuser's is the default one).
pub fn tenant(project: Option<pgrx::Uuid>) -> Result<pgrx::Uuid, Error> {
    if storage::relation("embeddings").is_none() {
        return Err(Error::NoStorage);
    }
    let Some(project) = project else {
        let own = Spi::get_one::<pgrx::Uuid>("SELECT observa_internal.own_tenant()")?;
        return own.ok_or(Error::NoTenant);
    };
    let of = "SELECT (SELECT p.tenant_id FROM observa.projects p WHERE p.id = $1)";
    let found = Spi::get_one_with_args::<pgrx::Uuid>(of, &[project.into()])?;
    found.ok_or_else(|| Error::Invalid("there is no such project".into()))
}

/// Of who asks.
pub fn of(
    project: Option<pgrx::Uuid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> Result<Window, Error> {
    let tenant = tenant(project)?;
    let (since, until) = in_order(since, until)?;
    Ok(Window { tenant, project, since, until })
}

/// The newest vectors of a window that one model has made: this one, else the newest one's.
pub fn load(window: &Window, model: Option<&str>) -> Result<Loaded, Error> {
    let arguments = [
        window.tenant.into(),
        window.project.into(),
        window.since.into(),
        window.until.into(),
        model.into(),
        MOST.into(),
    ];
    // Each vector is copied on the way: the copies go with this memory.
    let read = rows::in_own_memory(|| {
        Spi::connect(|client| {
            let mut loaded = Loaded::default();
            for row in client.select(include_str!("../../sql/embedding/vectors.sql"), None, &arguments)? {
                let key = row.get::<String>(1)?.zip(row.get::<TimestampWithTimeZone>(2)?);
                let (Some((event_id, ts)), Some(question_hash)) = (key, row.get::<pgrx::Uuid>(3)?) else {
                    continue;
                };
                if push(&mut loaded.vectors, row.get::<Array<f32>>(4)?) {
                    loaded.rows.push(Row { event_id, ts, question_hash });
                    loaded.model = loaded.model.take().or(row.get::<String>(5)?);
                }
            }
            Ok::<_, pgrx::spi::Error>(loaded)
        })
    })?;
    Ok(read)
}

/// False: it can't be compared with the others.
pub fn push(vectors: &mut Vectors, vector: Option<Array<f32>>) -> bool {
    vector.is_some_and(|vector| vector.as_slice().is_ok_and(|numbers| vectors.push(numbers)))
}

/// The head of what was asked in each of these events. None: it is kept no more.
pub fn questions(tenant: pgrx::Uuid, of: &[&Row]) -> Result<Vec<Option<String>>, Error> {
    let times: Vec<TimestampWithTimeZone> = of.iter().map(|row| row.ts).collect();
    let ids: Vec<String> = of.iter().map(|row| row.event_id.clone()).collect();
    let questions = Spi::connect(|client| {
        let arguments = [tenant.into(), times.into(), ids.into()];
        let rows = client.select(include_str!("../../sql/embedding/questions.sql"), None, &arguments)?;
        rows.map(|row| row.get::<String>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(questions)
}

/// Whoever waits can be told to end.
pub fn pause() {
    check_for_interrupts!();
}
