//! Workers come and go with the extension, stand in nobody's way, and do each job once.

mod deliveries;
mod jobs;
pub mod outside;
mod standby;
mod statements;

use std::time::{Duration, Instant};

use observa_tests::database::{one, one_with};
use observa_tests::programs::{program, run};
use observa_tests::{Cluster, Database};
use postgres::Client;

/// How many jobs there are.
const JOBS: i64 = 28;

/// A server whose workers keep every database, unless the settings say otherwise.
fn server(name: &str, settings: &str) -> Cluster {
    let settings = format!(
        "shared_preload_libraries = 'observa'\nobserva.databases = ''\nmax_worker_processes = 16\n{settings}\n"
    );
    Cluster::own(name, &settings)
}

#[track_caller]
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < patience, "{what}: not within 20 s");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The process of a database's worker.
fn worker(client: &mut Client, database: &str) -> Option<i32> {
    let sql =
        "SELECT max(pid) FROM pg_stat_activity WHERE backend_type = 'observa maintenance' AND datname = $1";
    one_with(client, sql, &[&database])
}

#[track_caller]
pub fn wait_for_worker(client: &mut Client, database: &str) -> i32 {
    let mut pid = None;
    eventually(&format!("a worker in {database}"), || {
        pid = worker(client, database);
        pid.is_some()
    });
    pid.unwrap()
}

fn launcher(client: &mut Client) -> Option<i32> {
    one(client, "SELECT max(pid) FROM pg_stat_activity WHERE backend_type = 'observa launcher'")
}

const UNDONE: &str = "observa.workers WHERE last_finished IS NULL";

#[test]
fn every_database_with_the_extension_has_a_worker_while_it_has_the_extension() {
    let cluster = server("workers", "");
    let mut postgres = cluster.connect("postgres");
    eventually("the launcher", || launcher(&mut postgres).is_some());
    for name in ["one", "two", "without"] {
        postgres.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    }
    // It has been looked into, and is not looked into again for a minute.
    std::thread::sleep(Duration::from_secs(2));
    let begun = Instant::now();
    for name in ["one", "two"] {
        cluster.connect(name).batch_execute("CREATE EXTENSION observa").unwrap();
    }
    for name in ["one", "two"] {
        let pid = wait_for_worker(&mut postgres, name);
        assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
        let mut client = cluster.connect(name);
        // It makes no storage, and waits for some.
        std::thread::sleep(Duration::from_secs(1));
        assert_eq!(
            one::<Option<String>>(&mut client, "SELECT to_regclass('observa_internal.events')::text"),
            None
        );
        client.batch_execute("SELECT observa.setup()").unwrap();
        eventually("all jobs run once", || {
            one::<i64>(&mut client, &format!("SELECT count(*) FROM {UNDONE}")) == 0
        });
        assert_eq!(one::<i32>(&mut client, "SELECT DISTINCT worker_pid FROM observa.workers"), pid);
        assert_eq!(
            one::<i64>(
                &mut client,
                "SELECT count(*) FROM observa.workers WHERE failures > 0 OR last_error IS NOT NULL"
            ),
            0
        );
        assert_eq!(
            one::<String>(&mut client, "SELECT DISTINCT done_by FROM observa.workers"),
            "observa maintenance"
        );
        let shown: String = one_with(
            &mut client,
            "SELECT application_name || '|' || query || '|' || state FROM pg_stat_activity WHERE pid = $1",
            &[&pid],
        );
        assert_eq!(shown, "observa maintenance|observa maintenance: waiting|idle");
    }
    assert_eq!(worker(&mut postgres, "without"), None);
    assert_eq!(worker(&mut postgres, "postgres"), None);

    let mut client = cluster.connect("one");
    client.batch_execute("DROP EXTENSION observa CASCADE").unwrap();
    eventually("no worker without the extension", || worker(&mut postgres, "one").is_none());
    assert!(worker(&mut postgres, "two").is_some());
    client.batch_execute("CREATE EXTENSION observa; SELECT observa.setup()").unwrap();
    wait_for_worker(&mut postgres, "one");
    // Made anew while its worker is about to end.
    for statement in ["DROP EXTENSION observa CASCADE", "CREATE EXTENSION observa"] {
        client.batch_execute(statement).unwrap();
    }
    std::thread::sleep(Duration::from_secs(2));
    wait_for_worker(&mut postgres, "one");
    client
        .batch_execute(
            "SELECT observa.setup(); UPDATE observa_internal.jobs SET runs = 0, next_run = '-infinity'",
        )
        .unwrap();
    eventually("the jobs run", || {
        one::<i64>(&mut client, "SELECT count(*) FROM observa.workers WHERE runs > 0") == JOBS
    });
}

