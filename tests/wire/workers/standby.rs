//! A standby runs no worker until it is promoted.

use std::time::Duration;

use observa_tests::database::{one, one_with};
use observa_tests::{Cluster, Database};

use super::{JOBS, UNDONE, eventually, launcher, server, wait_for_worker};

#[test]
fn a_standby_runs_no_worker_until_it_is_promoted() {
    let mut db = Database::ready_in(server("workers-primary", "wal_level = replica\nmax_wal_senders = 4\n"));
    wait_for_worker(&mut db.connect(), &db.name);
    eventually("all jobs run once", || db.count(UNDONE) == 0);
    let standby = Cluster::standby_of(&db.cluster, "workers-standby");
    let mut client = standby.connect(&db.name);
    assert!(one::<bool>(&mut client, "SELECT pg_is_in_recovery()"));
    std::thread::sleep(Duration::from_secs(3));
    let observa = "SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'observa%'";
    assert_eq!(one::<i64>(&mut client, observa), 0);
    // What it shows is the primary's; and a program that asks for work is told that there is none.
    assert_eq!(
        one::<i64>(&mut client, "SELECT count(*) FROM observa.workers WHERE runs > 0 AND worker_pid IS NULL"),
        JOBS
    );
    assert_eq!(one::<Option<String>>(&mut client, "SELECT observa_internal.run_due_job()"), None);

    client.batch_execute("SELECT pg_promote()").unwrap();
    eventually("a launcher", || launcher(&mut client).is_some());
    let pid = wait_for_worker(&mut client, &db.name);
    client.batch_execute("UPDATE observa_internal.jobs SET next_run = '-infinity'").unwrap();
    eventually("the new primary's jobs run", || {
        one_with::<i64>(&mut client, "SELECT count(*) FROM observa.workers WHERE pid = $1", &[&pid]) == JOBS
    });
}
