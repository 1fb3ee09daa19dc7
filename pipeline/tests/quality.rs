//! How far the heuristics of `quality` agree with labels (`tests/quality/`): on the half of the sample that they were not tuned on.
//! `cargo test -p observa-pipeline --test quality -- --nocapture` prints the table of docs/quality.md; OBSERVA_QUALITY_SAMPLE names
//! another sample, OBSERVA_QUALITY_TUNED=1 takes the other half.

#![allow(clippy::unwrap_used)]

use observa_pipeline::quality::{Quality, judge};
use serde::Deserialize;

#[derive(Deserialize)]
struct Labelled {
    prompt: String,
    response: String,
    category: String,
    sentiment: String,
    toxic: bool,
    coherent: bool,
    grounded: bool,
}

/// Prompts decide the half: pairs of one prompt are not independent.
fn is_tuned_on(row: &Labelled) -> bool {
    row.prompt.bytes().map(u32::from).sum::<u32>() % 2 == 0
}

fn sample() -> Vec<(Labelled, Quality)> {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/quality/sample.jsonl");
    let path = std::env::var("OBSERVA_QUALITY_SAMPLE").unwrap_or_else(|_| own.into());
    let tuned = std::env::var("OBSERVA_QUALITY_TUNED").is_ok();
    let lines = std::fs::read_to_string(path).unwrap();
    let rows = lines.lines().map(|line| serde_json::from_str::<Labelled>(line).unwrap());
    rows.filter(|row| is_tuned_on(row) == tuned)
        .map(|row| {
            let quality = judge(&row.prompt, &row.response);
            (row, quality)
        })
        .collect()
}

/// One score against the label that it should tell.
struct Claim {
    name: &'static str,
    /// Over this a score says yes; no score says no.
    line: f64,
    score: fn(&Quality) -> Option<f64>,
    label: fn(&Labelled) -> bool,
    /// The least accuracy and area under the ROC curve: what docs/quality.md says, less what a change of words may cost.
    least: (f64, f64),
}

const CLAIMS: [Claim; 5] = [
    Claim {
        name: "toxicity",
        line: 0.5,
        score: |quality| quality.toxicity,
        label: |row| row.toxic,
        least: (0.87, 0.64),
    },
    Claim {
        name: "not coherent",
        line: 0.3,
        score: |quality| Some(1.0 - quality.coherence?),
        label: |row| !row.coherent,
        least: (0.84, 0.67),
    },
    Claim {
        name: "hallucination_risk",
        line: 0.5,
        score: |quality| quality.hallucination_risk,
        label: |row| !row.grounded,
        least: (0.82, 0.70),
    },
    Claim {
        name: "sentiment, positive",
        line: 0.3,
        score: |quality| quality.sentiment,
        label: |row| row.sentiment == "positive",
        least: (0.77, 0.73),
    },
    Claim {
        name: "sentiment, negative",
        line: 0.1,
        score: |quality| Some(-quality.sentiment?),
        label: |row| row.sentiment == "negative",
        least: (0.73, 0.70),
    },
];

/// The chance that of two rows the one with the label has the higher score.
fn area(scored: &[(f64, bool)]) -> f64 {
    let of = |label: bool| scored.iter().filter(move |(_, is)| *is == label).map(|(score, _)| *score);
    let (mut wins, mut pairs) = (0.0, 0.0);
    for yes in of(true) {
        for no in of(false) {
            pairs += 1.0;
            wins += if yes > no { 1.0 } else { f64::from(yes == no) / 2.0 };
        }
    }
    wins / pairs
}

#[test]
fn scores_agree_with_labels_as_documented() {
    let sample = sample();
    println!("| score | rows | scored | accuracy | precision | recall | area |");
    for claim in CLAIMS {
        // What has no score raises no alarm: it says no.
        let score = |quality: &Quality| (claim.score)(quality).unwrap_or(f64::NEG_INFINITY);
        let scored: Vec<(f64, bool)> =
            sample.iter().map(|(row, quality)| (score(quality), (claim.label)(row))).collect();
        let count = |said: bool, is: bool| {
            scored.iter().filter(|(score, label)| (*score > claim.line) == said && *label == is).count()
                as f64
        };
        let (hits, alarms, misses) = (count(true, true), count(true, false), count(false, true));
        let (accuracy, area) = ((hits + count(false, false)) / scored.len() as f64, area(&scored));
        let (precision, recall) = (hits / (hits + alarms), hits / (hits + misses));
        let (rows, known) = (scored.len(), scored.iter().filter(|(score, _)| score.is_finite()).count());
        println!(
            "| {} | {rows} | {known} | {accuracy:.2} | {precision:.2} | {recall:.2} | {area:.2} |",
            claim.name
        );
        assert!(accuracy >= claim.least.0 && area >= claim.least.1, "{}", claim.name);
    }
}

#[test]
fn categories_agree_with_labels_as_documented() {
    let sample = sample();
    let right = sample.iter().filter(|(row, quality)| quality.prompt_category == Some(row.category.as_str()));
    let share = right.count() as f64 / sample.len() as f64;
    println!("| prompt_category | {} | {share:.2} |", sample.len());
    assert!(share >= 0.75);
}
