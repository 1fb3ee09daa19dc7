//! A provider of models on a port of this machine, that answers as a test says, faults included.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

/// What was sent.
#[derive(Clone, Debug)]
pub struct Request {
    pub path: String,
    /// In lower case.
    pub headers: String,
    pub body: Value,
    /// How many came before.
    pub turn: usize,
}

pub enum Reply {
    /// Status, further headers, body.
    Json(u16, &'static str, String),
    /// The whole answer, as it goes over the wire.
    Raw(String),
    /// That, but later.
    Late(Duration, Box<Reply>),
    /// The connection breaks in the body's middle.
    Reset,
    /// A byte now and then, for ever.
    Slow,
    /// As fast as it is read, for ever.
    Endless,
}

#[derive(Clone)]
pub struct Provider {
    pub port: u16,
    seen: Arc<Mutex<Vec<Request>>>,
}

impl Provider {
    pub fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let provider = Provider { port: listener.local_addr().unwrap().port(), seen: Arc::default() };
        let (seen, answer) = (provider.seen.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (seen, answer) = (seen.clone(), answer.clone());
                thread::spawn(move || serve(stream, &seen, &*answer));
            }
        });
        provider
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/secret-path/v1", self.port)
    }

    pub fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

/// Until somebody goes. None: nobody sees what can't be written any more.
fn serve(stream: TcpStream, seen: &Mutex<Vec<Request>>, answer: &dyn Fn(&Request) -> Reply) -> Option<()> {
    let _ = stream.set_nodelay(true);
    let mut stream = BufReader::new(stream);
    loop {
        let request = read(&mut stream, seen)?;
        let mut reply = answer(&request);
        while let Reply::Late(pause, next) = reply {
            thread::sleep(pause);
            reply = *next;
        }
        let out = stream.get_mut();
        match reply {
            Reply::Json(status, headers, body) => {
                let head = format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{headers}");
                let whole = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
                out.write_all(whole.as_bytes()).ok()?;
            }
            Reply::Raw(text) => {
                out.write_all(text.as_bytes()).ok()?;
                return None;
            }
            Reply::Reset => {
                out.write_all(
                    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 999\r\n\r\n{\"ch",
                )
                .ok()?;
                return None;
            }
            Reply::Slow | Reply::Endless => {
                out.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{\"a\":\"").ok()?;
                let is_slow = matches!(reply, Reply::Slow);
                let bytes = if is_slow { vec![b'a'] } else { vec![b'a'; 65_536] };
                loop {
                    out.write_all(&bytes).ok()?;
                    if is_slow {
                        thread::sleep(Duration::from_millis(20));
                    }
                }
            }
            Reply::Late(..) => {}
        }
    }
}

fn read(stream: &mut BufReader<TcpStream>, seen: &Mutex<Vec<Request>>) -> Option<Request> {
    let (mut path, mut headers, mut line) = (String::new(), String::new(), String::new());
    stream.read_line(&mut path).ok().filter(|bytes| *bytes > 0)?;
    while stream.read_line(&mut line).ok().filter(|bytes| *bytes > 0).is_some() && line != "\r\n" {
        headers.push_str(&line.to_lowercase());
        line.clear();
    }
    let length =
        headers.lines().find_map(|line| line.strip_prefix("content-length: "))?.trim().parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let path = path.split(' ').nth(1)?.to_owned();
    let mut seen = seen.lock().unwrap();
    let request = Request { path, headers, body: serde_json::from_slice(&body).ok()?, turn: seen.len() };
    seen.push(request.clone());
    Some(request)
}

/// A completion that says this, of 100 tokens in and 20 out.
pub fn says(content: &str) -> Reply {
    let body = json!({
        "model": "judge-1-2026",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 20, "prompt_tokens_details": {"cached_tokens": 10}}
    });
    Reply::Json(200, "", body.to_string())
}

pub const GOOD: &str = r#"{"score": 0.25, "label": "yes", "reasoning": "because"}"#;

/// An embedding of each text, whose first number is the text's length.
pub fn embeds(request: &Request) -> Reply {
    let texts = request.body["input"].as_array().unwrap();
    let data: Vec<Value> = texts
        .iter()
        .enumerate()
        .rev()
        .map(|(index, text)| json!({"index": index, "embedding": [text.as_str().unwrap().len(), 0.5]}))
        .collect();
    let usage = json!({"prompt_tokens": texts.len() * 3, "total_tokens": texts.len() * 3});
    Reply::Json(200, "", json!({"model": "e", "data": data, "usage": usage}).to_string())
}
