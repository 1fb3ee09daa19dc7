//! Judges: how many verdicts a second one worker brings from an endpoint that takes 200 ms, what that costs, and what ingest pays for it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use observa_tests::judge::Judge;
use postgres::{Client, NoTls};
use serde_json::json;

use crate::ingest::{self, empty};
use crate::measure::{Pair, Table, in_turn, processor_time, processor_time_of_threads};

const LATENCY: Duration = Duration::from_millis(200);
const CONCURRENCY: usize = 64;

/// Judgements a second that the worker is to bring.
const RATE: usize = 200;

/// Events of an ingested body.
const BATCH: usize = 500;

pub fn run(connect: &str, lines: &[String], rounds: usize, seconds: u64, table: &mut Table) -> Result<()> {
    let judge = Judge::with_latency(LATENCY);
    let mut client = Client::connect(connect, NoTls)?;
    let settings = judge.settings().replace("'1s'", "'5s'").replace("= 1s", "= '5s'");
    for setting in settings.lines().filter(|line| !line.is_empty()) {
        client.batch_execute(&format!("ALTER SYSTEM SET {setting}"))?;
    }
    client.batch_execute(&format!("ALTER SYSTEM SET observa.judge_concurrency = {CONCURRENCY}"))?;
    client.batch_execute("ALTER SYSTEM SET observa.max_analysis_jobs = 1000000")?;
    client.batch_execute("SELECT pg_reload_conf()")?;
    client.batch_execute(
        "INSERT INTO observa.model_prices (model, rates) VALUES ('judge-of-tests', '{\"input\": \"0\", \"output\": \"0\"}')",
    )?;
    let done = judged(connect, seconds, table).and_then(|()| beside_ingest(connect, lines, rounds, table));
    client.batch_execute("ALTER SYSTEM RESET ALL")?;
    client.batch_execute("SELECT pg_reload_conf()")?;
    done
}

/// So many calls for one evaluator, queued, in an otherwise empty storage.
fn queue(client: &mut Client, calls: usize) -> Result<()> {
    empty(client)?;
    client.batch_execute(
        "TRUNCATE observa_internal.analysis_jobs, observa_internal.analysis_results, observa_internal.analysis_events;
         UPDATE observa.evaluators SET enabled = false WHERE name <> 'hallucination';
         SET observa.judge_sample_rate = 1",
    )?;
    let words =
        "The water of the lake is clear, and the road there is open from April to October. ".repeat(12);
    let call = |number: usize| {
        json!({"event_type": "llm_call", "event_id": format!("judged-{number}"), "trace_id": format!("judged-{number}"), "model": "gpt-4o",
               "input": format!("Question {number}: {words}"), "output": format!("Answer {number}: {words}"), "latency_ms": 100})
        .to_string()
    };
    let lines: Vec<String> = (0..calls).map(call).collect();
    let bodies: Vec<Vec<u8>> = lines.chunks(BATCH).map(|chunk| chunk.join("\n").into_bytes()).collect();
    ensure!(ingest::ingest(client, &bodies)? == i64::try_from(calls)?, "events are missing");
    client.batch_execute("RESET observa.judge_sample_rate; SELECT observa.run_maintenance(); ANALYZE observa_internal.analysis_jobs")?;
    Ok(())
}

fn judged(connect: &str, seconds: u64, table: &mut Table) -> Result<()> {
    let mut client = Client::connect(connect, NoTls)?;
    let calls = RATE * 2 * usize::try_from(seconds)?;
    queue(&mut client, calls)?;
    client.batch_execute("ALTER SYSTEM SET observa.databases = ''")?;
    client.batch_execute("SELECT pg_reload_conf()")?;
    let worker = worker(&mut client)?;
    // Under way: what it takes to start is not measured.
    while count(&mut client)? < RATE {
        std::thread::sleep(Duration::from_millis(50));
    }
    let (begun, before) = (Instant::now(), processor_time_of_threads(&worker)?);
    let first = count(&mut client)?;
    std::thread::sleep(Duration::from_secs(seconds));
    let last = count(&mut client)?;
    let (took, spent) = (begun.elapsed(), processor_time_of_threads(&worker)? - before);
    ensure!(last < calls, "the queue was empty before the end");
    table.tell("judgements of one worker", "a second", (last - first) as f64 / took.as_secs_f64());
    table.tell("its processor time", "of a core", spent.as_secs_f64() / took.as_secs_f64());
    let each = spent.as_secs_f64() / (last - first) as f64;
    table.tell(&format!("processor time of {RATE} judgements a second"), "of a core", each * RATE as f64);
    Ok(())
}

fn worker(client: &mut Client) -> Result<String> {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let sql = "SELECT pid::text FROM pg_stat_activity WHERE backend_type = 'observa analysis' AND datname = current_database()";
        if let Some(row) = client.query_opt(sql, &[])? {
            return Ok(row.get(0));
        }
        ensure!(Instant::now() < patience, "no worker comes");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn count(client: &mut Client) -> Result<usize> {
    let count: i64 = client.query_one("SELECT count(*) FROM observa_internal.analysis_results", &[])?.get(0);
    Ok(usize::try_from(count)?)
}

/// Ingest that finds what is to be judged by all built-in evaluators, at the usual rate, while the worker judges, against ingest without.
fn beside_ingest(connect: &str, lines: &[String], rounds: usize, table: &mut Table) -> Result<()> {
    let mut client = Client::connect(connect, NoTls)?;
    client.batch_execute("UPDATE observa.evaluators SET enabled = true")?;
    let backend: String = client.query_one("SELECT pg_backend_pid()::text", &[])?.get(0);
    let client = std::cell::RefCell::new(client);
    let round = std::cell::Cell::new(0);
    let speed = |judged: bool| {
        let client = &mut *client.borrow_mut();
        client.batch_execute(if judged {
            "RESET observa.judge_url"
        } else {
            "SET observa.judge_url = ''"
        })?;
        round.set(round.get() + 1);
        let prefix = format!("\"trace_id\":\"{}-", round.get());
        let bodies: Vec<Vec<u8>> = lines
            .chunks(BATCH)
            .map(|chunk| chunk.join("\n").replace("\"trace_id\":\"", &prefix).into_bytes())
            .collect();
        let before = processor_time(&backend)?;
        let stored = ingest::ingest(client, &bodies)?;
        let spent = processor_time(&backend)? - before;
        Ok::<f64, anyhow::Error>(stored as f64 / spent.as_secs_f64())
    };
    let pair: Pair = in_turn(rounds, || speed(true), || speed(false))?;
    table.compare("ingest while judges are asked", "events/s of CPU", &pair, "without");
    client.into_inner().batch_execute("RESET observa.judge_url").context("the setting")?;
    Ok(())
}
