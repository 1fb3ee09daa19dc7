//! The SDKs of `examples/sdk`, each through nginx and the front to a database. What they promise is the same in every language, so
//! each scene is played in all of them.

mod rust;

use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use observa_tests::unsteady::Mood;
use observa_tests::{Unsteady, clients};
use serde_json::{Value, json};

use crate::stack::Way;

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/sdk");
const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients");

#[derive(Clone, Copy, PartialEq)]
enum Language {
    TypeScript,
    Python,
    Rust,
}

use Language::{Python, Rust, TypeScript};

/// What the scene's program reports at its end. None: what the language needs is missing, which `tests/clients/install` named.
fn play(language: Language, scene: &str, url: &str, key: &str) -> Option<Value> {
    let mut command = match language {
        Rust => return Some(rust::play(scene, url, key)),
        Python => python()?,
        TypeScript => typescript()?,
    };
    command.arg(scene).env("OBSERVA_URL", url).env("OBSERVA_KEY", key);
    command.env("NO_PROXY", "127.0.0.1").env("no_proxy", "127.0.0.1");
    let Output { status, stdout, stderr } = command.output().expect("it starts");
    let _ = std::fs::remove_dir_all(compiled());
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{scene}: {stdout}{stderr}");
    let last = stdout.lines().last().unwrap_or_default();
    Some(serde_json::from_str(last).unwrap_or_else(|error| panic!("{scene}: {error}: {stdout}{stderr}")))
}

fn python() -> Option<Command> {
    if Command::new("python3").arg("--version").output().is_err() {
        clients::require_note("python");
        return None;
    }
    let mut command = Command::new("python3");
    command.arg("-B").arg(Path::new(SCRIPTS).join("python/own_sdk.py")).env("PYTHONPATH", EXAMPLES);
    Some(command)
}

/// Where this process' JavaScript is.
fn compiled() -> PathBuf {
    clients::folder().join(format!("node/own-sdk-{}", std::process::id()))
}

/// The file as TypeScript's compiler makes it of the example, with its strictest checks.
fn typescript() -> Option<Command> {
    let installed = clients::folder().join("node");
    if !installed.join("complete").exists() {
        clients::require_note("node");
        return None;
    }
    let folder = compiled();
    std::fs::create_dir_all(&folder).expect("a folder");
    let made = Command::new(installed.join("node_modules/.bin/tsc"))
        .args([
            "--strict",
            "--noUnusedLocals",
            "--noUnusedParameters",
            "--noImplicitReturns",
            "--erasableSyntaxOnly",
        ])
        .args(["--target", "es2022", "--module", "esnext", "--lib", "es2022,dom", "--types", "", "--outDir"])
        .arg(&folder)
        .arg(Path::new(EXAMPLES).join("observa.ts"))
        .output()
        .expect("tsc starts");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
    std::fs::copy(Path::new(SCRIPTS).join("node/own_sdk.mjs"), folder.join("own_sdk.mjs")).expect("a copy");
    let mut command = Command::new("node");
    command.arg(folder.join("own_sdk.mjs"));
    Some(command)
}

fn unsteady_server_gets_each_event_once(language: Language) {
    let Some(Way { mut db, nginx, key, _front }) = Way::open() else { return };
    use Mood::{Answers, AsksToWait, Hangs, HangsAfterwards, LosesTheAnswer};
    let moods =
        [Answers(503), AsksToWait(1), LosesTheAnswer, Hangs, HangsAfterwards, Answers(500), Answers(408)];
    let server = Unsteady::before(nginx.address, &moods);
    let Some(report) = play(language, "unsteady", &server.url(), &key) else { return };
    assert_eq!((&report["drops"], &report["stats"]["stored"]), (&json!({}), &json!(40)), "{report}");
    let stored = db.row("SELECT count(*), count(DISTINCT event_id) AS ids, count(DISTINCT input) AS inputs, min(version) AS version FROM observa.events");
    assert_eq!(stored, json!({"count": 40, "ids": 40, "inputs": 40, "version": "1.2"}));
    let seen = server.seen();
    assert_eq!(seen.len(), moods.len() + 4, "{seen:?}");
    // Two batches more than there are: sent again, as nobody had said that they were stored.
    assert_eq!(server.stored(), 6);
    assert!(seen.iter().all(|one| one.headers["content-encoding"] == "gzip"), "{seen:?}");
    let waited = seen[2].at - seen[1].at;
    assert!(waited >= Duration::from_millis(990), "Retry-After: {waited:?}");
}

