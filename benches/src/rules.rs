//! What rules over single events cost: the same events with all of them, those that are off by default too, and with none.

use std::cell::{Cell, RefCell};
use std::hint::black_box;
use std::sync::Arc;

use anyhow::{Result, ensure};
use clap::ValueEnum;
use observa_pipeline::analysis::{self, Evaluator, Plan, Scope};
use observa_pipeline::batch::{self, Ready};
use observa_pipeline::decode;
use observa_pipeline::rollup::{Delta, Fact};
use observa_pipeline::signal::rules::Override;
use observa_pipeline::signal::{RULES, RuleSet};
use postgres::Client;

use crate::ingest::{self, empty};
use crate::measure::{Table, in_turn, megabytes_per_second, processor_time};
use crate::pipeline::{self, OneHome};

/// What instructions are counted of.
#[derive(Clone, Copy, PartialEq, ValueEnum)]
pub enum Counted {
    /// The pipeline with no rules
    None,
    /// With those that are on by default
    Usual,
    /// With all
    All,
    /// What a batch appends for the rollups
    Deltas,
    /// Which events judges are shown, at the usual rate
    Candidates,
}

fn all(enabled: bool) -> RuleSet {
    let set = |rule: &observa_pipeline::signal::Rule| Override {
        name: rule.name.to_owned(),
        enabled,
        severity: rule.severity,
        threshold: None,
    };
    RuleSet::new(&RULES.iter().map(set).collect::<Vec<_>>())
}

/// The pipeline alone, by the thread's time on the processor.
pub fn alone(what: &str, lines: &[String], rounds: usize, table: &mut Table) -> Result<()> {
    let bodies = pipeline::bodies(lines);
    let bytes: usize = bodies.iter().map(String::len).sum();
    let speed = |homes: &mut OneHome| {
        let before = processor_time("thread-self")?;
        ensure!(pipeline::read(&bodies, homes)? == lines.len(), "events are missing");
        Ok::<f64, anyhow::Error>(megabytes_per_second(bytes, processor_time("thread-self")? - before))
    };
    let (mut with, mut without) = (OneHome::with_rules(all(true)), OneHome::with_rules(all(false)));
    speed(&mut with)?;
    let pair = in_turn(rounds, || speed(&mut with), || speed(&mut without))?;
    table.compare(&format!("pipeline with all rules, {what}"), "MB/s of CPU", &pair, "without rules");
    Ok(())
}

/// Ingest, by the backend's time on the processor: what other programs do is not in it.
pub fn of_ingest(
    client: &mut Client,
    what: &str,
    lines: &[String],
    rounds: usize,
    table: &mut Table,
) -> Result<()> {
    let (bodies, round) = (pipeline::bodies(lines), Cell::new(0));
    empty(client)?;
    let client = RefCell::new(client);
    let speed = |enabled: bool| {
        let client = &mut **client.borrow_mut();
        client
            .execute("UPDATE observa.detection_rules SET enabled = $1 WHERE metric IS NULL", &[&enabled])?;
        // To empty the tables each time would take longer than what is measured: the events are new ones.
        round.set(round.get() + 1);
        let prefix = format!("\"trace_id\":\"{}-", round.get());
        let of_round = |body: &String| body.replace("\"trace_id\":\"", &prefix).into_bytes();
        let bodies: Vec<Vec<u8>> = bodies.iter().map(of_round).collect();
        // With the first one the rules are read.
        let (first, rest) = bodies.split_at(1.min(bodies.len()));
        let known = ingest::ingest(client, first)?;
        let before = ingest::processor_time(client)?;
        let stored = ingest::ingest(client, rest)?;
        let took = ingest::processor_time(client)? - before;
        ensure!(known + stored == i64::try_from(lines.len())?, "events are missing");
        Ok::<f64, anyhow::Error>(stored as f64 / took.as_secs_f64())
    };
    let pair = in_turn(rounds, || speed(true), || speed(false))?;
    client.into_inner().execute("DELETE FROM observa.detection_rules WHERE metric IS NULL", &[])?;
    table.compare(&format!("ingest with all rules, {what}"), "events/s of CPU", &pair, "without rules");
    Ok(())
}

/// Does it once; `dev/instructions` counts what [`once`] takes. How many events.
pub fn count(what: Counted, lines: &[String]) -> Result<usize> {
    let rules = match what {
        Counted::None => all(false),
        Counted::All => all(true),
        _ => RuleSet::default(),
    };
    let bodies = pipeline::bodies(lines);
    let mut home = pipeline::home(rules);
    home.analysis = (what == Counted::Candidates).then(|| Arc::new(usual_plan()));
    let mut homes = OneHome(Arc::new(home));
    if !matches!(what, Counted::Deltas | Counted::Candidates) {
        let warm = bodies.get(..1).unwrap_or_default();
        pipeline::read(warm, &mut homes)?;
        return once(|| pipeline::read(&bodies, &mut homes));
    }
    let mut events = 0;
    for body in &bodies {
        let lines = decode::lines(body.as_bytes(), &pipeline::settings())?;
        let batch = batch::read(&lines, &pipeline::settings(), &mut homes, pipeline::now()?);
        let ready: Vec<&Ready> = batch.ready.iter().collect();
        events += ready.len();
        once(|| match what {
            Counted::Candidates => black_box(analysis::candidates(&ready)).len(),
            _ => {
                let facts: Vec<Fact> = ready.iter().map(|ready| Fact::of(ready)).collect();
                let mut delta = Delta::default();
                facts.iter().for_each(|fact| delta.add(fact));
                black_box(delta.encode(&[7; 32])).len()
            }
        });
    }
    Ok(events)
}

/// A function of its own, which callgrind finds by its name.
#[inline(never)]
fn once<T>(run: impl FnOnce() -> T) -> T {
    run()
}

/// As many evaluators as are built in, of a rate of 1 %.
fn usual_plan() -> Plan {
    let evaluator = |(name, scope, triggers): &(&str, Scope, &[&str])| Evaluator {
        name: (*name).to_owned(),
        scope: *scope,
        triggers: triggers.iter().map(|trigger| (*trigger).to_owned()).collect(),
        rate: 0.01,
        needs_context: matches!(*name, "context_relevance" | "faithfulness"),
    };
    let evaluators: [(&str, Scope, &[&str]); 6] = [
        ("answer_quality", Scope::Event, &["quality_degradation"]),
        ("context_relevance", Scope::Trace, &["context_drop"]),
        ("faithfulness", Scope::Trace, &[]),
        ("hallucination", Scope::Event, &["hallucination_risk"]),
        ("prompt_injection", Scope::Event, &["prompt_injection"]),
        ("toxicity", Scope::Event, &["high_toxicity"]),
    ];
    Plan { evaluators: evaluators.iter().map(evaluator).collect(), embedding_rate: 0.0 }
}
