//! What became of a job: its verdict, what it cost, and the signal that it raises, in one transaction.

use std::collections::BTreeMap;

use observa_pipeline::price::Usage;
use pgrx::JsonB;
use pgrx::prelude::*;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::analysis::evaluators::{self, Evaluator, Threshold};
use crate::analysis::settings::Kind;
use crate::embeddings::{self, Embedded};
use crate::error::{Error, or_raise};
use crate::identity::{self, Acting, sql_uuid};
use crate::log_guard::guard_statement;
use crate::storage;
use crate::tenants;

/// What who has asked a judge tells.
#[derive(Deserialize)]
struct Report {
    tenant_id: Uuid,
    id: Uuid,
    lease: Uuid,
    /// done, queued or failed.
    state: String,
    retry_seconds: Option<f64>,
    /// Whether this attempt is one of those that there are.
    counts: bool,
    error: Option<String>,
    verdict: Option<Verdict>,
    embedding: Option<Vec<f32>>,
    answer: Option<String>,
    usage: Option<Tokens>,
    /// As the endpoint names it.
    model: Option<String>,
    latency_ms: f64,
}

#[derive(Deserialize)]
struct Verdict {
    score: f64,
    label: String,
    reasoning: String,
    scores: BTreeMap<String, f64>,
    flags: Vec<String>,
}

/// Of all calls for the job.
#[derive(Deserialize)]
struct Tokens {
    input: i64,
    output: i64,
    cached_input: i64,
    calls: i32,
}

/// A job whose lease the report holds.
struct Held {
    project_id: Uuid,
    evaluator: String,
    /// None: of a whole trace, or of no event.
    event: Option<(String, TimestampWithTimeZone)>,
}

/// False: who says it does not hold the lease any more, and nothing is changed.
#[pg_extern(sql = false)]
fn record_analysis(report: &str) -> bool {
    guard_statement();
    require_superuser("observa_internal.record_analysis()");
    // What can't be read is not quoted: it may hold a payload.
    let report: Report = serde_json::from_str(report)
        .unwrap_or_else(|_| Error::Invalid("the report of an analysis can't be read".into()).raise());
    or_raise(Acting::during(Acting::whole(report.tenant_id), || record(&report)))
}

pub fn require_superuser(what: &'static str) {
    if !identity::session_is_superuser() {
        Error::SuperuserOnly(what).raise();
    }
}

fn record(report: &Report) -> Result<bool, Error> {
    let Some(held) = hold(report)? else { return Ok(false) };
    let evaluator = evaluators::find(&held.evaluator)?;
    let cost = spend(report, &held, evaluator.as_ref())?;
    if let Some(verdict) = &report.verdict {
        store(report, verdict, evaluator.as_ref(), cost.as_deref())?;
    }
    if let Some(vector) = &report.embedding {
        let model = report.model.as_deref().map(clean).or_else(|| Kind::Embedding.model());
        embeddings::store(&Embedded {
            job_id: report.id,
            event: held.event.as_ref().map(|(id, ts)| (id.as_str(), *ts)),
            model: model.unwrap_or_default(),
            vector,
        })?;
    }
    let scrubbed = |text: &Option<String>| text.as_deref().map(clean);
    Spi::run_with_args(
        include_str!("../../sql/analysis/finish.sql"),
        &[
            sql_uuid(report.id).into(),
            report.state.as_str().into(),
            scrubbed(&report.error).into(),
            scrubbed(&report.answer).into(),
            report.retry_seconds.into(),
            report.counts.into(),
        ],
    )?;
    Ok(true)
}

/// A judge may repeat what it was shown, and more.
fn clean(text: &str) -> String {
    let home = tenants::acting_home();
    let text = text.replace('\0', "\u{FFFD}");
    match home {
        Some(home) => home.scrubber.scrub(&text).text.into_owned(),
        None => observa_pipeline::scrub::Scrubber::builtin().scrub(&text).text.into_owned(),
    }
}

fn hold(report: &Report) -> Result<Option<Held>, Error> {
    Ok(Spi::connect_mut(|client| {
        let arguments = [sql_uuid(report.id).into(), sql_uuid(report.lease).into()];
        let rows = client.update(include_str!("../../sql/analysis/held.sql"), None, &arguments)?;
        let Some(row) = rows.into_iter().next() else { return Ok(None) };
        let Some(project) = row.get::<pgrx::Uuid>(1)? else { return Ok(None) };
        let evaluator = row.get::<String>(3)?.unwrap_or_default();
        let event = row.get::<String>(6)?.zip(row.get::<TimestampWithTimeZone>(7)?);
        Ok::<_, pgrx::spi::Error>(Some(Held { project_id: identity::uuid(project), evaluator, event }))
    })?)
}

