//! Issues: what a person would call one problem is one, whoever counts it and however often it comes.

use observa_tests::Database;
use observa_tests::database::{error, ingest, one, table};
use observa_tests::event::{HOUR_MS, lines, llm_call, now_ms, with};
use serde_json::{Value, json};
use uuid::Uuid;

fn failed(id: &str, message: &str) -> Value {
    with(
        llm_call(id),
        json!({"status": "error", "error_message": message, "trace_id": format!("t{id}"), "user_id": format!("u{id}")}),
    )
}

/// Folded or not, they are the same.
fn both(db: &mut Database, mut check: impl FnMut(&mut Database)) {
    check(db);
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa_internal.issue_deltas"), 0);
    check(db);
}

#[test]
fn errors_that_differ_by_ids_and_numbers_are_one_issue() {
    let mut db = Database::ready();
    for (id, message) in [
        ("1", "Rate limit reached: used 29871 of 30000 (req_011CQ6ZtLHFTqD3u4gT8qnmE)"),
        ("2", "Rate limit reached: used 12 of 8000 (req_011CR7aaBBccDDeeFF1122gg)"),
        ("3", "connection to \"10.0.0.7\" refused"),
    ] {
        db.ingest(&failed(id, message).to_string());
    }
    both(&mut db, |db| {
        let issues = db.table(
            "SELECT title, name, subject, severity, count, users, sample_trace_ids, state, trend[23] + trend[24] AS lately, cardinality(trend) AS hours
               FROM observa.issues ORDER BY count DESC",
        );
        let issue = |title: &str, count: i64, traces: Value| {
            json!({"title": title, "name": "llm_error", "subject": "model=test-model-x", "severity": "high", "count": count, "users": count,
                   "sample_trace_ids": traces, "state": "open", "lately": count, "hours": 24})
        };
        assert_eq!(
            issues,
            [
                issue("Rate limit reached: used <n> of <n> (<id>)", 2, json!(["t2", "t1"])),
                issue("connection to <text> refused", 1, json!(["t3"]))
            ]
        );
        assert_eq!(
            db.count(
                "observa.signals s JOIN observa.issues i ON i.id = s.issue_id WHERE i.title LIKE 'Rate%'"
            ),
            2
        );
    });
    // The id is of the problem, not of the row.
    let id: Uuid = db.one("SELECT id FROM observa.issues WHERE title LIKE 'Rate%'");
    db.ingest(&failed("4", "Rate limit reached: used 7 of 9 (req_011CZZaaBBccDDeeFF1122gg)").to_string());
    assert_eq!(db.one::<i64>(&format!("SELECT count FROM observa.issues WHERE id = '{id}'")), 3);
}

#[test]
fn environments_and_projects_have_their_own_issues() {
    let mut db = Database::ready();
    let tenant: Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants");
    db.run(&format!("SELECT observa.create_project('{tenant}', 'second')"));
    db.ingest(&lines(&[
        failed("1", "it broke"),
        with(failed("2", "it broke"), json!({"environment": "dev"})),
        with(failed("3", "it broke"), json!({"project_id": "second"})),
    ]));
    both(&mut db, |db| assert_eq!(db.count("(SELECT DISTINCT id FROM observa.issues) i"), 3));
}

#[test]
fn an_issue_that_comes_again_after_it_was_resolved_is_regressed() {
    let mut db = Database::ready();
    db.ingest(&failed("1", "it broke").to_string());
    let id: Uuid = db.one("SELECT id FROM observa.issues");
    let state = |db: &mut Database| -> String { db.one("SELECT state FROM observa.issues") };
    let refused = |db: &mut Database, call: &str| {
        db.error(&format!("SELECT observa.{call}('{id}')")).code().code().to_owned()
    };
    assert_eq!(refused(&mut db, "reopen_issue"), "02000", "it is open");
    db.run(&format!("SELECT observa.resolve_issue('{id}', 'was the key AKIAQ3EGYJ7KX5NT2MWB')"));
    assert_eq!(refused(&mut db, "resolve_issue"), "02000", "it is resolved");
    let row = db.row("SELECT note, decided_by, decided_at IS NOT NULL AS at FROM observa.issues");
    assert_eq!(row["note"], "was the key [REDACTED:aws_access_key_id]");
    assert_eq!((&row["decided_by"], &row["at"]), (&json!("login postgres"), &json!(true)));
    both(&mut db, |db| assert_eq!(state(db), "resolved"));
    db.ingest(&failed("2", "it broke").to_string());
    both(&mut db, |db| assert_eq!(state(db), "regressed"));
    db.run(&format!("SELECT observa.resolve_issue('{id}')"));
    assert_eq!(state(&mut db), "resolved");
    db.run(&format!("SELECT observa.reopen_issue('{id}')"));
    assert_eq!(state(&mut db), "open");
}

