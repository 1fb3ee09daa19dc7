//! How long it takes to drop a day, and how long an ingest waits for it meanwhile, against DROP TABLE of equal plain tables, which
//! nobody else uses.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, anyhow, bail, ensure};
use postgres::{Client, NoTls};

use crate::measure::{Pair, Table, median, time};

/// The day, counted from today: older than what is kept, and within the accepted window.
const AGE: i32 = 20;

const KEPT: i32 = 15;

const MOST_ROUNDS: usize = 20;

/// Events of a body of the client that ingests.
const BATCH: usize = 100;

/// Before and after what is measured.
const PAUSE: Duration = Duration::from_millis(300);

pub fn run(connect: &str, rows: i64, rounds: usize, table: &mut Table) -> Result<()> {
    let client = RefCell::new(Client::connect(connect, NoTls)?);
    let (mut ours, mut peer) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let client = &mut *client.borrow_mut();
        fill(client, rows)?;
        client.batch_execute("CHECKPOINT")?;
        ours.push(while_ingesting(connect, || drop_day(client))?);
        fill(client, rows)?;
        client.batch_execute(&plain())?;
        drop_day(client)?;
        client.batch_execute("CHECKPOINT")?;
        peer.push(while_ingesting(connect, || {
            Ok(client.batch_execute("DROP TABLE plain_events, plain_payloads")?)
        })?);
    }
    let pair = |of: fn(&(Duration, Duration)) -> Duration| {
        let seconds = |side: &[(Duration, Duration)]| {
            side.iter().map(|took| of(took).as_secs_f64()).collect::<Vec<_>>()
        };
        let (ours, peer) = (seconds(&ours), seconds(&peer));
        let ratios = ours.iter().zip(&peer).map(|(ours, peer)| ours / peer).collect();
        Pair { ours: median(ours), peer: median(peer), ratio: median(ratios) }
    };
    table.compare(&format!("a day of {rows} events dropped"), "s", &pair(|took| took.0), "DROP TABLE");
    table.compare("longest ingest meanwhile", "s", &pair(|took| took.1), "DROP TABLE");
    Ok(())
}

/// Rounds of maintenance until the day is gone: what could not be locked without making the client wait is the next one's.
fn drop_day(client: &mut Client) -> Result<()> {
    client.batch_execute(&format!("SET observa.retention_days = {KEPT}"))?;
    for _ in 0..MOST_ROUNDS {
        let round: String = client.query_one("SELECT observa.run_maintenance()::text", &[])?.get(0);
        if round.contains("\"postponed\": []") {
            ensure!(!is_there(client)?, "the day is still there");
            return Ok(client.batch_execute("RESET observa.retention_days")?);
        }
    }
    bail!("the day was not to be had in {MOST_ROUNDS} rounds")
}

/// A day's events and payloads, of one event that was ingested.
fn fill(client: &mut Client, rows: i64) -> Result<()> {
    // Older days than this one are not what is measured.
    drop_day(client)?;
    let seed = "SELECT observa.ingest(jsonb_build_object('event_id', 'seed', 'model', 'gpt-4o-mini', 'input', repeat('what was asked ', 40),
                       'output', repeat('what was said ', 40), 'trace_id', 't', 'timestamp', now() - $1::int * interval '1 day')::text)";
    client.execute(seed, &[&AGE])?;
    let day = day(client)?;
    for table in ["events", "event_payloads"] {
        let columns: String = client
            .query_one(
                "SELECT string_agg(CASE attname WHEN 'event_id' THEN '''e-'' || n' WHEN 'trace_id' THEN '''t-'' || n / 10'
                                        ELSE format('e.%I', attname) END, ', ' ORDER BY attnum)
                   FROM pg_attribute
                  WHERE attrelid = ('observa_internal.' || $1::text)::regclass AND attnum > 0 AND NOT attisdropped",
                &[&table],
            )?
            .get(0);
        client.batch_execute(&format!(
            "INSERT INTO observa_internal.{table}_{day}
             SELECT {columns} FROM observa_internal.{table}_{day} e, generate_series(1, {rows}) n WHERE event_id = 'seed'"
        ))?;
    }
    Ok(())
}

fn day(client: &mut Client) -> Result<String> {
    let sql = "SELECT to_char((now() AT TIME ZONE 'UTC')::date - $1::int, 'YYYYMMDD')";
    Ok(client.query_one(sql, &[&AGE])?.get(0))
}

fn is_there(client: &mut Client) -> Result<bool> {
    let day = day(client)?;
    Ok(client
        .query_one("SELECT to_regclass('observa_internal.events_' || $1::text) IS NOT NULL", &[&day])?
        .get(0))
}

/// The day's rows in tables of their own, with the same indexes.
fn plain() -> String {
    let copy = |name: &str, table: &str| {
        format!(
            "CREATE TABLE {name} (LIKE observa_internal.{table} INCLUDING ALL);
             INSERT INTO {name} SELECT * FROM observa_internal.{table} WHERE ts < now() - interval '{KEPT} days';"
        )
    };
    format!("{}{}", copy("plain_events", "events"), copy("plain_payloads", "event_payloads"))
}

/// How long something took, and the longest of a client's ingests meanwhile.
fn while_ingesting(connect: &str, run: impl FnOnce() -> Result<()>) -> Result<(Duration, Duration)> {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let ingesting = scope.spawn(|| -> Result<Duration> {
            let mut client = Client::connect(connect, NoTls)?;
            let statement = client.prepare("SELECT observa.ingest($1::text)::text")?;
            let mut longest = Duration::ZERO;
            while !is_over.load(Ordering::Relaxed) {
                let line = |_| {
                    format!(
                        r#"{{"model":"m","event_id":"{}","input":"asked","output":"said"}}"#,
                        fastrand::u64(..)
                    )
                };
                let body = (0..BATCH).map(line).collect::<Vec<_>>().join("\n");
                let (took, answer) = time(|| client.query_one(&statement, &[&body]));
                answer?;
                longest = longest.max(took);
            }
            Ok(longest)
        });
        std::thread::sleep(PAUSE);
        let (took, done) = time(run);
        std::thread::sleep(PAUSE);
        is_over.store(true, Ordering::Relaxed);
        let longest = ingesting.join().map_err(|_| anyhow!("the client that ingests panicked"))??;
        done?;
        Ok((took, longest))
    })
}
