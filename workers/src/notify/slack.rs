//! Slack's incoming webhooks: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks

use serde_json::json;

use super::{Delivery, Message, json as to_message};

/// Characters of a section's text that Slack takes: 3,000.
const LONGEST: usize = 2_900;

pub fn message(delivery: &Delivery) -> Message {
    let headline = escape(&delivery.headline());
    let mut blocks = vec![section(&format!("*{headline}*"))];
    if let Some(alert) = &delivery.alert {
        blocks.push(section(&escape(&alert.description)));
        let context = format!("{} · {} · {}", alert.environment, alert.rule, alert.id);
        let element = json!({"type": "mrkdwn", "text": escape(&context)});
        blocks.push(json!({"type": "context", "elements": [element]}));
    }
    to_message(&json!({"text": headline, "blocks": blocks}), Vec::new())
}

fn section(text: &str) -> serde_json::Value {
    json!({"type": "section", "text": {"type": "mrkdwn", "text": text}})
}

/// Without Slack's own signs: a title must mention nobody, and link to nowhere. Cut first, as half an escape is none.
fn escape(text: &str) -> String {
    let cut: String = text.chars().take(LONGEST / 5).collect();
    cut.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::super::{Event, Format, sample};
    use super::*;

    #[test]
    fn it_is_what_slack_takes_and_mentions_nobody() {
        let message = message(&sample(Format::Slack, Event::Resolved));
        let body: serde_json::Value = serde_json::from_slice(&message.body).unwrap();
        let headline = "[critical] resolved: high latency: route=/a &lt;b&gt;";
        assert_eq!(
            body,
            json!({"text": headline, "blocks": [
                {"type": "section", "text": {"type": "mrkdwn", "text": format!("*{headline}*")}},
                {"type": "section", "text": {"type": "mrkdwn", "text": "6000 ms is over the threshold of 5000"}},
                {"type": "context", "elements": [{"type": "mrkdwn",
                    "text": "prod · high_latency · 5f0c6b1e-5a0e-4b3a-9a0e-0d3c1f5b7a11"}]}]})
        );
        assert!(message.headers.is_empty());
        assert!(escape(&"&".repeat(5_000)).chars().count() < 3_000);
    }
}
