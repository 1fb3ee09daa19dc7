//! Rules over windows: what they find in planted incidents, what becomes of their alerts, and which rules there may be.

use observa_tests::Database;
use observa_tests::database::{error, one};
use observa_tests::event::{HOUR_MS, lines, llm_call, now_ms, with};
use observa_tests::hook::Hook;
use serde_json::{Value, json};

const MINUTE_MS: i64 = 60_000;

/// A call of a model that is the project's own, some milliseconds ago.
fn call(id: &str, ago: i64, more: Value) -> Value {
    let event = json!({"timestamp": now_ms() - ago, "model": "m", "route": "/r", "latency_ms": 400, "input_tokens": 1_000,
                       "output_tokens": 100, "version": "1"});
    with(with(llm_call(id), event), more)
}

fn calls(name: &str, count: usize, ago: impl Fn(usize) -> i64, more: impl Fn(usize) -> Value) -> String {
    lines(&(0..count).map(|n| call(&format!("{name} {n}"), ago(n), more(n))).collect::<Vec<_>>())
}

/// A price of 1 USD for 1,000 tokens, and two days of 60 calls an hour: 58 succeed and are billed, 63.80 USD. The last one is long enough ago that no window
/// has it.
fn with_history() -> Database {
    let mut db = Database::ready();
    db.run(
        "INSERT INTO observa.model_prices (model, rates) VALUES ('m', '{\"input\": 0.001, \"output\": 0.001}')",
    );
    // What each call shows by itself is told by rules of its own.
    db.run("UPDATE observa.detection_rules SET enabled = false WHERE metric IS NULL");
    let latency = |n: usize| json!({"latency_ms": 300 + n as i64 * 37 % 400, "status": if n.is_multiple_of(50) { "error" } else { "ok" }});
    for hour in 2..48 {
        let body = calls(&format!("past {hour}"), 60, |n| hour * HOUR_MS + n as i64 * 10_000, latency);
        let answer = db.ingest(&body);
        assert_eq!((&answer["accepted"], &answer["signals"]), (&json!(60), &json!(0)), "{answer}");
    }
    db
}

fn round(db: &mut Database) -> i64 {
    let told: Value = db.one("SELECT observa.run_maintenance()");
    assert!(told.get("failed").is_none_or(|failed| failed == &json!([]) || failed.is_null()), "{told}");
    told["rule_changes"].as_i64().unwrap()
}

/// Name, group, severity and status of every alert.
fn alerts(db: &mut Database) -> Vec<(String, String, String, String)> {
    let sql = "SELECT rule, alert_group, severity, status FROM observa.alerts ORDER BY created_at, rule, alert_group";
    db.rows(sql, &[]).iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}

fn alert(rule: &str, group: &str, severity: &str, status: &str) -> (String, String, String, String) {
    (rule.into(), group.into(), severity.into(), status.into())
}

/// What was counted by the minute is so much older.
fn age(db: &mut Database, minutes: i64) {
    for table in ["metrics", "metric_totals"] {
        db.run(&format!(
            "UPDATE observa_internal.{table} SET bucket = bucket - interval '{minutes} min' WHERE resolution = 'minute'"
        ));
    }
    db.run(&format!(
        "UPDATE observa_internal.rule_states SET worse_since = worse_since - interval '{minutes} min',
                well_since = well_since - interval '{minutes} min', told_at = told_at - interval '{minutes} min',
                notified_at = notified_at - interval '{minutes} min', ended_at = ended_at - interval '{minutes} min'"
    ));
}

