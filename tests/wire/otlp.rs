//! OTLP arrives in pieces: a trace's spans in several bodies, prompts beside their spans. What belongs together comes together.

use observa_tests::Database;
use observa_tests::event::{DAY_MS, now_ms};
use serde_json::{Map, Value, json};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const OTHER_TRACE: &str = "1bf7651916cd43dd8448eb211c80319d";
const KEY: &str = "sk-proj-Ab3dEf6hIj9kLm2nOp5qRs8tUv1wXy4zAb3dEf6hIj9kLm2nOp5q";

fn any_value(value: &Value) -> Value {
    match value {
        Value::String(text) => json!({ "stringValue": text }),
        Value::Bool(truth) => json!({ "boolValue": truth }),
        Value::Number(number) if number.is_f64() => json!({ "doubleValue": number }),
        Value::Number(number) => json!({ "intValue": number.to_string() }),
        other => panic!("{other}"),
    }
}

pub fn key_values(members: &Value) -> Value {
    let members: &Map<String, Value> = members.as_object().unwrap();
    members.iter().map(|(key, value)| json!({ "key": key, "value": any_value(value) })).collect()
}

fn span(trace: &str, id: u64, parent: Option<u64>, name: &str, attributes: Value) -> Value {
    let start = (now_ms() - 5_000) / 1_000 * 1_000;
    let mut span = json!({
        "traceId": trace, "spanId": format!("{id:016x}"), "name": name, "kind": 3, "status": {},
        "startTimeUnixNano": format!("{start}000000"), "endTimeUnixNano": format!("{}000000", start + 1_250),
        "attributes": key_values(&attributes),
    });
    if let Some(parent) = parent {
        span["parentSpanId"] = json!(format!("{parent:016x}"));
    }
    span
}

fn traces(spans: &[Value]) -> String {
    json!({ "resourceSpans": [{
        "resource": { "attributes": key_values(&json!({ "service.name": "shop" })) },
        "scopeSpans": [{ "scope": { "name": "lib" }, "spans": spans }],
    }] })
    .to_string()
}

fn logs(records: &[Value]) -> String {
    json!({ "resourceLogs": [{
        "resource": { "attributes": key_values(&json!({ "service.name": "shop" })) },
        "scopeLogs": [{ "scope": { "name": "lib" }, "logRecords": records }],
    }] })
    .to_string()
}

fn chat(more: Value) -> Value {
    let mut attributes = json!({
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 1000, "gen_ai.usage.output_tokens": 10,
    });
    attributes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    attributes
}

/// Names of billed events, and what all events cost together.
fn billed(db: &mut Database) -> (Vec<String>, String) {
    let names = db.rows("SELECT name FROM observa.events WHERE billable ORDER BY name", &[]);
    let cost = db.one("SELECT coalesce(sum(cost_usd), 0)::float8::text FROM observa.events");
    (names.iter().map(|row| row.get(0)).collect(), cost)
}

#[track_caller]
fn accepted(answer: &Value, accepted: u64, duplicates: u64) {
    assert_eq!(
        (&answer["accepted"], &answer["duplicates"], &answer["rejected"]),
        (&json!(accepted), &json!(duplicates), &json!(0)),
        "{answer}"
    );
}

