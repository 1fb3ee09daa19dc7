//! Log records: those that carry a call's prompt and answer belong to its span, the others are lines of an application's log.

use std::borrow::Cow;

use uuid::Uuid;

use crate::decode::otlp::{Attributes, Id, Log, Value, get};
use crate::error::Reject;
use crate::event::Content;
use crate::identity;
use crate::translate::json::{self, Object};
use crate::translate::otel::aliases::Form;
use crate::translate::otel::messages;
use crate::translate::otel::said::{self, Said};
use crate::translate::otel::span::Origin;
use crate::translate::otel::written::Members;

/// A line of an application's log.
#[derive(Clone, Debug)]
pub struct LogRecord<'l> {
    /// The same record sent again has the same id.
    pub id: Uuid,
    /// Microseconds since 1970 UTC; None: the record has no time.
    pub ts: Option<i64>,
    /// debug, info, warning, error or critical.
    pub level: &'static str,
    pub service: Option<Cow<'l, str>>,
    pub message: Cow<'l, str>,
    pub trace_id: Option<Cow<'l, str>>,
    pub span_id: Option<Cow<'l, str>>,
    /// A JSON object.
    pub attributes: String,
}

/// What a record says of the call whose span it names. Several records may belong to one call: their messages follow each
/// other in the order they came.
#[derive(Clone, Debug)]
pub struct LogContent<'l> {
    pub trace_id: Cow<'l, str>,
    pub span_id: Cow<'l, str>,
    pub ts: Option<i64>,
    /// JSON lists of messages; both None where the library was told not to capture content.
    pub input: Option<Content<'l>>,
    pub output: Option<Content<'l>>,
}

pub enum Record<'l> {
    Line(LogRecord<'l>),
    Content(LogContent<'l>),
}

/// Reads a record. One that carries messages but names no span is a line.
pub fn translate<'l>(log: &'l Log<'l>, origin: &Origin<'l>) -> Result<Record<'l>, Reject> {
    if let Some(fault) = &log.fault {
        return Err(fault.clone());
    }
    let ts = log.time.and_then(|time| i64::try_from(time / 1_000).ok());
    if let (Some(trace_id), Some(span_id)) = (log.trace_id.hex(), log.span_id.hex())
        && let Some((input, output)) = content(log)
    {
        return Ok(Record::Content(LogContent {
            trace_id: Cow::Borrowed(trace_id),
            span_id: Cow::Borrowed(span_id),
            ts,
            input: input.map(|input| Content::Json(Cow::Owned(input))),
            output: output.map(|output| Content::Json(Cow::Owned(output))),
        }));
    }
    Ok(Record::Line(line(log, origin, ts)))
}

fn event_name<'l>(log: &'l Log<'l>) -> Cow<'l, str> {
    if !log.event_name.is_empty() {
        return Cow::Borrowed(&log.event_name);
    }
    let named = messages::text_of(&log.attributes, "event.name");
    named.or_else(|| log.body.text().filter(|text| text.starts_with("gen_ai."))).unwrap_or_default()
}

type Lists = (Option<String>, Option<String>);

/// The messages of a record, none where content was not captured. None: it is no such record.
fn content(log: &Log) -> Option<Lists> {
    let said = said::said(&event_name(log))?;
    let body = match &log.body {
        Value::Json(json) => Some(json.clone()),
        Value::Text(text) => {
            let text = text.read();
            match text.starts_with('{') && Object::parse(&text).is_ok() {
                true => Some(text.into_owned()),
                false if said::said(&text).is_some() => None,
                false => {
                    let mut quoted = String::new();
                    json::write_string(&mut quoted, &text);
                    Some(quoted)
                }
            }
        }
        _ => None,
    };
    let lists = match said {
        Said::Details => details(&log.attributes, body.as_deref()),
        Said::Output => (None, said::of_event(said, &log.attributes, body.as_deref())),
        Said::Input(_) => (said::of_event(said, &log.attributes, body.as_deref()), None),
    };
    Some(lists)
}

