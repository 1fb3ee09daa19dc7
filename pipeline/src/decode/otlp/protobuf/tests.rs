use super::messages::{
    AnyList, Metric, ResourceLogs, ResourceMetrics, ResourceSpans, ScopeLogs, ScopeMetrics, ScopeSpans,
};
use super::*;
use crate::decode::otlp::get;

fn text(key: &str, value: &str) -> KeyValue {
    any(key, Any::Text(value.into()))
}

fn any(key: &str, value: Any) -> KeyValue {
    KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }) }
}

fn span() -> ProtoSpan {
    ProtoSpan {
        trace_id: vec![0xab; 16],
        span_id: vec![0xcd; 8],
        name: "chat gpt-4o".into(),
        start: 1_772_600_767_000_000_000,
        end: 1_772_600_768_000_000_000,
        attributes: vec![text("gen_ai.operation.name", "chat")],
        ..ProtoSpan::default()
    }
}

fn traces(spans: Vec<ProtoSpan>) -> Vec<u8> {
    let scope = ProtoScope { name: "lib".into(), version: "1".into(), attributes: Vec::new() };
    let resource = Resource { attributes: vec![text("service.name", "shop")] };
    let scopes = vec![ScopeSpans { scope: Some(scope), spans }];
    Traces { resources: vec![ResourceSpans { resource: Some(resource), scopes }] }.encode_to_vec()
}

fn request(body: &[u8]) -> Option<Request<'static>> {
    match read(body, &Settings::default()) {
        Found::Request(request) => Some(request),
        _ => None,
    }
}

#[test]
fn a_span_keeps_its_ids_times_and_attributes() {
    let request = request(&traces(vec![span()])).unwrap();
    let span = &request.spans[0];
    assert_eq!(span.trace_id.hex(), Some("abababababababababababababababab"));
    assert_eq!(span.span_id.hex(), Some("cdcdcdcdcdcdcdcd"));
    assert_eq!(span.parent_span_id, Id::None);
    assert_eq!(get(&span.attributes, "gen_ai.operation.name"), Some(&Value::plain("chat")));
    assert_eq!(request.scopes[span.scope].name, "lib");
}

#[test]
fn text_that_begins_with_a_tag_is_no_protobuf() {
    for body in ["\n{\"event_type\":\"llm_call\"}", "\n\n\n", "\n", "\n\u{0}"] {
        assert!(matches!(read(body.as_bytes(), &Settings::default()), Found::Other), "{body:?}");
    }
}

#[test]
fn a_cut_body_is_broken_and_not_lines() {
    let body = traces(vec![span()]);
    for length in [body.len() - 1, body.len() / 2, 5] {
        assert!(request(&body[..length]).is_none(), "{length}");
    }
    assert!(matches!(read(&body[..body.len() - 1], &Settings::default()), Found::Broken));
}

#[test]
fn spans_before_a_cut_are_kept_with_their_resource_and_scope() {
    let second = ProtoSpan { span_id: vec![0xee; 8], ..span() };
    let body = traces(vec![span(), second]);
    let request = request(&body[..body.len() - 3]).unwrap();
    assert!(request.cut);
    let ids: Vec<_> = request.spans.iter().map(|span| span.span_id.hex()).collect();
    assert_eq!((ids, request.scopes[0].name.as_ref()), (vec![Some("cdcdcdcdcdcdcdcd")], "lib"));
    assert_eq!(get(&request.resources[0], "service.name"), Some(&Value::plain("shop")));
}

#[test]
fn one_span_with_a_bad_id_does_not_make_the_body_something_else() {
    let bad = ProtoSpan { span_id: vec![1; 5], ..span() };
    let request = request(&traces(vec![span(), bad])).unwrap();
    assert_eq!(request.spans[1].span_id, Id::Malformed);
}

#[test]
fn log_records_are_told_from_spans() {
    let record = ProtoLog {
        time: 1_772_600_767_000_000_000,
        body: Some(AnyValue { value: Some(Any::Text("hello".into())) }),
        ..ProtoLog::default()
    };
    let scopes = vec![ScopeLogs { scope: None, logs: vec![record] }];
    let body = Logs { resources: vec![ResourceLogs { resource: None, scopes }] }.encode_to_vec();
    let request = request(&body).unwrap();
    assert_eq!((request.spans.len(), request.logs.len()), (0, 1));
    assert_eq!(request.logs[0].body, Value::plain("hello"));
}

#[test]
fn metrics_are_told_from_both() {
    let scopes = vec![ScopeMetrics { scope: None, metrics: vec![Metric { name: "http.requests".into() }] }];
    let body = Metrics { resources: vec![ResourceMetrics { resource: None, scopes }] }.encode_to_vec();
    assert!(request(&body).unwrap().metrics);
}

#[test]
fn a_nul_is_replaced_and_said_and_bytes_are_base64() {
    let nested = Any::List(AnyList { values: vec![AnyValue { value: Some(Any::Text("b\0".into())) }] });
    let attributes = vec![text("a\0", "x"), any("list", nested), any("bytes", Any::Bytes(b"hello".to_vec()))];
    let request = request(&traces(vec![ProtoSpan { attributes, ..span() }])).unwrap();
    let span = &request.spans[0];
    assert!(span.repaired);
    assert_eq!(span.attributes[0].0, "a\u{fffd}");
    assert_eq!(span.attributes[1].1, Value::Json("[\"b\u{fffd}\"]".into()));
    // printf hello | base64
    assert_eq!(span.attributes[2].1, Value::plain("aGVsbG8="));
}
