//! observa.dashboard: what the views say, of who asks alone, and never more than text.

use observa_tests::database::{error, ingest, one, one_with};
use observa_tests::event::{HOUR_MS, lines, llm_call, now_ms, with};
use observa_tests::{Database, Front, FrontConfig, http};
use postgres::Client;
use serde_json::{Value, json};

#[track_caller]
fn page(client: &mut Client) -> String {
    one(client, "SELECT observa.dashboard()::text")
}

/// What a reader of it sees between two texts.
fn between<'p>(page: &'p str, from: &str, to: &str) -> &'p str {
    page.split_once(from)
        .and_then(|(_, rest)| rest.split_once(to))
        .map(|(found, _)| found)
        .unwrap_or_default()
}

/// The figure of a card of the overview.
fn card<'p>(page: &'p str, name: &str) -> &'p str {
    between(page, &format!("<dt>{name}</dt><dd class=\"figure\">"), "<")
}

#[test]
fn the_overview_says_what_the_rollups_say_and_what_was_before() {
    let mut db = Database::ready();
    let call = |id: &str, ago: i64, more: Value| {
        with(
            with(
                llm_call(id),
                json!({"timestamp": now_ms() - ago, "model": "gpt-4o-mini", "input_tokens": 1000, "output_tokens": 100, "user_id": id}),
            ),
            more,
        )
    };
    db.ingest(&lines(&[
        call("u-a", 1000, json!({"latency_ms": 800, "route": "/chat", "trace_id": "tr-1", "conversation_id": "co-1"})),
        call("u-b", 2000, json!({"latency_ms": 800, "route": "/chat", "trace_id": "tr-1"})),
        call("u-c", 3000, json!({"status": "error", "error_type": "RateLimitError", "error_message": "too many", "trace_id": "tr-2"})),
        json!({"event_type": "tool_call", "event_id": "tool", "tool_name": "search", "status": "timeout", "timestamp": now_ms() - 1000}),
        json!({"event_type": "embedding", "event_id": "embedding", "model": "no-such-model", "input_tokens": 0, "timestamp": now_ms() - 1000}),
        // The window before has twice as many.
        call("u-d", 30 * HOUR_MS, json!({})), call("u-e", 30 * HOUR_MS, json!({})), call("u-f", 30 * HOUR_MS, json!({})),
        call("u-g", 30 * HOUR_MS, json!({})), call("u-h", 30 * HOUR_MS, json!({})), call("u-i", 30 * HOUR_MS, json!({})),
    ]));
    db.run("INSERT INTO observa.logs (message, level, service) VALUES ('a line', 'warning', 'gateway')");
    let page = page(&mut db.client);
    assert_eq!(
        [
            card(&page, "LLM calls"),
            card(&page, "All events"),
            card(&page, "Failed events"),
            card(&page, "End users")
        ],
        ["3", "5", "2", "3"]
    );
    assert!(page.contains("<dd>▼ 50 % less (6)</dd>"), "{page}");
    // Two calls of 800 ms: gpt-4o-mini is 0.15 and 0.60 USD for a million tokens.
    assert_eq!(card(&page, "Cost"), "$0.000420");
    assert!(
        between(&page, "<dt>Cost</dt>", "</div>").contains("without 1 call that has no known cost"),
        "{page}"
    );
    let unpriced = between(&page, "<bdi>no-such-model</bdi>", "</tr>");
    assert!(unpriced.contains(r#"<td class="n">1</td><td class="n">1</td>"#), "{unpriced}");
    assert_eq!(card(&page, "Tokens"), "2,200");
    assert!(
        ["800 ms", "798 ms", "799 ms", "801 ms", "802 ms"].contains(&card(&page, "Latency of calls, p95")),
        "{}",
        card(&page, "Latency of calls, p95")
    );
    for shown in [
        "<bdi>gpt-4o-mini</bdi>",
        "<bdi>/chat</bdi>",
        "<bdi>search</bdi>",
        "<bdi>RateLimitError</bdi>",
        "RateLimitError: too many",
        "<bdi>tr-1</bdi>",
        "<bdi>co-1</bdi>",
        "<bdi>a question</bdi>",
        "<bdi>an answer</bdi>",
        "<bdi>a line</bdi>",
        "<bdi>gateway</bdi>",
    ] {
        assert!(page.contains(shown), "{shown}");
    }
    // By the hour: 25 of them, the one that has begun included.
    assert_eq!(between(&page, "id=\"numbers\"", "</details>").matches("<tr><th scope=\"row\">").count(), 25);
    let trace: String = db.one("SELECT observa.dashboard_trace('tr-1')::text");
    assert_eq!(between(&trace, "<tbody>", "</tbody>").matches("<tr>").count(), 2);
    let none: String = db.one("SELECT observa.dashboard_trace('no such trace')::text");
    assert!(none.contains("There is no such trace."));
}

#[test]
fn a_tenant_sees_its_own_and_a_project_its_own() {
    let mut db = Database::ready();
    let mut logins = Vec::new();
    for name in ["acme", "globex"] {
        let tenant = db.tenant(name);
        let project: String =
            db.one(&format!("SELECT id::text FROM observa.projects WHERE tenant_id = '{tenant}'"));
        let other: String = db.one(&format!("SELECT observa.create_project('{tenant}', 'second')::text"));
        for (project, part) in [(&project, "first"), (&other, "second")] {
            let marked = format!("{name}-{part}");
            let event = with(
                llm_call(&marked),
                json!({"project_id": project, "tenant_id": tenant.to_string(), "model": marked, "route": marked, "trace_id": marked,
                "conversation_id": marked, "name": marked, "status": "error", "error_type": marked, "input": marked, "output": marked, "latency_ms": 9000}),
            );
            assert_eq!(db.ingest(&event.to_string())["accepted"], 1);
        }
        let client = db.connect_as(name, "observa_read, observa_ingest");
        db.run(&format!("SELECT observa.grant_tenant('{name}_{}', '{tenant}')", db.name));
        logins.push((name, client, project, other));
    }
    let foreign: String = logins[1].2.clone();
    for (name, client, project, _) in &mut logins {
        client
            .batch_execute(&format!("INSERT INTO observa.logs (message) VALUES ('{name}-line')"))
            .expect("a line");
        let all = page(client);
        let stranger = if *name == "acme" { "globex" } else { "acme" };
        assert!(!all.contains(stranger), "{all}");
        for own in ["-first", "-second", "-line"] {
            assert!(all.contains(&format!("<bdi>{name}{own}</bdi>")), "{own}: {all}");
        }
        let one: String = one_with(client, "SELECT observa.dashboard($1::text::uuid)::text", &[project]);
        assert!(
            one.contains(&format!("<bdi>{name}-first</bdi>")) && !one.contains(&format!("{name}-second")),
            "{one}"
        );
        let trace: String =
            one_with(client, "SELECT observa.dashboard_trace($1)::text", &[&format!("{stranger}-first")]);
        assert!(trace.contains("There is no such trace."));
    }
    let acme = &mut logins[0].1;
    assert_eq!(
        error(acme, &format!("SELECT observa.dashboard('{foreign}')")).message(),
        "there is no such project"
    );
}

#[test]
fn a_trace_through_two_projects_is_shown_with_the_sums_of_what_is_asked_for() {
    let mut db = Database::ready();
    let tenant = db.tenant("acme");
    let first: String =
        db.one(&format!("SELECT id::text FROM observa.projects WHERE tenant_id = '{tenant}'"));
    let second: String = db.one(&format!("SELECT observa.create_project('{tenant}', 'second')::text"));
    let third: String = db.one(&format!("SELECT observa.create_project('{tenant}', 'third')::text"));
    let call = |id: &str, project: &str, model: &str| {
        let of = json!({"tenant_id": tenant.to_string(), "project_id": project, "trace_id": "both", "model": model, "name": id, "latency_ms": 100,
                        "input_tokens": 1000, "output_tokens": 100, "timestamp": now_ms() - 5000});
        with(llm_call(id), of)
    };
    db.ingest(&lines(&[
        call("one", &first, "gpt-4o-mini"),
        call("two", &second, "gpt-4o-mini"),
        call("three", &second, "gpt-4o"),
        json!({"event_type": "tool_call", "event_id": "four", "name": "four", "tool_name": "search", "trace_id": "both", "tenant_id": tenant.to_string(),
               "project_id": third, "timestamp": now_ms() - 4000}),
    ]));
    let mut reader = db.connect_as("reader", "observa_read");
    db.run(&format!("SELECT observa.grant_tenant('reader_{}', '{tenant}')", db.name));
    // 1,000 tokens in and 100 out: 0.00021 USD of the one model, 0.0035 of the other.
    let whole =
        "cost $0.003920, 3,300 tokens, status <bdi>ok</bdi>, <bdi>gpt-4o</bdi>, <bdi>gpt-4o-mini</bdi>.";
    let alone: String = one(&mut reader, "SELECT observa.dashboard_trace('both')::text");
    for shown in [&alone, &page(&mut reader)] {
        assert!(shown.contains(whole), "{shown}");
        assert_eq!(
            ["one", "two", "three", "four"].map(|name| shown.contains(&format!("<bdi>{name}</bdi>"))),
            [true; 4]
        );
    }
    let of_first: String = one_with(&mut reader, "SELECT observa.dashboard($1::text::uuid)::text", &[&first]);
    assert!(
        of_first.contains("cost $0.000210, 1,100 tokens, status <bdi>ok</bdi>, <bdi>gpt-4o-mini</bdi>."),
        "{of_first}"
    );
    assert_eq!(
        ["one", "two", "three", "four"].map(|name| of_first.contains(&format!("<bdi>{name}</bdi>"))),
        [true, false, false, false]
    );
}

#[test]
fn the_window_that_is_shown_is_the_one_that_is_counted() {
    let mut db = Database::ready();
    let hour = now_ms() / HOUR_MS * HOUR_MS - 100 * HOUR_MS;
    let at = |id: &str, minutes: i64| {
        with(llm_call(id), json!({"timestamp": hour + minutes * 60_000, "model": "m", "trace_id": id}))
    };
    db.ingest(&lines(&[at("before", -30), at("in", 5), at("late", 50), at("after", 70)]));
    let since = format!("to_timestamp({}::float8 / 1000)", hour - 9 * HOUR_MS);
    let until = format!("to_timestamp({}::float8 / 1000)", hour + 600_000);
    let page: String = db.one(&format!("SELECT observa.dashboard(NULL, {since}, {until})::text"));
    let end: String = db.one(&format!(
        "SELECT to_char(to_timestamp({}::float8 / 1000) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')",
        hour + HOUR_MS
    ));
    let shown = between(&page, " to <time>", "</time> UTC, by the hour.");
    assert_eq!(shown, end, "the end of the hour that until is in");
    let counted: i64 =
        db.one(&format!("SELECT events FROM observa.overview_rows(NULL, {since}, '{end}+00')"));
    assert_eq!(card(&page, "LLM calls"), counted.to_string());
    assert_eq!(counted, 3);
    // Traces are those of the same time.
    assert_eq!(
        ["before", "in", "late", "after"].map(|id| page.contains(&format!("<bdi>{id}</bdi>"))),
        [true, true, true, false]
    );
    // A window of whole hours ends where it was said to.
    let whole: String = db.one(&format!("SELECT observa.dashboard(NULL, {since}, '{end}+00')::text"));
    assert_eq!(between(&whole, " to <time>", "</time> UTC, by the hour."), end);
    assert_eq!(card(&whole, "LLM calls"), "3");
}

#[test]
fn tokens_of_a_call_that_is_not_billed_are_in_no_figure() {
    let mut db = Database::ready();
    let call = |id: &str, more: Value| {
        with(
            llm_call(id),
            with(
                json!({"span_id": id, "trace_id": "t", "model": "gpt-4o-mini", "input_tokens": 1000, "output_tokens": 100, "latency_ms": 100}),
                more,
            ),
        )
    };
    db.ingest(&lines(&[
        call("outer", json!({})),
        call("inner", json!({"parent_span_id": "outer", "status": "error"})),
    ]));
    let trace: String = db.one("SELECT observa.dashboard_trace('t')::text");
    assert_eq!(db.count("observa.events WHERE billable"), 1, "a failed call bills nothing");
    assert!(trace.contains("1,100 tokens"));
    assert_eq!(
        between(&trace, "<tbody>", "</tbody>").matches("<td class=\"n\">1,100</td>").count(),
        1,
        "{trace}"
    );
}

#[test]
fn who_may_not_read_gets_no_page_and_who_may_read_no_texts_gets_none() {
    let mut db = Database::ready();
    let event = with(
        llm_call("e"),
        json!({"input": "the secret question", "output": "the secret answer", "trace_id": "t", "conversation_id": "c",
        "status": "error", "error_message": "the secret error"}),
    );
    db.ingest(&event.to_string());
    db.run("INSERT INTO observa.logs (message) VALUES ('the secret line')");
    let open = page(&mut db.client);
    for said in ["question", "answer", "error", "line"] {
        assert!(open.contains(&format!("the secret {said}")), "{said}");
    }
    let mut stranger = db.connect_as("stranger", "");
    assert_eq!(error(&mut stranger, "SELECT observa.dashboard()").code().code(), "42501");
    let mut nobody = db.connect_as("nobody", "observa_read");
    assert_eq!(error(&mut nobody, "SELECT observa.dashboard()").code().code(), "42501");
    // A key that only sends.
    let mut sender = db.connect_as("sender", "observa_read, observa_ingest");
    let key: String = db.one("SELECT observa.create_api_key(id, 'sk', '{ingest}') FROM observa.projects");
    sender.batch_execute(&format!("BEGIN; SELECT observa.authenticate('{key}')")).expect("it is known");
    assert_eq!(error(&mut sender, "SELECT observa.dashboard()").code().code(), "42501");
    // An operator closed what is sensitive to readers of this database.
    let mut reader = db.connect_as("reader", "observa_read");
    db.run(&format!(
        "SELECT observa.grant_tenant('reader_{}', tenant_id) FROM observa.projects;
         REVOKE SELECT ON observa_internal.event_payloads, observa.logs FROM observa_read",
        db.name
    ));
    let closed = page(&mut reader);
    assert_eq!(closed.matches("the secret").count(), 0, "{closed}");
    assert_eq!(card(&closed, "LLM calls"), "1");
    let trace: String = one(&mut reader, "SELECT observa.dashboard_trace('t')::text");
    assert!(trace.contains("<bdi>test-model-x</bdi>") && !trace.contains("the secret"), "{trace}");
}

#[test]
fn an_empty_database_a_read_only_transaction_and_any_window_give_a_page() {
    let mut db = Database::ready();
    let empty = page(&mut db.client);
    for said in [
        "No alert is open.",
        "No traces in this window.",
        "No conversations in this window.",
        "Nothing failed in this window.",
    ] {
        assert!(empty.contains(said), "{said}");
    }
    db.ingest(&llm_call("e").to_string());
    db.run("BEGIN READ ONLY");
    assert_eq!(card(&page(&mut db.client), "LLM calls"), "1");
    db.run("COMMIT");
    for (since, until, unit) in [
        ("now() - interval '1 hour'", "now()", "minute"),
        ("now() - interval '7 days'", "NULL", "hour"),
        ("now() - interval '30 days'", "'infinity'", "day"),
        ("'-infinity'", "now()", "day"),
    ] {
        let page: String = db.one(&format!("SELECT observa.dashboard(NULL, {since}, {until})::text"));
        assert!(page.contains(&format!("UTC, by the {unit}.")), "{since}");
        assert_eq!(card(&page, "LLM calls"), "1", "{since}");
    }
    for (since, until) in [
        ("now()", "now() - interval '1 day'"),
        ("NULL", "now()"),
        ("now() + interval '1 day'", "NULL"),
        ("now()", "'-infinity'"),
    ] {
        let refused = db.error(&format!("SELECT observa.dashboard(NULL, {since}, {until})"));
        assert_eq!(refused.code().code(), "22023", "{since} {until}: {}", refused.message());
    }
    let mut new = Database::empty();
    new.run("CREATE EXTENSION observa");
    assert_eq!(new.error("SELECT observa.dashboard()").code().code(), "55000");
}

#[test]
fn hostile_events_stay_text() {
    let mut db = Database::ready();
    let hostile =
        "</bdi></title></script><script>alert(1)</script><img src=x onerror=alert(1)>\"'\u{202e}&lt;";
    let mut event = json!({"event_type": "llm_call", "timestamp": now_ms() - 1000, "status": "error", "latency_ms": 9000});
    for field in [
        "event_id",
        "trace_id",
        "span_id",
        "conversation_id",
        "session_id",
        "user_id",
        "agent_name",
        "version",
        "route",
        "provider",
        "model",
        "tool_name",
        "name",
        "error_type",
        "error_message",
        "input",
        "output",
    ] {
        event[field] = json!(hostile);
    }
    assert_eq!(db.ingest(&event.to_string())["accepted"], 1);
    db.client
        .execute("INSERT INTO observa.logs (message, service, trace_id) VALUES ($1, $1, $1)", &[&hostile])
        .expect("a line");
    let trace: String = one_with(&mut db.client, "SELECT observa.dashboard_trace($1)::text", &[&hostile]);
    for (page, least) in [(page(&mut db.client), 10), (trace, 5)] {
        assert_eq!(page.matches("<script").count(), 1, "{page}");
        assert_eq!([page.matches("<img").count(), page.matches('\u{202e}').count()], [0, 0], "{page}");
        assert!(
            page.matches("&lt;/bdi&gt;&lt;/title&gt;&lt;/script&gt;&lt;script&gt;").count() >= least,
            "{page}"
        );
    }
}

#[test]
fn over_http_it_is_an_html_document_with_its_headers() {
    let mut db = Database::ready();
    let gate: String = one(&mut db.connect_as("gate", ""), "SELECT session_user::text");
    let role = format!("web_{}", db.name);
    db.run(&format!(
        "CREATE ROLE {role} NOLOGIN; GRANT observa_ingest, observa_read TO {role}; GRANT {role} TO {gate}"
    ));
    let key: String = db.one("SELECT observa.create_api_key(id, 'sk', '{query}') FROM observa.projects");
    ingest(&mut db.client, &with(llm_call("e"), json!({"trace_id": "t&1"})).to_string());
    let mut database = db.cluster.config(&db.name);
    database.user(&gate);
    let front = Front::start(FrontConfig {
        role,
        pre_request: Some("pre_request".into()),
        ..FrontConfig::of(database)
    });
    let accept = ("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
    let reply = http::get_with(&front.url("/rpc/dashboard"), &[accept, ("x-api-key", &key)]);
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(
        reply.text.starts_with("<!DOCTYPE html>") && reply.text.contains("<bdi>test-model-x</bdi>"),
        "{}",
        reply.text
    );
    assert_eq!(reply.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(
        [reply.header("cache-control"), reply.header("x-content-type-options")],
        [Some("no-store"), Some("nosniff")]
    );
    assert!(reply.header("content-security-policy").is_some_and(
        |policy| policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'")
    ));
    let since = front.url("/rpc/dashboard?since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z");
    assert!(http::get_with(&since, &[accept, ("x-api-key", &key)]).text.contains("2026-01-01 00:00"));
    let trace =
        http::get_with(&front.url("/rpc/dashboard_trace?trace_id=t%261"), &[accept, ("x-api-key", &key)]);
    assert!(trace.text.contains("<bdi>t&amp;1</bdi>"), "{}", trace.text);
    assert_eq!(http::get_with(&front.url("/rpc/dashboard"), &[accept]).status, 401);
}
