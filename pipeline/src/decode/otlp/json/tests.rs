use super::*;
use crate::decode::otlp::get;

fn read_one(span: &str) -> Request<'static> {
    let text = format!(
        r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{span}],"scope":{{"name":"lib","version":"2"}}}}],
            "resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}}]}}}}]}}"#
    );
    let settings = Settings { max_line_bytes: 2_000, max_depth: 20, ..Settings::default() };
    read(Box::leak(text.into_boxed_str()), &settings).unwrap()
}

const IDS: &str = r#""traceId":"5b8efff798038103d269b633813fc60c","spanId":"eee19b7ec3c1b174""#;

#[test]
fn both_spellings_and_every_form_of_numbers_and_enums_are_the_same() {
    let camel = read_one(&format!(
        r#"{{{IDS},"parentSpanId":"","startTimeUnixNano":"1772600767000000000","endTimeUnixNano":1772600768000000000,"kind":3,"status":{{"code":2,"message":"no"}}}}"#
    ));
    let snake = read_one(
        r#"{"trace_id":"W47/95gDgQPSabYzgT/GDA==","span_id":"7uGbfsPBsXQ=","start_time_unix_nano":1772600767000000000,
            "end_time_unix_nano":"1772600768000000000","kind":"SPAN_KIND_CLIENT","status":{"code":"STATUS_CODE_ERROR","message":"no"}}"#,
    );
    for request in [camel, snake] {
        let span = &request.spans[0];
        assert_eq!(span.trace_id.hex(), Some("5b8efff798038103d269b633813fc60c"));
        assert_eq!(span.span_id.hex(), Some("eee19b7ec3c1b174"));
        assert_eq!(span.parent_span_id, Id::None);
        assert_eq!(
            (span.start, span.end),
            (Some(1_772_600_767_000_000_000), Some(1_772_600_768_000_000_000))
        );
        assert_eq!((span.kind, span.status.code), (3, StatusCode::Error));
        assert_eq!(span.status.message.as_deref(), Some("no"));
        assert_eq!(span.fault, None);
    }
}

#[test]
fn a_scope_and_a_resource_that_come_after_their_spans_are_theirs() {
    let request = read_one(&format!("{{{IDS},\"status\":{{}}}}"));
    let scope = &request.scopes[request.spans[0].scope];
    assert_eq!((scope.name.as_ref(), scope.version.as_ref()), ("lib", "2"));
    let service = get(&request.resources[scope.resource], "service.name");
    assert_eq!(service, Some(&Value::Text(crate::decode::otlp::Text::Quoted("\"shop\""))));
}

#[test]
fn a_bad_span_has_a_fault_and_leaves_the_others_alone() {
    let deep = format!("{}1{}", "[".repeat(30), "]".repeat(30));
    let large = "x".repeat(3_000);
    let request = read_one(&format!(
        r#"{{{IDS},"attributes":"none"}},7,{{{IDS},"x":{deep}}},{{{IDS},"name":"{large}"}},{{{IDS},"startTimeUnixNano":"soon"}},{{{IDS},"x":1e999}},{{{IDS}}}"#
    ));
    let codes: Vec<_> =
        request.spans.iter().map(|span| span.fault.as_ref().map(|fault| fault.code)).collect();
    let expected = [
        Code::InvalidType,
        Code::NotAnObject,
        Code::TooDeep,
        Code::LineTooLarge,
        Code::InvalidType,
        Code::OutOfRange,
    ];
    assert_eq!(codes, expected.into_iter().map(Some).chain([None]).collect::<Vec<_>>());
}

#[test]
fn a_request_is_told_by_its_keys_alone() {
    for yes in
        [r#"{"resourceSpans":[]}"#, r#"  { "resource_logs" : [] }"#, r#"{"partial":1,"resourceMetrics":[]}"#]
    {
        assert!(is_request(yes.as_bytes()), "{yes}");
    }
    for no in [
        r#"{"event_type":"llm_call","model":"m","resourceSpans":1}"#,
        r#"{"model":"m","prompt":"{\"resourceSpans\":[]}"}"#,
        r#"["resourceSpans"]"#,
        "",
    ] {
        assert!(!is_request(no.as_bytes()), "{no}");
    }
}

#[test]
fn severities_are_read_by_number_and_by_name() {
    let text = r#"{"resourceLogs":[{"scopeLogs":[{"logRecords":[
        {"severityNumber":17},{"severityNumber":"SEVERITY_NUMBER_WARN"},{"severityNumber":"SEVERITY_NUMBER_INFO3"}]}]}]}"#;
    let request = read(text, &Settings::default()).unwrap();
    assert_eq!(request.logs.iter().map(|log| log.severity).collect::<Vec<_>>(), [17, 13, 11]);
}
