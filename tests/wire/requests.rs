//! observa.pre_request as PostgREST's db-pre-request: who is let in, as what, and how the others are refused.

use observa_tests::http::{self, Reply};
use observa_tests::{Database, Front, FrontConfig};
use serde_json::json;

/// As the documentation sets PostgREST up: an authenticator that is nobody's, and a role for those without a JWT.
fn front(db: &mut Database) -> Front {
    let login: String = observa_tests::database::one(
        &mut db.connect_as("gate", "observa_ingest, observa_read"),
        "SELECT session_user::text",
    );
    let mut database = db.cluster.config(&db.name);
    database.user(&login);
    Front::start(FrontConfig { pre_request: Some("pre_request".into()), ..FrontConfig::of(database) })
}

fn key(db: &mut Database, arguments: &str) -> String {
    db.one(&format!("SELECT observa.create_api_key((SELECT id FROM observa.projects LIMIT 1), {arguments})"))
}

#[track_caller]
fn refused(reply: &Reply, status: u16, code: &str) {
    assert_eq!((reply.status, &reply.body["code"]), (status, &json!(code)), "{reply:?}");
    assert!(reply.body["message"].is_string(), "{reply:?}");
}

/// A new one each time, or it would be a retry.
fn event() -> Vec<u8> {
    json!({"model": "m", "event_id": uuid::Uuid::new_v4().to_string()}).to_string().into_bytes()
}

const BYTES: &str = "application/octet-stream";

#[test]
fn a_key_in_a_header_is_who_asks() {
    let mut db = Database::ready();
    let (both, sends, reads) =
        (key(&mut db, "'sk', '{ingest,query}'"), key(&mut db, "'sk'"), key(&mut db, "'sk', '{query}'"));
    let front = front(&mut db);
    let (ingest, events) = (front.url("/rpc/ingest"), front.url("/events?select=model"));
    let sent = |key: &str| http::post_with(&ingest, BYTES, &event(), &[("x-api-key", key)]);
    let read = |key: &str| http::get_with(&events, &[("apikey", key)]);
    assert_eq!(sent(&both).body["accepted"], 1);
    assert_eq!(sent(&sends).body["accepted"], 1);
    assert_eq!(read(&both).body, json!([{"model": "m"}, {"model": "m"}]));
    assert_eq!(read(&reads).body, json!([{"model": "m"}, {"model": "m"}]));
    refused(&sent(&reads), 403, "FORBIDDEN");
    refused(&read(&sends), 403, "FORBIDDEN");
    for none in ["", "sk_no", "pk_no", "Bearer x"] {
        refused(&sent(none), 401, "UNAUTHORIZED");
    }
    refused(&http::post(&ingest, BYTES, &event()), 401, "UNAUTHORIZED");
    refused(&http::get(&events), 401, "UNAUTHORIZED");
    assert_eq!(http::get(&events).header("www-authenticate"), Some("ApiKey"));
    // A JWT under Supabase's name is no key of ours.
    refused(&http::get_with(&events, &[("apikey", "eyJhbGciOiJIUzI1NiJ9.e30.x")]), 401, "UNAUTHORIZED");
    assert_eq!(db.count("observa.events"), 2);
}

#[test]
fn one_connection_serves_tenants_one_after_the_other() {
    let mut db = Database::ready();
    let other = db.tenant("other");
    let own = key(&mut db, "'sk', '{ingest,query}'");
    let foreign: String = db.one(&format!(
        "SELECT observa.create_api_key((SELECT id FROM observa.projects WHERE tenant_id = '{other}'), 'sk', '{{ingest,query}}')"
    ));
    let front = front(&mut db);
    for (n, key) in [&own, &foreign, &own].into_iter().enumerate() {
        let event = json!({"model": key[3..9], "event_id": n.to_string()}).to_string();
        http::post_with(&front.url("/rpc/ingest"), BYTES, event.as_bytes(), &[("x-api-key", key)]);
        refused(&http::get(&front.url("/events")), 401, "UNAUTHORIZED");
        let seen = http::get_with(&front.url("/events?select=model"), &[("x-api-key", key)]);
        let rows = seen.body.as_array().unwrap();
        assert!(!rows.is_empty() && rows.iter().all(|row| row["model"] == key[3..9]), "{seen:?}");
    }
}

#[test]
fn a_public_key_works_from_its_origins_alone() {
    let mut db = Database::ready();
    let bound = key(&mut db, "'pk', origins => '{https://*.example.com}'");
    let front = front(&mut db);
    let ingest = front.url("/rpc/ingest");
    let from = |origin: Option<&str>| {
        let mut headers = vec![("x-api-key", bound.as_str())];
        headers.extend(origin.map(|origin| ("Origin", origin)));
        http::post_with(&ingest, BYTES, &event(), &headers)
    };
    assert_eq!(from(Some("https://app.example.com")).status, 200);
    for elsewhere in [
        None,
        Some("null"),
        Some("https://example.com"),
        Some("http://app.example.com"),
        Some("https://example.com.evil.org"),
    ] {
        refused(&from(elsewhere), 403, "FORBIDDEN");
    }
    let anywhere = key(&mut db, "'pk'");
    assert_eq!(http::post_with(&ingest, BYTES, &event(), &[("x-api-key", &anywhere)]).status, 200);
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_parsed() {
    let mut db = Database::ready();
    let key = key(&mut db, "'sk'");
    db.run(&format!("ALTER DATABASE {} SET observa.max_batch_bytes = '64kB'", db.name));
    let front = front(&mut db);
    let large = vec![b' '; 65_537];
    let reply = http::post_with(&front.url("/rpc/ingest"), BYTES, &large, &[("x-api-key", &key)]);
    refused(&reply, 413, "PAYLOAD_TOO_LARGE");
}

#[test]
fn outside_of_http_the_refusal_is_an_ordinary_error() {
    let mut db = Database::ready();
    let mut app = db.connect_as("app", "observa_read");
    let refused = observa_tests::database::error(&mut app, "SELECT observa.pre_request()");
    assert_eq!((refused.code().code(), refused.message()), ("28000", "an API key is required"));
    db.run("SELECT observa.pre_request()");
}
