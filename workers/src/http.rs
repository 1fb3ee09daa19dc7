//! One HTTP client for all that Observa calls: bounded in time and size, without redirects and proxies, and only to public addresses
//! unless they are allowed. Who writes a URL into a table must not get to what only this server gets to.

mod address;
mod resolver;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};

pub use address::{Address, AddressError, is_public};
use resolver::{NotPublic, Resolver, Unknown};

/// What a client may do.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Whether it may connect to private addresses, and without TLS.
    pub allow_private: bool,
    pub connect_timeout: Duration,
    /// From the look-up of the name to the last byte of the answer.
    pub timeout: Duration,
    /// Bytes of an answer that are read.
    pub most_bytes: usize,
}

#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// What the server asks to wait for, where it says so in seconds.
    pub retry_after: Option<Duration>,
    /// In lower case, without what follows a semicolon.
    pub content_type: Option<String>,
    pub body: Vec<u8>,
    /// False: there was more than the policy lets in.
    pub is_whole: bool,
}

/// None of them names the address, which may hold a secret.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HttpError {
    #[error("the client can't be made")]
    Setup,
    #[error("the address {0}")]
    Address(#[from] AddressError),
    #[error("the host's name leads to no public address")]
    NotPublic,
    #[error("the host's name is not known")]
    UnknownHost,
    #[error("no connection could be made")]
    Connect,
    #[error("it took too long")]
    Timeout,
    #[error("the connection broke")]
    Broken,
}

#[derive(Clone)]
pub struct Client {
    client: reqwest::Client,
    policy: Policy,
}

impl Client {
    pub fn new(policy: Policy) -> Result<Client, HttpError> {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // A proxy would resolve names by itself.
            .no_proxy()
            .dns_resolver(Arc::new(Resolver { allow_private: policy.allow_private }))
            .https_only(!policy.allow_private)
            .connect_timeout(policy.connect_timeout)
            .timeout(policy.timeout)
            .user_agent(concat!("observa/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| HttpError::Setup)?;
        Ok(Client { client, policy })
    }

    /// Sends JSON to a URL.
    pub async fn post(
        &self,
        url: &str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<Answer, HttpError> {
        // An address that is written as a number is looked up by nobody: here it is held against the policy.
        let address = Address::parse(url, self.policy.allow_private)?;
        let request = self.client.post(address.into_url()).header("content-type", "application/json");
        let request =
            headers.iter().fold(request, |request, (name, value)| request.header(*name, value.as_str()));
        let mut response = request.body(body).send().await.map_err(|error| told(&error))?;
        let seconds =
            response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let content_type = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let mut answer = Answer {
            status: response.status().as_u16(),
            retry_after: seconds.map(Duration::from_secs),
            content_type: content_type
                .and_then(|value| value.split(';').next())
                .map(|kind| kind.trim().to_ascii_lowercase()),
            body: Vec::new(),
            is_whole: true,
        };
        while let Some(chunk) = response.chunk().await.map_err(|error| told(&error))? {
            let room = self.policy.most_bytes.saturating_sub(answer.body.len());
            answer.body.extend(chunk.iter().take(room));
            if chunk.len() > room {
                answer.is_whole = false;
                break;
            }
        }
        Ok(answer)
    }
}

/// What went wrong, by what stands behind the client's own error.
fn told(error: &reqwest::Error) -> HttpError {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.is::<NotPublic>() {
            return HttpError::NotPublic;
        }
        if cause.is::<Unknown>() {
            return HttpError::UnknownHost;
        }
        source = cause.source();
    }
    match error {
        error if error.is_timeout() => HttpError::Timeout,
        error if error.is_connect() => HttpError::Connect,
        _ => HttpError::Broken,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    const POLICY: Policy = Policy {
        allow_private: true,
        connect_timeout: Duration::from_secs(2),
        timeout: Duration::from_millis(500),
        most_bytes: 10,
    };

    /// Answers one request with this text, which may be none; its port.
    fn serve(answer: &'static str) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(answer.as_bytes());
            if answer.is_empty() {
                std::thread::sleep(Duration::from_secs(2));
            }
        });
        port
    }

    fn post(policy: Policy, url: &str) -> Result<Answer, HttpError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = Client::new(policy).unwrap();
        runtime.block_on(client.post(url, &[("x-a", "b".into())], b"{}".to_vec()))
    }

    #[test]
    fn an_answer_is_cut_where_the_policy_says() {
        let port = serve("HTTP/1.1 200 OK\r\ncontent-length: 20\r\n\r\n01234567890123456789");
        let answer = post(POLICY, &format!("http://127.0.0.1:{port}/")).unwrap();
        assert_eq!(
            (answer.status, answer.body.as_slice(), answer.is_whole),
            (200, &b"0123456789"[..], false)
        );
    }

    #[test]
    fn a_redirect_is_an_answer_and_retry_after_is_read() {
        let port = serve(
            "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\nretry-after: 7\r\ncontent-length: 0\r\n\r\n",
        );
        let answer = post(POLICY, &format!("http://localhost:{port}/")).unwrap();
        assert_eq!(
            (answer.status, answer.retry_after, answer.is_whole),
            (302, Some(Duration::from_secs(7)), true)
        );
    }

    #[test]
    fn what_goes_wrong_is_told_without_the_address() {
        let silent = serve("");
        let allowed = |port: u16| post(POLICY, &format!("http://127.0.0.1:{port}/secret")).unwrap_err();
        assert_eq!(allowed(silent), HttpError::Timeout);
        assert_eq!(allowed(1), HttpError::Connect);
        let strict = Policy { allow_private: false, ..POLICY };
        for (url, expected) in [
            ("https://localhost/secret", HttpError::NotPublic),
            ("http://localhost/secret", HttpError::Address(AddressError::Scheme)),
            ("https://127.0.0.1/secret", HttpError::Address(AddressError::NotPublic)),
            ("https://127.0.0.1./secret", HttpError::Address(AddressError::NotPublic)),
            ("https://no-such-host.invalid/secret", HttpError::UnknownHost),
        ] {
            let error = post(strict, url).unwrap_err();
            assert!(
                !error.to_string().contains("secret") && !error.to_string().contains("localhost"),
                "{error}"
            );
            assert_eq!(error, expected, "{url}");
        }
    }
}
