use serde_json::{Value, json};

use super::*;

fn read(line: &str) -> Result<Event<'_>, Reject> {
    translate(1, Envelope::parse(line).unwrap(), false, None)
}

fn attributes(event: &Event) -> Value {
    event.attributes.as_deref().map_or(Value::Null, |text| serde_json::from_str(text).unwrap())
}

#[test]
fn empty_identifiers_and_names_are_absent() {
    let event =
        read(r#"{"model":"m","event_id":"","trace_id":"","user_id":"","tenant_id":"","route":""}"#).unwrap();
    for field in [Field::EventId, Field::TraceId, Field::UserId, Field::Route] {
        assert_eq!(event.text(field), None);
    }
    assert_eq!((event.tenant, event.attributes), (None, None));
    let reject = read(r#"{"event_type":"llm_call","model":""}"#).unwrap_err();
    assert_eq!((reject.code, reject.field), (Code::MissingField, Some("model")));
}

#[test]
fn a_count_that_millions_of_events_could_not_add_up_is_refused() {
    assert_eq!(read(r#"{"model":"m","input_tokens":1e12}"#).unwrap().tokens.input, Some(1_000_000_000_000));
    for count in ["1000000000001", "9e18", "-1"] {
        let line = format!(r#"{{"model":"m","input_tokens":{count}}}"#);
        assert_eq!(read(&line).unwrap_err().code, Code::OutOfRange, "{count}");
    }
}

#[test]
fn what_is_no_score_and_no_category_is_an_attribute_and_rejects_no_event() {
    let long = "x".repeat(600);
    for (key, value) in [
        ("sentiment_score", json!("positive")),
        ("sentiment_score", json!(-1.5)),
        ("toxicity_score", json!(87)),
        ("coherence_score", json!([0.9])),
        ("hallucination_risk", json!("NaN")),
        ("prompt_category", json!(["a", "b"])),
        ("prompt_category", json!(7)),
        ("prompt_category", json!(long)),
    ] {
        for line in [json!({"model": "m", key: value}), json!({"model": "m", "attributes": {key: value}})] {
            let line = line.to_string();
            let event = read(&line).unwrap();
            assert_eq!(attributes(&event), json!({key: value}));
            let facts = event.facts;
            let scores: [fn(&Scores) -> Option<f64>; 4] =
                [|s| s.coherence, |s| s.toxicity, |s| s.sentiment, |s| s.hallucination_risk];
            assert!(scores.into_iter().all(|of| facts.score(of).is_none()), "{line}");
            assert_eq!(event.prompt_category(), None, "{line}");
        }
    }
    let texts = read(r#"{"model":"m","coherence_score":"0.9","sentiment_score":"-1"}"#).unwrap();
    assert_eq!((texts.facts.scores.coherence, texts.facts.scores.sentiment), (Some(0.9), Some(-1.0)));
    let line = r#"{"event_type":"tool_call","tool_name":"t","prompt_category":{"a":1},"toxicity_score":0.5}"#;
    let tool = read(line).unwrap();
    assert_eq!(attributes(&tool), json!({"prompt_category": {"a": 1}, "toxicity_score": 0.5}));
    assert_eq!(tool.facts.score(|scores| scores.toxicity), None);
}

#[test]
fn the_words_of_an_http_status_are_an_errors_message_only_beside_an_errors_status() {
    let fine = read(r#"{"traceId":"t","model":"m","status":200,"statusText":"OK"}"#).unwrap();
    assert_eq!((fine.status, fine.error_message.as_deref()), (Status::Ok, None));
    let failed = read(r#"{"traceId":"t","model":"m","status":503,"statusText":"Unavailable"}"#).unwrap();
    assert_eq!((failed.status, failed.error_message.as_deref()), (Status::Error, Some("Unavailable")));
    let unstated = read(r#"{"traceId":"t","model":"m","statusText":"OK"}"#).unwrap();
    assert_eq!(unstated.status, Status::Ok);
}

#[test]
fn an_error_message_is_kept_whatever_the_status() {
    let event = read(r#"{"model":"m","status":"ok","error_message":"retried twice"}"#).unwrap();
    assert_eq!((event.status, event.error_message.as_deref()), (Status::Ok, Some("retried twice")));
}

#[test]
fn the_nested_attribute_keeps_its_key_and_the_envelopes_stands_beside_it() {
    let line = r#"{"event_type":"guardrail","team":"outer","same":1,"attributes":{"guardrail":{"team":"inner","same":1}}}"#;
    let event = read(line).unwrap();
    assert_eq!(attributes(&event), json!({"team": "inner", "same": 1, "envelope.team": "outer"}));
}

#[test]
fn attributes_that_are_not_nested_fill_what_the_envelope_leaves_open() {
    let line = r#"{"event_type":"llm_call","model":"envelope","attributes":{"model":"loose","input_tokens":5,"team":"a"}}"#;
    let event = read(line).unwrap();
    assert_eq!((event.text(Field::Model), event.tokens.input), (Some("envelope"), Some(5)));
    assert_eq!(attributes(&event), json!({"model": "loose", "team": "a"}));
}

#[test]
fn what_is_named_like_another_event_type_is_kept_whatever_it_is() {
    for value in [r#"{"a":[1, 2]}"#, r#""text \"q\"""#, "1.5", "-7", "true", r#"[1, {"b":null}]"#] {
        let line = format!(
            r#"{{"event_type":"llm_call","attributes":{{"llm_call":{{"model":"m","latency_ms":1}},"error":{value}}}}}"#
        );
        let expected: Value = serde_json::from_str(value).unwrap();
        assert_eq!(attributes(&read(&line).unwrap()), json!({ "error": expected }), "{value}");
    }
}

#[test]
fn attributes_that_are_no_object_are_refused_with_their_type() {
    let line = r#"{"event_type":"llm_call","model":"m","attributes":[1]}"#;
    assert_eq!(read(line).unwrap_err().message, "attributes must be an object, got array");
    let line = r#"{"event_type":"llm_call","model":"m","attributes":{"llm_call":"x"}}"#;
    assert_eq!(read(line).unwrap_err().message, "llm_call must be an object, got string");
}

#[test]
fn words_that_are_documented_are_held_to() {
    let line = |event_type: &str, attributes: &str| {
        format!(r#"{{"event_type":"{event_type}","attributes":{{"{event_type}":{attributes}}}}}"#)
    };
    for (event_type, attributes, field) in [
        ("cache_operation", r#"{"latency_ms":1,"hit_status":"perhaps"}"#, "hit_status"),
        ("vector_db_operation", r#"{"latency_ms":1,"operation_type":"guess"}"#, "operation_type"),
        ("feedback", r#"{"type":"like","outcome":"so-so"}"#, "outcome"),
        ("tool_call", r#"{"tool_name":"t","latency_ms":1,"result_status":"maybe"}"#, "result_status"),
    ] {
        let line = line(event_type, attributes);
        let reject = read(&line).unwrap_err();
        assert_eq!((reject.code, reject.field), (Code::InvalidType, Some(field)));
    }
}

#[test]
fn what_an_event_is_of_stands_in_its_envelope_only() {
    let line = r#"{"event_type":"guardrail","tenant_id":"ours","attributes":{"guardrail":{"tenant_id":"theirs",
        "trace_id":"t","timestamp":"step 1","version":{"x":1}}}}"#;
    let event = read(line).unwrap();
    assert_eq!(event.tenant.as_deref(), Some("ours"));
    assert_eq!((event.text(Field::TraceId), event.ts), (None, None));
    let expected =
        json!({"tenant_id": "theirs", "trace_id": "t", "timestamp": "step 1", "version": {"x": 1}});
    assert_eq!(attributes(&event), expected);
}

#[test]
fn a_free_types_attributes_may_be_anything() {
    for value in [
        r#""latency":"fast""#,
        r#""cost":"low""#,
        r#""success":"yes""#,
        r#""model":{"name":"x"}"#,
        r#""input_tokens":"many""#,
    ] {
        let line =
            format!(r#"{{"event_type":"reasoning_step","attributes":{{"reasoning_step":{{{value}}}}}}}"#);
        let expected: Value = serde_json::from_str(&format!("{{{value}}}")).unwrap();
        assert_eq!(attributes(&read(&line).unwrap()), expected);
    }
}

#[test]
fn a_request_id_is_that_of_an_llm_call_and_an_attribute_of_what_else_the_request_did() {
    let call = read(r#"{"event_type":"llm_call","model":"m","request_id":"r"}"#).unwrap();
    assert_eq!(call.text(Field::EventId), Some("r"));
    let output = read(r#"{"event_type":"output","request_id":"r"}"#).unwrap();
    assert_eq!((output.text(Field::EventId), attributes(&output)), (None, json!({"request_id": "r"})));
}

#[test]
fn the_status_of_a_result_wins_over_that_of_its_envelope_in_any_order() {
    for line in [
        r#"{"event_type":"tool_call","status":"ok","attributes":{"tool_call":{"tool_name":"t","result_status":"error","latency_ms":1}}}"#,
        r#"{"event_type":"tool_call","tool_name":"t","status":"ok","result_status":"error"}"#,
        r#"{"event_type":"tool_call","tool_name":"t","result_status":"error","status":"ok","success":true}"#,
    ] {
        assert_eq!(read(line).unwrap().status, Status::Error, "{line}");
    }
}

#[test]
fn empty_attributes_lack_what_they_should_have() {
    let reject = read(r#"{"event_type":"retrieval","attributes":{}}"#).unwrap_err();
    assert_eq!((reject.code, reject.field), (Code::MissingField, Some("latency_ms")));
}

#[test]
fn a_retrieval_without_results_says_so_in_any_of_its_lists() {
    for list in ["retrieval_context_ids", "context_ids", "similarity_scores", "retrieval_context"] {
        let line = format!(r#"{{"event_type":"retrieval","{list}":[]}}"#);
        assert_eq!(read(&line).unwrap().facts.results, Some(0), "{list}");
    }
    let search = r#"{"event_type":"vector_db_operation","operation_type":"vector_search","scores":[]}"#;
    assert_eq!(read(search).unwrap().facts.results, Some(0));
    let counted = r#"{"event_type":"vector_db_operation","operation_type":"vector_search","scores":[],"results_count":3}"#;
    assert_eq!(read(counted).unwrap().facts.results, Some(3));
}

#[test]
fn an_error_by_any_name_is_a_failed_call() {
    for error in [r#""rate limit""#, r#"{"type":"RateLimit"}"#] {
        let line = format!(r#"{{"model":"m","error":{error}}}"#);
        assert_eq!(read(&line).unwrap().status, Status::Error, "{error}");
    }
    for none in ["null", "false", r#""""#] {
        let line = format!(r#"{{"model":"m","error":{none}}}"#);
        assert_eq!(read(&line).unwrap().status, Status::Ok, "{none}");
    }
}
