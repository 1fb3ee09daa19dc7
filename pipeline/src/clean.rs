//! Takes secrets and personal data out of every text of an event. Nothing of a client passes this by.

use std::borrow::Cow;

use crate::event::{Content, Event, Field, Role};
use crate::identity;
use crate::scrub::{Found, Scrubbed, Scrubber};

/// Cleans the event in place.
pub fn clean(event: &mut Event, scrubber: &Scrubber, pseudonym_key: &[u8]) -> Found {
    let mut found = Found::default();
    for (field, _, role) in Field::ALL {
        let Some(text) = event.text(field) else { continue };
        let cleaned = match role {
            Role::Identifier => scrubber.kind_of_identifier(text).map(|kind| {
                found.merge(scrubber.scrub(text).found);
                identity::pseudonym(kind, text, pseudonym_key)
            }),
            Role::Name => match take(&mut found, scrubber.scrub(text)) {
                Cow::Borrowed(_) => None,
                Cow::Owned(cleaned) => Some(cleaned),
            },
        };
        if let Some(cleaned) = cleaned {
            event.set_text(field, Some(Cow::Owned(cleaned)));
        }
    }
    for content in [&mut event.input, &mut event.output].into_iter().flatten() {
        let cleaned = match content {
            Content::Text(text) => take(&mut found, scrubber.scrub(text)),
            Content::Json(text) => take(&mut found, scrubber.scrub_json(text)),
        };
        if let Cow::Owned(cleaned) = cleaned {
            match content {
                Content::Text(text) | Content::Json(text) => *text = Cow::Owned(cleaned),
            }
        }
    }
    if let Some(message) = &mut event.error_message
        && let Cow::Owned(cleaned) = take(&mut found, scrubber.scrub(message))
    {
        *message = Cow::Owned(cleaned);
    }
    if let Some(attributes) = &mut event.attributes
        && let Cow::Owned(cleaned) = take(&mut found, scrubber.scrub_json(attributes))
    {
        *attributes = cleaned;
    }
    event.redactions = found.total();
    found
}

fn take<'t>(found: &mut Found, scrubbed: Scrubbed<'t>) -> Cow<'t, str> {
    found.merge(scrubbed.found);
    scrubbed.text
}

/// The text of a line that is not stored, clean enough to be kept. Its tenant may not be known: the built-in kinds, all on.
pub fn clean_rejected(text: &str) -> String {
    let scrubber = Scrubber::builtin();
    if serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        return scrubber.scrub_json(text).text.into_owned();
    }
    // Without a parser that says where strings are, an escaped letter could hide a key: escapes are undone first.
    scrubber.scrub(&undo_ascii_escapes(text)).text.into_owned()
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
