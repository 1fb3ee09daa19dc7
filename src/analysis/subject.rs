//! What a judge is shown of an event or a trace: the variables of an evaluator's template.

use std::collections::BTreeMap;

use observa_pipeline::analysis::asks_judge;
use pgrx::prelude::*;

use crate::error::Error;
use crate::messages::last_message;
use crate::plans;
use crate::storage;

/// What a template may name: the whole prompt, the user's last message, the model's answer, and what was retrieved for it.
pub const VARIABLES: [&str; 4] = ["input", "question", "answer", "context"];

/// Microseconds around an event within which the rest of its trace is looked for.
const AROUND: i64 = 86_400_000_000;

/// Retrievals of a trace that are shown, and characters of each.
const MOST_RETRIEVALS: i64 = 50;
const MOST_RETRIEVED: i32 = 20_000;

/// Bytes of what was retrieved, after which no more is taken: a prompt has less room.
const MOST_CONTEXT: usize = 64 << 10;

/// Bytes of the head and of the tail of a text that go to a judge: more than a prompt has room for.
const MOST_OF_AN_END: usize = 20 << 10;

pub struct Subject {
    pub variables: BTreeMap<&'static str, String>,
    /// Seconds since something of its trace arrived; infinite where that was not looked at.
    pub quiet_s: f64,
}

/// What is judged, of the acting tenant.
pub struct Of<'j> {
    pub trace_id: Option<&'j str>,
    /// None: the whole trace.
    pub event_id: Option<&'j str>,
    pub ts: TimestampWithTimeZone,
}

/// An event's key.
type Key = (TimestampWithTimeZone, String);

struct Trace {
    quiet_s: f64,
    /// The first and the last call with an answer. None: there is none.
    calls: Option<(Key, Key)>,
}

const NO_ANSWER: &str = "there is no answer to judge, or it is kept no more";

/// Err: why there is nothing to judge.
pub fn load(of: &Of, wants_context: bool) -> Result<Result<Subject, &'static str>, Error> {
    let context = match of.trace_id {
        Some(trace_id) if wants_context => context(trace_id, of.ts)?,
        _ => String::new(),
    };
    if wants_context && context.is_empty() {
        return Ok(Err("nothing was retrieved"));
    }
    let (quiet_s, input, output) = match (of.event_id, of.trace_id) {
        (Some(event_id), _) => {
            let Some((input, output)) = event(of.ts, event_id)? else { return Ok(Err(NO_ANSWER)) };
            (f64::INFINITY, input, output)
        }
        (None, Some(trace_id)) => {
            let trace = trace(trace_id, of.ts)?;
            let Some((first, last)) = trace.calls else { return Ok(Err(NO_ANSWER)) };
            let asked = event(first.0, &first.1)?;
            let answered = if first == last { asked.clone() } else { event(last.0, &last.1)? };
            let Some(((input, _), (_, output))) = asked.zip(answered) else { return Ok(Err(NO_ANSWER)) };
            (trace.quiet_s, input, output)
        }
        (None, None) => return Ok(Err("its event is not known")),
    };
    if asks_judge(&input) {
        return Ok(Err("it is a judge's own call"));
    }
    let mut variables = BTreeMap::from([
        ("question", ends(last_message(&input, "user").unwrap_or_else(|| input.clone()))),
        ("answer", ends(last_message(&output, "assistant").unwrap_or(output))),
        ("input", ends(input)),
    ]);
    if wants_context {
        variables.insert("context", context);
    }
    Ok(Ok(Subject { variables, quiet_s }))
}

/// A text without its middle, where it is longer than a prompt has room for.
fn ends(text: String) -> String {
    if text.len() <= 2 * MOST_OF_AN_END {
        return text;
    }
    let head = (0..=MOST_OF_AN_END).rev().find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    let from = text.len() - MOST_OF_AN_END;
    let tail = (from..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let parts = [text.get(..head), text.get(tail..)];
    parts.into_iter().flatten().collect::<Vec<_>>().concat()
}

fn event(ts: TimestampWithTimeZone, event_id: &str) -> Result<Option<(String, String)>, Error> {
    let mut found = None;
    let sql = include_str!("../../sql/analysis/event.sql");
    plans::each(sql, &[ts.into(), event_id.into()], true, |row| {
        found = row.get(2).map(|output| (row.get(1).unwrap_or_default(), output));
    })?;
    Ok(found)
}

fn around(ts: TimestampWithTimeZone, micros: i64) -> TimestampWithTimeZone {
    storage::sql_time(storage::unix_micros(ts).saturating_add(micros))
}

fn trace(trace_id: &str, ts: TimestampWithTimeZone) -> Result<Trace, Error> {
    let mut found = Trace { quiet_s: f64::INFINITY, calls: None };
    let arguments = [trace_id.into(), around(ts, -AROUND).into(), around(ts, AROUND).into()];
    plans::each(include_str!("../../sql/analysis/trace.sql"), &arguments, true, |row| {
        found.quiet_s = row.get(1).unwrap_or(f64::INFINITY);
        found.calls = row.get(2).zip(row.get(3)).zip(row.get(4).zip(row.get(5)));
    })?;
    Ok(found)
}

/// What retrievals gave, one after the other.
fn context(trace_id: &str, ts: TimestampWithTimeZone) -> Result<String, Error> {
    let arguments = [
        trace_id.into(),
        around(ts, -AROUND).into(),
        around(ts, AROUND).into(),
        MOST_RETRIEVALS.into(),
        MOST_RETRIEVED.into(),
    ];
    let mut context = String::new();
    plans::each(include_str!("../../sql/analysis/retrieved.sql"), &arguments, true, |row| {
        let Some(output) = row.get::<String>(1).filter(|_| context.len() <= MOST_CONTEXT) else { return };
        if !context.is_empty() {
            context.push_str("\n\n");
        }
        context.push_str(&output);
    })?;
    Ok(context)
}

/// For SQL.
#[pg_extern(sql = false, name = "asks_judge")]
fn is_asking_judge(input: &str) -> bool {
    asks_judge(input)
}
