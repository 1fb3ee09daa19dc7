//! Archives as another program reads them: DuckDB finds the same rows, types, sums and texts as SQL.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use observa_tests::Database;
use observa_tests::clients::{folder, require_note};
use observa_tests::event::{DAY_MS, lines, llm_call, now_ms, with};
use serde_json::{Value, json};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/python/read_archive.py");

#[test]
fn duckdb_reads_the_same_as_sql() {
    let python = folder().join("python/bin/python");
    if !Path::new(&python).exists() {
        return require_note("python");
    }
    let mut db = Database::ready();
    let calls: Vec<Value> = (0..500)
        .map(|n| {
            let more = json!({
                "timestamp": now_ms() - 3 * DAY_MS, "model": "gpt-4o-mini", "latency_ms": 9000, "input_tokens": n, "output_tokens": 3, "input": format!("Frage {n}: 世界"),
                "attributes": {"deep": "x"},
            });
            with(llm_call(&format!("e-{n}")), more)
        })
        .collect();
    assert_eq!(db.ingest(&lines(&calls))["accepted"], 500);
    db.run("INSERT INTO observa.logs (message, created_at) VALUES ('m', now() - interval '3 days')");
    let to = tempfile::tempdir().unwrap();
    std::fs::set_permissions(to.path(), std::fs::Permissions::from_mode(0o777)).unwrap();
    for table in ["events", "event_payloads", "signals", "logs"] {
        db.run(&format!(
            "SELECT observa.archive_partition('{table}', (now() AT TIME ZONE 'UTC')::date - 3, '{}')",
            to.path().display()
        ));
    }
    let output = Command::new(python).arg("-B").arg(SCRIPT).arg(to.path()).output().expect("it starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    for table in ["events", "event_payloads", "signals", "logs"] {
        assert_eq!(found[table]["rows"], db.count(&format!("observa_internal.{table}")), "{table}");
    }
    let types = &found["events"]["types"];
    for (column, wanted) in [
        ("tenant_id", "UUID"),
        ("ts", "TIMESTAMP WITH TIME ZONE"),
        ("model", "VARCHAR"),
        ("input_tokens", "BIGINT"),
        ("redactions", "INTEGER"),
        ("latency_ms", "DOUBLE"),
        ("billable", "BOOLEAN"),
        ("cost_usd", "VARCHAR"),
    ] {
        assert_eq!(types[column], wanted, "{column}");
    }
    assert_eq!(found["event_payloads"]["types"]["attributes"], "JSON");
    assert_eq!(
        found["cost"].as_str().unwrap(),
        db.one::<String>("SELECT sum(cost_usd)::numeric(38, 18)::text FROM observa_internal.events")
    );
    assert_eq!(found["tokens"], db.one::<i64>("SELECT sum(input_tokens)::bigint FROM observa.events"));
    assert_eq!(
        found["newest"],
        db.one::<i64>("SELECT (extract(epoch FROM max(ts)) * 1000000)::bigint FROM observa_internal.events")
    );
    assert_eq!(
        found["tenants"].as_str().unwrap(),
        db.one::<String>("SELECT DISTINCT tenant_id::text FROM observa_internal.events")
    );
    assert_eq!(
        found["inputs"].as_str().unwrap(),
        db.one::<String>(
            "SELECT md5(string_agg(input, '|' ORDER BY event_id)) FROM observa_internal.event_payloads"
        )
    );
    assert_eq!(found["attribute"], "x");
}
