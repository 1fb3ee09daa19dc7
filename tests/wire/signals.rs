//! Each per-event signal of the contract: it fires above its threshold and not at it, with its severity and group.

use observa_tests::Database;
use observa_tests::database::one_with;
use observa_tests::event::{lines, llm_call, now_ms, with};
use serde_json::{Value, json};

struct Case {
    signal: &'static str,
    severity: &'static str,
    /// Fires.
    above: Value,
    /// Does not fire: at the threshold, or the like without the fact.
    at: Value,
    group: &'static str,
}

fn case(
    signal: &'static str,
    severity: &'static str,
    base: Value,
    above: Value,
    at: Value,
    group: &'static str,
) -> Case {
    Case { signal, severity, above: with(base.clone(), above), at: with(base, at), group }
}

fn llm() -> Value {
    json!({"event_type": "llm_call", "model": "m1", "route": "/r"})
}

fn cases() -> Vec<Case> {
    let tool = json!({"event_type": "tool_call", "tool_name": "t1"});
    let embedding = json!({"event_type": "embedding", "model": "e1"});
    let vector =
        json!({"event_type": "vector_db_operation", "operation_type": "vector_search", "index_name": "ix"});
    let cache = json!({"event_type": "cache_operation", "hit_status": "hit", "cache_backend": "redis"});
    let retrieval = json!({"event_type": "retrieval", "route": "/r"});
    let agent = json!({"event_type": "agent_create", "agent_name": "a1"});
    let on_model_and_route = "model=m1 route=/r";
    vec![
        case(
            "high_latency",
            "high",
            llm(),
            json!({"latency_ms": 5000.1}),
            json!({"latency_ms": 5000}),
            on_model_and_route,
        ),
        case(
            "medium_latency",
            "medium",
            llm(),
            json!({"latency_ms": 2000.1}),
            json!({"latency_ms": 2000}),
            on_model_and_route,
        ),
        case(
            "tool_latency",
            "medium",
            tool.clone(),
            json!({"latency_ms": 5001}),
            json!({"latency_ms": 5000}),
            "tool_name=t1",
        ),
        case(
            "embedding_high_latency",
            "medium",
            embedding.clone(),
            json!({"latency_ms": 5001}),
            json!({"latency_ms": 5000}),
            "model=e1",
        ),
        case(
            "vector_db_slow_query",
            "medium",
            vector.clone(),
            json!({"latency_ms": 3001}),
            json!({"latency_ms": 3000}),
            "subject=ix",
        ),
        case(
            "cache_high_latency",
            "medium",
            cache,
            json!({"latency_ms": 1001}),
            json!({"latency_ms": 1000}),
            "subject=redis",
        ),
        case("llm_error", "high", llm(), json!({"status": "error"}), json!({"status": "ok"}), "model=m1"),
        case(
            "llm_error",
            "high",
            llm(),
            json!({"status": "timeout"}),
            json!({"status": "success"}),
            "model=m1",
        ),
        case(
            "tool_error",
            "high",
            tool.clone(),
            json!({"result_status": "error"}),
            json!({"result_status": "success"}),
            "tool_name=t1",
        ),
        case(
            "tool_timeout",
            "high",
            tool,
            json!({"result_status": "timeout"}),
            json!({"result_status": "error"}),
            "tool_name=t1",
        ),
        Case {
            signal: "error_event",
            severity: "high",
            above: json!({"event_type": "error", "error_type": "Oops", "error_message": "it broke"}),
            at: json!({"event_type": "output", "final_output": "fine"}),
            group: "error_type=Oops",
        },
        case(
            "token_spike",
            "high",
            llm(),
            json!({"total_tokens": 100_001}),
            json!({"total_tokens": 100_000}),
            on_model_and_route,
        ),
        case(
            "token_spike",
            "high",
            llm(),
            json!({"input_tokens": 60_000, "output_tokens": 40_001}),
            json!({"input_tokens": 60_000, "output_tokens": 40_000}),
            on_model_and_route,
        ),
        case("cost_spike", "high", llm(), json!({"cost": 10.01}), json!({"cost": 10}), on_model_and_route),
        case(
            "high_cost",
            "medium",
            llm(),
            json!({"cost": 0.1001}),
            json!({"cost": 0.10}),
            on_model_and_route,
        ),
        // gpt-4o takes 10 USD per million out: 10,001 tokens are 0.10001 USD, whatever the client says.
        case(
            "high_cost",
            "medium",
            json!({"event_type": "llm_call", "model": "gpt-4o", "provider": "openai", "input_tokens": 0, "cost": 0.05}),
            json!({"output_tokens": 10_001}),
            json!({"output_tokens": 10_000}),
            "model=gpt-4o",
        ),
        case(
            "contains_secrets",
            "high",
            llm(),
            json!({"input": "my key is AKIAQ3EGYJ7KX5NT2MWB"}),
            json!({"input": "my key is AKIA"}),
            "route=/r",
        ),
        case(
            "contains_pii",
            "low",
            llm(),
            json!({"input": "write to jane.roe@acme-corp.com"}),
            json!({"input": "write to git@github"}),
            "route=/r",
        ),
        // gpt-4o's window is 128,000 tokens; 95 % of it are 121,600.
        case(
            "context_overflow",
            "medium",
            json!({"event_type": "llm_call", "model": "gpt-4o", "provider": "openai"}),
            json!({"input_tokens": 121_601}),
            json!({"input_tokens": 121_600}),
            "model=gpt-4o",
        ),
        case(
            "context_overflow",
            "medium",
            llm(),
            json!({"finish_reason": "model_context_window_exceeded"}),
            json!({"finish_reason": "length"}),
            "model=m1",
        ),
        case(
            "context_overflow",
            "medium",
            llm(),
            json!({"status": "error", "error_type": "context_length_exceeded"}),
            json!({"status": "error", "error_type": "rate_limit"}),
            "model=m1",
        ),
        case(
            "context_drop",
            "medium",
            retrieval,
            json!({"retrieval_context_ids": []}),
            json!({"retrieval_context_ids": ["d"]}),
            "route=/r",
        ),
        case(
            "high_toxicity",
            "medium",
            llm(),
            json!({"toxicity_score": 0.71}),
            json!({"toxicity_score": 0.7}),
            on_model_and_route,
        ),
        case(
            "hallucination_risk",
            "medium",
            llm(),
            json!({"hallucination_risk": 0.71}),
            json!({"hallucination_risk": 0.7}),
            on_model_and_route,
        ),
        case(
            "vector_db_empty_results",
            "low",
            vector,
            json!({"results_count": 0}),
            json!({"results_count": 1}),
            "subject=ix",
        ),
        case(
            "embedding_dimension_anomaly",
            "low",
            embedding,
            json!({"dimension_count": 3, "embeddings": [0.1, 0.2]}),
            json!({"dimension_count": 3, "embeddings": [[0.1, 0.2, 0.3]]}),
            "model=e1",
        ),
        case(
            "agent_create_no_tools",
            "low",
            agent,
            json!({"tools_bound": []}),
            json!({"tools_bound": ["search"]}),
            "agent_name=a1",
        ),
    ]
}

