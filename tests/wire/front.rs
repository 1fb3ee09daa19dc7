//! The tests' front answers as PostgREST does: what the other tests over HTTP stand on.

use observa_tests::http::{self, Reply};
use observa_tests::{Database, Front, FrontConfig};
use serde_json::{Value, json};

fn front(db: &Database) -> Front {
    Front::start(FrontConfig::of(db.cluster.config(&db.name)))
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, &reply.body["code"]), (status, &json!(code)), "{reply:?}");
    assert_eq!(reply.body.as_object().unwrap().len(), 4, "code, message, details and hint: {reply:?}");
}

#[test]
fn a_body_goes_to_the_function_of_its_media_type() {
    let mut db = Database::ready();
    let front = front(&db);
    let event = |id: &str| {
        json!({"event_id": id, "model": "test-model-x", "input": "\u{e4}", "latency_ms": 5}).to_string()
    };
    for (media, id) in [
        ("application/json", "j"),
        ("text/plain", "t"),
        ("application/octet-stream", "b"),
        ("text/plain;charset=utf-8", "u"),
    ] {
        let reply = http::post(&front.url("/rpc/ingest"), media, event(id).as_bytes());
        assert_eq!((reply.status, &reply.body["accepted"]), (200, &json!(1)), "{media}: {reply:?}");
    }
    // Bytes that are no UTF-8 are a rejected line as bytea, and refuse the whole request as text.
    let broken = [event("ok").as_bytes(), b"\n{\"model\": \"\xff\"}"].concat();
    let reply = http::post(&front.url("/rpc/ingest"), "application/octet-stream", &broken);
    assert_eq!((&reply.body["accepted"], &reply.body["rejected"]), (&json!(1), &json!(1)), "{reply:?}");
    refused(&http::post(&front.url("/rpc/ingest"), "text/plain", &broken), 400, "22021");
    assert_eq!(db.count("observa.events WHERE input = '\u{e4}'"), 5);
}

