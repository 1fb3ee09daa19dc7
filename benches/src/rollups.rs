//! The fold beside ingest: how far it lags behind, and what it costs; and what dashboards read, by how much there is.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use postgres::{Client, NoTls};

use crate::ingest::{self, empty};
use crate::measure::{Pair, Table, median, processor_time, quantile, time};

/// Events of a body, and clients that send them side by side.
const BATCH: usize = 500;
const CLIENTS: usize = 2;

/// Events a second of all clients together.
const RATE: usize = 10_000;

pub fn run(connect: &str, lines: &[String], seconds: u64, table: &mut Table) -> Result<()> {
    let mut client = Client::connect(connect, NoTls)?;
    empty(&mut client)?;
    client.batch_execute("ALTER SYSTEM SET observa.databases = ''")?;
    client.batch_execute("SELECT pg_reload_conf()")?;
    let found = beside_ingest(connect, &mut client, lines, Duration::from_secs(seconds), table);
    client.batch_execute("ALTER SYSTEM RESET observa.databases")?;
    client.batch_execute("SELECT pg_reload_conf()")?;
    found?;
    overview(&mut client, table)?;
    newest(&mut client, table)
}

/// The server's worker of this database.
fn worker(client: &mut Client) -> Result<String> {
    let patience = Instant::now() + Duration::from_secs(30);
    loop {
        let found = client.query_opt("SELECT pid::text FROM observa_internal.maintenance_worker()", &[])?;
        if let Some(row) = found {
            return Ok(row.get(0));
        }
        ensure!(Instant::now() < patience, "no worker comes");
        std::thread::sleep(Duration::from_millis(200));
    }
}

fn beside_ingest(
    connect: &str,
    client: &mut Client,
    lines: &[String],
    duration: Duration,
    table: &mut Table,
) -> Result<()> {
    let worker = worker(client)?;
    let before = processor_time(&worker)?;
    let begun = Instant::now();
    let end = begun + duration;
    let mut lags = Vec::new();
    let (sent, spent) = std::thread::scope(|scope| -> Result<(usize, Duration)> {
        let senders: Vec<_> =
            (0..CLIENTS).map(|number| scope.spawn(move || send(connect, lines, number, end))).collect();
        while Instant::now() < end {
            let lag = "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(added_at)), 0)::float8 FROM observa_internal.rollup_deltas";
            lags.push(client.query_one(lag, &[])?.get::<_, f64>(0));
            std::thread::sleep(Duration::from_millis(200));
        }
        let mut all = (0, Duration::ZERO);
        for sender in senders {
            let (sent, spent) = sender.join().ok().context("a sender has failed")??;
            all = (all.0 + sent, all.1 + spent);
        }
        Ok(all)
    })?;
    let folding = processor_time(&worker)? - before;
    table.tell("ingest beside the fold, sent", "events/s", sent as f64 / begun.elapsed().as_secs_f64());
    table.tell("lag of the fold, p50", "s", quantile(&mut lags, 0.5));
    table.tell("lag of the fold, longest", "s", quantile(&mut lags, 1.0));
    let share = folding.as_secs_f64() / spent.as_secs_f64();
    let of = |seconds: Duration| sent as f64 / seconds.as_secs_f64();
    let pair = Pair { ours: folding.as_secs_f64(), peer: spent.as_secs_f64(), ratio: share };
    table.compare("processor time of the fold", "s", &pair, "that of ingest");
    table.tell("ingest, a second of processor time", "events", of(spent));
    Ok(())
}

/// Sends bodies at an even pace; how many events, and the processor time of the backend.
fn send(connect: &str, lines: &[String], number: usize, end: Instant) -> Result<(usize, Duration)> {
    let mut client = Client::connect(connect, NoTls)?;
    let backend: String = client.query_one("SELECT pg_backend_pid()::text", &[])?.get(0);
    let pause = Duration::from_secs_f64((BATCH * CLIENTS) as f64 / RATE as f64);
    let (mut next, mut sent, mut round) = (Instant::now(), 0, 0);
    while Instant::now() < end {
        let body: Vec<String> = (0..BATCH)
            .filter_map(|place| lines.get((round * BATCH + place) % lines.len()))
            .map(|line| fresh(line, &format!("{number}-{round}-")))
            .collect();
        sent += usize::try_from(ingest::ingest(&mut client, &[body.join("\n").into_bytes()])?)?;
        round += 1;
        next += pause;
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
    }
    Ok((sent, processor_time(&backend)?))
}

/// The same event of another trace and conversation: one that all rounds went on with would grow without end.
fn fresh(line: &str, prefix: &str) -> String {
    ["trace_id", "conversation_id"].iter().fold(line.to_owned(), |line, name| {
        let key = format!("\"{name}\":\"");
        line.replacen(&key, &format!("{key}{prefix}"), 1)
    })
}

