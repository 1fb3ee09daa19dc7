//! A provider of models on localhost, for clients to call: OpenAI's chat completions, responses and embeddings, and Anthropic's
//! messages. It answers by the first word of the last user message, always the same, and remembers what it answered.

mod anthropic;
mod openai;

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Response, StatusCode, header};
use axum::routing::post;
use serde_json::Value;

use crate::serving::Server;

/// How long it thinks before it answers.
pub const THINKING: Duration = Duration::from_millis(120);
/// Between the pieces of a stream.
const PAUSE: Duration = Duration::from_millis(20);

pub const OPENAI_MODEL: &str = "gpt-4o-mini-2024-07-18";
pub const ANTHROPIC_MODEL: &str = "claude-sonnet-4-5-20250929";
pub const EMBEDDING_MODEL: &str = "text-embedding-3-small";

/// Tokens: input is all of it, output with its reasoning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub input: i64,
    pub output: i64,
    pub cached: i64,
    pub cache_write: i64,
    pub reasoning: i64,
}

/// What it answered.
#[derive(Clone, Debug)]
pub struct Answered {
    /// The first word that it was asked with.
    pub asked: String,
    pub status: u16,
    pub model: String,
    pub usage: Usage,
    /// Empty: a call of a tool, or vectors.
    pub text: String,
}

impl Answered {
    pub fn succeeded(&self) -> bool {
        self.status == 200
    }
}

/// A running provider. It ends with the value.
pub struct Provider {
    answered: Arc<Mutex<Vec<Answered>>>,
    server: Server,
}

type Memory = Arc<Mutex<Vec<Answered>>>;

impl Provider {
    pub fn start() -> Provider {
        let answered = Memory::default();
        let app = axum::Router::new()
            .route("/v1/chat/completions", post(openai::chat))
            .route("/v1/responses", post(openai::responses))
            .route("/v1/embeddings", post(openai::embeddings))
            .route("/v1/messages", post(anthropic::messages))
            .with_state(answered.clone());
        Provider { answered, server: Server::start(app) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// In the order of its answers.
    pub fn answered(&self) -> Vec<Answered> {
        self.answered.lock().expect("no holder panics").clone()
    }
}

/// What it does when it is asked so.
struct Scene {
    asked: String,
    status: StatusCode,
    text: &'static str,
    calls_tool: bool,
    usage: Usage,
}

/// By the first word of the last user message; asked to use a tool, it does so once.
fn scene(last_user_message: &str, has_tool_result: bool) -> Scene {
    let asked = last_user_message.split(|c: char| !c.is_alphabetic()).next().unwrap_or_default().to_owned();
    let usage = |input, output| Usage { input, output, ..Usage::default() };
    let (text, usage) = match (asked.as_str(), has_tool_result) {
        ("plain", _) => ("Paris is the capital.", usage(21, 6)),
        ("stream", _) => ("One, two, three.", usage(33, 9)),
        ("tool", false) => ("", usage(85, 17)),
        ("tool", true) => ("It rains in Oslo.", usage(118, 8)),
        ("cached", _) => {
            let cached = Usage { input: 2048, output: 320, cached: 1536, cache_write: 256, reasoning: 192 };
            ("From the long document: yes.", cached)
        }
        _ => ("", Usage::default()),
    };
    let status = match asked.as_str() {
        "fail" => StatusCode::BAD_REQUEST,
        "busy" => StatusCode::TOO_MANY_REQUESTS,
        _ => StatusCode::OK,
    };
    Scene { calls_tool: asked == "tool" && !has_tool_result, asked, status, text, usage }
}

/// Thinks, remembers, and says which answer this is.
async fn think(memory: &State<Memory>, model: &str, scene: &Scene) -> usize {
    tokio::time::sleep(THINKING).await;
    let mut answered = memory.lock().expect("no holder panics");
    answered.push(Answered {
        asked: scene.asked.clone(),
        status: scene.status.as_u16(),
        model: model.to_owned(),
        usage: scene.usage,
        text: scene.text.to_owned(),
    });
    answered.len()
}

/// The text of a message's content: a string, or parts with a text each.
fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

fn json(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

/// Server-sent events, a pause before each.
fn events(events: Vec<String>) -> Response<Body> {
    let stream = futures_util::stream::unfold(events.into_iter(), |mut events| async {
        let event = events.next()?;
        tokio::time::sleep(PAUSE).await;
        Some((Ok::<_, Infallible>(Bytes::from(event)), events))
    });
    let mut response = Response::new(Body::from_stream(stream));
    let stream = header::HeaderValue::from_static("text/event-stream; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, stream);
    response
}

/// A text in pieces, at its spaces.
fn pieces(text: &str) -> Vec<&str> {
    text.split_inclusive(' ').collect()
}

type Asked = Json<Value>;
