//! What holds for spans of every dialect.

use super::*;

#[test]
fn what_is_no_call_keeps_its_place_in_the_tree() {
    let http = event(Sent {
        extra: json!({"parentSpanId": "aaaaaaaaaaaaaaaa", "kind": 3, "traceState": "a=b", "links": [{"traceId": "5b8efff798038103d269b633813fc60c", "spanId": "eee19b7ec3c1b174"}]}),
        ..sent(
            "POST",
            json!({"http.request.method": "POST", "http.route": "/v1/chat", "url.full": "https://api.openai.com"}),
        )
    });
    assert_eq!(
        (http.event_type, http.text(Field::ObservationType)),
        (EventType::ReasoningStep, Some("span"))
    );
    assert_eq!(texts(&http, [Field::ParentSpanId, Field::Route]), some(["aaaaaaaaaaaaaaaa", "/v1/chat"]));
    let kept = attributes(&http);
    assert_eq!((&kept["otel.kind"], &kept["otel.trace_state"]), (&json!("client"), &json!("a=b")));
    assert_eq!(kept["otel.links"][0]["span_id"], "eee19b7ec3c1b174");
    assert_eq!(kept["url.full"], "https://api.openai.com");
}

#[test]
fn a_failed_span_says_why() {
    let failed = event(Sent {
        extra: json!({"status": {"code": 2, "message": "Error code: 429"}, "events": [{"name": "exception", "attributes": [
            {"key": "exception.type", "value": {"stringValue": "openai.RateLimitError"}}, {"key": "exception.message", "value": {"stringValue": "slow down"}}]}]}),
        ..sent("chat gpt-4o", json!({"gen_ai.operation.name": "chat"}))
    });
    assert_eq!(
        (failed.status, failed.text(Field::ErrorType)),
        (Status::Error, Some("openai.RateLimitError"))
    );
    assert_eq!(failed.error_message.as_deref(), Some("Error code: 429"));
    let timeout = event(Sent {
        extra: json!({"status": {"code": "STATUS_CODE_ERROR"}}),
        ..sent("chat", json!({"error.type": "APITimeoutError"}))
    });
    assert_eq!(timeout.status, Status::Timeout);
    let fine = event(Sent {
        extra: json!({"status": {}, "events": [{"name": "gen_ai.content.prompt"}]}),
        ..sent("chat gpt-4o", json!({"gen_ai.operation.name": "chat"}))
    });
    assert_eq!(fine.status, Status::Ok);
}

#[test]
fn spans_without_sense_of_time() {
    let none = event(Sent {
        extra: json!({"startTimeUnixNano": 0, "endTimeUnixNano": "0"}),
        ..sent("x", json!({}))
    });
    assert_eq!((none.ts, none.latency_ms), (None, None));
    let backwards =
        event(Sent { extra: json!({"endTimeUnixNano": "1772600760000000000"}), ..sent("x", json!({})) });
    assert_eq!((backwards.ts, backwards.latency_ms), (Some(1_772_600_767_000_000), None));
    assert_eq!(attributes(&backwards)["observa.end_before_start"], true);
}

#[test]
fn bad_ids_are_rejects_with_a_code() {
    for (extra, code, field) in [
        (json!({"traceId": "abc"}), Code::InvalidType, "trace_id"),
        (json!({"traceId": ""}), Code::MissingField, "trace_id"),
        (json!({"spanId": "0000000000000000"}), Code::OutOfRange, "span_id"),
    ] {
        let request = request(&Sent { extra, ..sent("x", json!({})) });
        let origin = Origin::new(&request.resources[0], &request.scopes[0]);
        let reject = translate(1, &request.spans[0], &origin).unwrap_err();
        assert_eq!((reject.code, reject.field), (code, Some(field)));
    }
}

#[test]
fn a_nul_in_an_attribute_is_replaced_and_said() {
    let event = of(
        "chat",
        json!({"gen_ai.operation.name": "chat", "note\u{0}": "a\u{0}b", "gen_ai.prompt": "x\u{0}y"}),
    );
    let kept = attributes(&event);
    assert_eq!((&kept["note\u{fffd}"], &kept["observa_repaired"]), (&json!("a\u{fffd}b"), &json!(true)));
    assert_eq!(content(&event.input)[0]["content"], "x\u{fffd}y");
}