#[test]
fn each_signal_fires_above_its_threshold_and_not_at_it() {
    let mut db = Database::ready();
    let cases = cases();
    let mut events = Vec::new();
    for (n, case) in cases.iter().enumerate() {
        let ids = |which: &str| json!({"event_id": format!("{which}{n}"), "timestamp": now_ms(), "trace_id": format!("t{n}"), "span_id": "s"});
        events.push(with(case.above.clone(), ids("above")));
        events.push(with(case.at.clone(), ids("at")));
    }
    let answer = db.ingest(&lines(&events));
    assert_eq!(answer["rejected"], 0, "{answer}");
    assert_eq!(answer["signals"], db.count("observa.signals"));
    for (n, case) in cases.iter().enumerate() {
        let name = case.signal;
        let fired = db.table(&format!("SELECT severity, alert_group, trace_id, span_id, type, details, value, threshold FROM observa.signals WHERE event_id = 'above{n}' AND name = '{name}'"));
        assert_eq!(fired.len(), 1, "{name} fires on {}", case.above);
        assert_eq!(fired[0]["severity"], case.severity, "{name}");
        assert_eq!(fired[0]["alert_group"], case.group, "{name}");
        assert_eq!(
            (&fired[0]["trace_id"], &fired[0]["span_id"]),
            (&json!(format!("t{n}")), &json!("s")),
            "{name}"
        );
        assert!(
            fired[0]["details"]["unit"].is_string() && fired[0]["value"].is_number(),
            "{name}: {}",
            fired[0]
        );
        assert_eq!(
            db.count(&format!("observa.signals WHERE event_id = 'at{n}' AND name = '{name}'")),
            0,
            "{name} on {}",
            case.at
        );
    }
    // A call that is over both is said once.
    assert_eq!(db.count("observa.signals s JOIN observa.signals t USING (event_id) WHERE s.name = 'high_latency' AND t.name = 'medium_latency'"), 0);
    let of_contract = [
        "high_latency",
        "medium_latency",
        "tool_latency",
        "embedding_high_latency",
        "vector_db_slow_query",
        "cache_high_latency",
        "llm_error",
        "tool_error",
        "tool_timeout",
        "error_event",
        "token_spike",
        "cost_spike",
        "high_cost",
        "contains_secrets",
        "contains_pii",
        "context_overflow",
        "context_drop",
        "high_toxicity",
        "hallucination_risk",
        "vector_db_empty_results",
        "embedding_dimension_anomaly",
        "agent_create_no_tools",
    ];
    for name in of_contract {
        assert!(cases.iter().any(|case| case.signal == name), "{name} has a case");
        assert_eq!(db.count(&format!("observa.detection_rules WHERE name = '{name}'")), 1, "{name}");
    }
}

