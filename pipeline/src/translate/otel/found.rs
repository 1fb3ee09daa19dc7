//! What a vector database found, as events of its span: a passage each, as OpenLLMetry tells them.

use crate::decode::otlp::SpanEvent;
use crate::translate::json;

const EVENTS: [&str; 2] = ["db.query.result", "db.search.result"];

/// Of such an event, behind its name and a dot, and what it is called here. The numbers of a vector say nothing to anyone.
const MEMBERS: [(&str, &str); 6] = [
    ("id", "id"),
    ("document", "content"),
    ("entity", "content"),
    ("score", "score"),
    ("distance", "distance"),
    ("metadata", "metadata"),
];

pub fn is_passage(event: &SpanEvent) -> bool {
    EVENTS.contains(&event.name.as_ref())
}

/// A JSON list in their order, and how many they are. None: there are none.
pub fn passages(events: &[SpanEvent]) -> Option<(String, usize)> {
    let found: Vec<String> = events.iter().filter(|event| is_passage(event)).map(passage).collect();
    (!found.is_empty()).then(|| (format!("[{}]", found.join(",")), found.len()))
}

fn passage(event: &SpanEvent) -> String {
    let mut members: Vec<(&str, String)> = Vec::new();
    for (key, value) in &event.attributes {
        let name = key.strip_prefix(event.name.as_ref()).and_then(|rest| rest.strip_prefix('.'));
        let known = MEMBERS.iter().find(|(member, _)| Some(*member) == name);
        let Some((_, called)) = known.filter(|(_, called)| members.iter().all(|(there, _)| there != called))
        else {
            continue;
        };
        let mut raw = String::new();
        value.write(&mut raw);
        members.push((called, raw));
    }
    json::write_object(members.iter().map(|(key, raw)| (*key, raw.as_str())))
}
