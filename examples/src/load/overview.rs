//! What Observa knows, at a glance: through its public views alone, as any client could.

mod section;
mod totals;

use console::style;
use postgres::Client;

use crate::figure;
use crate::span_tree;

pub fn print(client: &mut Client) -> anyhow::Result<()> {
    if !totals::print(client)? {
        println!(
            "No events yet. Send one: SELECT observa.ingest('{{\"model\":\"gpt-4o-mini\",\"latency_ms\":640}}');"
        );
        return Ok(());
    }
    for section in section::SECTIONS {
        section.print(client)?;
    }
    print_dearest_trace(client)
}

/// The trace that cost most, as a tree.
fn print_dearest_trace(client: &mut Client) -> anyhow::Result<()> {
    let sql =
        "SELECT trace_id, name, cost_usd::float8, latency_ms::float8, event_count::int8, signal_count::int8
               FROM observa.traces WHERE cost_usd IS NOT NULL
               ORDER BY cost_usd DESC, trace_id LIMIT 1";
    let Some(row) = client.query_opt(sql, &[]).map_err(figure::server_failure)? else { return Ok(()) };
    let trace_id: String = row.try_get(0)?;
    let name: Option<String> = row.try_get(1)?;
    println!(
        "\n{}  {}",
        style("The dearest trace").bold(),
        style(format!(
            "{} · {} · {} · {} events · {} signals",
            name.as_deref().unwrap_or(&trace_id),
            figure::dollars(row.try_get(2)?),
            figure::millis(row.try_get(3)?),
            row.try_get::<_, Option<i64>>(4)?.unwrap_or(0),
            row.try_get::<_, Option<i64>>(5)?.unwrap_or(0),
        ))
        .dim()
    );
    let row = client.query_one("SELECT observa.trace($1)", &[&trace_id]).map_err(figure::server_failure)?;
    match row.try_get::<_, Option<serde_json::Value>>(0) {
        Ok(trace) => print!("{}", span_tree::draw(&trace.unwrap_or_default())),
        // The client reads JSON down to 128 levels.
        Err(_) => println!("  nested too deeply to be drawn: SELECT observa.trace('{trace_id}')"),
    }
    Ok(())
}