#[track_caller]
fn signals_of(db: &mut Database, event: Value) -> Vec<String> {
    let id = format!("e{}", uuid::Uuid::new_v4());
    let answer = db.ingest(&with(event, json!({"event_id": id, "timestamp": now_ms()})).to_string());
    assert_eq!(answer["accepted"], 1, "{answer}");
    let sql = "SELECT name FROM observa.signals WHERE event_id = $1 ORDER BY name";
    db.rows(sql, &[&id]).iter().map(|row| row.get(0)).collect()
}

#[test]
fn a_tenants_threshold_wins_and_a_projects_wins_over_it() {
    let mut db = Database::ready();
    let tenant: uuid::Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants");
    let project: uuid::Uuid =
        one_with(&mut db.client, "SELECT observa.create_project($1, 'fast')", &[&tenant]);
    db.tenant("other");
    let slow = |ms: i64, more: Value| with(with(llm(), json!({"latency_ms": ms})), more);
    assert_eq!(signals_of(&mut db, slow(6000, json!({}))), ["high_latency"]);
    db.run(
        "UPDATE observa.detection_rules SET threshold = 8000, severity = 'low' WHERE name = 'high_latency'",
    );
    db.run("UPDATE observa.detection_rules SET threshold = 7000 WHERE name = 'medium_latency'");
    assert_eq!(signals_of(&mut db, slow(6000, json!({}))), [""; 0]);
    assert_eq!(signals_of(&mut db, slow(8001, json!({}))), ["high_latency"]);
    assert_eq!(db.count("observa.signals WHERE severity = 'low' AND threshold = 8000"), 1);
    assert_eq!(
        signals_of(&mut db, slow(6000, json!({"tenant_id": "other"}))),
        ["high_latency"],
        "another tenant's stays"
    );
    db.run(&format!("INSERT INTO observa.detection_rules (name, project_id, threshold) VALUES ('high_latency', '{project}', 100)"));
    assert_eq!(signals_of(&mut db, slow(101, json!({"project_id": "fast"}))), ["high_latency"]);
    assert_eq!(signals_of(&mut db, slow(101, json!({}))), [""; 0], "another project has the tenant's");
    db.run("DELETE FROM observa.detection_rules WHERE name = 'high_latency' AND project_id IS NULL");
    assert_eq!(signals_of(&mut db, slow(7500, json!({}))), ["high_latency"], "the built-in rule holds again");
    assert_eq!(
        signals_of(&mut db, slow(101, json!({"project_id": "fast"}))),
        ["high_latency"],
        "the project's stays"
    );
}

