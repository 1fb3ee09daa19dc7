//! Statements that need a database for themselves.

use std::time::{Duration, Instant};

use observa_tests::Cluster;
use observa_tests::database::{error, one, tell};
use observa_tests::programs::make_folder;
use postgres::Client;

use super::{eventually, server, wait_for_worker, worker};

/// PostgreSQL itself waits for five seconds before it gives up.
const AT_ONCE: Duration = Duration::from_secs(4);

#[track_caller]
fn at_once(client: &mut Client, sql: &str) {
    let begun = Instant::now();
    if let Err(error) = client.batch_execute(sql) {
        panic!("{sql}: {}", tell(&error));
    }
    assert!(begun.elapsed() < AT_ONCE, "{sql} took {:?}", begun.elapsed());
}

fn make(cluster: &Cluster, postgres: &mut Client, name: &str) -> i32 {
    postgres.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
    cluster.connect(name).batch_execute("CREATE EXTENSION observa; SELECT observa.setup()").unwrap();
    wait_for_worker(postgres, name)
}

#[test]
fn a_worker_is_in_the_way_of_no_statement_about_its_database() {
    let cluster = server("workers-ddl", "");
    let mut postgres = cluster.connect("postgres");
    make(&cluster, &mut postgres, "first");
    at_once(&mut postgres, "CREATE DATABASE copy TEMPLATE first STRATEGY file_copy");
    for name in ["first", "copy"] {
        wait_for_worker(&mut postgres, name);
    }
    at_once(&mut postgres, "ALTER DATABASE copy RENAME TO renamed");
    wait_for_worker(&mut postgres, "renamed");

    let data: String = one(&mut postgres, "SHOW data_directory");
    let folder = std::path::Path::new(&data).with_file_name("tablespace");
    make_folder(&folder);
    postgres.batch_execute(&format!("CREATE TABLESPACE other LOCATION '{}'", folder.display())).unwrap();
    at_once(&mut postgres, "ALTER DATABASE renamed SET TABLESPACE other");
    let moved = wait_for_worker(&mut postgres, "renamed");

    // What concerns no worker leaves it alone.
    at_once(&mut postgres, "ALTER DATABASE renamed SET work_mem = '8MB'");
    at_once(&mut postgres, "ALTER DATABASE renamed CONNECTION LIMIT 50");
    at_once(&mut postgres, "CREATE DATABASE unrelated");
    assert_eq!(worker(&mut postgres, "renamed"), Some(moved));

    // A template is anybody's to copy.
    postgres.batch_execute("ALTER DATABASE renamed IS_TEMPLATE true").unwrap();
    eventually("a template has no worker", || worker(&mut postgres, "renamed").is_none());
    at_once(&mut postgres, "CREATE DATABASE copy TEMPLATE renamed STRATEGY file_copy");
    postgres.batch_execute("ALTER DATABASE renamed IS_TEMPLATE false").unwrap();
    for name in ["copy", "renamed"] {
        wait_for_worker(&mut postgres, name);
    }

    at_once(&mut postgres, "DROP DATABASE renamed");
    at_once(&mut postgres, "DROP DATABASE first WITH (FORCE)");
    at_once(&mut postgres, "DROP DATABASE IF EXISTS first");
    std::thread::sleep(Duration::from_secs(1));
    assert!(!cluster.log().contains("PANIC") && !cluster.log().contains("was terminated by signal"));
    // The launcher looks for none of them any more.
    let failed = cluster.log().matches("does not exist").count();
    assert!(failed <= 1, "{}", cluster.log());
}

#[test]
fn after_a_statement_that_fails_the_worker_comes_back() {
    let cluster = server("workers-ddl-fails", "");
    let mut postgres = cluster.connect("postgres");
    make(&cluster, &mut postgres, "kept");
    let guest = cluster.connect("kept");
    for sql in [
        "DROP DATABASE kept",
        "ALTER DATABASE kept RENAME TO other",
        "CREATE DATABASE copy TEMPLATE kept",
        "BEGIN; DROP DATABASE kept",
    ] {
        let before = wait_for_worker(&mut postgres, "kept");
        let refused = error(&mut postgres, sql);
        assert!(["55006", "25001"].contains(&refused.code().code()), "{sql}: {refused}");
        // As PostgreSQL says it, whatever hook it went through.
        if refused.code().code() == "55006" {
            assert!(refused.detail().is_some_and(|detail| detail.contains("1 other session")), "{refused:?}");
        }
        let _ = postgres.batch_execute("ROLLBACK");
        let begun = Instant::now();
        eventually(sql, || worker(&mut postgres, "kept").is_some_and(|pid| pid != before));
        assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    }
    drop(guest);
    // A rename that is rolled back.
    postgres.batch_execute("BEGIN; ALTER DATABASE kept RENAME TO other; ROLLBACK").unwrap();
    wait_for_worker(&mut postgres, "kept");
}

#[test]
fn who_does_not_own_a_database_can_t_stop_its_worker() {
    let cluster = server("workers-ddl-other", "");
    let mut postgres = cluster.connect("postgres");
    let before = make(&cluster, &mut postgres, "kept");
    postgres.batch_execute("CREATE ROLE other LOGIN CREATEDB; CREATE ROLE owner LOGIN CREATEDB").unwrap();
    let connect = |user: &str| {
        let mut config = cluster.config("postgres");
        config.user(user);
        config.connect(postgres::NoTls).unwrap()
    };
    let mut other = connect("other");
    for sql in [
        "DROP DATABASE kept",
        "DROP DATABASE kept WITH (FORCE)",
        "ALTER DATABASE kept RENAME TO mine",
        "ALTER DATABASE kept SET TABLESPACE pg_default",
        "CREATE DATABASE mine TEMPLATE kept",
    ] {
        assert_eq!(error(&mut other, sql).code().code(), "42501", "{sql}");
    }
    assert_eq!(worker(&mut postgres, "kept"), Some(before));
    // Its owner can, who is no superuser.
    postgres.batch_execute("ALTER DATABASE kept OWNER TO owner").unwrap();
    at_once(&mut connect("owner"), "DROP DATABASE kept WITH (FORCE)");
}

#[test]
fn errors_of_other_statements_say_all_that_they_say_without_the_hook() {
    let cluster = server("workers-ddl-errors", "");
    let mut client = cluster.connect("postgres");
    client.batch_execute("CREATE TABLE t (n int); INSERT INTO t VALUES (1)").unwrap();
    let refused = error(&mut client, "ALTER TABLE t ADD CONSTRAINT small CHECK (n < 0)");
    assert_eq!(refused.code().code(), "23514");
    assert_eq!((refused.table(), refused.constraint()), (Some("t"), Some("small")));
    let refused = error(&mut client, "CREATE TABLE u (n nonsense)");
    assert!(refused.position().is_some(), "{refused:?}");
}