/// Both sides of a call under OpenTelemetry's names, among the attributes or in the body.
fn details(attributes: &Attributes, body: Option<&str>) -> Lists {
    let body = body.and_then(|body| Object::parse(body).ok()).unwrap_or_default();
    let find = |keys: &[&str], form: Form, role: &str| {
        let among = keys.iter().find_map(|key| get(attributes, key).cloned());
        let inside = || keys.iter().find_map(|key| body.get(key)).map(|raw| Value::Json(raw.to_owned()));
        let value = among.or_else(inside)?;
        messages::read(form, &value, role).map(|read| read.content.as_str().to_owned())
    };
    let input = find(&["gen_ai.input.messages", "input.messages", "input_messages"], Form::Messages, "user");
    let system = find(&["gen_ai.system_instructions", "system_instructions"], Form::Parts, "system");
    let output =
        find(&["gen_ai.output.messages", "output.messages", "output_messages"], Form::Messages, "assistant");
    let input = messages::with_system(system, input.map(|input| Content::Json(Cow::Owned(input))));
    (input.map(|input| input.as_str().to_owned()), output)
}

fn line<'l>(log: &'l Log<'l>, origin: &Origin<'l>, ts: Option<i64>) -> LogRecord<'l> {
    let message = log.body.text().unwrap_or_default();
    let name = event_name(log);
    let mut members = Members::with_capacity(256);
    for (key, value) in &log.attributes {
        value.write(members.key(key));
    }
    members.raw(&origin.written);
    if !name.is_empty() {
        members.text("otel.event_name", &name);
    }
    if log.repaired {
        members.key("observa_repaired").push_str("true");
    }
    let attributes = members.finish();
    let time = log.time.unwrap_or_default().to_string();
    let ids = [log.trace_id.hex().unwrap_or_default(), log.span_id.hex().unwrap_or_default()];
    LogRecord {
        id: identity::uuid_of_parts(&["log", ids[0], ids[1], &time, &message, &attributes]),
        ts,
        level: level(log),
        service: messages::text_of(origin.resource, "service.name"),
        message: if message.is_empty() { name } else { message },
        trace_id: hex(&log.trace_id),
        span_id: hex(&log.span_id),
        attributes,
    }
}

fn hex<'l>(id: &'l Id<'l>) -> Option<Cow<'l, str>> {
    id.hex().map(Cow::Borrowed)
}

