//! Sends events to Observa. One file: copy it. It needs `flate2`, `serde_json`, `ureq` 3 (with TLS: its feature `rustls`) and
//! `uuid` (`v4`). Where OpenTelemetry has an instrumentation for what you call, use that: docs/sdks.md.
//!
//! ```ignore
//! let observa = Observa::new(Options::new("https://observa.example.com", key));
//! let answer = observa.start(json!({"model": "gpt-4o", "input": question, "route": "/chat"})).run(|span| {
//!     let answer = ask(question)?;
//!     span.set(json!({"output": answer.text, "usage": answer.usage}));
//!     Ok(answer)
//! })?;
//! ```
//!
//! It neither panics in the application nor makes it wait: events stand in a bounded queue that a thread of its own sends from, and
//! what finds no room is counted and told of. Secrets are removed by the server. The last handle's end sends what is left: hold one
//! in `main`, as `static`s and `std::process::exit` drop nothing.

#![deny(clippy::unwrap_used, clippy::expect_used)]

use std::collections::VecDeque;
use std::fmt::Display;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value, json};
use uuid::Uuid;

/// A quota's Retry-After is the end of the month: it may be raised before.
const LONGEST_WAIT: Duration = Duration::from_secs(300);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// Of a batch that is answered with a 5xx other than 502 to 504: those and other failures are tried until they end.
const MAX_ATTEMPTS: u32 = 8;
/// Of one event, as the server's own limit of a line is 1 MB, and of a batch.
const MAX_BODY_BYTES: usize = 1_000_000;
/// What a span hands on to those within it.
const INHERITED: [&str; 7] =
    ["trace_id", "conversation_id", "session_id", "user_id", "route", "version", "environment"];

/// What the client tells of.
#[derive(Clone, Debug, PartialEq)]
pub enum Report {
    /// Events that will not arrive. Reasons: queue_full, too_large, refused (a 4xx), failed (a 5xx that does not go away),
    /// closed (not sent when the client ended).
    Dropped { reason: &'static str, count: usize, message: String },
    /// An event that the server could not store: docs/events.md lists the codes.
    Rejected { line: u64, code: String, field: Option<String>, message: String, event: Value },
    /// A try that failed, and will be repeated.
    Failed(String),
}

type OnReport = Box<dyn Fn(Report) + Send + Sync>;

pub struct Options {
    /// Of nginx or PostgREST, without a path.
    pub url: String,
    pub key: String,
    /// In every event that does not say otherwise: environment, version, route.
    pub defaults: Value,
    /// Beside `x-api-key`.
    pub headers: Vec<(String, String)>,
    /// What waits or is under way, at most.
    pub max_events: usize,
    pub max_bytes: usize,
    /// Which event goes when the queue is full: the one that comes, instead of the oldest.
    pub drop_newest: bool,
    pub batch_events: usize,
    /// How long an event waits for others.
    pub flush_after: Duration,
    /// Of one request.
    pub timeout: Duration,
    /// How long the last handle's end may take.
    pub exit_timeout: Duration,
    /// Before the second try; twice as long before each that follows, up to 30 s.
    pub retry: Duration,
    /// Called in the client's thread, or in that of `flush`. None: a line on stderr.
    pub on_report: Option<OnReport>,
}

impl Options {
    pub fn new(url: impl Into<String>, key: impl Into<String>) -> Options {
        Options {
            url: url.into(),
            key: key.into(),
            defaults: json!({}),
            headers: Vec::new(),
            max_events: 10_000,
            max_bytes: 16 << 20,
            drop_newest: false,
            batch_events: 500,
            flush_after: Duration::from_secs(2),
            timeout: Duration::from_secs(10),
            exit_timeout: Duration::from_secs(5),
            retry: Duration::from_millis(500),
            on_report: None,
        }
    }
}

/// In events. `stored`: by this or an earlier try.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub queued: usize,
    pub stored: usize,
    pub rejected: usize,
    pub dropped: usize,
}

/// A handle; clones share the queue. The last one's drop, and `flush`, block: not on a thread of an async runtime.
#[derive(Clone)]
pub struct Observa(Arc<Handle>);

struct Handle(Arc<Client>);

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

struct Client {
    options: Options,
    agent: ureq::Agent,
    queue: Mutex<Queue>,
    changed: Condvar,
}

