//! The evaluators that come with Observa, as a table. A score of 1 always means that the problem is present.

use serde_json::{Map, Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One event: its own question and answer.
    Event,
    /// A trace: what was asked, retrieved and answered in all of its events.
    Trace,
}

impl Scope {
    pub fn name(self) -> &'static str {
        match self {
            Scope::Event => "event",
            Scope::Trace => "trace",
        }
    }
}

#[derive(Debug)]
pub struct Evaluator {
    pub name: &'static str,
    /// Grows whenever a template or a scale changes: verdicts of two versions are not to be compared.
    pub version: i32,
    pub description: &'static str,
    pub scope: Scope,
    /// What the template may hold: question, context, answer or input.
    pub variables: &'static [&'static str],
    pub template: &'static str,
    /// Each 0 to 1, beside the score.
    pub scores: &'static [&'static str],
    pub labels: &'static [&'static str],
    /// Signals that have it run. None: samples and demand alone.
    pub triggers: &'static [&'static str],
    /// Raised from the score on that makes it medium or high.
    pub signal: &'static str,
    pub medium: f64,
    pub high: f64,
}

/// A new one is one row here and one template.
pub const EVALUATORS: [Evaluator; 6] = [
    Evaluator {
        name: "hallucination",
        version: 1,
        description: "States made-up things as facts",
        scope: Scope::Event,
        variables: &["question", "answer"],
        template: include_str!("evaluators/hallucination.txt"),
        scores: &[],
        labels: &["supported", "unverifiable", "made_up"],
        triggers: &["hallucination_risk"],
        signal: "hallucination",
        medium: 0.6,
        high: 0.85,
    },
    Evaluator {
        name: "faithfulness",
        version: 1,
        description: "Says what its retrieved context does not support",
        scope: Scope::Trace,
        variables: &["question", "context", "answer"],
        template: include_str!("evaluators/faithfulness.txt"),
        scores: &[],
        labels: &["faithful", "unsupported", "contradicted"],
        triggers: &[],
        signal: "faithfulness_issue",
        medium: 0.5,
        high: 0.8,
    },
    Evaluator {
        name: "context_relevance",
        version: 1,
        description: "Retrieved context that is of no use for the question",
        scope: Scope::Trace,
        variables: &["question", "context", "answer"],
        template: include_str!("evaluators/context_relevance.txt"),
        scores: &[],
        labels: &["relevant", "partial", "irrelevant"],
        triggers: &["context_drop"],
        signal: "context_irrelevant",
        medium: 0.6,
        high: 0.9,
    },
    Evaluator {
        name: "answer_quality",
        version: 1,
        description: "An answer that is incoherent, beside the question or of no help",
        scope: Scope::Event,
        variables: &["question", "answer"],
        template: include_str!("evaluators/answer_quality.txt"),
        scores: &["coherence", "relevance", "helpfulness"],
        labels: &["good", "weak", "bad"],
        triggers: &["quality_degradation"],
        signal: "low_quality",
        medium: 0.6,
        high: 0.85,
    },
    Evaluator {
        name: "prompt_injection",
        version: 1,
        description: "Input that tries to take control of the system",
        scope: Scope::Event,
        variables: &["input"],
        template: include_str!("evaluators/prompt_injection.txt"),
        scores: &[],
        labels: &["none", "suspicious", "attempt"],
        triggers: &["prompt_injection"],
        signal: "prompt_injection",
        medium: 0.6,
        high: 0.85,
    },
    Evaluator {
        name: "toxicity",
        version: 1,
        description: "An answer that insults, hates, threatens or harasses",
        scope: Scope::Event,
        variables: &["question", "answer"],
        template: include_str!("evaluators/toxicity.txt"),
        scores: &[],
        labels: &["none", "rude", "toxic"],
        triggers: &["high_toxicity"],
        signal: "high_toxicity",
        medium: 0.6,
        high: 0.85,
    },
];

impl Evaluator {
    /// Of its answers. Without bounds on numbers, which not every endpoint takes: they are held against 0 and 1 here.
    pub fn schema(&self) -> Value {
        let scores = ["score"].iter().chain(self.scores);
        let mut properties: Map<String, Value> =
            scores.map(|name| ((*name).to_owned(), json!({"type": "number"}))).collect();
        properties.insert("label".into(), json!({"type": "string", "enum": self.labels}));
        properties.insert("reasoning".into(), json!({"type": "string"}));
        let required: Vec<&String> = properties.keys().collect();
        json!({"type": "object", "additionalProperties": false, "required": required, "properties": properties})
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;
    use crate::judge::{prompt, verdict};

    #[test]
    fn each_can_be_asked_and_answered() {
        for evaluator in &EVALUATORS {
            let declared: Vec<String> = evaluator.variables.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(prompt::check(evaluator.template, &declared), Ok(()), "{}", evaluator.name);
            for name in &declared {
                assert!(evaluator.template.contains(&format!("{{{{{name}}}}}")), "{} {name}", evaluator.name);
            }
            for label in evaluator.labels.iter().chain(evaluator.scores) {
                assert!(evaluator.template.contains(label), "{} {label}", evaluator.name);
            }
            let schema = evaluator.schema();
            assert_eq!(verdict::check_schema(&schema), Ok(()));
            let mut answer =
                json!({"score": 0.5, "label": evaluator.labels.last().unwrap(), "reasoning": "r"});
            for name in evaluator.scores {
                answer[*name] = json!(0.25);
            }
            let verdict = verdict::Schema::new(&schema).unwrap().read(&answer.to_string()).unwrap();
            let scores: Vec<&str> = verdict.scores.keys().map(String::as_str).collect();
            let expected: BTreeSet<&str> = evaluator.scores.iter().copied().collect();
            assert_eq!(scores, Vec::from_iter(expected), "{}", evaluator.name);
            assert!(0.0 < evaluator.medium && evaluator.medium < evaluator.high && evaluator.high <= 1.0);
        }
        let names: BTreeSet<&str> = EVALUATORS.iter().map(|evaluator| evaluator.name).collect();
        assert_eq!(names.len(), EVALUATORS.len());
    }

    /// A token is some four bytes: the material costs more than the instructions.
    #[test]
    fn instructions_are_short() {
        for evaluator in &EVALUATORS {
            let empty: BTreeMap<String, String> =
                evaluator.variables.iter().map(|name| ((*name).to_owned(), String::new())).collect();
            let prompt =
                prompt::build(evaluator.name, 1, evaluator.template, &empty, &evaluator.schema()).unwrap();
            let bytes = prompt.system.len() + prompt.user.len();
            assert!(bytes < 3_600, "{}: {bytes}", evaluator.name);
        }
    }
}
