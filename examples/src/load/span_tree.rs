//! Draws the answer of `observa.trace(trace_id)` as a tree of spans.

use console::style;
use serde_json::Value;

use crate::figure;

/// A trace may have thousands of spans; more than this is no longer a glance.
const MOST_LINES: usize = 40;
const LABEL_WIDTH: usize = 52;

/// The spans below `spans`, each with those it called in `children`; empty for a trace without any.
pub fn draw(trace: &Value) -> String {
    let mut lines = Vec::new();
    let spans = list(trace, "spans");
    for (index, span) in spans.iter().enumerate() {
        branch(span, "", index + 1 == spans.len(), &mut lines);
    }
    let more = lines.len().saturating_sub(MOST_LINES);
    lines.truncate(MOST_LINES);
    if more > 0 {
        lines.push(format!("  and {more} spans more"));
    }
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn branch(span: &Value, indent: &str, last: bool, lines: &mut Vec<String>) {
    let (joint, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
    lines.push(format!(
        "{}{}",
        style(format!("{indent}{joint}")).dim(),
        describe(span, indent.chars().count() + 3)
    ));
    let children = list(span, "children");
    for (index, child) in children.iter().enumerate() {
        branch(child, &format!("{indent}{below}"), index + 1 == children.len(), lines);
    }
}

fn describe(span: &Value, indent: usize) -> String {
    let kind = text(span, "event_type").unwrap_or("span");
    let name =
        ["tool_name", "model", "agent_name", "name"].iter().find_map(|key| text(span, key)).unwrap_or("");
    let width = LABEL_WIDTH.saturating_sub(indent);
    let label = figure::short(&format!("{kind} {name}"), width);
    let padding = " ".repeat(width.saturating_sub(label.chars().count()));
    let label = match text(span, "status") {
        Some("error" | "timeout") => style(label).red(),
        _ if kind == "llm_call" => style(label).bold(),
        _ => style(label),
    };
    let latency = number(span, "latency_ms").map_or(String::new(), |ms| figure::millis(Some(ms)));
    let mut line = format!("{label}{padding} {latency:>8}");
    if let (Some(input), Some(output)) = (number(span, "input_tokens"), number(span, "output_tokens")) {
        line += &format!("  {} → {} tokens", figure::tokens(input as i64), figure::tokens(output as i64));
    }
    if let Some(cost) = number(span, "cost_usd") {
        line += &format!("  {}", figure::dollars(Some(cost)));
    }
    line.trim_end().to_owned()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'a>(span: &'a Value, key: &str) -> Option<&'a str> {
    span.get(key).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// A number, also where exact decimals arrive as text.
fn number(span: &Value, key: &str) -> Option<f64> {
    let value = span.get(key)?;
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn children_hang_below_their_parents() {
        let trace = json!({ "spans": [{ "event_type": "trace_start", "name": "chat", "children": [
            { "event_type": "llm_call", "model": "m", "latency_ms": 1200, "input_tokens": 3, "output_tokens": 4, "cost_usd": "0.5",
              "children": [{ "event_type": "tool_call", "tool_name": "t", "status": "error" }] },
            { "event_type": "output" },
        ] }] });
        let drawn = console::strip_ansi_codes(&draw(&trace)).into_owned();
        let lines: Vec<String> = drawn.lines().map(|line| figure::short(line, 200)).collect();
        assert_eq!(
            lines,
            [
                "└─ trace_start chat",
                "├─ llm_call m 1.2 s 3 → 4 tokens $0.5000",
                "│ └─ tool_call t",
                "└─ output",
            ]
        );
    }

    #[test]
    fn a_trace_without_spans_draws_nothing() {
        assert_eq!(draw(&Value::Null), "");
        assert_eq!(draw(&json!({ "spans": [] })), "");
    }

    #[test]
    fn thousands_of_spans_are_counted_not_drawn() {
        let drawn = draw(&json!({ "spans": vec![json!({ "event_type": "output" }); 5000] }));
        assert_eq!(drawn.lines().count(), MOST_LINES + 1);
        assert!(drawn.ends_with("and 4960 spans more\n"));
    }
}
