//! What became of a job: its verdict, what it cost, and the signal that it raises, in one transaction.

use std::collections::BTreeMap;

use observa_pipeline::analysis::EMBEDDING;
use observa_pipeline::event::Field;
use observa_pipeline::identity as ids;
use observa_pipeline::price::Usage;
use observa_pipeline::signal::RULES;
use pgrx::JsonB;
use pgrx::prelude::*;
use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use crate::analysis::budget;
use crate::analysis::evaluators::{self, Threshold};
use crate::analysis::settings::{self, Kind};
use crate::embeddings::{self, Embedded};
use crate::error::{Error, or_raise};
use crate::identity::{self, Acting, sql_uuid};
use crate::log_guard::guard_statement;
use crate::plans;
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

/// A job as it is when the report comes.
struct Held {
    project_id: Uuid,
    evaluator: String,
    /// None: of a whole trace, or of no event.
    event: Option<(String, TimestampWithTimeZone)>,
    /// The evaluator's when it was asked. None: it is no evaluator's.
    version: Option<i32>,
    /// What was asked.
    model: Option<String>,
    /// Whether the lease still holds. None: whoever has the row locked decides that now.
    is_held: Option<bool>,
}

/// False: who says it does not hold the lease any more, and only what was paid is counted. None: it is to be told again, as somebody else has
/// the job's row locked: to wait for that one would keep the answers of others waiting.
#[pg_extern(sql = false)]
fn record_analysis(report: &str) -> Option<bool> {
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

fn record(report: &Report) -> Result<Option<bool>, Error> {
    let Some(held) = hold(report)? else { return Ok(Some(false)) };
    let Some(is_held) = held.is_held else { return Ok(None) };
    let cost = spend(report, &held)?;
    if !is_held {
        return Ok(Some(false));
    }
    if let Some(verdict) = &report.verdict {
        store(report, verdict, &held, cost.as_deref())?;
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
    plans::change(
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
    Ok(Some(true))
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
    let arguments = [sql_uuid(report.id).into(), sql_uuid(report.lease).into()];
    let mut held = None;
    plans::each(include_str!("../../sql/analysis/held.sql"), &arguments, true, |row| {
        held = row.get::<pgrx::Uuid>(1).map(|project| Held {
            project_id: identity::uuid(project),
            evaluator: row.get(2).unwrap_or_default(),
            event: row.get(3).zip(row.get(4)),
            version: row.get(5),
            model: row.get(6),
            is_held: row.get(7),
        });
    })?;
    Ok(held)
}

/// Tokens of a call whose answer tells none: more than most have, so that a budget holds also where an endpoint keeps silent.
const UNTOLD_INPUT: i64 = 8_000;

/// Counts what was paid, also for an answer that was good for nothing; USD as text. None: nobody was paid, or no price is known.
fn spend(report: &Report, held: &Held) -> Result<Option<String>, Error> {
    let Some(tokens) = &report.usage else { return Ok(None) };
    let calls = i64::from(tokens.calls.max(0));
    let is_told = tokens.input > 0 || tokens.output > 0;
    let untold = if is_told { 0 } else { calls };
    let is_embedding = held.evaluator == EMBEDDING;
    let output = if is_embedding { 0 } else { untold * i64::from(settings::max_tokens()) };
    let usage = json!({
        "input_tokens": tokens.input.max(0) + untold * UNTOLD_INPUT,
        "output_tokens": tokens.output.max(0) + output,
        "cached_input_tokens": tokens.cached_input.clamp(0, tokens.input.max(0)),
    });
    let usage = Usage::from_json(&usage).unwrap_or_default();
    let cost =
        [&report.model, &held.model].into_iter().flatten().find_map(|model| budget::cost(model, &usage));
    let arguments = [sql_uuid(held.project_id).into(), calls.into(), cost.as_deref().unwrap_or("0").into()];
    plans::change(include_str!("../../sql/analysis/spend.sql"), &arguments)?;
    Ok(cost)
}

fn store(report: &Report, verdict: &Verdict, held: &Held, cost: Option<&str>) -> Result<(), Error> {
    let tokens = report.usage.as_ref();
    let arguments = [
        sql_uuid(report.id).into(),
        held.version.unwrap_or(1).into(),
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
    plans::change(include_str!("../../sql/analysis/result.sql"), &arguments)?;
    let evaluator = evaluators::find(&held.evaluator)?;
    let threshold = evaluator.and_then(|evaluator| evaluator.threshold);
    threshold.map_or(Ok(()), |threshold| raise(report, verdict, &threshold))
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
    let about = About::of(report)?;
    let arguments = [
        sql_uuid(Uuid::now_v7()).into(),
        sql_uuid(report.id).into(),
        threshold.signal.as_str().into(),
        severity.into(),
        verdict.score.into(),
        most.into(),
        JsonB(details).into(),
        about.group(&threshold.signal).into(),
        sql_uuid(about.alert_key(&threshold.signal)).into(),
    ];
    plans::change(include_str!("../../sql/analysis/signal.sql"), &arguments)
}

/// What a verdict is about.
#[derive(Default)]
struct About {
    project: String,
    environment: String,
    model: Option<String>,
    route: Option<String>,
}

impl About {
    fn of(report: &Report) -> Result<About, Error> {
        let mut about = About::default();
        let sql = include_str!("../../sql/analysis/about.sql");
        plans::each(sql, &[sql_uuid(report.id).into()], true, |row| {
            let project = row.get::<pgrx::Uuid>(1).map(|id| identity::uuid(id).to_string());
            about = About {
                project: project.unwrap_or_default(),
                environment: row.get(2).unwrap_or_default(),
                model: row.get(3),
                route: row.get(4),
            };
        })?;
        Ok(about)
    }

    /// As a rule of the name has it, so that one alert is open for both: else by model and route.
    fn group(&self, signal: &str) -> String {
        let rule = RULES.iter().find(|rule| rule.name == signal);
        let fields = rule.map_or(&[Field::Model, Field::Route] as &[Field], |rule| rule.group);
        let named = fields.iter().filter_map(|field| match field {
            Field::Model => Some(format!("model={}", self.model.as_ref()?)),
            Field::Route => Some(format!("route={}", self.route.as_ref()?)),
            _ => None,
        });
        named.collect::<Vec<_>>().join(" ")
    }

    fn alert_key(&self, signal: &str) -> Uuid {
        let group = self.group(signal);
        ids::uuid_of_parts(&["alert", &self.project, &self.environment, signal, &group])
    }
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