#[test]
fn a_burst_of_errors_is_one_alert_which_resolves_itself_when_all_is_well() {
    let mut db = Database::ready();
    db.run("UPDATE observa.detection_rules SET enabled = false WHERE metric IS NULL OR name = 'error_rate_by_version'");
    db.ingest(&calls("good", 40, |_| 1_000, |_| json!({})));
    round(&mut db);
    assert_eq!(alerts(&mut db), []);
    db.ingest(&calls(
        "bad",
        40,
        |_| 1_000,
        |n| json!({"status": if n % 2 == 0 { "error" } else { "timeout" }}),
    ));
    assert!(round(&mut db) > 0);
    let open = [alert("error_rate", "model=m", "critical", "active")];
    assert_eq!(alerts(&mut db), open);
    let signal =
        db.row("SELECT name, type, severity, value, threshold, model, route, details FROM observa.signals");
    assert_eq!(
        (
            &signal["name"],
            &signal["type"],
            &signal["severity"],
            &signal["value"],
            &signal["threshold"],
            &signal["model"]
        ),
        (&json!("error_rate"), &json!("error"), &json!("high"), &json!(0.5), &json!(0.25), &json!("m"))
    );
    let details = &signal["details"];
    assert_eq!(
        (&details["samples"], &details["window_minutes"], &details["rule"]),
        (&json!(80), &json!(5), &json!("error_rate_by_model"))
    );
    let said: String = db.one("SELECT description FROM observa.alerts");
    assert!(said.contains("0.5 of 80 samples in 5 minutes is over 0.25"), "{said}");
    // As long as it lasts nothing more is raised, and it counts once in a window.
    round(&mut db);
    assert_eq!(db.count("observa.signals"), 1);
    db.run("UPDATE observa_internal.rule_states SET told_at = told_at - interval '5 min'");
    round(&mut db);
    assert_eq!(
        (alerts(&mut db), db.one::<i64>("SELECT occurrences FROM observa.alerts")),
        (open.to_vec(), 2)
    );
    // Well again: not at once, but when it has been for the rule's time.
    age(&mut db, 6);
    db.ingest(&calls("well", 40, |_| 1_000, |_| json!({})));
    round(&mut db);
    assert_eq!(alerts(&mut db), open);
    // Another rule that tells of the same problem keeps the alert open until it finds it well, too.
    db.run(
        "INSERT INTO observa_internal.rule_states (tenant_id, alert_key, rule, project_id, environment, alert_group, signal, level, flaps)
         SELECT tenant_id, alert_key, 'error_rate_anomaly', project_id, environment, alert_group, signal, 2, 0 FROM observa_internal.rule_states",
    );
    age(&mut db, 5);
    round(&mut db);
    assert_eq!(alerts(&mut db), open);
    age(&mut db, 5);
    round(&mut db);
    assert_eq!(alerts(&mut db), [alert("error_rate", "model=m", "critical", "resolved")]);
    let ended = db.row("SELECT actor, value FROM observa.alert_events WHERE event = 'auto_resolved'");
    assert_eq!(ended, json!({"actor": "rule error_rate_anomaly", "value": null}));
    assert_eq!(db.count("observa.alert_events"), 2, "and it was raised");
    // It comes back: a new alert.
    db.ingest(&calls("again", 100, |_| 1_000, |_| json!({"status": "error"})));
    round(&mut db);
    assert_eq!(db.count("observa.alerts WHERE status = 'active'"), 1);
    assert_eq!(db.count("observa.alerts"), 2);
}

#[test]
fn what_is_as_usual_raises_nothing_and_jumps_of_cost_tokens_latency_and_errors_are_alerted() {
    let mut db = with_history();
    let normal = |n: usize| json!({"latency_ms": 300 + n as i64 * 53 % 400, "status": if n.is_multiple_of(50) { "error" } else { "ok" }});
    db.ingest(&calls("now", 60, |n| n as i64 * 10_000, normal));
    round(&mut db);
    assert_eq!((db.count("observa.signals"), alerts(&mut db)), (0, vec![]));
    let tell = |db: &mut Database| -> Vec<String> {
        round(db);
        db.rows("SELECT DISTINCT name FROM observa.signals ORDER BY 1", &[])
            .iter()
            .map(|row| row.get(0))
            .collect()
    };
    // 60 calls of 8,100 tokens beside what is usual.
    db.ingest(&calls("dear", 60, |n| n as i64 * 10_000, |_| json!({"input_tokens": 8_000})));
    assert_eq!(tell(&mut db), ["cost_anomaly", "token_spike"]);
    let group = "model=m route=/r";
    assert_eq!(
        alerts(&mut db),
        [
            alert("cost_anomaly", group, "critical", "active"),
            alert("token_spike", group, "critical", "active")
        ]
    );
    let cost = db.row("SELECT value, threshold, details -> 'baseline' AS baseline FROM observa.signals WHERE name = 'cost_anomaly'");
    assert_eq!((&cost["baseline"]["median"], &cost["value"]), (&json!(63.8), &json!(549.8)), "{cost}");
    assert!(cost["baseline"]["windows"].as_i64().unwrap() >= 44, "{cost}");
    // Slow and failing, for as long as the rules need it to be.
    db.ingest(&calls("slow", 120, |_| 1_000, |n| json!({"latency_ms": 9_000, "status": if n % 3 == 0 { "error" } else { "ok" }, "input_tokens": 1})));
    assert_eq!(tell(&mut db), ["cost_anomaly", "error_rate", "token_spike"]);
    db.run("UPDATE observa_internal.rule_states SET worse_since = worse_since - interval '2 min'");
    assert_eq!(tell(&mut db), ["cost_anomaly", "error_rate", "latency_anomaly", "token_spike"]);
    assert!(alerts(&mut db).contains(&alert("latency_anomaly", group, "warning", "active")));
    let slow = db.row("SELECT value, threshold, details -> 'baseline' -> 'median' AS usual FROM observa.signals WHERE name = 'latency_anomaly'");
    // The p99 of 37 * n % 400 + 300.
    assert!(slow["usual"].as_f64().is_some_and(|usual| (680.0..720.0).contains(&usual)), "{slow}");
    assert!(slow["value"].as_f64() > slow["threshold"].as_f64(), "{slow}");
}

