//! What was acknowledged survives, exactly once, whatever is killed.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use observa_tests::event::{lines, now_ms};
use observa_tests::{Cluster, Database};
use serde_json::{Value, json};

/// A batch of its writer's, some events with a time and some without.
fn batch(writer: usize, number: usize, base: i64) -> Vec<Value> {
    (0..20)
        .map(|n| match n % 4 {
            0 => {
                json!({"event_id": format!("{writer}-{number}-{n}"), "model": "m", "input": "x".repeat(500)})
            }
            _ => json!({"event_id": format!("{writer}-{number}-{n}"), "model": "m", "input": "x".repeat(500),
                        "timestamp": base + n, "latency_ms": 6000}),
        })
        .collect()
}

/// Writers send until the server is gone; then everything is sent again.
fn survives(name: &str, kill: impl FnOnce(&Database)) {
    // Here a kill must lose nothing: the WAL is written as in production, though a test needs no fsync for a kill.
    let cluster = Cluster::own(name, "full_page_writes = on\nsynchronous_commit = on\n");
    let mut db = Database::ready_in(cluster);
    let base = now_ms() - 60_000;
    let acknowledged: Mutex<Vec<(usize, usize)>> = Mutex::default();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let mut client = db.connect();
            let acknowledged = &acknowledged;
            scope.spawn(move || {
                let end = Instant::now() + Duration::from_secs(30);
                for number in 0.. {
                    let body = lines(&batch(writer, number, base));
                    if Instant::now() > end
                        || client.query("SELECT observa.ingest($1::text)", &[&body]).is_err()
                    {
                        break;
                    }
                    acknowledged.lock().unwrap().push((writer, number));
                }
            });
        }
        std::thread::sleep(Duration::from_millis(1500));
        kill(&db);
    });
    db.client = db.connect();
    let acknowledged = acknowledged.into_inner().unwrap();
    assert!(acknowledged.len() > 8, "{}", acknowledged.len());
    for (writer, number) in &acknowledged {
        let there = db.count(&format!("observa_internal.events WHERE event_id LIKE '{writer}-{number}-%'"));
        assert_eq!(there, 20, "acknowledged batch {writer}-{number}");
    }
    // The clients can't know what became of the last ones: they send all again, and one more.
    for writer in 0..4 {
        let last =
            acknowledged.iter().filter(|(of, _)| *of == writer).map(|(_, number)| *number).max().unwrap_or(0);
        for number in 0..=last + 1 {
            let answer = db.ingest(&lines(&batch(writer, number, base)));
            let (accepted, duplicates) =
                (answer["accepted"].as_i64().unwrap(), answer["duplicates"].as_i64().unwrap());
            assert_eq!(accepted + duplicates, 20, "{answer}");
            assert!(duplicates == 20 || number == last + 1, "{writer}-{number}: {answer}");
        }
        assert_eq!(
            db.count(&format!("observa_internal.events WHERE event_id LIKE '{writer}-%'")),
            20 * (last as i64 + 2)
        );
    }
    assert_eq!(db.count("observa_internal.events"), db.count("observa_internal.event_payloads"));
    assert_eq!(db.count("observa.alerts"), 1);
}

#[test]
fn killing_the_whole_server_loses_nothing_acknowledged() {
    survives("kill", |db| {
        db.cluster.kill();
        db.cluster.start_again();
    });
}

#[test]
fn killing_one_backend_loses_nothing_acknowledged() {
    survives("backend", |db| {
        let pid: i32 = observa_tests::database::one(
            &mut db.connect(),
            "SELECT pid FROM pg_stat_activity WHERE query LIKE '%observa.ingest($1%' AND pid <> pg_backend_pid() LIMIT 1",
        );
        db.cluster.kill_backend(pid);
        // The postmaster restarts all of them.
        std::thread::sleep(Duration::from_millis(500));
    });
}
