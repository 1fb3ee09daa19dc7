//! An endpoint as the thread knows it: where it is, with which key, over which client, and what its models take.

use std::collections::HashMap;
use std::fs;
use std::time::{Duration, Instant, SystemTime};

use super::habits::Habits;
use super::task::{EndpointConfig, Kind};
use crate::http::{Address, Client, Policy};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Of an answer: a verdict has some hundred bytes, 64 embeddings of 3,072 dimensions in JSON some megabytes.
const JUDGE_BYTES: usize = 1 << 20;
const EMBEDDING_BYTES: usize = 8 << 20;

/// A key's file that is longer holds something else.
const KEY_BYTES: u64 = 8_192;

/// Models whose habits are remembered.
const MOST_MODELS: usize = 64;

const SHORTEST_TIMEOUT: Duration = Duration::from_millis(50);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(600);

const CALLS: [&str; 2] = ["/chat/completions", "/embeddings"];

/// Where calls of a kind go. What follows a question mark stays there.
pub fn url(base: &str, kind: Kind) -> String {
    let (path, query) = base.split_once('?').map_or((base, None), |(path, query)| (path, Some(query)));
    let path = path.trim_end_matches('/');
    let path = CALLS.iter().find_map(|call| path.strip_suffix(call)).unwrap_or(path);
    let call = match kind {
        Kind::Judge => CALLS[0],
        Kind::Embedding => CALLS[1],
    };
    match query {
        Some(query) => format!("{path}{call}?{query}"),
        None => format!("{path}{call}"),
    }
}

/// What may be shown of an address: scheme, host and port.
pub fn shown(url: &str) -> String {
    Address::parse(url, true).map_or_else(|_| "?".into(), |address| address.shown())
}

pub struct Endpoint {
    pub kind: Kind,
    pub config: EndpointConfig,
    pub url: String,
    /// None: it could not be made.
    client: Option<Client>,
    key: Key,
    habits: HashMap<String, Habits>,
}

impl Endpoint {
    pub fn new(kind: Kind, config: EndpointConfig) -> Endpoint {
        Endpoint {
            kind,
            url: url(&config.url, kind),
            client: client(kind, &config),
            config,
            key: Key::default(),
            habits: HashMap::new(),
        }
    }

    /// Takes a task's configuration: the last one holds.
    pub fn update(&mut self, config: &EndpointConfig) {
        if *config != self.config {
            *self = Endpoint::new(self.kind, config.clone());
        }
    }

    pub fn client(&self) -> Option<Client> {
        self.client.clone()
    }

    /// None: it is asked without one. The error names neither the file nor what is in it.
    pub fn key(&mut self) -> Result<Option<String>, &'static str> {
        self.key.read(&self.config)
    }

    pub fn is_key_proven(&self) -> bool {
        self.key.is_proven
    }

    pub fn key_worked(&mut self) {
        self.key.is_proven = true;
    }

    /// The next call reads it again.
    pub fn key_was_refused(&mut self) {
        self.key = Key::default();
    }

    pub fn timeout(&self) -> Duration {
        timeout(&self.config)
    }

    pub fn habits(&self, model: &str) -> Habits {
        self.habits.get(model).copied().unwrap_or_else(|| Habits::of(&self.config, self.kind))
    }

    pub fn learn(&mut self, model: &str, habits: Habits) {
        if self.habits.len() >= MOST_MODELS && !self.habits.contains_key(model) {
            self.habits.clear();
        }
        self.habits.insert(model.to_owned(), habits);
    }
}

fn timeout(config: &EndpointConfig) -> Duration {
    Duration::from_millis(config.timeout_ms).clamp(SHORTEST_TIMEOUT, LONGEST_TIMEOUT)
}

fn client(kind: Kind, config: &EndpointConfig) -> Option<Client> {
    let timeout = timeout(config);
    Client::new(Policy {
        allow_private: config.allow_private,
        connect_timeout: CONNECT_TIMEOUT.min(timeout),
        timeout,
        most_bytes: match kind {
            Kind::Judge => JUDGE_BYTES,
            Kind::Embedding => EMBEDDING_BYTES,
        },
    })
    .ok()
}

#[derive(Default)]
struct Key {
    /// With the time and size of its file, if it is from one.
    read: Option<(String, Option<(SystemTime, u64)>)>,
    /// The endpoint has taken it.
    is_proven: bool,
}

