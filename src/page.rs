//! observa.dashboard and observa.dashboard_trace: a few statements read what the page shows, with the rights of who asks.

use observa_page::alerts::{Alert, Issue};
use observa_page::dashboard::{Dashboard, trace_document};
use observa_page::failures::{Failures, Kind};
use observa_page::policy;
use observa_page::scope::Scope;
use observa_page::traces::{Trace, Traces};
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi::SpiClient;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::embeddings::window;
use crate::error::{Error, or_raise};
use crate::keys;
use crate::request::Request;
use crate::settings;
use crate::storage;

/// Spans of each trace that are shown, of how many of them texts, too, and how many characters of each: of one trace all is
/// seen that a person reads. observa_page::room cuts what is too much for a page.
const OF_MANY: [i64; 3] = [30, 6, 160];
const OF_ONE: [i64; 3] = [300, 60, 1_000];

#[pg_extern(sql = false)]
fn dashboard_page(
    project: Option<pgrx::Uuid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> String {
    let page = or_raise(read(project, since, until)).document();
    tell_headers();
    page
}

#[pg_extern(sql = false)]
fn dashboard_trace(trace_id: &str) -> String {
    let trace = or_raise(read_trace(trace_id));
    tell_headers();
    trace_document(trace.as_ref())
}

/// What a document can't say of itself, where PostgREST answers with it.
fn tell_headers() {
    if Request::told().is_some() {
        let headers: Vec<Value> =
            policy::headers().into_iter().map(|(name, value)| json!({ name: value })).collect();
        settings::set_local_text(c"response.headers", &Value::from(headers).to_string());
    }
}

/// What is read.
struct Window {
    tenant: pgrx::Uuid,
    project: Option<pgrx::Uuid>,
    /// minute, hour or day, as the names of the views have it: of sums, and of sums by model.
    unit: Unit,
    usage_unit: Unit,
    before: TimestampWithTimeZone,
    since: TimestampWithTimeZone,
    usage_since: TimestampWithTimeZone,
    until: TimestampWithTimeZone,
    usage_until: TimestampWithTimeZone,
    /// Whether who asks may read prompts and answers, and lines of logs.
    reads_texts: bool,
    reads_logs: bool,
}

#[derive(Clone, Copy)]
enum Unit {
    Minute,
    Hour,
    Day,
}

impl Unit {
    fn of(name: &str) -> Unit {
        match name {
            "minute" => Unit::Minute,
            "hour" => Unit::Hour,
            _ => Unit::Day,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Unit::Minute => "minute",
            Unit::Hour => "hour",
            Unit::Day => "day",
        }
    }

    /// A statement over the views of hours, over those of this unit.
    fn of_hours(self, sql: &str) -> String {
        ["metrics_total_", "metrics_"].iter().fold(sql.to_owned(), |sql, view| {
            sql.replace(&format!("observa.{view}hour"), &format!("observa.{view}{}", self.name()))
        })
    }
}

fn read(
    project: Option<pgrx::Uuid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> Result<Dashboard, Error> {
    let tenant = asked(project)?;
    Spi::connect(|client| {
        let (window, scope) = window_of(client, tenant, project, (since, until))?;
        let Window { since, until, usage_since, usage_until, .. } = window;
        let between = |since: TimestampWithTimeZone| -> [DatumWithOid; 4] {
            [tenant.into(), project.into(), since.into(), until.into()]
        };
        let sums = [tenant.into(), project.into(), window.before.into(), since.into(), until.into()];
        let overview = one(client, &window.unit.of_hours(include_str!("../sql/page/overview.sql")), &sums)?;
        let unit = window.unit.name();
        let in_unit = [tenant.into(), project.into(), since.into(), until.into(), unit.into()];
        let buckets: Option<_> =
            one(client, &window.unit.of_hours(include_str!("../sql/page/buckets.sql")), &in_unit)?;
        let used = window.usage_unit.of_hours(include_str!("../sql/page/usage.sql"));
        let (usage, places) =
            two(client, &used, &[tenant.into(), project.into(), usage_since.into(), usage_until.into()])?;
        let Kinds { looked_at, kinds } = one(client, include_str!("../sql/page/kinds.sql"), &between(since))?;
        let (alerts, issues): (Vec<Alert>, Vec<Issue>) = two(
            client,
            include_str!("../sql/page/alerts.sql"),
            &[tenant.into(), project.into(), window.reads_texts.into()],
        )?;
        let traces = traces(client, &window)?;
        let with_texts =
            [tenant.into(), project.into(), since.into(), until.into(), window.reads_texts.into()];
        let conversations = one(client, include_str!("../sql/page/conversations.sql"), &with_texts)?;
        let logs = match window.reads_logs {
            true => one(client, include_str!("../sql/page/logs.sql"), &between(since))?,
            false => Vec::new(),
        };
        let failures = Failures { places, kinds, looked_at };
        let buckets = buckets.unwrap_or_default();
        Ok(Dashboard {
            scope,
            overview,
            buckets,
            usage,
            failures,
            alerts,
            issues,
            traces,
            conversations,
            logs,
        })
    })
}

fn read_trace(trace_id: &str) -> Result<Option<Trace>, Error> {
    let own = asked(None)?;
    Spi::connect(|client| {
        // Of a superuser's the tenant that has it.
        let tenant: pgrx::Uuid = {
            let found =
                client.select(include_str!("../sql/query/trace_tenant.sql"), Some(1), &[trace_id.into()])?;
            if found.is_empty() { own } else { found.first().get_one()?.unwrap_or(own) }
        };
        let found = client.select(
            include_str!("../sql/page/trace.sql"),
            Some(1),
            &[tenant.into(), trace_id.into()],
        )?;
        let Some(shown) = found.first().get_one::<String>()? else { return Ok(None) };
        Ok(with_spans(client, tenant, None, &shown, OF_ONE, reads_texts(client)?)?.into_iter().next())
    })
}

#[derive(Deserialize)]
struct Kinds {
    looked_at: f64,
    kinds: Vec<Kind>,
}

/// The tenant that is shown to who asks.
fn asked(project: Option<pgrx::Uuid>) -> Result<pgrx::Uuid, Error> {
    if !storage::exists() {
        return Err(Error::NoStorage);
    }
    keys::require(|rights| rights.query, "query")?;
    window::tenant(project)
}

fn window_of(
    client: &SpiClient,
    tenant: pgrx::Uuid,
    project: Option<pgrx::Uuid>,
    (since, until): (Option<TimestampWithTimeZone>, Option<TimestampWithTimeZone>),
) -> Result<(Window, Scope), Error> {
    let arguments = [since.into(), until.into(), project.into()];
    let rows = client.select(include_str!("../sql/page/window.sql"), Some(1), &arguments)?;
    let none = || Error::Invalid("since must be a time before until and before now".into());
    let row = if rows.is_empty() { return Err(none()) } else { rows.first() };
    let text = |column| row.get::<String>(column).map(Option::unwrap_or_default);
    let time = |column| row.get::<TimestampWithTimeZone>(column)?.ok_or_else(none);
    let may = |column| row.get::<bool>(column).map(Option::unwrap_or_default);
    let window = Window {
        tenant,
        project,
        unit: Unit::of(&text(1)?),
        usage_unit: Unit::of(&text(2)?),
        before: time(3)?,
        since: time(4)?,
        usage_since: time(5)?,
        until: time(6)?,
        usage_until: time(7)?,
        reads_texts: reads_texts(client)?,
        reads_logs: may(8)?,
    };
    Ok((window, parsed(&text(9)?)?))
}

fn reads_texts(client: &SpiClient) -> Result<bool, Error> {
    let found = client
        .select(include_str!("../sql/page/reads_texts.sql"), Some(1), &[])?
        .first()
        .get_one::<bool>()?;
    Ok(found.unwrap_or(false))
}

fn traces(client: &SpiClient, window: &Window) -> Result<Traces, Error> {
    let arguments = [window.tenant.into(), window.project.into(), window.since.into(), window.until.into()];
    let rows = client.select(include_str!("../sql/page/traces.sql"), Some(1), &arguments)?;
    let (lists, shown) = rows.first().get_two::<String, String>()?;
    let lists: Traces = parsed(&lists.unwrap_or_default())?;
    let shown = shown.unwrap_or_default();
    let shown = with_spans(client, window.tenant, window.project, &shown, OF_MANY, window.reads_texts)?;
    Ok(Traces { shown, ..lists })
}

/// `shown` as traces.sql gives them.
fn with_spans(
    client: &SpiClient,
    tenant: pgrx::Uuid,
    project: Option<pgrx::Uuid>,
    shown: &str,
    [spans, texts, characters]: [i64; 3],
    reads_texts: bool,
) -> Result<Vec<Trace>, Error> {
    let characters = i32::try_from(characters).unwrap_or(i32::MAX);
    let arguments = [
        tenant.into(),
        shown.into(),
        spans.into(),
        texts.into(),
        characters.into(),
        reads_texts.into(),
        project.into(),
    ];
    one(client, include_str!("../sql/page/spans.sql"), &arguments)
}

/// A statement's one value, JSON.
fn one<T: DeserializeOwned>(client: &SpiClient, sql: &str, arguments: &[DatumWithOid]) -> Result<T, Error> {
    let text = client.select(sql, Some(1), arguments)?.first().get_one::<String>()?;
    parsed(text.as_deref().unwrap_or("null"))
}

fn two<A: DeserializeOwned, B: DeserializeOwned>(
    client: &SpiClient,
    sql: &str,
    arguments: &[DatumWithOid],
) -> Result<(A, B), Error> {
    let (a, b) = client.select(sql, Some(1), arguments)?.first().get_two::<String, String>()?;
    Ok((parsed(a.as_deref().unwrap_or("null"))?, parsed(b.as_deref().unwrap_or("null"))?))
}

/// The error says where, not what: that would be a client's text.
fn parsed<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    let said = |error: serde_json::Error| {
        format!("the page can't be made of what is stored (column {})", error.column())
    };
    serde_json::from_str(text).map_err(|error| Error::NotReady(said(error)))
}
