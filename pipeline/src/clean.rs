//! Takes secrets and personal data out of every text of an event. Nothing of a client passes this by.

use std::borrow::Cow;

use crate::event::{Content, Event, Field, Role};
use crate::identity;
use crate::scrub::{Found, Scrubbed, Scrubber};

/// Cleans the event in place.
pub fn clean(event: &mut Event, scrubber: &Scrubber, pseudonym_key: &[u8]) -> Found {
    clean_with(event, scrubber, |kind, id| Some(identity::pseudonym(kind, id, pseudonym_key)))
}

/// Cleans the event of a dead letter, which is clean already: a pseudonym of ours stays as it is, or one person would be two.
pub fn clean_letter(event: &mut Event, scrubber: &Scrubber, pseudonym_key: &[u8]) -> Found {
    clean_with(event, scrubber, |kind, id| {
        (!identity::is_pseudonym(id)).then(|| identity::pseudonym(kind, id, pseudonym_key))
    })
}

/// `pseudonym` takes the kind of an identifier, and the identifier.
fn clean_with(
    event: &mut Event,
    scrubber: &Scrubber,
    pseudonym: impl Fn(&str, &str) -> Option<String>,
) -> Found {
    let mut found = Found::default();
    if !short_texts_are_clean(event, scrubber) {
        clean_short_texts(event, scrubber, pseudonym, &mut found);
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

/// All identifiers and names in one look: one by one they would cost as much as the prompt.
fn short_texts_are_clean(event: &Event, scrubber: &Scrubber) -> bool {
    let mut texts = String::with_capacity(512);
    for (field, _, _) in Field::ALL {
        if let Some(text) = event.text(field) {
            texts.push_str(text);
            texts.push('\n');
        }
    }
    scrubber.is_clean(&texts)
}

fn clean_short_texts(
    event: &mut Event,
    scrubber: &Scrubber,
    pseudonym: impl Fn(&str, &str) -> Option<String>,
    found: &mut Found,
) {
    for (field, _, role) in Field::ALL {
        let Some(text) = event.text(field) else { continue };
        let cleaned = match role {
            Role::Identifier => {
                let pseudonym = scrubber.kind_of_identifier(text).and_then(|kind| pseudonym(kind, text));
                if pseudonym.is_some() {
                    found.merge(scrubber.scrub(text).found);
                }
                pseudonym
            }
            Role::Name => match take(found, scrubber.scrub(text)) {
                Cow::Borrowed(_) => None,
                Cow::Owned(cleaned) => Some(cleaned),
            },
        };
        if let Some(cleaned) = cleaned {
            event.set_text(field, Some(Cow::Owned(cleaned)));
        }
    }
}

fn take<'t>(found: &mut Found, scrubbed: Scrubbed<'t>) -> Cow<'t, str> {
    found.merge(scrubbed.found);
    scrubbed.text
}