#[test]
fn a_span_is_an_event_with_its_tree_tokens_cost_and_latency() {
    let mut db = Database::ready();
    let spans = [
        span(TRACE, 2, Some(1), "chat gpt-4o", chat(json!({ "gen_ai.response.model": "gpt-4o-2024-08-06" }))),
        span(TRACE, 1, None, "handle", json!({ "http.route": "/ask" })),
    ];
    let answer = db.ingest(&traces(&spans));
    accepted(&answer, 2, 0);
    assert_eq!(answer["partialSuccess"], json!({ "rejectedSpans": 0, "errorMessage": "" }));
    let call = db.row(
        "SELECT event_type, model, response_model, provider, input_tokens, output_tokens, cost_usd::float8, latency_ms, billable,
                trace_id, parent_span_id, status FROM observa.events WHERE name = 'chat gpt-4o'",
    );
    let expected = json!({
        "event_type": "llm_call", "model": "gpt-4o", "response_model": "gpt-4o-2024-08-06", "provider": "openai",
        // 2.50 USD per million input tokens, 10 per million output.
        "input_tokens": 1000, "output_tokens": 10, "cost_usd": 0.0026, "latency_ms": 1250, "billable": true,
        "trace_id": TRACE, "parent_span_id": "0000000000000001", "status": "ok",
    });
    assert_eq!(call, expected);
    let tree: Value = db.one(&format!("SELECT observa.trace('{TRACE}') -> 'spans'"));
    assert_eq!((tree.as_array().unwrap().len(), tree[0]["children"].as_array().unwrap().len()), (1, 1));
}

#[test]
fn a_retry_of_a_request_counts_duplicates_also_with_other_spans_beside() {
    let mut db = Database::ready();
    let first = span(TRACE, 1, None, "a", chat(json!({})));
    accepted(&db.ingest(&traces(std::slice::from_ref(&first))), 1, 0);
    accepted(&db.ingest(&traces(std::slice::from_ref(&first))), 0, 1);
    accepted(&db.ingest(&traces(&[first, span(TRACE, 2, None, "b", chat(json!({})))])), 1, 1);
    assert_eq!(billed(&mut db), (vec!["a".into(), "b".into()], "0.0052".into()));
}

#[test]
fn a_wrapper_that_comes_after_its_call_is_not_billed() {
    let mut db = Database::ready();
    db.ingest(&traces(&[span(TRACE, 2, Some(1), "call", chat(json!({})))]));
    db.ingest(&traces(&[span(TRACE, 1, None, "wrapper", chat(json!({})))]));
    assert_eq!(billed(&mut db), (vec!["call".into()], "0.0026".into()));
}

#[test]
fn a_wrapper_that_came_before_its_call_is_billed_no_more() {
    let mut db = Database::ready();
    db.ingest(&traces(&[span(TRACE, 1, None, "wrapper", chat(json!({})))]));
    assert_eq!(billed(&mut db), (vec!["wrapper".into()], "0.0026".into()));
    db.ingest(&traces(&[span(TRACE, 2, Some(1), "call", chat(json!({})))]));
    assert_eq!(billed(&mut db), (vec!["call".into()], "0.0026".into()));
}

#[test]
fn two_libraries_that_see_one_call_in_two_traces_bill_it_once() {
    let mut db = Database::ready();
    let answered = || chat(json!({ "gen_ai.response.id": "chatcmpl-7" }));
    db.ingest(&traces(&[span(TRACE, 1, None, "one", answered())]));
    db.ingest(&traces(&[span(OTHER_TRACE, 9, None, "two", answered())]));
    assert_eq!(billed(&mut db), (vec!["one".into()], "0.0026".into()));
    // Another tenant's answer of the same id is another call.
    let tenant = db.tenant("acme");
    db.run(&format!("SET observa.acting = '{tenant}//iqa/'"));
    db.ingest(&traces(&[span(TRACE, 1, None, "three", answered())]));
    db.run("RESET observa.acting");
    assert_eq!(billed(&mut db).0, ["one", "three"]);
}

#[test]
fn the_twin_that_knows_the_tokens_is_billed_whichever_comes_first() {
    let mut db = Database::ready();
    let blind = json!({ "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o", "gen_ai.response.id": "r" });
    db.ingest(&traces(&[span(TRACE, 1, None, "blind", blind)]));
    db.ingest(&traces(&[span(OTHER_TRACE, 2, None, "knowing", chat(json!({ "gen_ai.response.id": "r" })))]));
    assert_eq!(billed(&mut db), (vec!["knowing".into()], "0.0026".into()));
}

