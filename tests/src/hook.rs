//! A receiver of webhooks on localhost, which remembers what it was sent. The path says how it answers: `/ok`; `/fail/2`, which fails
//! twice; `/status/404`; `/slow`, after two seconds; `/hang`, never.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use serde_json::Value;

use crate::serving::Server;

#[derive(Clone, Debug)]
pub struct Call {
    pub path: String,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Call {
    pub fn header(&self, name: &str) -> String {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("the body is JSON")
    }
}

type Calls = Arc<Mutex<Vec<Call>>>;

/// A running receiver. It ends with the value.
pub struct Hook {
    calls: Calls,
    server: Server,
}

impl Hook {
    pub fn start() -> Hook {
        let calls = Calls::default();
        let app = axum::Router::new().fallback(answer).with_state(calls.clone());
        Hook { calls, server: Server::start(app) }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address)
    }

    pub fn port(&self) -> u16 {
        self.server.address.port()
    }

    /// Of a path, in their order; some may not be answered yet.
    pub fn calls(&self, path: &str) -> Vec<Call> {
        let calls = self.calls.lock().expect("no holder panics");
        calls.iter().filter(|call| call.path == path).cloned().collect()
    }
}

async fn answer(State(calls): State<Calls>, uri: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let path = uri.path().to_owned();
    let before = {
        let mut calls = calls.lock().expect("no holder panics");
        let before = calls.iter().filter(|call| call.path == path).count();
        calls.push(Call { path: path.clone(), headers, body: body.to_vec() });
        before
    };
    let number = path.rsplit('/').next().and_then(|last| last.parse::<u16>().ok()).unwrap_or_default();
    match path.split('/').nth(1) {
        Some("fail") if before < usize::from(number) => StatusCode::INTERNAL_SERVER_ERROR,
        Some("status") => StatusCode::from_u16(number).expect("a status"),
        Some("slow") => {
            tokio::time::sleep(Duration::from_secs(2)).await;
            StatusCode::OK
        }
        Some("hang") => std::future::pending().await,
        _ => StatusCode::OK,
    }
}
