//! No secret reaches a table, whichever field of whichever event it came in.

use observa_tests::event::{lines, now_ms, with};
use observa_tests::{Cluster, Database};
use serde_json::{Value, json};

/// Shaped like the real ones; nobody's. The card passes Luhn's check, the IBAN its own.
const SECRETS: &[&str] = &[
    "sk-proj-Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3dEf6hIj9kLm2nOp5qT3BlbkFJUv1wXy4zAb3dEf6hIj9kLm2nOp5qRs8tUv1wXy4z",
    "sk-ant-api03-Zx9cVb8nMa7sDf6gHj5kLq4wEr3tYu2iOp1aSd9fGh8jKl7zXc6vBn5mQw4eRt3yUi2oPa1sDf9gHj8kLz7xCv6bNm5qWe4rTy3uAA",
    "AKIAQ3EGYJ7KX5NT2MWB",
    "ghp_Zk4mN8pQ2rS6tU0vW1xY5zA9bC3dE7fG2hJ4",
    "xoxb-284619375012-284619375099-Kq8wErT5yUiOp2aSdFgHjK3l",
    "glpat-xK3mPq9RtZ2vLw7YbN4c",
    "jane.roe@acme-corp.com",
    // With separators: digits alone are no card in an identifier, where many are numbers.
    "4539 1488 0343 6467",
    "536-22-8145",
    "DE89370400440532013000",
];

const TEXTS: &[&str] = &[
    "model",
    "input",
    "output",
    "tool_name",
    "agent_name",
    "error_type",
    "error_message",
    "stack_trace",
    "error_category",
    "error_code",
    "system_instructions",
    "finish_reason",
    "response_id",
    "response_model",
    "provider_name",
    "provider",
    "operation_name",
    "server_address",
    "input_hash",
    "retrieval_context",
    "embedding_model",
    "input_text",
    "operation_type",
    "index_name",
    "cache_backend",
    "cache_key",
    "hit_status",
    "comment",
    "final_output",
    "name",
    "template",
    "prompt_template_id",
];

/// Every field that an event may have, holding a text each.
fn event(event_type: &str, number: usize, text: &str) -> Value {
    let inside = json!({"deep": [{"value": text}, text], text: "a key", "text": json!({"again": text}).to_string(),
                        "twice": json!(json!({"more": text}).to_string()).to_string()});
    let structured = json!({
        "latency_ms": 9000, "args": inside, "arguments": inside.to_string(), "result": inside, "tool_definitions": [inside],
        "input_messages": [{"role": "user", "content": text}], "retrieval_context_ids": [text], "tools_bound": [text],
        "output_messages": [{"role": "assistant", "parts": [{"type": "text", "content": text}]}], "agent_config": inside,
        "metadata": inside, "unheard_of": inside, text: text,
    });
    let texts = TEXTS.iter().map(|key| ((*key).to_owned(), json!(text))).collect();
    let attributes = with(Value::Object(texts), structured);
    let typed = match event_type {
        "tool_call" => json!({"result_status": "error"}),
        "feedback" => json!({"type": "like", "outcome": "failure"}),
        "vector_db_operation" => json!({"operation_type": "delete"}),
        "cache_operation" => json!({"hit_status": "miss"}),
        "trace_end" => json!({"outcome": "error"}),
        "llm_call" | "embedding" => json!({"status": "error"}),
        _ => json!({}),
    };
    json!({
        "event_type": event_type, "timestamp": now_ms() - number as i64, "event_id": format!("{event_type} {number} {text}"), "trace_id": text,
        "span_id": format!("{event_type} {text}"), "parent_span_id": text, "conversation_id": text, "session_id": text,
        "user_id": text, "environment": text, "version": text, "route": format!("/r/{text}"), "observation_type": text,
        "metadata": inside, "tags": [text], "statusText": text,
        "attributes": {event_type: with(attributes, typed), "other": inside},
    })
}

