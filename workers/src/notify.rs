//! Notifications to webhooks: what is sent in which format, who sends it, and what follows from the answer.

pub mod courier;
mod generic;
mod pagerduty;
pub mod retry;
mod slack;

use serde::Deserialize;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    Generic,
    Slack,
    PagerDuty,
}

impl Format {
    pub fn named(name: &str) -> Option<Format> {
        [("generic", Format::Generic), ("slack", Format::Slack), ("pagerduty", Format::PagerDuty)]
            .into_iter()
            .find_map(|(own, format)| (own == name).then_some(format))
    }

    /// Where all of a format go, if there is such a place.
    pub fn usual_url(self) -> Option<&'static str> {
        (self == Format::PagerDuty).then_some("https://events.pagerduty.com/v2/enqueue")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Event {
    Raised,
    Reopened,
    Acknowledged,
    Resolved,
    Closed,
    Test,
}

impl Event {
    pub fn name(self) -> &'static str {
        match self {
            Event::Raised => "raised",
            Event::Reopened => "reopened",
            Event::Acknowledged => "acknowledged",
            Event::Resolved => "resolved",
            Event::Closed => "closed",
            Event::Test => "test",
        }
    }
}

/// An alert as it is at the time of sending.
#[derive(Clone, Debug, Deserialize, serde::Serialize)]
pub struct Alert {
    pub id: String,
    pub title: String,
    pub description: String,
    pub severity: String,
    pub status: String,
    pub rule: String,
    pub source: String,
    pub group: String,
    pub environment: String,
    pub value: Option<f64>,
    pub threshold: Option<f64>,
    pub trace_id: Option<String>,
    /// ISO 8601, UTC.
    pub created_at: String,
}

/// A claimed notification: observa_internal.claim_notifications() writes it as JSON.
#[derive(Clone, Deserialize)]
pub struct Delivery {
    pub tenant_id: String,
    pub id: String,
    pub lease: String,
    /// This one included.
    pub attempts: i32,
    pub event: Event,
    pub dedup_key: String,
    /// None: a test of the whole tenant's webhook.
    pub project_id: Option<String>,
    pub format: Format,
    pub url: String,
    pub secret: Option<String>,
    pub allow_private: bool,
    /// ISO 8601, UTC.
    pub sent_at: String,
    /// None: a test, or it is gone.
    pub alert: Option<Alert>,
}

/// What is sent, but for the address.
#[derive(Debug, PartialEq, Eq)]
pub struct Message {
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Delivery {
    /// `now` in seconds since 1970. None: the alert is gone.
    pub fn message(&self, now: u64) -> Option<Message> {
        if self.alert.is_none() && self.event != Event::Test {
            return None;
        }
        Some(match self.format {
            Format::Generic => generic::message(self, now),
            Format::Slack => slack::message(self),
            Format::PagerDuty => pagerduty::message(self),
        })
    }

    /// One line that says it all.
    fn headline(&self) -> String {
        match &self.alert {
            Some(alert) => format!("[{}] {}: {}", alert.severity, self.event.name(), alert.title),
            None => "Test of a webhook of Observa".to_owned(),
        }
    }
}

fn json(value: &serde_json::Value, headers: Vec<(&'static str, String)>) -> Message {
    Message { headers, body: value.to_string().into_bytes() }
}

/// What the formats' tests send.
#[cfg(test)]
pub(crate) fn sample(format: Format, event: Event) -> Delivery {
    let alert = Alert {
        id: "5f0c6b1e-5a0e-4b3a-9a0e-0d3c1f5b7a11".into(),
        title: "high latency: route=/a <b>".into(),
        description: "6000 ms is over the threshold of 5000".into(),
        severity: "critical".into(),
        status: "active".into(),
        rule: "high_latency".into(),
        source: "latency".into(),
        group: "route=/a".into(),
        environment: "prod".into(),
        value: Some(6000.0),
        threshold: Some(5000.0),
        trace_id: Some("t1".into()),
        created_at: "2026-01-02T03:04:05.678Z".into(),
    };
    Delivery {
        tenant_id: "0190f5fe-0000-7000-8000-000000000001".into(),
        id: "9d3b0f0e-6c1f-4d56-8a39-8a7a4f1b2c3d".into(),
        lease: "l".into(),
        attempts: 1,
        event,
        dedup_key: "observa-5f0c6b1e-5a0e-4b3a-9a0e-0d3c1f5b7a11".into(),
        project_id: Some("0190f5fe-0000-7000-8000-000000000002".into()),
        format,
        url: "https://hooks.example.com/x".into(),
        secret: Some("a-secret-of-ours".into()),
        allow_private: false,
        sent_at: "2026-01-02T03:04:06.000Z".into(),
        alert: (event != Event::Test).then_some(alert),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claimed_row_is_read_as_the_database_writes_it() {
        let row = r#"{"tenant_id": "t", "id": "n", "lease": "l", "attempts": 2, "event": "resolved", "dedup_key": "d", "project_id": null,
                      "format": "pagerduty", "url": "https://x", "secret": null, "allow_private": false, "sent_at": "s", "alert": null}"#;
        let delivery: Delivery = serde_json::from_str(row).unwrap();
        assert_eq!((delivery.event, delivery.format), (Event::Resolved, Format::PagerDuty));
        assert_eq!(delivery.message(0), None, "its alert is gone");
    }
}
