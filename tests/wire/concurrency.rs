//! Many connections, the same events: no deadlock, and each event once.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use observa_tests::Database;
use observa_tests::database::ingest;
use observa_tests::event::{lines, now_ms};
use serde_json::{Value, json};

#[test]
fn eight_connections_with_overlapping_batches_store_each_event_once() {
    let mut db = Database::ready();
    let base = now_ms() - 3_600_000;
    let accepted = AtomicI64::new(0);
    let sent = AtomicI64::new(0);
    let duplicates = AtomicI64::new(0);
    let end = Instant::now() + Duration::from_secs(4);
    std::thread::scope(|scope| {
        for n in 0..8i64 {
            let mut client = db.connect();
            let (accepted, sent, duplicates) = (&accepted, &sent, &duplicates);
            scope.spawn(move || {
                client.batch_execute("SET deadlock_timeout = '100ms'").unwrap();
                let mut round = 0;
                while Instant::now() < end {
                    // Half of each batch is another connection's, half in the opposite order, some without a time.
                    let mut events: Vec<Value> = (0..60)
                        .map(|k| {
                            let id = round * 30 + k;
                            match id % 3 {
                                0 => json!({"event_id": format!("u{id}"), "model": "m"}),
                                _ => json!({"event_id": format!("e{id}"), "model": "m", "timestamp": base + id, "latency_ms": 6000,
                                            "route": format!("/r{}", id % 7)}),
                            }
                        })
                        .collect();
                    if n % 2 == 1 {
                        events.reverse();
                    }
                    let answer = ingest(&mut client, &lines(&events));
                    assert_eq!(answer["rejected"], 0, "{answer}");
                    accepted.fetch_add(answer["accepted"].as_i64().unwrap(), Ordering::Relaxed);
                    duplicates.fetch_add(answer["duplicates"].as_i64().unwrap(), Ordering::Relaxed);
                    sent.fetch_add(60, Ordering::Relaxed);
                    round += 1;
                }
            });
        }
    });
    let stored = db.count("observa_internal.events");
    assert!(stored > 0);
    assert_eq!(db.one::<i64>("SELECT count(DISTINCT event_id) FROM observa_internal.events"), stored);
    assert_eq!(accepted.into_inner(), stored, "each event was accepted by one alone");
    assert_eq!(sent.into_inner(), stored + duplicates.into_inner());
    assert_eq!(
        db.count("observa_internal.signals"),
        db.count("observa_internal.events WHERE latency_ms = 6000")
    );
    assert_eq!(db.count("observa.alerts"), 7);
}
