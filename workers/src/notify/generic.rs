//! Our own format: the alert as JSON, signed.

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::{Delivery, Message};

pub fn message(delivery: &Delivery, now: u64) -> Message {
    let body = json!({
        "id": delivery.id,
        "event": delivery.event.name(),
        "dedup_key": delivery.dedup_key,
        "tenant": delivery.tenant_id,
        "project": delivery.project_id,
        "sent_at": delivery.sent_at,
        "alert": delivery.alert,
    })
    .to_string()
    .into_bytes();
    let mut headers = vec![("x-observa-timestamp", now.to_string())];
    if let Some(signature) = delivery.secret.as_deref().and_then(|secret| sign(secret, now, &body)) {
        headers.push(("x-observa-signature", format!("sha256={signature}")));
    }
    Message { headers, body }
}

/// Hex of the HMAC-SHA256 of `<timestamp>.<body>`: a body that is sent again later has another signature.
pub(crate) fn sign(secret: &str, timestamp: u64, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(timestamp.to_string().as_bytes());
    mac.update(b".");
    mac.update(body);
    Some(mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::super::{Event, Format, sample};
    use super::*;

    #[test]
    fn the_signature_is_that_of_openssl() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac a-secret-of-ours
        let expected = "6ad6ed6dc4226d7b0fff42f9165607d888793d36c1f1177be38e5ff21ee52bb7";
        assert_eq!(sign("a-secret-of-ours", 1_700_000_000, br#"{"a":1}"#).as_deref(), Some(expected));
    }

    #[test]
    fn it_says_all_of_the_alert_and_is_signed() {
        let message = message(&sample(Format::Generic, Event::Raised), 1_700_000_000);
        let body: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
        assert_eq!(
            body,
            json!({"id": "9d3b0f0e-6c1f-4d56-8a39-8a7a4f1b2c3d", "event": "raised",
                   "dedup_key": "observa-5f0c6b1e-5a0e-4b3a-9a0e-0d3c1f5b7a11",
                   "tenant": "0190f5fe-0000-7000-8000-000000000001", "project": "0190f5fe-0000-7000-8000-000000000002",
                   "sent_at": "2026-01-02T03:04:06.000Z",
                   "alert": {"id": "5f0c6b1e-5a0e-4b3a-9a0e-0d3c1f5b7a11", "title": "high latency: route=/a <b>",
                             "description": "6000 ms is over the threshold of 5000", "severity": "critical", "status": "active",
                             "rule": "high_latency", "source": "latency", "group": "route=/a", "environment": "prod",
                             "value": 6000.0, "threshold": 5000.0, "trace_id": "t1", "created_at": "2026-01-02T03:04:05.678Z"}})
        );
        let signature = sign("a-secret-of-ours", 1_700_000_000, &message.body).unwrap();
        assert_eq!(
            message.headers,
            [
                ("x-observa-timestamp", "1700000000".to_owned()),
                ("x-observa-signature", format!("sha256={signature}"))
            ]
        );
    }

    #[test]
    fn a_test_has_no_alert() {
        let message = message(&sample(Format::Generic, Event::Test), 1);
        let body: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
        assert_eq!((&body["event"], &body["alert"]), (&json!("test"), &serde_json::Value::Null));
    }
}
