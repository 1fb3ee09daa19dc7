//! An event in the window always finds its partition.

use observa_tests::Database;
use observa_tests::database::{ingest, one};
use observa_tests::event::{DAY_MS, HOUR_MS, lines, llm_call, now_ms, with};
use serde_json::{Value, json};

/// Drops the partitions of a day, counted from today.
fn drop_day(db: &mut Database, day: i64) {
    for table in ["events", "event_payloads", "signals", "logs"] {
        let name: String = db.one(&format!("SELECT format('{table}_%s', to_char(now() AT TIME ZONE 'UTC' + {day} * interval '1 day', 'YYYYMMDD'))"));
        db.run(&format!("DROP TABLE observa_internal.{name}"));
    }
}

#[test]
fn events_of_the_whole_window_are_stored_in_their_utc_day() {
    let mut db = Database::ready();
    // A session's time zone decides nothing.
    db.run("SET timezone = 'Pacific/Auckland'");
    let at = |id: &str, ts: i64| with(llm_call(id), json!({"timestamp": ts}));
    let events = [
        at("old", now_ms() - 29 * DAY_MS),
        at("edge", now_ms() - 30 * DAY_MS + HOUR_MS),
        at("ahead", now_ms() + 23 * HOUR_MS),
        at("now", now_ms()),
    ];
    let answer = db.ingest(&lines(&events));
    assert_eq!(answer["accepted"], 4, "{answer}");
    let misplaced: i64 = db.one(
        "SELECT count(*) FROM observa_internal.events
          WHERE tableoid::regclass::text <> 'observa_internal.events_' || to_char(ts AT TIME ZONE 'UTC', 'YYYYMMDD')",
    );
    assert_eq!(misplaced, 0);
}

#[test]
fn a_missing_partition_in_the_window_is_made_by_ingest() {
    let mut db = Database::ready();
    drop_day(&mut db, -3);
    let event = with(llm_call("e"), json!({"timestamp": now_ms() - 3 * DAY_MS, "latency_ms": 9000}));
    let answer = db.ingest(&event.to_string());
    assert_eq!((&answer["accepted"], &answer["signals"]), (&json!(1), &json!(1)), "{answer}");
    let unprotected = db.count("pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE c.relkind = 'r' AND NOT (relrowsecurity AND relforcerowsecurity)");
    assert_eq!(unprotected, 0);
    assert_eq!(db.ingest(&event.to_string())["duplicates"], 1, "the new partition has the key");
}

#[test]
fn partitions_are_made_by_many_at_once() {
    let mut db = Database::ready();
    for day in -9..=-2 {
        drop_day(&mut db, day);
    }
    std::thread::scope(|scope| {
        for n in 0..6 {
            let mut client = db.connect();
            scope.spawn(move || {
                client.batch_execute("SET statement_timeout = '60s'").unwrap();
                // Each in another order.
                let days = (2..=9).map(|day| if n % 2 == 0 { day } else { 11 - day });
                let body: Vec<_> = days
                    .map(|day| {
                        with(llm_call(&format!("{n}-{day}")), json!({"timestamp": now_ms() - day * DAY_MS}))
                    })
                    .collect();
                assert_eq!(ingest(&mut client, &lines(&body))["accepted"], 8);
            });
        }
    });
    assert_eq!(db.count("observa.events"), 48);
}

#[test]
fn a_partition_is_made_while_another_ingest_is_open() {
    let mut db = Database::ready();
    let mut other = db.connect();
    drop_day(&mut db, -3);
    let mut open = db.client.transaction().unwrap();
    open.query_one("SELECT observa.ingest($1::text)", &[&llm_call("a").to_string()]).unwrap();
    other.batch_execute("SET statement_timeout = '5s'").unwrap();
    let event = with(llm_call("b"), json!({"timestamp": now_ms() - 3 * DAY_MS}));
    assert_eq!(ingest(&mut other, &event.to_string())["accepted"], 1);
    open.commit().unwrap();
    assert_eq!(db.count("observa.events"), 2);
}

#[test]
fn a_wider_window_takes_older_events_at_once() {
    let mut db = Database::ready();
    db.run("SET observa.ingest_window_past = '60 d'");
    let event = with(llm_call("e"), json!({"timestamp": now_ms() - 45 * DAY_MS}));
    assert_eq!(db.ingest(&event.to_string())["accepted"], 1);
}