#[test]
fn an_ignored_issue_is_so_until_its_time_and_counts_on() {
    let mut db = Database::ready();
    db.ingest(&failed("1", "it broke").to_string());
    let id: Uuid = db.one("SELECT id FROM observa.issues");
    let past = db.error(&format!("SELECT observa.ignore_issue('{id}', now() - interval '1 s')"));
    assert_eq!(past.code().code(), "22023");
    db.run(&format!("SELECT observa.ignore_issue('{id}', now() + interval '1 hour')"));
    db.ingest(&failed("2", "it broke").to_string());
    both(&mut db, |db| {
        assert_eq!(
            db.row("SELECT state, count FROM observa.issues"),
            json!({"state": "ignored", "count": 2})
        );
    });
    db.run("UPDATE observa_internal.issue_states SET until = now()");
    assert_eq!(db.one::<String>("SELECT state FROM observa.issues"), "open");
    db.run(&format!("SELECT observa.ignore_issue('{id}'), observa.reopen_issue('{id}')"));
    assert_eq!(db.one::<String>("SELECT state FROM observa.issues"), "open");
}

#[test]
fn issues_are_decided_about_by_who_administers_their_tenant_alone() {
    let mut db = Database::ready();
    let other = db.tenant("other");
    db.ingest(&failed("1", "it broke").to_string());
    let (own, id) = (
        db.one::<Uuid>("SELECT tenant_id FROM observa.issues"),
        db.one::<Uuid>("SELECT id FROM observa.issues"),
    );
    let calls = [
        format!("SELECT observa.resolve_issue('{id}')"),
        format!("SELECT observa.ignore_issue('{id}')"),
        format!("SELECT observa.reopen_issue('{id}')"),
    ];
    for (tenant, rights, role, code) in [
        (other, "iqa", "observa_admin", "02000"),
        (own, "iq", "observa_admin", "42501"),
        (own, "iqa", "observa_read", "42501"),
    ] {
        let mut client = acting(&db, tenant, rights, role);
        for call in &calls {
            let refused = error(&mut client, call);
            assert_eq!(refused.code().code(), code, "{role} {rights} {call}: {refused:?}");
        }
    }
    both(&mut db, |db| {
        let mut stranger = acting(db, other, "iqa", "observa_read");
        assert!(table(&mut stranger, "SELECT * FROM observa.issues").is_empty());
        assert_eq!(one::<Value>(&mut stranger, "SELECT observa.issues_summary()")["issues"], 0);
        let mut reader = acting(db, own, "q", "observa_read");
        assert_eq!(one::<i64>(&mut reader, "SELECT count FROM observa.issues"), 1);
        assert_eq!(one::<Value>(&mut reader, "SELECT observa.issues_summary()")["issues"], 1);
    });
}

fn acting(db: &Database, tenant: Uuid, rights: &str, role: &str) -> postgres::Client {
    let mut client = db.connect();
    let sql = format!("LOAD 'observa'; SET observa.acting = '{tenant}//{rights}/'; SET ROLE {role}");
    client.batch_execute(&sql).unwrap();
    client
}

