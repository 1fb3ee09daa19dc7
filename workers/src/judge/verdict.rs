//! What a judge answered: found in its text, held against the evaluator's schema, and read.

use std::collections::BTreeMap;

use jsonschema::{Draft, PatternOptions, Validator};
use serde::Serialize;
use serde_json::{Map, Value};

/// Of an answer that is looked at, in bytes.
const ANSWER_BYTES: usize = 64 * 1_024;

const LABEL_CHARS: usize = 200;
const REASONING_CHARS: usize = 4_000;

/// Of a schema: what it has to describe is small, and every answer is held against it.
const SCHEMA_BYTES: usize = 16 * 1_024;
const SCHEMA_DEPTH: usize = 16;

/// Further scores of a verdict.
const MOST_SCORES: usize = 32;

/// Bytes of a compiled pattern. They are matched in linear time, whatever they are.
const PATTERN_BYTES: usize = 256 * 1_024;

/// What leads elsewhere, also in circles, which would end the process: a verdict's schema needs none of it.
const REFERENCES: [&str; 5] = ["$ref", "$dynamicRef", "$recursiveRef", "$id", "id"];

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// 0 to 1.
    pub score: f64,
    /// Empty: it gave none.
    pub label: String,
    pub reasoning: String,
    /// Other numbers that the schema declares.
    pub scores: BTreeMap<String, f64>,
    /// truncated: a value was cut. repaired: the first answer could not be understood.
    pub flags: Vec<String>,
}

/// Why an answer is none. It names parts of the schema, and quotes nothing of the answer.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Unclear {
    #[error("the answer is longer than 64 kB")]
    TooLong,
    #[error("the answer has no JSON object")]
    NoObject,
    #[error("the answer has more than one JSON object")]
    Many,
    #[error("the answer breaks the schema at {0}")]
    Schema(String),
    #[error("the answer has no number from 0 to 1 as its score")]
    Score,
    #[error("the answer's label is no text of 200 characters at the most")]
    Label,
    #[error("the answer's reasoning is no text")]
    Reasoning,
}

/// Whether answers can be held against a schema, and whether verdicts can come of them.
pub fn check_schema(schema: &Value) -> Result<(), String> {
    Schema::new(schema).map(|_| ())
}

/// What every answer may have.
const ALWAYS: [&str; 3] = ["score", "label", "reasoning"];

/// A compiled one.
pub struct Schema<'a> {
    schema: &'a Value,
    validator: Validator,
}

