//! observa.ingest against COPY of the rows that it made: already cleaned and priced, into the same tables with the same
//! indexes, in the same batches, each batch one transaction.
//!
//! COPY is let off lightly: the trigger that raises alerts is not fired for it, and no row is checked against row security.

use std::io::Write;
use std::time::Duration;

use anyhow::{Result, ensure};
use postgres::Client;

use crate::measure::{self, Table, in_turn, time};

/// The tables that ingest of events with times of their own writes to, but for alerts.
const TABLES: [&str; 3] = ["events", "event_payloads", "signals"];

/// What COPY is given for one batch: for each of the tables its rows as text.
type Rows = [Vec<u8>; TABLES.len()];

pub fn run(
    client: &mut Client,
    what: &str,
    lines: &[String],
    batch: usize,
    rounds: usize,
    table: &mut Table,
) -> Result<()> {
    let bodies: Vec<Vec<u8>> = lines.chunks(batch).map(|chunk| chunk.join("\n").into_bytes()).collect();
    empty(client)?;
    let mut rows = Vec::with_capacity(bodies.len());
    for body in &bodies {
        rows.push(rows_of(client, body)?);
    }
    let client = std::cell::RefCell::new(client);
    let speed = |took: Duration| lines.len() as f64 / took.as_secs_f64();
    let ours = || {
        let client = &mut **client.borrow_mut();
        empty(client)?;
        let (took, accepted) = time(|| ingest(client, &bodies));
        ensure!(accepted? == lines.len() as i64, "events are missing");
        Ok::<f64, anyhow::Error>(speed(took))
    };
    let copy = || {
        let client = &mut **client.borrow_mut();
        empty(client)?;
        let (took, copied) = time(|| copy(client, &rows));
        copied?;
        let stored: i64 = client.query_one("SELECT count(*) FROM observa_internal.events", &[])?.get(0);
        ensure!(stored == lines.len() as i64, "rows are missing");
        Ok(speed(took))
    };
    let pair = in_turn(rounds, ours, copy)?;
    table.compare(&format!("ingest, {what}, {batch} a batch"), "events/s", &pair, "COPY");
    Ok(())
}

/// Events of one batch where scores are measured.
const SCORED_BATCH: usize = 1_000;

/// What the scores of answers cost: the same events, with `observa.quality_scores` on and off. By the backend's time on the
/// processor, which other programs' use of the disk leaves alone.
pub fn scored(
    client: &mut Client,
    what: &str,
    lines: &[String],
    rounds: usize,
    table: &mut Table,
) -> Result<()> {
    let bodies: Vec<Vec<u8>> =
        lines.chunks(SCORED_BATCH).map(|chunk| chunk.join("\n").into_bytes()).collect();
    let client = std::cell::RefCell::new(client);
    let with = |setting: &str| {
        let client = &mut **client.borrow_mut();
        empty(client)?;
        client.batch_execute(&format!("SET observa.quality_scores = {setting}"))?;
        let before = processor_time(client)?;
        ensure!(ingest(client, &bodies)? == lines.len() as i64, "events are missing");
        let took = processor_time(client)? - before;
        Ok::<f64, anyhow::Error>(lines.len() as f64 / took.as_secs_f64())
    };
    let pair = in_turn(rounds, || with("on"), || with("off"))?;
    client.into_inner().batch_execute("RESET observa.quality_scores")?;
    table.compare(&format!("ingest with scores, {what}"), "events/s of CPU", &pair, "without");
    Ok(())
}

/// How long the client's backend, which must run on this machine, has had a processor so far.
pub fn processor_time(client: &mut Client) -> Result<Duration> {
    let backend: i32 = client.query_one("SELECT pg_backend_pid()", &[])?.get(0);
    measure::processor_time(&backend.to_string())
}

/// How many events were stored.
pub fn ingest(client: &mut Client, bodies: &[Vec<u8>]) -> Result<i64> {
    let statement = client.prepare("SELECT (observa.ingest($1::bytea) ->> 'accepted')::bigint")?;
    let mut accepted = 0;
    for body in bodies {
        accepted += client.query_one(&statement, &[body])?.get::<_, i64>(0);
    }
    Ok(accepted)
}

pub fn empty(client: &mut Client) -> Result<()> {
    client.batch_execute(
        "TRUNCATE observa_internal.events, observa_internal.event_payloads, observa_internal.signals,
                  observa_internal.event_keys, observa_internal.alerts, observa_internal.alert_events, observa_internal.rejected_events,
                  observa_internal.issues, observa_internal.issue_hours, observa_internal.issue_deltas,
                  observa_internal.rollup_deltas, observa_internal.metrics, observa_internal.metric_totals, observa_internal.metric_series,
                  observa_internal.user_metrics, observa_internal.user_metric_days, observa_internal.tag_metrics, observa_internal.activities, observa_internal.traces;
         CHECKPOINT",
    )?;
    Ok(())
}

/// Ingests a batch and reads back what it stored.
fn rows_of(client: &mut Client, body: &[u8]) -> Result<Rows> {
    let answer: String =
        client.query_one("SELECT observa.ingest($1::bytea) ->> 'batch_id'", &[&body])?.get(0);
    let batch: uuid::Uuid = answer.parse()?;
    let mut rows = Rows::default();
    for (table, rows) in TABLES.iter().zip(&mut rows) {
        // Names of the list above and a UUID: COPY takes no parameters.
        let of_batch = format!(
            "COPY (SELECT r.* FROM observa_internal.{table} r JOIN observa_internal.events e
                    USING (tenant_id, ts, event_id) WHERE e.batch_id = '{batch}' ORDER BY r.tenant_id, r.ts) TO STDOUT"
        );
        std::io::copy(&mut client.copy_out(&of_batch)?, rows)?;
    }
    Ok(rows)
}

fn copy(client: &mut Client, batches: &[Rows]) -> Result<()> {
    client.batch_execute("SET session_replication_role = replica")?;
    let statements: Vec<_> = TABLES
        .iter()
        .map(|table| client.prepare(&format!("COPY observa_internal.{table} FROM STDIN")))
        .collect::<Result<_, _>>()?;
    for rows in batches {
        let mut transaction = client.transaction()?;
        for (statement, rows) in statements.iter().zip(rows).filter(|(_, rows)| !rows.is_empty()) {
            let mut writer = transaction.copy_in(statement)?;
            writer.write_all(rows)?;
            writer.finish()?;
        }
        transaction.commit()?;
    }
    client.batch_execute("RESET session_replication_role")?;
    Ok(())
}