/// Counts what was paid, also for an answer that was good for nothing; USD as text. None: nobody was paid, or no price is known.
fn spend(report: &Report, held: &Held, evaluator: Option<&Evaluator>) -> Result<Option<String>, Error> {
    let Some(tokens) = &report.usage else { return Ok(None) };
    let usage = json!({
        "input_tokens": tokens.input.max(0),
        "output_tokens": tokens.output.max(0),
        "cached_input_tokens": tokens.cached_input.clamp(0, tokens.input.max(0)),
    });
    let usage = Usage::from_json(&usage).unwrap_or_default();
    let asked = match evaluator {
        Some(evaluator) => evaluator.model.clone().or_else(|| Kind::Judge.model()),
        None => Kind::Embedding.model(),
    };
    let acting = Acting::within(report.tenant_id, held.project_id);
    let cost = Acting::during(acting, || {
        let home = tenants::acting_home()?;
        let price = |model: &String| home.book.cost(model, None, storage::now(), &usage);
        let breakdown = report.model.as_ref().and_then(price).or_else(|| asked.as_ref().and_then(price))?;
        Some(breakdown.total.normalized().to_plain_string())
    });
    let arguments = [
        sql_uuid(held.project_id).into(),
        i64::from(tokens.calls.max(0)).into(),
        cost.as_deref().unwrap_or("0").into(),
    ];
    Spi::run_with_args(include_str!("../../sql/analysis/spend.sql"), &arguments)?;
    Ok(cost)
}

fn store(
    report: &Report,
    verdict: &Verdict,
    evaluator: Option<&Evaluator>,
    cost: Option<&str>,
) -> Result<(), Error> {
    let tokens = report.usage.as_ref();
    let arguments = [
        sql_uuid(report.id).into(),
        evaluator.map_or(1, |evaluator| evaluator.version).into(),
        verdict.score.into(),
        clean(&verdict.label).into(),
        clean(&verdict.reasoning).into(),
        JsonB(json!(verdict.scores)).into(),
        verdict.flags.clone().into(),
        clean(report.model.as_deref().unwrap_or_default()).into(),
        cost.into(),
        tokens.map(|tokens| tokens.input).into(),
        tokens.map(|tokens| tokens.output).into(),
        report.latency_ms.into(),
    ];
    Spi::run_with_args(include_str!("../../sql/analysis/result.sql"), &arguments)?;
    let threshold = evaluator.and_then(|evaluator| evaluator.threshold.as_ref());
    threshold.map_or(Ok(()), |threshold| raise(report, verdict, threshold))
}

/// The signal of a verdict that is over a threshold.
fn raise(report: &Report, verdict: &Verdict, threshold: &Threshold) -> Result<(), Error> {
    let over = |most: Option<f64>| most.filter(|most| verdict.score > *most);
    let (severity, most) = match (over(threshold.high), over(threshold.medium)) {
        (Some(high), _) => ("high", high),
        (None, Some(medium)) => ("medium", medium),
        (None, None) => return Ok(()),
    };
    let details = json!({
        "unit": "score",
        "label": clean(&verdict.label),
        "result_id": report.id,
        "judge": report.model.as_deref().map(clean),
    });
    let arguments = [
        sql_uuid(Uuid::now_v7()).into(),
        sql_uuid(report.id).into(),
        threshold.signal.as_str().into(),
        severity.into(),
        verdict.score.into(),
        most.into(),
        JsonB(details).into(),
    ];
    Ok(Spi::run_with_args(include_str!("../../sql/analysis/signal.sql"), &arguments)?)
}

/// How the endpoints stand, as a worker sees it: what observa.health_detailed() shows.
#[pg_extern(sql = false)]
fn record_endpoints(states: JsonB) {
    require_superuser("observa_internal.record_endpoints()");
    for state in states.0.as_array().map(Vec::as_slice).unwrap_or_default() {
        let text = |field: &str| state.get(field).and_then(serde_json::Value::as_str).map(str::to_owned);
        let number = |field: &str| {
            let number = state.get(field).and_then(serde_json::Value::as_i64).unwrap_or_default();
            i32::try_from(number).unwrap_or(i32::MAX)
        };
        let arguments = [
            text("kind").into(),
            text("host").into(),
            text("state").into(),
            number("failures_in_row").into(),
            state.get("retry_in_s").and_then(serde_json::Value::as_f64).into(),
            number("in_flight").into(),
            text("last_error").into(),
        ];
        or_raise(
            Spi::run_with_args(include_str!("../../sql/analysis/endpoint.sql"), &arguments)
                .map_err(Error::Spi),
        );
    }
}