fn limit_of_the_servers_own_is_waited_for(language: Language) {
    let Some(Way { mut db, nginx, key, _front }) = Way::open() else { return };
    // Three batches of ten at once, then one event in two seconds.
    db.run("SELECT observa.limit_project(id, events_per_minute => 30) FROM observa.projects");
    let server = Unsteady::before(nginx.address, &[]);
    let Some(report) = play(language, "unsteady", &server.url(), &key) else { return };
    assert_eq!((&report["drops"], &report["stats"]["stored"]), (&json!({}), &json!(40)), "{report}");
    assert_eq!((db.count("observa.events"), server.stored()), (40, 4));
    // Asked every 20 ms it would have refused more often.
    let (refused, took) = (report["errors"].as_u64().unwrap(), report["ended_ms"].as_f64().unwrap());
    assert!(refused <= 1 && took >= 1_000.0, "{report}");
}

fn end_of_the_process_sends_what_waits(language: Language) {
    let Some(Way { mut db, nginx, key, _front }) = Way::open() else { return };
    let Some(report) = play(language, "exit", &nginx.url(""), &key) else { return };
    assert_eq!(db.count("observa.events"), 3, "{report}");
    // It waits for nothing else.
    assert!(report["ended_ms"].as_f64().unwrap() < 15_000.0, "{report}");
}

fn server_that_is_down_costs_neither_time_nor_memory(language: Language) {
    let nobody = observa_tests::programs::free_address();
    let Some(report) = play(language, "down", &format!("http://{nobody}"), "sk_any") else { return };
    let number = |name: &str| report[name].as_f64().unwrap();
    // Of 200 MB.
    assert!(number("grown_bytes") < 150e6 && number("queued") <= 1000.0, "{report}");
    // One of 100,000 may meet a busy machine; none waits for the server.
    assert!(number("slowest_ms") < 900.0, "{report}");
    assert!(number("ended_ms") < 60_000.0, "{report}");
    assert_eq!(report["flushed"], false);
    let drops = &report["drops"];
    assert_eq!(
        report["stats"],
        json!({"queued": 0, "stored": 0, "rejected": 0, "dropped": 100_000}),
        "{report}"
    );
    assert_eq!(
        drops["queue_full"].as_u64().unwrap() + drops["closed"].as_u64().unwrap(),
        100_000,
        "{report}"
    );
    assert!(report["errors"].as_u64().unwrap() >= 1, "{report}");
}

fn bad_event_is_told_of_and_harms_no_other(language: Language) {
    let Some(Way { mut db, nginx, key, _front }) = Way::open() else { return };
    let Some(report) = play(language, "bad", &nginx.url(""), &key) else { return };
    let rejected = json!([{"line": 2, "code": "invalid_type", "field": "latency_ms", "event_id": "bad"}]);
    assert_eq!((&report["rejects"], &report["stats"]["rejected"]), (&rejected, &json!(1)), "{report}");
    assert_eq!((db.count("observa.events"), db.count("observa.rejected_events")), (2, 1));
    // Rust's values have no cycles.
    let cycles = if language == Rust { Value::Null } else { json!(1) };
    assert_eq!(
        (&report["drops"]["too_large"], &report["drops"]["not_json"]),
        (&json!(1), &cycles),
        "{report}"
    );
}

fn ten_thousand_events_take_seconds(language: Language) {
    let Some(Way { mut db, nginx, key, _front }) = Way::open() else { return };
    let Some(report) = play(language, "many", &nginx.url(""), &key) else { return };
    assert_eq!((&report["flushed"], &report["drops"]), (&json!(true), &json!({})), "{report}");
    assert_eq!(db.count("observa.events"), 10_000, "{report}");
    // Debug builds on a busy machine: a release takes a tenth.
    assert!(report["queueing_ms"].as_f64().unwrap() < 5_000.0, "{report}");
    assert!(report["sending_ms"].as_f64().unwrap() < 50_000.0, "{report}");
    eprintln!("{report}");
}