#[test]
fn the_twin_that_knows_what_was_said_is_billed_whichever_comes_first() {
    let silent = || chat(json!({ "gen_ai.response.id": "r" }));
    let told = || {
        let said = r#"[{"role":"user","parts":[{"type":"text","content":"hello"}]}]"#;
        chat(json!({ "gen_ai.response.id": "r", "gen_ai.input.messages": said }))
    };
    let mut db = Database::ready();
    db.ingest(&traces(&[span(TRACE, 1, None, "silent", silent())]));
    db.ingest(&traces(&[span(OTHER_TRACE, 2, None, "told", told())]));
    assert_eq!(billed(&mut db), (vec!["told".into()], "0.0026".into()));
    let mut db = Database::ready();
    db.ingest(&traces(&[span(TRACE, 1, None, "told", told())]));
    db.ingest(&traces(&[span(TRACE, 2, Some(1), "silent", silent())]));
    assert_eq!(billed(&mut db), (vec!["told".into()], "0.0026".into()));
}

#[test]
fn twins_that_two_transactions_stored_at_once_are_settled_by_the_upkeep() {
    let mut db = Database::ready();
    let answered = || chat(json!({ "gen_ai.response.id": "chatcmpl-7" }));
    let mut other = db.connect();
    let mut open = other.transaction().unwrap();
    let ingest = |trace, name: &str| traces(&[span(trace, 1, None, name, answered())]);
    open.query_one("SELECT observa.ingest($1::text)", &[&ingest(TRACE, "one")]).unwrap();
    db.ingest(&ingest(OTHER_TRACE, "two"));
    open.commit().unwrap();
    assert_eq!(billed(&mut db).0, ["one", "two"]);
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(billed(&mut db).0.len(), 1);
}

#[test]
fn a_session_and_user_that_one_span_names_are_those_of_the_whole_trace() {
    let mut db = Database::ready();
    db.ingest(&traces(&[span(TRACE, 2, Some(1), "child", chat(json!({})))]));
    db.ingest(&traces(&[span(TRACE, 1, None, "root", json!({ "session.id": "s-1", "user.id": "u-1" }))]));
    db.ingest(&traces(&[span(TRACE, 3, Some(1), "late", chat(json!({})))]));
    db.ingest(&traces(&[span(OTHER_TRACE, 4, None, "other", chat(json!({})))]));
    let seen = db.table("SELECT name, session_id, user_id FROM observa.events ORDER BY name");
    assert_eq!(
        json!(seen),
        json!([
            { "name": "child", "session_id": "s-1", "user_id": "u-1" },
            { "name": "late", "session_id": "s-1", "user_id": "u-1" },
            { "name": "other", "session_id": null, "user_id": null },
            { "name": "root", "session_id": "s-1", "user_id": "u-1" },
        ])
    );
}

fn said(name: &str, body: Value) -> Value {
    json!({ "timeUnixNano": format!("{}000000", now_ms()), "eventName": name, "traceId": TRACE,
            "spanId": "0000000000000001", "body": body })
}

fn user(text: &str) -> Value {
    said(
        "gen_ai.user.message",
        json!({ "kvlistValue": { "values": key_values(&json!({ "content": text })) } }),
    )
}

fn choice(text: &str) -> Value {
    let message =
        json!({ "kvlistValue": { "values": key_values(&json!({ "role": "assistant", "content": text })) } });
    let members =
        json!([{ "key": "index", "value": { "intValue": "0" } }, { "key": "message", "value": message }]);
    said("gen_ai.choice", json!({ "kvlistValue": { "values": members } }))
}

/// The last words of both sides of the call.
fn words(db: &mut Database) -> (Option<String>, Option<String>) {
    let row = db.row(
        "SELECT observa_internal.last_message(input, 'user') AS question, observa_internal.last_message(output, 'assistant')
                AS answer FROM observa.events WHERE name = 'call'",
    );
    (row["question"].as_str().map(str::to_owned), row["answer"].as_str().map(str::to_owned))
}

