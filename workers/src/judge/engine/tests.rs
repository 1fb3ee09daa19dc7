use std::collections::{BTreeMap, BTreeSet};
use std::net::TcpListener;

use serde_json::{Value, json};

use super::super::task::{EndpointConfig, JsonMode, Work};
use super::provider::{GOOD, Provider, Reply, embeds, says};
use super::*;

const KEY: &str = "sk-secret-key";

fn config(url: String) -> EndpointConfig {
    EndpointConfig {
        url,
        key_file: None,
        key_env: None,
        allow_private: true,
        timeout_ms: 2_000,
        concurrency: 64,
        json_mode: JsonMode::Schema,
        dimensions: None,
    }
}

fn task(id: usize, endpoint: EndpointConfig, work: Work) -> Task {
    Task {
        tenant_id: "t".into(),
        id: id.to_string(),
        lease: format!("lease-{id}"),
        attempts: 1,
        endpoint,
        model: "m".into(),
        work,
    }
}

fn judgement(id: usize, endpoint: EndpointConfig) -> Task {
    let schema = json!({"type": "object", "required": ["score"], "properties": {"score": {"type": "number"}, "label": {"type": "string"}}});
    let work = Work::Judge {
        evaluator: "e".into(),
        version: 2,
        template: "Judge {{answer}}".into(),
        variables: BTreeMap::from([("answer".into(), "secret payload".into())]),
        schema,
        max_tokens: 100,
    };
    task(id, endpoint, work)
}

fn embedding(id: usize, endpoint: EndpointConfig, text: &str) -> Task {
    task(id, endpoint, Work::Embedding { text: text.into() })
}

/// All that comes back, in the order of the ids.
fn reports(engine: &mut Engine) -> Vec<Report> {
    let (mut reports, started) = (Vec::new(), Instant::now());
    while !engine.is_idle() {
        match engine.report() {
            Some(report) => reports.push(report),
            None => thread::sleep(Duration::from_millis(2)),
        }
        assert!(started.elapsed() < Duration::from_secs(20), "it hangs");
    }
    reports.sort_by_key(|report| report.id.parse::<usize>().unwrap());
    for report in &reports {
        let error = report.error.clone().unwrap_or_default();
        assert!(!error.contains("secret") && !error.contains("127.0.0.1"), "{error}");
    }
    for state in engine.states() {
        assert!(!format!("{state:?}").contains("secret"), "{state:?}");
    }
    reports
}

fn one(task: Task) -> Report {
    let mut engine = Engine::start().unwrap();
    engine.take(vec![task]);
    reports(&mut engine).remove(0)
}

fn asked(answer: impl Fn(&super::provider::Request) -> Reply + Send + Sync + 'static) -> (Report, Provider) {
    let provider = Provider::start(answer);
    (one(judgement(1, config(provider.url()))), provider)
}

/// The state, whether it counts, and the error.
fn fate(report: &Report) -> (&'static str, bool, &str) {
    (report.state, report.counts, report.error.as_deref().unwrap_or_default())
}

#[test]
fn a_judgement_is_done_with_its_usage() {
    let (report, provider) = asked(|_| says(GOOD));
    assert_eq!(fate(&report), ("done", true, ""));
    let verdict = report.verdict.clone().unwrap();
    assert_eq!((verdict.score, verdict.label.as_str(), verdict.flags.len()), (0.25, "yes", 0));
    let usage = report.usage.unwrap();
    assert_eq!((usage.input, usage.output, usage.cached_input, usage.calls), (100, 20, 10, 1));
    assert_eq!((report.model.as_deref(), report.latency_ms > 0.0), (Some("judge-1-2026"), true));
    let [request] = &provider.seen()[..] else { panic!() };
    assert_eq!(request.path, "/secret-path/v1/chat/completions");
    assert!(!request.headers.contains("authorization"));
    let system = request.body["messages"][0]["content"].as_str().unwrap();
    assert!(system.starts_with("[observa judge e v2]\n"));
    let json: Value = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["state"], &json["verdict"]["score"]), (&json!("done"), &json!(0.25)));
}

