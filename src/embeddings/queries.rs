//! Texts that somebody searches by. A worker embeds them, as it does all else: a client's own process asks no endpoint, holds no key, and
//! can't take back what was spent by rolling back. So a text is asked for in one transaction and used in another.

use std::time::{Duration, Instant};

use observa_pipeline::analysis::EMBEDDING;
use observa_pipeline::identity as ids;
use pgrx::datum::DatumWithOid;
use pgrx::pg_sys;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::analysis::budget;
use crate::analysis::settings::Kind;
use crate::error::{Error, or_raise};
use crate::identity::{self, Acting, sql_uuid};
use crate::keys;
use crate::log_guard::guard_statement;
use crate::rows;
use crate::storage;
use crate::tenants;

/// Of a text: an endpoint is sent no more of one.
const MOST_BYTES: usize = 24 << 10;

/// Texts of a tenant that wait at once.
const MOST_WAITING: i64 = 100;

/// How long a search waits for its text.
const PATIENCE: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(50);

/// `ready`, or `queued`.
#[pg_extern(sql = false)]
fn embed(query: Option<&str>, project: Option<pgrx::Uuid>) -> String {
    guard_statement();
    or_raise(ask(query, project)).to_owned()
}

fn ask(query: Option<&str>, project: Option<pgrx::Uuid>) -> Result<&'static str, Error> {
    storage::ensure()?;
    keys::require(|rights| rights.query, "query")?;
    let (model, text) = (configured()?, checked(query)?);
    let acting = match Acting::current() {
        Some(acting) => acting,
        None => Acting::whole(tenants::acting_home().ok_or(Error::NoTenant)?.tenant_id),
    };
    let project = project.map(identity::uuid).or(acting.project_id);
    // Whoever may read may ask; what is written is the owner's.
    Acting::during(Acting::at(acting.tenant_id, project), || {
        let home = tenants::acting_home().ok_or(Error::NoTenant)?;
        if project.is_some_and(|project| project != home.project_id) {
            return Err(Error::Invalid("there is no such project".into()));
        }
        let query_id = id(&model, text);
        let known = known(sql_uuid(home.tenant_id), query_id)?;
        if matches!(known, Known::Ready(..)) {
            return Ok("ready");
        }
        budget::require(home.project_id, Kind::Embedding, &model)?;
        let waiting = Spi::get_one::<i64>(include_str!("../../sql/embedding/queries_waiting.sql"))?;
        if waiting.unwrap_or_default() >= MOST_WAITING {
            return Err(Error::NotReady(format!("{MOST_WAITING} texts wait to be embedded already")));
        }
        let scrubbed = home.scrubber.scrub(text).text.into_owned();
        put(query_id, home.project_id, &home.environment, &scrubbed)?;
        Ok("queued")
    })
}

fn configured() -> Result<String, Error> {
    if !Kind::Embedding.is_configured() {
        return Err(Error::NotReady("nothing is embedded: observa.embeddings_url is not set".into()));
    }
    let model = Kind::Embedding.model();
    model
        .ok_or_else(|| Error::NotReady("nothing is embedded: observa.embeddings_model names no model".into()))
}

fn checked(query: Option<&str>) -> Result<&str, Error> {
    let text = query.map(str::trim).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Error::Invalid("the text must not be empty".into()))?;
    if text.len() > MOST_BYTES {
        return Err(Error::Invalid(format!("the text has more than {MOST_BYTES} bytes")));
    }
    Ok(text)
}

fn id(model: &str, text: &str) -> Uuid {
    ids::uuid_of_parts(&["query", model, text])
}

fn put(query_id: Uuid, project_id: Uuid, environment: &str, text: &str) -> Result<(), Error> {
    let job = sql_uuid(Uuid::now_v7());
    let arguments = [sql_uuid(query_id).into(), sql_uuid(project_id).into(), text.into(), job.into()];
    let put = include_str!("../../sql/embedding/put_query.sql");
    if Spi::connect_mut(|client| client.update(put, None, &arguments).map(|rows| rows.is_empty()))? {
        return Ok(());
    }
    let none = None::<&str>;
    let arguments: [DatumWithOid; 10] = [
        job.into(),
        sql_uuid(project_id).into(),
        environment.into(),
        EMBEDDING.into(),
        "event".into(),
        // Which text waits is decided above.
        sql_uuid(ids::uuid_of_parts(&["query", &identity::uuid(job).to_string()])).into(),
        none.into(),
        none.into(),
        None::<TimestampWithTimeZone>.into(),
        none.into(),
    ];
    Ok(Spi::run_with_args(include_str!("../../sql/analysis/request.sql"), &arguments)?)
}

