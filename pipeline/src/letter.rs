//! Dead letters: the text of a line that is not stored, clean enough to be kept, and whole enough to be tried again.

use std::borrow::Cow;

use memchr::memmem;
use serde::de::IgnoredAny;

use crate::event::EventType;
use crate::home::{Home, Place};
use crate::identity;
use crate::scrub::{Class, Scrubber};
use crate::translate::json::{self, Object};
use crate::translate::{aliases, otel};

/// The letter that a line is of, for what the line does not say.
#[derive(Clone, Debug)]
pub struct Letter {
    /// Whose it is, by id.
    pub tenant: String,
    pub project: String,
    /// The line may not say otherwise: who sent it could write nowhere else.
    pub bound: bool,
    /// When it came, in microseconds since 1970 UTC.
    pub arrived: i64,
}

impl Letter {
    /// Where a line of the letter belongs that names this place. A tenant that is not the letter's is for [`crate::home::Homes`]
    /// to refuse, who knows for whom the caller acts.
    pub fn place<'n>(&'n self, named: Place<'n>) -> Place<'n> {
        let project = named.project.filter(|_| !self.bound).or(Some(&self.project));
        Place { tenant: named.tenant.or(Some(&self.tenant)), project, ..named }
    }
}

/// Members of a line that identifiers may stand in: of an ObservAI batch, of an event, of an OTLP request.
const CONTAINERS: &[&str] = &[
    "requests",
    "attributes",
    "resourceSpans",
    "resource_spans",
    "resourceLogs",
    "resource_logs",
    "resource",
    "scopeSpans",
    "scope_spans",
    "scopeLogs",
    "scope_logs",
    "instrumentationLibrarySpans",
    "scope",
    "instrumentationLibrary",
    "spans",
    "logRecords",
    "log_records",
];

/// Levels of containers: a span's attributes are the fifth. Without a bound, nesting would take the stack and quadratic time.
const MOST_LEVELS: usize = 6;

/// Cleans the text of a line that is not stored, by all built-in kinds, as its tenant may not be known, and by the patterns of
/// the home that it goes to. Identifiers become what they would be in an event, never a placeholder: a replay would merge
/// people, and lose events. `again`: the text is of a letter, whose pseudonyms stay as they are.
pub fn clean(text: &str, home: Option<&Home>, again: bool) -> String {
    let scrubber =
        home.map_or_else(|| Scrubber::builtin().of_all_kinds(), |home| home.scrubber.of_all_kinds());
    let key = home.map(|home| home.pseudonym_key.as_slice());
    if serde_json::from_str::<IgnoredAny>(text).is_ok() {
        return clean_json(text, &scrubber, key, again);
    }
    // Without a parser that says where strings are, an escaped letter could hide a key: escapes are undone first.
    scrubber.scrub_with(&undo_ascii_escapes(text), |kind, class, value| {
        key.filter(|_| class == Class::Personal).map(|key| identity::pseudonym(kind, value, key))
    })
}

fn clean_json(text: &str, scrubber: &Scrubber, key: Option<&[u8]>, again: bool) -> String {
    let scrubbed = scrubber.scrub_json(text).text;
    let (Cow::Owned(scrubbed), Some(key)) = (scrubbed, key) else { return text.to_owned() };
    let mut identifiers = Vec::new();
    find_in(text, text, None, 0, &mut identifiers);
    let stand_ins: Vec<String> =
        identifiers.iter().map(|identifier| identifier.stand_in(scrubber, key, again)).collect();
    with_stand_ins(text, &identifiers, &stand_ins, scrubber).unwrap_or(scrubbed)
}

/// An identifier in a line: a string or a number.
struct Identifier<'l> {
    /// Its bytes in the line.
    start: usize,
    raw: &'l str,
}

impl<'l> Identifier<'l> {
    /// `raw` is a part of the line.
    fn of(line: &'l str, raw: &'l str) -> Option<Identifier<'l>> {
        let start = (raw.as_ptr() as usize).checked_sub(line.as_ptr() as usize)?;
        matches!(json::type_name(raw), "string" | "number").then_some(Identifier { start, raw })
    }

    /// What an event would have, as JSON: a pseudonym, or itself where it is neither secret nor personal.
    fn stand_in(&self, scrubber: &Scrubber, key: &[u8], again: bool) -> String {
        let text = json::string(self.raw).unwrap_or(Cow::Borrowed(self.raw));
        let stays = again && identity::is_pseudonym(&text);
        match scrubber.kind_of_identifier(&text).filter(|_| !stays) {
            Some(kind) => format!("\"{}\"", identity::pseudonym(kind, &text, key)),
            None => self.raw.to_owned(),
        }
    }
}

