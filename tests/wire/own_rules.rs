//! A tenant's own rules about each event: an expression is checked when it is written, means what Postgres would give, and sees the event alone.

use std::collections::HashSet;

use observa_tests::Database;
use observa_tests::event::{lines, llm_call, with};
use serde_json::{Value, json};

fn rule(name: &str, expression: &str) -> String {
    format!(
        "INSERT INTO observa.detection_rules (name, expression) VALUES ('{name}', '{}')",
        expression.replace('\'', "''")
    )
}

fn fired(db: &mut Database, name: &str) -> i64 {
    db.count(&format!("observa.signals WHERE name = '{name}'"))
}

#[test]
fn an_expression_raises_a_signal_and_an_alert_that_explain_it() {
    let mut db = Database::ready();
    db.run(
        "INSERT INTO observa.detection_rules (name, expression, severity, group_by, description)
         VALUES ('slow for free', 'latency_ms > 3000 AND model LIKE ''gpt-4%'' AND attributes->>''plan'' = ''free''', 'high', '{route,model}', 'as agreed')",
    );
    let event = |id: &str, plan: &str| {
        with(
            llm_call(id),
            json!({"model": "gpt-4o", "route": "/chat", "latency_ms": 4000, "plan": plan, "trace_id": "t"}),
        )
    };
    let answer = db.ingest(&lines(&[event("a", "free"), event("b", "paid"), llm_call("c")]));
    assert_eq!(answer["accepted"], 3, "{answer}");
    let signal = db.row("SELECT * FROM observa.signals WHERE name = 'slow for free'");
    assert_eq!(
        (&signal["type"], &signal["severity"], &signal["value"], &signal["threshold"], &signal["event_id"]),
        (&json!("custom"), &json!("high"), &json!(1), &Value::Null, &json!("a"))
    );
    let details = &signal["details"];
    assert_eq!(details["values"], json!({"latency_ms": 4000.0, "model": "gpt-4o"}));
    assert_eq!(details["attributes"], json!({"attributes ->> 'plan'": "free"}));
    let alert = db.row("SELECT * FROM observa.alerts WHERE rule = 'slow for free'");
    assert_eq!(
        (&alert["severity"], &alert["alert_group"], &alert["source"]),
        (&json!("critical"), &json!("route=/chat model=gpt-4o"), &json!("custom"))
    );
    let said = alert["description"].as_str().unwrap();
    assert!(
        said.contains("latency_ms > 3000 AND") && said.contains("latency_ms = 4000.0, model = gpt-4o"),
        "{said}"
    );
    assert!(!said.contains("plan = "), "what payloads say goes with them: {said}");
    let shown = db.row("SELECT type, severity, enabled, unit, metric, group_by, description FROM observa.detection_rules WHERE name = 'slow for free'");
    assert_eq!(
        shown,
        json!({"type": "custom", "severity": "high", "enabled": true, "unit": null, "metric": null, "group_by": ["route", "model"], "description": "as agreed"})
    );
    // Changed, switched off for one project, deleted: each counts from the next event on.
    db.run(
        "UPDATE observa.detection_rules SET expression = 'latency_ms > 9000' WHERE name = 'slow for free'",
    );
    db.ingest(&lines(&[event("d", "free"), with(event("e", "paid"), json!({"latency_ms": 9001}))]));
    assert_eq!(fired(&mut db, "slow for free"), 2);
    db.run(
        "INSERT INTO observa.detection_rules (name, project_id, expression, enabled)
         SELECT 'slow for free', project_id, 'true', false FROM observa_internal.projects",
    );
    db.ingest(&with(event("f", "paid"), json!({"latency_ms": 9002})).to_string());
    assert_eq!(fired(&mut db, "slow for free"), 2);
    db.run("DELETE FROM observa.detection_rules WHERE name = 'slow for free'");
    db.ingest(&with(event("g", "paid"), json!({"latency_ms": 9003})).to_string());
    assert_eq!(fired(&mut db, "slow for free"), 2);
}