#[test]
fn answers_that_are_toxic_are_told_of_by_their_model_and_route() {
    let mut db = Database::ready();
    for (model, toxicity) in [("a", 0.5), ("b", 0.1)] {
        db.ingest(&calls(model, 60, |_| 1_000, |_| json!({"model": model, "toxicity_score": toxicity})));
    }
    round(&mut db);
    assert_eq!(alerts(&mut db), [alert("high_toxicity", "model=a route=/r", "warning", "active")]);
}

#[test]
fn silence_is_alerted_where_it_is_asked_for_and_over_when_calls_come() {
    let mut db = Database::ready();
    db.run(
        "UPDATE observa.detection_rules SET enabled = true, resolve_minutes = 1 WHERE name = 'no_traffic'",
    );
    db.ingest(&calls("a", 5, |_| 200 * MINUTE_MS, |_| json!({})));
    round(&mut db);
    let silent = |status| [alert("no_traffic", "", "warning", status)];
    assert_eq!(alerts(&mut db), silent("active"));
    db.ingest(&calls("b", 5, |_| 2 * MINUTE_MS, |_| json!({})));
    round(&mut db);
    db.run("UPDATE observa_internal.rule_states SET well_since = well_since - interval '1 min'");
    round(&mut db);
    assert_eq!(alerts(&mut db), silent("resolved"));
}

#[test]
fn a_tenants_own_rule_counts_what_its_filter_lets_through_by_its_groups() {
    let mut db = Database::ready();
    db.run("SELECT observa.set_metric_tags(id, '{customer}') FROM observa.projects");
    db.run(
        "INSERT INTO observa.detection_rules (name, metric, window_minutes, threshold, filter, group_by, severity) VALUES
         ('busy routes', 'count', 10, 9, '{\"event_type\": \"llm_call\", \"model\": [\"a\", \"b\"]}', '{route}', 'high'),
         ('busy users', 'tokens', 60, 10000, NULL, '{user_id}', 'medium'),
         ('dear customers', 'count', 60, 9, NULL, '{tag:customer}', 'medium'),
         ('few users', 'users', 60, 3, NULL, NULL, 'medium'),
         ('quiet', 'count', 10, 1000000, NULL, NULL, 'medium')",
    );
    let said = |n: usize| {
        json!({"model": (["a", "b", "c"][n % 3]), "route": if n < 15 { "/busy" } else { "/idle" }, "user_id": format!("u{}", n % 5),
               "metadata": {"customer": if n < 20 { "acme" } else { "other" }}, "input_tokens": if n.is_multiple_of(5) { 2_000 } else { 10 }})
    };
    db.ingest(&calls("a", 24, |_| 1_000, said));
    round(&mut db);
    let found: Vec<_> =
        alerts(&mut db).into_iter().map(|(rule, group, severity, _)| (rule, group, severity)).collect();
    let expected = [
        ("busy routes", "route=/busy", "critical"),
        ("busy users", "user_id=u0", "warning"),
        ("dear customers", "customer=acme", "warning"),
        ("few users", "", "warning"),
    ];
    let expected: Vec<_> = expected
        .iter()
        .map(|(rule, group, severity)| ((*rule).to_owned(), (*group).to_owned(), (*severity).to_owned()))
        .collect();
    assert_eq!(found, expected);
    let values = "SELECT name, value FROM observa.signals WHERE type = 'custom' ORDER BY name";
    let values: Vec<(String, f64)> =
        db.rows(values, &[]).iter().map(|row| (row.get(0), row.get(1))).collect();
    // 10 of 15 calls are of a or b; u0 has 5 calls of 2,100 tokens; 20 calls of acme; five users.
    assert_eq!(
        values,
        [
            ("busy routes".into(), 10.0),
            ("busy users".into(), 10_500.0),
            ("dear customers".into(), 20.0),
            ("few users".into(), 5.0)
        ]
    );
    assert_eq!(db.one::<String>("SELECT user_id FROM observa.signals WHERE name = 'busy users'"), "u0");
    // A rule that is gone has nothing to say: its alert is resolved.
    db.run("DELETE FROM observa.detection_rules WHERE name = 'busy routes'");
    db.run("UPDATE observa.detection_rules SET enabled = false WHERE name = 'busy users'");
    round(&mut db);
    assert_eq!(db.count("observa.alerts WHERE status = 'resolved'"), 2);
    assert_eq!(db.count("observa_internal.rule_states"), 2);
}

