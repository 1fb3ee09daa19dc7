//! The names that metrics are told apart by: bounded, and freed for new ones.

use observa_tests::Database;
use observa_tests::database::{ingest, one};
use observa_tests::event::{lines, llm_call, now_ms, with};
use serde_json::{Value, json};

use crate::rollups::assert_right_before_and_after_fold;

#[test]
fn more_names_than_a_tenant_may_have_are_counted_under_other() {
    let mut db = Database::ready();
    db.run(&format!("ALTER DATABASE {} SET observa.max_series = 100; ALTER DATABASE {0} SET observa.max_users_per_hour = 100", db.name));
    let mut client = db.connect();
    let many: Vec<Value> = (0..300)
        .map(|n| {
            with(
                llm_call(&n.to_string()),
                json!({"timestamp": now_ms() - 500, "route": format!("/{n}"), "user_id": format!("u{n}"), "input_tokens": 1}),
            )
        })
        .collect();
    for half in many.chunks(150) {
        assert_eq!(ingest(&mut client, &lines(half))["accepted"], 150);
        one::<Value>(&mut client, "SELECT observa.run_maintenance()");
    }
    assert!(db.count("observa_internal.metric_series") <= 101);
    for unit in ["minute", "hour", "day"] {
        let sums: (i64, i64) = {
            let sql =
                format!("SELECT sum(events)::bigint, sum(input_tokens)::bigint FROM observa.metrics_{unit}");
            let row = db.rows(&sql, &[]).remove(0);
            (row.get(0), row.get(1))
        };
        assert_eq!(sums, (300, 300), "nothing is lost");
        let other: i64 = db.one(&format!(
            "SELECT sum(events)::bigint FROM observa.metrics_{unit} WHERE route = 'other' AND model = 'other'"
        ));
        assert_eq!(other, 200);
    }
    assert_eq!(db.one::<i64>("SELECT sum(events)::bigint FROM observa.metrics_user_hour"), 300);
    assert!(
        db.one::<i64>("SELECT sum(events)::bigint FROM observa.metrics_user_hour WHERE user_id = 'other'")
            >= 100
    );
    assert_eq!(db.count("observa.signals WHERE name = 'metrics_limit'"), 2, "once a day");
    assert_eq!(db.count("observa.alerts WHERE rule = 'metrics_limit'"), 0);
}

#[test]
fn names_that_come_no_more_make_room_for_new_ones() {
    let mut db = Database::ready();
    db.run("SET observa.max_series = 100");
    let routes = |from: usize, count: usize| {
        let call = |n: usize| {
            with(
                llm_call(&uuid::Uuid::new_v4().to_string()),
                json!({"timestamp": now_ms() - 500, "route": format!("/{n}")}),
            )
        };
        lines(&(from..from + count).map(call).collect::<Vec<_>>())
    };
    let fold = |db: &mut Database, body: &str| {
        db.ingest(body);
        db.run("SELECT observa.run_maintenance()");
    };
    let events = |db: &mut Database, route: &str| {
        let sql = format!(
            "SELECT coalesce(sum(events), 0)::bigint FROM observa.metrics_day WHERE route = '{route}'"
        );
        db.one::<i64>(&sql)
    };
    fold(&mut db, &routes(0, 100));
    fold(&mut db, &routes(100, 10));
    assert_eq!(events(&mut db, "other"), 10, "there is no room");

    // Half of them has not come for a month; the others have, and count.
    db.run(
        "UPDATE observa_internal.metric_series SET last_seen = last_seen - 31 WHERE substr(route, 2) < '5' AND route <> 'other'",
    );
    let old = db.count("observa_internal.metric_series WHERE last_seen < now()::date");
    assert!((30..60).contains(&old), "{old}");
    fold(&mut db, &routes(200, 10));
    assert_eq!(events(&mut db, "other"), 10, "there is room again");
    assert_eq!(events(&mut db, "/205"), 1);

    // One that comes back is what it was.
    fold(&mut db, &routes(3, 1));
    assert_eq!(events(&mut db, "/3"), 2);
    assert_eq!(
        db.count("observa_internal.metric_series WHERE route = '/3' AND last_seen >= current_date - 1"),
        1
    );
    // What was counted before is there.
    assert_eq!(events(&mut db, "/1"), 1);
}

#[test]
fn names_without_metrics_are_freed() {
    let mut db = Database::ready();
    let call =
        |id: &str, route: &str| with(llm_call(id), json!({"timestamp": now_ms() - 500, "route": route}));
    db.ingest(&lines(&[call("moved", "/old"), call("stays", "/kept")]));
    db.run("SELECT observa.run_maintenance()");
    db.run("UPDATE observa_internal.events SET route = '/new' WHERE event_id = 'moved'");
    let series = "SELECT array_agg(route ORDER BY route) FROM observa_internal.metric_series";
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.one::<Vec<String>>(series), ["/kept", "/new", "/old"], "it may come back");
    db.run("UPDATE observa_internal.metric_series SET last_seen = last_seen - 31; SELECT observa.run_maintenance()");
    assert_eq!(db.one::<Vec<String>>(series), ["/kept", "/new"]);
    db.ingest(&call("back", "/old").to_string());
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.one::<Vec<String>>(series), ["/kept", "/new", "/old"]);
    assert_right_before_and_after_fold(&mut db);
}
