//! Rate limits: who asks too often is told so, and when to come again. On servers that load the library at their start.

use std::time::{Duration, Instant};

use observa_tests::database::{error, ingest, one};
use observa_tests::event::{lines, llm_call};
use observa_tests::http::{self, Reply};
use observa_tests::{Cluster, Database, Front, FrontConfig};
use serde_json::{Value, json};
use uuid::Uuid;

const BYTES: &str = "application/octet-stream";

/// With limits, and what else the settings say.
fn limited(name: &str, settings: &str) -> Database {
    let settings = format!("shared_preload_libraries = 'observa'\n{settings}");
    Database::ready_in(Cluster::own(name, &settings))
}

fn front(db: &mut Database) -> Front {
    let login: String =
        one(&mut db.connect_as("gate", "observa_ingest, observa_read"), "SELECT session_user::text");
    let mut database = db.cluster.config(&db.name);
    database.user(&login);
    Front::start(FrontConfig { pre_request: Some("pre_request".into()), ..FrontConfig::of(database) })
}

fn key(db: &mut Database) -> String {
    db.one("SELECT observa.create_api_key((SELECT id FROM observa.projects LIMIT 1), 'sk', '{ingest,query}')")
}

fn project(db: &mut Database) -> Uuid {
    db.one("SELECT id FROM observa.projects LIMIT 1")
}

/// New events each time, or they would be retries.
fn events(count: usize) -> String {
    lines(&(0..count).map(|_| llm_call(&Uuid::new_v4().to_string())).collect::<Vec<_>>())
}

fn number(reply: &Reply, header: &str) -> i64 {
    let text = reply.header(header).unwrap_or_else(|| panic!("no {header}: {reply:?}"));
    text.parse().unwrap_or_else(|_| panic!("{header}: {text}"))
}

/// 429 with all that a client needs to come again.
#[track_caller]
fn over(reply: &Reply, code: &str, limit: i64) {
    assert_eq!((reply.status, &reply.body["code"]), (429, &json!(code)), "{reply:?}");
    assert!(reply.body["message"].is_string() && reply.body["hint"].is_string(), "{reply:?}");
    assert!(number(reply, "retry-after") >= 1, "{reply:?}");
    assert_eq!(number(reply, "x-ratelimit-limit"), limit);
    assert_eq!(number(reply, "x-ratelimit-remaining"), 0);
    assert!(number(reply, "x-ratelimit-reset") > 1_700_000_000, "{reply:?}");
}

#[test]
fn an_address_is_let_in_as_often_as_the_setting_says() {
    let mut db = limited("limit-ip", "observa.requests_per_ip = 3\nobserva.requests_per_ip_window = '1 d'\n");
    let key = key(&mut db);
    let front = front(&mut db);
    let from = |address: &str| {
        http::get_with(&front.url("/events?select=model"), &[("x-api-key", &key), ("x-real-ip", address)])
    };
    for left in [2, 1, 0] {
        let reply = from("192.0.2.1");
        assert_eq!((reply.status, number(&reply, "x-ratelimit-remaining")), (200, left), "{reply:?}");
        assert_eq!(number(&reply, "x-ratelimit-limit"), 3);
    }
    over(&from("192.0.2.1"), "RATE_LIMIT_EXCEEDED", 3);
    over(&from("::ffff:192.0.2.1"), "RATE_LIMIT_EXCEEDED", 3);
    // Guesses of keys count, too, and before the key is looked up.
    let guess = |address: &str| {
        http::get_with(&front.url("/events"), &[("x-api-key", "sk_guess"), ("x-real-ip", address)]).status
    };
    assert_eq!([(); 4].map(|()| guess("192.0.2.2")), [401, 401, 401, 429]);
    // What is no address is nobody's.
    assert_eq!(["unknown", "unknown", "_x", ""].map(|address| from(address).status), [200; 4]);
    // The port that some proxies write is no part of it, and what they don't write is the client's own text.
    let by = |hops: &str| {
        let headers =
            [("x-api-key", key.as_str()), ("x-real-ip", "192.0.2.4:50001"), ("x-forwarded-for", hops)];
        http::get_with(&front.url("/events"), &headers).status
    };
    assert_eq!(["192.0.2.5", "192.0.2.6", "192.0.2.7", "192.0.2.8"].map(by), [200, 200, 200, 429]);
    over(&from("192.0.2.4"), "RATE_LIMIT_EXCEEDED", 3);
    // Without a proxy nobody knows who asks.
    assert_eq!(http::get_with(&front.url("/events"), &[("x-api-key", &key)]).status, 200);
    // One IPv6 customer is one.
    assert_eq!(
        ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4", "2001:db8:0:1::1"]
            .map(|address| from(address).status),
        [200, 200, 200, 429, 200]
    );
}

