//! Rules over windows of many tenants: what an evaluation of all of them costs, and what it costs to know what is usual.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use postgres::{Client, NoTls};

use crate::ingest::empty;
use crate::measure::{Table, median, processor_time};

const TENANTS: i64 = 1_000;

/// Each tenant's own, beside those that are built in and switched on.
const OWN_RULES: i64 = 20;

/// Of each tenant: models by routes, each with calls in every minute.
const SERIES: i64 = 6;

/// Hours of the past that are planted: two weeks, so that hours of the day are told apart.
const HOURS: i64 = 15 * 24;

/// Evaluations after which what is usual is known of all.
const WARMING_UP: usize = 60;

/// How often the job is due.
const INTERVAL: Duration = Duration::from_secs(15);

pub fn run(connect: &str, rounds: usize, table: &mut Table) -> Result<()> {
    let mut client = Client::connect(connect, NoTls)?;
    empty(&mut client)?;
    plant(&mut client)?;
    let backend: String = client.query_one("SELECT pg_backend_pid()::text", &[])?.get(0);
    let measure = |client: &mut Client, times: usize| -> Result<f64> {
        let spent: Result<Vec<f64>> =
            (0..times).map(|_| Ok(evaluation(client, &backend)?.as_secs_f64())).collect();
        Ok(median(spent?))
    };
    // Plans and caches are there.
    measure(&mut client, 1)?;
    let making = measure(&mut client, 5)?;
    // Each makes what is usual for some tenants, until it is known of all.
    measure(&mut client, WARMING_UP)?;
    let once = measure(&mut client, rounds.max(5))?;
    let rules: i64 = client.query_one("SELECT count(*) FROM observa_internal.detection_rules", &[])?.get(0);
    ensure!(rules == TENANTS * OWN_RULES, "rules are missing");
    let failures: i64 = client
        .query_one("SELECT failures::bigint FROM observa_internal.jobs WHERE job = 'detection'", &[])?
        .get(0);
    ensure!(failures == 0, "the job has failed");
    table.tell("the same while what is usual is made for some tenants in each", "s", making);
    table.tell("an evaluation of 1,000 tenants' rules, 20 of their own each", "s", once);
    table.tell("that each 15 s, of a core", "%", 100.0 * once / INTERVAL.as_secs_f64());
    Ok(())
}

/// All tenants' rules once, in as many runs as the job takes; processor time.
fn evaluation(client: &mut Client, backend: &str) -> Result<Duration> {
    let before = processor_time(backend)?;
    let begun = Instant::now();
    loop {
        // No other job is due.
        client.batch_execute(
            "UPDATE observa_internal.jobs SET next_run = CASE WHEN job = 'detection' THEN '-infinity' ELSE now() + interval '1 day' END",
        )?;
        client.query("SELECT observa_internal.run_due_job()", &[])?;
        let left: bool = client
            .query_one("SELECT EXISTS (SELECT FROM observa_internal.job_tenants WHERE job = 'detection' AND left_off)", &[])?
            .get(0);
        if !left || begun.elapsed() > Duration::from_secs(120) {
            return Ok(processor_time(backend)? - before);
        }
    }
}

/// Tenants with their rules and rollups: a row a minute of the last two hours, and a row an hour before.
fn plant(client: &mut Client) -> Result<()> {
    client.batch_execute(&format!(
        "TRUNCATE observa_internal.metrics, observa_internal.metric_series, observa_internal.metric_totals, observa_internal.rule_states;
         DELETE FROM observa_internal.tenants WHERE name LIKE 'bench %';
         DELETE FROM observa_internal.detection_rules;
         SELECT observa.run_maintenance();
         SELECT count(observa.create_tenant('bench ' || n)) FROM generate_series(1, {TENANTS} - 1) n;
         INSERT INTO observa_internal.metric_series (tenant_id, series_id, project_id, environment, event_type, status, provider, model, route,
                tool_name, version)
         SELECT p.tenant_id, gen_random_uuid(), p.project_id, 'prod', 'llm_call', 'ok', 'openai', 'model ' || n % 3, '/route/' || n, NULL, '1.0'
           FROM observa_internal.projects p, generate_series(1, {SERIES}) n;
         CREATE TEMP TABLE latencies AS
         SELECT n, observa.histogram(exp(6 + random() * 2))::bytea AS latency FROM generate_series(1, 50) n, generate_series(1, 30) GROUP BY n;
         INSERT INTO observa_internal.metrics
         SELECT s.tenant_id, r.resolution, r.bucket, s.series_id, e.n, 0, 0, e.n, e.n, e.n * 900, e.n * 300, 0, 0, 0, e.n * 1200, e.n * 0.002,
                l.latency, NULL
           FROM observa_internal.metric_series s,
                (SELECT 'minute' AS resolution, date_trunc('minute', now()) - m * interval '1 minute' AS bucket, 30 AS base FROM generate_series(-30, 120) m
                 UNION ALL
                 SELECT 'hour', date_trunc('hour', now(), 'UTC') - h * interval '1 hour', 1800 FROM generate_series(0, {HOURS}) h) r,
                LATERAL (SELECT r.base + (hashtext(r.bucket::text || s.series_id::text) % 10) AS n) e,
                LATERAL (SELECT latency FROM latencies WHERE n = 1 + abs(hashtext(r.bucket::text) % 50)) l;
         INSERT INTO observa_internal.metric_totals
         SELECT m.tenant_id, m.resolution, m.bucket, s.project_id, 'prod', 'llm_call', sum(m.events), 0, 0, sum(m.billable), sum(m.priced),
                sum(m.input_tokens), sum(m.output_tokens), 0, 0, 0, sum(m.total_tokens), sum(m.cost_usd), sum(m.events) * 0.8, sum(m.events),
                sum(m.events) * 0.1, sum(m.events), sum(m.events) * 0.2, sum(m.events), (array_agg(m.latency))[1], NULL
           FROM observa_internal.metrics m JOIN observa_internal.metric_series s USING (tenant_id, series_id) GROUP BY 1, 2, 3, 4;
         INSERT INTO observa_internal.detection_rules (tenant_id, name, metric, window_minutes, threshold, group_by, filter, direction, severity,
                min_samples, no_data, for_minutes, resolve_minutes)
         SELECT t.tenant_id, 'own ' || n, metric, minutes, 1e12, by::text[], filter::jsonb, 'above', 'medium', 0, 'ok', 0, 5
           FROM observa_internal.tenants t,
                (SELECT row_number() OVER () AS n, *
                   FROM (VALUES ('count', '{{model}}', '{{}}'), ('tokens', '{{route}}', '{{\"event_type\": \"llm_call\"}}'), ('cost', '{{model,route}}', '{{}}'),
                                ('p95_latency', '{{model}}', '{{\"event_type\": \"llm_call\"}}'), ('count', '{{version}}', '{{\"model\": [\"model 1\", \"model 2\"]}}')) v (metric, by, filter),
                        (VALUES (5), (15), (60), (1440)) w (minutes)) rules;
         ANALYZE observa_internal.metrics; ANALYZE observa_internal.metric_totals; ANALYZE observa_internal.metric_series;
         ANALYZE observa_internal.detection_rules; ANALYZE observa_internal.tenants"
    ))?;
    Ok(())
}