fn full_queue_drops_the_end_that_was_chosen(language: Language) {
    let Some(Way { mut db, nginx, key, _front }) = Way::open() else { return };
    let Some(report) = play(language, "full", &nginx.url(""), &key) else { return };
    assert_eq!(report["drops"], json!({"queue_full": 4}), "{report}");
    let kept = db.table("SELECT session_id, array_agg(right(input, 1) ORDER BY input) AS kept FROM observa.events GROUP BY 1 ORDER BY 1");
    let expected = [("newest", ["0", "1", "2"]), ("oldest", ["2", "3", "4"])];
    let expected = expected.map(|(session, kept)| json!({"session_id": session, "kept": kept}));
    assert_eq!(json!(kept), json!(expected));
}

fn key_that_does_not_count_is_not_tried_again(language: Language) {
    let Some(Way { mut db, nginx, key, _front }) = Way::open() else { return };
    let server = Unsteady::before(nginx.address, &[]);
    let Some(report) = play(language, "refused", &server.url(), &key) else { return };
    assert_eq!((&report["drops"], &report["errors"]), (&json!({"refused": 3}), &json!(0)), "{report}");
    assert_eq!((server.seen().len(), db.count("observa.events")), (1, 0));
}

fn wait_of_no_seconds_is_no_storm(language: Language) {
    let Some(Way { mut db, nginx, key, _front }) = Way::open() else { return };
    let server = Unsteady::before(nginx.address, &[Mood::AsksToWait(0); 6]);
    let Some(report) = play(language, "unsteady", &server.url(), &key) else { return };
    assert_eq!((&report["drops"], db.count("observa.events")), (&json!({}), 40), "{report}");
    let seen = server.seen();
    // At least half of 20, 40, 80, 160, 320 and 640 ms.
    let waited = seen[6].at - seen[0].at;
    assert!(waited >= Duration::from_millis(600), "{waited:?}");
}

fn server_that_drips_is_left_when_the_time_of_a_request_is_over(language: Language) {
    let Some(Way { mut db, nginx, key, _front }) = Way::open() else { return };
    let dripping = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", dripping.local_addr().expect("it is bound"));
    std::thread::spawn(move || drip_once(&dripping, nginx.address));
    let begun = Instant::now();
    let Some(report) = play(language, "patient", &url, &key) else { return };
    assert_eq!((&report["flushed"], &report["errors"]), (&json!(true), &json!(1)), "{report}");
    assert_eq!(db.count("observa.events"), 3, "{report}");
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
}

/// Answers the first connection with a byte each 50 ms, for ten times as long as clients wait here; others go through.
fn drip_once(listener: &TcpListener, behind: SocketAddr) {
    for (number, client) in listener.incoming().flatten().enumerate() {
        std::thread::spawn(move || match number {
            0 => drip(client),
            _ => pass_on(client, behind),
        });
    }
}

fn drip(mut client: TcpStream) {
    let _ = client.write_all(b"HTTP/1.1 200 OK\r\nX-Drips: ");
    for _ in 0..200 {
        std::thread::sleep(Duration::from_millis(50));
        if client.write_all(b".").is_err() {
            return;
        }
    }
}