#[test]
fn a_month_is_filled_in_while_others_ingest() {
    let mut db = Database::ready();
    let mut importer = db.connect();
    importer
        .batch_execute("SET observa.ingest_window_past = '120 d'; SET statement_timeout = '60s'")
        .unwrap();
    let (month, others) = std::thread::scope(|scope| {
        let month = scope.spawn(move || {
            let days = (80..110).map(|day| {
                with(
                    llm_call(&format!("old-{day}")),
                    json!({"timestamp": now_ms() - day * DAY_MS, "latency_ms": 9000}),
                )
            });
            let answer = ingest(&mut importer, &lines(&days.collect::<Vec<_>>()));
            assert_eq!((&answer["accepted"], &answer["signals"]), (&json!(30), &json!(30)), "{answer}");
        });
        // Who waits for the making of thirty days is ended by it.
        db.run("SET statement_timeout = '20s'");
        let mut others = 0;
        while !month.is_finished() {
            assert_eq!(db.ingest(&llm_call(&format!("new-{others}")).to_string())["accepted"], 1);
            others += 1;
        }
        (month.join(), others)
    });
    month.unwrap();
    assert_eq!(db.count("observa.events"), 30 + others);
    let days = "pg_inherits WHERE inhparent = 'observa_internal.events'::regclass
                   AND right(inhrelid::regclass::text, 8) < to_char(now() - interval '79 days', 'YYYYMMDD')";
    assert_eq!(db.count(days), 30);
}

/// A partition of ids that arrived long ago, as a round that never ran has left it.
fn old_keys(db: &mut Database) {
    db.run(
        "CREATE TABLE observa_internal.event_keys_20200101 PARTITION OF observa_internal.event_keys
             FOR VALUES FROM ('2020-01-01') TO ('2020-01-02');
         ALTER TABLE observa_internal.event_keys_20200101 OWNER TO observa_owner",
    );
}

#[test]
fn maintenance_makes_nobody_wait_and_does_later_what_it_could_not_do_now() {
    let mut db = Database::ready();
    old_keys(&mut db);
    drop_day(&mut db, 5);
    let mut other = db.connect();
    let mut third = db.connect();
    for client in [&mut other, &mut third] {
        client.batch_execute("SET statement_timeout = '20s'").unwrap();
    }
    let mut open = db.client.transaction().unwrap();
    open.query_one("SELECT observa.ingest('{\"model\":\"m\",\"event_id\":\"open\"}')", &[]).unwrap();
    let (round, waited) = std::thread::scope(|scope| {
        let round = scope.spawn(|| {
            let round: Value = one(&mut other, "SELECT observa.run_maintenance()");
            round
        });
        let mut longest = std::time::Duration::ZERO;
        while !round.is_finished() {
            let start = std::time::Instant::now();
            assert_eq!(ingest(&mut third, r#"{"model":"m"}"#)["rejected"], 0);
            longest = longest.max(start.elapsed());
        }
        (round.join().unwrap(), longest)
    });
    assert!(waited < std::time::Duration::from_secs(1), "ingest waited {waited:?}");
    assert_eq!(
        (&round["partitions_created"], &round["key_partitions_dropped"]),
        (&json!(4), &json!(0)),
        "{round}"
    );
    assert_eq!(round["postponed"].as_array().unwrap().len(), 1, "{round}");
    open.commit().unwrap();
    let next: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!(
        (&next["partitions_created"], &next["key_partitions_dropped"], &next["postponed"]),
        (&json!(0), &json!(1), &json!([])),
        "the next round does it: {next}"
    );
}

#[test]
fn maintenance_leaves_a_table_that_somebody_holds() {
    let mut db = Database::ready();
    drop_day(&mut db, 4);
    drop_day(&mut db, 5);
    let mut other = db.connect();
    let mut open = other.transaction().unwrap();
    open.batch_execute("LOCK TABLE observa_internal.signals IN SHARE UPDATE EXCLUSIVE MODE").unwrap();
    db.run("SET statement_timeout = '5s'; SET lock_timeout = '7s'");
    let round: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!(
        (&round["partitions_created"], round["postponed"].as_array().unwrap().len()),
        (&json!(0), 2),
        "{round}"
    );
    assert_eq!(db.one::<String>("SHOW lock_timeout"), "7s", "the caller's setting is as it was");
    open.commit().unwrap();
    let next: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!((&next["partitions_created"], &next["postponed"]), (&json!(8), &json!([])), "{next}");
}