#[test]
fn prompts_in_log_records_belong_to_their_span_whichever_comes_first() {
    let call = span(TRACE, 1, None, "call", chat(json!({})));
    let records = [user("What is 2 + 2?"), choice("4")];
    let expected = (Some("What is 2 + 2?".to_owned()), Some("4".to_owned()));
    for order in [[true, false], [false, true]] {
        let mut db = Database::ready();
        for is_span in order {
            let answer =
                db.ingest(&if is_span { traces(std::slice::from_ref(&call)) } else { logs(&records) });
            assert_eq!(answer["rejected"], 0, "{answer}");
        }
        assert_eq!(words(&mut db), expected, "{order:?}");
        db.ingest(&logs(&records));
        assert_eq!(words(&mut db), expected, "a retry changes nothing");
    }
}

#[test]
fn records_of_one_call_in_several_bodies_come_together() {
    let mut db = Database::ready();
    db.ingest(&logs(&[user("first")]));
    db.ingest(&traces(&[span(TRACE, 1, None, "call", chat(json!({})))]));
    db.ingest(&logs(&[choice("an answer")]));
    db.ingest(&logs(&[user("second")]));
    assert_eq!(words(&mut db), (Some("second".into()), Some("an answer".into())));
    let input: String = db.one("SELECT input FROM observa.events WHERE name = 'call'");
    assert_eq!(serde_json::from_str::<Value>(&input).unwrap().as_array().unwrap().len(), 2, "{input}");
}

#[test]
fn an_answer_in_a_log_record_is_scored_whichever_comes_first() {
    let call = span(TRACE, 1, None, "call", chat(json!({})));
    let insult = "You are a stupid idiot, and nobody likes you, you worthless loser.";
    let records = [user("Summarize the report"), choice(insult)];
    for bodies in [
        [traces(std::slice::from_ref(&call)), logs(&records)],
        [logs(&records), traces(std::slice::from_ref(&call))],
    ] {
        let mut db = Database::ready();
        for body in &bodies {
            db.ingest(body);
        }
        let scored =
            "SELECT json_build_array(toxicity_score > 0.7, prompt_category)::jsonb FROM observa.events";
        assert_eq!(db.one::<Value>(scored), json!([true, "summarization"]));
    }
}

const SCORES: &str = "SELECT jsonb_build_array(coherence_score, toxicity_score, sentiment_score, hallucination_risk, prompt_category)
    FROM observa.events WHERE name = 'call'";

#[test]
fn scores_are_of_all_that_came_of_a_call_in_any_order() {
    let call = traces(&[span(TRACE, 1, None, "call", chat(json!({})))]);
    let asked = user("Translate this for our store in Leeds, which opened in 1987");
    let said = choice("The store in Leeds opened in 1987. You are welcome!");
    let mut whole = Database::ready();
    whole.ingest(&logs(&[asked.clone(), said.clone()]));
    whole.ingest(&call);
    let expected: Value = whole.one(SCORES);
    assert!(expected[4] == "translation" && expected[3].as_f64().unwrap() < 0.2, "{expected}");
    let (asked, said) = (logs(&[asked]), logs(&[said]));
    for bodies in
        [[&asked, &said, &call], [&said, &call, &asked], [&call, &said, &asked], [&call, &asked, &said]]
    {
        let mut db = Database::ready();
        for body in bodies {
            db.ingest(body);
        }
        assert_eq!(db.one::<Value>(SCORES), expected, "{bodies:?}");
        db.run("UPDATE observa_internal.events SET translator_version = 0");
        assert_eq!(db.one::<i64>("SELECT observa.retranslate('-infinity', 'infinity')"), 1);
        assert_eq!(db.one::<Value>(SCORES), expected, "read anew: {bodies:?}");
    }
}

