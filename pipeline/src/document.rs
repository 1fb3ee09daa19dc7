//! Rows of several tables as one JSON document, which PostgreSQL's jsonb bounds.

use serde_json::{Map, Value};

/// Bytes of a jsonb value's elements, of which PostgreSQL takes 2^28 - 1: the rest is for what [`size`] may not see.
pub const MOST_BYTES: usize = 200_000_000;

/// There is more than one document takes.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLarge;

/// An array of rows for each table.
pub struct Document {
    tables: Map<String, Value>,
    room: usize,
}

impl Document {
    /// With an empty array for each table; `most` is in bytes of jsonb.
    pub fn new(tables: impl IntoIterator<Item = &'static str>, most: usize) -> Document {
        let empty = |table: &str| (table.to_owned(), Value::Array(Vec::new()));
        Document { tables: tables.into_iter().map(empty).collect(), room: most }
    }

    pub fn add(&mut self, table: &str, row: Value) -> Result<(), TooLarge> {
        self.room = self.room.checked_sub(size(&row)).ok_or(TooLarge)?;
        let rows = self.tables.entry(table).or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(rows) = rows {
            rows.push(row);
        }
        Ok(())
    }

    pub fn finish(self) -> Value {
        Value::Object(self.tables)
    }
}

/// At least what a value takes as an element of a jsonb: an entry of 4 bytes and up to 3 of alignment for each value and each key, their
/// text, a container's header, and a number's header with two bytes for each four digits on either side of its point.
fn size(value: &Value) -> usize {
    const ENTRY: usize = 4 + 3;
    ENTRY
        + match value {
            Value::Null | Value::Bool(_) => 0,
            Value::Number(number) => 12 + number.to_string().len(),
            Value::String(text) => text.len(),
            Value::Array(elements) => 4 + elements.iter().map(size).sum::<usize>(),
            Value::Object(members) => {
                4 + members.iter().map(|(key, member)| ENTRY + key.len() + size(member)).sum::<usize>()
            }
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_document_has_a_list_for_each_table_up_to_its_bound() {
        let mut document = Document::new(["events", "logs"], 100);
        assert_eq!(document.add("events", json!({"input": "a".repeat(40)})), Ok(()));
        assert_eq!(document.add("events", json!({"input": "a".repeat(40)})), Err(TooLarge));
        let expected = json!({"events": [{"input": "a".repeat(40)}], "logs": []});
        assert_eq!(document.finish(), expected);
    }

    /// SELECT pg_column_size('...'::jsonb)
    #[test]
    fn a_row_is_taken_for_as_large_as_postgres_has_it() {
        for (row, bytes) in [
            (json!([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]), 128),
            (json!({"a": null, "b": true, "c": "text", "d": {"e": [1.5]}}), 82),
            (json!("text"), 16),
        ] {
            assert!(size(&row) >= bytes - 8, "{row}: {} and not {bytes}", size(&row));
        }
    }
}
