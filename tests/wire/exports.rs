//! Exports are all that was asked for, in a form that other programs read as it was meant.

use observa_tests::Database;
use observa_tests::event::{lines, llm_call, with};
use serde_json::{Value, json};

/// A trace whose texts are what CSV, JSON and spreadsheets could take for their own.
const BAD: [&str; 8] =
    ["=1+1", "+cmd", "-2", "@SUM(A1)", "\t=1", "say \"hi\", it's", "two\nlines", "back\\slash \u{1F600}"];

fn ready() -> Database {
    let mut db = Database::ready();
    let bad = BAD.iter().enumerate().map(|(n, text)| with(llm_call(&format!("e{n}")), json!({"trace_id": format!("t{n}"), "session_id": text, "model": "gpt-4o", "input_tokens": 10, "output_tokens": 5})));
    db.ingest(&lines(&bad.collect::<Vec<_>>()));
    db
}

/// RFC 4180, as a spreadsheet reads it.
fn parsed(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => cell.push(characters.next().unwrap()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\n' if !quoted => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            other => cell.push(other),
        }
    }
    rows
}

fn body(db: &mut Database, aggregate: &str, arguments: &str) -> String {
    db.one(&format!(
        "SELECT observa.{aggregate}(t)::text FROM (SELECT * FROM observa.export_traces({arguments})) t"
    ))
}

#[test]
fn csv_is_quoted_and_no_cell_is_a_formula() {
    let mut db = ready();
    for _ in ["unfolded", "folded"] {
        let rows = parsed(&body(&mut db, "csv_of_lines", "format => 'csv'"));
        assert_eq!(rows.len(), BAD.len() + 1);
        let column = |name: &str| rows[0].iter().position(|head| head == name).unwrap();
        assert!(rows.iter().all(|row| row.len() == rows[0].len()));
        for (n, text) in BAD.iter().enumerate() {
            let row = rows.iter().find(|row| row[column("trace_id")] == format!("t{n}")).unwrap();
            let session: String =
                db.one(&format!("SELECT session_id FROM observa.traces WHERE trace_id = 't{n}'"));
            let is_formula = session.trim_start().starts_with(['=', '+', '-', '@']);
            assert_eq!(
                row[column("session_id")],
                if is_formula { format!("'{session}") } else { session },
                "{text}"
            );
            assert_eq!(
                (row[column("input_tokens")].as_str(), row[column("models")].as_str()),
                ("10", "gpt-4o")
            );
        }
        db.run("SELECT observa.run_maintenance()");
    }
}

#[test]
fn ndjson_is_the_traces_as_the_view_shows_them() {
    let mut db = ready();
    let text = body(&mut db, "ndjson_of_lines", "");
    let found: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let columns = "trace_id, project_id, name, started_at, ended_at, latency_ms, status, models, event_count, input_tokens, output_tokens, cost_usd, signal_count,
                   user_id, session_id, conversation_id";
    let traces = db.table(&format!("SELECT {columns} FROM observa.traces"));
    assert_eq!(found.len(), BAD.len());
    assert!(traces.iter().all(|trace| found.contains(trace)), "{found:?} {traces:?}");
}

#[test]
fn the_requests_accept_says_the_format_where_none_is_named() {
    let mut db = ready();
    let first = |db: &mut Database, accept: &str, arguments: &str| -> String {
        db.run(&format!("SELECT set_config('request.headers', '{accept}', false)"));
        db.one(&format!("SELECT line FROM observa.export_traces({arguments}) LIMIT 1"))
    };
    assert!(first(&mut db, r#"{"accept": "text/csv"}"#, "").starts_with("trace_id,"));
    assert!(first(&mut db, r#"{"accept": "text/csv"}"#, "format => 'ndjson'").starts_with('{'));
    for other in [r#"{"accept": "application/x-ndjson"}"#, "{}", "", "no json"] {
        assert!(first(&mut db, other, "").starts_with('{'), "{other}");
    }
}

#[test]
fn as_many_traces_come_as_were_asked_for() {
    let mut db = ready();
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa.export_traces(top => 3)"), 3);
    assert_eq!(db.count("observa.export_traces(top => 3, format => 'csv')"), 4);
    assert_eq!(db.count("observa.export_traces(top => NULL)"), BAD.len() as i64);
    assert_eq!(db.count("observa.export_traces(since => now(), until => now() + interval '1 day')"), 0);
    assert_eq!(body(&mut db, "csv_of_lines", "since => now(), format => 'csv'").lines().count(), 1);
    assert_eq!(body(&mut db, "ndjson_of_lines", "since => now()"), "");
    // Rows come from the view one by one: nothing collects them.
    let plan: Value = db.one("EXPLAIN (FORMAT JSON) SELECT line FROM observa.export_traces(top => NULL)");
    assert!(!plan.to_string().contains("\"export_traces\""), "{plan}");
}