impl Key {
    fn read(&mut self, config: &EndpointConfig) -> Result<Option<String>, &'static str> {
        let named = |name: &Option<String>| name.clone().filter(|name| !name.is_empty());
        let (text, stamp) = match (named(&config.key_file), named(&config.key_env)) {
            (Some(file), _) => {
                const UNREADABLE: &str = "the key's file can't be read";
                let about = fs::metadata(file.as_str()).map_err(|_| UNREADABLE)?;
                // A pipe would hold up the thread.
                if !about.is_file() || about.len() > KEY_BYTES {
                    return Err("the key's file is no small file");
                }
                let stamp = (about.modified().map_err(|_| UNREADABLE)?, about.len());
                if let Some((key, Some(known))) = &self.read
                    && *known == stamp
                {
                    return Ok(Some(key.clone()));
                }
                (fs::read_to_string(file).map_err(|_| UNREADABLE)?, Some(stamp))
            }
            (None, Some(variable)) => {
                if let Some((key, _)) = &self.read {
                    return Ok(Some(key.clone()));
                }
                (std::env::var(variable).map_err(|_| "the key's environment variable is not set")?, None)
            }
            (None, None) => return Ok(None),
        };
        let key = text.trim();
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("the key is empty or no key");
        }
        *self = Key { read: Some((key.to_owned(), stamp)), is_proven: false };
        Ok(Some(key.to_owned()))
    }
}

/// Two attempts' worth of time: an attempt that repairs may need both.
pub fn deadline(timeout: Duration) -> Instant {
    Instant::now() + timeout * 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::task::JsonMode;

    #[test]
    fn the_path_of_the_call_is_added_once() {
        for (base, judge, embedding) in [
            ("https://x/v1", "https://x/v1/chat/completions", "https://x/v1/embeddings"),
            ("https://x/v1/", "https://x/v1/chat/completions", "https://x/v1/embeddings"),
            ("https://x/v1/chat/completions", "https://x/v1/chat/completions", "https://x/v1/embeddings"),
            ("https://x/a/embeddings", "https://x/a/chat/completions", "https://x/a/embeddings"),
            (
                "https://x/d/gpt?api-version=1",
                "https://x/d/gpt/chat/completions?api-version=1",
                "https://x/d/gpt/embeddings?api-version=1",
            ),
        ] {
            assert_eq!(
                (url(base, Kind::Judge).as_str(), url(base, Kind::Embedding).as_str()),
                (judge, embedding)
            );
        }
    }

    #[test]
    fn no_path_and_no_password_is_shown() {
        assert_eq!(shown("https://x.example:8443/v1/secret?key=secret"), "https://x.example:8443");
        assert_eq!(shown("https://user:secret@x.example/"), "?");
        assert_eq!(shown("secret"), "?");
    }

    fn config(key_file: Option<String>) -> EndpointConfig {
        EndpointConfig {
            url: "https://x/v1".into(),
            key_file,
            key_env: None,
            allow_private: false,
            timeout_ms: 1_000,
            concurrency: 1,
            json_mode: JsonMode::None,
            dimensions: None,
        }
    }

    #[test]
    fn a_key_is_read_again_when_its_file_changes_and_nothing_tells_it() {
        let file = std::env::temp_dir().join(format!("observa-key-{}", uuid::Uuid::new_v4()));
        let mut endpoint = Endpoint::new(Kind::Judge, config(Some(file.to_string_lossy().into_owned())));
        assert_eq!(endpoint.key(), Err("the key's file can't be read"));
        fs::write(&file, "sk-first\n").unwrap();
        assert_eq!(endpoint.key(), Ok(Some("sk-first".into())));
        endpoint.key_worked();
        assert!(endpoint.key().is_ok() && endpoint.is_key_proven());
        fs::write(&file, "sk-the-second\n").unwrap();
        assert_eq!(endpoint.key(), Ok(Some("sk-the-second".into())));
        assert!(!endpoint.is_key_proven(), "it is another one");
        // A file that looks the same is read again once the endpoint has refused what was in it.
        let about = fs::metadata(&file).unwrap();
        fs::write(&file, "sk-the-third.\n").unwrap();
        fs::File::options().write(true).open(&file).unwrap().set_modified(about.modified().unwrap()).unwrap();
        assert_eq!(endpoint.key(), Ok(Some("sk-the-second".into())));
        endpoint.key_was_refused();
        assert_eq!(endpoint.key(), Ok(Some("sk-the-third.".into())));
        for text in ["", " \n", "sk-a\nsk-b", "schlüssel"] {
            fs::write(&file, text).unwrap();
            assert_eq!(endpoint.key(), Err("the key is empty or no key"), "{text}");
        }
        fs::remove_file(&file).unwrap();
        endpoint.update(&config(Some("/dev/zero".into())));
        assert_eq!(endpoint.key(), Err("the key's file is no small file"));
        endpoint.update(&config(Some(String::new())));
        assert_eq!(endpoint.key(), Ok(None));
    }
}