/// By the protocol's number, else by the emitter's word.
fn level(log: &Log) -> &'static str {
    const WORDS: [(&str, &str); 8] = [
        ("trace", "debug"),
        ("debug", "debug"),
        ("info", "info"),
        ("notice", "info"),
        ("warn", "warning"),
        ("err", "error"),
        ("crit", "critical"),
        ("fatal", "critical"),
    ];
    match log.severity {
        1..=8 => "debug",
        9..=12 => "info",
        13..=16 => "warning",
        17..=20 => "error",
        21..=24 => "critical",
        _ => {
            let word = log.severity_text.to_ascii_lowercase();
            WORDS.iter().find(|(start, _)| word.starts_with(start)).map_or("info", |(_, level)| level)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::otlp::{Request, json as otlp_json};
    use crate::settings::Settings;

    fn request(records: &str) -> Request<'static> {
        let text = format!(
            r#"{{"resourceLogs":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}},"scopeLogs":[{{"logRecords":[{records}]}}]}}]}}"#
        );
        otlp_json::read(Box::leak(text.into_boxed_str()), &Settings::default()).unwrap()
    }

    fn records<'l>(request: &'l Request<'l>) -> Vec<Record<'l>> {
        let origin = Origin::new(&request.resources[0], &request.scopes[0]);
        request.logs.iter().map(|log| translate(log, &origin).unwrap()).collect()
    }

    const IDS: &str = r#""traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174""#;

    fn parsed(content: &Option<Content>) -> serde_json::Value {
        content
            .as_ref()
            .map_or(serde_json::Value::Null, |content| serde_json::from_str(content.as_str()).unwrap())
    }

    #[test]
    fn message_events_belong_to_their_span_wherever_their_name_stands() {
        let request = request(&format!(
            r#"{{{IDS},"eventName":"gen_ai.user.message","body":{{"kvlistValue":{{"values":[{{"key":"content","value":{{"stringValue":"hi"}}}}]}}}}}},
               {{{IDS},"attributes":[{{"key":"event.name","value":{{"stringValue":"gen_ai.choice"}}}}],"body":{{"kvlistValue":{{"values":[
                 {{"key":"index","value":{{"intValue":"0"}}}},{{"key":"finish_reason","value":{{"stringValue":"stop"}}}},
                 {{"key":"message","value":{{"kvlistValue":{{"values":[{{"key":"role","value":{{"stringValue":"assistant"}}}},{{"key":"content","value":{{"stringValue":"yes"}}}}]}}}}}}]}}}}}}"#
        ));
        let found = records(&request);
        let Record::Content(user) = &found[0] else { panic!("a line") };
        assert_eq!(
            (user.trace_id.as_ref(), user.span_id.as_ref()),
            ("5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174")
        );
        assert_eq!(parsed(&user.input), serde_json::json!([{"role": "user", "content": "hi"}]));
        let Record::Content(choice) = &found[1] else { panic!("a line") };
        assert_eq!(
            parsed(&choice.output),
            serde_json::json!([{"role": "assistant", "content": "yes", "finish_reason": "stop"}])
        );
    }

    #[test]
    fn without_captured_content_there_are_no_messages() {
        let request = request(&format!(
            r#"{{{IDS},"eventName":"gen_ai.choice","body":{{"kvlistValue":{{"values":[{{"key":"finish_reason","value":{{"stringValue":"stop"}}}},
               {{"key":"message","value":{{"kvlistValue":{{"values":[{{"key":"role","value":{{"stringValue":"assistant"}}}}]}}}}}}]}}}}}}"#
        ));
        let found = records(&request);
        let Record::Content(content) = &found[0] else { panic!("a line") };
        assert_eq!((&content.input, &content.output), (&None, &None));
    }

    #[test]
    fn operation_details_hold_both_sides() {
        let request = request(&format!(
            r#"{{{IDS},"eventName":"gen_ai.client.inference.operation.details","attributes":[
               {{"key":"gen_ai.input.messages","value":{{"stringValue":"[{{\"role\":\"user\",\"parts\":[]}}]"}}}},
               {{"key":"gen_ai.system_instructions","value":{{"stringValue":"[{{\"type\":\"text\",\"content\":\"brief\"}}]"}}}},
               {{"key":"gen_ai.output.messages","value":{{"stringValue":"[{{\"role\":\"assistant\",\"parts\":[]}}]"}}}}]}}"#
        ));
        let found = records(&request);
        let Record::Content(content) = &found[0] else { panic!("a line") };
        assert_eq!(
            parsed(&content.input),
            serde_json::json!([{"role": "system", "parts": [{"type": "text", "content": "brief"}]}, {"role": "user", "parts": []}])
        );
        assert_eq!(parsed(&content.output), serde_json::json!([{"role": "assistant", "parts": []}]));
    }

    #[test]
    fn other_records_are_lines_with_their_level_and_service() {
        let request = request(
            r#"{"timeUnixNano":"1772600767000000000","severityNumber":17,"body":{"stringValue":"it broke"}},
               {"severityText":"WARNING","body":{"stringValue":"careful"}},{"eventName":"started"}"#,
        );
        let lines: Vec<_> = records(&request)
            .into_iter()
            .map(|record| match record {
                Record::Line(line) => {
                    (line.level, line.message.into_owned(), line.service.unwrap().into_owned(), line.ts)
                }
                Record::Content(_) => panic!("content"),
            })
            .collect();
        let shop = || "shop".to_owned();
        let expected = [
            ("error", "it broke".to_owned(), shop(), Some(1_772_600_767_000_000)),
            ("warning", "careful".to_owned(), shop(), None),
            ("info", "started".to_owned(), shop(), None),
        ];
        assert_eq!(lines, expected);
    }
}
