//! Rules of a tenant's own about each event.

use std::sync::Arc;

use serde_json::{Value, json};

use super::expression::{Expression, Row};
use super::{Raised, Severity, Signal, group_of};
use crate::batch::Ready;
use crate::event::Field;

/// Of a tenant's, for all of its projects together: each costs every event something.
pub const MOST_RULES: i64 = 20;

/// The signal's `type`, as of a tenant's own rules over windows.
pub const CATEGORY: &str = "custom";

/// What signals and alerts may be told apart by.
const GROUPS: [Field; 10] = [
    Field::Model,
    Field::Route,
    Field::ToolName,
    Field::Provider,
    Field::Version,
    Field::AgentName,
    Field::ErrorType,
    Field::FinishReason,
    Field::Name,
    Field::PromptCategory,
];

#[derive(Clone, Debug)]
pub struct OwnRule {
    pub name: String,
    pub enabled: bool,
    pub severity: Severity,
    pub group: Vec<Field>,
    pub expression: Arc<Expression>,
}

impl OwnRule {
    /// Err: what a name of `group_by` is not.
    pub fn group_by(names: &[&str]) -> Result<Vec<Field>, String> {
        let find = |name: &&str| GROUPS.into_iter().find(|field| field.name() == *name);
        let found: Option<Vec<Field>> = names.iter().map(find).collect();
        let is_repeated = |fields: &[Field]| {
            fields.iter().enumerate().any(|(place, field)| fields.iter().skip(place + 1).any(|o| o == field))
        };
        found.filter(|fields| !is_repeated(fields)).ok_or_else(|| {
            let names: Vec<&str> = GROUPS.iter().map(|field| field.name()).collect();
            format!("group_by of a rule with an expression must be a list of {}", names.join(", "))
        })
    }
}

/// Raises what own rules find in events as they are about to be stored. `pause`: called wherever it may take long.
pub fn detect(ready: &mut [Ready], pause: fn()) {
    for ready in ready {
        let home = Arc::clone(&ready.home);
        for rule in home.rules.own() {
            let row = Row { event: &ready.event, home: &home, pause };
            if rule.expression.evaluate(row) == Some(true) {
                let signal = signal(rule, row);
                ready.signals.push(signal);
            }
        }
    }
}

fn signal(rule: &Arc<OwnRule>, row: Row) -> Signal {
    let (values, attributes) = rule.expression.values(row);
    let told: Vec<String> = values.iter().map(|(name, value)| format!("{name} = {}", told(value))).collect();
    let mut explanation = rule.expression.text().to_owned();
    if !told.is_empty() {
        explanation = format!("{explanation}: {}", told.join(", "));
    }
    let mut details = json!({
        "unit": "events", "rule": rule.name, "expression": rule.expression.text(), "values": values, "explanation": explanation,
    });
    if let Some(details) = details.as_object_mut().filter(|_| !attributes.is_empty()) {
        // Under a name of their own: they go when payloads do.
        details.insert("attributes".into(), attributes.into());
    }
    Signal {
        rule: Raised::Own(Arc::clone(rule)),
        severity: rule.severity,
        value: 1.0,
        threshold: None,
        group: group_of(&rule.group, row.event),
        details,
    }
}

fn told(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
