//! How far `prompt_injection` agrees with labels (`tests/injection/`): on the half of the sample that the patterns were not tuned on.
//! `cargo test -p observa-pipeline --test injection -- --nocapture` prints the table of docs/signals.md; OBSERVA_INJECTION_TUNED=1 takes
//! the other half and shows what it gets wrong.

#![allow(clippy::unwrap_used)]

use observa_pipeline::signal::RULES;
use observa_pipeline::signal::injection::{Source, judge};

struct Labelled {
    is_injection: bool,
    source: Source,
    language: String,
    text: String,
}

/// FNV-1a of the text decides the half.
fn is_tuned_on(text: &str) -> bool {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (hash >> 32) % 2 == 0
}

fn sample(lines: &str) -> Vec<Labelled> {
    lines
        .lines()
        .map(|line| {
            let [label, source, language, text] = line.splitn(4, '\t').collect::<Vec<_>>()[..] else {
                panic!("{line}")
            };
            let text = serde_json::from_str(&format!("\"{}\"", text.replace('"', "\\\""))).unwrap();
            let source = if source == "user" { Source::User } else { Source::Retrieved };
            Labelled { is_injection: label == "1", source, language: language.into(), text }
        })
        .collect()
}

/// Prints recall and the share of false alarms, by source and language; gives those of all.
fn measure(rows: &[(Labelled, f64)], threshold: f64) -> (f64, f64) {
    println!("| of | injections | found | recall | others | alarms | false alarms |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let share = |part: usize, of: usize| part as f64 / of.max(1) as f64;
    let measure = |name: &str, of: &dyn Fn(&Labelled) -> bool| {
        let count = |is: bool, fires: bool| {
            rows.iter()
                .filter(|(row, score)| of(row) && row.is_injection == is && (!fires || *score > threshold))
                .count()
        };
        let (is, found, other, alarms) =
            (count(true, false), count(true, true), count(false, false), count(false, true));
        println!(
            "| {name} | {is} | {found} | {:.2} | {other} | {alarms} | {:.3} |",
            share(found, is),
            share(alarms, other)
        );
        (share(found, is), share(alarms, other))
    };
    measure("what users say", &|row| row.source == Source::User);
    measure("what was retrieved", &|row| row.source == Source::Retrieved);
    for language in ["en", "de", "fr", "es"] {
        measure(language, &|row| row.language == language);
    }
    measure("other languages", &|row| !["en", "de", "fr", "es"].contains(&row.language.as_str()));
    measure("all", &|_| true)
}

fn scored(rows: Vec<Labelled>) -> Vec<(Labelled, f64)> {
    let score = |row: &Labelled| judge(&row.text, row.source).map_or(0.0, |found| found.score);
    rows.into_iter()
        .map(|row| {
            let score = score(&row);
            (row, score)
        })
        .collect()
}

fn show_mistakes(rows: &[(Labelled, f64)]) {
    for (row, score) in rows.iter().filter(|(row, score)| (*score > threshold()) != row.is_injection) {
        println!(
            "{} {score:.2} {:?} {} {:?}",
            u8::from(row.is_injection),
            row.source,
            row.language,
            row.text
        );
    }
}

fn threshold() -> f64 {
    RULES.iter().find(|rule| rule.name == "prompt_injection").unwrap().threshold.unwrap()
}

#[test]
fn injections_are_told_from_what_only_looks_so_as_documented() {
    let tuned = std::env::var("OBSERVA_INJECTION_TUNED").is_ok();
    let mut rows = scored(sample(include_str!("injection/sample.tsv")));
    rows.retain(|(row, _)| is_tuned_on(&row.text) == tuned);
    if tuned {
        rows.extend(scored(sample(include_str!("injection/later.tsv"))));
        show_mistakes(&rows);
    }
    let (recall, false_alarms) = measure(&rows, threshold());
    assert!(rows.len() > 200);
    assert!(recall >= 0.85, "recall {recall}");
    assert!(false_alarms <= 0.03, "false alarms {false_alarms}");
}
