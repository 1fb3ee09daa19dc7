//! `examples/sdk/observa.rs`: the same scenes, with the same reports as the programs in the other languages print.

#[path = "../../../examples/sdk/observa.rs"]
mod observa;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use observa::{Observa, Options, Report, Stats};
use serde_json::{Value, json};

type Reports = Arc<Mutex<Vec<Report>>>;

fn client(url: &str, key: &str, change: impl FnOnce(&mut Options)) -> (Observa, Reports) {
    let reports = Reports::default();
    let told = reports.clone();
    let mut options = Options {
        defaults: json!({"version": "1.2"}),
        flush_after: Duration::from_millis(100),
        retry: Duration::from_millis(20),
        timeout: Duration::from_secs(1),
        exit_timeout: Duration::from_secs(20),
        on_report: Some(Box::new(move |report| {
            let drops = matches!(report, Report::Dropped { .. });
            told.lock().unwrap().push(report);
            assert!(!drops, "of the callback");
        })),
        ..Options::new(url, key)
    };
    change(&mut options);
    (Observa::new(options), reports)
}

fn call(number: usize) -> Value {
    json!({"model": "test-model-x", "input": format!("question {number}"), "latency_ms": 5})
}

fn with(mut event: Value, members: Value) -> Value {
    event.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    event
}

/// As the other programs print it.
fn report(reports: &Reports, stats: Stats, more: Value) -> Value {
    let (mut drops, mut rejects, mut errors) = (serde_json::Map::new(), Vec::new(), 0);
    for report in reports.lock().unwrap().iter() {
        match report {
            Report::Dropped { reason, count, .. } => {
                let before = drops.get(*reason).and_then(Value::as_u64).unwrap_or_default();
                drops.insert((*reason).into(), json!(before + *count as u64));
            }
            Report::Rejected { line, code, field, event, .. } => rejects
                .push(json!({"line": line, "code": code, "field": field, "event_id": event["event_id"]})),
            Report::Failed(_) => errors += 1,
        }
    }
    let Stats { queued, stored, rejected, dropped } = stats;
    let stats = json!({"queued": queued, "stored": stored, "rejected": rejected, "dropped": dropped});
    with(json!({"drops": drops, "rejects": rejects, "errors": errors, "stats": stats}), more)
}

