//! What it costs to be somebody: an API key's transaction against a superuser's, and many tenants at once.

use std::time::Duration;

use anyhow::{Result, ensure};
use observa_tests::load::Load;
use postgres::{Client, Config, NoTls};

use crate::ingest;
use crate::measure::{Table, in_turn, quantile, time};

/// Events of a batch.
const BATCH: usize = 100;

/// How often a call is timed.
const CALLS: usize = 5_000;

pub fn run(connect: &str, lines: &[String], rounds: usize, seconds: u64, table: &mut Table) -> Result<()> {
    let mut config: Config = connect.parse()?;
    let mut root = config.connect(NoTls)?;
    root.batch_execute(
        "DO $$BEGIN IF to_regrole('observa_bench') IS NULL THEN
             CREATE ROLE observa_bench LOGIN; GRANT observa_ingest, observa_read TO observa_bench; END IF; END$$",
    )?;
    let make = "SELECT observa.create_api_key(p.id, 'sk', '{ingest,query}') FROM observa.projects p LIMIT 1";
    let key: String = root.query_one(make, &[])?.get(0);
    let mut app = config.user("observa_bench").connect(NoTls)?;
    calls(&mut app, &key, table)?;
    with_key(&mut root, &mut app, &key, lines, rounds, table)?;
    drop(app);
    ingest::empty(&mut root)?;
    drop_tenants(&mut root)?;
    let load = Load { clients: 64, tenants: 16, duration: Duration::from_secs(seconds) };
    let outcome = load.run(&connect.parse()?, "observa_bench");
    let problems =
        (outcome.wrong_rows, outcome.deadlocks, outcome.errors.len(), outcome.waits_for_others.len());
    ensure!(problems == (0, 0, 0, 0), "{outcome:?}");
    let what = format!("64 clients of 16 tenants, {seconds} s");
    table.tell(&format!("{what}, transactions"), "/s", outcome.transactions as f64 / seconds as f64);
    table.tell(&format!("{what}, samples of who waits"), "", outcome.samples as f64);
    table.tell(
        &format!("{what}, waits for another tenant's lock"),
        "",
        outcome.waits_for_others.len() as f64,
    );
    drop_tenants(&mut root)
}

fn drop_tenants(root: &mut Client) -> Result<()> {
    Ok(root.batch_execute("DELETE FROM observa_internal.tenants WHERE name LIKE 'load %'")?)
}

/// Calls in a warm session, the way over the socket and back included.
fn calls(app: &mut Client, key: &str, table: &mut Table) -> Result<()> {
    let (authenticate, nothing) =
        (app.prepare("SELECT observa.authenticate($1)")?, app.prepare("SELECT $1::text")?);
    let set =
        "SELECT set_config('request.method', 'POST', true), set_config('request.path', '/rpc/ingest', true),
                      set_config('request.headers', $1, true)";
    let (set, pre_request) = (app.prepare(set)?, app.prepare("SELECT observa.pre_request()")?);
    let headers =
        serde_json::json!({"x-api-key": key, "content-type": "application/json", "user-agent": "bench"})
            .to_string();
    let (mut doing_nothing, mut authenticating, mut requesting) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..CALLS {
        for (times, statement) in [(&mut doing_nothing, &nothing), (&mut authenticating, &authenticate)] {
            let mut transaction = app.transaction()?;
            let (took, answer) = time(|| transaction.query_one(statement, &[&key]));
            answer?;
            transaction.commit()?;
            times.push(took.as_secs_f64() * 1e6);
        }
        let mut transaction = app.transaction()?;
        transaction.query_one(&set, &[&headers])?;
        let (took, answer) = time(|| transaction.query_one(&pre_request, &[]));
        answer?;
        transaction.commit()?;
        requesting.push(took.as_secs_f64() * 1e6);
    }
    for (what, mut times) in [
        ("a statement that does nothing", doing_nothing),
        ("observa.authenticate", authenticating),
        ("observa.pre_request", requesting),
    ] {
        table.tell(&format!("{what}, p50"), "us", quantile(&mut times, 0.5));
        table.tell(&format!("{what}, p99"), "us", quantile(&mut times, 0.99));
    }
    Ok(())
}

fn with_key(
    root: &mut Client,
    app: &mut Client,
    key: &str,
    lines: &[String],
    rounds: usize,
    table: &mut Table,
) -> Result<()> {
    let bodies: Vec<Vec<u8>> = lines.chunks(BATCH).map(|chunk| chunk.join("\n").into_bytes()).collect();
    let root = std::cell::RefCell::new(root);
    let ours = || {
        ingest::empty(&mut root.borrow_mut())?;
        let (took, stored) = time(|| {
            let (authenticate, send) = (
                app.prepare("SELECT observa.authenticate($1)")?,
                app.prepare("SELECT observa.ingest($1::bytea)")?,
            );
            for body in &bodies {
                let mut transaction = app.transaction()?;
                transaction.execute(&authenticate, &[&key])?;
                transaction.execute(&send, &[body])?;
                transaction.commit()?;
            }
            Ok::<_, anyhow::Error>(())
        });
        stored?;
        Ok::<f64, anyhow::Error>(lines.len() as f64 / took.as_secs_f64())
    };
    let superuser = || {
        let root = &mut **root.borrow_mut();
        ingest::empty(root)?;
        let (took, stored) = time(|| ingest::ingest(root, &bodies));
        ensure!(stored? == lines.len() as i64, "events are missing");
        Ok(lines.len() as f64 / took.as_secs_f64())
    };
    let pair = in_turn(rounds, ours, superuser)?;
    table.compare(&format!("ingest with a key, {BATCH} a batch"), "events/s", &pair, "a superuser");
    Ok(())
}