impl Schema<'_> {
    pub fn new(schema: &Value) -> Result<Schema<'_>, String> {
        let text = schema.to_string();
        if text.len() > SCHEMA_BYTES {
            return Err("the schema is longer than 16 kB".into());
        }
        check_shape(schema, 0)?;
        let properties = schema.get("properties").and_then(Value::as_object);
        if properties.is_none_or(|properties| !properties.contains_key("score")) {
            return Err("the schema must have score among its properties".into());
        }
        let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(PATTERN_BYTES);
        let validator = jsonschema::options()
            .with_draft(Draft::Draft202012)
            .with_pattern_options(patterns)
            .should_validate_formats(false)
            .build(schema)
            .map_err(|error| match error.instance_path().as_str() {
                "" => "the schema is none, or has a pattern that can't be used".to_owned(),
                place => format!("the schema is none, at {place}"),
            })?;
        Ok(Schema { schema, validator })
    }

    /// Without flags.
    pub fn read(&self, answer: &str) -> Result<Verdict, Unclear> {
        let mut object = find(answer)?;
        // Models add what nobody asked for; a schema that closes the object is for endpoints that hold them to it.
        if let Some(declared) = self.schema.get("properties").and_then(Value::as_object) {
            object.retain(|name, _| ALWAYS.contains(&name.as_str()) || declared.contains_key(name));
        }
        let value = Value::Object(object);
        if let Err(error) = self.validator.validate(&value) {
            return Err(Unclear::Schema(shortened(&error.schema_path().to_string(), LABEL_CHARS)));
        }
        let text = |name: &str| match value.get(name) {
            None | Some(Value::Null) => Some(""),
            Some(value) => value.as_str(),
        };
        let score = value.get("score").and_then(Value::as_f64).filter(|score| (0.0..=1.0).contains(score));
        let label = text("label").filter(|label| label.chars().count() <= LABEL_CHARS);
        Ok(Verdict {
            score: score.ok_or(Unclear::Score)?,
            label: shortened(label.ok_or(Unclear::Label)?, LABEL_CHARS),
            reasoning: shortened(text("reasoning").ok_or(Unclear::Reasoning)?, REASONING_CHARS),
            scores: self.scores(&value),
            flags: Vec::new(),
        })
    }

    fn scores(&self, value: &Value) -> BTreeMap<String, f64> {
        let Some(properties) = self.schema.get("properties").and_then(Value::as_object) else {
            return BTreeMap::new();
        };
        let is_number =
            |schema: &Value| matches!(schema.get("type").and_then(Value::as_str), Some("number" | "integer"));
        properties
            .iter()
            .filter(|(name, schema)| *name != "score" && is_number(schema))
            .filter_map(|(name, _)| Some((name.clone(), value.get(name)?.as_f64()?)))
            .filter(|(_, number)| number.is_finite())
            .take(MOST_SCORES)
            .collect()
    }
}

/// As much of a text as is kept, without what Postgres takes in no text.
pub fn shortened(text: &str, chars: usize) -> String {
    text.chars().take(chars).map(|c| if c == '\0' { '\u{fffd}' } else { c }).collect()
}

fn check_shape(value: &Value, depth: usize) -> Result<(), String> {
    if depth > SCHEMA_DEPTH {
        return Err("the schema is nested too deeply".into());
    }
    match value {
        Value::Object(members) => members.iter().try_for_each(|(name, value)| {
            // As a property's name id is as good as any: only a text of that name is an address.
            if REFERENCES.contains(&name.as_str()) && (name != "id" || value.is_string()) {
                return Err(format!("the schema must do without {name}"));
            }
            check_shape(value, depth + 1)
        }),
        Value::Array(values) => values.iter().try_for_each(|value| check_shape(value, depth + 1)),
        _ => Ok(()),
    }
}

/// The one object of an answer: all of it, or between a fence's lines, or with prose around.
fn find(answer: &str) -> Result<Map<String, Value>, Unclear> {
    if answer.len() > ANSWER_BYTES {
        return Err(Unclear::TooLong);
    }
    // What some models think aloud before they answer.
    let answer = answer.rsplit_once("</think>").map_or(answer, |(_, said)| said).trim();
    if let Ok(object) = serde_json::from_str(answer) {
        return Ok(object);
    }
    let (mut rest, mut found) = (answer, None);
    while let Some(start) = rest.find('{') {
        let from = rest.get(start..).unwrap_or_default();
        let mut stream = serde_json::Deserializer::from_str(from).into_iter::<Map<String, Value>>();
        match stream.next() {
            Some(Ok(object)) => {
                // Two that differ: one may be quoted from the material.
                if found.as_ref().is_some_and(|earlier| *earlier != object) {
                    return Err(Unclear::Many);
                }
                found = Some(object);
                rest = from.get(stream.byte_offset()..).unwrap_or_default();
            }
            // One that is broken is not to be read from its middle.
            _ if looks_like_an_object(from) => return Err(found.map_or(Unclear::NoObject, |_| Unclear::Many)),
            _ => rest = from.get(1..).unwrap_or_default(),
        }
    }
    found.ok_or(Unclear::NoObject)
}

