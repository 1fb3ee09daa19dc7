//! observa-worker, the program, does the same jobs over a connection.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use observa_tests::Database;
use observa_tests::encrypted::Encrypted;

use super::{JOBS, UNDONE, eventually, server, wait_for_worker};

/// The program, built as the tests are.
fn program() -> PathBuf {
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "-p", "observa-workers"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status();
    assert!(built.is_ok_and(|status| status.success()), "observa-worker is built");
    let test = std::env::current_exe().unwrap();
    // target/debug/deps/wire-...
    test.parent().and_then(|deps| deps.parent()).expect("the target folder").join("observa-worker")
}

pub struct Worker(Child);

impl Worker {
    pub fn start(db: &Database) -> Worker {
        let config = db.cluster.config(&db.name);
        let host = match &config.get_hosts()[0] {
            postgres::config::Host::Unix(path) => path.display().to_string(),
            postgres::config::Host::Tcp(name) => name.clone(),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let url = format!("host='{host}' port={port} user=postgres dbname={}", db.name);
        let child = Command::new(program())
            .env("OBSERVA_DATABASE_URL", url)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn();
        Worker(child.expect("observa-worker starts"))
    }

    /// As the kernel does it when memory is short.
    pub fn kill(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("it ends");
    }

    fn terminate(&self) {
        let told = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        assert!(told.is_ok_and(|status| status.success()));
    }

    /// Waits for its end; whether it went well.
    fn ends_within(&mut self, time: Duration) -> bool {
        let until = Instant::now() + time;
        loop {
            if let Some(status) = self.0.try_wait().unwrap() {
                return status.success();
            }
            assert!(Instant::now() < until, "observa-worker has not ended within {time:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_program_does_the_jobs_and_drains_at_sigterm() {
    let mut db = Database::ready();
    let mut worker = Worker::start(&db);
    eventually("all jobs run once", || db.count(UNDONE) == 0);
    assert_eq!(db.one::<String>("SELECT DISTINCT done_by FROM observa.workers"), "observa-worker");
    let mut other = db.connect();
    other.batch_execute("BEGIN; LOCK TABLE observa_internal.usage_deltas").unwrap();
    db.run("UPDATE observa_internal.jobs SET next_run = '-infinity', runs = 0 WHERE job = 'usage'");
    let waits = "pg_stat_activity WHERE datname = current_database() AND application_name = 'observa-worker' AND wait_event_type = 'Lock'";
    eventually("the job waits", || db.count(waits) == 1);
    worker.terminate();
    std::thread::sleep(Duration::from_millis(300));
    other.batch_execute("COMMIT").unwrap();
    assert!(worker.ends_within(Duration::from_secs(3)));
    assert_eq!(
        db.one::<i64>("SELECT runs FROM observa.workers WHERE job = 'usage'"),
        1,
        "the job was ended well"
    );
}

#[test]
fn the_program_encrypts_and_believes_no_certificate_that_nobody_vouches_for() {
    let db = Database::ready();
    let encrypted = Encrypted::before(&db);
    let url = |host: &str| {
        format!(
            "host={host} hostaddr=127.0.0.1 port={} user=postgres sslmode=require dbname={}",
            encrypted.address.port(),
            db.name
        )
    };
    let run = |host: &str, authority: Option<&std::path::Path>| {
        let mut command = Command::new(program());
        command.arg("--once").env("OBSERVA_DATABASE_URL", url(host));
        if let Some(file) = authority {
            command.arg("--ca").arg(file);
        }
        let output = command.output().expect("it runs");
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (went_well, said) = run("localhost", Some(&encrypted.authority));
    assert!(went_well && encrypted.sessions() == 1, "{said}");
    // Nobody that browsers trust has signed it; and another host's is none.
    for (host, authority) in [("localhost", None), ("elsewhere.example", Some(encrypted.authority.as_path()))]
    {
        let (went_well, said) = run(host, authority);
        assert!(!went_well && said.contains("can't connect"), "{said}");
    }
    assert_eq!(encrypted.sessions(), 1);
}

#[test]
fn the_program_tells_of_a_job_that_fails_and_goes_on() {
    let mut db = Database::ready();
    db.run("ALTER TABLE observa_internal.audit_log RENAME COLUMN tenant_id TO elsewhere");
    let _worker = Worker::start(&db);
    eventually("the failure is told", || {
        db.one::<Option<String>>("SELECT last_error FROM observa.workers WHERE job = 'audit'")
            .is_some_and(|error| error.starts_with("42703: "))
    });
    eventually("the others have run", || db.count("observa.workers WHERE runs > 0") == JOBS - 1);
    db.run("ALTER TABLE observa_internal.audit_log RENAME COLUMN elsewhere TO tenant_id");
}

#[test]
fn beside_the_server_s_own_worker_the_program_does_nothing_twice() {
    let mut db = Database::ready_in(server("workers-beside", ""));
    wait_for_worker(&mut db.connect(), &db.name);
    let _worker = Worker::start(&db);
    let connected =
        "pg_stat_activity WHERE datname = current_database() AND application_name = 'observa-worker'";
    eventually("the program is connected, for jobs and for the network", || db.count(connected) == 2);
    db.run("CREATE TABLE seen (by text)");
    let rounds = 12;
    eventually("all jobs run once", || db.count(UNDONE) == 0);
    db.run("UPDATE observa_internal.jobs SET runs = 0, failures = 0");
    for _ in 0..rounds {
        db.run("UPDATE observa_internal.jobs SET next_run = '-infinity'");
        eventually("all have run", || db.count("observa.workers WHERE next_run = '-infinity'") == 0);
        db.run("INSERT INTO seen SELECT done_by FROM observa.workers");
    }
    assert_eq!(db.count("observa.workers WHERE failures > 0"), 0);
    let runs: Vec<i64> =
        db.one("SELECT array_agg(DISTINCT runs) FROM observa.workers WHERE job <> 'key_uses'");
    assert_eq!(runs, [rounds]);
    assert_eq!(db.one::<i64>("SELECT count(DISTINCT by) FROM seen"), 2, "both took part");
}
