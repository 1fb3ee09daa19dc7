//! observa.trace: a trace as a tree.

use std::collections::HashMap;

use observa_pipeline::translate::json::{self, Object};
use pgrx::prelude::*;
use pgrx::spi::SpiClient;

use crate::error::{Error, or_raise};

/// Events of one tree. A trace with more shows its first ones.
const MOST_EVENTS: usize = 10_000;

/// Levels of the tree. What is deeper stands at the root: each level nests JSON twice, and most parsers stop at 128.
const MOST_LEVELS: usize = 50;

/// As JSON text made of the rows' own, which Postgres parses: serde_json would round numbers to doubles, and end at 128 levels.
#[pg_extern(sql = false)]
fn trace(trace_id: &str) -> Option<String> {
    or_raise(read(trace_id))
}

/// An event of the tree.
struct Node {
    event_type: String,
    span_id: Option<String>,
    parent_span_id: Option<String>,
    /// The event as a JSON object.
    row: String,
}

/// Reads alone, under the caller's snapshot: also on a standby, and beside parallel workers.
fn read(trace_id: &str) -> Result<Option<String>, Error> {
    let found = Spi::connect(|client| {
        let Some(tenant) = tenant(client, trace_id)? else { return Ok(None) };
        let one = |sql: &str| -> Result<String, pgrx::spi::Error> {
            let found = client.select(sql, Some(1), &[trace_id.into(), tenant.into()])?;
            let text = if found.is_empty() { None } else { found.first().get_one::<String>()? };
            Ok(text.unwrap_or_else(|| "null".into()))
        };
        let summary = one(include_str!("../sql/query/trace_summary.sql"))?;
        let signals = one(include_str!("../sql/query/trace_signals.sql"))?;
        Ok(Some((summary, signals, nodes(client, trace_id, tenant)?)))
    });
    let Some((summary, signals, mut nodes)) = found.map_err(|error: pgrx::spi::Error| Error::Spi(error))?
    else {
        return Ok(None);
    };
    let truncated = nodes.len() > MOST_EVENTS;
    nodes.truncate(MOST_EVENTS);
    let mut text = String::from("{\"trace_id\":");
    json::write_string(&mut text, trace_id);
    text.push_str(",\"summary\":");
    text.push_str(&summary);
    text.push_str(",\"spans\":");
    Tree::new(&nodes).write(&mut text);
    text.push_str(",\"signals\":");
    text.push_str(&signals);
    text.push_str(if truncated { ",\"truncated\":true}" } else { ",\"truncated\":false}" });
    Ok(Some(text))
}

/// Whose trace is shown.
fn tenant(client: &SpiClient, trace_id: &str) -> Result<Option<pgrx::Uuid>, pgrx::spi::Error> {
    let found = client.select(include_str!("../sql/query/trace_tenant.sql"), Some(1), &[trace_id.into()])?;
    if found.is_empty() { Ok(None) } else { found.first().get_one::<pgrx::Uuid>() }
}

/// The trace's events in order of time, and one more than are shown, where there are more.
fn nodes(client: &SpiClient, trace_id: &str, tenant: pgrx::Uuid) -> Result<Vec<Node>, pgrx::spi::Error> {
    let limit = MOST_EVENTS as i64 + 1;
    let sql = include_str!("../sql/query/trace_events.sql");
    let rows = client.select(sql, None, &[trace_id.into(), tenant.into(), limit.into()])?;
    rows.map(|row| {
        Ok(Node {
            event_type: row.get::<String>(1)?.unwrap_or_default(),
            span_id: row.get::<String>(2)?,
            parent_span_id: row.get::<String>(3)?,
            row: row.get::<String>(4)?.unwrap_or_default(),
        })
    })
    .collect()
}

/// Events under their parents, by their place in time.
struct Tree<'n> {
    nodes: &'n [Node],
    children: Vec<Vec<usize>>,
    roots: Vec<usize>,
}

impl<'n> Tree<'n> {
    /// A parent is found by its span id; where several events share one, the first that is not the end of it. Without a
    /// parent, or in a circle, an event stands at the root.
    fn new(nodes: &'n [Node]) -> Tree<'n> {
        let mut spans: HashMap<&str, usize> = HashMap::new();
        for (index, node) in nodes.iter().enumerate() {
            if let Some(span_id) = &node.span_id
                && node.event_type != "trace_end"
            {
                spans.entry(span_id).or_insert(index);
            }
        }
        let place = |span_id: &Option<String>| span_id.as_deref().and_then(|id| spans.get(id).copied());
        let parents: Vec<Option<usize>> = nodes
            .iter()
            .enumerate()
            .map(|(index, node)| {
                // Events of one span (its start, its end, its output) stand under the first of them.
                let own_first = place(&node.span_id).filter(|first| *first != index);
                let named = || place(&node.parent_span_id).filter(|_| node.parent_span_id != node.span_id);
                own_first.or_else(named)
            })
            .collect();
        let mut tree = Tree { nodes, children: vec![Vec::new(); nodes.len()], roots: Vec::new() };
        for (index, (parent, level)) in parents.iter().zip(levels(&parents)).enumerate() {
            match parent.filter(|_| level > 0).and_then(|parent| tree.children.get_mut(parent)) {
                Some(siblings) => siblings.push(index),
                None => tree.roots.push(index),
            }
        }
        tree
    }

    fn write(&self, text: &mut String) {
        self.write_list(&self.roots, text);
    }

    fn write_list(&self, list: &[usize], text: &mut String) {
        text.push('[');
        for (position, index) in list.iter().enumerate() {
            if position > 0 {
                text.push(',');
            }
            self.write_node(*index, text);
        }
        text.push(']');
    }

    /// Its members that are not NULL, as they are, and the children.
    fn write_node(&self, index: usize, text: &mut String) {
        let members =
            self.nodes.get(index).and_then(|node| Object::parse(&node.row).ok()).unwrap_or_default();
        text.push('{');
        for (key, raw) in members.0.iter().filter(|(_, raw)| *raw != "null") {
            json::write_string(text, key);
            text.push(':');
            text.push_str(raw);
            text.push(',');
        }
        text.push_str("\"children\":");
        self.write_list(self.children.get(index).map(Vec::as_slice).unwrap_or_default(), text);
        text.push('}');
    }
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
