//! The tables of the overview: each is a title, a query and how to show its columns.

use comfy_table::{Attribute, Cell, CellAlignment, Color, Table, presets};
use console::style;
use postgres::{Client, Row};

use crate::figure;

/// How a column is shown; the query casts to the type in brackets.
enum Column {
    /// \[text\] cut to this width
    Text(&'static str, usize),
    /// \[text\] high and critical in red, medium and warning in yellow
    Severity,
    /// \[int8\]
    Count(&'static str),
    /// \[int8\]
    Tokens(&'static str),
    /// \[float8\] NULL is «no price»
    Dollars(&'static str),
    /// \[float8\]
    Millis(&'static str),
    /// \[float8\] drawn as a bar against the largest of its column
    Bar,
}

pub struct Section {
    title: &'static str,
    sql: &'static str,
    columns: &'static [Column],
}

pub const SECTIONS: &[Section] = &[
    Section {
        title: "Cost by model",
        sql: "SELECT model, count(*), sum(input_tokens)::int8, sum(output_tokens)::int8, sum(cost_usd)::float8, sum(cost_usd)::float8
              FROM observa.events WHERE billable AND model IS NOT NULL
              GROUP BY model ORDER BY sum(cost_usd) DESC NULLS LAST, count(*) DESC, model LIMIT 20",
        columns: &[
            Column::Text("model", 34),
            Column::Count("calls"),
            Column::Tokens("tokens in"),
            Column::Tokens("out"),
            Column::Dollars("cost"),
            Column::Bar,
        ],
    },
    Section {
        title: "Slowest routes",
        sql: "SELECT route, count(*), percentile_cont(0.5) WITHIN GROUP (ORDER BY latency_ms::float8),
                     percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms::float8) AS p95,
                     count(*) FILTER (WHERE status <> 'ok'),
                     percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms::float8)
              FROM observa.events WHERE event_type = 'llm_call' AND route IS NOT NULL
              GROUP BY route ORDER BY p95 DESC NULLS LAST, route LIMIT 8",
        columns: &[
            Column::Text("route", 34),
            Column::Count("calls"),
            Column::Millis("p50"),
            Column::Millis("p95"),
            Column::Count("failed"),
            Column::Bar,
        ],
    },
    Section {
        title: "Signals",
        sql: "SELECT severity, name, count(*), mode() WITHIN GROUP (ORDER BY coalesce(route, model)),
                     to_char(max(ts) AT TIME ZONE 'UTC', 'DD Mon HH24:MI'), count(*)::float8
              FROM observa.signals GROUP BY severity, name
              ORDER BY array_position(ARRAY['high', 'medium', 'low'], severity::text), count(*) DESC, name LIMIT 24",
        columns: &[
            Column::Severity,
            Column::Text("signal", 26),
            Column::Count("times"),
            Column::Text("mostly", 26),
            Column::Text("last", 12),
            Column::Bar,
        ],
    },
    Section {
        title: "Open alerts",
        sql: "SELECT severity, title, occurrences::int8, to_char(first_seen AT TIME ZONE 'UTC', 'DD Mon HH24:MI')
              FROM observa.alerts WHERE status IN ('active', 'acknowledged')
              ORDER BY array_position(ARRAY['critical', 'warning', 'info'], severity::text), last_seen DESC, title LIMIT 10",
        columns: &[
            Column::Severity,
            Column::Text("alert", 60),
            Column::Count("times"),
            Column::Text("since", 12),
        ],
    },
    // Kinds come from the placeholders, as the stored texts have them.
    Section {
        title: "Redacted before it was stored",
        sql: "SELECT kind[1], count(DISTINCT (e.ts, e.event_id)), count(DISTINCT (e.ts, e.event_id))::float8
              FROM observa.events e,
                   regexp_matches(concat_ws(' ', e.input, e.output, e.attributes), '\\[REDACTED:([^]]+)\\]', 'g') AS kind
              WHERE e.redactions::text NOT IN ('0', '{}', '[]')
              GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 12",
        columns: &[Column::Text("kind", 34), Column::Count("events"), Column::Bar],
    },
    // Read as JSON: a dead letter's columns besides these three are the server's business.
    Section {
        title: "Newest rejected lines",
        sql: "SELECT letter->>'code', letter->>'message'
              FROM (SELECT to_jsonb(r) AS letter FROM observa.rejected_events r) AS letters
              ORDER BY letter->>'created_at' DESC NULLS LAST, (letter->>'line')::int8 DESC LIMIT 6",
        columns: &[Column::Text("code", 24), Column::Text("message", 66)],
    },
];

impl Section {
    /// Prints the table; nothing when the query has no rows.
    pub fn print(&self, client: &mut Client) -> anyhow::Result<()> {
        let rows = client.query(self.sql, &[]).map_err(figure::server_failure)?;
        if rows.is_empty() {
            return Ok(());
        }
        let mut table = Table::new();
        table.load_preset(presets::NOTHING);
        table.set_header(self.columns.iter().map(|column| {
            Cell::new(column.heading()).add_attribute(Attribute::Dim).set_alignment(column.alignment())
        }));
        let largest = rows.iter().filter_map(|row| self.bar(row)).fold(0.0, f64::max);
        for row in &rows {
            let cells =
                self.columns.iter().enumerate().map(|(index, column)| column.cell(row, index, largest));
            table.add_row(cells.collect::<Result<Vec<_>, _>>()?);
        }
        println!("\n{}\n{table}", style(self.title).bold());
        Ok(())
    }

    fn bar(&self, row: &Row) -> Option<f64> {
        let index = self.columns.iter().position(|column| matches!(column, Column::Bar))?;
        row.try_get(index).ok()?
    }
}

impl Column {
    fn heading(&self) -> &'static str {
        match self {
            Self::Text(heading, _)
            | Self::Count(heading)
            | Self::Tokens(heading)
            | Self::Dollars(heading) => heading,
            Self::Millis(heading) => heading,
            Self::Severity | Self::Bar => "",
        }
    }

    fn alignment(&self) -> CellAlignment {
        match self {
            Self::Text(..) | Self::Severity | Self::Bar => CellAlignment::Left,
            _ => CellAlignment::Right,
        }
    }

    fn cell(&self, row: &Row, index: usize, largest: f64) -> Result<Cell, postgres::Error> {
        let text = match self {
            Self::Text(_, width) => {
                figure::short(row.try_get::<_, Option<&str>>(index)?.unwrap_or("–"), *width)
            }
            Self::Severity => {
                return row.try_get::<_, Option<&str>>(index).map(|word| severity(word.unwrap_or("–")));
            }
            Self::Count(_) => {
                figure::count(row.try_get::<_, Option<i64>>(index)?.unwrap_or(0).unsigned_abs())
            }
            Self::Tokens(_) => row.try_get::<_, Option<i64>>(index)?.map_or("–".to_owned(), figure::tokens),
            Self::Dollars(_) => figure::dollars(row.try_get(index)?),
            Self::Millis(_) => figure::millis(row.try_get(index)?),
            Self::Bar => {
                let value = row.try_get::<_, Option<f64>>(index)?.unwrap_or(0.0);
                return Ok(Cell::new(figure::bar(value, largest)).fg(Color::Cyan));
            }
        };
        Ok(Cell::new(text).set_alignment(self.alignment()))
    }
}

fn severity(word: &str) -> Cell {
    let cell = Cell::new(word);
    match word {
        "high" | "critical" => cell.fg(Color::Red),
        "medium" | "warning" => cell.fg(Color::Yellow),
        _ => cell.fg(Color::DarkGrey),
    }
}
