//! observa.trace: a trace as a tree.

use std::collections::HashMap;

use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::error::{Error, or_raise};

/// Events of one tree. A trace with more shows its first ones.
const MOST_EVENTS: i64 = 10_000;

/// Levels of the tree. What is deeper stands at the root: each level nests JSON twice, and most parsers stop at 128.
const MOST_LEVELS: usize = 50;

#[pg_extern(sql = false)]
fn trace(trace_id: &str) -> Option<JsonB> {
    or_raise(read(trace_id)).map(JsonB)
}

fn read(trace_id: &str) -> Result<Option<Value>, Error> {
    let Some(tenant) = tenant(trace_id)? else { return Ok(None) };
    let one = |sql: &str| Spi::get_one_with_args::<JsonB>(sql, &[trace_id.into(), tenant.into()]);
    let summary = one(include_str!("../sql/query/trace_summary.sql"))?;
    let events = Spi::connect(|client| {
        let rows = client.select(
            "SELECT to_jsonb(e) FROM observa.events e WHERE e.trace_id = $1 AND e.tenant_id = $2
              ORDER BY e.ts, e.event_id LIMIT $3",
            None,
            &[trace_id.into(), tenant.into(), (MOST_EVENTS + 1).into()],
        )?;
        rows.map(|row| row.get::<JsonB>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    let mut events: Vec<Value> = events.into_iter().flatten().map(|event| event.0).collect();
    let truncated = events.len() as i64 > MOST_EVENTS;
    events.truncate(MOST_EVENTS as usize);
    let signals = one(
        "SELECT coalesce(jsonb_agg(to_jsonb(s) ORDER BY s.ts, s.name), '[]') FROM
             (SELECT * FROM observa.signals WHERE trace_id = $1 AND tenant_id = $2 ORDER BY ts LIMIT 1000) s",
    )?;
    Ok(Some(json!({
        "trace_id": trace_id,
        "summary": summary.map(|summary| summary.0),
        "spans": tree(events),
        "signals": signals.map(|signals| signals.0),
        "truncated": truncated,
    })))
}

/// Whose trace is shown.
fn tenant(trace_id: &str) -> Result<Option<pgrx::Uuid>, Error> {
    let found = Spi::connect(|client| {
        let found =
            client.select(include_str!("../sql/query/trace_tenant.sql"), Some(1), &[trace_id.into()])?;
        if found.is_empty() { Ok(None) } else { found.first().get_one::<pgrx::Uuid>() }
    });
    Ok(found?)
}

/// Events under their parents. A parent is found by its span id; where several events share one, the first that is not
/// the end of it. Without a parent, or in a circle, an event stands at the root.
fn tree(events: Vec<Value>) -> Vec<Value> {
    let id = |event: &Value, key: &str| event.get(key).and_then(Value::as_str).map(str::to_owned);
    let mut spans: HashMap<String, usize> = HashMap::new();
    for (index, event) in events.iter().enumerate() {
        if let Some(span_id) = id(event, "span_id")
            && id(event, "event_type").as_deref() != Some("trace_end")
        {
            spans.entry(span_id).or_insert(index);
        }
    }
    let parents: Vec<Option<usize>> = events
        .iter()
        .enumerate()
        .map(|(index, event)| {
            let span_id = id(event, "span_id");
            let parent_id = id(event, "parent_span_id").filter(|parent| Some(parent) != span_id.as_ref());
            // Events of one span (its start, its end, its output) stand under the first of them.
            let own_first =
                span_id.and_then(|span_id| spans.get(&span_id).copied()).filter(|first| *first != index);
            own_first.or_else(|| parent_id.and_then(|parent| spans.get(&parent).copied()))
        })
        .collect();
    let levels = levels(&parents);
    let mut children: Vec<Vec<Value>> = vec![Vec::new(); events.len()];
    let mut roots = Vec::new();
    let mut nodes: Vec<Option<Value>> = events.into_iter().map(Some).collect();
    // The deepest first: when a node is placed, its own children are complete. Within a level, time's order is kept.
    let mut order: Vec<usize> = (0..parents.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(levels.get(*index).copied().unwrap_or(0)));
    for index in order {
        let Some(mut node) = nodes.get_mut(index).and_then(Option::take) else { continue };
        let own = children.get_mut(index).map(std::mem::take).unwrap_or_default();
        if let Value::Object(members) = &mut node {
            members.retain(|_, value| !value.is_null());
            members.insert("children".into(), Value::Array(own));
        }
        let level = levels.get(index).copied().unwrap_or(0);
        let parent = parents.get(index).copied().flatten().filter(|_| level > 0);
        match parent.and_then(|parent| children.get_mut(parent)) {
            Some(siblings) => siblings.push(node),
            None => roots.push(node),
        }
    }
    roots
}

/// How deep each node stands; 0 for roots, and for all nodes of a circle and what hangs too deep.
fn levels(parents: &[Option<usize>]) -> Vec<usize> {
    let mut levels: Vec<Option<usize>> = vec![None; parents.len()];
    for start in 0..parents.len() {
        let mut path = Vec::new();
        let mut at = start;
        let base = loop {
            if let Some(known) = levels.get(at).copied().flatten() {
                break known + 1;
            }
            if path.contains(&at) {
                break 0;
            }
            path.push(at);
            match parents.get(at).copied().flatten() {
                Some(parent) if path.len() <= MOST_LEVELS => at = parent,
                _ => break 0,
            }
        };
        for (height, index) in path.into_iter().rev().enumerate() {
            let level = base + height;
            if let Some(slot) = levels.get_mut(index) {
                *slot = Some(if level > MOST_LEVELS { 0 } else { level });
            }
        }
    }
    levels.into_iter().map(Option::unwrap_or_default).collect()
}
