//! The same error again and again: what signals, the one alert and the one issue of 200,000 calls cost ingest, against the same events
//! stored while the rule that sees them is switched off, and against as many ordinary events. And what the issues of a million signals cost to read.

use std::time::Instant;

use anyhow::{Result, ensure};
use postgres::Client;

use crate::corpus;
use crate::ingest::{empty, ingest, processor_time};
use crate::measure::{Table, in_turn, median};

/// Events of one body.
const BATCH: usize = 5_000;

/// Issues that a million signals are of.
const ISSUES: i64 = 10_000;

pub fn run(client: &mut Client, errors: usize, newest: i64, rounds: usize, table: &mut Table) -> Result<()> {
    let bodies = bodies((0..errors).map(|number| event(number, newest)).collect());
    let cell = std::cell::RefCell::new(&mut *client);
    let with = |enabled: bool| {
        let client = &mut **cell.borrow_mut();
        empty(client)?;
        client.batch_execute(&format!(
            "UPDATE observa.detection_rules SET enabled = {enabled} WHERE name = 'llm_error'"
        ))?;
        let before = processor_time(client)?;
        ensure!(ingest(client, &bodies)? == errors as i64, "events are missing");
        let took = processor_time(client)? - before;
        let found = client.query_one(
            "SELECT (SELECT count(*) FROM observa.alerts), (SELECT count(*) FROM observa.issues)",
            &[],
        )?;
        let expected = i64::from(enabled);
        ensure!(
            (found.get::<_, i64>(0), found.get::<_, i64>(1)) == (expected, expected),
            "one alert and one issue"
        );
        Ok::<f64, anyhow::Error>(errors as f64 / took.as_secs_f64())
    };
    let pair = in_turn(rounds, || with(true), || with(false))?;
    let what = format!("ingest of {errors} identical errors");
    table.compare(&what, "events/s of CPU", &pair, "rule off");
    let ordinary = self::bodies(corpus::events(errors, newest, 0));
    let calls = || {
        let client = &mut **cell.borrow_mut();
        empty(client)?;
        let before = processor_time(client)?;
        ensure!(ingest(client, &ordinary)? == errors as i64, "events are missing");
        Ok(errors as f64 / (processor_time(client)? - before).as_secs_f64())
    };
    let pair = in_turn(rounds, || with(true), calls)?;
    table.compare(&what, "events/s of CPU", &pair, "ordinary events");
    read(client, rounds, table)
}

fn bodies(lines: Vec<String>) -> Vec<Vec<u8>> {
    lines.chunks(BATCH).map(|chunk| chunk.join("\n").into_bytes()).collect()
}

fn event(number: usize, newest: i64) -> String {
    let time = newest - 60_000 + (number as i64 % 60_000);
    format!(
        r#"{{"event_type":"llm_call","event_id":"e{number}","timestamp":{time},"model":"gpt-4o","route":"/chat","trace_id":"t{number}","user_id":"u{}","latency_ms":120,"status":"error","error_message":"Rate limit reached for gpt-4o: used {number} of 30000 tokens (req_011CQ6Zt{number:08}), try again in 2.8s"}}"#,
        number % 500
    )
}

/// A million signals as one statement for each day would have stored them, folded.
fn read(client: &mut Client, rounds: usize, table: &mut Table) -> Result<()> {
    empty(client)?;
    let tenant: String =
        client.query_one("SELECT tenant_id::text FROM observa_internal.projects LIMIT 1", &[])?.get(0);
    client.batch_execute(&format!(
        "LOAD 'observa'; SET observa.acting = '{tenant}//iqa/';
         INSERT INTO observa_internal.signals (tenant_id, ts, signal_id, project_id, environment, name, type, severity, alert_group, user_id, details, trace_id)
         SELECT tenant_id, now() - n * interval '0.5 s', gen_random_uuid(), project_id, 'prod', 'n' || n % {ISSUES}, 'error', 'low', 'g', 'u' || n % 997, '{{}}', 't' || n
           FROM observa_internal.projects, generate_series(1, 1000000) n WHERE tenant_id = '{tenant}' LIMIT 1000000; RESET observa.acting"
    ))?;
    client.batch_execute("SELECT observa.run_maintenance(); SELECT observa.run_maintenance()")?;
    client.batch_execute("VACUUM ANALYZE observa_internal.issues")?;
    let mut times = Vec::new();
    for _ in 0..rounds.max(5) {
        let begun = Instant::now();
        let rows = client.query("SELECT * FROM observa.issues ORDER BY last_seen DESC LIMIT 50", &[])?;
        ensure!(rows.len() == 50, "issues are missing");
        times.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    table.tell("the newest 50 of 10,000 issues of 1,000,000 signals", "ms", median(times));
    Ok(())
}
