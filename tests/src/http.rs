//! Requests of the tests, and what comes back.

use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Response};

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    /// Null: no JSON.
    pub body: Value,
    pub text: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// An answer with an error's status is an answer.
fn agent() -> Agent {
    Agent::config_builder().http_status_as_error(false).build().into()
}

fn reply(mut response: Response<ureq::Body>) -> Reply {
    let text = response.body_mut().read_to_string().expect("a body in UTF-8");
    Reply {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: serde_json::from_str(&text).unwrap_or_default(),
        text,
    }
}

#[track_caller]
pub fn get(url: &str) -> Reply {
    get_with(url, &[])
}

#[track_caller]
pub fn get_with(url: &str, headers: &[(&str, &str)]) -> Reply {
    let request =
        headers.iter().fold(agent().get(url), |request, (name, value)| request.header(*name, *value));
    reply(request.call().expect("an answer"))
}

#[track_caller]
pub fn post(url: &str, media_type: &str, body: &[u8]) -> Reply {
    post_with(url, media_type, body, &[])
}

#[track_caller]
pub fn post_with(url: &str, media_type: &str, body: &[u8], headers: &[(&str, &str)]) -> Reply {
    let request = agent().post(url).header("Content-Type", media_type);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    reply(request.send(body).expect("an answer"))
}