#[test]
fn log_records_leave_the_clients_scores_and_projects_that_want_none() {
    let records = logs(&[user("Why?"), choice("You are a stupid idiot, you worthless loser.")]);
    let mut db = Database::ready();
    let call = json!({"model": "m", "name": "call", "trace_id": TRACE, "span_id": "0000000000000001", "timestamp": now_ms(),
        "toxicity_score": 0.125, "coherence_score": 87});
    db.ingest(&call.to_string());
    db.ingest(&records);
    let scores: Value = db.one(SCORES);
    assert_eq!((&scores[0], &scores[1], &scores[4]), (&json!(null), &json!(0.125), &json!("explanation")));
    let mut db = Database::ready();
    db.run("SELECT observa.quality_scores(id, false) FROM observa.projects");
    db.ingest(&traces(&[span(TRACE, 1, None, "call", chat(json!({})))]));
    db.ingest(&records);
    assert_eq!(db.one::<Value>(SCORES), json!([null, null, null, null, null]));
}

#[test]
fn an_answer_that_came_before_its_span_raises_signals() {
    let mut db = Database::ready();
    db.ingest(&logs(&[choice("You are a stupid idiot, and nobody likes you, you worthless loser.")]));
    db.ingest(&traces(&[span(TRACE, 1, None, "call", chat(json!({})))]));
    assert_eq!(
        db.count("observa.signals WHERE name = 'high_toxicity' AND details ->> 'estimated' = 'true'"),
        1
    );
}

#[test]
fn what_a_span_says_itself_is_not_replaced_by_log_records() {
    let mut db = Database::ready();
    let own = json!({ "gen_ai.input.messages": r#"[{"role":"user","parts":[{"type":"text","content":"own words"}]}]"# });
    db.ingest(&traces(&[span(TRACE, 1, None, "call", chat(own))]));
    db.ingest(&logs(&[user("other words"), choice("an answer")]));
    assert_eq!(words(&mut db), (Some("own words".into()), Some("an answer".into())));
}

#[test]
fn other_log_records_are_log_lines_once_each_and_scrubbed() {
    let mut db = Database::ready();
    let record = json!({
        "timeUnixNano": format!("{}000000", now_ms()), "severityNumber": 17, "traceId": TRACE, "spanId": "0000000000000001",
        "body": { "stringValue": format!("refused {KEY}") }, "attributes": key_values(&json!({ "retry": 3, "key": KEY })),
    });
    accepted(&db.ingest(&logs(std::slice::from_ref(&record))), 1, 0);
    accepted(&db.ingest(&logs(&[record])), 0, 1);
    let line =
        db.row("SELECT level, service, message, trace_id, metadata::text AS metadata FROM observa.logs");
    assert_eq!(
        (&line["level"], &line["service"], &line["trace_id"]),
        (&json!("error"), &json!("shop"), &json!(TRACE))
    );
    assert_eq!(line["message"], "refused [REDACTED:openai_key]");
    assert!(!line.to_string().contains(KEY), "{line}");
}

#[test]
fn a_line_inserted_into_logs_is_scrubbed_and_checked() {
    let mut db = Database::ready();
    db.run(&format!(
        "INSERT INTO observa.logs (level, service, message, trace_id, session_id, error_code, metadata)
         VALUES ('WARN', 'api', 'mail ada@example.org', 't', 'ada@example.org', 'E1', '{{\"key\": \"{KEY}\", \"n\": 1}}')"
    ));
    db.run("INSERT INTO observa.logs (message) VALUES ('plain')");
    let line = db.row("SELECT level, message, trace_id, session_id, redactions, metadata ->> 'n' AS n FROM observa.logs WHERE service = 'api'");
    assert_eq!((&line["level"], &line["message"]), (&json!("warning"), &json!("mail [REDACTED:email]")));
    assert!(line["session_id"].as_str().unwrap().starts_with("email:"), "{line}");
    assert_eq!((&line["redactions"], &line["n"]), (&json!(2), &json!("1")));
    assert_eq!(db.one::<String>("SELECT level FROM observa.logs WHERE message = 'plain'"), "info");
    for bad in [
        "INSERT INTO observa.logs (level, message) VALUES ('loud', 'm')",
        "INSERT INTO observa.logs (level) VALUES ('info')",
        "INSERT INTO observa.logs (message, created_at) VALUES ('m', '2001-01-01')",
    ] {
        assert_eq!(db.error(bad).code().code(), "22023", "{bad}");
    }
}

#[test]
fn a_bad_span_is_rejected_alone_and_can_be_replayed() {
    let mut db = Database::ready();
    let mut late = span(TRACE, 2, None, "late", chat(json!({})));
    late["startTimeUnixNano"] = json!(format!("{}000000", now_ms() - 60 * DAY_MS));
    late["endTimeUnixNano"] = json!(format!("{}000000", now_ms() - 60 * DAY_MS + 1));
    let mut without_id = span(TRACE, 3, None, "no id", chat(json!({})));
    without_id["spanId"] = json!("00");
    let answer = db.ingest(&traces(&[span(TRACE, 1, None, "good", chat(json!({}))), late, without_id]));
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(1), &json!(2)), "{answer}");
    assert_eq!(answer["partialSuccess"]["rejectedSpans"], 2, "{answer}");
    let lines: Vec<&Value> =
        answer["errors"].as_array().unwrap().iter().map(|error| &error["line"]).collect();
    assert_eq!(json!(lines).as_array().unwrap().iter().filter(|line| **line == 2 || **line == 3).count(), 2);
    db.run("SET observa.ingest_window_past = '90 d'");
    let replayed: Value = db.one("SELECT observa.replay_rejected()");
    assert_eq!((&replayed["accepted"], &replayed["rejected"]), (&json!(1), &json!(1)), "{replayed}");
}

