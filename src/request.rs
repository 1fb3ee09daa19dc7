//! PostgREST's db-pre-request: who asks by what the request's headers say, or the refusal as HTTP has it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ffi::CStr;
use std::net::{IpAddr, SocketAddr};

use observa_pipeline::bucket::Standing;
use observa_pipeline::origin;
use pgrx::pg_sys;
use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::accounts;
use crate::error::{Error, or_raise};
use crate::identity::{self, Acting};
use crate::keys;
use crate::limits::{self, Over, Tightest};
use crate::logins;
use crate::settings;

/// What anybody may call.
const OPEN: [&str; 5] = ["/", "/rpc/signup", "/rpc/login", "/rpc/health", "/rpc/version"];

/// What ends a session of ours, also of who is a member of nothing any more.
const SIGN_OUT: &str = "/rpc/logout";

/// Where a POST brings events.
const BRINGS_EVENTS: [&str; 3] = ["/rpc/ingest", "/llm_requests", "/logs"];

/// A request, as PostgREST tells it in settings.
pub struct Request {
    method: String,
    path: String,
    /// Names in lower case.
    headers: HashMap<String, String>,
}

impl Request {
    /// None: this is no request of PostgREST's.
    pub fn told() -> Option<Request> {
        let method = method()?;
        let headers: HashMap<String, Value> = serde_json::from_str(&told(c"request.headers")?).ok()?;
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let headers = headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), text(value)));
        let path = told(c"request.path").unwrap_or_default();
        Some(Request { method, path, headers: headers.collect() })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// `apikey` is Supabase's name for it, where a JWT may stand, too.
    fn key(&self) -> Option<&str> {
        let ours = |key: &&str| key.starts_with("sk_") || key.starts_with("pk_");
        self.header("x-api-key").or_else(|| self.header("apikey").filter(ours))
    }

    /// Who asks, as the proxy in front of PostgREST says that it sees them, in the one header that it writes. None: it says nothing
    /// that is an address.
    pub fn address(&self) -> Option<IpAddr> {
        last_hop(self.header(&settings::client_address_header())?)
    }

    fn brings_events(&self) -> bool {
        self.method == "POST" && BRINGS_EVENTS.contains(&self.path.as_str())
    }

    fn reads(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }
}

/// Of the hops that a header names the proxy wrote the last; what was there before is the client's own text. Some proxies add a port.
fn last_hop(hops: &str) -> Option<IpAddr> {
    let hop = hops.rsplit(',').next()?.trim();
    let bracketed = hop.strip_prefix('[').and_then(|hop| hop.split_once(']')).map(|(address, _)| address);
    let with_port = || Some(hop.parse::<SocketAddr>().ok()?.ip());
    bracketed.unwrap_or(hop).parse().ok().or_else(with_port)
}

/// Whether PostgREST asks, for a client of its own.
pub fn is_over_http() -> bool {
    method().is_some()
}

/// The request's method, where the session is one that tells of requests.
fn method() -> Option<String> {
    told(c"request.method").filter(|_| logins::passes_on_requests())
}

/// A setting that PostgREST makes for the request; an empty one is none.
fn told(name: &CStr) -> Option<String> {
    // SAFETY: a C string that lives through the call; null where nobody has set it, else a text of the setting's own.
    let text = unsafe {
        let text = pg_sys::GetConfigOption(name.as_ptr(), true, false);
        (!text.is_null()).then(|| CStr::from_ptr(text).to_string_lossy().into_owned())
    };
    text.filter(|text| !text.is_empty())
}

/// Seconds after which a client may try again where nobody knows better.
const COME_AGAIN: &str = "30";

/// The answer of a function that PostgREST calls where all that helps is to wait: an error of the function would be a 500, which
/// OpenTelemetry's exporters drop the batch for.
pub fn unavailable(error: &Error) -> Value {
    settings::set_local_text(c"response.status", "503");
    let headers = json!([{ "Retry-After": COME_AGAIN }]);
    settings::set_local_text(c"response.headers", &headers.to_string());
    json!({ "code": "UNAVAILABLE", "message": error.to_string(), "details": null, "hint": error.hint() })
}