/// The text scrubbed, but for the identifiers. Meanwhile each is a placeholder of its own, which scrubbing leaves alone. None
/// if one of them did not come through.
fn with_stand_ins(
    text: &str,
    identifiers: &[Identifier],
    stand_ins: &[String],
    scrubber: &Scrubber,
) -> Option<String> {
    let mark = (0..).map(|n| format!("[REDACTED:identifier{n}_")).find(|mark| !text.contains(mark))?;
    let mut marked = String::with_capacity(text.len() + identifiers.len() * 16);
    let mut from = 0;
    for (number, identifier) in identifiers.iter().enumerate() {
        marked.push_str(text.get(from..identifier.start)?);
        marked.push_str(&format!("\"{mark}{number}]\""));
        from = identifier.start + identifier.raw.len();
    }
    marked.push_str(text.get(from..)?);
    let scrubbed = scrubber.scrub_json(&marked).text;
    let mut whole = String::with_capacity(scrubbed.len());
    let mut rest = scrubbed.as_ref();
    let finder = memmem::Finder::new(&mark);
    for (number, stand_in) in stand_ins.iter().enumerate() {
        let at = finder.find(rest.as_bytes())?;
        whole.push_str(rest.get(..at)?.strip_suffix('"')?);
        whole.push_str(stand_in);
        rest = rest.get(at + mark.len()..)?.strip_prefix(&format!("{number}]\""))?;
    }
    whole.push_str(rest);
    Some(whole)
}

/// Finds the identifiers of an object, or of the objects of an array, in the order in which they stand in the line. `inside`:
/// the member that the value is of.
fn find_in<'l>(
    line: &'l str,
    raw: &'l str,
    inside: Option<&str>,
    level: usize,
    found: &mut Vec<Identifier<'l>>,
) {
    if level > MOST_LEVELS {
        return;
    }
    match json::type_name(raw) {
        "object" => find_in_object(line, raw, inside, level, found),
        "array" if inside.is_some() => {
            for element in json::elements(raw).unwrap_or_default() {
                if json::type_name(element) == "object" {
                    find_in_object(line, element, inside, level, found);
                }
            }
        }
        _ => {}
    }
}

fn find_in_object<'l>(
    line: &'l str,
    raw: &'l str,
    inside: Option<&str>,
    level: usize,
    found: &mut Vec<Identifier<'l>>,
) {
    let Ok(object) = Object::parse(raw) else { return };
    let attribute = object.get("key").filter(|_| inside == Some("attributes")).and_then(json::string);
    if let Some(value) = attribute.filter(|key| is_span_identifier(key)).and_then(|_| object.get("value")) {
        let values = Object::parse(value).map(|value| value.0).unwrap_or_default();
        found.extend(values.into_iter().filter_map(|(_, raw)| Identifier::of(line, raw)));
        return;
    }
    for (key, raw) in object.0 {
        if is_identifier(&key) {
            found.extend(Identifier::of(line, raw));
        } else if CONTAINERS.contains(&key.as_ref())
            || (inside == Some("attributes") && EventType::from_name(&key).is_some())
        {
            find_in(line, raw, Some(&key), level + 1, found);
        }
    }
}

/// These keys mean the same in every type of event.
fn is_identifier(key: &str) -> bool {
    aliases::alias(key, EventType::LlmCall)
        .is_some_and(|alias| matches!(alias.target, aliases::Target::Text(field) if field.is_identifier()))
}

fn is_span_identifier(key: &str) -> bool {
    use otel::aliases::{Alias, Target, alias, known};
    known(key).into_iter().flat_map(|known| &known.aliases).any(
        |place| matches!(alias(*place), Some(Alias { target: Target::Text(field), .. }) if field.is_identifier()),
    )
}

