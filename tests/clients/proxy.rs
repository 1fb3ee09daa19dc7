//! `examples/nginx.conf`: what clients send that PostgREST would refuse reaches ingest.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use observa_tests::http::{self, Reply};
use observa_tests::{Database, Front, FrontConfig, Nginx};
use serde_json::json;

struct Stack {
    db: Database,
    nginx: Nginx,
    _front: Front,
}

/// None: no nginx here, which the step before said.
fn stack() -> Option<Stack> {
    let mut db = Database::ready();
    db.run(
        "CREATE TABLE observa.asked (headers json, path text);
         CREATE FUNCTION observa.before() RETURNS void LANGUAGE sql AS
             $$INSERT INTO observa.asked SELECT current_setting('request.headers')::json, current_setting('request.path')$$",
    );
    let config =
        FrontConfig { pre_request: Some("before".into()), ..FrontConfig::of(db.cluster.config(&db.name)) };
    let front = Front::start(config);
    let nginx = Nginx::before(front.address)?;
    Some(Stack { db, nginx, _front: front })
}

fn event(id: &str) -> String {
    json!({"event_id": id, "model": "test-model-x", "latency_ms": 5}).to_string()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

#[track_caller]
fn accepted(reply: &Reply, events: u64) {
    assert_eq!(
        (reply.status, &reply.body["accepted"], &reply.body["rejected"]),
        (200, &json!(events), &json!(0)),
        "{reply:?}"
    );
}

#[test]
fn any_path_media_type_and_gzip_reach_ingest() {
    let Some(mut stack) = stack() else { return };
    let post = |path: &str, media: &str, body: &[u8], headers: &[(&str, &str)]| {
        http::post_with(&stack.nginx.url(path), media, body, headers)
    };
    let ndjson = format!("{}\n{}\n", event("a"), event("b"));
    accepted(&post("/rpc/ingest", "application/x-ndjson", ndjson.as_bytes(), &[]), 2);
    // As curl says by itself, without a word of the gzip.
    let line = gzip(&event("c"));
    accepted(&post("/rpc/ingest", "application/x-www-form-urlencoded", &line, &[]), 1);
    // Objects of other keys, which PostgREST refuses in application/json.
    let array = json!([{"model": "m"}, {"model": "m", "input": "q"}]).to_string();
    accepted(&post("/api/v1/events/ingest", "application/json", array.as_bytes(), &[]), 2);
    let batch = json!({"requests": [{"request_id": "r", "model": "m", "latency_ms": 3}]}).to_string();
    accepted(&post("/functions/v1/track-llm", "application/json", batch.as_bytes(), &[]), 1);
    let spans = json!({"resourceSpans": [{"scopeSpans": [{"spans": [
        {"traceId": "0af7651916cd43dd8448eb211c80319c", "spanId": "b7ad6b7169203331", "name": "s",
         "startTimeUnixNano": format!("{}000000", observa_tests::event::now_ms()), "endTimeUnixNano": format!("{}000000", observa_tests::event::now_ms())}
    ]}]}]})
    .to_string();
    let packed = [("Content-Encoding", "gzip"), ("Accept", "application/x-protobuf")];
    accepted(&post("/v1/traces", "application/json", &gzip(&spans), &packed), 1);
    // The query is the client's own.
    accepted(&post("/v1/traces?columns=model&limit=1", "application/json", event("q").as_bytes(), &[]), 1);
    // Stored once, whatever the path was.
    let again = post("/api/public/otel/v1/traces/", "application/json", spans.as_bytes(), &[]);
    assert_eq!(again.body["duplicates"], 1, "{again:?}");
    assert_eq!(stack.db.count("observa.events"), 8);
    let seen = "SELECT DISTINCT path, headers ->> 'content-type' AS media, headers ->> 'accept' AS accept,
        headers ->> 'content-encoding' AS encoding FROM observa.asked";
    let expected = json!({"path": "/rpc/ingest", "media": "application/octet-stream", "accept": "application/json", "encoding": null});
    assert_eq!(stack.db.row(seen), expected);
}

#[test]
fn a_key_arrives_as_x_api_key_wherever_the_client_put_it() {
    let Some(mut stack) = stack() else { return };
    for (header, value) in
        [("Authorization", "Bearer key-1"), ("x-api-key", "key-1"), ("AUTHORIZATION", "bearer  key-1")]
    {
        accepted(
            &http::post_with(
                &stack.nginx.url("/v1/traces"),
                "application/json",
                event(header).as_bytes(),
                &[(header, value)],
            ),
            1,
        );
    }
    let both =
        [("Authorization", "Bearer other"), ("x-api-key", "key-1"), ("Cookie", "a=b"), ("Range", "0-0")];
    accepted(
        &http::post_with(&stack.nginx.url("/v1/traces"), "application/json", event("both").as_bytes(), &both),
        1,
    );
    let seen = "SELECT DISTINCT headers ->> 'x-api-key' AS key, headers ->> 'cookie' AS cookie, headers ->> 'range' AS range, headers ->> 'authorization' AS authorization FROM observa.asked";
    assert_eq!(
        stack.db.row(seen),
        json!({"key": "key-1", "cookie": null, "range": null, "authorization": null})
    );
}

#[test]
fn what_ingest_can_not_take_is_refused_before_it() {
    let Some(mut stack) = stack() else { return };
    let url = stack.nginx.url("/v1/traces");
    let zstd = http::post_with(&url, "application/x-protobuf", b"x", &[("Content-Encoding", "zstd")]);
    assert_eq!((zstd.status, &zstd.body["code"]), (415, &json!("INVALID_PAYLOAD")));
    let large = http::post(&url, "application/x-protobuf", &vec![b' '; (10 << 20) + 1]);
    assert_eq!((large.status, &large.body["code"]), (413, &json!("PAYLOAD_TOO_LARGE")));
    let got = http::get(&url);
    assert_eq!((got.status, &got.body["code"]), (405, &json!("INVALID_METHOD")));
    assert_eq!(stack.db.count("observa.asked"), 0);
    let fits = format!("{}{}", "\n".repeat(9 << 20), event("a"));
    accepted(&http::post(&url, "application/json", fits.as_bytes()), 1);
}

#[test]
fn without_postgrest_the_answer_says_so_and_that_it_is_worth_another_try() {
    let nobody =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).unwrap();
    let Some(nginx) = Nginx::before(nobody) else { return };
    let reply = http::post(&nginx.url("/v1/traces"), "application/json", event("a").as_bytes());
    assert_eq!((reply.status, &reply.body["code"]), (502, &json!("UNREACHABLE")), "{reply:?}");
}

#[test]
fn all_other_paths_are_postgrests_own() {
    let Some(mut stack) = stack() else { return };
    stack.db.ingest(&event("a"));
    stack.db.run(
        "DROP FUNCTION observa.before; CREATE FUNCTION observa.before() RETURNS void LANGUAGE sql AS ''",
    );
    let rows = http::get(&stack.nginx.url("/events?select=model&limit=1"));
    assert_eq!((rows.status, rows.body), (200, json!([{"model": "test-model-x"}])));
    let scrubbed =
        http::post(&stack.nginx.url("/rpc/scrub"), "application/json", br#"{"mail": "ada@example.com"}"#);
    assert_eq!((scrubbed.status, scrubbed.body), (200, json!({"mail": "[REDACTED:email]"})));
    let token = [("Authorization", "Bearer a.b.c")];
    let read = http::post_with(&stack.nginx.url("/rpc/scrub"), "text/plain", b"t", &token);
    assert_eq!((read.status, &read.body["code"]), (500, &json!("PGRST300")), "a JWT stays one");
}
