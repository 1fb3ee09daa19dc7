//! Whatever is killed under load, and however often: nothing that was acknowledged is lost, and nothing counted twice.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use observa_tests::database::one;
use observa_tests::{Cluster, Database};
use postgres::{Client, Config, NoTls};

use crate::{activities, rollups};

/// How many kills; `OBSERVA_KILLS` asks for more.
const KILLS: u32 = 4;

/// Events of a body.
const BATCH: i64 = 60;

/// Once the server takes connections again.
fn connect(config: &Config) -> Client {
    loop {
        if let Ok(client) = config.connect(NoTls) {
            return client;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn kills_of_worker_and_server_under_load_lose_nothing_and_count_nothing_twice() {
    let kills = std::env::var("OBSERVA_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(KILLS);
    let settings = "shared_preload_libraries = 'observa'\nobserva.databases = ''\nobserva.rollup_interval = '100ms'\nfull_page_writes = on\nsynchronous_commit = on\nmax_worker_processes = 16\n";
    let mut db = Database::ready_in(Cluster::own("kills", settings));
    let config = db.cluster.config(&db.name);
    let (ends, bodies) = (AtomicBool::new(false), AtomicI64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let (config, ends, bodies) = (&config, &ends, &bodies);
            scope.spawn(move || {
                let mut client = connect(config);
                while !ends.load(Ordering::Relaxed) {
                    let number = bodies.fetch_add(1, Ordering::Relaxed);
                    let body = activities::calls(number * BATCH..(number + 1) * BATCH);
                    // Who is not answered sends again, until it is.
                    while client.query("SELECT observa.ingest($1::text)", &[&body]).is_err() {
                        client = connect(config);
                    }
                }
            });
        }
        for kill in 0..kills {
            std::thread::sleep(Duration::from_millis(700));
            let mut client = connect(&config);
            if kill % 2 == 0 {
                let worker = "SELECT pid FROM observa_internal.maintenance_worker() UNION ALL SELECT pid FROM pg_stat_activity WHERE backend_type LIKE 'observa%' LIMIT 1";
                if let Ok(Some(row)) = client.query_opt(worker, &[]) {
                    db.cluster.kill_backend(row.get(0));
                }
            } else {
                drop(client);
                db.cluster.kill();
                db.cluster.start_again();
            }
        }
        std::thread::sleep(Duration::from_millis(300));
        ends.store(true, Ordering::Relaxed);
    });
    db.client = connect(&config);
    let sent = bodies.into_inner() * BATCH;
    assert_eq!(db.count("observa.events"), sent);
    activities::assert_right(&mut db.client, activities::TIMES);
    rollups::assert_right(&mut db.client);
    while db.count("observa_internal.rollup_deltas") > 0 {
        one::<Option<String>>(&mut db.client, "SELECT observa_internal.run_due_job()");
    }
    activities::assert_right(&mut db.client, activities::TIMES);
    rollups::assert_right(&mut db.client);
}