#[test]
fn a_summary_counts_what_was_seen_and_names_what_is_new_and_what_is_back() {
    let mut db = Database::ready();
    db.ingest(&lines(&[
        with(failed("1", "an old one"), json!({"timestamp": now_ms() - 50 * HOUR_MS})),
        with(failed("2", "gone"), json!({"timestamp": now_ms() - 50 * HOUR_MS})),
    ]));
    db.run("SELECT observa.resolve_issue(id) FROM observa.issues WHERE title = 'an old one'");
    db.ingest(&lines(&[
        failed("3", "an old one"),
        failed("4", "a new one"),
        with(llm_call("5"), json!({"latency_ms": 3000})),
    ]));
    both(&mut db, |db| {
        let summary: Value = db.one("SELECT observa.issues_summary()");
        assert_eq!(
            (&summary["issues"], &summary["new_count"], &summary["regressed_count"]),
            (&json!(3), &json!(2), &json!(1)),
            "{summary}"
        );
        assert_eq!(summary["by_severity"], json!({"high": 2, "medium": 1}));
        assert_eq!(summary["by_state"], json!({"open": 2, "regressed": 1}));
        assert_eq!(summary["by_name"], json!({"llm_error": 2, "medium_latency": 1}));
        assert_eq!(summary["regressed"][0]["title"], "an old one");
        let new: Vec<&str> =
            summary["new"].as_array().unwrap().iter().map(|issue| issue["title"].as_str().unwrap()).collect();
        assert!(new.contains(&"a new one") && new.contains(&"medium latency"), "{new:?}");
        let elsewhere: Value = db.one("SELECT observa.issues_summary(gen_random_uuid())");
        assert_eq!(elsewhere["issues"], 0);
    });
}

/// Nobody waits for anybody's issue, nor counts it twice.
#[test]
fn twenty_thousand_identical_errors_of_four_clients_are_one_issue_and_one_alert() {
    let mut db = Database::ready();
    std::thread::scope(|scope| {
        for client in 0..4 {
            let mut connection = db.connect();
            scope.spawn(move || {
                connection.batch_execute("SET statement_timeout = '60s'").unwrap();
                for batch in 0..5 {
                    let events: Vec<Value> = (0..1000)
                        .map(|n| failed(&format!("{client}-{batch}-{n}"), &format!("it broke after {n} ms")))
                        .collect();
                    assert_eq!(ingest(&mut connection, &lines(&events))["accepted"], 1000);
                }
            });
        }
    });
    assert!(db.count("observa_internal.issue_deltas") <= 40, "one for each batch, or two at the hour's end");
    assert_eq!(db.count("observa.alerts"), 1);
    both(&mut db, |db| {
        let issue = db.row("SELECT title, count, users BETWEEN 19000 AND 21000 AS users FROM observa.issues WHERE name = 'llm_error'");
        assert_eq!(issue, json!({"title": "it broke after <n> ms", "count": 20000, "users": true}));
    });
}

#[test]
fn an_open_transaction_with_the_same_error_makes_nobody_wait_and_is_counted_when_it_commits() {
    let mut db = Database::ready();
    let mut other = db.connect();
    other.batch_execute("SET statement_timeout = '5s'").unwrap();
    let mut open = db.client.transaction().unwrap();
    open.query_one("SELECT observa.ingest($1::text)", &[&failed("1", "it broke").to_string()]).unwrap();
    ingest(&mut other, &failed("2", "it broke").to_string());
    other.batch_execute("SELECT observa.run_maintenance()").unwrap();
    assert_eq!(one::<i64>(&mut other, "SELECT count FROM observa.issues"), 1);
    open.commit().unwrap();
    both(&mut db, |db| assert_eq!(db.one::<i64>("SELECT count FROM observa.issues"), 2));
}

#[test]
fn signals_that_an_older_library_stored_are_counted_once() {
    let mut db = Database::ready();
    db.ingest(&lines(&[
        with(failed("1", "it broke"), json!({"timestamp": now_ms() - 50 * HOUR_MS})),
        failed("2", "it broke"),
        with(llm_call("3"), json!({"latency_ms": 9000})),
    ]));
    // As it was before there were issues, and is right after setup() of this library.
    db.run(
        "UPDATE observa_internal.signals SET issue_id = NULL; DELETE FROM observa_internal.issue_deltas; DELETE FROM observa_internal.issues;
         INSERT INTO observa_internal.issue_backfills (tenant_id) SELECT tenant_id FROM observa_internal.tenants",
    );
    db.ingest(&failed("4", "it broke").to_string());
    for _ in 0..4 {
        db.run("SELECT observa.run_maintenance()");
    }
    assert_eq!(db.count("observa_internal.issue_backfills"), 0);
    let issues = db.table("SELECT name, count FROM observa.issues ORDER BY name");
    assert_eq!(
        issues,
        [json!({"name": "high_latency", "count": 1}), json!({"name": "llm_error", "count": 3})]
    );
    assert_eq!(db.count("observa.signals s JOIN observa.issues i ON i.id = s.issue_id"), 4);
}