#[test]
fn an_expression_that_fails_counts_as_null_and_fails_no_ingest() {
    let mut db = Database::ready();
    db.run(&rule("division", "1 / (input_tokens - 100) > 0"));
    db.run(&rule("cast", "(attributes->>'n')::numeric > 1"));
    let event = |id: &str, tokens: i64, n: &str| with(llm_call(id), json!({"input_tokens": tokens, "n": n}));
    let answer = db.ingest(&lines(&[event("a", 100, "many"), event("b", 101, "2")]));
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(2), &json!(0)), "{answer}");
    assert_eq!((fired(&mut db, "division"), fired(&mut db, "cast")), (1, 1));
}

#[test]
fn what_is_no_condition_over_the_event_is_refused_and_leaves_no_rule() {
    let mut db = Database::ready();
    for hostile in [
        "",
        "latency_ms",
        "true; DROP TABLE observa_internal.events",
        "(SELECT true)",
        "EXISTS (SELECT FROM observa_internal.api_keys)",
        "model IN (SELECT rolname FROM pg_authid)",
        "(SELECT count(*) FROM observa.events) > 0",
        "'observa_internal.events'::regclass IS NOT NULL",
        "pg_sleep(3600) IS NULL",
        "pg_read_file('/etc/passwd') IS NOT NULL",
        "set_config('role', 'postgres', false) IS NOT NULL",
        "observa.ingest('{}') IS NOT NULL",
        "lo_import('/etc/passwd') > 0",
        "dblink('', 'SELECT 1') IS NULL",
        "query_to_xml('SELECT * FROM pg_authid', true, true, '') IS NOT NULL",
        "pg_catalog.lower(model) = 'a'",
        "model OPERATOR(pg_catalog.=) 'a'",
        "model || repeat('a', 1000000000) = 'b'",
        "2 ^ 100000000 > 1",
        "1e999999999 > 1",
        "model ~ '(a+)+\\1'",
        "model ~ '((a{1000}){1000}){1000}'",
        "current_setting('observa.acting') = 'x'",
        "tenant_id = 'x'",
        "observa_internal.tenants.name = 'x'",
        "CASE WHEN true THEN 1/0 = 1 END",
        "model = $1",
        "attributes @? '$.** ? (@ == 1)'",
        "ROW(1, 2) = ROW(1, 2)",
        "model COLLATE \"de-x-icu\" = 'a'",
        "latency_ms > ALL (ARRAY[1, 2])",
        "(model = 'a') = ANY (VALUES (true))",
    ] {
        let refused = db.error(&rule("hostile", hostile));
        assert_eq!(refused.code().code(), "22023", "{hostile}: {refused:?}");
        assert!(refused.message().contains("expression"), "{hostile}: {refused:?}");
    }
    let deep = format!("{}true{}", "(".repeat(900), ")".repeat(900));
    let long = format!("model = '{}'", "a".repeat(2_000));
    for large in [deep, long, format!("{} true", "NOT ".repeat(480)), vec!["billable"; 150].join(" OR ")] {
        assert_eq!(db.error(&rule("hostile", &large)).code().code(), "22023", "{large}");
    }
    for (row, says) in [
        (
            "(name, expression, metric, window_minutes, threshold) VALUES ('x', 'true', 'count', 5, 1)",
            "metric",
        ),
        ("(name, expression, threshold) VALUES ('x', 'true', 1)", "threshold"),
        ("(name, expression, group_by) VALUES ('x', 'true', '{user_id}')", "group_by"),
        ("(name, expression, group_by) VALUES ('x', 'true', '{model,model}')", "group_by"),
        ("(name, expression, severity) VALUES ('x', 'true', 'fatal')", "severity"),
        ("(name, expression) VALUES ('high_latency', 'true')", "built in"),
        ("(name, expression) VALUES ('error_rate_by_tool', 'true')", "another name"),
        ("(name, expression) VALUES ('budget_exceeded', 'true')", "another name"),
        ("(name, expression) VALUES ('a''b', 'true')", "name must"),
    ] {
        let refused = db.error(&format!("INSERT INTO observa.detection_rules {row}"));
        assert!(refused.message().contains(says), "{row}: {refused:?}");
        assert_eq!(refused.code().code(), "22023", "{row}");
    }
    assert_eq!(db.count("observa_internal.detection_rules"), 0);
    db.ingest(&llm_call("a").to_string());
}

