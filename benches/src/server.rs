//! The extension in a server: many connections, one event at a time, the memory of a backend, the SQL function over a table.

use std::thread;

use anyhow::{Result, anyhow};
use postgres::{Client, NoTls};

use crate::corpus;
use crate::ingest;
use crate::measure::{Table, in_turn, megabytes_per_second, quantile, time};

/// Events of many connections at once, each with events of its own.
pub fn connections(connect: &str, count: u64, each: usize, newest: i64, table: &mut Table) -> Result<()> {
    let mut client = Client::connect(connect, NoTls)?;
    for connections in [1, count] {
        ingest::empty(&mut client)?;
        let bodies: Vec<Vec<Vec<u8>>> = (0..connections)
            .map(|run| {
                let lines = corpus::events(each, newest, run + 1);
                lines.chunks(1_000).map(|chunk| chunk.join("\n").into_bytes()).collect()
            })
            .collect();
        let (took, stored) = time(|| {
            thread::scope(|scope| {
                let working: Vec<_> = bodies
                    .iter()
                    .map(|bodies| {
                        scope.spawn(|| ingest::ingest(&mut Client::connect(connect, NoTls)?, bodies))
                    })
                    .collect();
                working.into_iter().try_fold(0, |stored, one| {
                    Ok::<i64, anyhow::Error>(
                        stored + one.join().map_err(|_| anyhow!("a connection failed"))??,
                    )
                })
            })
        });
        let speed = stored? as f64 / took.as_secs_f64();
        table.tell(&format!("ingest, {connections} connections, 1,000 a batch"), "events/s", speed);
    }
    Ok(())
}

/// The time of an ingest of one event, over a connection on the same machine, commit included.
pub fn single_events(client: &mut Client, newest: i64, table: &mut Table) -> Result<()> {
    ingest::empty(client)?;
    let statement = client.prepare("SELECT observa.ingest($1::bytea)")?;
    for commit in ["on", "off"] {
        client.batch_execute(&format!("SET synchronous_commit = {commit}"))?;
        let mut times = Vec::with_capacity(2_000);
        for line in corpus::events(2_000, newest, 100 + commit.len() as u64) {
            let (took, answer) = time(|| client.query_one(&statement, &[&line.as_bytes()]));
            answer?;
            times.push(took.as_secs_f64() * 1e6);
        }
        let what = format!("ingest of one event, synchronous_commit {commit}");
        table.tell(&format!("{what}, p50"), "us", quantile(&mut times, 0.5));
        table.tell(&format!("{what}, p99"), "us", quantile(&mut times, 0.99));
    }
    client.batch_execute("RESET synchronous_commit")?;
    Ok(())
}

/// What a backend holds after 20 batches and after 200 more.
pub fn memory(client: &mut Client, newest: i64, table: &mut Table) -> Result<()> {
    ingest::empty(client)?;
    let bodies: Vec<Vec<u8>> = corpus::events(20_000, newest, 200)
        .chunks(1_000)
        .map(|chunk| chunk.join("\n").into_bytes())
        .collect();
    for (rounds, what) in [(1, "20 batches"), (10, "200 more")] {
        for _ in 0..rounds {
            ingest::ingest(client, &bodies)?;
        }
        let contexts: f64 =
            client.query_one("SELECT sum(total_bytes)::float8 FROM pg_backend_memory_contexts", &[])?.get(0);
        let status: String =
            client.query_one("SELECT pg_read_file('/proc/' || pg_backend_pid() || '/status')", &[])?.get(0);
        let own = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).unwrap_or_default();
        let own: f64 = own.trim().trim_end_matches(" kB").parse().unwrap_or_default();
        table.tell(&format!("memory contexts of a backend after {what}"), "kB", contexts / 1e3);
        table.tell(&format!("resident memory of its own after {what}"), "kB", own);
    }
    Ok(())
}

/// observa.scrub over a column of 50 MB against md5 of it.
pub fn scrub_column(
    client: &mut Client,
    what: &str,
    prose: &str,
    rounds: usize,
    table: &mut Table,
) -> Result<()> {
    client.batch_execute("CREATE TEMP TABLE texts (body text COMPRESSION lz4)")?;
    let insert = client.prepare("INSERT INTO texts SELECT unnest($1::text[])")?;
    for texts in crate::scrub::pieces(prose).chunks(1_000) {
        client.execute(&insert, &[&texts])?;
    }
    let bytes: i64 = client.query_one("SELECT sum(octet_length(body)) FROM texts", &[])?.get(0);
    let client = std::cell::RefCell::new(client);
    let speed = |function: &str| {
        let query = format!("SELECT sum(length({function}(body))) FROM texts");
        let (took, answer) = time(|| client.borrow_mut().query_one(&query, &[]));
        answer?;
        Ok::<f64, anyhow::Error>(megabytes_per_second(bytes as usize, took))
    };
    speed("observa.scrub")?;
    let pair = in_turn(rounds, || speed("observa.scrub"), || speed("md5"))?;
    let megabytes = bytes / 1_000_000;
    table.compare(&format!("observa.scrub, {what}, {megabytes} MB column"), "MB/s", &pair, "md5()");
    client.borrow_mut().batch_execute("DROP TABLE texts")?;
    Ok(())
}
