//! A tenant's own rule about each event: an SQL boolean expression over the columns of observa.events.
//!
//! It is parsed and checked when it is written, kept as a tree of what is allowed, and evaluated here: Postgres never runs it, so whatever it
//! says, it can read nothing but the event. What it means is what Postgres would give, with three-valued logic; docs/signals.md has the differences.

mod check;
mod columns;
mod evaluate;
mod matching;
mod path;
mod value;

use serde_json::{Map, Value as Json};

use crate::event::Event;
use crate::home::Home;
use check::{Node, Used};

/// Bytes of an expression.
pub const LONGEST: usize = 2_000;

/// Parts that are evaluated: with [`LONGEST`] it bounds what an event costs.
const MOST_NODES: usize = 200;

/// Nesting of parentheses and operators: the parser takes some 40 kB of the stack for each, where nothing is optimized.
const DEEPEST: usize = 24;

/// Characters of a value that a signal repeats.
const EXCERPT: usize = 200;

/// What an expression sees of an event.
#[derive(Clone, Copy)]
pub struct Row<'e, 'l> {
    pub event: &'e Event<'l>,
    pub home: &'e Home,
    /// Called before a pattern is held against a text, which may take seconds of a long one: there whoever waits may end it.
    pub pause: fn(),
}

pub struct Expression {
    text: String,
    node: Node,
    used: Vec<Used>,
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, formatter: &mut std::fmt::Formatter) -> std::fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Expression {
    /// Err: what is not allowed, and where.
    pub fn parse(text: &str) -> Result<Expression, String> {
        let (node, used) = check::parse(text)?;
        Ok(Expression { text: text.to_owned(), node, used })
    }

    pub fn text(&self) -> &str {
        &self.text
    }

    /// None: NULL, or it could not be evaluated, as where something is divided by zero.
    pub fn evaluate(&self, row: Row) -> Option<bool> {
        evaluate::truth(&self.node, row)
    }

    /// What the columns that it names are, apart from ids: those of what outlives payloads, and those of attributes, which does not. Of a
    /// prompt, an answer or an error message there is the length, in characters.
    pub fn values(&self, row: Row) -> (Map<String, Json>, Map<String, Json>) {
        let (mut columns, mut attributes) = (Map::new(), Map::new());
        for used in &self.used {
            match used {
                Used::Column(column) if column.is_id => {}
                Used::Column(column) if column.is_content => {
                    let length = (column.value)(row).text().map(|text| text.chars().count());
                    columns.insert(format!("length({})", column.name), length.into());
                }
                Used::Column(column) => {
                    columns.insert(column.name.into(), (column.value)(row).to_json(EXCERPT));
                }
                Used::Path(path, written) => {
                    let value = path.text(row.event).ok().flatten();
                    let excerpt: Option<String> = value.map(|text| text.chars().take(EXCERPT).collect());
                    attributes.insert(written.clone(), excerpt.into());
                }
            }
        }
        (columns, attributes)
    }
}

#[cfg(test)]
mod tests;