#[derive(Default)]
struct Queue {
    lines: VecDeque<String>,
    oldest_at: Option<Instant>,
    /// Of what waits and what is under way.
    events: usize,
    bytes: usize,
    /// How many flushes wait, how often one came, which ends a pause, and how many threads are telling of drops.
    urgent: usize,
    nudges: usize,
    telling: usize,
    gone: bool,
    drops: Vec<(&'static str, usize, String)>,
    stats: Stats,
}

impl Queue {
    /// They wait no more, whatever became of them.
    fn settle<'l>(&mut self, lines: impl IntoIterator<Item = &'l String>) {
        for line in lines {
            // At the end all have been settled.
            self.events = self.events.saturating_sub(1);
            self.bytes = self.bytes.saturating_sub(line.len());
        }
    }

    /// Told of later, once for each reason.
    fn dropped(&mut self, reason: &'static str, count: usize, message: &str) {
        if count == 0 {
            return;
        }
        self.stats.dropped += count;
        match self.drops.iter_mut().find(|(known, ..)| *known == reason) {
            Some((_, before, _)) => *before += count,
            None => self.drops.push((reason, count, message.to_owned())),
        }
    }
}

enum Outcome {
    Stored(Value),
    Again { message: String, wait: Option<Duration>, counts: bool },
    Refused(String),
}

impl Observa {
    pub fn new(options: Options) -> Observa {
        let agent = ureq::Agent::config_builder()
            .timeout_global(Some(options.timeout))
            .http_status_as_error(false)
            // A redirected POST would become a GET, whose 200 stores nothing.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .build()
            .into();
        let queue = Mutex::new(Queue::default());
        let client = Arc::new(Client { options, agent, queue, changed: Condvar::new() });
        let sender = client.clone();
        let thread = std::thread::Builder::new().name("observa".into()).spawn(move || sender.run());
        // Without one all is dropped, as after the end.
        client.lock().gone = thread.is_err();
        Observa(Arc::new(Handle(client)))
    }

    /// Queues an event, an object; its event_id, by which a retry is told from a second event.
    pub fn track(&self, event: Value) -> String {
        let client = &self.0.0;
        let mut whole = object(json!({"event_id": Uuid::new_v4().to_string(), "timestamp": now_seconds()}));
        whole.extend(object(client.options.defaults.clone()));
        whole.extend(object(event));
        let id = whole.get("event_id").and_then(Value::as_str).unwrap_or_default().to_owned();
        client.enqueue(Value::Object(whole).to_string());
        id
    }

    /// A span to end by hand, or by its drop.
    pub fn start(&self, fields: Value) -> Span {
        Span::begin(self.clone(), object(fields), None)
    }

    /// As `start`, with trace_start and trace_end.
    pub fn trace(&self, name: &str, fields: Value) -> Span {
        let mut fields = object(fields);
        fields.extend(object(json!({"name": name, "event_type": "trace_end"})));
        let span = Span::begin(self.clone(), fields, None);
        let mut start = span.fields.clone();
        start.insert("event_type".into(), "trace_start".into());
        self.track(Value::Object(start));
        span
    }

    /// Sends what is queued; false: not all within the time.
    pub fn flush(&self, timeout: Duration) -> bool {
        self.0.0.flush(timeout)
    }

    pub fn stats(&self) -> Stats {
        let queue = self.0.0.lock();
        Stats { queued: queue.events, ..queue.stats }
    }
}

