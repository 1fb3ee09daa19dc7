//! A judge on localhost, behind OpenAI's chat completions. What it is shown says how it answers: `score=0.9` is that score, `fault=500`
//! that status, `fault=429` one refusal with Retry-After, `fault=slow` nothing in time, `fault=words` no JSON, `fault=once` no JSON the first
//! time, `fault=reset` half an answer. Anything else scores 0.1. It remembers what it was asked. Its embeddings are near where texts have
//! words in common; `fault=500` is that status there, too.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response};
use axum::routing::post;
use serde_json::{Value, json};

use crate::serving::Server;

/// Tokens of every answer.
pub const INPUT: i64 = 1_000;
pub const OUTPUT: i64 = 100;

pub const MODEL: &str = "judge-of-tests";

/// Of embeddings, and how many numbers they have.
pub const EMBEDDER: &str = "embedder-of-tests";
pub const DIMENSIONS: usize = 64;

#[derive(Clone, Debug)]
pub struct Asked {
    /// As the first message names it.
    pub evaluator: String,
    /// The second one.
    pub shown: String,
    pub model: String,
    pub key: String,
}

#[derive(Clone)]
struct Bench {
    asked: Arc<Mutex<Vec<Asked>>>,
    embedded: Arc<Mutex<Vec<String>>>,
    latency: Duration,
}

/// A running judge. It ends with the value.
pub struct Judge {
    bench: Bench,
    server: Server,
}

impl Judge {
    pub fn start() -> Judge {
        Judge::with_latency(Duration::ZERO)
    }

    pub fn with_latency(latency: Duration) -> Judge {
        let bench = Bench { asked: Arc::default(), embedded: Arc::default(), latency };
        let app = axum::Router::new()
            .route("/v1/chat/completions", post(answer))
            .route("/v1/embeddings", post(embeddings))
            .with_state(bench.clone());
        Judge { bench, server: Server::start(app) }
    }

    /// Lines of postgresql.conf that lead to it.
    pub fn settings(&self) -> String {
        format!(
            "observa.judge_url = 'http://{}/v1'\nobserva.judge_model = '{MODEL}'\nobserva.judge_allow_private = on\nobserva.judge_timeout = 1s\n",
            self.server.address
        )
    }

    /// Lines of postgresql.conf that have texts embedded by it, of all traces.
    pub fn embedding_settings(&self) -> String {
        format!(
            "observa.embeddings_url = 'http://{}/v1'\nobserva.embeddings_model = '{EMBEDDER}'\nobserva.judge_allow_private = on\nobserva.embeddings_sample_rate = 1\n",
            self.server.address
        )
    }

    /// Texts that it was asked to embed.
    pub fn embedded(&self) -> Vec<String> {
        self.bench.embedded.lock().expect("no holder panics").clone()
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.bench.asked.lock().expect("no holder panics").clone()
    }

    /// How often it was asked about what holds a text.
    pub fn times(&self, text: &str) -> usize {
        self.asked().iter().filter(|asked| asked.shown.contains(text)).count()
    }
}

async fn answer(State(bench): State<Bench>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = |index: usize| body["messages"][index]["content"].as_str().unwrap_or_default().to_owned();
    let (system, shown) = (message(0), message(1));
    let evaluator = system.split_whitespace().nth(2).unwrap_or_default().to_owned();
    let key = headers.get("authorization").and_then(|key| key.to_str().ok()).unwrap_or_default().to_owned();
    let model = body["model"].as_str().unwrap_or_default().to_owned();
    let fault = after(&shown, "fault=");
    let before = {
        let mut asked = bench.asked.lock().expect("no holder panics");
        let before = asked.iter().filter(|asked| asked.shown == shown).count();
        let same = asked.iter().filter(|asked| after(&asked.shown, "fault=") == fault).count();
        asked.push(Asked { evaluator, shown: shown.clone(), model, key });
        before.max(same)
    };
    tokio::time::sleep(bench.latency).await;
    let status = |status: u16| Response::builder().status(status);
    match fault.as_str() {
        "500" => return status(500).body("no".into()).expect("a response"),
        "429" if before == 0 => {
            return status(429).header("retry-after", "1").body("wait".into()).expect("a response");
        }
        "slow" => tokio::time::sleep(Duration::from_secs(5)).await,
        "reset" => {
            let broken = Body::from_stream(futures_util::stream::iter([
                Ok::<_, std::io::Error>(Bytes::from_static(b"{\"choices\": [")),
                Err(std::io::Error::other("broken")),
            ]));
            return status(200).header("content-type", "application/json").body(broken).expect("a response");
        }
        _ => {}
    }
    let is_words = fault == "words" || fault == "once" && before == 0;
    let score: f64 = after(&shown, "score=").parse().unwrap_or(0.1);
    let said = if is_words {
        "I would say that it is fine.".to_owned()
    } else {
        json!({"score": score, "label": label(&body), "reasoning": format!("because of {score}"),
               "coherence": score, "relevance": score, "helpfulness": score})
        .to_string()
    };
    let body = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "model": MODEL,
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}],
        "usage": {"prompt_tokens": INPUT, "completion_tokens": OUTPUT, "total_tokens": INPUT + OUTPUT},
    });
    status(200).header("content-type", "application/json").body(body.to_string().into()).expect("a response")
}

async fn embeddings(State(bench): State<Bench>, body: Bytes) -> Response<Body> {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let texts: Vec<String> = serde_json::from_value(body["input"].clone()).unwrap_or_default();
    bench.embedded.lock().expect("no holder panics").extend(texts.iter().cloned());
    tokio::time::sleep(bench.latency).await;
    if texts.iter().any(|text| text.contains("fault=500")) {
        return Response::builder().status(500).body("no".into()).expect("a response");
    }
    let data = texts.iter().enumerate();
    let data: Vec<Value> = data
        .map(|(index, text)| json!({"object": "embedding", "index": index, "embedding": embedding(text)}))
        .collect();
    let tokens = INPUT * texts.len() as i64;
    let body = json!({"object": "list", "model": EMBEDDER, "data": data,
                      "usage": {"prompt_tokens": tokens, "total_tokens": tokens}});
    let answer = Response::builder().header("content-type", "application/json");
    answer.body(body.to_string().into()).expect("a response")
}

/// The sum of its words' own vectors.
pub fn embedding(text: &str) -> Vec<f32> {
    let mut sum = vec![0.001_f32; DIMENSIONS];
    for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        // FNV-1a, and on from there by a linear congruence.
        let mut state = word.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        for number in &mut sum {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *number += (state >> 33) as f32 / (1_u64 << 30) as f32 - 1.0;
        }
    }
    sum
}

/// One that the evaluator's schema allows, where the request has it.
fn label(body: &Value) -> String {
    let schema = &body["response_format"]["json_schema"]["schema"];
    schema["properties"]["label"]["enum"][0].as_str().unwrap_or("plain").to_owned()
}

/// The word behind a mark. Empty: there is none.
fn after(text: &str, mark: &str) -> String {
    let rest = text.split(mark).nth(1).unwrap_or_default();
    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '.').collect()
}
