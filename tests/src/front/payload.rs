//! A request's body by its media type, as PostgREST reads it.

use std::collections::BTreeSet;

use axum::http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::fault::Fault;

/// The arguments of a call.
pub enum Payload {
    /// The body as it came, and the type of the unnamed parameter that takes it.
    Raw { body: Vec<u8>, parameter: &'static str },
    /// JSON: for the one unnamed parameter, or an object (or array of objects) with these keys.
    Json { body: Vec<u8>, keys: BTreeSet<String> },
    /// Of the query string.
    Direct(Vec<(String, String)>),
}

impl Payload {
    pub fn of_body(headers: &HeaderMap, body: &[u8]) -> Result<Payload, Fault> {
        let named = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let media = named.and_then(|value| value.split(';').next()).unwrap_or("application/json");
        let raw = |parameter| Ok(Payload::Raw { body: body.to_vec(), parameter });
        match media.trim().to_lowercase().as_str() {
            "application/json" => of_json(body),
            "text/plain" => raw("text"),
            "application/octet-stream" => raw("bytea"),
            other @ ("text/xml" | "text/csv" | "application/x-www-form-urlencoded") => {
                let message = format!("the tests' front does not read {other}, which PostgREST does");
                Err(Fault::new(StatusCode::NOT_IMPLEMENTED, "FRONT", &message))
            }
            other => Err(invalid(&format!("Content-Type not acceptable: {other}"))),
        }
    }

    pub fn of_query(query: &str) -> Result<Payload, Fault> {
        Ok(Payload::Direct(pairs(query)))
    }

    /// The names of the arguments.
    pub fn keys(&self) -> BTreeSet<String> {
        match self {
            Payload::Raw { .. } => BTreeSet::new(),
            Payload::Json { keys, .. } => keys.clone(),
            Payload::Direct(pairs) => pairs.iter().map(|(name, _)| name.clone()).collect(),
        }
    }

    /// Whether one unnamed parameter of this type takes the body.
    pub fn fits_unnamed(&self, parameter: &str) -> bool {
        match self {
            Payload::Raw { parameter: wanted, .. } => parameter == *wanted,
            Payload::Json { .. } => ["json", "jsonb"].contains(&parameter),
            Payload::Direct(_) => false,
        }
    }
}

fn invalid(message: &str) -> Fault {
    Fault::new(StatusCode::BAD_REQUEST, "PGRST102", message)
}

/// It parses the body, and takes an array only of objects with the same keys.
fn of_json(body: &[u8]) -> Result<Payload, Fault> {
    let keys_of = |object: &Value| {
        object.as_object().map(|members| members.keys().cloned().collect::<BTreeSet<String>>())
    };
    if body.is_empty() {
        return Ok(Payload::Json { body: b"{}".to_vec(), keys: BTreeSet::new() });
    }
    let parsed: Value = serde_json::from_slice(body).map_err(|_| invalid("Empty or invalid json"))?;
    let nothing = || Payload::Json { body: b"[]".to_vec(), keys: BTreeSet::new() };
    match &parsed {
        Value::Object(_) => {
            Ok(Payload::Json { body: body.to_vec(), keys: keys_of(&parsed).unwrap_or_default() })
        }
        Value::Array(elements) => match elements.first() {
            None => Ok(nothing()),
            Some(first) => {
                let keys = keys_of(first);
                let uniform = keys.is_some() && elements.iter().all(|element| keys_of(element) == keys);
                let keys = keys.filter(|_| uniform).ok_or_else(|| invalid("All object keys must match"))?;
                Ok(Payload::Json { body: body.to_vec(), keys })
            }
        },
        _ => Ok(nothing()),
    }
}

/// The parameters of a query string, decoded.
pub fn pairs(query: &str) -> Vec<(String, String)> {
    let pair = |text: &str| {
        let (name, value) = text.split_once('=').unwrap_or((text, ""));
        (decoded(name), decoded(value))
    };
    query.split('&').filter(|text| !text.is_empty()).map(pair).collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%').then(|| after.get(..2)).flatten();
        let byte = escaped
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        rest = if byte.is_some() { &after[2..] } else { after };
        bytes.push(byte.unwrap_or(if first == b'+' { b' ' } else { first }));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