#[test]
fn a_rule_can_be_switched_off_and_on() {
    let mut db = Database::ready();
    let slow = with(llm(), json!({"latency_ms": 6000}));
    db.run(
        "UPDATE observa.detection_rules SET enabled = false WHERE name IN ('high_latency', 'medium_latency')",
    );
    assert_eq!(signals_of(&mut db, slow.clone()), [""; 0]);
    db.run("UPDATE observa.detection_rules SET enabled = true WHERE name = 'high_latency'");
    assert_eq!(signals_of(&mut db, slow), ["high_latency"]);
    // For high_cost, 0 is off.
    let dear = with(llm(), json!({"cost": 0.5}));
    assert_eq!(signals_of(&mut db, dear.clone()), ["high_cost"]);
    db.run("UPDATE observa.detection_rules SET threshold = 0 WHERE name = 'high_cost'");
    assert_eq!(signals_of(&mut db, dear), [""; 0]);
}

#[test]
fn a_rule_that_does_not_exist_or_a_threshold_that_is_none_is_refused() {
    let mut db = Database::ready();
    for row in [
        "('no_such_rule', 1)",
        "('high_latency', -1)",
        "('high_latency', 'NaN')",
        "('high_latency', 'Infinity')",
    ] {
        let refused =
            db.error(&format!("INSERT INTO observa.detection_rules (name, threshold) VALUES {row}"));
        assert!(["22023", "23514"].contains(&refused.code().code()), "{row}: {refused:?}");
    }
}

#[test]
fn an_edit_that_would_change_nothing_is_refused_or_counts_no_row() {
    let mut db = Database::ready();
    let tenant: uuid::Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants");
    let own: uuid::Uuid = db.one("SELECT project_id FROM observa_internal.projects");
    db.tenant("other");
    let others: uuid::Uuid =
        db.one(&format!("SELECT project_id FROM observa_internal.projects WHERE tenant_id <> '{tenant}'"));
    let unknown = uuid::Uuid::new_v4();
    for sql in [
        "UPDATE observa.detection_rules SET name = 'tool_latency' WHERE name = 'high_latency'".to_owned(),
        "INSERT INTO observa.detection_rules (name, threshold) VALUES ('llm_error', 1)".to_owned(),
        "UPDATE observa.detection_rules SET threshold = 1 WHERE name = 'llm_error'".to_owned(),
        format!(
            "INSERT INTO observa.detection_rules (name, project_id, threshold) VALUES ('high_latency', '{others}', 1)"
        ),
        format!(
            "INSERT INTO observa.detection_rules (name, project_id, threshold) VALUES ('high_latency', '{unknown}', 1)"
        ),
        format!("UPDATE observa.detection_rules SET project_id = '{unknown}' WHERE name = 'high_latency'"),
        format!("INSERT INTO observa.model_prices (model, project_id) VALUES ('m', '{others}')"),
        format!("INSERT INTO observa.model_prices (model, project_id) VALUES ('m', '{unknown}')"),
    ] {
        assert_eq!(db.error(&sql).code().code(), "22023", "{sql}");
    }
    assert_eq!(db.count("observa_internal.detection_rules") + db.count("observa_internal.model_prices"), 0);
    let delete = "DELETE FROM observa.detection_rules WHERE name = 'llm_error'";
    assert_eq!(db.client.execute(delete, &[]).unwrap(), 0, "the built-in rule stays");
    db.run(&format!(
        "INSERT INTO observa.detection_rules (name, project_id, enabled) VALUES ('llm_error', '{own}', false)"
    ));
    assert_eq!(db.client.execute(delete, &[]).unwrap(), 1);
    let update = "UPDATE observa.detection_rules SET severity = 'low' WHERE name = 'llm_error'";
    assert_eq!(db.client.execute(update, &[]).unwrap(), 1);
}