#[test]
fn what_postgrest_takes_for_no_body_of_a_call_is_refused() {
    let db = Database::ready();
    let front = front(&db);
    let ingest = front.url("/rpc/ingest");
    for media in ["application/x-ndjson", "application/x-protobuf"] {
        refused(&http::post(&ingest, media, b"{}"), 400, "PGRST102");
    }
    // As application/json it parses the body, and wants the same keys in each object.
    refused(
        &http::post(&ingest, "application/json", b"{\"model\":\"m\"}\n{\"model\":\"m\"}"),
        400,
        "PGRST102",
    );
    refused(
        &http::post(&ingest, "application/json", br#"[{"model":"m"},{"model":"m","input":"q"}]"#),
        400,
        "PGRST102",
    );
    refused(&http::post(&front.url("/rpc/nothing"), "application/json", b"{}"), 404, "PGRST202");
    refused(&http::get(&front.url("/nothing")), 404, "PGRST205");
    let token = [("Authorization", "Bearer sk-1")];
    refused(&http::post_with(&ingest, "application/json", b"{}", &token), 500, "PGRST300");
    let accept = [("Accept", "application/x-protobuf")];
    refused(&http::post_with(&ingest, "application/json", b"{}", &accept), 406, "PGRST107");
}

#[test]
fn a_view_is_read_with_filters_and_functions_by_their_names() {
    let mut db = Database::ready();
    let front = front(&db);
    db.ingest(&json!([{"model": "m-1", "trace_id": "t-1"}, {"model": "it's"}]).to_string());
    let rows = http::get(&front.url("/events?select=model,trace_id&model=eq.m-1&limit=5"));
    assert_eq!((rows.status, rows.body), (200, json!([{"model": "m-1", "trace_id": "t-1"}])));
    assert_eq!(
        http::get(&front.url("/events?select=model&model=eq.it%27s")).body,
        json!([{"model": "it's"}])
    );
    let cost = json!({"model": "gpt-4o", "usage": {"prompt_tokens": 1000, "completion_tokens": 10}});
    let reply = http::post(&front.url("/rpc/cost"), "application/json", cost.to_string().as_bytes());
    assert_eq!((reply.status, reply.body.as_f64()), (200, Some(0.0026)));
    let tree = http::get(&front.url("/rpc/trace?trace_id=t-1"));
    assert_eq!((tree.status, tree.body["spans"].as_array().unwrap().len()), (200, 1), "{tree:?}");
}

#[test]
fn errors_have_the_status_of_their_sqlstate() {
    let mut db = Database::ready();
    db.run(
        r#"CREATE FUNCTION observa.fail(code text, message text, detail text) RETURNS void LANGUAGE plpgsql AS
           $$BEGIN RAISE EXCEPTION USING errcode = code, message = message, detail = detail; END$$"#,
    );
    let front = front(&db);
    let fail = |code: &str, message: &str, detail: &str| {
        let body = json!({"code": code, "message": message, "detail": detail}).to_string();
        http::post(&front.url("/rpc/fail"), "application/json", body.as_bytes())
    };
    for (code, status) in [
        ("22023", 400),
        ("42501", 401),
        ("28P01", 403),
        ("23505", 409),
        ("54000", 500),
        ("53300", 503),
        ("PT418", 418),
    ] {
        refused(&fail(code, "m", "d"), status, code);
    }
    let full = fail(
        "PGRST",
        r#"{"code":"RATE_LIMIT_EXCEEDED","message":"slow down","hint":"wait"}"#,
        r#"{"status":429,"headers":{"Retry-After":"7"}}"#,
    );
    refused(&full, 429, "RATE_LIMIT_EXCEEDED");
    assert_eq!((full.header("retry-after"), &full.body["hint"]), (Some("7"), &json!("wait")));
    refused(&fail("PGRST", "no JSON", ""), 500, "PGRST121");
    assert_eq!(db.error("SELECT observa.fail('PT418', 'm', 'd')").message(), "m");
}

#[test]
fn a_request_is_one_transaction_that_knows_its_headers() {
    let mut db = Database::ready();
    db.run(
        "CREATE TABLE observa.seen (what text);
         CREATE FUNCTION observa.before() RETURNS void LANGUAGE sql AS
             $$INSERT INTO observa.seen VALUES ('before ' || (current_setting('request.headers')::json ->> 'x-api-key'))$$;
         CREATE FUNCTION observa.about() RETURNS json LANGUAGE plpgsql AS $$
             BEGIN
                 PERFORM set_config('response.status', '202', true), set_config('response.headers', '[{\"X-Left\": \"3\"}]', true);
                 RETURN json_build_array(current_setting('request.method'), current_setting('request.path'), current_setting('role'),
                     current_setting('request.cookies')::json ->> 'a', current_setting('search_path'));
             END$$;
         CREATE FUNCTION observa.looks() RETURNS int STABLE LANGUAGE sql AS 'SELECT 1';
         CREATE FUNCTION observa.silent() RETURNS void LANGUAGE sql AS ''",
    );
    let config = FrontConfig::of(db.cluster.config(&db.name));
    let front = Front::start(FrontConfig { pre_request: Some("before".into()), ..config });
    let headers = [("X-API-Key", "k"), ("Cookie", "a=1; b=2")];
    let reply = http::post_with(&front.url("/rpc/about"), "application/json", b"", &headers);
    let expected: Value = json!(["POST", "/rpc/about", "postgres", "1", "\"observa\", \"public\""]);
    assert_eq!((reply.status, reply.header("x-left"), &reply.body), (202, Some("3"), &expected));
    assert_eq!(http::post_with(&front.url("/rpc/silent"), "application/json", b"", &headers).status, 204);
    // A call of a function that is not volatile reads only, and so must what is called before it.
    refused(&http::post_with(&front.url("/rpc/looks"), "application/json", b"", &headers), 405, "25006");
    refused(&http::post_with(&front.url("/rpc/ingest"), "text/plain", b"\x00", &headers), 400, "22021");
    assert_eq!(db.count("observa.seen WHERE what = 'before k'"), 2);
}
