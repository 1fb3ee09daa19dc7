//! PagerDuty's Events API v2: https://developer.pagerduty.com/docs/send-alert-event

use serde_json::json;

use super::{Delivery, Event, Message, json as to_message};

/// Characters of a summary that PagerDuty takes.
const LONGEST_SUMMARY: usize = 1_024;

pub fn message(delivery: &Delivery) -> Message {
    let action = match delivery.event {
        Event::Raised | Event::Reopened | Event::Test => "trigger",
        Event::Acknowledged => "acknowledge",
        Event::Resolved | Event::Closed => "resolve",
    };
    let summary: String = match &delivery.alert {
        Some(alert) => format!("{} ({})", alert.title, alert.environment),
        None => delivery.headline(),
    };
    let summary: String = summary.chars().take(LONGEST_SUMMARY).collect();
    let payload = match &delivery.alert {
        Some(alert) => json!({
            "summary": summary,
            "source": "observa",
            "severity": alert.severity,
            "timestamp": alert.created_at,
            "component": alert.environment,
            "group": alert.group,
            "class": alert.rule,
            "custom_details": alert,
        }),
        None => json!({"summary": summary, "source": "observa", "severity": "info"}),
    };
    let body = json!({
        "routing_key": delivery.secret,
        "event_action": action,
        "dedup_key": delivery.dedup_key,
        "client": "Observa",
        "payload": payload,
    });
    to_message(&body, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::super::{Format, sample};
    use super::*;

    #[test]
    fn an_alert_opens_and_ends_one_incident() {
        for (event, action) in [
            (Event::Raised, "trigger"),
            (Event::Reopened, "trigger"),
            (Event::Acknowledged, "acknowledge"),
            (Event::Resolved, "resolve"),
            (Event::Closed, "resolve"),
            (Event::Test, "trigger"),
        ] {
            let message = message(&sample(Format::PagerDuty, event));
            let body: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
            assert_eq!(body["event_action"], action);
            assert_eq!(body["routing_key"], "a-secret-of-ours");
            assert_eq!(body["dedup_key"], "observa-5f0c6b1e-5a0e-4b3a-9a0e-0d3c1f5b7a11");
        }
    }

    #[test]
    fn its_payload_has_what_pagerduty_asks_for() {
        let message = message(&sample(Format::PagerDuty, Event::Raised));
        let mut body: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
        let details = body["payload"]["custom_details"].take();
        assert_eq!(details["threshold"], 5000.0);
        assert_eq!(
            body["payload"],
            json!({"summary": "high latency: route=/a <b> (prod)", "source": "observa", "severity": "critical",
                   "timestamp": "2026-01-02T03:04:05.678Z", "component": "prod", "group": "route=/a", "class": "high_latency",
                   "custom_details": null})
        );
    }
}