const TYPES: &[&str] = &[
    "llm_call",
    "tool_call",
    "retrieval",
    "error",
    "embedding",
    "vector_db_operation",
    "cache_operation",
    "agent_create",
    "feedback",
    "output",
    "trace_start",
    "trace_end",
    "guardrail",
    "reasoning_step",
    "prompt_template",
];

/// Every table and view of both schemas that holds one of the texts in clear.
fn leaks(db: &mut Database, texts: &[&str]) -> Vec<String> {
    let relations = db.rows(
        "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
          WHERE n.nspname IN ('observa', 'observa_internal') AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
          ORDER BY 1",
        &[],
    );
    assert!(relations.len() > 20);
    let mut found = Vec::new();
    for relation in relations {
        let relation: String = relation.get(0);
        let columns = db.rows(
            "SELECT quote_ident(attname) FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped",
            &[&relation],
        );
        let columns: Vec<String> =
            columns.iter().map(|column| format!("q.{}::text", column.get::<_, String>(0))).collect();
        let rows = db.rows(&format!("SELECT concat_ws(' ', {}) FROM {relation} q", columns.join(", ")), &[]);
        for row in &rows {
            let row: String = row.get(0);
            found.extend(
                texts.iter().filter(|text| row.contains(**text)).map(|text| format!("{relation}: {text}")),
            );
        }
    }
    found.sort();
    found.dedup();
    found
}

#[test]
fn a_secret_in_any_field_of_any_event_is_in_no_table() {
    let mut db = Database::ready();
    for (n, secret) in SECRETS.iter().enumerate() {
        let alone: Vec<Value> = TYPES.iter().map(|of| event(of, n, secret)).collect();
        let text = format!("please use {secret}, thanks");
        let among: Vec<Value> = TYPES.iter().map(|of| event(of, n + 100, &text)).collect();
        for events in [alone, among] {
            let answer = db.ingest(&lines(&events));
            assert_eq!(answer["accepted"], 15, "{secret}: {answer}");
            assert!(!answer.to_string().contains(secret), "{answer}");
        }
    }
    assert_eq!(db.count("observa.events WHERE redactions = 0"), 0);
    assert_eq!(leaks(&mut db, SECRETS), [""; 0]);
}

#[test]
fn a_secret_in_a_rejected_line_is_in_no_table() {
    let mut db = Database::ready();
    let mut body = String::new();
    for secret in SECRETS {
        for line in [
            json!({"model": secret, "latency_ms": "slow", "input": secret, "x": {*secret: [secret]}})
                .to_string(),
            json!({"model": "m", "timestamp": secret}).to_string(),
            json!({"event_type": secret}).to_string(),
            json!({"model": "m", "tenant_id": secret}).to_string(),
            json!({"model": "m", "trace_id": format!("{secret} ").repeat(60)}).to_string(),
            json!([secret]).to_string(),
            json!(secret).to_string(),
            format!("{{\"model\":\"m\",\"input\":\"{secret}\""),
            format!("{{\"model\":\"m\",\"input\":\"a\\u0000{secret}\",\"latency_ms\":-1}}"),
            format!("{{\"model\":\"m\",\"args\":\"{{\\\"k\\\":\\\"{secret}\\\"}}\",\"latency_ms\":-1}}"),
            format!("not json: {secret}"),
        ] {
            body.push_str(&line);
            body.push('\n');
        }
    }
    let answer = db.ingest(&body);
    assert_eq!(
        (&answer["rejected"], &answer["accepted"]),
        (&json!(SECRETS.len() * 11), &json!(0)),
        "{answer}"
    );
    db.run("SELECT observa.replay_rejected()");
    assert_eq!(leaks(&mut db, SECRETS), [""; 0]);
}