/// Why a request is not let in.
struct Refusal {
    status: u16,
    code: &'static str,
    /// Short and ASCII: some proxies make it the status line.
    message: Cow<'static, str>,
    hint: Cow<'static, str>,
    /// Of the same refusal outside of HTTP.
    sqlstate: &'static str,
    headers: Vec<(&'static str, String)>,
}

impl From<Box<Over>> for Refusal {
    fn from(over: Box<Over>) -> Refusal {
        let (headers, hint) = (over.headers(), over.hint().into());
        Refusal {
            status: 429,
            code: over.code,
            message: over.message.into(),
            hint,
            sqlstate: "53400",
            headers,
        }
    }
}

const NO_KEY: Refusal = Refusal {
    status: 401,
    code: "UNAUTHORIZED",
    message: Cow::Borrowed("an API key is required"),
    hint: Cow::Borrowed("Send it as the header x-api-key."),
    sqlstate: "28000",
    headers: Vec::new(),
};

/// Of a login that says it passes on a request, and is no PostgREST that the server knows.
const NOT_BELIEVED: Refusal = Refusal {
    status: 401,
    code: "UNAUTHORIZED",
    message: Cow::Borrowed("an API key is required"),
    hint: Cow::Borrowed("Headers of this login are not read: observa.trusted_logins does not name it."),
    sqlstate: "28000",
    headers: Vec::new(),
};

const BAD_KEY: Refusal = Refusal {
    status: 401,
    code: "UNAUTHORIZED",
    message: Cow::Borrowed("the API key is unknown, expired or revoked"),
    hint: Cow::Borrowed("observa.create_api_key(project, kind) makes one."),
    sqlstate: "28P01",
    headers: Vec::new(),
};

const BAD_ORIGIN: Refusal = Refusal {
    status: 403,
    code: "FORBIDDEN",
    message: Cow::Borrowed("the public key may not be used from this origin"),
    hint: Cow::Borrowed("Its origins are in observa.api_keys."),
    sqlstate: "42501",
    headers: Vec::new(),
};

const NO_INGEST: Refusal = Refusal {
    status: 403,
    code: "FORBIDDEN",
    message: Cow::Borrowed("who asks may not send events"),
    hint: Cow::Borrowed("The key needs the scope ingest."),
    sqlstate: "42501",
    headers: Vec::new(),
};

const NO_QUERY: Refusal = Refusal {
    status: 403,
    code: "FORBIDDEN",
    message: Cow::Borrowed("who asks may not read"),
    hint: Cow::Borrowed("The key needs the scope query."),
    sqlstate: "42501",
    headers: Vec::new(),
};

const TOO_LARGE: Refusal = Refusal {
    status: 413,
    code: "PAYLOAD_TOO_LARGE",
    message: Cow::Borrowed("the body is over observa.max_batch_bytes"),
    hint: Cow::Borrowed("Send smaller batches."),
    sqlstate: "54000",
    headers: Vec::new(),
};

/// The refusal, or None where the transaction now acts for who asks.
fn check() -> Result<Option<Refusal>, Error> {
    let Some(request) = Request::told() else {
        let refusal = if told(c"request.method").is_some() { NOT_BELIEVED } else { NO_KEY };
        return Ok((!known_otherwise()).then_some(refusal));
    };
    let refused = match let_in(&request) {
        Ok(tightest) => {
            tightest.tell();
            None
        }
        Err(Refused::Http(refusal)) => Some(refusal),
        Err(Refused::Other(error)) => return Err(error),
    };
    Ok(refused)
}

/// Why a request goes no further.
enum Refused {
    Http(Refusal),
    Other(Error),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Refused {
        Refused::Http(refusal)
    }
}

impl From<Box<Over>> for Refused {
    fn from(over: Box<Over>) -> Refused {
        Refused::Http(over.into())
    }
}

/// First who asks too often, whatever for, and with whatever guess of a key.
fn let_in(request: &Request) -> Result<Tightest, Refused> {
    let mut tightest = Tightest::default();
    tightest.see(limits::request_of_address(request.address())?);
    let length = request.header("content-length").and_then(|length| length.trim().parse::<usize>().ok());
    if length.is_some_and(|length| length > settings::limits().max_batch_bytes) {
        return Err(TOO_LARGE.into());
    }
    let is_open = OPEN.contains(&request.path.as_str());
    let signs_out = request.path == SIGN_OUT && accounts::is_signed_in();
    if let Some(key) = request.key() {
        tightest.see(act_for(request, key)?);
    } else if !is_open && !known_otherwise() && !signs_out {
        return Err(NO_KEY.into());
    }
    let Some(acting) = Acting::current().filter(|_| !is_open) else { return Ok(tightest) };
    if request.brings_events() {
        if !acting.rights.ingest {
            return Err(NO_INGEST.into());
        }
        tightest.join(limits::request_with_events(acting.tenant_id, acting.project_id)?);
    }
    if request.reads() && !acting.rights.query {
        return Err(NO_QUERY.into());
    }
    Ok(tightest)
}

fn act_for(request: &Request, key: &str) -> Result<Option<Standing>, Refused> {
    let key = keys::find(key).map_err(|error| match error {
        Error::BadKey => Refused::Http(BAD_KEY),
        error => Refused::Other(error),
    })?;
    let is_from = |origin: &str| origin::allowed(origin, &key.origins);
    if key.is_public && !key.origins.is_empty() && !request.header("origin").is_some_and(is_from) {
        return Err(BAD_ORIGIN.into());
    }
    key.act();
    Ok(limits::request_of_key(key.id)?)
}

/// By its login, by claims, or as a superuser.
fn known_otherwise() -> bool {
    Acting::current().is_some() || identity::session_is_superuser()
}

/// Lets the request in, or says how the wrapper is to refuse it: pgrx can't raise PostgREST's SQLSTATE.
#[pg_extern(sql = false)]
fn check_request() -> Option<pgrx::JsonB> {
    or_raise(check()).map(|refusal| {
        let over_http = Request::told().is_some();
        let Refusal { status, code, message, hint, sqlstate, mut headers } = refusal;
        if status == 401 {
            headers.push(("WWW-Authenticate", "ApiKey".into()));
        }
        let headers: HashMap<&str, String> = headers.into_iter().collect();
        let body = json!({ "code": code, "message": message, "details": null, "hint": hint });
        let how = json!({ "status": status, "headers": headers });
        pgrx::JsonB(match over_http {
            true => json!({ "sqlstate": "PGRST", "message": body.to_string(), "detail": how.to_string(), "hint": hint }),
            false => json!({ "sqlstate": sqlstate, "message": message, "detail": "", "hint": hint }),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_last_hop_without_its_port() {
        for (hops, address) in [
            ("192.0.2.1", Some("192.0.2.1")),
            ("6.6.6.6, 192.0.2.1", Some("192.0.2.1")),
            (" 192.0.2.1 ", Some("192.0.2.1")),
            ("10.0.0.1:50001", Some("10.0.0.1")),
            ("[2001:db8::1]:443", Some("2001:db8::1")),
            ("[2001:db8::1]", Some("2001:db8::1")),
            ("2001:db8::1", Some("2001:db8::1")),
            ("192.0.2.1, unknown", None),
            ("_hidden", None),
            ("[2001:db8::1", None),
            ("", None),
        ] {
            let expected = address.map(|address| address.parse().unwrap());
            assert_eq!(last_hop(hops), expected, "{hops}");
        }
    }
}