#[test]
fn signals_follow_their_event_into_issues() {
    let mut db = Database::ready();
    for n in 0..3 {
        let call = with(
            llm(),
            json!({"latency_ms": 6000 + n, "event_id": n.to_string(), "trace_id": format!("t{n}"),
                                      "user_id": "u1", "timestamp": now_ms() - 1000 + n}),
        );
        db.ingest(&call.to_string());
    }
    let issue = db.row("SELECT name, severity, count, sample_trace_ids, subject, users FROM observa.issues");
    assert_eq!(
        issue,
        json!({"name": "high_latency", "severity": "high", "count": 3, "sample_trace_ids": ["t2", "t1", "t0"],
                             "subject": "model=m1 route=/r", "users": 1})
    );
}

#[test]
fn a_rule_that_was_changed_meanwhile_counts_after_a_transaction_that_could_not_see_it() {
    let mut db = Database::ready();
    let mut other = db.connect();
    let call = |id: &str| with(llm_call(id), json!({"latency_ms": 1000})).to_string();
    assert_eq!(db.ingest(&call("before"))["signals"], 0);
    for level in ["REPEATABLE READ", "SERIALIZABLE"] {
        db.run(&format!("BEGIN ISOLATION LEVEL {level}; SELECT count(*) FROM observa.events"));
        other
            .batch_execute("UPDATE observa.detection_rules SET threshold = 500 WHERE name = 'medium_latency'")
            .unwrap();
        // The news arrives while the first one reads the configuration: the second one reads it again.
        db.ingest(&call(&format!("within {level}")));
        db.ingest(&call(&format!("still within {level}")));
        db.run("COMMIT");
        assert_eq!(db.ingest(&call(&format!("after {level}")))["signals"], 1, "{level}");
        other.batch_execute("DELETE FROM observa.detection_rules WHERE name = 'medium_latency'").unwrap();
        assert_eq!(db.ingest(&call(&format!("again {level}")))["signals"], 0, "{level}");
    }
}

#[test]
fn an_edit_of_a_rule_is_of_the_rows_own_tenant() {
    let mut db = Database::ready();
    let [a, b] = ["a", "b"].map(|name| db.tenant(name));
    let rule = "name = 'high_latency'";
    let exceptions = |db: &mut Database| {
        db.table(
            "SELECT t.name AS tenant, r.threshold FROM observa_internal.detection_rules r JOIN observa_internal.tenants t USING (tenant_id) ORDER BY 1",
        )
    };
    let exception = |tenant: &str, threshold: i32| json!({"tenant": tenant, "threshold": threshold});
    for (tenant, threshold) in [(a, 1), (b, 2)] {
        db.run(&format!(
            "INSERT INTO observa.detection_rules (name, threshold, tenant_id) VALUES ('high_latency', {threshold}, '{tenant}')"
        ));
    }
    // The default tenant has none: its row is the built-in one.
    let shown = db.table(&format!("SELECT tenant_id IS NULL AS builtin, threshold FROM observa.detection_rules WHERE {rule} ORDER BY threshold"));
    assert_eq!(
        shown,
        [1, 2, 5000].map(|threshold| json!({"builtin": threshold == 5000, "threshold": threshold}))
    );
    db.run(&format!("UPDATE observa.detection_rules SET threshold = 3 WHERE {rule} AND tenant_id IS NULL"));
    assert_eq!(exceptions(&mut db), [exception("a", 1), exception("b", 2), exception("default", 3)]);
    db.run(&format!("UPDATE observa.detection_rules SET threshold = threshold * 10 WHERE {rule}"));
    assert_eq!(exceptions(&mut db), [exception("a", 10), exception("b", 20), exception("default", 30)]);
    let refused = db.error(&format!(
        "UPDATE observa.detection_rules SET tenant_id = '{b}' WHERE {rule} AND tenant_id = '{a}'"
    ));
    assert_eq!(refused.code().code(), "22023", "{refused:?}");
    db.run(&format!("DELETE FROM observa.detection_rules WHERE {rule} AND tenant_id = '{a}'"));
    assert_eq!(exceptions(&mut db), [exception("b", 20), exception("default", 30)]);
}