#[test]
fn a_secret_by_another_way_in_is_in_no_table() {
    let mut db = Database::ready();
    for secret in SECRETS {
        let insert = "INSERT INTO observa.llm_requests (user_id, model, prompt, response, prompt_category, success, error_message, error_code,
                                                        request_id, session_id, trace_id, span_id, metadata, latency_ms)
                      VALUES ($1, $1, $1, $1, $1, false, $1, $1, $1, $1, $1, $1, jsonb_build_object($1, $1, 'in', to_jsonb($1)::text), 9000)";
        let statement = db.client.prepare_typed(insert, &[postgres::types::Type::TEXT]).unwrap();
        db.client.execute(&statement, &[secret]).unwrap();
        let alert: uuid::Uuid =
            db.one("SELECT id FROM observa.alerts WHERE status = 'active' ORDER BY created_at DESC LIMIT 1");
        db.run(&format!("SELECT observa.acknowledge_alert('{alert}', 'seen: {secret}'); SELECT observa.resolve_alert('{alert}', 'was {secret}')"));
    }
    assert_eq!(db.count("observa.llm_requests"), SECRETS.len() as i64);
    assert_eq!(leaks(&mut db, SECRETS), [""; 0]);
}

#[test]
fn a_number_that_is_a_card_is_scrubbed() {
    let mut db = Database::ready();
    let answer = db.ingest(r#"{"event_id":"e","model":"m","payment":{"number":4539148803436467},"input":{"card":4539148803436467}}"#);
    assert_eq!(answer["accepted"], 1, "{answer}");
    assert_eq!(leaks(&mut db, &["4539148803436467"]), [""; 0]);
}

#[test]
fn an_identifier_that_is_personal_data_is_the_same_pseudonym_everywhere() {
    let mut db = Database::ready();
    db.tenant("other");
    let by = |id: &str, more: Value| {
        with(
            json!({"model": "m", "event_id": id, "timestamp": now_ms(), "user_id": "jane.roe@acme-corp.com"}),
            more,
        )
    };
    db.ingest(&lines(&[
        by("a", json!({})),
        by("b", json!({"session_id": "jane.roe@acme-corp.com"})),
        by("c", json!({"tenant_id": "other"})),
        by("d", json!({"user_id": "john.doe@acme-corp.com"})),
        by("e", json!({"user_id": "u-17"})),
    ]));
    db.run("INSERT INTO observa.llm_requests (model, user_id, request_id) VALUES ('m', 'jane.roe@acme-corp.com', 'f')");
    let mut user =
        |id: &str| db.one::<String>(&format!("SELECT user_id FROM observa.events WHERE event_id = '{id}'"));
    let (a, b, c, d, e, f) = (user("a"), user("b"), user("c"), user("d"), user("e"), user("f"));
    let (kind, hex) = a.split_once(':').unwrap();
    assert_eq!(
        (kind, hex.len(), hex.bytes().all(|byte| byte.is_ascii_hexdigit())),
        ("email", 16, true),
        "{a}"
    );
    assert_eq!((&b, &f), (&a, &a), "the same person, by whichever way");
    assert_ne!(c, a, "another tenant's key");
    assert_ne!(d, a, "another person");
    assert_eq!(e, "u-17");
    let session: String = db.one("SELECT session_id FROM observa.events WHERE event_id = 'b'");
    assert_eq!(session, a);
    assert_eq!(
        db.count(&format!("observa.users WHERE id = '{a}' AND message_count = 3")),
        1,
        "the three are one user"
    );
    // The HMAC, as Postgres itself would compute it with the tenant's key, needs the key: nobody reads that.
    let mut reader = db.connect_as("reader", "observa_read, observa_ingest, observa_admin");
    let refused =
        observa_tests::database::error(&mut reader, "SELECT pseudonym_key FROM observa_internal.tenants");
    assert_eq!(refused.code().code(), "42501");
}

#[test]
fn a_tenants_own_pattern_and_its_choice_about_emails_hold_for_its_events_alone() {
    let mut db = Database::ready();
    let other = db.tenant("other");
    let tenant: uuid::Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants WHERE name = 'default'");
    let project: uuid::Uuid =
        db.one(&format!("SELECT project_id FROM observa_internal.projects WHERE tenant_id = '{tenant}'"));
    db.run(&format!("SELECT observa.add_scrub_pattern('{tenant}', 'badge', 'BDG-[0-9]{{6}}')"));
    db.run(&format!("SELECT observa.scrub_emails('{project}', false)"));
    let text = "badge BDG-123456 of jane.roe@acme-corp.com";
    db.ingest(&lines(&[
        json!({"model": "m", "event_id": "own", "input": text}),
        json!({"model": "m", "event_id": "foreign", "input": text, "tenant_id": other.to_string()}),
    ]));
    let mut input =
        |id: &str| db.one::<String>(&format!("SELECT input FROM observa.events WHERE event_id = '{id}'"));
    assert_eq!(input("own"), "badge [REDACTED:badge] of jane.roe@acme-corp.com");
    assert_eq!(input("foreign"), "badge BDG-123456 of [REDACTED:email]");
    db.run(&format!("SELECT observa.remove_scrub_pattern('{tenant}', 'badge'); SELECT observa.scrub_emails('{project}', NULL)"));
    db.ingest(&json!({"model": "m", "event_id": "after", "input": text}).to_string());
    assert_eq!(
        db.one::<String>("SELECT input FROM observa.events WHERE event_id = 'after'"),
        "badge BDG-123456 of [REDACTED:email]"
    );
    for (name, pattern) in [("badge", "("), ("badge", ""), ("Bad Name", "x+"), ("back", r"(a)\1")] {
        let refused =
            db.error(&format!("SELECT observa.add_scrub_pattern('{tenant}', '{name}', '{pattern}')"));
        assert!(["22023", "23514"].contains(&refused.code().code()), "{name} {pattern}: {refused:?}");
    }
}

/// Ingests an e-mail address under each value that the setting is given, one after the other.
#[track_caller]
fn scrubs_as_set(db: &mut Database, mut set: impl FnMut(&mut Database, &str)) {
    for (n, (value, expected)) in [
        ("off", "mail jane.roe@acme-corp.com"),
        ("on", "mail [REDACTED:email]"),
        ("off", "mail jane.roe@acme-corp.com"),
        ("on", "mail [REDACTED:email]"),
    ]
    .into_iter()
    .enumerate()
    {
        set(db, value);
        let event = json!({"event_id": n.to_string(), "model": "m", "input": "mail jane.roe@acme-corp.com"});
        db.ingest(&event.to_string());
        let input: String = db.one(&format!("SELECT input FROM observa.events WHERE event_id = '{n}'"));
        assert_eq!(input, expected, "the setting is {value}, event {n}");
    }
}

#[test]
fn emails_are_replaced_as_soon_as_the_setting_says_so_again() {
    // The session's first ingest of all finds the setting off.
    let mut db = Database::ready();
    db.run("LOAD 'observa'");
    scrubs_as_set(&mut db, |db, value| db.run(&format!("SET observa.scrub_emails = {value}")));
    // The first one after a change of configuration.
    let mut db = Database::ready();
    db.ingest(&json!({"model": "m"}).to_string());
    db.tenant("other");
    scrubs_as_set(&mut db, |db, value| db.run(&format!("SET observa.scrub_emails = {value}")));
}

#[test]
fn emails_are_replaced_when_the_servers_configuration_says_so_again() {
    let mut db = Database::ready_in(Cluster::own("emails", "shared_preload_libraries = 'observa'\n"));
    let mut other = db.connect();
    db.client = db.connect();
    scrubs_as_set(&mut db, |db, value| {
        other.batch_execute(&format!("ALTER SYSTEM SET observa.scrub_emails = {value}")).unwrap();
        other.batch_execute("SELECT pg_reload_conf()").unwrap();
        while db.one::<String>("SHOW observa.scrub_emails") != value {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    });
}
