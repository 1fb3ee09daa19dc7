//! What the scores say of real turns, and how long one answer takes: the shares that would alarm, of answers that nobody chose for
//! it, are what docs/quality.md has.

use std::hint::black_box;
use std::path::Path;

use anyhow::{Result, ensure};
use observa_pipeline::quality::{Quality, judge};

use crate::measure::{Table, median, processor_time};
use crate::turns;

struct Share {
    name: &'static str,
    alarms: fn(&Quality) -> bool,
}

/// The lines of the rules `high_toxicity` and `hallucination_risk`, and that of docs/quality.md.
const SHARES: [Share; 3] = [
    Share { name: "toxicity above 0.7", alarms: |quality| quality.toxicity.is_some_and(|score| score > 0.7) },
    Share {
        name: "hallucination_risk above 0.7",
        alarms: |quality| quality.hallucination_risk.is_some_and(|score| score > 0.7),
    },
    Share {
        name: "coherence below 0.7",
        alarms: |quality| quality.coherence.is_some_and(|score| score < 0.7),
    },
];

pub fn run(path: &Path, rounds: usize, table: &mut Table) -> Result<()> {
    let turns = turns::texts(path)?;
    ensure!(!turns.is_empty(), "no turns");
    let judge_all =
        || -> Vec<Quality> { turns.iter().map(|(prompt, answer)| judge(prompt, answer)).collect() };
    let count = turns.len() as f64;
    let scored = judge_all();
    table.tell("real turns", "turns", count);
    for share in SHARES {
        let alarms = scored.iter().filter(|quality| (share.alarms)(quality)).count();
        table.tell(&format!("real turns with {}", share.name), "%", alarms as f64 / count * 100.0);
    }
    let micros = || {
        let before = processor_time("thread-self")?;
        black_box(judge_all());
        Ok((processor_time("thread-self")? - before).as_secs_f64() * 1e6 / count)
    };
    let bytes: usize = turns.iter().map(|(prompt, answer)| prompt.len() + answer.len()).sum();
    table.tell("real turns, prompt and answer", "bytes", bytes as f64 / count);
    let micros: Vec<f64> = (0..rounds).map(|_| micros()).collect::<Result<_>>()?;
    table.tell("scores of one answer, real turns", "us of CPU", median(micros));
    Ok(())
}
