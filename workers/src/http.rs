//! One HTTP client for all that Observa calls: bounded in time and size, without redirects and proxies, and only to public addresses
//! unless they are allowed. Who writes a URL into a table must not get to what only this server gets to.

mod address;
mod resolver;

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::RETRY_AFTER;

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
        let mut answer = Answer {
            status: response.status().as_u16(),
            retry_after: seconds.map(Duration::from_secs),
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