impl Client {
    /// No holder panics; and if one did, the queue is as good as before.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, at most so long, while something holds.
    fn wait<'q>(
        &self,
        queue: MutexGuard<'q, Queue>,
        at_most: Duration,
        holds: impl FnMut(&mut Queue) -> bool,
    ) -> MutexGuard<'q, Queue> {
        self.changed.wait_timeout_while(queue, at_most, holds).unwrap_or_else(PoisonError::into_inner).0
    }

    fn enqueue(&self, line: String) {
        let Options { max_events, max_bytes, drop_newest, batch_events, .. } = &self.options;
        let mut queue = self.lock();
        if queue.gone {
            return queue.dropped("closed", 1, "");
        }
        if line.len() > MAX_BODY_BYTES.min(*max_bytes) {
            queue.dropped("too_large", 1, &format!("{} bytes", line.len()));
            return self.changed.notify_all();
        }
        while queue.events >= *max_events || queue.bytes + line.len() > *max_bytes {
            queue.dropped("queue_full", 1, "");
            let oldest = if *drop_newest { None } else { queue.lines.pop_front() };
            // What is under way can't be taken back.
            let Some(oldest) = oldest else { return };
            queue.settle([&oldest]);
        }
        queue.oldest_at =
            queue.oldest_at.filter(|_| !queue.lines.is_empty()).or_else(|| Some(Instant::now()));
        (queue.events, queue.bytes) = (queue.events + 1, queue.bytes + line.len());
        queue.lines.push_back(line);
        if [1, *batch_events].contains(&queue.lines.len()) || queue.bytes >= MAX_BODY_BYTES {
            self.changed.notify_all();
        }
    }

    fn flush(&self, timeout: Duration) -> bool {
        let mut queue = self.lock();
        (queue.urgent, queue.nudges) = (queue.urgent + 1, queue.nudges + 1);
        self.changed.notify_all();
        queue = self.wait(queue, timeout, |queue| queue.events > 0 && !queue.gone);
        queue.urgent -= 1;
        let sent = queue.events == 0;
        drop(queue);
        self.report();
        // Else the process may end before the thread has told what it took.
        drop(self.wait(self.lock(), Duration::from_secs(1), |queue| queue.telling > 0));
        sent
    }

    fn close(&self) {
        self.flush(self.options.exit_timeout);
        let mut queue = self.lock();
        queue.gone = true;
        let left = std::mem::take(&mut queue.events);
        queue.dropped("closed", left, "not sent in time");
        (queue.lines, queue.bytes) = (VecDeque::new(), 0);
        drop(queue);
        self.changed.notify_all();
        self.report();
    }

    fn run(&self) {
        while let Some(batch) = self.next_batch() {
            if !batch.is_empty() {
                self.deliver(&batch);
                self.lock().settle(&batch);
                self.changed.notify_all();
            }
            self.report();
        }
    }

    /// Waits for one that is full or due. Empty: there is something to report alone. None: the end.
    fn next_batch(&self) -> Option<Vec<String>> {
        let Options { batch_events, flush_after, .. } = &self.options;
        let idle = |queue: &mut Queue| queue.lines.is_empty() && queue.drops.is_empty() && !queue.gone;
        let mut queue = self.lock();
        while idle(&mut queue) {
            queue = self.wait(queue, LONGEST_WAIT, idle);
        }
        let age = queue.oldest_at.map_or(*flush_after, |at| at.elapsed());
        queue = self.wait(queue, flush_after.saturating_sub(age), |queue| {
            let full = queue.lines.len() >= *batch_events || queue.bytes >= MAX_BODY_BYTES;
            !full && queue.urgent == 0 && !queue.gone && !queue.lines.is_empty()
        });
        if queue.gone {
            return None;
        }
        let (mut batch, mut size) = (Vec::new(), 0);
        while let Some(next) = queue.lines.front() {
            if batch.len() >= *batch_events || (!batch.is_empty() && size + next.len() > MAX_BODY_BYTES) {
                break;
            }
            size += next.len() + 1;
            batch.extend(queue.lines.pop_front());
        }
        Some(batch)
    }

    /// Tries until the batch is stored, refused, or given up.
    fn deliver(&self, batch: &[String]) {
        let mut failures = 0;
        for attempt in 0u32.. {
            let nudges = self.lock().nudges;
            let outcome = self.post(batch).unwrap_or_else(|error| match error {
                // Of the url or a header: another try is the same.
                ureq::Error::BadUri(_) | ureq::Error::Http(_) => Outcome::Refused(error.to_string()),
                _ => Outcome::Again { message: error.to_string(), wait: None, counts: false },
            });
            let mut queue = self.lock();
            if queue.gone {
                return; // Counted as dropped by then, although it may have arrived.
            }
            let (message, wait, counts) = match outcome {
                Outcome::Stored(answer) => return self.stored(queue, batch, &answer),
                Outcome::Refused(message) => return queue.dropped("refused", batch.len(), &message),
                Outcome::Again { message, wait, counts } => (message, wait, counts),
            };
            failures += u32::from(counts);
            if failures >= MAX_ATTEMPTS {
                return queue.dropped("failed", batch.len(), &message);
            }
            drop(queue);
            self.tell(Report::Failed(message));
            self.report();
            let backoff = self.options.retry.saturating_mul(1 << attempt.min(20)).min(LONGEST_BACKOFF);
            // From a half on, so that clients that failed together do not come back together. A server may ask for 0.
            let share = 0.5 + f64::from(Uuid::new_v4().as_fields().0) / f64::from(u32::MAX) / 2.0;
            let pause = wait.unwrap_or_default().max(backoff.mul_f64(share));
            // A flush ends it, but not a wait that the server has asked for.
            let ended = |queue: &Queue| queue.gone || (wait.is_none() && queue.nudges != nudges);
            if self.wait(self.lock(), pause, |queue| !ended(queue)).gone {
                return;
            }
        }
    }

    fn post(&self, batch: &[String]) -> Result<Outcome, ureq::Error> {
        let text = batch.join("\n");
        let packed = gzip(text.as_bytes());
        let mut request = self
            .agent
            .post(format!("{}/rpc/ingest", self.options.url.trim_end_matches('/')))
            // Not x-ndjson, so that it reaches PostgREST without nginx, too.
            .header("Content-Type", "application/octet-stream")
            .header("x-api-key", self.options.key.trim());
        for (name, value) in &self.options.headers {
            request = request.header(name, value);
        }
        if packed.is_some() {
            request = request.header("Content-Encoding", "gzip");
        }
        let mut response = request.send(packed.as_deref().unwrap_or(text.as_bytes()))?;
        // Seconds alone: a date is answered by the client's own pause.
        let wait =
            response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let body = response.body_mut().read_to_string()?;
        let answer = serde_json::from_str(&body).unwrap_or_default();
        Ok(outcome_of(response.status().as_u16(), wait.map(Duration::from_secs), answer))
    }

    fn stored(&self, mut queue: MutexGuard<Queue>, batch: &[String], answer: &Value) {
        let rejected = answer["rejected"].as_u64().unwrap_or_default() as usize;
        queue.stats.stored += batch.len().saturating_sub(rejected);
        queue.stats.rejected += rejected;
        drop(queue);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for error in answer["errors"].as_array().into_iter().flatten() {
            let line = error["line"].as_u64().unwrap_or_default();
            let sent = usize::try_from(line).ok().and_then(|line| batch.get(line.checked_sub(1)?));
            self.tell(Report::Rejected {
                line,
                code: text(&error["code"]),
                field: error["field"].as_str().map(str::to_owned),
                message: text(&error["message"]),
                event: sent.and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default(),
            });
        }
    }

    fn report(&self) {
        let mut queue = self.lock();
        let drops = std::mem::take(&mut queue.drops);
        queue.telling += 1;
        drop(queue);
        let told = |(reason, count, message)| self.tell(Report::Dropped { reason, count, message });
        drops.into_iter().for_each(told);
        self.lock().telling -= 1;
        self.changed.notify_all();
    }

    fn tell(&self, report: Report) {
        match (&self.options.on_report, report) {
            // The application's, in our thread.
            (Some(callback), report) => drop(catch_unwind(AssertUnwindSafe(|| callback(report)))),
            (None, Report::Failed(_)) => {} // It will be repeated: no news yet.
            // Without the event, which nobody has scrubbed yet.
            (None, Report::Rejected { code, message, .. }) => say(&format!("rejected, {code}: {message}")),
            (None, report) => say(&format!("{report:?}")),
        }
    }
}