#[test]
fn of_hops_that_a_client_claims_to_have_come_by_the_proxy_wrote_the_last() {
    let settings = "observa.requests_per_ip = 3\nobserva.client_address_header = 'X-Forwarded-For'\n";
    let mut db = limited("limit-hops", settings);
    let key = key(&mut db);
    let front = front(&mut db);
    let mut claimed = 0;
    let mut by = |hops: &str| {
        claimed += 1;
        let real = format!("192.0.2.{claimed}");
        let headers = [("x-api-key", key.as_str()), ("x-forwarded-for", hops), ("x-real-ip", &real)];
        http::get_with(&front.url("/events"), &headers).status
    };
    assert_eq!(
        [
            "198.51.100.9, 198.51.100.3",
            "198.51.100.8, 198.51.100.3:80",
            "198.51.100.3",
            "6.6.6.6, 198.51.100.3"
        ]
        .map(&mut by),
        [200, 200, 200, 429]
    );
}

#[test]
fn a_bucket_refills() {
    let mut db =
        limited("limit-refill", "observa.requests_per_ip = 1\nobserva.requests_per_ip_window = '3 s'\n");
    let key = key(&mut db);
    let front = front(&mut db);
    let ask = || {
        let headers = [("x-api-key", key.as_str()), ("x-real-ip", "192.0.2.1")];
        http::get_with(&front.url("/events?select=model"), &headers).status
    };
    let patience = Instant::now() + Duration::from_secs(120);
    let until = |status: u16| {
        while ask() != status {
            assert!(Instant::now() < patience, "no {status}");
        }
    };
    until(429);
    until(200);
    until(429);
}

#[test]
fn a_key_is_let_in_as_often_as_the_setting_says() {
    let mut db = limited("limit-key", "observa.requests_per_key = 300\n");
    let (busy, other) = (key(&mut db), key(&mut db));
    let front = front(&mut db);
    let ask = |key: &str| http::get_with(&front.url("/events?select=model"), &[("x-api-key", key)]);
    let patience = Instant::now() + Duration::from_secs(120);
    // Requests faster than five a second reach it.
    let refused = loop {
        let reply = ask(&busy);
        assert!(Instant::now() < patience, "{reply:?}");
        if reply.status != 200 {
            break reply;
        }
    };
    over(&refused, "RATE_LIMIT_EXCEEDED", 300);
    let reply = ask(&other);
    assert_eq!((reply.status, number(&reply, "x-ratelimit-remaining")), (200, 299), "{reply:?}");
}

#[test]
fn a_tenants_projects_share_its_rate_and_a_project_may_have_its_own() {
    let mut db = limited("limit-events", "observa.events_per_minute = 50\n");
    let other = db.tenant("other");
    let own: Uuid = db.one(&format!("SELECT observa.create_project('{other}', 'own')"));
    let shares: Uuid = db.one(&format!("SELECT observa.create_project('{other}', 'shares')"));
    db.run(&format!("SELECT observa.limit_project('{own}', events_per_minute => 0)"));
    let within = |project: &str, count: usize| {
        let place = json!({"tenant_id": other.to_string(), "project_id": project});
        let events = (0..count)
            .map(|_| observa_tests::event::with(llm_call(&Uuid::new_v4().to_string()), place.clone()));
        lines(&events.collect::<Vec<_>>())
    };
    // The body that reaches the limit is stored whole, and pays back what is over: 100 events over are two minutes.
    assert_eq!(db.ingest(&within("default", 150))["accepted"], 150);
    for project in ["default".to_owned(), shares.to_string()] {
        let refused = db.error(&format!("SELECT observa.ingest($body${}$body$::text)", within(&project, 1)));
        assert_eq!(refused.code().code(), "53400", "{refused:?}");
        assert_eq!(refused.message(), "the rate limit of 50 events of one tenant a minute is reached");
        assert!(refused.hint().is_some_and(|hint| hint.starts_with("Try again in ")), "{refused:?}");
    }
    assert_eq!(db.ingest(&within(&own.to_string(), 200))["accepted"], 200);
    assert_eq!(db.ingest(&within(&own.to_string(), 1))["accepted"], 1);
    assert_eq!(db.ingest(&events(1))["accepted"], 1, "another tenant's rate is another");
    assert_eq!(db.count("observa.events"), 352);
    db.run(&format!("SELECT observa.limit_project('{own}', events_per_minute => 10)"));
    assert_eq!(db.ingest(&within(&own.to_string(), 100))["accepted"], 100);
    let refused = db.error(&format!("SELECT observa.ingest($body${}$body$::text)", within("own", 1)));
    assert_eq!(refused.message(), "the rate limit of 10 events of one project a minute is reached");
    // Log lines count, too.
    let insert =
        format!("INSERT INTO observa.logs (message, tenant_id, project_id) VALUES ('m', '{other}', '{own}')");
    assert_eq!(db.error(&insert).message(), "the rate limit of 10 events of one project a minute is reached");
}

