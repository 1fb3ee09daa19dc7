//! Quantiles from stored histograms, against a sum over as many rows and against the exact ones of all latencies.

use std::cell::RefCell;

use anyhow::Result;
use postgres::Client;

use crate::measure::{Table, in_turn, time};

/// Fifty hours of minutes with a hundred calls each: lognormal, half of them below 1.1 s, 1 % above 18 s. One core, no JIT.
const FILL: &str = "SET max_parallel_workers_per_gather = 0; SET jit = off; SET work_mem = '64MB'; SELECT setseed(0.5);
    CREATE TEMP TABLE calls AS SELECT minute, exp(7 + 1.2 * sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())) AS ms
      FROM generate_series(1, 3000) minute, generate_series(1, 100);
    CREATE TEMP TABLE minutes AS SELECT minute, observa.histogram(ms) AS latency, count(*) AS calls FROM calls GROUP BY minute;
    ANALYZE calls; ANALYZE minutes";

struct Comparison {
    what: &'static str,
    /// Of these so many are in a run of either side.
    count: f64,
    unit: &'static str,
    ours: &'static str,
    peer: &'static str,
    theirs: &'static str,
}

const COMPARISONS: [Comparison; 3] = [
    Comparison {
        what: "merge 3,000 histograms of 100 latencies, p95",
        count: 3_000.0,
        unit: "rows/s",
        ours: "SELECT observa.quantile(observa.merge(latency), 0.95) FROM minutes",
        peer: "sum(bigint)",
        theirs: "SELECT sum(calls) FROM minutes",
    },
    Comparison {
        what: "p95 of the 300,000 latencies in them",
        count: 300_000.0,
        unit: "latencies/s",
        ours: "SELECT observa.quantile(observa.merge(latency), 0.95) FROM minutes",
        peer: "percentile_disc",
        theirs: "SELECT percentile_disc(0.95) WITHIN GROUP (ORDER BY ms) FROM calls",
    },
    Comparison {
        what: "a histogram of 300,000 latencies",
        count: 300_000.0,
        unit: "latencies/s",
        ours: "SELECT observa.histogram(ms) FROM calls",
        peer: "avg(float8)",
        theirs: "SELECT avg(ms) FROM calls",
    },
];

pub fn run(client: &mut Client, rounds: usize, table: &mut Table) -> Result<()> {
    client.batch_execute(FILL)?;
    for Comparison { what, count, unit, ours, peer, theirs } in COMPARISONS {
        // Both sides of a pair are asked over the one connection that has the tables.
        let client = RefCell::new(&mut *client);
        let speed = |sql: &str| -> Result<f64> {
            let (took, answer) = time(|| client.borrow_mut().query_one(sql, &[]));
            answer?;
            Ok(count / took.as_secs_f64())
        };
        let pair = in_turn(rounds, || speed(ours), || speed(theirs))?;
        table.compare(what, unit, &pair, peer);
    }
    for count in [1, 100, 10_000] {
        let sql = format!(
            "SELECT octet_length(observa_internal.histogram_send(observa.histogram(ms))) FROM (TABLE calls LIMIT {count}) c"
        );
        let bytes: i32 = client.query_one(&sql, &[])?.get(0);
        table.tell(&format!("one histogram, {count} latencies"), "bytes", f64::from(bytes));
    }
    client.batch_execute("DROP TABLE calls, minutes; RESET ALL")?;
    Ok(())
}
