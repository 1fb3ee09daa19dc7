//! The page over a month of 10 million events, as a tenant's reader asks for it.

use anyhow::{Result, ensure};
use postgres::Client;

use crate::ingest::{self, empty};
use crate::measure::{Table, median, time};
use crate::rollups::fill_totals;

pub fn run(client: &mut Client, lines: &[String], table: &mut Table) -> Result<()> {
    empty(client)?;
    // The last hour's events are real ones: they are the traces, conversations and texts of the page.
    for batch in lines.chunks(500) {
        ingest::ingest(client, &[batch.join("\n").into_bytes()])?;
    }
    client.batch_execute("SELECT observa.run_maintenance()")?;
    fill_totals(client, 10_000_000)?;
    // A day's and a month's sums of 60 series, and a million traces that are neither slow nor dear.
    client.batch_execute(
        "INSERT INTO observa_internal.metric_series (tenant_id, series_id, project_id, environment, event_type, provider, model, route, status, last_seen)
         SELECT p.tenant_id, gen_random_uuid(), p.project_id, 'prod', 'llm_call', 'openai', 'model-' || n % 10, '/route-' || n % 6, CASE WHEN n % 20 = 0 THEN 'error' ELSE 'ok' END, now()
           FROM observa_internal.projects p, generate_series(1, 60) n;
         INSERT INTO observa_internal.metrics (tenant_id, resolution, bucket, series_id, events, errors, timeouts, billable, input_tokens, output_tokens,
                cached_input_tokens, cache_write_tokens, reasoning_tokens, total_tokens, priced, cost_usd, latency)
         SELECT s.tenant_id, r.resolution, r.bucket, s.series_id, 230, CASE s.status WHEN 'error' THEN 230 ELSE 0 END, 0, 230, 200000, 70000, 0, 0, 0, 270000, 230, 0.5, h.latency
           FROM observa_internal.metric_series s,
                LATERAL (SELECT 'week' AS resolution, date_trunc('week', now(), 'UTC') - w * interval '7 days' AS bucket FROM generate_series(0, 4) w
                         UNION ALL
                         SELECT 'day', date_trunc('day', now(), 'UTC') - d * interval '1 day' FROM generate_series(0, 29) d
                         UNION ALL
                         SELECT 'hour', date_trunc('hour', now(), 'UTC') - h * interval '1 hour' FROM generate_series(0, 719) h) r,
                LATERAL (SELECT observa.histogram(exp(6 + random() * 3))::bytea AS latency FROM generate_series(1, 230)) h
          WHERE s.model LIKE 'model-%' AND s.route LIKE '/route-%'
         ON CONFLICT DO NOTHING;
         INSERT INTO observa_internal.traces (tenant_id, trace_id, project_id, name, started_at, ended_at, worst, models, event_count,
                input_tokens, output_tokens, priced, cost_usd, signal_count, user_id)
         SELECT p.tenant_id, md5(n::text), p.project_id, 'chat', now() - n * interval '2.5 seconds', now() - n * interval '2.5 seconds' + interval '10 ms', 'ok',
                '{gpt-4o}', 5, 1000, 300, 5, 0.000001, 0, 'user ' || n % 10000
           FROM observa_internal.projects p, generate_series(1, 1000000) n;
         DO $$ BEGIN CREATE ROLE bench_reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
         GRANT observa_read TO bench_reader",
    )?;
    client.batch_execute("VACUUM ANALYZE")?;
    let mut transaction = client.transaction()?;
    let tenant: String =
        transaction.query_one("SELECT tenant_id::text FROM observa_internal.projects LIMIT 1", &[])?.get(0);
    transaction.batch_execute(&format!(
        "SET LOCAL observa.acting = '{tenant}//iqa/'; SET LOCAL ROLE bench_reader"
    ))?;
    for (window, name) in [("1 day", "a day"), ("7 days", "7 days"), ("30 days", "30 days")] {
        let query = format!("SELECT observa.dashboard(since => now() - interval '{window}')::text");
        let (mut took, mut bytes) = (Vec::new(), 0);
        for _ in 0..15 {
            let (elapsed, row) = time(|| transaction.query_one(&query, &[]));
            let page: String = row?.get(0);
            ensure!(page.contains("<h3 id=\"t-"), "the page shows no trace");
            bytes = page.len();
            took.push(elapsed.as_secs_f64() * 1000.0);
        }
        table.tell(&format!("the page of {name}"), "ms", median(took));
        table.tell(&format!("the page of {name}, size"), "kB", bytes as f64 / 1000.0);
    }
    Ok(())
}
