//! Tags of an event that its project wants sums by: what a client said of a customer, a feature or an experiment.

use std::borrow::Cow;

use crate::translate::json::{self, Object};

/// Tags of a project.
pub const MOST_TAGS: usize = 10;

/// Bytes of a tag's name.
pub const LONGEST_NAME: usize = 64;

/// Bytes of a value; what is longer is cut off.
pub const LONGEST_VALUE: usize = 200;

/// Values of one tag of an event: more are not counted.
pub const MOST_VALUES: usize = 10;

/// Between a tag's name and its value, as both are stored. No name has it.
pub const SEPARATOR: char = '=';

/// Where clients put what their applications say, in the order in which it counts: at the event itself, in an object of these names
/// (which some write as text), and under keys that begin so.
const OBJECTS: [&str; 9] = [
    "metadata",
    "tags",
    "observa.metadata",
    "langfuse.trace.metadata",
    "langfuse.observation.metadata",
    "ai.telemetry.metadata",
    "traceloop.association.properties",
    "langsmith.metadata",
    "otel.resource",
];

/// Whether a tag can be called so: letters, digits and `_ . : / -`.
pub fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:/-".contains(&byte);
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(fits)
}

/// `name=value` for each value of the tags in an event's attributes, in the order of the tags.
pub fn find(tags: &[String], attributes: &str) -> Vec<String> {
    let Ok(members) = Object::parse(attributes) else { return Vec::new() };
    let mut found: Vec<String> = Vec::new();
    for tag in tags {
        for value in values(&members, tag) {
            let pair = format!("{tag}{SEPARATOR}{value}");
            if !found.contains(&pair) {
                found.push(pair);
            }
        }
    }
    found
}

/// A tag's name and its value.
pub fn split(pair: &str) -> Option<(&str, &str)> {
    pair.split_once(SEPARATOR)
}

fn values(members: &Object, tag: &str) -> Vec<String> {
    let own = members.get(tag).map(listed).filter(|values| !values.is_empty());
    own.or_else(|| OBJECTS.iter().find_map(|name| inside(members, name, tag))).unwrap_or_default()
}

fn inside(members: &Object, name: &str, tag: &str) -> Option<Vec<String>> {
    let flat = format!("{name}.{tag}");
    let found = members.get(&flat).map(listed).or_else(|| {
        let raw = members.get(name)?;
        let text = json::string(raw).unwrap_or(Cow::Borrowed(raw));
        let object = Object::parse(&text).ok()?;
        object.get(tag).map(listed)
    })?;
    (!found.is_empty()).then_some(found)
}

/// A value, or those of a list.
fn listed(raw: &str) -> Vec<String> {
    match json::elements(raw) {
        Some(elements) => elements.into_iter().filter_map(value).take(MOST_VALUES).collect(),
        None => value(raw).into_iter().collect(),
    }
}

/// None: there is none, or it is an object or a list.
fn value(raw: &str) -> Option<String> {
    let text = match json::type_name(raw) {
        "string" => json::string(raw)?,
        "number" | "boolean" => Cow::Borrowed(raw),
        _ => return None,
    };
    let end = (0..=LONGEST_VALUE.min(text.len())).rev().find(|end| text.is_char_boundary(*end))?;
    text.get(..end).filter(|text| !text.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(tags: &[&str], attributes: &str) -> Vec<String> {
        find(&tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>(), attributes)
    }

    #[test]
    fn tags_are_found_wherever_clients_put_them() {
        for attributes in [
            r#"{"customer": "acme"}"#,
            r#"{"metadata": {"customer": "acme"}}"#,
            r#"{"metadata": "{\"customer\": \"acme\"}"}"#,
            r#"{"tags": {"customer": "acme"}}"#,
            r#"{"langfuse.trace.metadata.customer": "acme"}"#,
            r#"{"ai.telemetry.metadata.customer": "acme", "tags": ["a"]}"#,
            r#"{"traceloop.association.properties.customer": "acme"}"#,
            r#"{"otel.resource": {"customer": "acme"}}"#,
            r#"{"customer": null, "metadata": {"customer": ["acme", "acme"]}}"#,
        ] {
            assert_eq!(found(&["customer", "none"], attributes), ["customer=acme"], "{attributes}");
        }
        assert_eq!(found(&["a"], r#"{"a": "own", "metadata": {"a": "other"}}"#), ["a=own"]);
    }

    #[test]
    fn each_string_of_a_list_is_a_value() {
        let attributes =
            r#"{"tags": ["beta", "eu", {"no": 1}, null, 7, true], "metadata": {"tags": ["not this"]}}"#;
        assert_eq!(found(&["tags"], attributes), ["tags=beta", "tags=eu", "tags=7", "tags=true"]);
        let many = format!("{{\"tags\": {:?}}}", (0..50).map(|n| n.to_string()).collect::<Vec<_>>());
        assert_eq!(found(&["tags"], &many).len(), MOST_VALUES);
    }

    #[test]
    fn values_are_bounded_and_cut_between_characters() {
        let attributes = format!("{{\"a\": \"{}\", \"b\": \"\", \"c\": {{}}}}", "ü".repeat(150));
        assert_eq!(found(&["a", "b", "c"], &attributes), [format!("a={}", "ü".repeat(100))]);
        assert_eq!(found(&["a"], "no json"), Vec::<String>::new());
        assert_eq!(split("a=b=c"), Some(("a", "b=c")));
    }

    #[test]
    fn names_have_no_separator() {
        assert!(is_name("customer") && is_name("app.k8s/name:v-1_2"));
        let long = "a".repeat(LONGEST_NAME + 1);
        for name in ["", "a=b", "ä", "a b", long.as_str()] {
            assert!(!is_name(name), "{name}");
        }
    }
}
