//! What each of the dashboards' functions takes over a month of ten million events.

use anyhow::{Context, Result};
use postgres::Client;

use crate::ingest::empty;
use crate::measure::{Table, median, time};

const CALLS: [&str; 18] = [
    "observa.dashboard_overview($a)",
    "observa.dashboard_metrics($a)",
    "observa.dashboard_latency($a)",
    "observa.dashboard_errors($a)",
    "observa.dashboard_costs($a)",
    "observa.dashboard_comparison($a)",
    "observa.dashboard_feedback($a)",
    "observa.dashboard_alerts($a)",
    "observa.costs_overview($a)",
    "observa.costs_breakdown('model', $a)",
    "observa.dashboard_breakdown('model', $a)",
    "observa.dashboard_breakdown('route', $a)",
    "observa.dashboard_breakdown('event_type', $a)",
    "observa.dashboard_breakdown('tag:customer', $a)",
    "observa.dashboard_breakdown('user', $a)",
    "observa.dashboard_time_series('day', $a)",
    "observa.dashboard_time_series('hour', $a)",
    "observa.dashboard_time_series('day', $a, time_zone => 'Asia/Kolkata')",
];

const MONTH: &str = "since => now() - interval '30 days'";
const DAY: &str = "since => now() - interval '1 day'";

pub fn run(client: &mut Client, rounds: usize, table: &mut Table) -> Result<()> {
    empty(client)?;
    client.batch_execute("DISCARD TEMP; DROP ROLE IF EXISTS bench_dashboards; CREATE ROLE bench_dashboards; GRANT observa_read TO bench_dashboards")?;
    client.batch_execute(include_str!("dashboards.sql"))?;
    // Reads are those of a tenant: a superuser's go by no index.
    let tenant: String =
        client.query_one("SELECT tenant_id::text FROM observa_internal.projects LIMIT 1", &[])?.get(0);
    client.batch_execute(&format!("SET observa.acting = '{tenant}//iqa/'; SET ROLE bench_dashboards"))?;
    for (window, name) in [(MONTH, "30 days"), (DAY, "a day")] {
        for call in CALLS {
            let query = format!("SELECT * FROM {}", call.replace("$a", window));
            let mut took = Vec::new();
            for round in 0..rounds.max(5) + 2 {
                let (elapsed, rows) = time(|| client.query(&query, &[]));
                rows.with_context(|| query.clone())?;
                // The first ones fill caches and make plans.
                if round > 1 {
                    took.push(elapsed.as_secs_f64() * 1000.0);
                }
            }
            let shown = call.trim_start_matches("observa.").replace(", $a", "").replace("($a)", "");
            table.tell(&format!("{name}, {shown}"), "ms", median(took));
        }
    }
    client.batch_execute("RESET ROLE; RESET observa.acting; DISCARD TEMP; DROP ROLE bench_dashboards")?;
    Ok(())
}
