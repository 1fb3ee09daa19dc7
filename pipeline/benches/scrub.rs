//! What scrubbing costs: clean prose and worst inputs, beside memchr and beside one regular expression for each kind.
//!
//! `cargo bench -p observa-pipeline --bench scrub` prints medians in MB/s.

#[path = "../tests/corpus/mod.rs"]
mod corpus;

use std::hint::black_box;
use std::time::{Duration, Instant};

use corpus::random::Random;
use observa_pipeline::scrub::Scrubber;
use regex::bytes::Regex;

/// Median MB/s of `rounds` runs over texts of `bytes` in total.
fn speed(bytes: usize, rounds: usize, mut run: impl FnMut()) -> f64 {
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let start = Instant::now();
            run();
            start.elapsed()
        })
        .collect();
    times.sort();
    bytes as f64 / times[times.len() / 2].as_secs_f64() / 1e6
}

fn main() {
    let scrubber = Scrubber::builtin();
    let mut random = Random::new(7);
    let prose: Vec<String> = (0..2000).map(|_| corpus::innocent::prose(&mut random, 2000)).collect();
    let json: Vec<String> = prose
        .iter()
        .map(|text| {
            let ids = (random.shape("{uuid}"), random.shape("{H32}"), random.shape("{H16}"));
            serde_json::json!({"event_id": ids.0, "trace_id": ids.1, "span_id": ids.2, "event_type": "llm_call",
                "timestamp": "2026-03-01T12:00:00.123Z", "model": "gpt-4o-2024-08-06", "latency_ms": 812,
                "input": {"messages": [{"role": "user", "content": text}]},
                "usage": {"prompt_tokens": 1200, "completion_tokens": 300}})
            .to_string()
        })
        .collect();
    let dirty: Vec<String> = corpus::cases(8, 2)
        .iter()
        .map(|case| format!("{} {}", corpus::innocent::prose(&mut random, 1800), case.text()))
        .collect();

    println!("2 kB texts, median MB/s");
    report("memchr of one byte", &prose, |text| {
        black_box(memchr::memchr(0, text.as_bytes()));
    });
    report("scrub, clean prose", &prose, |text| {
        black_box(scrubber.scrub(black_box(text)));
    });
    report("scrub_json, clean events", &json, |text| {
        black_box(scrubber.scrub_json(black_box(text)));
    });
    report("scrub, one secret each", &dirty, |text| {
        black_box(scrubber.scrub(black_box(text)));
    });
    let some = &prose[..200];
    let kinds: Vec<Regex> = PER_KIND.iter().filter_map(|pattern| Regex::new(pattern).ok()).collect();
    assert_eq!(kinds.len(), PER_KIND.len());
    report("one regex per kind in turn", some, |text| {
        for kind in &kinds {
            black_box(kind.find(text.as_bytes()));
        }
    });

    let mut times: Vec<Duration> = Vec::new();
    for text in json.iter().cycle().take(50_000) {
        let start = Instant::now();
        black_box(scrubber.scrub_json(black_box(text)));
        times.push(start.elapsed());
    }
    times.sort();
    println!("2 kB event: p50 {:?}, p99 {:?}", times[times.len() / 2], times[times.len() * 99 / 100]);

    println!("\nworst inputs, 1 MB each, median MB/s (and at 2 MB)");
    for piece in WORST {
        let small = piece.repeat(1_000_000 / piece.len());
        let large = piece.repeat(2_000_000 / piece.len());
        let one = speed(small.len(), 5, || drop(black_box(scrubber.scrub(black_box(&small)))));
        let two = speed(large.len(), 3, || drop(black_box(scrubber.scrub(black_box(&large)))));
        println!(
            "{:>9.0} {two:>9.0}  {}",
            one,
            piece.escape_debug().to_string().chars().take(60).collect::<String>()
        );
    }
}

fn report(name: &str, texts: &[String], mut run: impl FnMut(&str)) {
    let bytes = texts.iter().map(String::len).sum();
    let result = speed(bytes, 9, || texts.iter().for_each(|text| run(text)));
    println!("{result:>9.0}  {name}");
}