/// A row that is refused would be a 500 for all rows of the request: so they are let in together, but no more than a body has.
#[test]
fn a_request_that_was_let_in_may_bring_as_many_rows_as_a_body() {
    let mut db = limited("limit-rows", "observa.max_batch_events = 5\n");
    let (key, project) = (key(&mut db), project(&mut db));
    db.run(&format!("SELECT observa.limit_project('{project}', events_per_minute => 2)"));
    let mut gate = db.connect_as("gate", "observa_ingest, observa_read");
    let headers = json!({"x-api-key": key}).to_string();
    let begin = format!(
        "BEGIN; SELECT set_config('request.method', 'POST', true), set_config('request.path', '/llm_requests', true),
                       set_config('request.headers', '{headers}', true); SELECT observa.pre_request()"
    );
    let insert = "INSERT INTO observa.llm_requests (model) VALUES (gen_random_uuid())";
    gate.batch_execute(&begin).unwrap();
    for _ in 0..5 {
        gate.batch_execute(insert).unwrap();
    }
    gate.batch_execute("COMMIT").unwrap();
    assert_eq!(db.count("observa.events"), 5);
    // The next one waits for what they took too much, and is refused before it brings anything.
    let refused = error(&mut gate, &begin);
    assert!(refused.message().contains("RATE_LIMIT_EXCEEDED"), "{refused:?}");
    gate.batch_execute("ROLLBACK").unwrap();
    let mut other = db.connect_as("other", "observa_ingest, observa_read");
    db.run(&format!(
        "SELECT observa.limit_project('{project}', events_per_minute => 0, monthly_events => 7)"
    ));
    other.batch_execute(&begin).unwrap();
    for _ in 0..5 {
        other.batch_execute(insert).unwrap();
    }
    assert_eq!(error(&mut other, insert).code().code(), "53400");
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!(db.count("observa.events"), 5);
}

#[test]
fn a_rate_over_http_is_a_429_and_shows_in_the_headers_before() {
    let mut db = limited("limit-http", "");
    let (key, project) = (key(&mut db), project(&mut db));
    db.run(&format!("SELECT observa.limit_project('{project}', events_per_minute => 10)"));
    let front = front(&mut db);
    let send = |count: usize| {
        http::post_with(&front.url("/rpc/ingest"), BYTES, events(count).as_bytes(), &[("x-api-key", &key)])
    };
    let first = send(4);
    assert_eq!((first.status, &first.body["accepted"]), (200, &json!(4)), "{first:?}");
    assert_eq!((number(&first, "x-ratelimit-limit"), number(&first, "x-ratelimit-remaining")), (10, 6));
    assert_eq!(send(100).body["accepted"], 100);
    over(&send(1), "RATE_LIMIT_EXCEEDED", 10);
    assert_eq!(db.count("observa.events"), 104);
    // Where no pre_request stands before it, ingest itself says so, and stores nothing.
    let without = Front::start(FrontConfig::of(db.cluster.config(&db.name)));
    over(&http::post(&without.url("/rpc/ingest"), BYTES, events(3).as_bytes()), "RATE_LIMIT_EXCEEDED", 10);
    assert_eq!(db.count("observa.events"), 104);
    // Reading is not sending.
    assert_eq!(http::get_with(&front.url("/events?limit=1"), &[("x-api-key", &key)]).status, 200);
    // After a restart the bucket is full again.
    drop((front, without));
    db.cluster.kill();
    db.cluster.start_again();
    db.client = db.connect();
    assert_eq!(db.ingest(&events(1))["accepted"], 1);
}