#[test]
fn a_person_who_is_forgotten_is_not_quoted_by_an_issue() {
    let mut db = Database::ready();
    db.ingest(&lines(&[failed("1", "no account of Jane Roe"), failed("2", "another one")]));
    db.run("SELECT observa.resolve_issue(id, 'Jane again') FROM observa.issues WHERE title LIKE '%Jane%'");
    db.run("SELECT observa.run_maintenance()");
    db.ingest(&with(failed("3", "no account of Jane Roe"), json!({"user_id": "u1"})).to_string());
    db.run("SELECT observa.forget_user('u1')");
    both(&mut db, |db| {
        let titles = db.table("SELECT title, note, count FROM observa.issues ORDER BY title");
        assert_eq!(
            titles,
            [
                json!({"title": "another one", "note": null, "count": 1}),
                json!({"title": "llm error", "note": null, "count": 2})
            ]
        );
    });
}

#[test]
fn an_issue_goes_when_its_last_signal_would_and_its_words_before() {
    let mut db = Database::ready();
    let project: Uuid = db.one("SELECT id FROM observa.projects");
    db.ingest(&failed("1", "it broke").to_string());
    db.run("SELECT observa.resolve_issue(id, 'x') FROM observa.issues");
    db.run("SELECT observa.run_maintenance()");
    let age = "UPDATE observa_internal.issues SET last_seen = now() - interval '10 days';
               UPDATE observa_internal.issue_states SET decided_at = now() - interval '10 days'";
    db.run(age);
    db.run(&format!("SELECT observa.set_retention('{project}', 30, 5), observa.run_maintenance()"));
    assert_eq!(db.row("SELECT title, note FROM observa.issues"), json!({"title": "llm error", "note": null}));
    // What somebody wrote of an issue goes, too, where no error gave it its title.
    db.run("SELECT observa.reopen_issue(id), observa.resolve_issue(id, 'y') FROM observa.issues");
    db.run(age);
    db.run(&format!("SELECT observa.set_retention('{project}', 30, 4), observa.run_maintenance()"));
    assert_eq!(db.row("SELECT title, note FROM observa.issues"), json!({"title": "llm error", "note": null}));
    db.run(&format!("SELECT observa.set_retention('{project}', 5, 5), observa.run_maintenance()"));
    assert_eq!(
        db.count("observa.issues")
            + db.count("observa_internal.issue_states")
            + db.count("observa_internal.issue_hours"),
        0
    );
}

/// Of ten thousand issues fifty are looked at closely.
#[test]
fn the_newest_issues_are_found_without_reading_signals() {
    let mut db = Database::ready();
    db.run(
        "INSERT INTO observa_internal.issues (tenant_id, issue_id, project_id, environment, name, subject, title, severity, count, first_seen,
                last_seen, last_arrived, sample_trace_ids)
         SELECT tenant_id, gen_random_uuid(), gen_random_uuid(), 'prod', 'n', 's', 't', 3, 1, now(), now() - n * interval '1 s', now(), '{}'
           FROM observa_internal.tenants, generate_series(1, 10000) n; ANALYZE observa_internal.issues",
    );
    let tenant: Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants");
    let calls = "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_xact_user_functions WHERE funcname LIKE 'issue\\_%'";
    db.run(&format!("BEGIN; SET LOCAL track_functions = 'all'; SET LOCAL observa.acting = '{tenant}//iqa/'; SET LOCAL ROLE observa_read"));
    let plan: Value =
        db.one("EXPLAIN (FORMAT json) SELECT * FROM observa.issues ORDER BY last_seen DESC LIMIT 50");
    assert!(!plan.to_string().contains("signals"), "{plan}");
    let begun = std::time::Instant::now();
    assert_eq!(db.rows("SELECT * FROM observa.issues ORDER BY last_seen DESC LIMIT 50", &[]).len(), 50);
    assert!(begun.elapsed() < std::time::Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(db.one::<i64>(calls) <= 150);
    db.run("COMMIT");
}
