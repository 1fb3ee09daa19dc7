//! The headline: how much, how fast, how dear.

use console::style;
use postgres::Client;

use crate::figure;

/// Sums of tokens and money count billable events only: wrappers and agents repeat what their calls used.
const SQL: &str = "
    SELECT count(*), count(DISTINCT trace_id), count(DISTINCT user_id), count(DISTINCT tenant_id),
           count(*) FILTER (WHERE status <> 'ok'),
           percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms::float8) FILTER (WHERE event_type = 'llm_call'),
           percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms::float8) FILTER (WHERE event_type = 'llm_call'),
           coalesce(sum(input_tokens) FILTER (WHERE billable), 0)::int8,
           coalesce(sum(output_tokens) FILTER (WHERE billable), 0)::int8,
           (sum(cost_usd) FILTER (WHERE billable))::float8,
           count(*) FILTER (WHERE billable AND cost_usd IS NULL),
           to_char(min(ts) AT TIME ZONE 'UTC', 'DD Mon HH24:MI'), to_char(max(ts) AT TIME ZONE 'UTC', 'DD Mon HH24:MI')
    FROM observa.events";

/// Prints the headline; false when there are no events.
pub fn print(client: &mut Client) -> anyhow::Result<bool> {
    let row = client.query_one(SQL, &[]).map_err(figure::server_failure)?;
    let count = |column: usize| row.try_get::<_, i64>(column);
    let events = count(0)?;
    if events == 0 {
        return Ok(false);
    }
    let shown = |value: i64| figure::count(value.unsigned_abs());
    let span: [Option<String>; 2] = [row.try_get(11)?, row.try_get(12)?];
    let [first, last] = span.map(Option::unwrap_or_default);
    println!("\n{}  {}", style("Observa").bold().cyan(), style(format!("{first} to {last} UTC")).dim());

    let lines = [
        [
            ("events", shown(events)),
            ("users", shown(count(2)?)),
            ("p50", figure::millis(row.try_get(5)?)),
            ("tokens in", figure::tokens(count(7)?)),
        ],
        [
            ("traces", shown(count(1)?)),
            ("tenants", shown(count(3)?)),
            ("p95", figure::millis(row.try_get(6)?)),
            ("tokens out", figure::tokens(count(8)?)),
        ],
        [
            ("failed", shown(count(4)?)),
            ("share", figure::percent(count(4)?, events)),
            ("cost", figure::dollars(row.try_get(9)?)),
            ("cost unknown", format!("{} calls", shown(count(10)?))),
        ],
    ];
    for line in lines {
        let cells = line.map(|(name, value)| format!("{} {value:<9}", style(format!("{name:>10}")).dim()));
        println!("{}", cells.concat().trim_end());
    }
    Ok(true)
}