fn pass_on(client: TcpStream, behind: SocketAddr) {
    let Ok(server) = TcpStream::connect(behind) else { return };
    let ways = [(client.try_clone(), server.try_clone()), (Ok(server), Ok(client))];
    for (from, to) in ways {
        std::thread::spawn(move || {
            let (Ok(mut from), Ok(mut to)) = (from, to) else { return };
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}

fn key_with_the_end_of_its_line_counts(language: Language) {
    let Some(Way { mut db, nginx, key, _front }) = Way::open() else { return };
    let Some(report) = play(language, "exit", &nginx.url(""), &format!("{key}\n")) else { return };
    assert_eq!(db.count("observa.events"), 3, "{report}");
}

fn key_that_no_header_holds_is_refused_and_not_told(language: Language) {
    let nobody = observa_tests::programs::free_address();
    let Some(report) = play(language, "malformed", &format!("http://{nobody}"), "sk_line\nof_the_secret")
    else {
        return;
    };
    assert_eq!((&report["drops"], &report["errors"]), (&json!({"refused": 3}), &json!(0)), "{report}");
    let said = report["said"].as_array().unwrap();
    assert!(!said.is_empty() && !report.to_string().contains("of_the_secret"), "{report}");
}

fn what_is_thrown_in_a_span_goes_on_and_is_told(language: Language) {
    let Some(Way { mut db, nginx, key, _front }) = Way::open() else { return };
    let Some(report) = play(language, "throws", &nginx.url(""), &key) else { return };
    assert_eq!(report["same"], json!([true, true, true, true, true]), "{report}");
    assert_eq!((&report["drops"], &report["rejects"]), (&json!({}), &json!([])), "{report}");
    // What is caught within it does not fail the request.
    let trace = db.row("SELECT name, status, session_id, user_id, event_count, latency_ms >= 60 AS waited FROM observa.traces");
    assert_eq!(
        trace,
        json!({"name": "handle request", "status": "ok", "session_id": "session-7", "user_id": "user-7", "event_count": 8, "waited": true})
    );
    let spans = db.table(
        "SELECT coalesce(e.model, e.tool_name, 'other') AS called, e.event_type, e.status, e.error_type IS NOT NULL AS failed,
                coalesce(e.model = 'slow' AND e.latency_ms >= 59, false) AS waited, e.parent_span_id = r.span_id AS within, e.session_id, e.output, e.ttft_ms < 50 AS began
           FROM observa.events e JOIN observa.events r ON r.event_type = 'trace_start'
          WHERE e.event_type NOT IN ('trace_start', 'trace_end', 'feedback') ORDER BY 1",
    );
    let span = |called, event_type, failed: bool| {
        json!({"called": called, "event_type": event_type, "status": if failed { "error" } else { "ok" }, "failed": failed,
               "waited": called == "slow", "within": true, "session_id": "session-7",
               "output": if called == "plain" { json!("said") } else { Value::Null },
               "began": if called == "slow" { json!(true) } else { Value::Null }})
    };
    let expected = [
        span("async", "llm_call", true),
        span("other", "reasoning_step", true),
        span("plain", "llm_call", false),
        span("slow", "llm_call", false),
        span("sync", "tool_call", true),
    ];
    assert_eq!(json!(spans), json!(expected));
    let said: String =
        db.one("SELECT error_type || ': ' || error_message FROM observa.events WHERE tool_name = 'sync'");
    assert!(said.contains("Declined: no [REDACTED:"), "{said}");
    let feedback = "observa.events f JOIN observa.events e ON e.span_id = f.parent_span_id AND e.model = 'plain' WHERE f.event_type = 'feedback'";
    assert_eq!(db.count(feedback), 1);
}

/// A test in each language.
macro_rules! in_each_language {
    ($($guarantee:ident),+ $(,)?) => {
        mod typescript { $(#[test] fn $guarantee() { super::$guarantee(super::TypeScript) })+ }
        mod python { $(#[test] fn $guarantee() { super::$guarantee(super::Python) })+ }
        mod in_rust { $(#[test] fn $guarantee() { super::$guarantee(super::Rust) })+ }
    };
}

in_each_language!(
    unsteady_server_gets_each_event_once,
    limit_of_the_servers_own_is_waited_for,
    end_of_the_process_sends_what_waits,
    server_that_is_down_costs_neither_time_nor_memory,
    bad_event_is_told_of_and_harms_no_other,
    ten_thousand_events_take_seconds,
    full_queue_drops_the_end_that_was_chosen,
    key_that_does_not_count_is_not_tried_again,
    wait_of_no_seconds_is_no_storm,
    key_with_the_end_of_its_line_counts,
    key_that_no_header_holds_is_refused_and_not_told,
    server_that_drips_is_left_when_the_time_of_a_request_is_over,
    what_is_thrown_in_a_span_goes_on_and_is_told,
);

#[test]
fn a_page_that_is_left_sends_what_waits_with_a_public_key() {
    let Some(Way { mut db, nginx, _front, .. }) = Way::open() else { return };
    let key: String = db.one("SELECT observa.create_api_key(id, 'pk', origins => '{https://app.example.com}') FROM observa.projects");
    let Some(report) = play(TypeScript, "page", &nginx.url(""), &key) else { return };
    // Not packed: that takes longer than a page has.
    assert_eq!(report["sent"], json!([{"keepalive": true, "gzip": false}]), "{report}");
    assert_eq!((&report["flushed"], db.count("observa.events")), (&json!(true), 20), "{report}");
}

/// As without the span: Node would end the process, unless the application says otherwise.
#[test]
fn a_rejection_that_nobody_handles_is_told_to_the_application() {
    let Some(Way { mut db, nginx, key, _front }) = Way::open() else { return };
    let Some(report) = play(TypeScript, "ignored", &nginx.url(""), &key) else { return };
    assert_eq!(report["unhandled"], json!(["ignored", "ignored later"]), "{report}");
    assert_eq!(db.count("observa.events WHERE status = 'error' AND error_type = 'Error'"), 3, "{report}");
}

#[test]
fn node_18_without_a_global_crypto_has_ids_too() {
    let Some(Way { mut db, nginx, key, _front }) = Way::open() else { return };
    let Some(report) = play(TypeScript, "old", &nginx.url(""), &key) else { return };
    assert_eq!(db.count("observa.events"), 3, "{report}");
}

#[test]
fn a_forked_python_process_sends_its_own_events_alone() {
    let Some(Way { mut db, nginx, key, _front }) = Way::open() else { return };
    let Some(report) = play(Python, "fork", &nginx.url(""), &key) else { return };
    assert_eq!((&report["child"], &report["stats"]["stored"]), (&json!(0), &json!(1)), "{report}");
    let stored = db.row("SELECT count(*), count(DISTINCT input) AS inputs FROM observa.events");
    assert_eq!(stored, json!({"count": 2, "inputs": 2}));
    let retries: i64 = db.one("SELECT coalesce(sum(events), 0)::bigint FROM observa.usage");
    assert_eq!(retries, 2);
}

#[test]
fn what_python_sdks_answer_with_is_sent_as_its_members() {
    let Some(Way { mut db, nginx, key, _front }) = Way::open() else { return };
    let Some(report) = play(Python, "models", &nginx.url(""), &key) else { return };
    assert_eq!((&report["drops"], &report["raised"]), (&json!({}), &json!(false)), "{report}");
    let stored =
        db.table("SELECT input_tokens, output_tokens FROM observa.events WHERE model = 'counted' ORDER BY 1");
    let tokens = |input, output| json!({"input_tokens": input, "output_tokens": output});
    assert_eq!(json!(stored), json!([tokens(5, 7), tokens(6, 8), tokens(7, 9)]));
    assert_eq!(db.count("observa.events"), 6, "{report}");
    assert_eq!(db.count("observa.events WHERE model = 'not-a-number' AND coherence_score = 0.5"), 1);
}

/// Played by this program itself, as a child whose stderr is read.
#[test]
fn a_rejected_event_is_not_printed_by_rust() {
    if let Ok(url) = std::env::var("OBSERVA_PLAY_URL") {
        rust::print_a_rejected_event(&url, &std::env::var("OBSERVA_PLAY_KEY").unwrap());
        return;
    }
    let Some(Way { mut db, nginx, key, _front }) = Way::open() else { return };
    let name = "own_sdks::a_rejected_event_is_not_printed_by_rust";
    let Output { stdout, stderr, .. } = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env("OBSERVA_PLAY_URL", nginx.url(""))
        .env("OBSERVA_PLAY_KEY", &key)
        .output()
        .expect("it starts");
    let printed = [stdout, stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert_eq!(db.count("observa.rejected_events"), 1, "{printed}");
    assert!(
        printed.contains("observa: rejected, invalid_type") && !printed.contains("what nobody has scrubbed"),
        "{printed}"
    );
}

#[test]
fn python_3_9_can_read_its_file() {
    if python().is_none() {
        return;
    }
    let check = "import ast, sys; ast.parse(open(sys.argv[1]).read(), feature_version=(3, 9))";
    let file = Path::new(EXAMPLES).join("observa.py");
    let Output { status, stderr, .. } =
        Command::new("python3").args(["-c", check]).arg(file).output().expect("it starts");
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
}