/// A call under way. Its drop ends it: as `ok`, unless `fail` was called or the thread panics.
pub struct Span {
    client: Observa,
    fields: Map<String, Value>,
    started_at: f64,
    begun: Instant,
    failure: Option<(String, String)>,
}

impl Span {
    fn begin(client: Observa, mut fields: Map<String, Value>, parent: Option<&Span>) -> Span {
        if let Some(parent) = parent {
            let mut handed = parent.context();
            handed.insert("parent_span_id".into(), parent.span_id().into());
            handed.extend(std::mem::take(&mut fields));
            fields = handed;
        }
        fields.entry("trace_id").or_insert_with(|| Uuid::new_v4().simple().to_string().into());
        fields.entry("span_id").or_insert_with(|| Uuid::new_v4().simple().to_string()[..16].into());
        Span { client, fields, started_at: now_seconds(), begun: Instant::now(), failure: None }
    }

    pub fn trace_id(&self) -> &str {
        self.fields.get("trace_id").and_then(Value::as_str).unwrap_or_default()
    }

    pub fn span_id(&self) -> &str {
        self.fields.get("span_id").and_then(Value::as_str).unwrap_or_default()
    }

    /// What is known later: output, usage, tokens, finish_reason.
    pub fn set(&mut self, fields: Value) -> &mut Span {
        self.fields.extend(object(fields));
        self
    }

    /// When a stream's first token came.
    pub fn first_token(&mut self) -> &mut Span {
        let elapsed = self.elapsed_ms();
        self.fields.entry("time_to_first_token_ms").or_insert_with(|| elapsed.into());
        self
    }

    /// A span within this one.
    pub fn start(&self, fields: Value) -> Span {
        Span::begin(self.client.clone(), object(fields), Some(self))
    }