/// The last handle's end is the process' end.
fn ended(observa: Observa, reports: &Reports, begun: Instant, more: Value) -> Value {
    // A handle would keep the client; its numbers are read from what it told.
    let before = observa.stats();
    drop(observa);
    let told = report(reports, before, json!({}));
    let dropped: u64 = told["drops"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    let rejected = told["rejects"].as_array().unwrap().len();
    let all = before.queued + before.stored + before.rejected + before.dropped;
    let stats =
        Stats { queued: 0, stored: all - rejected - dropped as usize, rejected, dropped: dropped as usize };
    with(report(reports, stats, more), json!({"ended_ms": begun.elapsed().as_millis() as u64}))
}

fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

pub fn play(scene: &str, url: &str, key: &str) -> Value {
    let begun = Instant::now();
    let track =
        |observa: &Observa, count: usize| (0..count).for_each(|number| drop(observa.track(call(number))));
    match scene {
        "unsteady" => {
            let (observa, reports) = client(url, key, |options| options.batch_events = 10);
            track(&observa, 40);
            ended(observa, &reports, begun, json!({}))
        }
        "exit" => {
            let (observa, reports) =
                client(url, key, |options| options.flush_after = Duration::from_secs(60));
            track(&observa, 2);
            drop(observa.start(call(3)));
            ended(observa, &reports, begun, json!({}))
        }
        "down" => down(url, key),
        "bad" => {
            let (observa, reports) = client(url, key, |_| {});
            observa.track(call(1));
            observa.track(with(call(2), json!({"event_id": "bad", "latency_ms": "soon"})));
            observa.track(call(3));
            observa.track(with(call(5), json!({"output": "x".repeat(1_000_001)})));
            ended(observa, &reports, begun, json!({}))
        }
        "many" => {
            let (observa, reports) = client(url, key, |options| options.timeout = Duration::from_secs(10));
            track(&observa, 10_000);
            let queueing_ms = begun.elapsed().as_millis() as u64;
            let flushed = observa.flush(Duration::from_secs(60));
            let more = json!({"queueing_ms": queueing_ms, "flushed": flushed, "sending_ms": begun.elapsed().as_millis() as u64});
            report(&reports, observa.stats(), more)
        }
        "full" => {
            for name in ["oldest", "newest"] {
                let (observa, _) = client(url, key, |options| {
                    (options.max_events, options.drop_newest) = (3, name == "newest");
                    options.flush_after = Duration::from_secs(60);
                });
                (0..5)
                    .for_each(|number| drop(observa.track(with(call(number), json!({"session_id": name})))));
            }
            json!({"drops": {"queue_full": 4}})
        }
        "malformed" | "patient" => {
            let (observa, reports) = client(url, key, |_| {});
            track(&observa, 3);
            let flushed = observa.flush(Duration::from_secs(20));
            let said: Vec<String> =
                reports.lock().unwrap().iter().map(|report| format!("{report:?}")).collect();
            report(&reports, observa.stats(), json!({"flushed": flushed, "said": said}))
        }
        "refused" => {
            let (observa, reports) = client(url, "sk_none", |_| {});
            track(&observa, 3);
            let flushed = observa.flush(Duration::from_secs(20));
            report(&reports, observa.stats(), json!({"flushed": flushed}))
        }
        "throws" => throws(url, key),
        other => panic!("no scene {other}"),
    }
}

/// Nobody is told but who reads stderr.
pub fn print_a_rejected_event(url: &str, key: &str) {
    let observa = Observa::new(Options::new(url, key));
    observa.track(with(call(1), json!({"input": "what nobody has scrubbed", "latency_ms": "soon"})));
    observa.flush(Duration::from_secs(20));
}

fn down(url: &str, key: &str) -> Value {
    let begun = Instant::now();
    let (observa, reports) = client(url, key, |options| {
        (options.max_events, options.max_bytes) = (1000, 1 << 20);
        options.exit_timeout = Duration::from_millis(500);
    });
    let (output, before) = ("x".repeat(2000), resident());
    let mut slowest = Duration::ZERO;
    for number in 0..100_000 {
        let since = Instant::now();
        observa.track(with(call(number), json!({"output": output})));
        slowest = slowest.max(since.elapsed());
    }
    let flushed = observa.flush(Duration::from_millis(100));
    let more = json!({"slowest_ms": slowest.as_millis() as u64, "grown_bytes": resident().saturating_sub(before),
                      "queued": observa.stats().queued, "flushed": flushed});
    ended(observa, &reports, begun, more)
}

#[derive(Debug)]
struct Declined(&'static str);

impl std::fmt::Display for Declined {
    fn fmt(&self, to: &mut std::fmt::Formatter) -> std::fmt::Result {
        to.write_str(self.0)
    }
}

fn throws(url: &str, key: &str) -> Value {
    let begun = Instant::now();
    let (observa, reports) = client(url, key, |_| {});
    let trace = observa.trace("handle request", json!({"session_id": "session-7", "user_id": "user-7"}));
    let mut same = Vec::new();
    let declined = Box::new(Declined("no sk-proj-Tb2mYq8LrXw5VzKd9NfPc4Hs"));
    let at = std::ptr::from_ref(declined.as_ref());
    let result: Result<(), Box<Declined>> = trace.start(json!({"tool_name": "sync"})).run(|_| Err(declined));
    same.push(std::ptr::eq(at, result.unwrap_err().as_ref()));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let result: Result<(), &str> =
        runtime.block_on(trace.start(json!({"model": "async"})).run_async(async |_| {
            tokio::task::yield_now().await;
            Err("a text")
        }));
    same.push(result == Err("a text"));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        trace.start(json!({"name": "undefined"})).run(|_| -> Result<(), &str> { resume_unwind(Box::new(42)) })
    }));
    same.push(panicked.unwrap_err().downcast_ref() == Some(&42));
    let plain: Result<i32, &str> = trace.start(json!({"model": "plain"})).run(|span| {
        span.set(json!({"output": "said"})).track(json!({"event_type": "feedback", "type": "like"}));
        Ok(42)
    });
    same.push(plain == Ok(42));
    let slow: Result<i32, &str> =
        runtime.block_on(trace.start(json!({"model": "slow"})).run_async(async |span| {
            span.first_token();
            tokio::time::sleep(Duration::from_millis(60)).await;
            Ok(43)
        }));
    assert_eq!(trace.trace_id().len(), 32);
    same.push(slow == Ok(43));
    drop(trace);
    ended(observa, &reports, begun, json!({"same": same}))
}
