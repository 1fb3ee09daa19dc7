//! Takes secrets and personal data out of every text of an event. Nothing of a client passes this by.

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::FxHashSet;

use crate::event::{Content, Event, Field, Role};
use crate::home::Home;
use crate::identity;
use crate::scrub::{Found, Scrubbed, Scrubber};

/// Short texts that were clean in one home: those of a batch's events say much the same, trace after trace.
#[derive(Default)]
pub struct Known {
    home: Option<Arc<Home>>,
    texts: FxHashSet<String>,
}

impl Known {
    /// Texts that are kept, and bytes of one.
    const MOST: usize = 4_096;
    const LONGEST: usize = 256;

    /// What is clean in one home may be a secret in another.
    fn in_home(&mut self, home: &Arc<Home>) -> &mut Known {
        if !self.home.as_ref().is_some_and(|known| Arc::ptr_eq(known, home)) {
            *self = Known { home: Some(Arc::clone(home)), texts: FxHashSet::default() };
        }
        self
    }

    fn add(&mut self, texts: &[&str]) {
        let room = Known::MOST.saturating_sub(self.texts.len());
        let short = texts.iter().filter(|text| text.len() <= Known::LONGEST);
        self.texts.extend(short.take(room).map(|text| (*text).to_owned()));
    }
}

/// Cleans the event in place.
pub fn clean(event: &mut Event, home: &Arc<Home>, known: &mut Known) -> Found {
    clean_with(event, home, known, |kind, id| Some(identity::pseudonym(kind, id, &home.pseudonym_key)))
}

/// Cleans the event of a dead letter, which is clean already: a pseudonym of ours stays as it is, or one person would be two.
pub fn clean_letter(event: &mut Event, home: &Arc<Home>, known: &mut Known) -> Found {
    clean_with(event, home, known, |kind, id| {
        (!identity::is_pseudonym(id)).then(|| identity::pseudonym(kind, id, &home.pseudonym_key))
    })
}

/// `pseudonym` takes the kind of an identifier, and the identifier.
fn clean_with(
    event: &mut Event,
    home: &Arc<Home>,
    known: &mut Known,
    pseudonym: impl Fn(&str, &str) -> Option<String>,
) -> Found {
    let scrubber: &Scrubber = &home.scrubber;
    let mut found = Found::default();
    if !short_texts_are_clean(event, scrubber, known.in_home(home)) {
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

/// Texts of these are new with each event.
const NEVER_TWICE: [Field; 3] = [Field::EventId, Field::SpanId, Field::ResponseId];

/// All identifiers and names in one look: one by one they would cost as much as the prompt.
fn short_texts_are_clean(event: &Event, scrubber: &Scrubber, known: &mut Known) -> bool {
    let mut texts = String::with_capacity(512);
    let mut new = Vec::with_capacity(Field::COUNT);
    for (field, _, _) in Field::ALL {
        let Some(text) = event.text(field) else { continue };
        let comes_again = !NEVER_TWICE.contains(&field);
        if comes_again && known.texts.contains(text) {
            continue;
        }
        texts.push_str(text);
        texts.push('\n');
        if comes_again {
            new.push(text);
        }
    }
    let are_clean = scrubber.is_clean(&texts);
    if are_clean {
        known.add(&new);
    }
    are_clean
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventType;
    use crate::home::Shared;
    use crate::price::Book;
    use crate::scrub::{Options, Pattern};
    use crate::signal::RuleSet;

    fn home(scrubber: Shared<Scrubber>) -> Arc<Home> {
        Arc::new(Home {
            tenant_id: uuid::Uuid::nil(),
            tenant_name: "default".to_owned(),
            project_id: uuid::Uuid::nil(),
            environment: "prod".to_owned(),
            pseudonym_key: vec![7; 32],
            scrubber,
            book: Shared::BuiltIn(Book::builtin()),
            rules: Arc::new(RuleSet::default()),
            quality_scores: false,
            analysis: None,
            metric_tags: Vec::new(),
        })
    }

    fn user(event: &Event) -> String {
        event.text(Field::UserId).unwrap_or_default().to_owned()
    }

    #[test]
    fn what_is_known_to_be_clean_is_so_in_its_home_alone() {
        let pattern = Pattern { name: "badge".into(), regex: "badge-[0-9]+".into() };
        let options = Options { patterns: vec![pattern], ..Options::default() };
        let strict = home(Shared::Own(Arc::new(Scrubber::new(&options).unwrap())));
        let usual = home(Shared::BuiltIn(Scrubber::builtin()));
        let mut known = Known::default();
        for (home, stays) in [(&usual, true), (&strict, false), (&usual, true), (&strict, false)] {
            let mut event = Event::new(1, EventType::LlmCall);
            event.set_text(Field::UserId, Some("badge-17".into()));
            clean(&mut event, home, &mut known);
            assert_eq!(user(&event) == "badge-17", stays);
        }
    }

    #[test]
    fn a_secret_beside_what_is_known_is_found_each_time() {
        let home = home(Shared::BuiltIn(Scrubber::builtin()));
        let mut known = Known::default();
        for _ in 0..3 {
            for (id, stays) in [("user-1", true), ("ann@example.org", false)] {
                let mut event = Event::new(1, EventType::LlmCall);
                event.set_text(Field::TraceId, Some("trace-1".into()));
                event.set_text(Field::UserId, Some(id.into()));
                clean(&mut event, &home, &mut known);
                assert_eq!(user(&event) == id, stays);
                assert_eq!(event.text(Field::TraceId), Some("trace-1"));
            }
        }
    }
}