    /// An event within it that takes no time: feedback, say.
    pub fn track(&self, event: Value) -> String {
        let mut whole = self.context();
        whole.insert("parent_span_id".into(), self.span_id().into());
        whole.extend(object(event));
        self.client.track(Value::Object(whole))
    }

    /// `kind`: the error's type, for `error_type`.
    pub fn fail(&mut self, kind: &str, message: impl Display) {
        self.failure = Some((kind.to_owned(), message.to_string()));
    }

    /// Runs it, and tracks how long it took and whether it failed. What it returns is the caller's, unchanged; a panic goes on.
    pub fn run<T, E: Display>(mut self, run: impl FnOnce(&mut Span) -> Result<T, E>) -> Result<T, E> {
        run(&mut self).inspect_err(|error| self.fail(name_of::<E>(), error))
    }

    /// The same of what is async. One that is dropped before its end is tracked as `cancelled`.
    pub async fn run_async<T, E: Display>(
        mut self,
        run: impl AsyncFnOnce(&mut Span) -> Result<T, E>,
    ) -> Result<T, E> {
        self.fail("cancelled", "dropped before its end");
        let result = run(&mut self).await;
        self.failure = self.failure.take().filter(|(kind, _)| kind != "cancelled");
        result.inspect_err(|error| self.fail(name_of::<E>(), error))
    }

    fn context(&self) -> Map<String, Value> {
        let known = |name: &&str| self.fields.get(*name).map(|value| ((*name).to_owned(), value.clone()));
        INHERITED.iter().filter_map(known).collect()
    }

    fn elapsed_ms(&self) -> f64 {
        (self.begun.elapsed().as_secs_f64() * 1e6).round() / 1e3
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if self.failure.is_none() && std::thread::panicking() {
            self.fail("panic", "the thread panicked");
        }
        let failed = self.failure.is_some();
        let has = |name: &str| self.fields.contains_key(name);
        let other = if has("tool_name") { "tool_call" } else { "reasoning_step" };
        let named = if has("model") { "llm_call" } else { other };
        let mut event = object(json!({"event_type": named, "timestamp": self.started_at}));
        event.extend(std::mem::take(&mut self.fields));
        let elapsed = self.elapsed_ms();
        let said = if event["event_type"] == "trace_end" {
            event.insert("timestamp".into(), now_seconds().into());
            json!({"total_latency_ms": elapsed, "outcome": if failed { "error" } else { "success" }})
        } else if event["event_type"] == "tool_call" {
            json!({"latency_ms": elapsed, "result_status": if failed { "error" } else { "success" }})
        } else {
            json!({"latency_ms": elapsed, "status": if failed { "error" } else { "ok" }})
        };
        let mut whole = object(said);
        if let Some((kind, message)) = self.failure.take() {
            whole.extend(object(json!({"error_type": kind, "error_message": message})));
        }
        // What the application has said itself counts.
        whole.extend(event);
        self.client.track(Value::Object(whole));
    }
}

fn outcome_of(status: u16, wait: Option<Duration>, answer: Value) -> Outcome {
    match status {
        200..=299 if answer["accepted"].is_u64() => Outcome::Stored(answer),
        // A login page, say: nothing is stored there.
        200..=299 => Outcome::Refused(format!("{status}, but no answer of Observa's: is the url right?")),
        _ => {
            let message = match answer["message"].as_str() {
                Some(said) => format!("{status} {}: {said}", answer["code"].as_str().unwrap_or_default()),
                None => status.to_string(),
            };
            let again = status == 408 || status == 429 || status >= 500;
            let counts = status >= 500 && !(502..=504).contains(&status);
            let wait = wait.map(|wait| wait.min(LONGEST_WAIT));
            if again { Outcome::Again { message, wait, counts } } else { Outcome::Refused(message) }
        }
    }
}

fn say(said: &str) {
    drop(writeln!(std::io::stderr(), "observa: {said}")); // eprintln! would panic where it is closed.
}

/// None: it could not be packed, and goes as it is.
fn gzip(text: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(text).and_then(|()| encoder.finish()).ok()
}

/// What is no object has nothing to say.
fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(members) = value { members } else { Map::new() }
}

/// Since 1970 UTC, to the microsecond.
fn now_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_micros() as f64 / 1e6)
}

/// A type's own name, without its modules, its parameters and a box around it.
fn name_of<T>() -> &'static str {
    let whole =
        std::any::type_name::<T>().trim_start_matches("alloc::boxed::Box<").trim_start_matches("dyn ");
    whole.split(['<', '>', ' ']).next().and_then(|plain| plain.rsplit("::").next()).unwrap_or("error")
}
