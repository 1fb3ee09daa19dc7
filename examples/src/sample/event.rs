//! A canonical event as the Observa SDK sends it, and the trace that holds several.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::dice::Dice;

/// Fields in the order in which a person reads them; absent ones are not written.
#[derive(Serialize, Clone)]
pub struct Event {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<&'static str>,
    pub environment: &'static str,
    pub trace_id: String,
    pub span_id: String,
    pub parent_span_id: Option<String>,
    pub timestamp: String,
    pub event_type: &'static str,
    pub conversation_id: String,
    pub session_id: String,
    pub user_id: String,
    pub route: &'static str,
    pub version: &'static str,
    pub message_index: u32,
    pub attributes: Map<String, Value>,
}

/// What all events of one visit share.
#[derive(Clone)]
pub struct Visit {
    pub tenant: Option<&'static str>,
    pub route: &'static str,
    pub conversation_id: String,
    pub session_id: String,
    pub user_id: String,
    pub version: &'static str,
    pub message_index: u32,
}

/// A trace under construction: each event begins when the one before it has ended.
pub struct Trace {
    visit: Visit,
    pub trace_id: String,
    root: String,
    begun: Timestamp,
    now: Timestamp,
    pub events: Vec<Event>,
}

impl Trace {
    pub fn begin(visit: Visit, at: Timestamp, name: &str, dice: &mut Dice) -> Self {
        let mut trace = Self {
            visit,
            trace_id: dice.hex(32),
            root: dice.hex(16),
            begun: at,
            now: at,
            events: Vec::new(),
        };
        let root = trace.root.clone();
        trace.push(None, root, "trace_start", serde_json::json!({ "name": name }));
        trace
    }

    /// Adds an event below the root and lets its time pass; returns its span.
    pub fn add(
        &mut self,
        event_type: &'static str,
        latency_ms: u64,
        attributes: Value,
        dice: &mut Dice,
    ) -> String {
        let root = self.root.clone();
        self.add_below(&root, event_type, latency_ms, attributes, dice)
    }

    pub fn add_below(
        &mut self,
        parent: &str,
        event_type: &'static str,
        latency_ms: u64,
        attributes: Value,
        dice: &mut Dice,
    ) -> String {
        let span = dice.hex(16);
        self.push(Some(parent.to_owned()), span.clone(), event_type, attributes);
        // One millisecond more, so that no two events of a trace begin at the same time.
        self.now += SignedDuration::from_millis(latency_ms as i64 + 1);
        span
    }

    /// Ends the trace with `outcome` (success, error, timeout).
    pub fn end(mut self, outcome: &str) -> Vec<Event> {
        let total = self.now.duration_since(self.begun).as_millis() as u64;
        let root = self.root.clone();
        self.push(
            None,
            root,
            "trace_end",
            serde_json::json!({ "total_latency_ms": total, "outcome": outcome }),
        );
        self.events
    }

    fn push(&mut self, parent: Option<String>, span: String, event_type: &'static str, attributes: Value) {
        let visit = &self.visit;
        self.events.push(Event {
            tenant_id: visit.tenant,
            environment: "prod",
            trace_id: self.trace_id.clone(),
            span_id: span,
            parent_span_id: parent,
            timestamp: iso(self.now),
            event_type,
            conversation_id: visit.conversation_id.clone(),
            session_id: visit.session_id.clone(),
            user_id: visit.user_id.clone(),
            route: visit.route,
            version: visit.version,
            message_index: visit.message_index,
            attributes: Map::from_iter([(event_type.to_owned(), attributes)]),
        });
    }
}

/// ISO 8601 in UTC with milliseconds.
pub fn iso(at: Timestamp) -> String {
    format!("{at:.3}")
}
