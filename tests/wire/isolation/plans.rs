//! Row-level security leaves a dashboard its indexes: what it filters by is asked of an index, in every partition that has rows.

use super::World;
use observa_tests::database::one;
use serde_json::Value;

/// A read of each public view, and whether its time is bounded: then most partitions are not even looked at.
const READS: [(&str, bool); 17] = [
    ("SELECT model FROM observa.events WHERE ts >= {from} ORDER BY ts DESC LIMIT 50", true),
    ("SELECT model FROM observa.events WHERE trace_id = 'x'", false),
    ("SELECT model FROM observa.events WHERE conversation_id = 'x'", false),
    ("SELECT prompt FROM observa.llm_requests WHERE created_at >= {from}", true),
    ("SELECT prompt FROM observa.llm_requests WHERE trace_id = 'x'", false),
    ("SELECT cost_usd FROM observa.traces WHERE trace_id = 'x'", false),
    ("SELECT content FROM observa.messages WHERE conversation_id = 'x'", false),
    ("SELECT tokens FROM observa.conversations WHERE id = 'x'", false),
    ("SELECT tokens FROM observa.sessions WHERE id = 'x'", false),
    ("SELECT tokens FROM observa.users WHERE id = 'x'", false),
    ("SELECT count FROM observa.issues WHERE name = 'x'", false),
    ("SELECT name FROM observa.signals WHERE ts >= {from}", true),
    ("SELECT name FROM observa.signals WHERE trace_id = 'x'", false),
    ("SELECT message FROM observa.logs WHERE created_at >= {from}", true),
    ("SELECT message FROM observa.logs WHERE trace_id = 'x'", false),
    ("SELECT title FROM observa.alerts ORDER BY created_at DESC LIMIT 20", false),
    (
        "SELECT code FROM observa.rejected_events WHERE batch_id = '00000000-0000-0000-0000-000000000000'",
        false,
    ),
];

/// Nodes that read a table, with what they read.
fn scans<'p>(plan: &'p Value, found: &mut Vec<(&'p str, &'p str)>) {
    match plan {
        Value::Object(node) => {
            if let (Some(kind), Some(relation)) = (node.get("Node Type"), node.get("Relation Name")) {
                found.push((kind.as_str().unwrap(), relation.as_str().unwrap()));
            }
            node.values().for_each(|child| scans(child, found));
        }
        Value::Array(children) => children.iter().for_each(|child| scans(child, found)),
        _ => {}
    }
}

/// 20 tenants with rows on each of 20 days.
fn fill(world: &mut World) {
    world.db.run(
        "CREATE TEMP TABLE n AS SELECT i, CASE i % 20 WHEN 0 THEN t.id ELSE gen_random_uuid() END AS tenant, gen_random_uuid() AS id,
                now() - make_interval(mins => (i * 1440 / 2000)::integer) AS ts
           FROM generate_series(1, 40000) i, (SELECT tenant_id AS id FROM observa_internal.tenants WHERE name = 'zqoursqz') t;
         INSERT INTO observa_internal.events (tenant_id, ts, event_id, project_id, environment, event_type, trace_id, conversation_id, status,
                cost_source, billable, redactions, translator_version, batch_id, ingested_at)
         SELECT tenant, ts, 'n' || i, id, 'prod', 'llm_call', 't' || i / 5, 'c' || i / 9, 'ok', 'none', true, 0, 1, id, ts FROM n;
         INSERT INTO observa_internal.event_payloads (tenant_id, ts, event_id, input) SELECT tenant, ts, 'n' || i, repeat('x', 100) FROM n;
         INSERT INTO observa_internal.signals (tenant_id, ts, signal_id, project_id, environment, name, type, severity, alert_group, trace_id, details)
         SELECT tenant, ts, id, id, 'prod', 'slow', 'latency', 'low', '', 't' || i, '{}' FROM n;
         INSERT INTO observa_internal.logs (tenant_id, ts, log_id, project_id, environment, level, message, trace_id, redactions, ingested_at)
         SELECT tenant, ts, id, id, 'prod', 'info', 'm', 't' || i, 0, ts FROM n;
         INSERT INTO observa_internal.rejected_events (tenant_id, rejected_id, project_id, batch_id, line, code, message, body)
         SELECT tenant, id, id, gen_random_uuid(), 1, 'c', 'm', 'b' FROM n;
         INSERT INTO observa_internal.alerts (tenant_id, project_id, environment, rule, alert_group, alert_key, title, description, severity, source,
                first_seen, opened, created_at)
         SELECT tenant, id, 'prod', 'slow', '', id, 't', 'd', 'info', 's', ts, id, ts FROM n;
         ANALYZE",
    );
}

#[test]
fn reads_of_a_dashboard_use_indexes_under_row_security() {
    let mut world = World::new();
    fill(&mut world);
    let mut insider = world.insider("insider");
    let mut slow = Vec::new();
    for (sql, is_bounded) in READS {
        let sql = sql.replace("{from}", "now() - interval '90 minutes'");
        let plan: Value = one(&mut insider.client, &format!("EXPLAIN (FORMAT json) {sql}"));
        let mut found = Vec::new();
        scans(&plan, &mut found);
        assert!(!found.is_empty(), "{sql}: {plan}");
        for (kind, relation) in &found {
            let rows = world.db.count(&format!("observa_internal.{relation}"));
            if *kind == "Seq Scan" && rows > 500 {
                slow.push(format!("{sql}: {kind} on {relation}, {rows} rows"));
            }
        }
        // Today's and maybe yesterday's, and those of the days ahead.
        let days: std::collections::HashSet<&str> = found.iter().map(|(_, relation)| *relation).collect();
        assert!(!is_bounded || days.len() < 30, "{sql} reads {} partitions", days.len());
    }
    assert!(slow.is_empty(), "{slow:#?}");
}