/// Repeated to a megabyte, each is what some rule likes least.
const WORST: &[&str] = &[
    "a",
    "1",
    "1 ",
    "1-",
    "sk-",
    "sk_",
    "eyJ",
    "eyJ.",
    "eyJaaaaaaaaa.",
    ":",
    "=",
    "://",
    ":AA",
    "@",
    "a@",
    "a.",
    "a@a.a.",
    "\"",
    "'",
    "\\",
    "\\\"",
    "\\n",
    "\\u0040",
    "\\/",
    "-----BEGIN ",
    "-----BEGIN PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhki\n",
    "password=",
    "password=\"",
    "password:'",
    "password: \"\\\"",
    "key ",
    "--api-key ",
    "--",
    "token=a1b2c3d4 ",
    "cookie:",
    "cookie:session=",
    "+1",
    "+1 ",
    "4111 ",
    "4111 1111 1111 1111 ",
    "123-45-6788 ",
    "AKIA",
    "AKIAIOSFODNN7EXAMPLE ",
    "xoxb-1-",
    "M.",
    "O1a.",
    "</",
    "</password>",
    "%40",
    "a%40b.de ",
    "~",
    "Q~",
    "Basic ",
    "Basic a",
    "Bearer ",
    "login password ",
    "machine login ",
    "hooks.slack.com/",
    "-u a:",
    "://a:b@",
    "://a:",
    "GB29",
    "GB29 ",
    "[REDACTED:",
    "[REDACTED:a]",
    "bob@example.com ",
    "密",
    "\"value\":\"",
    "name value: ",
    "phone 5551234567 ",
    "AAAAAAAAAAAAAAAAAAAAAAA-",
    "sl.",
    "/sl.",
    "us1-",
    "1//0",
    "AB123456",
];

/// A pattern for each of some forty kinds, as scanners have them.
const PER_KIND: &[&str] = &[
    r"sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}",
    r"sk-proj-[A-Za-z0-9_-]{20,}",
    r"sk-ant-[A-Za-z0-9_-]{80,}",
    r"sk-or-v1-[0-9a-f]{64}",
    r"AIza[A-Za-z0-9_-]{35}",
    r"ya29\.[A-Za-z0-9_-]{20,}",
    r"gsk_[A-Za-z0-9]{52}",
    r"hf_[A-Za-z]{34}",
    r"pplx-[A-Za-z0-9]{48}",
    r"xai-[A-Za-z0-9]{70,}",
    r"r8_[A-Za-z0-9]{37}",
    r"nvapi-[A-Za-z0-9_-]{64}",
    r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}",
    r"(?i)aws_secret_access_key\s*[=:]\s*[A-Za-z0-9/+]{40}",
    r"gh[pousr]_[A-Za-z0-9]{36,}",
    r"github_pat_[A-Za-z0-9_]{82}",
    r"glpat-[A-Za-z0-9_-]{20,}",
    r"npm_[A-Za-z0-9]{36}",
    r"pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}",
    r"xox[bpars]-[A-Za-z0-9-]{20,}",
    r"hooks\.slack\.com/services/[A-Za-z0-9/]{30,}",
    r"(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{10,}",
    r"SG\.[A-Za-z0-9_-]{22}\.[A-Za-z0-9_-]{43}",
    r"shpat_[0-9a-f]{32}",
    r"[MNO][A-Za-z0-9_-]{23,25}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,38}",
    r"[0-9]{8,10}:AA[A-Za-z0-9_-]{33}",
    r"dop_v1_[0-9a-f]{64}",
    r"hvs\.[A-Za-z0-9_-]{90,}",
    r"eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+",
    r"(?i)bearer\s+[A-Za-z0-9._~+/=-]{16,}",
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    r"[a-z]+://[^\s:/@]*:[^\s@]+@",
    r#"(?i)(?:password|secret|token|api_?key)["']?\s*[:=]\s*["']?[^\s"']{8,}"#,
    r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
    r"\b(?:\d[ -]?){13,19}\b",
    r"\b\d{3}-\d{2}-\d{4}\b",
    r"\+\d{8,15}",
    r"\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}",
    r"\b[A-Z]{2}\d{2}[A-Z0-9]{11,30}\b",
];