#[test]
fn workers_that_end_come_back() {
    let mut db = Database::ready_in(server("workers-crash", ""));
    let mut postgres = db.cluster.connect("postgres");
    let first = wait_for_worker(&mut postgres, &db.name);
    db.run(&format!("SELECT pg_terminate_backend({first})"));
    eventually("another worker", || worker(&mut postgres, &db.name).is_some_and(|pid| pid != first));

    let killed = launcher(&mut postgres).unwrap();
    db.run(&format!("SELECT pg_terminate_backend({killed})"));
    eventually("another launcher", || launcher(&mut postgres).is_some_and(|pid| pid != killed));

    let second = worker(&mut postgres, &db.name).unwrap();
    db.cluster.kill_backend(second);
    let crashed = Instant::now();
    std::thread::sleep(Duration::from_millis(500));
    let mut postgres = db.cluster.connect("postgres");
    let third = wait_for_worker(&mut postgres, &db.name);
    assert_ne!(third, second);
    // Should it have been a worker's doing, it must not be so every second.
    assert!(crashed.elapsed() > Duration::from_secs(4), "{:?}", crashed.elapsed());
    db.client = db.connect();
    assert_eq!(db.ingest(r#"{"model":"m"}"#)["accepted"], 1);
}

#[test]
fn a_worker_ends_within_a_second_also_while_it_waits_for_a_lock() {
    let mut db = Database::ready_in(server("workers-term", ""));
    let pid = wait_for_worker(&mut db.connect(), &db.name);
    eventually("all jobs run once", || db.count(UNDONE) == 0);
    let mut other = db.connect();
    other.batch_execute("BEGIN; LOCK TABLE observa_internal.usage_deltas").unwrap();
    db.run("UPDATE observa_internal.jobs SET next_run = '-infinity' WHERE job = 'usage'");
    let running = format!(
        "pg_stat_activity WHERE pid = {pid} AND wait_event_type = 'Lock' AND query = 'observa maintenance: usage' AND state = 'active'"
    );
    eventually("the job waits", || db.count(&running) == 1);
    assert_eq!(db.one::<String>("SELECT state FROM observa.workers WHERE job = 'usage'"), "running");
    db.run(&format!("SELECT pg_terminate_backend({pid})"));
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(db.count(&format!("pg_stat_activity WHERE pid = {pid}")), 0);
}

#[test]
fn a_reload_changes_which_databases_are_kept() {
    let cluster = server("workers-reload", "");
    let mut postgres = cluster.connect("postgres");
    for name in ["one", "two"] {
        postgres.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        cluster.connect(name).batch_execute("CREATE EXTENSION observa").unwrap();
        wait_for_worker(&mut postgres, name);
    }
    let mut reload = |value: &str| {
        postgres.batch_execute(&format!("ALTER SYSTEM SET observa.databases = '{value}'")).unwrap();
        postgres.batch_execute("SELECT pg_reload_conf()").unwrap();
    };
    let mut watch = cluster.connect("postgres");
    reload("other, two");
    eventually("one is left", || worker(&mut watch, "one").is_none());
    assert!(worker(&mut watch, "two").is_some());
    reload("one");
    eventually("two is left", || worker(&mut watch, "two").is_none());
    wait_for_worker(&mut watch, "one");
    reload("");
    wait_for_worker(&mut watch, "two");
}

#[test]
fn many_databases_without_the_extension_take_no_worker_from_the_one_that_has_it() {
    let cluster = server("workers-many", "max_worker_processes = 5\n");
    let mut postgres = cluster.connect("postgres");
    for n in 0..30 {
        postgres.batch_execute(&format!("CREATE DATABASE d{n} STRATEGY file_copy")).unwrap();
    }
    cluster.kill();
    cluster.start_again();
    let mut postgres = cluster.connect("postgres");
    // The launcher looks into all of them now.
    cluster.connect("d29").batch_execute("CREATE EXTENSION observa; SELECT observa.setup()").unwrap();
    wait_for_worker(&mut postgres, "d29");
    assert!(!cluster.log().contains("no worker process is free"), "{}", cluster.log());
}

#[test]
fn a_restore_meets_no_worker_before_it_is_complete() {
    let mut db = Database::ready_in(server("workers-dump", ""));
    db.ingest(r#"{"model":"m"}"#);
    wait_for_worker(&mut db.connect(), &db.name);
    eventually("all jobs run once", || db.count(UNDONE) == 0);
    let before: Vec<String> = db.one("SELECT array_agg(job ORDER BY job) FROM observa_internal.jobs");
    let file = std::env::temp_dir().join(format!("observa-workers-{}.dump", std::process::id()));
    let script = run(program("pg_dump").args(db.cluster.arguments()).args(["-Fp", &db.name])).stdout;
    // What a slow restore is like: a worker has all the time to look in between.
    let script = String::from_utf8(script).unwrap();
    let (first, rest) = script.split_at(script.find("COPY observa_internal.jobs").expect("the jobs' rows"));
    std::fs::write(&file, format!("{first}\nSELECT pg_sleep(3);\n{rest}")).unwrap();
    db.run("CREATE DATABASE restored");
    let restored = program("psql")
        .args(db.cluster.arguments())
        .args(["-X", "-v", "ON_ERROR_STOP=1", "-d", "restored"])
        .stdin(std::fs::File::open(&file).unwrap())
        .output();
    let _ = std::fs::remove_file(&file);
    let restored = restored.unwrap();
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    let mut client = db.cluster.connect("restored");
    let after: Vec<String> =
        one(&mut client, "SELECT array_agg(job ORDER BY job) FROM observa_internal.jobs");
    assert_eq!(before, after);
    client.batch_execute("UPDATE observa_internal.jobs SET next_run = '-infinity', runs = 0").unwrap();
    eventually("the jobs run there, too", || {
        one::<i64>(&mut client, "SELECT count(*) FROM observa.workers WHERE runs = 0 OR failures > 0") == 0
    });
}

#[test]
fn where_no_worker_process_is_free_the_server_says_so_and_goes_on() {
    // One is the launcher's, one that of logical replication.
    let settings = "max_worker_processes = 2\n";
    let mut db = Database::ready_in(server("workers-full", settings));
    eventually("the warning", || db.cluster.log().contains("no worker process is free"));
    assert!(launcher(&mut db.client).is_some());
    assert_eq!(
        db.one::<serde_json::Value>("SELECT observa.run_maintenance()")["failed"],
        serde_json::json!([])
    );
    let warnings = db.cluster.log().matches("no worker process is free").count();
    assert!(warnings <= 2, "{warnings}");
}

#[test]
fn a_databases_limits_of_time_end_no_worker() {
    let cluster = server("workers-limits", "");
    let mut postgres = cluster.connect("postgres");
    postgres.batch_execute("CREATE DATABASE limited").unwrap();
    let mut client = cluster.connect("limited");
    client.batch_execute("CREATE EXTENSION observa; SELECT observa.setup()").unwrap();
    let before = wait_for_worker(&mut postgres, "limited");
    // transaction_timeout is there since PostgreSQL 17.
    for limit in ["statement_timeout", "transaction_timeout"] {
        if one_with(&mut postgres, "SELECT count(*) > 0 FROM pg_settings WHERE name = $1", &[&limit]) {
            postgres.batch_execute(&format!("ALTER DATABASE limited SET {limit} = '1ms'")).unwrap();
        }
    }
    // Its settings are those that were there when it began.
    client.batch_execute(&format!("SELECT pg_terminate_backend({before})")).unwrap();
    let mut after = before;
    eventually("another worker", || {
        after = wait_for_worker(&mut postgres, "limited");
        after != before
    });
    let done = format!("SELECT count(*) FROM observa.workers WHERE worker_pid = {after}");
    eventually("it does what is due", || one::<i64>(&mut client, &done) > 5);
    assert_eq!(one::<i64>(&mut client, "SELECT count(*) FROM observa.workers WHERE failures > 0"), 0);
    assert_eq!(worker(&mut postgres, "limited"), Some(after));
}