#[test]
fn a_rule_that_could_not_do_what_it_says_is_refused_with_the_reason() {
    let mut db = Database::ready();
    let other = db.tenant("other");
    let theirs: uuid::Uuid =
        db.one(&format!("SELECT project_id FROM observa_internal.projects WHERE tenant_id = '{other}'"));
    for (columns, values, says) in [
        ("name", "('own')", "metric must say"),
        ("name, metric", "('own', 'count')", "window_minutes"),
        ("name, metric, window_minutes", "('own', 'count', 5)", "threshold"),
        ("name, metric, window_minutes, threshold", "('own', 'median', 5, 1)", "metric must be one of count"),
        ("name, metric, window_minutes, threshold", "('own', 'count', 1441, 1)", "window_minutes must be"),
        ("name, metric, window_minutes, threshold", "('own', 'count', 5, 'Infinity')", "threshold must be"),
        ("name, metric, window_minutes, threshold", "('error_rate', 'count', 5, 1)", "choose another name"),
        ("name, metric, window_minutes, threshold", "('llm_error', 'count', 5, 1)", "about each event"),
        ("name, metric, window_minutes, threshold", "('hourly_cost', 'count', 5, 1)", "is built in"),
        (
            "name, metric, window_minutes, threshold, group_by",
            "('own', 'users', 5, 1, '{model}')",
            "environment and event_type",
        ),
        (
            "name, metric, window_minutes, threshold, filter",
            "('own', 'count', 5, 1, '{\"input\": \"x\"}')",
            "filter must be",
        ),
        ("name, window_minutes", "('high_latency', 5)", "about each event"),
    ] {
        let refused = db.error(&format!("INSERT INTO observa.detection_rules ({columns}) VALUES {values}"));
        assert_eq!(refused.code().code(), "22023", "{values}: {refused:?}");
        assert!(refused.message().contains(says), "{values}: {}", refused.message());
    }
    let own = "INSERT INTO observa.detection_rules (name, metric, window_minutes, threshold";
    assert_eq!(
        db.error(&format!("{own}, project_id) VALUES ('own', 'count', 5, 1, '{theirs}')")).code().code(),
        "22023"
    );
    db.run(&format!("{own}) SELECT 'own ' || n, 'count', 5, 1 FROM generate_series(1, 200) n"));
    let refused = db.error(&format!("{own}) VALUES ('one more', 'count', 5, 1)"));
    assert!(refused.message().contains("200 rules"), "{}", refused.message());
    // What is there can be changed all the same.
    db.run("UPDATE observa.detection_rules SET threshold = 7, for_minutes = 3, no_data = 'alert' WHERE name = 'own 7'");
    let row = db.row("SELECT metric, threshold, for_minutes, no_data, min_samples, resolve_minutes, direction, unit, type, severity, enabled
                        FROM observa.detection_rules WHERE name = 'own 7'");
    let expected = json!({"metric": "count", "threshold": 7, "for_minutes": 3, "no_data": "alert", "min_samples": 0, "resolve_minutes": 5,
                          "direction": "above", "unit": "events", "type": "custom", "severity": "medium", "enabled": true});
    assert_eq!(row, expected);
    assert_eq!(
        db.client.execute("DELETE FROM observa.detection_rules WHERE name LIKE 'own%'", &[]).unwrap(),
        200
    );
    // Of a built-in rule the exception goes, and the rule stays.
    db.run(
        "UPDATE observa.detection_rules SET window_minutes = 30, enabled = true WHERE name = 'hourly_cost'",
    );
    let minutes = "SELECT window_minutes FROM observa.detection_rules WHERE name = 'hourly_cost'";
    assert_eq!(db.one::<i32>(minutes), 30);
    db.run("DELETE FROM observa.detection_rules WHERE name = 'hourly_cost'");
    assert_eq!(db.one::<i32>(minutes), 60);
    assert!(db.count("observa.detection_rules") >= 40);
}

#[test]
fn a_test_of_a_rule_says_what_it_would_have_raised_and_writes_nothing() {
    let mut db = Database::ready();
    db.run("UPDATE observa.detection_rules SET enabled = false WHERE metric IS NULL");
    let at = |n: usize| (180 - n as i64) * MINUTE_MS;
    let failed = |n: usize| (60..70).contains(&n);
    for n in 0..120 {
        let status = if failed(n) { "error" } else { "ok" };
        db.ingest(&calls(&format!("m{n}"), 10, |_| at(n), |_| json!({"status": status})));
    }
    round(&mut db);
    let test = |rule: &str| {
        format!("SELECT act, severity, alert_group, round(extract(epoch FROM now() - at) / 60) AS ago, samples, threshold
                                       FROM observa.test_rule('{rule}', now() - interval '3 hours') ORDER BY at")
    };
    let found = db.table(&test("error_rate_by_model"));
    let acts: Vec<(&str, i64)> =
        found.iter().map(|row| (row["act"].as_str().unwrap(), row["ago"].as_i64().unwrap())).collect();
    // Ten minutes from 120 min ago on. From 107 min ago on less than a fourth of five minutes has failed, and that for five minutes.
    assert!(
        matches!(
            acts.as_slice(),
            [
                ("raised", 118..=120),
                ("repeated", 113..=115),
                ("repeated", 108..=110),
                ("resolved", 101..=103)
            ]
        ),
        "{acts:?}"
    );
    assert_eq!(
        (&found[0]["severity"], &found[0]["alert_group"], &found[0]["threshold"]),
        (&json!("high"), &json!("model=m"), &json!(0.25))
    );
    assert_eq!(
        db.count("observa.alerts") + db.count("observa.signals") + db.count("observa_internal.rule_states"),
        0
    );
    // What is switched off can be tried, and what is none is an error.
    db.run("INSERT INTO observa.detection_rules (name, metric, window_minutes, threshold, enabled) VALUES ('own', 'count', 5, 40, false)");
    assert_eq!(db.table(&test("own"))[0]["act"], "raised");
    for (call, says) in [
        ("observa.test_rule('high_latency')", "no rule over a window"),
        ("observa.test_rule('own', now(), now() - interval '1 day')", "until must come after since"),
        ("observa.test_rule('own', now() - interval '32 days')", "31 days"),
        ("observa.test_rule('own', '-infinity', 'infinity')", "31 days"),
    ] {
        let refused = db.error(&format!("SELECT * FROM {call}"));
        assert_eq!(refused.code().code(), "22023");
        assert!(refused.message().contains(says), "{}", refused.message());
    }
    // Another tenant has neither the rule nor the metrics.
    let other = db.tenant("other");
    db.run(&format!("LOAD 'observa'; SET observa.acting = '{other}//iqa/'"));
    assert_eq!(db.table(&test("error_rate_by_model")), Vec::<Value>::new());
    assert!(db.error("SELECT * FROM observa.test_rule('own')").message().contains("no rule over a window"));
    db.run(&format!("SET observa.acting = '{other}//i/'"));
    assert_eq!(db.error("SELECT * FROM observa.test_rule('own')").code().code(), "42501");
    db.run("RESET observa.acting");
    let mut stranger = db.connect_as("stranger", "observa_read");
    assert_eq!(error(&mut stranger, "SELECT * FROM observa.test_rule('own')").code().code(), "42501");
}

#[test]
fn rules_see_their_own_tenants_metrics_alone_and_a_project_may_have_its_own_threshold() {
    let mut db = Database::ready();
    let [a, b] = ["a", "b"].map(|name| db.tenant(name));
    let project: uuid::Uuid = db.one(&format!("SELECT observa.create_project('{a}', 'strict')"));
    for tenant in [a, b] {
        db.run(&format!("INSERT INTO observa.detection_rules (tenant_id, name, metric, window_minutes, threshold) VALUES ('{tenant}', 'own', 'count', 5, 50)"));
    }
    db.run(&format!("INSERT INTO observa.detection_rules (tenant_id, project_id, name, metric, window_minutes, threshold) VALUES ('{a}', '{project}', 'own', 'count', 5, 5)"));
    let to = |name: &str, count, tenant: uuid::Uuid, project: &str| {
        calls(name, count, |_| 1_000, |_| json!({"tenant_id": tenant.to_string(), "project_id": project}))
    };
    db.ingest(&to("x", 30, a, "default"));
    db.ingest(&to("y", 30, b, "default"));
    db.ingest(&to("z", 6, a, "strict"));
    round(&mut db);
    let raised =
        db.table("SELECT tenant_id, project_id, current_value FROM observa.alerts WHERE rule = 'own'");
    assert_eq!(
        raised,
        [json!({"tenant_id": a.to_string(), "project_id": project.to_string(), "current_value": 6})]
    );
    db.ingest(&to("more", 30, b, "default"));
    round(&mut db);
    let raised: Vec<uuid::Uuid> = db
        .rows("SELECT tenant_id FROM observa.alerts WHERE rule = 'own' ORDER BY created_at", &[])
        .iter()
        .map(|row| row.get(0))
        .collect();
    assert_eq!(raised, [a, b]);
}

#[test]
fn a_warning_that_becomes_critical_is_so_in_its_history() {
    let mut db = Database::ready();
    db.run("INSERT INTO observa.detection_rules (name, metric, window_minutes, warn_threshold, threshold, severity) VALUES ('own', 'count', 60, 5, 20, 'high')");
    db.ingest(&calls("a", 10, |_| 1_000, |_| json!({})));
    round(&mut db);
    assert_eq!(alerts(&mut db), [alert("own", "", "warning", "active")]);
    db.ingest(&calls("b", 20, |_| 1_000, |_| json!({})));
    round(&mut db);
    assert_eq!(alerts(&mut db), [alert("own", "", "critical", "active")]);
    let history = db.table("SELECT event, actor, value FROM observa.alert_events ORDER BY at");
    let event = |event: &str, value: i64| json!({"event": event, "actor": "rule own", "value": value});
    assert_eq!(history, [event("raised", 10), event("escalated", 30)]);
}

#[test]
fn webhooks_are_told_again_of_what_nobody_acknowledges() {
    let mut db = Database::ready();
    let hook = Hook::start();
    db.run("SET observa.webhook_allow_private = on");
    db.run(&format!("SELECT observa.create_webhook(NULL, 'ops', '{}')", hook.url("/ops")));
    db.run("INSERT INTO observa.detection_rules (name, metric, window_minutes, threshold, renotify_minutes) VALUES ('own', 'count', 60, 5, 30)");
    db.ingest(&calls("a", 10, |_| 1_000, |_| json!({})));
    round(&mut db);
    round(&mut db);
    let queued =
        "SELECT count(DISTINCT notification_id) FROM observa_internal.notifications WHERE state = 'pending'";
    let first: uuid::Uuid = db.one("SELECT notification_id FROM observa_internal.notifications");
    db.run("UPDATE observa_internal.notifications SET state = 'delivered', finished_at = now()");
    round(&mut db);
    assert_eq!(db.one::<i64>(queued), 0);
    let later = "UPDATE observa_internal.rule_states SET notified_at = notified_at - interval '30 min'";
    db.run(later);
    round(&mut db);
    assert_eq!(db.one::<i64>(queued), 1);
    assert_ne!(db.one::<uuid::Uuid>("SELECT notification_id FROM observa_internal.notifications"), first);
    db.run("DELETE FROM observa_internal.notifications");
    db.run(later);
    round(&mut db);
    assert_eq!(db.one::<i64>(queued), 1);
    assert_eq!(db.count("observa.alert_events WHERE event = 'notified_again' AND value = 10"), 2);
    db.run("DELETE FROM observa_internal.notifications");
    db.run("SELECT observa.acknowledge_alert(id) FROM observa.alerts");
    round(&mut db);
    db.run("DELETE FROM observa_internal.notifications");
    db.run(later);
    round(&mut db);
    assert_eq!(one::<i64>(&mut db.client, queued), 0);
}

#[test]
fn who_is_forgotten_is_in_no_alert_of_a_rule_that_tells_people_apart() {
    let mut db = Database::ready();
    db.run("INSERT INTO observa.detection_rules (name, metric, window_minutes, threshold, group_by) VALUES ('busy users', 'count', 60, 3, '{user_id}')");
    for user in ["person-one", "ann@example.com", "other"] {
        db.ingest(&calls(user, 5, |_| 1_000, |_| json!({"user_id": user})));
    }
    round(&mut db);
    let rows = "SELECT alert_group, title, description FROM observa.alerts UNION ALL SELECT alert_group, signal, rule FROM observa_internal.rule_states
                UNION ALL SELECT alert_group, rule, NULL FROM observa_internal.rule_mutes
                UNION ALL SELECT alert_group, user_id, details::text FROM observa.signals
                UNION ALL SELECT subject, name, title FROM observa.issues";
    let naming = |db: &mut Database, who: &str| {
        db.table(rows).iter().filter(|row| row.to_string().contains(who)).count()
    };
    // Each of their five calls has a signal that there was an e-mail address, too.
    db.run("SELECT observa.mute_rule('busy users', 'user_id=person-one', 'infinity')");
    let pseudonym: String =
        db.one("SELECT DISTINCT user_id FROM observa.events WHERE user_id LIKE 'email:%'");
    assert_eq!(
        (naming(&mut db, "person-one"), naming(&mut db, &pseudonym), naming(&mut db, "other")),
        (5, 9, 4)
    );
    db.run("SELECT observa.forget_user('person-one'), observa.forget_user('ann@example.com')");
    assert_eq!(
        (naming(&mut db, "person-one"), naming(&mut db, &pseudonym), naming(&mut db, "other")),
        (0, 0, 4)
    );
}

#[test]
fn what_is_muted_raises_no_alert_about_an_event_or_a_window_until_its_time_is_over() {
    let mut db = Database::ready();
    db.run("UPDATE observa.detection_rules SET enabled = false WHERE name IN ('error_rate_by_version', 'mostly_failing_by_model')");
    let fail = |db: &mut Database, name: &str, model: &str| {
        let answer = db.ingest(&calls(name, 40, |_| 1_000, |_| json!({"model": model, "status": "error"})));
        round(db);
        answer["signals"].as_i64().unwrap()
    };
    db.run("SELECT observa.mute_rule('llm_error', NULL, now() + interval '1 hour'), observa.mute_rule('error_rate', 'model=a', 'infinity')");
    assert_eq!(fail(&mut db, "a", "a"), 40);
    assert_eq!((alerts(&mut db), db.count("observa.signals WHERE name = 'error_rate'")), (vec![], 1));
    fail(&mut db, "b", "b");
    assert_eq!(alerts(&mut db), [alert("error_rate", "model=b", "critical", "active")]);
    let muted = "SELECT rule, alert_group FROM observa.muted_rules ORDER BY rule";
    assert_eq!(
        db.table(muted),
        [
            json!({"rule": "error_rate", "alert_group": "model=a"}),
            json!({"rule": "llm_error", "alert_group": null})
        ]
    );
    // Another tenant's alerts are its own.
    let other = db.tenant("other");
    db.ingest(
        &call("c", 1_000, json!({"tenant_id": other.to_string(), "model": "c", "status": "error"}))
            .to_string(),
    );
    assert_eq!(db.count(&format!("observa.alerts WHERE rule = 'llm_error' AND tenant_id = '{other}'")), 1);
    db.run("SELECT observa.mute_rule('llm_error', NULL, NULL)");
    db.ingest(&call("again", 1_000, json!({"model": "a", "status": "error"})).to_string());
    assert_eq!(db.count("observa.alerts WHERE rule = 'llm_error' AND alert_group = 'model=a'"), 1);
    assert_eq!(db.table(muted).len(), 1);
}