#[test]
fn metrics_are_refused_with_their_code_beside_lines_that_are_stored() {
    let mut db = Database::ready();
    let body = format!("{}\n{}\n", json!({ "resourceMetrics": [] }), json!({ "model": "m" }));
    let answer = db.ingest(&body);
    assert_eq!(
        (&answer["accepted"], &answer["errors"][0]["code"]),
        (&json!(1), &json!("unsupported_format")),
        "{answer}"
    );
}

#[test]
fn a_newer_translator_reads_stored_spans_anew_and_leaves_the_rest() {
    let mut db = Database::ready();
    let asked = json!({
        "gen_ai.input.messages": r#"[{"role":"user","parts":[{"type":"text","content":"hello"}]}]"#,
        "user.id": "ada@example.org", "gen_ai.response.id": "r-1", "own.key": 7,
    });
    db.ingest(&traces(&[
        span(TRACE, 2, Some(1), "call", chat(asked)),
        span(TRACE, 1, None, "wrapper", chat(json!({}))),
    ]));
    db.ingest(
        &json!({"model": "gpt-4o", "input": "by hand", "latency_ms": 5, "timestamp": now_ms()}).to_string(),
    );
    let all = "SELECT to_jsonb(e) - 'ingested_at' FROM observa.events e ORDER BY ts, event_id";
    let before = db.table(all);
    assert_eq!(db.one::<i64>("SELECT observa.retranslate('-infinity', 'infinity')"), 0, "nothing is old");
    // As an older translator could have left them.
    db.run(
        "UPDATE observa_internal.events SET translator_version = 0, model = NULL, input_tokens = NULL, cost_usd = NULL,
                provider = 'x', billable = false, event_type = 'reasoning_step' WHERE trace_id IS NOT NULL",
    );
    db.run("UPDATE observa_internal.events SET translator_version = 0 WHERE trace_id IS NULL");
    assert_eq!(db.one::<i64>("SELECT observa.retranslate(now() - interval '1 hour', now())"), 2);
    db.run(
        "UPDATE observa_internal.events SET translator_version = (SELECT max(translator_version) FROM observa_internal.events)
          WHERE trace_id IS NULL",
    );
    assert_eq!(json!(db.table(all)), json!(before));
}
