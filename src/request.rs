//! PostgREST's db-pre-request: who asks by what the request's headers say, or the refusal as HTTP has it.

use std::collections::HashMap;
use std::ffi::CStr;

use observa_pipeline::origin;
use pgrx::pg_sys;
use pgrx::prelude::*;
use serde_json::{Value, json};

use crate::error::{Error, or_raise};
use crate::identity::{self, Acting};
use crate::keys;
use crate::settings;

/// What anybody may call.
const OPEN: [&str; 5] = ["/", "/rpc/signup", "/rpc/login", "/rpc/health", "/rpc/version"];

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
        let method = told(c"request.method")?;
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

    fn reads(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }
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

/// Why a request is not let in.
struct Refusal {
    status: u16,
    code: &'static str,
    /// Short and ASCII: some proxies make it the status line.
    message: &'static str,
    hint: &'static str,
    /// Of the same refusal outside of HTTP.
    sqlstate: &'static str,
}

const NO_KEY: Refusal = Refusal {
    status: 401,
    code: "UNAUTHORIZED",
    message: "an API key is required",
    hint: "Send it as the header x-api-key.",
    sqlstate: "28000",
};

const BAD_KEY: Refusal = Refusal {
    status: 401,
    code: "UNAUTHORIZED",
    message: "the API key is unknown, expired or revoked",
    hint: "observa.create_api_key(project, kind) makes one.",
    sqlstate: "28P01",
};

const BAD_ORIGIN: Refusal = Refusal {
    status: 403,
    code: "FORBIDDEN",
    message: "the public key may not be used from this origin",
    hint: "Its origins are in observa.api_keys.",
    sqlstate: "42501",
};

const NO_INGEST: Refusal = Refusal {
    status: 403,
    code: "FORBIDDEN",
    message: "who asks may not send events",
    hint: "The key needs the scope ingest.",
    sqlstate: "42501",
};

const NO_QUERY: Refusal = Refusal {
    status: 403,
    code: "FORBIDDEN",
    message: "who asks may not read",
    hint: "The key needs the scope query.",
    sqlstate: "42501",
};

const TOO_LARGE: Refusal = Refusal {
    status: 413,
    code: "PAYLOAD_TOO_LARGE",
    message: "the body is over observa.max_batch_bytes",
    hint: "Send smaller batches.",
    sqlstate: "54000",
};

/// The refusal, or None where the transaction now acts for who asks.
fn check() -> Result<Option<Refusal>, Error> {
    let Some(request) = Request::told() else {
        return Ok(known_otherwise().then_some(()).map_or(Some(NO_KEY), |()| None));
    };
    let length = request.header("content-length").and_then(|length| length.trim().parse::<usize>().ok());
    if length.is_some_and(|length| length > settings::limits().max_batch_bytes) {
        return Ok(Some(TOO_LARGE));
    }
    let is_open = OPEN.contains(&request.path.as_str());
    if let Some(key) = request.key() {
        let key = match keys::find(key) {
            Ok(key) => key,
            Err(Error::BadKey) => return Ok(Some(BAD_KEY)),
            Err(error) => return Err(error),
        };
        let is_from = |origin: &str| origin::allowed(origin, &key.origins);
        if key.is_public && !key.origins.is_empty() && !request.header("origin").is_some_and(is_from) {
            return Ok(Some(BAD_ORIGIN));
        }
        key.acting().until_end();
    } else if !is_open && !known_otherwise() {
        return Ok(Some(NO_KEY));
    }
    let Some(rights) = Acting::current().map(|acting| acting.rights).filter(|_| !is_open) else {
        return Ok(None);
    };
    if request.method == "POST" && BRINGS_EVENTS.contains(&request.path.as_str()) && !rights.ingest {
        return Ok(Some(NO_INGEST));
    }
    Ok((request.reads() && !rights.query).then_some(NO_QUERY))
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
        let Refusal { status, code, message, hint, sqlstate } = refusal;
        let body = json!({ "code": code, "message": message, "details": null, "hint": hint });
        let how = json!({ "status": status, "headers": headers(status) });
        pgrx::JsonB(match over_http {
            true => json!({ "sqlstate": "PGRST", "message": body.to_string(), "detail": how.to_string(), "hint": hint }),
            false => json!({ "sqlstate": sqlstate, "message": message, "detail": "", "hint": hint }),
        })
    })
}

fn headers(status: u16) -> Value {
    match status {
        401 => json!({ "WWW-Authenticate": "ApiKey" }),
        _ => json!({}),
    }
}