#[test]
fn a_key_s_last_use_is_written_by_maintenance() {
    let mut db = limited("key-uses", "");
    let (used, unused) = (key(&mut db), key(&mut db));
    let other = db.tenant("other");
    let foreign: String = db.one(&format!(
        "SELECT observa.create_api_key((SELECT id FROM observa.projects WHERE tenant_id = '{other}'), 'sk')"
    ));
    let last_use = |db: &mut Database, key: &str| -> Option<bool> {
        let sql = format!(
            "SELECT last_used_at BETWEEN created_at AND now() FROM observa.api_keys WHERE prefix = '{}'",
            &key[..8]
        );
        db.one(&sql)
    };
    let mut app = db.connect_as("app", "observa_ingest, observa_read");
    // Also by a transaction that writes nothing, and by one that fails.
    app.batch_execute(&format!("BEGIN READ ONLY; SELECT observa.authenticate('{used}'); COMMIT")).unwrap();
    app.batch_execute(&format!("BEGIN; SELECT observa.authenticate('{foreign}'); ROLLBACK")).unwrap();
    assert_eq!(last_use(&mut db, &used), None, "not before a round of maintenance");
    // A round that is taken back has written nothing.
    db.run("BEGIN; SELECT observa.run_maintenance(); ROLLBACK");
    let round: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!(round["keys_used"], 2, "{round}");
    assert_eq!([&used, &foreign, &unused].map(|key| last_use(&mut db, key)), [Some(true), Some(true), None]);
    let round: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!(round["keys_used"], 0, "{round}");

    // What can't be written for one tenant is for the others, and is not forgotten.
    for key in [&used, &foreign] {
        app.batch_execute(&format!("BEGIN READ ONLY; SELECT observa.authenticate('{key}'); COMMIT")).unwrap();
    }
    db.run(&format!(
        "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'broken'; END$$;
         CREATE TRIGGER broken BEFORE UPDATE ON observa_internal.api_keys FOR EACH ROW WHEN (OLD.tenant_id = '{other}') EXECUTE FUNCTION broken()"
    ));
    let round: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!((&round["keys_used"], &round["failed"]), (&json!(1), &json!(["key_uses"])), "{round}");
    db.run("DROP FUNCTION broken CASCADE");
    let round: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!((&round["keys_used"], &round["failed"]), (&json!(1), &json!([])), "{round}");
}

#[test]
fn without_preload_nothing_is_limited_and_who_sets_a_limit_is_warned() {
    let mut db = Database::ready();
    if db.one::<String>("SHOW shared_preload_libraries").contains("observa") {
        db = Database::ready_in(Cluster::own("limit-off", ""));
    }
    let project = project(&mut db);
    let (sender, warnings) = std::sync::mpsc::channel();
    let mut config = db.cluster.config(&db.name);
    config.notice_callback(move |notice| sender.send(notice.message().to_owned()).unwrap());
    let mut client = config.connect(postgres::NoTls).unwrap();
    client
        .batch_execute(&format!(
            "SELECT observa.limit_project('{project}', 1, 1); SET observa.events_per_minute = 1"
        ))
        .unwrap();
    let health: Value = db.one("SELECT observa.health_detailed()");
    assert_eq!(
        (&health["status"], &health["checks"]["limits"]["status"]),
        (&json!("degraded"), &json!("off")),
        "{health}"
    );
    let warning = "Observa's limits are off: shared_preload_libraries does not name observa";
    assert_eq!(warnings.recv().unwrap(), warning);
    for _ in 0..3 {
        assert_eq!(ingest(&mut client, &events(5))["accepted"], 5);
    }
    // Once for each session that would be limited.
    assert_eq!(warnings.try_iter().collect::<Vec<_>>(), [warning]);
    assert_eq!(db.count("observa.usage WHERE events = 15 AND quota = 1"), 1, "usage is counted all the same");
    let round: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!((&round["quota_signals"], &round["keys_used"]), (&json!(2), &json!(0)), "{round}");
}

#[test]
fn only_a_superuser_sets_limits() {
    let mut db = Database::ready();
    let (project, tenant) = (project(&mut db), db.one::<Uuid>("SELECT tenant_id FROM observa.projects"));
    let mut admin = db.connect_as("chief", "observa_admin");
    db.run(&format!("SELECT observa.grant_tenant('chief_{}', '{tenant}')", db.name));
    let refused = error(&mut admin, &format!("SELECT observa.limit_project('{project}', 1, 1)"));
    assert_eq!(refused.code().code(), "42501", "{refused:?}");
    let refused = error(&mut admin, "SET observa.events_per_minute = 0");
    assert_eq!(refused.code().code(), "42501", "{refused:?}");
    let refused = db.error(&format!("SELECT observa.limit_project('{}', 1, 1)", Uuid::new_v4()));
    assert_eq!(refused.code().code(), "22023", "{refused:?}");
    let refused = db.error(&format!("SELECT observa.limit_project('{project}', -1)"));
    assert_eq!(refused.code().code(), "22023", "{refused:?}");
    db.run("SET client_min_messages = error");
    db.run(&format!("SELECT observa.limit_project('{project}', 7, 8)"));
    let limits = "SELECT events_per_minute, monthly_events FROM observa.projects";
    assert_eq!(db.row(limits), json!({"events_per_minute": 7, "monthly_events": 8}));
    db.run(&format!("SELECT observa.limit_project('{project}')"));
    assert_eq!(db.row(limits), json!({"events_per_minute": null, "monthly_events": null}));
}
