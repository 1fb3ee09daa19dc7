//! Dead letters: the text of a line that is not stored, clean enough to be kept, and whole enough to be tried again.

use std::borrow::Cow;

use memchr::memmem;
use serde::de::IgnoredAny;

use crate::event::{EventType, Field};
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
    let mut found = Found::default();
    find_in(text, text, None, 0, &mut found);
    let identifiers = found.identifiers;
    let stand_ins: Vec<String> =
        identifiers.iter().map(|identifier| identifier.stand_in(scrubber, key, again)).collect();
    with_stand_ins(text, &identifiers, &stand_ins, scrubber).unwrap_or(scrubbed)
}

/// The identifiers of a letter, wherever it has them, each with what it is of: the text that an event would have. None: the text is
/// no JSON.
pub fn identifiers(text: &str) -> Option<Vec<(Field, Cow<'_, str>)>> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut found = Found::default();
    find_in(text, text.trim(), None, 0, &mut found);
    let mut identifiers: Vec<_> = found.identifiers.iter().map(|found| (found.field, found.text())).collect();
    for metadata in found.metadata.into_iter().filter_map(json::string) {
        let Ok(members) = Object::parse(&metadata) else { continue };
        let named = otel::IN_METADATA.iter().filter(|(_, field)| field.is_identifier());
        identifiers.extend(named.filter_map(|(key, field)| {
            let raw = members.get(key)?;
            Some((*field, Cow::Owned(json::string(raw).map_or_else(|| raw.to_owned(), Cow::into_owned))))
        }));
    }
    Some(identifiers)
}

/// What identifiers a line has.
#[derive(Default)]
struct Found<'l> {
    /// In the order in which they stand in the line.
    identifiers: Vec<Identifier<'l>>,
    /// An application's metadata: strings that hold JSON, which may name somebody.
    metadata: Vec<&'l str>,
}

/// An identifier in a line: a string or a number.
struct Identifier<'l> {
    field: Field,
    /// Its bytes in the line.
    start: usize,
    raw: &'l str,
}

impl<'l> Identifier<'l> {
    /// `raw` is a part of the line.
    fn of(line: &'l str, field: Field, raw: &'l str) -> Option<Identifier<'l>> {
        let start = (raw.as_ptr() as usize).checked_sub(line.as_ptr() as usize)?;
        matches!(json::type_name(raw), "string" | "number").then_some(Identifier { field, start, raw })
    }

    fn text(&self) -> Cow<'l, str> {
        json::string(self.raw).unwrap_or(Cow::Borrowed(self.raw))
    }

    /// What an event would have, as JSON: a pseudonym, or itself where it is neither secret nor personal.
    fn stand_in(&self, scrubber: &Scrubber, key: &[u8], again: bool) -> String {
        let text = self.text();
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

/// Finds the identifiers of an object, or of the objects of an array. `inside`: the member that the value is of.
fn find_in<'l>(line: &'l str, raw: &'l str, inside: Option<&str>, level: usize, found: &mut Found<'l>) {
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
    found: &mut Found<'l>,
) {
    let Ok(object) = Object::parse(raw) else { return };
    let attribute = object.get("key").filter(|_| inside == Some("attributes")).and_then(json::string);
    if let Some((meaning, value)) = attribute.and_then(|key| meaning(&key)).zip(object.get("value")) {
        let values = Object::parse(value).map(|value| value.0).unwrap_or_default().into_iter();
        match meaning {
            Meaning::Identifier(field) => {
                found.identifiers.extend(values.filter_map(|(_, raw)| Identifier::of(line, field, raw)));
            }
            Meaning::Metadata => found.metadata.extend(values.map(|(_, raw)| raw)),
        }
        return;
    }
    for (key, raw) in object.0 {
        if let Some(field) = identifier(&key) {
            found.identifiers.extend(Identifier::of(line, field, raw));
        } else if CONTAINERS.contains(&key.as_ref())
            || (inside == Some("attributes") && EventType::from_name(&key).is_some())
        {
            find_in(line, raw, Some(&key), level + 1, found);
        }
    }
}

/// These keys mean the same in every type of event.
fn identifier(key: &str) -> Option<Field> {
    match aliases::alias(key, EventType::LlmCall)?.target {
        aliases::Target::Text(field) => Some(field).filter(|field| field.is_identifier()),
        _ => None,
    }
}

/// What a span's attribute may have of a person.
enum Meaning {
    Identifier(Field),
    Metadata,
}

fn meaning(key: &str) -> Option<Meaning> {
    use otel::aliases::{Target, alias, known};
    known(key)?.aliases.iter().find_map(|row| match alias(*row)?.target {
        Target::Text(field) if field.is_identifier() => Some(Meaning::Identifier(field)),
        Target::Metadata => Some(Meaning::Metadata),
        _ => None,
    })
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
            analysis: None,
            metric_tags: Vec::new(),
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
    fn identifiers_are_found_whatever_their_spelling() {
        let of = |text: &str| -> Vec<(Field, String)> {
            let found = identifiers(text).expect("JSON");
            found.into_iter().map(|(field, id)| (field, id.into_owned())).collect()
        };
        let user = |id: &str| (Field::UserId, id.to_owned());
        assert_eq!(of(r#" {"user_id":4711001}"#), [user("4711001")]);
        assert_eq!(of(r#"{"attributes":{"userId":"jos\u00e9-9"}}"#), [user("josé-9")]);
        assert_eq!(
            of(r#"{"requests":[{"session_id":"s","user_id":"u\/slash"}]}"#),
            [(Field::SessionId, "s".into()), user("u/slash")]
        );
        let span = |key: &str, value: &str| {
            let attribute = json!({"key": key, "value": {"stringValue": value}});
            json!({"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": [attribute]}]}]}]}).to_string()
        };
        assert_eq!(of(&span("enduser.id", "u-1")), [user("u-1")]);
        assert_eq!(of(&span("metadata", r#"{"user_id":"u-1"}"#)), [user("u-1")]);
        assert_eq!(of(&span("note", r#"{"user_id":"u-1"}"#)), []);
        assert!(identifiers(r#"{"user_id":"u-1""#).is_none());
    }

    #[test]
    fn nesting_takes_no_stack() {
        let deep = r#"{"attributes":"#.repeat(100_000) + "\"a@b.com\"" + &"}".repeat(100_000);
        assert!(clean(&deep, Some(&home()), false).contains("[REDACTED:email]"));
    }
}
