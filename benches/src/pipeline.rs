//! The pipeline alone, from a body's bytes to priced events and signals, against parsing the same bytes to JSON values.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, ensure};
use observa_pipeline::batch::{self, Batch};
use observa_pipeline::decode;
use observa_pipeline::error::Reject;
use observa_pipeline::home::{Home, Homes, Place, Shared};
use observa_pipeline::price::Book;
use observa_pipeline::scrub::Scrubber;
use observa_pipeline::settings::Settings;
use observa_pipeline::signal::RuleSet;
use uuid::Uuid;

use crate::measure::{Table, in_turn, megabytes_per_second, time};

/// Events of one body, as a busy client sends them.
const BATCH: usize = 1_000;

/// One tenant, with everything as it comes.
pub struct OneHome(pub Arc<Home>);

impl Homes for OneHome {
    fn home(&mut self, _place: Place) -> Result<Arc<Home>, Reject> {
        Ok(Arc::clone(&self.0))
    }
}

impl OneHome {
    pub fn with_rules(rules: RuleSet) -> OneHome {
        OneHome(Arc::new(home(rules)))
    }
}

pub fn home(rules: RuleSet) -> Home {
    Home {
        tenant_id: Uuid::nil(),
        tenant_name: "default".to_owned(),
        project_id: Uuid::nil(),
        environment: "prod".to_owned(),
        pseudonym_key: vec![7; 32],
        scrubber: Shared::BuiltIn(Scrubber::builtin()),
        book: Shared::BuiltIn(Book::builtin()),
        rules: Arc::new(rules),
        quality_scores: true,
        analysis: None,
        metric_tags: Vec::new(),
    }
}

/// Bodies of so many events as a busy client sends.
pub fn bodies(lines: &[String]) -> Vec<String> {
    lines.chunks(BATCH).map(|chunk| chunk.join("\n")).collect()
}

pub fn settings() -> Settings {
    Settings { max_batch_bytes: usize::MAX, ..Settings::default() }
}

/// Microseconds since 1970 UTC.
pub fn now() -> Result<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?)
}

/// The way of bodies through the pipeline; how many events came out of it.
pub fn read(bodies: &[String], homes: &mut OneHome) -> Result<usize> {
    let (settings, now) = (settings(), now()?);
    bodies.iter().try_fold(0, |done, body| {
        let lines = decode::lines(body.as_bytes(), &settings)?;
        let Batch { ready, rejected, .. } = black_box(batch::read(&lines, &settings, homes, now));
        ensure!(rejected.is_empty(), "line rejected: {:?}", rejected.first().map(|bad| &bad.reject));
        Ok(done + ready.len())
    })
}

pub fn run(what: &str, lines: &[String], rounds: usize, table: &mut Table) -> Result<()> {
    run_bodies(&format!("pipeline, {what}"), &bodies(lines), lines.len(), rounds, table)
}

/// Bodies that hold so many events, whatever their format.
pub fn run_bodies(
    what: &str,
    bodies: &[String],
    events: usize,
    rounds: usize,
    table: &mut Table,
) -> Result<()> {
    let bytes: usize = bodies.iter().map(String::len).sum();
    let mut homes = OneHome::with_rules(RuleSet::default());
    let mut ours = || {
        let (took, done) = time(|| read(bodies, &mut homes));
        ensure!(done? == events, "events are missing");
        Ok(megabytes_per_second(bytes, took))
    };
    let parse = || {
        let (took, parsed) = time(|| {
            bodies.iter().flat_map(|body| body.lines()).try_for_each(|line| {
                black_box(serde_json::from_slice::<serde_json::Value>(line.as_bytes())?);
                Ok::<(), serde_json::Error>(())
            })
        });
        parsed?;
        Ok(megabytes_per_second(bytes, took))
    };
    ours()?;
    table.compare(what, "MB/s", &in_turn(rounds, &mut ours, parse)?, "serde_json to Value");
    Ok(())
}