fn looks_like_an_object(text: &str) -> bool {
    text.get(1..).is_some_and(|inside| inside.trim_start().starts_with('"'))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use proptest::prelude::*;

    fn schema() -> Value {
        json!({
            "type": "object", "additionalProperties": false, "required": ["reasoning", "score", "label"],
            "properties": {
                "score": {"type": "number"}, "label": {"enum": ["yes", "no"]}, "reasoning": {"type": "string"},
                "coherence": {"type": "number"}, "count": {"type": "integer"}, "note": {"type": "string"}
            }
        })
    }

    fn read(answer: &str) -> Result<Verdict, Unclear> {
        let schema = schema();
        Schema::new(&schema).unwrap().read(answer)
    }

    const GOOD: &str = r#"{"score": 0.5, "label": "yes", "reasoning": "r"}"#;

    #[test]
    fn an_answer_is_found_alone_in_a_fence_and_in_prose() {
        for answer in [
            GOOD.to_owned(),
            format!("  {GOOD}\n"),
            format!("```json\n{GOOD}\n```"),
            format!("```\n{GOOD}\n```\n"),
            format!("Here it is: {GOOD} That is {{all}}."),
            format!("<think>Maybe {{\"score\": 1}}?</think>\n{GOOD}"),
            format!("{GOOD}\nAgain:\n{GOOD}"),
        ] {
            let verdict = read(&answer).unwrap_or_else(|error| panic!("{answer}: {error}"));
            assert_eq!(
                (verdict.score, verdict.label.as_str(), verdict.reasoning.as_str()),
                (0.5, "yes", "r")
            );
        }
    }

    #[test]
    fn what_is_no_answer_is_told_without_its_text() {
        let with = |score: &str| format!(r#"{{"score": {score}, "label": "yes", "reasoning": "SECRET"}}"#);
        for (answer, expected) in [
            ("I cannot SECRET".to_owned(), "the answer has no JSON object"),
            (String::new(), "the answer has no JSON object"),
            ("[0.5]".to_owned(), "the answer has no JSON object"),
            (format!("{}{}", with("0"), with("1")), "the answer has more than one JSON object"),
            (
                r#"{"score": 0.5, "label": "yes", "reasoning": "SECRET"#.to_owned(),
                "the answer has no JSON object",
            ),
            // What a cut answer quotes is not the answer.
            (format!(r#"{{"reasoning": "it says {GOOD}"#), "the answer has no JSON object"),
            (with("1.5"), "the answer has no number from 0 to 1 as its score"),
            (with("-0.1"), "the answer has no number from 0 to 1 as its score"),
            (with("\"0.5\""), "the answer breaks the schema at /properties/score/type"),
            (with("null"), "the answer breaks the schema at /properties/score/type"),
            (with("1e999"), "the answer has no JSON object"),
            (
                r#"{"score": 1, "label": "SECRET", "reasoning": ""}"#.into(),
                "the answer breaks the schema at /properties/label/enum",
            ),
            (r#"{"score": 1, "label": "yes"}"#.into(), "the answer breaks the schema at /required"),
            ("a".repeat(ANSWER_BYTES + 1), "the answer is longer than 64 kB"),
        ] {
            assert_eq!(read(&answer).unwrap_err().to_string(), expected, "{answer:.200}");
        }
    }

    #[test]
    fn other_numbers_of_the_schema_are_scores() {
        let answer = r#"{"score": 1, "label": "no", "reasoning": "a\u0000b", "coherence": 0.25, "count": 3, "note": "n"}"#;
        let verdict = read(answer).unwrap();
        assert_eq!(verdict.scores, BTreeMap::from([("coherence".into(), 0.25), ("count".into(), 3.0)]));
        assert_eq!((verdict.score, verdict.reasoning.as_str()), (1.0, "a\u{fffd}b"));
    }

    #[test]
    fn what_nobody_asked_for_is_ignored() {
        let answer = r#"{"score": 1, "label": "yes", "reasoning": "", "confidence": 1, "x": {}}"#;
        assert_eq!(read(answer).unwrap().scores, BTreeMap::new());
    }

    #[test]
    fn lengths_are_kept_whatever_the_schema_says() {
        let schema = json!({"type": "object", "properties": {"score": {}}});
        let schema = Schema::new(&schema).unwrap();
        let answer = |label: usize| {
            json!({"score": 0, "label": "ä".repeat(label), "reasoning": "b".repeat(9_000)}).to_string()
        };
        assert_eq!(schema.read(&answer(200)).unwrap().reasoning.len(), REASONING_CHARS);
        assert_eq!(schema.read(&answer(201)).unwrap_err(), Unclear::Label);
        assert_eq!(schema.read(r#"{"score": "0.5"}"#).unwrap_err(), Unclear::Score);
        assert_eq!(schema.read(r#"{"score": 0, "reasoning": 1}"#).unwrap_err(), Unclear::Reasoning);
        assert_eq!(schema.read(r#"{"score": 0}"#).unwrap().label, "");
    }

    #[test]
    fn a_schema_is_refused_for_what_could_lead_elsewhere_or_take_long() {
        let with = |name: &str, value: Value| json!({"type": "object", "properties": {"score": {}, "a": {name: value}}});
        let mut deep = json!({});
        for _ in 0..20 {
            deep = json!({"not": deep});
        }
        for (schema, expected) in [
            (schema(), Ok(())),
            (with("pattern", json!("^(a+)+$")), Ok(())),
            (json!({"type": "object", "properties": {"score": {}, "id": {"type": "string"}}}), Ok(())),
            (with("$ref", json!("https://example.com/a.json")), Err("the schema must do without $ref")),
            (with("$ref", json!("#")), Err("the schema must do without $ref")),
            (with("$dynamicRef", json!("#a")), Err("the schema must do without $dynamicRef")),
            (with("$id", json!("file:///etc/passwd")), Err("the schema must do without $id")),
            (
                with("pattern", json!("(a{1000}){1000}")),
                Err("the schema is none, or has a pattern that can't be used"),
            ),
            (
                with("pattern", json!("(?=a)b")),
                Err("the schema is none, or has a pattern that can't be used"),
            ),
            (with("type", json!("nonsense")), Err("the schema is none, at /properties/a/type")),
            (with("enum", json!(["a".repeat(20_000)])), Err("the schema is longer than 16 kB")),
            (with("not", deep), Err("the schema is nested too deeply")),
            (json!({"type": "object"}), Err("the schema must have score among its properties")),
            (json!(true), Err("the schema must have score among its properties")),
        ] {
            assert_eq!(check_schema(&schema), expected.map_err(str::to_owned), "{schema:.200}");
        }
        let slow = with("pattern", json!("^(a+)+$"));
        let answer = json!({"score": 0, "a": format!("{}!", "a".repeat(50_000))}).to_string();
        let started = std::time::Instant::now();
        assert!(Schema::new(&slow).unwrap().read(&answer).is_err());
        assert!(started.elapsed().as_secs() < 2, "{:?}", started.elapsed());
    }

    #[test]
    fn many_braces_take_no_time() {
        let started = std::time::Instant::now();
        assert!(read(&"{".repeat(ANSWER_BYTES)).is_err());
        assert!(read(&"{\"a\":".repeat(ANSWER_BYTES / 5)).is_err());
        assert!(read(&"{}".repeat(ANSWER_BYTES / 2)).is_err());
        assert!(started.elapsed().as_secs() < 2, "{:?}", started.elapsed());
    }

    proptest! {
        #[test]
        fn no_text_makes_a_score_outside_of_its_range(answer in "(\\{|\\}|\"score\"|:|,|[0-9.e-]|\"|a|\\PC){0,60}") {
            let schema = json!({"properties": {"score": {}}});
            if let Ok(verdict) = Schema::new(&schema).unwrap().read(&answer) {
                prop_assert!((0.0..=1.0).contains(&verdict.score));
            }
        }
    }
}
