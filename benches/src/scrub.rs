//! The scrubber alone: against a search for one byte, against a regular expression for each kind, and at its worst.

use std::hint::black_box;
use std::time::Instant;

use anyhow::Result;
use observa_pipeline::scrub::Scrubber;

use crate::kinds::InTurn;
use crate::measure::{Pair, Table, in_turn, megabytes_per_second, quantile, time};

/// Bytes of an event's text, for the time that one takes.
const EVENT: usize = 2_000;

pub fn run(what: &str, prose: &str, rounds: usize, table: &mut Table) -> Result<()> {
    let scrubber = Scrubber::builtin();
    let by_event: Vec<&str> = pieces(prose);
    let scrub = || {
        let (took, _) = time(|| {
            for text in &by_event {
                black_box(scrubber.scrub(text));
            }
        });
        Ok::<f64, anyhow::Error>(megabytes_per_second(prose.len(), took))
    };
    let search = || {
        let (took, _) = time(|| {
            for text in &by_event {
                black_box(memchr::memchr_iter(b'@', text.as_bytes()).count());
            }
        });
        Ok(megabytes_per_second(prose.len(), took))
    };
    table.compare(&format!("scrub, {what}, 2 kB a text"), "MB/s", &in_turn(rounds, scrub, search)?, "memchr");
    let in_turn_regexes = InTurn::new()?;
    // The peer is slow: a part of the text says enough.
    let part = by_event.get(..by_event.len() / 10).unwrap_or_default();
    let bytes: usize = part.iter().map(|text| text.len()).sum();
    let regexes = || {
        let (took, _) = time(|| {
            for text in part {
                black_box(in_turn_regexes.find(text));
            }
        });
        Ok(megabytes_per_second(bytes, took))
    };
    let peer = format!("{} regexes in turn", in_turn_regexes.count());
    let pair: Pair = in_turn(rounds.min(3), scrub, regexes)?;
    table.compare(&format!("scrub, {what}, 2 kB a text"), "MB/s", &pair, &peer);
    latency(what, &by_event, table);
    Ok(())
}

fn latency(what: &str, by_event: &[&str], table: &mut Table) {
    let scrubber = Scrubber::builtin();
    let mut times: Vec<f64> = by_event
        .iter()
        .map(|text| {
            let start = Instant::now();
            black_box(scrubber.scrub(text));
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    table.tell(&format!("scrub, {what}, a 2 kB text, p50"), "us", quantile(&mut times, 0.5));
    table.tell(&format!("scrub, {what}, a 2 kB text, p99"), "us", quantile(&mut times, 0.99));
}

/// One megabyte of what a scrubber could choke on, and of ten: the speed must stay.
pub fn worst(table: &mut Table) {
    let inputs: [(&str, &str); 9] = [
        ("a", "a"),
        ("digits", "4111111111111111"),
        ("sk-", "sk-"),
        ("eyJ", "eyJ"),
        (":", ":"),
        ("BEGIN", "-----BEGIN RSA PRIVATE KEY-----"),
        ("password=", "password="),
        ("a@", "a@a."),
        ("://", "a://b:"),
    ];
    for (name, unit) in inputs {
        let speed = |bytes: usize| {
            let text = unit.repeat(bytes / unit.len());
            let (took, _) = time(|| black_box(Scrubber::builtin().scrub(&text)));
            megabytes_per_second(text.len(), took)
        };
        let (one, ten) = (speed(1_000_000), speed(10_000_000));
        let pair = Pair { ours: one, peer: ten, ratio: one / ten };
        table.compare(&format!("scrub, 1 MB of `{name}`"), "MB/s", &pair, "10 MB of it");
    }
}

/// The text cut into events' sizes, never inside a character.
pub fn pieces(mut text: &str) -> Vec<&str> {
    let mut pieces = Vec::with_capacity(text.len() / EVENT + 1);
    while !text.is_empty() {
        let (piece, rest) = text.split_at(text.floor_char_boundary(EVENT.min(text.len())));
        pieces.push(piece);
        text = rest;
    }
    pieces
}
