//! The gates of scrubbing, held on a corpus of every kind in every surrounding, and on as many look-alikes.

mod corpus;

use std::collections::BTreeMap;

use corpus::random::Random;
use observa_pipeline::scrub::Scrubber;

/// What became of one secret.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Gone,
    Partly,
    Kept,
}

fn fate(case: &corpus::Case) -> Fate {
    let found = Scrubber::builtin().find(&case.text());
    let (start, end) = (case.before.len(), case.before.len() + case.secret.len());
    let mut at = start;
    let mut touched = false;
    for finding in found.iter().filter(|finding| finding.end > start && finding.start < end) {
        touched = true;
        if finding.start > at {
            break;
        }
        at = finding.end;
    }
    match (at >= end, touched) {
        (true, _) => Fate::Gone,
        (false, true) => Fate::Partly,
        (false, false) => Fate::Kept,
    }
}

#[test]
fn secrets_of_every_kind_are_found_whole_in_every_surrounding() {
    let cases = corpus::cases(1, 40);
    assert!(cases.len() > 10_000, "{}", cases.len());
    let mut rows: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let (mut gone, mut partly, mut first, mut first_gone) = (0, 0, 0, 0);
    let mut misses = Vec::new();
    for case in &cases {
        let row = rows.entry(case.value.row).or_default();
        row.0 += 1;
        first += usize::from(case.value.first);
        let fate = fate(case);
        if fate == Fate::Gone {
            gone += 1;
            row.1 += 1;
            first_gone += usize::from(case.value.first);
        } else {
            partly += usize::from(fate == Fate::Partly);
            let how = if fate == Fate::Partly { "partly" } else { "missed" };
            misses.push(format!(
                "{how} {} in {}: {}",
                case.value.row,
                case.surrounding,
                case.text().escape_debug()
            ));
        }
    }
    let (recall, leaks) = (gone as f64 / cases.len() as f64, partly as f64 / cases.len() as f64);
    println!(
        "{} cases, recall {recall:.4}, first kinds {:.4}, partial leaks {leaks:.4}",
        cases.len(),
        first_gone as f64 / first as f64
    );
    for miss in misses.iter().take(60) {
        println!("{}", miss.chars().take(420).collect::<String>());
    }
    assert!(recall >= 0.99, "recall {recall}");
    assert!(leaks <= 0.001, "partial leaks {leaks}");
    assert!(first_gone as f64 / first as f64 >= 0.995);
    for (row, (all, gone)) in rows {
        assert!(gone as f64 / all as f64 >= 0.95, "{row}: {gone} of {all}");
    }
}

#[test]
fn the_text_around_a_secret_stays() {
    let cases = corpus::cases(2, 12);
    let mut kept = 0;
    let mut broken = Vec::new();
    for case in &cases {
        let scrubbed = Scrubber::builtin().scrub(&case.text()).text.into_owned();
        if scrubbed.starts_with(&case.before) && scrubbed.ends_with(&case.after) {
            kept += 1;
        } else {
            broken.push(format!(
                "{} in {}: {} -> {}",
                case.value.row,
                case.surrounding,
                case.text().escape_debug(),
                scrubbed.escape_debug()
            ));
        }
    }
    println!("text kept around {kept} of {}", cases.len());
    for line in broken.iter().take(40) {
        println!("{}", line.chars().take(600).collect::<String>());
    }
    assert!(kept as f64 / cases.len() as f64 >= 0.99, "{kept} of {}", cases.len());
}

#[test]
fn json_stays_json_and_a_second_scrubbing_changes_nothing() {
    let scrubber = Scrubber::builtin();
    for case in corpus::cases(3, 12) {
        let text = case.text();
        let once = scrubber.scrub(&text);
        assert_eq!(once.text.matches("[REDACTED:").count(), once.found.total() as usize, "{text}");
        assert_eq!(scrubber.find(&text).len(), once.found.total() as usize, "{text}");
        assert_eq!(scrubber.scrub(&once.text).text, once.text, "{text}");
        if case.json {
            for scrubbed in [once.text.clone(), scrubber.scrub_json(&text).text] {
                let parsed = serde_json::from_str::<serde_json::Value>(&scrubbed);
                assert!(parsed.is_ok(), "{text} -> {scrubbed}");
                // Strings that held JSON hold it still.
                let inner = parsed.unwrap()["content"].as_str().map(str::to_owned);
                let original = serde_json::from_str::<serde_json::Value>(&text).unwrap()["content"]
                    .as_str()
                    .map(str::to_owned);
                if let (Some(inner), Some(original)) = (inner, original)
                    && serde_json::from_str::<serde_json::Value>(&original).is_ok()
                {
                    assert!(
                        serde_json::from_str::<serde_json::Value>(&inner).is_ok(),
                        "{text} -> {scrubbed}"
                    );
                }
            }
        }
    }
}

#[test]
fn look_alikes_come_back_byte_for_byte() {
    let texts = corpus::innocent::all(&mut Random::new(4), 60);
    let mut alarms = Vec::new();
    for text in &texts {
        let scrubbed = Scrubber::builtin().scrub(text);
        if scrubbed.text != text.as_str() {
            alarms.push(format!("{} -> {}", text.escape_debug(), scrubbed.text.escape_debug()));
        }
    }
    println!("{} false alarms on {} texts", alarms.len(), texts.len());
    for alarm in alarms.iter().take(60) {
        println!("{}", alarm.chars().take(400).collect::<String>());
    }
    assert!(alarms.len() as f64 <= texts.len() as f64 * 0.005, "{} of {}", alarms.len(), texts.len());
}

#[test]
fn clean_prose_is_borrowed() {
    let mut random = Random::new(5);
    for _ in 0..200 {
        let text = corpus::innocent::prose(&mut random, 2000);
        let scrubbed = Scrubber::builtin().scrub(&text);
        assert!(matches!(scrubbed.text, std::borrow::Cow::Borrowed(_)), "{text}");
        assert!(scrubbed.found.is_empty());
    }
}