/// `\u0041` to `A`, but for the characters that JSON itself needs escaped.
fn undo_ascii_escapes(text: &str) -> Cow<'_, str> {
    if !text.contains("\\u00") {
        return Cow::Borrowed(text);
    }
    let mut undone = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\\u00") {
        let (before, escape) = rest.split_at(at);
        undone.push_str(before);
        let letter = escape.get(4..6).and_then(|hex| u8::from_str_radix(hex, 16).ok()).map(char::from);
        match letter.filter(|letter| letter.is_ascii_graphic() && !matches!(letter, '"' | '\\')) {
            Some(letter) => {
                undone.push(letter);
                rest = escape.get(6..).unwrap_or_default();
            }
            None => {
                undone.push_str("\\u00");
                rest = escape.get(4..).unwrap_or_default();
            }
        }
    }
    undone.push_str(rest);
    Cow::Owned(undone)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::home::Shared;
    use crate::price::Book;
    use crate::scrub::{Options, Pattern};
    use crate::signal::RuleSet;
    use serde_json::{Value, json};

    fn home() -> Home {
        let patterns = vec![Pattern { name: "badge".into(), regex: "BADGE-[0-9]+".into() }];
        Home {
            tenant_id: uuid::Uuid::from_u128(1),
            tenant_name: "default".into(),
            project_id: uuid::Uuid::from_u128(2),
            environment: "prod".into(),
            pseudonym_key: b"key".to_vec(),
            scrubber: Shared::Own(Arc::new(Scrubber::new(&Options { emails: false, patterns }).unwrap())),
            book: Shared::BuiltIn(Book::builtin()),
            rules: Arc::new(RuleSet::default()),
            quality_scores: true,
        }
    }

    /// printf %s 'a@b.com' | openssl dgst -sha256 -hmac key
    const A: &str = "email:8373b0b94ff14438";

    fn cleaned(line: &Value) -> Value {
        let text = clean(&line.to_string(), Some(&home()), false);
        assert_eq!(clean(&text, Some(&home()), true), text, "cleaned once more it stays");
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn identifiers_become_pseudonyms_wherever_a_line_has_them() {
        let event = json!({"user_id": "a@b.com", "latency_ms": "slow", "input": "mail a@b.com, BADGE-77"});
        let clean_event =
            json!({"user_id": A, "latency_ms": "slow", "input": "mail [REDACTED:email], [REDACTED:badge]"});
        assert_eq!(cleaned(&event), clean_event);
        assert_eq!(cleaned(&json!({"requests": [event]})), json!({"requests": [clean_event]}));
        let nested = |id: &str| json!({"attributes": {"tool_call": {"sessionId": id}, "userId": id}});
        assert_eq!(cleaned(&nested("a@b.com")), nested(A));
        let span = |id: &str| {
            json!({"resourceSpans": [{"scopeSpans": [{"spans": [
                {"spanId": "00", "attributes": [{"key": "enduser.id", "value": {"stringValue": id}}]}]}]}]})
        };
        assert_eq!(cleaned(&span("a@b.com")), span(A));
    }

    #[test]
    fn an_identifier_that_is_nobodys_secret_stays() {
        let line =
            json!({"user_id": 4111111111111111u64, "session_id": "4111111111111111", "note": "a@b.com"});
        let expected = json!({"user_id": 4111111111111111u64, "session_id": "4111111111111111", "note": "[REDACTED:email]"});
        assert_eq!(cleaned(&line), expected);
    }

    #[test]
    fn what_no_parser_reads_keeps_people_apart() {
        let text = clean(r#"{"user_id":"a\u0040b.com", "to": "c@d.org", BADGE-1"#, Some(&home()), false);
        assert!(text.starts_with(&format!(r#"{{"user_id":"{A}", "to": "email:"#)), "{text}");
        assert!(text.ends_with(r#"", [REDACTED:badge]"#), "{text}");
    }

    #[test]
    fn a_line_that_has_our_marks_is_cleaned_as_well() {
        let line = json!({"user_id": "a@b.com", "note": "[REDACTED:identifier0_0]", "trace_id": "x"});
        assert_eq!(cleaned(&line)["user_id"], A);
        assert_eq!(cleaned(&line)["note"], "[REDACTED:identifier0_0]");
    }

    #[test]
    fn nesting_takes_no_stack() {
        let deep = r#"{"attributes":"#.repeat(100_000) + "\"a@b.com\"" + &"}".repeat(100_000);
        assert!(clean(&deep, Some(&home()), false).contains("[REDACTED:email]"));
    }
}