#[test]
fn each_fault_ends_in_its_state() {
    let ok = |kind: &str, body: &str| {
        Reply::Raw(format!(
            "HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
    };
    let is = |state, counts, error| (state, counts, error);
    let (report, _) = asked(|_| Reply::Reset);
    assert_eq!(fate(&report), is("queued", true, "the connection broke"));
    let (report, _) = asked(|_| Reply::Json(500, "", "{}".into()));
    assert_eq!(fate(&report), is("queued", true, "the answer was 500"));
    assert!(report.retry_seconds.is_some_and(|pause| (1.5..=2.5).contains(&pause)));
    let (report, _) = asked(|_| Reply::Endless);
    assert_eq!(fate(&report), is("queued", true, "the answer is too long"));
    let (report, _) = asked(move |_| ok("application/json", "{\"choices\": [nonsense"));
    assert_eq!(fate(&report), is("queued", true, "the answer is no JSON"));
    let (report, _) = asked(move |_| ok("text/html; charset=utf-8", "{}"));
    assert_eq!(fate(&report), is("queued", true, "the answer is of another type than JSON"));
    let (report, _) = asked(|_| Reply::Json(307, "location: http://127.0.0.1:1/secret\r\n", String::new()));
    assert_eq!(fate(&report), is("failed", true, "it was redirected, which is not followed"));
    let (report, _) = asked(|_| Reply::Json(404, "", r#"{"error": {"code": "model_not_found"}}"#.into()));
    assert_eq!(fate(&report), is("failed", true, "the answer was 404 (model_not_found)"));
    let (report, _) = asked(|_| Reply::Json(400, "", r#"{"error": {"message": "secret"}}"#.into()));
    assert_eq!(fate(&report), is("failed", true, "the answer was 400"));

    let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let report = one(judgement(1, config(format!("http://127.0.0.1:{refused}/v1"))));
    assert_eq!(fate(&report), is("queued", true, "no connection could be made"));
    let plain = Provider::start(|_| says(GOOD));
    let report = one(judgement(1, config(format!("https://127.0.0.1:{}/v1", plain.port))));
    assert_eq!(fate(&report), is("queued", true, "no connection could be made"));
    let report = one(judgement(1, config("https://no-such-host.invalid/v1".into())));
    assert_eq!(fate(&report), is("queued", true, "the host's name is not known"));
    let report = one(judgement(1, EndpointConfig { allow_private: false, ..config(plain.url()) }));
    assert_eq!(fate(&report), is("failed", true, "the address must begin with https://"));
}

#[test]
fn what_takes_too_long_is_given_up() {
    let late = |_: &super::provider::Request| Reply::Late(Duration::from_secs(5), Box::new(says(GOOD)));
    for provider in [Provider::start(|_| Reply::Slow), Provider::start(late)] {
        let started = Instant::now();
        let report = one(judgement(1, EndpointConfig { timeout_ms: 300, ..config(provider.url()) }));
        assert_eq!(fate(&report), ("queued", true, "it took too long"));
        assert!(started.elapsed() < Duration::from_secs(2));
    }
}

#[test]
fn an_attempt_takes_twice_the_timeout_at_the_most() {
    let provider = Provider::start(|request| {
        let has = |name: &str| request.body.get(name).is_some();
        let message =
            ["temperature", "response_format"].into_iter().find(|name| has(name)).unwrap_or("secret");
        let message = if has("max_tokens") { "use max_completion_tokens" } else { message };
        let refusal = Reply::Json(400, "", json!({"error": {"message": message}}).to_string());
        Reply::Late(Duration::from_millis(700), Box::new(refusal))
    });
    let started = Instant::now();
    let report = one(judgement(1, EndpointConfig { timeout_ms: 1_000, ..config(provider.url()) }));
    assert_eq!(fate(&report), ("queued", true, "it took too long"));
    assert!((1_950..3_000).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    assert_eq!(report.usage.map(|usage| usage.calls), Some(3));
}

#[test]
fn the_fourth_failure_is_the_last() {
    let provider = Provider::start(|_| Reply::Json(500, "", "{}".into()));
    let report = one(Task { attempts: 4, ..judgement(1, config(provider.url())) });
    assert_eq!((fate(&report), report.retry_seconds), (("failed", true, "the answer was 500"), None));
}

#[test]
fn an_answer_that_breaks_the_schema_is_repaired_once() {
    let (report, provider) =
        asked(|request| if request.turn == 0 { says(r#"{"score": "high"}"#) } else { says(GOOD) });
    assert_eq!(report.verdict.as_ref().map(|verdict| verdict.flags.clone()), Some(vec!["repaired".into()]));
    let usage = report.usage.unwrap();
    assert_eq!((usage.input, usage.output, usage.calls), (200, 40, 2));
    let again = &provider.seen()[1].body["messages"];
    assert_eq!(again[2], json!({"role": "assistant", "content": r#"{"score": "high"}"#}));
    assert!(again[3]["content"].as_str().unwrap().contains("/properties/score/type"));

    let (report, provider) = asked(|_| says(r#"{"score": 2}"#));
    assert_eq!(fate(&report), ("failed", true, "the answer has no number from 0 to 1 as its score"));
    assert_eq!((report.answer.as_deref(), provider.seen().len()), (Some(r#"{"score": 2}"#), 2));
    assert_eq!(report.usage.map(|usage| usage.calls), Some(2));

    let (report, _) =
        asked(|request| if request.turn == 0 { says("no") } else { Reply::Json(500, "", String::new()) });
    assert_eq!(fate(&report), ("queued", true, "the answer was 500"));
    assert_eq!(
        report.usage.map(|usage| (usage.input, usage.calls)),
        Some((100, 2)),
        "the first one was paid for"
    );
}

#[test]
fn what_a_template_lacks_is_asked_of_nobody() {
    let provider = Provider::start(|_| says(GOOD));
    let mut task = judgement(1, config(provider.url()));
    if let Work::Judge { template, .. } = &mut task.work {
        *template = "{{context}}".into();
    }
    let report = one(task);
    assert_eq!(fate(&report), ("failed", true, "the template has a variable that is not there: context"));
    assert_eq!((provider.seen().len(), report.usage), (0, None));
}

#[test]
fn a_lesser_mode_is_found_and_remembered() {
    let refuse = |what: &str| {
        Reply::Json(400, "", json!({"error": {"message": format!("{what} is not supported")}}).to_string())
    };
    let provider = Provider::start(move |request| {
        let has = |name: &str| request.body.get(name).is_some();
        match () {
            () if has("max_tokens") => refuse("max_tokens"),
            () if has("temperature") => refuse("temperature"),
            () if has("response_format") => refuse("response_format"),
            () => says(GOOD),
        }
    });
    let mut engine = Engine::start().unwrap();
    engine.take(vec![judgement(1, config(provider.url()))]);
    let first = reports(&mut engine).remove(0);
    assert_eq!((first.state, first.usage.map(|usage| usage.calls)), ("done", Some(5)));
    engine.take(vec![judgement(2, config(provider.url()))]);
    let second = reports(&mut engine).remove(0);
    assert_eq!((second.state, second.usage.map(|usage| usage.calls)), ("done", Some(1)));
}

#[test]
fn what_was_refused_for_something_else_teaches_nothing() {
    let provider = Provider::start(|_| {
        let message = "the prompt with its json_schema is longer than max_tokens support";
        Reply::Json(400, "", json!({"error": {"message": message}}).to_string())
    });
    let mut engine = Engine::start().unwrap();
    for id in 0..2 {
        engine.take(vec![judgement(id, config(provider.url()))]);
        assert_eq!(fate(&reports(&mut engine)[0]), ("failed", true, "the answer was 400"));
    }
    let seen = provider.seen();
    let whole = |request: &super::provider::Request| {
        let format = &request.body["response_format"]["type"];
        request.body["max_tokens"] == 100 && format == "json_schema"
    };
    assert!(whole(&seen[0]) && whole(&seen[seen.len() / 2]), "the second task begins anew");
}

#[test]
fn a_busy_endpoint_is_left_alone_and_its_tasks_are_not_counted() {
    for (headers, pause) in [("retry-after: 30\r\n", 29.0..=30.0), ("", 1.0..=2.0)] {
        let provider = Provider::start(move |_| Reply::Json(429, headers, "{}".into()));
        let mut engine = Engine::start().unwrap();
        let endpoint = EndpointConfig { concurrency: 2, ..config(provider.url()) };
        engine.take((0..4).map(|id| judgement(id, endpoint.clone())).collect());
        for report in reports(&mut engine) {
            assert_eq!(fate(&report), ("queued", false, "the answer was 429"));
            assert!(report.retry_seconds.is_some_and(|own| pause.contains(&own)), "{report:?}");
        }
        assert!(provider.seen().len() <= 2, "those that waited did not go");
        assert_eq!(engine.free(Kind::Judge), 0);
        let [state] = &engine.states()[..] else { panic!() };
        assert_eq!((state.state, state.last_error.as_deref()), ("closed", Some("the answer was 429")));
    }
}

#[test]
fn a_key_is_sent_and_a_wrong_one_fails_no_task() {
    let file = std::env::temp_dir().join(format!("observa-judge-{}", uuid::Uuid::new_v4()));
    let provider = Provider::start(|request| {
        if request.headers.contains(&format!("authorization: bearer {KEY}\r\n")) {
            says(GOOD)
        } else {
            Reply::Json(
                401,
                "",
                json!({"error": {"code": "invalid_api_key", "message": "secret"}}).to_string(),
            )
        }
    });
    let endpoint = EndpointConfig { key_file: Some(file.to_string_lossy().into()), ..config(provider.url()) };
    let report = one(judgement(1, endpoint.clone()));
    assert_eq!(fate(&report), ("queued", false, "the key's file can't be read"));
    assert_eq!(provider.seen().len(), 0);
    std::fs::write(&file, "wrong").unwrap();
    let report = one(judgement(1, endpoint.clone()));
    assert_eq!(
        fate(&report),
        ("queued", false, "the endpoint does not take the key: the answer was 401 (invalid_api_key)")
    );
    assert!(report.retry_seconds.is_some_and(|pause| pause > 59.0));
    std::fs::write(&file, format!("{KEY}\n")).unwrap();
    assert_eq!(fate(&one(judgement(1, endpoint))), ("done", true, ""));
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn tasks_of_two_keys_go_each_with_its_own() {
    let directory = std::env::temp_dir();
    let provider = Provider::start(|_| Reply::Late(Duration::from_millis(50), Box::new(says(GOOD))));
    let mut engine = Engine::start().unwrap();
    let files: Vec<_> =
        (0..2).map(|_| directory.join(format!("observa-judge-{}", uuid::Uuid::new_v4()))).collect();
    let mut tasks = Vec::new();
    for (place, file) in files.iter().enumerate() {
        std::fs::write(file, format!("sk-{place}")).unwrap();
        let key_file = Some(file.to_string_lossy().into_owned());
        let endpoint = EndpointConfig { key_file, concurrency: 1, ..config(provider.url()) };
        tasks.extend((0..3).map(|turn| Task {
            model: format!("model-{place}"),
            ..judgement(place * 10 + turn, endpoint.clone())
        }));
    }
    engine.take(tasks);
    assert!(reports(&mut engine).iter().all(|report| report.state == "done"));
    for request in provider.seen() {
        let place = request.body["model"].as_str().unwrap().trim_start_matches("model-").to_owned();
        assert!(request.headers.contains(&format!("authorization: bearer sk-{place}\r\n")));
    }
    for file in files {
        std::fs::remove_file(file).unwrap();
    }
}

#[test]
fn after_five_failures_nobody_asks_for_a_while() {
    let provider = Provider::start(|_| Reply::Json(500, "", "{}".into()));
    let endpoint = EndpointConfig { concurrency: 1, ..config(provider.url()) };
    let mut engine = Engine::start().unwrap();
    engine.take((0..20).map(|id| judgement(id, endpoint.clone())).collect());
    let reports = reports(&mut engine);
    assert_eq!(provider.seen().len(), 5);
    assert_eq!(reports.iter().filter(|report| report.counts).count(), 5);
    assert!(reports.iter().all(|report| report.state == "queued"));
    assert_eq!(engine.free(Kind::Judge), 0);
    let [state] = &engine.states()[..] else { panic!() };
    assert_eq!((state.state, state.failures_in_row, state.in_flight), ("open", 5, 0));
    assert_eq!(state.host, format!("http://127.0.0.1:{}", provider.port));
}

#[test]
fn sixty_four_are_asked_at_once_and_no_more() {
    let provider = Provider::start(|_| Reply::Late(Duration::from_millis(600), Box::new(says(GOOD))));
    let mut engine = Engine::start().unwrap();
    assert_eq!(engine.free(Kind::Judge), 32, "before the first task");
    let started = Instant::now();
    engine.take((0..128).map(|id| judgement(id, config(provider.url()))).collect());
    thread::sleep(Duration::from_millis(350));
    assert_eq!((engine.free(Kind::Judge), engine.states()[0].in_flight), (0, 64));
    let reports = reports(&mut engine);
    assert!(reports.len() == 128 && reports.iter().all(|report| report.state == "done"));
    assert!((1_190..2_300).contains(&started.elapsed().as_millis()), "{:?}", started.elapsed());
    assert_eq!(engine.free(Kind::Judge), 128);
}

#[test]
fn it_stops_within_a_second_and_reports_what_was_on_the_way() {
    let provider = Provider::start(|request| {
        if request.turn == 0 {
            says(GOOD)
        } else {
            Reply::Late(Duration::from_secs(30), Box::new(says(GOOD)))
        }
    });
    let mut engine = Engine::start().unwrap();
    let endpoint = EndpointConfig { concurrency: 4, timeout_ms: 60_000, ..config(provider.url()) };
    engine.take((0..8).map(|id| judgement(id, endpoint.clone())).collect());
    thread::sleep(Duration::from_millis(300));
    let started = Instant::now();
    let reports = engine.stop();
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    let ids: BTreeSet<&str> = reports.iter().map(|report| report.id.as_str()).collect();
    assert_eq!((reports.len(), ids.len()), (8, 8), "each one once");
    assert_eq!(reports.iter().filter(|report| report.state == "done").count(), 1);
    for report in reports.iter().filter(|report| report.state != "done") {
        assert_eq!(fate(report), ("queued", false, "the worker is ending"));
    }
}

#[test]
fn what_there_is_no_room_for_comes_back() {
    let provider = Provider::start(|_| says(GOOD));
    let mut engine = Engine::start().unwrap();
    engine.take((0..MOST_HELD + 10).map(|id| judgement(id, config(provider.url()))).collect());
    engine.take(vec![judgement(0, config(provider.url()))]);
    let reports = reports(&mut engine);
    assert_eq!(reports.iter().filter(|report| report.state == "done").count(), MOST_HELD);
    let back: Vec<_> = reports.iter().filter(|report| report.state != "done").collect();
    assert_eq!(back.len(), 11);
    assert_eq!(fate(back[0]), ("queued", false, "the worker had no room for it"));
    assert!(engine.is_alive());
}

#[test]
fn embeddings_that_wait_go_together() {
    let provider = Provider::start(embeds);
    let mut engine = Engine::start().unwrap();
    let endpoint = config(provider.url());
    assert_eq!(engine.free(Kind::Embedding), 128);
    let long = "b".repeat(20_000);
    let mut tasks: Vec<Task> =
        (0..70).map(|id| embedding(id, endpoint.clone(), &"a".repeat(id + 1))).collect();
    tasks.extend((70..80).map(|id| embedding(id, endpoint.clone(), &long)));
    tasks.push(Task { model: "other".into(), ..embedding(80, endpoint, "c") });
    engine.take(tasks);
    let reports = reports(&mut engine);
    for (id, report) in reports.iter().enumerate() {
        let length = match id {
            0..70 => id as f32 + 1.0,
            70..80 => 20_000.0,
            _ => 1.0,
        };
        assert_eq!((report.state, report.embedding.clone()), ("done", Some(vec![length, 0.5])), "{id}");
    }
    let seen = provider.seen();
    let mut sizes: Vec<usize> =
        seen.iter().map(|request| request.body["input"].as_array().unwrap().len()).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [1, 4, 12, 64], "by number, by bytes, by model");
    assert!(seen.iter().all(|request| request.path == "/secret-path/v1/embeddings"));
    let usage = reports
        .iter()
        .filter_map(|report| report.usage)
        .fold((0, 0), |(input, calls), usage| (input + usage.input, calls + usage.calls));
    assert_eq!(usage, (81 * 3, 4));
}

#[test]
fn one_text_that_is_refused_does_not_fail_its_neighbours() {
    let provider = Provider::start(|request| {
        let is_bad = request.body["input"].as_array().unwrap().iter().any(|text| text == "bad");
        if is_bad {
            Reply::Json(400, "", r#"{"error": {"code": "invalid_input"}}"#.into())
        } else {
            embeds(request)
        }
    });
    let mut engine = Engine::start().unwrap();
    let texts = ["a", "bad", "ccc"];
    engine.take(
        texts.iter().enumerate().map(|(id, text)| embedding(id, config(provider.url()), text)).collect(),
    );
    let reports = reports(&mut engine);
    assert_eq!(reports[0].embedding, Some(vec![1.0, 0.5]));
    assert_eq!(fate(&reports[1]), ("failed", true, "the answer was 400 (invalid_input)"));
    assert_eq!(reports[2].embedding, Some(vec![3.0, 0.5]));
    assert_eq!(provider.seen().len(), 4);
}

#[test]
fn a_wrong_number_of_embeddings_is_no_answer_and_dimensions_are_asked_for() {
    let provider = Provider::start(|_| {
        Reply::Json(
            200,
            "",
            json!({"data": [{"index": 0, "embedding": [1, 2]}], "usage": {"prompt_tokens": 5}}).to_string(),
        )
    });
    let mut engine = Engine::start().unwrap();
    let endpoint = EndpointConfig { dimensions: Some(2), ..config(provider.url()) };
    engine.take((0..2).map(|id| embedding(id, endpoint.clone(), "a")).collect());
    for report in reports(&mut engine) {
        assert_eq!(fate(&report), ("queued", true, "the answer has not one embedding for each text"));
    }
    assert_eq!(provider.seen()[0].body["dimensions"], json!(2));
    assert_eq!(provider.seen()[0].body.as_object().unwrap().len(), 3, "model, input, dimensions");
    let other = EndpointConfig { dimensions: Some(3), ..endpoint };
    let report = one(embedding(1, other, "a"));
    assert_eq!(fate(&report), ("queued", true, "an embedding has another number of dimensions"));
}

#[test]
fn an_endpoint_that_failed_is_tried_with_one_and_then_with_all() {
    let is_well = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let asked = is_well.clone();
    let provider = Provider::start(move |_| {
        if asked.load(std::sync::atomic::Ordering::SeqCst) {
            Reply::Late(Duration::from_millis(100), Box::new(says(GOOD)))
        } else {
            Reply::Json(500, "", "{}".into())
        }
    });
    let mut engine = Engine::start().unwrap();
    engine.take((0..5).map(|id| judgement(id, config(provider.url()))).collect());
    reports(&mut engine);
    assert_eq!(engine.free(Kind::Judge), 0);
    is_well.store(true, std::sync::atomic::Ordering::SeqCst);
    thread::sleep(super::super::breaker::FIRST_PAUSE);
    assert_eq!((engine.free(Kind::Judge), engine.states()[0].state), (1, "half_open"));
    engine.take((0..3).map(|id| judgement(id, config(provider.url()))).collect());
    assert_eq!(engine.free(Kind::Judge), 0);
    let reports = reports(&mut engine);
    let done = reports.iter().filter(|report| report.state == "done").count();
    let back = reports.iter().filter(|report| report.state == "queued" && !report.counts).count();
    assert_eq!((done, back), (1, 2), "one probes, the others are not counted");
    assert_eq!((engine.free(Kind::Judge), engine.states()[0].last_error.clone()), (128, None));
}

/// `cargo test --release -p observa-workers throughput -- --ignored --nocapture` prints what the thread can do, and its processor time.
#[test]
#[ignore = "a measurement"]
fn throughput() {
    const SECONDS: u64 = 10;
    let provider = Provider::start(|_| Reply::Late(Duration::from_millis(200), Box::new(says(GOOD))));
    let mut engine = Engine::start().unwrap();
    let value = "An answer of some length, as they are. ".repeat(50);
    let make = |id: usize| {
        let mut task = judgement(id, config(provider.url()));
        let evaluator = &crate::judge::evaluators::EVALUATORS[0];
        if let Work::Judge { template, variables, .. } = &mut task.work {
            *template = evaluator.template.to_owned();
            *variables = evaluator.variables.iter().map(|name| ((*name).to_owned(), value.clone())).collect();
        }
        task
    };
    let (mut sent, mut done, started) = (0, 0, Instant::now());
    while started.elapsed() < Duration::from_secs(SECONDS) {
        let free = engine.free(Kind::Judge);
        engine.take((sent..sent + free).map(make).collect());
        sent += free;
        while let Some(report) = engine.report() {
            assert_eq!(report.state, "done", "{report:?}");
            done += 1;
        }
        thread::sleep(Duration::from_millis(10));
    }
    let rate = done / SECONDS;
    let used = processor_ms("observa judge");
    println!("{rate} judgements/s at 200 ms and 64 at once; {used} ms of processor time in {SECONDS} s");
    let held = engine.stop();
    println!("{} were on the way at the end", held.len());
    assert!(rate >= 200);
}

/// What threads of this name have used, by Linux' clock of 100 ticks a second.
fn processor_ms(name: &str) -> u64 {
    let threads = std::fs::read_dir("/proc/self/task").unwrap().map_while(Result::ok);
    threads
        .filter_map(|thread| {
            let about = std::fs::read_to_string(thread.path().join("stat")).ok()?;
            let (head, tail) = about.rsplit_once(") ")?;
            let fields: Vec<&str> = tail.split(' ').collect();
            let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
            head.ends_with(name).then_some(ticks * 10)
        })
        .sum()
}