#[test]
fn a_tenants_rules_are_bounded_and_see_its_own_events_alone() {
    let mut db = Database::ready();
    let other = db.tenant("other");
    db.run(&format!(
        "INSERT INTO observa.detection_rules (name, expression, tenant_id) VALUES ('theirs', 'true', '{other}')"
    ));
    db.run(&rule("ours", "true"));
    let answer =
        db.ingest(&lines(&[llm_call("a"), with(llm_call("b"), json!({"tenant_id": other.to_string()}))]));
    assert_eq!(answer["accepted"], 2, "{answer}");
    let raised = db.table("SELECT s.name, s.event_id, t.name AS tenant FROM observa_internal.signals s JOIN observa_internal.tenants t USING (tenant_id)
                            WHERE s.type = 'custom' ORDER BY 1");
    assert_eq!(
        raised,
        [
            json!({"name": "ours", "event_id": "a", "tenant": "default"}),
            json!({"name": "theirs", "event_id": "b", "tenant": "other"})
        ]
    );
    for n in 1..20 {
        db.run(&rule(&format!("rule {n}"), "false"));
    }
    let refused = db.error(&rule("one more", "false"));
    assert!(refused.message().contains("20 rules with an expression"), "{refused:?}");
    db.run("UPDATE observa.detection_rules SET expression = 'true' WHERE name = 'rule 1'");
}

/// Numbers that are the same in each run.
struct Dice(u64);

impl Dice {
    fn of(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides as u64) as usize
    }

    fn one<'t>(&mut self, of: &[&'t str]) -> &'t str {
        of[self.of(of.len())]
    }

    fn number(&mut self, depth: usize) -> String {
        if depth == 0 || self.of(3) == 0 {
            return self
                .one(&[
                    "latency_ms",
                    "ttft_ms",
                    "input_tokens",
                    "output_tokens",
                    "cost_usd",
                    "redactions",
                    "k_three",
                    "k_half",
                    "k_hundred",
                    "k_twenty",
                    "k_null",
                ])
                .to_owned();
        }
        let inner = depth - 1;
        match self.of(9) {
            0..=3 => {
                let operator = self.one(&["+", "-", "*", "/"]);
                format!("{} {operator} {}", self.number(inner), self.number(inner))
            }
            4 => format!("({} - {}) * {}", self.number(inner), self.number(inner), self.number(inner)),
            5 => format!("length({})", self.text(inner)),
            6 => format!("- (abs({}))", self.number(inner)),
            7 => format!("coalesce({}, {})", self.number(inner), self.number(inner)),
            _ => self
                .one(&[
                    "(attributes->>'n')::numeric",
                    "(attributes->>'n')::bigint",
                    "(attributes->>'n')::double precision",
                    "input_tokens % 7",
                    "greatest(latency_ms, 5, input_tokens)",
                    "least(2.5, output_tokens)",
                ])
                .to_owned(),
        }
    }

    fn text(&mut self, depth: usize) -> String {
        if depth == 0 || self.of(2) == 0 {
            return self
                .one(&[
                    "model",
                    "route",
                    "tool_name",
                    "status",
                    "input",
                    "k_model",
                    "k_empty",
                    "attributes->>'plan'",
                    "attributes->>'n'",
                    "attributes->>'deep'",
                ])
                .to_owned();
        }
        match self.of(5) {
            0 => format!("lower({})", self.text(depth - 1)),
            1 => format!("coalesce({}, {})", self.text(depth - 1), self.text(depth - 1)),
            2 => format!("btrim({})", self.text(depth - 1)),
            3 => format!("nullif({}, 'free')", self.text(depth - 1)),
            _ => self
                .one(&[
                    "attributes->'deep'->>'a'",
                    "attributes #>> '{deep,b,0}'",
                    "attributes->'deep'->'b'->> -1",
                    "attributes->'deep'->>0",
                ])
                .to_owned(),
        }
    }

    /// Without parentheses where two come together: what binds stronger has to be the same.
    fn condition(&mut self, depth: usize) -> String {
        if depth > 0 && self.of(2) == 0 {
            let inner = depth - 1;
            return match self.of(6) {
                0 | 1 => format!("{} AND {}", self.condition(inner), self.condition(inner)),
                2 | 3 => format!("{} OR {}", self.condition(inner), self.condition(inner)),
                4 => format!("NOT {}", self.condition(inner)),
                _ => format!(
                    "({}) {}",
                    self.condition(inner),
                    self.one(&[
                        "IS TRUE",
                        "IS NOT TRUE",
                        "IS FALSE",
                        "IS UNKNOWN",
                        "IS NOT UNKNOWN",
                        "IS NULL",
                        "= true"
                    ])
                ),
            };
        }
        match self.of(10) {
            0..=2 => {
                let operator = self.one(&["<", "<=", ">", ">=", "=", "<>"]);
                format!("{} {operator} {}", self.number(2), self.number(2))
            }
            3 => format!("{} = {}", self.text(2), self.text(2)),
            4 => {
                let (not, operator) = (self.one(&["", "NOT "]), self.one(&["LIKE", "ILIKE"]));
                let pattern = self.one(&["gpt%", "%4_", "%REFUND%", "", "%", "a\\_b", "_%_"]);
                format!("{} {not}{operator} '{pattern}'", self.text(2))
            }
            5 => format!(
                "{} {}IN ('gpt-4o', 'free', {})",
                self.text(2),
                self.one(&["", "NOT "]),
                self.one(&["'ok'", "NULL"])
            ),
            6 => format!("{} {}BETWEEN 1 AND {}", self.number(1), self.one(&["", "NOT "]), self.number(1)),
            7 => format!("{} IS {}NULL", self.text(2), self.one(&["", "NOT "])),
            8 => {
                format!("({} IS {}DISTINCT FROM {})", self.number(1), self.one(&["", "NOT "]), self.number(1))
            }
            _ => self
                .one(&[
                    "billable",
                    "NOT billable",
                    "attributes->'deep' IS NOT NULL",
                    "starts_with(model, 'gpt')",
                    "input ~ 'Re[a-z]+d'",
                    "cost_usd IS NULL",
                ])
                .to_owned(),
        }
    }
}

