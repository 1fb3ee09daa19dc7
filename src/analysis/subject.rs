//! What a judge is shown of an event or a trace: the variables of an evaluator's template.

use std::collections::BTreeMap;

use pgrx::prelude::*;

use crate::error::Error;
use crate::messages::last_message;

/// What a template may name: the whole prompt, the user's last message, the model's answer, and what was retrieved for it.
pub const VARIABLES: [&str; 4] = ["input", "question", "answer", "context"];

/// Events of a trace that are looked at.
const MOST_EVENTS: i64 = 1_000;

/// Microseconds around an event within which the rest of its trace is looked for.
const AROUND: i64 = 86_400_000_000;

/// Bytes of what was retrieved, after which no more is taken: a prompt has less room.
const MOST_CONTEXT: usize = 64 << 10;

pub struct Subject {
    pub variables: BTreeMap<&'static str, String>,
    /// Seconds since something of it arrived. Of an event alone it does not matter.
    pub quiet_s: f64,
}

/// What is judged, of the acting tenant.
pub struct Of<'j> {
    pub trace_id: Option<&'j str>,
    /// None: the whole trace.
    pub event_id: Option<&'j str>,
    pub ts: TimestampWithTimeZone,
}

struct Seen {
    event_type: String,
    is_ok: bool,
    input: Option<String>,
    output: Option<String>,
    quiet_s: f64,
}

impl Seen {
    fn answers(&self) -> bool {
        self.event_type == "llm_call" && self.is_ok && self.output.is_some()
    }

    fn retrieves(&self) -> bool {
        matches!(self.event_type.as_str(), "retrieval" | "vector_db_operation")
    }
}

/// Err: why there is nothing to judge.
pub fn load(of: &Of, wants_context: bool) -> Result<Result<Subject, &'static str>, Error> {
    let trace = match of.trace_id {
        Some(trace_id) if of.event_id.is_none() || wants_context => trace(trace_id, of.ts)?,
        _ => Vec::new(),
    };
    let retrieved = context(&trace);
    if wants_context && retrieved.is_empty() {
        return Ok(Err("nothing was retrieved"));
    }
    let quiet_s = trace.iter().map(|seen| seen.quiet_s).reduce(f64::min).unwrap_or(f64::INFINITY);
    let said = match of.event_id {
        Some(event_id) => event(of.ts, event_id)?,
        None => {
            let first = trace.iter().find(|seen| seen.answers()).and_then(|seen| seen.input.clone());
            let last = trace.iter().rev().find(|seen| seen.answers()).and_then(|seen| seen.output.clone());
            first.zip(last)
        }
    };
    let Some((input, output)) = said else {
        return Ok(Err("there is no answer to judge, or it is kept no more"));
    };
    let mut variables = BTreeMap::from([
        ("question", last_message(&input, "user").unwrap_or_else(|| input.clone())),
        ("answer", last_message(&output, "assistant").unwrap_or_else(|| output.clone())),
        ("input", input),
    ]);
    if wants_context {
        variables.insert("context", retrieved);
    }
    Ok(Ok(Subject { variables, quiet_s }))
}

fn event(ts: TimestampWithTimeZone, event_id: &str) -> Result<Option<(String, String)>, Error> {
    let found = Spi::connect(|client| {
        let sql = include_str!("../../sql/analysis/event.sql");
        let rows = client.select(sql, Some(1), &[ts.into(), event_id.into()])?;
        let row = rows.into_iter().next();
        row.map(|row| Ok::<_, pgrx::spi::Error>((row.get::<String>(1)?, row.get::<String>(2)?))).transpose()
    })?;
    Ok(found.and_then(|(input, output)| Some((input.unwrap_or_default(), output?))))
}

fn trace(trace_id: &str, ts: TimestampWithTimeZone) -> Result<Vec<Seen>, Error> {
    let around =
        |micros: i64| crate::storage::sql_time(crate::storage::unix_micros(ts).saturating_add(micros));
    let read = Spi::connect(|client| {
        let sql = include_str!("../../sql/analysis/trace.sql");
        let arguments = [trace_id.into(), around(-AROUND).into(), around(AROUND).into(), MOST_EVENTS.into()];
        let rows = client.select(sql, None, &arguments)?;
        rows.map(|row| {
            Ok(Seen {
                event_type: row.get::<String>(1)?.unwrap_or_default(),
                is_ok: row.get::<&str>(2)? == Some("ok"),
                input: row.get::<String>(3)?,
                output: row.get::<String>(4)?,
                quiet_s: row.get::<f64>(5)?.unwrap_or_default(),
            })
        })
        .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(read)
}

/// What retrievals gave, one after the other.
fn context(trace: &[Seen]) -> String {
    let mut context = String::new();
    for output in trace.iter().filter(|seen| seen.retrieves()).filter_map(|seen| seen.output.as_deref()) {
        if !context.is_empty() {
            context.push_str("\n\n");
        }
        context.push_str(output);
        if context.len() > MOST_CONTEXT {
            break;
        }
    }
    context
}