/// How a text stands.
enum Known {
    Ready(String, Vec<f32>),
    /// Asked for by this very transaction: no worker sees it yet.
    Uncommitted,
    Waiting,
    Failed(String),
    Nothing,
}

fn known(tenant: pgrx::Uuid, query_id: Uuid) -> Result<Known, Error> {
    let arguments = [tenant.into(), sql_uuid(query_id).into()];
    let known = Spi::connect(|client| {
        let rows = client.select(include_str!("../../sql/embedding/query.sql"), Some(1), &arguments)?;
        let Some(row) = rows.into_iter().next() else { return Ok(Known::Nothing) };
        let answer = row.get::<String>(1)?.zip(row.get::<Vec<f32>>(2)?);
        let is_own = row.get::<bool>(5)? == Some(true);
        Ok::<_, pgrx::spi::Error>(match (answer, row.get::<String>(3)?.as_deref()) {
            (Some((model, vector)), _) => Known::Ready(model, vector),
            (None, Some("queued" | "leased")) if is_own => Known::Uncommitted,
            (None, Some("queued" | "leased")) => Known::Waiting,
            (None, Some(_)) => Known::Failed(row.get::<String>(4)?.unwrap_or_default()),
            (None, None) => Known::Nothing,
        })
    })?;
    Ok(known)
}

/// A text's model and vector, as soon as a worker has them.
pub fn wait_for(tenant: pgrx::Uuid, query: Option<&str>) -> Result<(String, Vec<f32>), Error> {
    const ASK: &str = "SELECT observa.embed(query) asks for it";
    let query_id = id(&configured()?, checked(query)?);
    let begun = Instant::now();
    loop {
        match of_now(|| known(tenant, query_id))? {
            Known::Ready(model, vector) => return Ok((model, vector)),
            Known::Failed(why) => {
                return Err(Error::NotReady(format!("the text could not be embedded: {why}; {ASK} again")));
            }
            Known::Nothing => return Err(Error::NotReady(format!("the text is not embedded: {ASK}"))),
            Known::Uncommitted => {
                return Err(Error::NotReady(
                    "the text is embedded when this transaction is committed".into(),
                ));
            }
            Known::Waiting if begun.elapsed() > PATIENCE || storage::has_one_snapshot() => {
                return Err(Error::NotReady(
                    "the text is not embedded yet: ask again in some seconds, in another transaction".into(),
                ));
            }
            Known::Waiting => {
                std::thread::sleep(LOOK);
                check_for_interrupts!();
            }
        }
    }
}

/// Runs something that sees what others have committed by now, and not as the statement began.
fn of_now<T>(run: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // SAFETY: pushed and popped in turn; after an error the transaction's end takes it away.
    unsafe { pg_sys::PushActiveSnapshot(pg_sys::GetLatestSnapshot()) };
    let outcome = rows::in_own_memory(run);
    // SAFETY: the one that was pushed above.
    unsafe { pg_sys::PopActiveSnapshot() };
    outcome
}

/// What a job is to embed, of the acting tenant. None: it was asked for anew, or forgotten.
pub fn text_of(job: Uuid) -> Result<Option<String>, Error> {
    let found = Spi::connect(|client| {
        let rows = client.select(
            include_str!("../../sql/embedding/query_text.sql"),
            Some(1),
            &[sql_uuid(job).into()],
        )?;
        let row = rows.into_iter().next();
        row.map(|row| row.get::<String>(1)).transpose()
    })?;
    Ok(found.flatten())
}

/// Those of the acting tenant that nobody has asked for within a day; how many.
pub fn forget() -> Result<u64, Error> {
    let forget = include_str!("../../sql/embedding/forget_queries.sql");
    let forgotten = Spi::connect_mut(|client| client.update(forget, None, &[])?.first().get_one::<i64>())?;
    Ok(forgotten.unwrap_or_default().unsigned_abs())
}