#[test]
fn an_expression_means_what_postgres_would_give_of_the_same_stored_event() {
    let mut db = Database::ready();
    db.run("INSERT INTO observa.model_prices (model, rates) VALUES ('gpt-4o', '{\"input\": 0.0025, \"output\": 0.01}')");
    let events = |round: usize| -> String {
        let more = [
            json!({"model": "gpt-4o", "input_tokens": 100, "output_tokens": 3, "latency_ms": 0.5, "plan": "free", "n": "12"}),
            json!({"model": "gpt-4o", "route": "/r", "status": "error", "input": "I want a Refund,\nnow", "n": 1.50, "deep": {"b": [1, {"c": null}], "a": "x", "aa": 1e2}}),
            json!({"model": "GPT-4o", "latency_ms": 3000.25, "time_to_first_token_ms": 20, "n": "many", "plan": null, "deep": [3, "x"]}),
            json!({"input_tokens": 0, "output_tokens": 0, "n": " 7 ", "plan": " free ", "deep": {}}),
            json!({"event_type": "tool_call", "tool_name": "a_b", "latency_ms": 100, "n": "-1e1", "deep": true}),
            json!({"event_type": "tool_call", "tool_name": "gpt-4o", "result_status": "timeout", "deep": "text"}),
        ];
        let event = |(n, more): (usize, &Value)| with(llm_call(&format!("{round} {n}")), more.clone());
        lines(&more.iter().enumerate().map(event).collect::<Vec<_>>())
    };
    let mut dice = Dice(0x2545_F491_4F6C_DD1D);
    let (mut compared, mut failed, mut held) = (0, 0, 0);
    for round in 0..25 {
        let expressions: Vec<String> = (0..20).map(|_| dice.condition(3)).collect();
        for (n, expression) in expressions.iter().enumerate() {
            let ours =
                CONSTANTS.iter().fold(expression.clone(), |text, (name, value)| text.replace(name, value));
            db.run(&format!("DELETE FROM observa.detection_rules WHERE name = 'rule {n}'"));
            db.run(&rule(&format!("rule {n}"), &ours));
        }
        let answer = db.ingest(&events(round));
        assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(6), &json!(0)), "{answer}");
        let raised = format!(
            "SELECT name, event_id FROM observa.signals WHERE type = 'custom' AND event_id LIKE '{round} %'"
        );
        let ours: HashSet<(String, String)> =
            db.rows(&raised, &[]).iter().map(|row| (row.get(0), row.get(1))).collect();
        for (n, expression) in expressions.iter().enumerate() {
            // Behind OFFSET 0 they are no constants: Postgres would compute with those what it never comes to.
            let constants: Vec<String> =
                CONSTANTS.iter().map(|(name, value)| format!("{value} AS {name}")).collect();
            let sql = format!(
                "SELECT event_id, ({expression}) IS TRUE FROM observa.events, (SELECT {} OFFSET 0) k WHERE event_id",
                constants.join(", ")
            );
            let sql = sql
                .replace("NULL AS", "NULL::numeric AS")
                .replace("'' AS", "''::text AS")
                .replace("'gpt-4o' AS", "'gpt-4o'::text AS");
            let theirs: Vec<(String, bool)> = match db.client.query(&format!("{sql} LIKE '{round} %'"), &[]) {
                Ok(rows) => rows.iter().map(|row| (row.get(0), row.get(1))).collect(),
                Err(_) => (0..6)
                    .map(|event| {
                        let id = format!("{round} {event}");
                        match db.client.query_one(&format!("{sql} = '{id}'"), &[]) {
                            Ok(row) => (id, row.get(1)),
                            Err(error) => {
                                let code =
                                    error.code().map(|code| code.code().to_owned()).unwrap_or_default();
                                // Division by zero, a text that is no number, a number beyond its type: nothing else may go wrong.
                                assert!(
                                    ["22012", "22P02", "22003"].contains(&code.as_str()),
                                    "{expression}: {error:?}"
                                );
                                failed += 1;
                                (id, false)
                            }
                        }
                    })
                    .collect(),
            };
            assert_eq!(theirs.len(), 6);
            for (id, is) in theirs {
                assert_eq!(
                    ours.contains(&(format!("rule {n}"), id.clone())),
                    is,
                    "{expression} of event {id}"
                );
                compared += 1;
                held += i32::from(is);
            }
        }
    }
    assert!(
        compared == 3_000 && held > 500 && failed > 10,
        "{compared} compared, {held} held, {failed} failed"
    );
}

/// What is written for them.
const CONSTANTS: [(&str, &str); 7] = [
    ("k_three", "3"),
    ("k_half", "0.5"),
    ("k_hundred", "100"),
    ("k_twenty", "2e1"),
    ("k_null", "NULL"),
    ("k_model", "'gpt-4o'"),
    ("k_empty", "''"),
];
