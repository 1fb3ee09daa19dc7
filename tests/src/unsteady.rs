//! A proxy that is not always well: it refuses, hangs or loses answers as a test says, then lets everything through.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Response, StatusCode, Uri};

use crate::serving::Server;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Answers(u16),
    /// 429 with Retry-After, in seconds.
    AsksToWait(u64),
    /// Never answers. What it hangs before has not been stored.
    Hangs,
    /// It is stored, but the client never hears of it.
    HangsAfterwards,
    /// It is stored, and 504 is answered.
    LosesTheAnswer,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Seen {
    pub at: Instant,
    /// None: it went through.
    pub mood: Option<Mood>,
    pub headers: HeaderMap,
}

/// A running proxy. It ends with the value.
pub struct Unsteady {
    state: Arc<Moods>,
    server: Server,
}

struct Moods {
    behind: SocketAddr,
    coming: Mutex<VecDeque<Mood>>,
    seen: Mutex<Vec<Seen>>,
    stored: AtomicU32,
}

impl Unsteady {
    pub fn before(behind: SocketAddr, moods: &[Mood]) -> Unsteady {
        let coming = Mutex::new(moods.iter().copied().collect());
        let state = Arc::new(Moods { behind, coming, seen: Mutex::default(), stored: AtomicU32::default() });
        let app = axum::Router::new().fallback(serve).with_state(state.clone());
        Unsteady { state, server: Server::start(app.layer(axum::extract::DefaultBodyLimit::disable())) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// How many bodies were stored, whatever the client heard of it.
    pub fn stored(&self) -> u32 {
        self.state.stored.load(Ordering::SeqCst)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().expect("no holder panics").clone()
    }
}

async fn serve(State(state): State<Arc<Moods>>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response<Body> {
    let mood = state.coming.lock().expect("no holder panics").pop_front();
    let seen = Seen { at: Instant::now(), mood, headers: headers.clone() };
    state.seen.lock().expect("no holder panics").push(seen);
    let forward = async || {
        let url = format!("http://{}{uri}", state.behind);
        let passed = tokio::task::spawn_blocking(move || passed_on(&url, &headers, &body)).await;
        let answer = passed.expect("it does not panic");
        state.stored.fetch_add(u32::from(answer.status() == StatusCode::OK), Ordering::SeqCst);
        answer
    };
    let answer = |status: u16| Response::builder().status(status);
    let empty = "built of what is well-formed";
    match mood {
        None => forward().await,
        Some(Mood::Answers(status)) => answer(status).body(Body::empty()).expect(empty),
        Some(Mood::AsksToWait(seconds)) => {
            answer(429).header("Retry-After", seconds).body(Body::empty()).expect(empty)
        }
        Some(Mood::LosesTheAnswer) => {
            forward().await;
            answer(504).body(Body::empty()).expect(empty)
        }
        Some(Mood::Hangs) => hang().await,
        Some(Mood::HangsAfterwards) => {
            forward().await;
            hang().await
        }
    }
}

/// Longer than any client here waits.
async fn hang() -> Response<Body> {
    tokio::time::sleep(Duration::from_secs(60)).await;
    Response::new(Body::empty())
}

fn passed_on(url: &str, headers: &HeaderMap, body: &[u8]) -> Response<Body> {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut request = agent.post(url);
    for (name, value) in headers {
        if name != "host" && name != "content-length" && name != "connection" {
            request = request.header(name, value);
        }
    }
    let Ok(mut came) = request.send(body) else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        return response;
    };
    let text = came.body_mut().read_to_string().unwrap_or_default();
    let mut response = Response::new(Body::from(text));
    if let Some(wait) = came.headers().get("retry-after") {
        response.headers_mut().insert("retry-after", wait.clone());
    }
    *response.status_mut() = came.status();
    response
}
