//! What PostgREST makes of an error: a status, headers, and a body with code, message, details and hint.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use serde_json::{Value, json};

pub struct Fault {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Value,
}

impl Fault {
    /// PostgREST's own error.
    pub fn new(status: StatusCode, code: &str, message: &str) -> Fault {
        Fault::with(status, code, message, Value::Null, Value::Null)
    }

    fn with(status: StatusCode, code: &str, message: &str, details: Value, hint: Value) -> Fault {
        let body = json!({ "code": code, "message": message, "details": details, "hint": hint });
        Fault { status, headers: Vec::new(), body }
    }

    pub fn into_parts(mut self) -> (StatusCode, Vec<(HeaderName, HeaderValue)>, Option<String>) {
        // Whoever raised the error in full said all of its headers.
        if self.status == StatusCode::UNAUTHORIZED && self.headers.is_empty() {
            self.headers.push((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        (self.status, self.headers, Some(self.body.to_string()))
    }
}

impl From<postgres::Error> for Fault {
    fn from(error: postgres::Error) -> Fault {
        let Some(said) = error.as_db_error() else {
            let message = "Database client error. Retrying the connection.";
            let details = json!(error.to_string());
            return Fault::with(StatusCode::SERVICE_UNAVAILABLE, "PGRST001", message, details, Value::Null);
        };
        let (code, message) = (said.code().code(), said.message());
        if code == "PGRST" {
            return raised_in_full(message, said.detail()).unwrap_or_else(|| {
                let message = "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error";
                Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "PGRST121", message)
            });
        }
        let status = StatusCode::from_u16(status(code, message)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Fault::with(status, code, message, json!(said.detail()), json!(said.hint()))
    }
}

/// `RAISE SQLSTATE 'PGRST'`: the message and the detail are JSON, and say all of the response.
fn raised_in_full(message: &str, detail: Option<&str>) -> Option<Fault> {
    let message: Value = serde_json::from_str(message).ok()?;
    let detail: Value = serde_json::from_str(detail?).ok()?;
    let status = StatusCode::from_u16(detail["status"].as_u64()?.try_into().ok()?).ok()?;
    let (code, text) = (message["code"].as_str()?, message["message"].as_str()?);
    let mut fault = Fault::with(status, code, text, message["details"].clone(), message["hint"].clone());
    for (name, value) in detail["headers"].as_object()? {
        fault.headers.push((name.parse().ok()?, HeaderValue::from_str(value.as_str()?).ok()?));
    }
    Some(fault)
}

/// The status for an SQLSTATE, by the first row whose prefix it has. Of requests without a JWT: 42501 is 401, not 403.
const STATUSES: &[(&str, u16)] = &[
    ("08", 503),
    ("09", 500),
    ("0L", 403),
    ("0P", 403),
    ("23503", 409),
    ("23505", 409),
    ("25006", 405),
    ("21000", 500),
    ("25", 500),
    ("28", 403),
    ("2D", 500),
    ("38", 500),
    ("39", 500),
    ("3B", 500),
    ("40", 500),
    ("53400", 500),
    ("53", 503),
    ("54", 500),
    ("55", 500),
    ("57P01", 503),
    ("57", 500),
    ("58", 500),
    ("F0", 500),
    ("HV", 500),
    ("P0001", 400),
    ("P0", 500),
    ("XX", 500),
    ("42883", 404),
    ("42P01", 404),
    ("42P17", 500),
    ("42501", 401),
];

fn status(code: &str, message: &str) -> u16 {
    if let Some(own) = code.strip_prefix("PT") {
        return own.parse().unwrap_or(500);
    }
    if code == "22023" && message.starts_with("role") && message.ends_with("does not exist") {
        return 401;
    }
    STATUSES.iter().find(|(prefix, _)| code.starts_with(prefix)).map_or(400, |(_, status)| *status)
}