/// A month's overview over so many events, as rollups hold them: by what is in the buckets, not how many there are.
fn overview(client: &mut Client, table: &mut Table) -> Result<()> {
    let mut medians = Vec::new();
    for events in [1_000_000, 10_000_000] {
        fill_totals(client, events)?;
        let query = "SELECT sum(events), sum(errors), sum(total_tokens), sum(cost_usd), observa.quantile(observa.merge(latency), 0.5),
                            observa.quantile(observa.merge(latency), 0.95), observa.quantile(observa.merge(latency), 0.99)
                       FROM observa.metrics_total_day WHERE bucket >= now() - interval '30 days' AND event_type = 'llm_call'";
        medians.push(milliseconds(client, query)?);
    }
    let [small, large] = medians.as_slice() else { return Ok(()) };
    let pair = Pair { ours: *large, peer: *small, ratio: large / small };
    table.compare("30 days' overview, 10 million events", "ms", &pair, "1 million");
    Ok(())
}

/// A month's rows of totals, as so many events leave them.
pub fn fill_totals(client: &mut Client, events: i64) -> Result<()> {
    client.batch_execute(&format!(
            "TRUNCATE observa_internal.metric_totals, observa_internal.rollup_deltas;
             INSERT INTO observa_internal.metric_totals
             SELECT p.tenant_id, r.resolution, r.bucket, p.project_id, 'prod', t.type, n, n / 50, n / 200, n, n, n * 900, n * 300, n * 10, n, n, n * 1200,
                    n * 0.002, n * 0.8, n, n * 0.1, n, n * 0.2, n, h.latency, h.latency
               FROM observa_internal.projects p,
                    (VALUES ('llm_call'), ('tool_call'), ('embedding'), ('retrieval')) t (type),
                    LATERAL (SELECT 'week' AS resolution, date_trunc('week', now(), 'UTC') - w * interval '7 days' AS bucket FROM generate_series(0, 4) w
                             UNION ALL
                             SELECT 'day', date_trunc('day', now(), 'UTC') - d * interval '1 day' FROM generate_series(0, 29) d
                             UNION ALL
                             SELECT 'hour', date_trunc('hour', now(), 'UTC') - h * interval '1 hour' FROM generate_series(0, 719) h) r,
                    LATERAL (SELECT ({events} / 4 / CASE r.resolution WHEN 'week' THEN 30 / 7.0 WHEN 'day' THEN 30 ELSE 720 END)::bigint AS n) s,
                    LATERAL (SELECT observa.histogram(exp(6 + random() * 3))::bytea AS latency FROM generate_series(1, least(s.n, 20000))) h;
             ANALYZE observa_internal.metric_totals"
        ))?;
    Ok(())
}

/// The newest traces of three million, as a tenant's reader asks for them.
fn newest(client: &mut Client, table: &mut Table) -> Result<()> {
    client.batch_execute(
        "TRUNCATE observa_internal.traces;
         INSERT INTO observa_internal.traces (tenant_id, trace_id, project_id, name, started_at, ended_at, worst, models, event_count,
                input_tokens, output_tokens, priced, cost_usd, signal_count, user_id)
         SELECT p.tenant_id, md5(n::text), p.project_id, 'chat', now() - n * interval '0.8 seconds', now() - n * interval '0.8 seconds', 'ok',
                '{gpt-4o}', 5, 1000, 300, 5, 0.01, 0, 'user ' || n % 10000
           FROM observa_internal.projects p, generate_series(1, 3000000) n;
         ANALYZE observa_internal.traces;
         DO $$ BEGIN CREATE ROLE bench_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         GRANT observa_read TO bench_reader",
    )?;
    // Reads are those of a tenant: a superuser's go by no index.
    let mut transaction = client.transaction()?;
    let tenant: String =
        transaction.query_one("SELECT tenant_id::text FROM observa_internal.projects LIMIT 1", &[])?.get(0);
    transaction.batch_execute(&format!(
        "SET LOCAL observa.acting = '{tenant}//iqa/'; SET LOCAL ROLE bench_reader"
    ))?;
    let mut took = Vec::new();
    for _ in 0..20 {
        let query = "SELECT * FROM observa.traces ORDER BY started_at DESC LIMIT 100";
        let (elapsed, rows) = time(|| transaction.query(query, &[]));
        ensure!(rows?.len() == 100, "traces are missing");
        took.push(elapsed.as_secs_f64() * 1000.0);
    }
    table.tell("newest 100 of 3 million traces", "ms", median(took));
    Ok(())
}

fn milliseconds(client: &mut Client, query: &str) -> Result<f64> {
    let statement = client.prepare(query)?;
    let mut took = Vec::new();
    for _ in 0..15 {
        let (elapsed, rows) = time(|| client.query(&statement, &[]));
        rows?;
        took.push(elapsed.as_secs_f64() * 1000.0);
    }
    Ok(median(took))
}
