//! A person whom stored lines may name: by which ids, and where.

use std::sync::LazyLock;

use crate::event::Field;
use crate::identity;
use crate::letter;
use crate::translate::{aliases, otel};

/// A person, by all the ids that a tenant may have stored for one: the id as the application writes it, and its pseudonyms of
/// whatever kind. What was personal data when an event came, a pattern that is gone or a setting that was switched said.
#[derive(Clone, Debug)]
pub struct Person {
    id: String,
    hash: String,
}

impl Person {
    pub fn new(id: &str, pseudonym_key: &[u8]) -> Person {
        Person { id: id.to_owned(), hash: format!(":{}", identity::keyed_hash(id, pseudonym_key)) }
    }

    /// As the application writes it.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What every pseudonym of theirs ends with: a colon and 16 hex digits.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    pub fn is(&self, stored: &str) -> bool {
        stored == self.id || (stored.ends_with(&self.hash) && identity::is_pseudonym(stored))
    }

    /// Whether a dead letter names them, or, if it names no other user, has an identifier that is `theirs`.
    pub fn is_named_in(&self, letter: &str, theirs: impl Fn(Field, &str) -> bool) -> bool {
        let Some(identifiers) = letter::identifiers(letter) else { return self.is_written_in(letter) };
        let mut users =
            identifiers.iter().filter(|(field, id)| *field == Field::UserId && !id.is_empty()).peekable();
        if users.peek().is_some() {
            return users.any(|(_, id)| self.is(id));
        }
        identifiers.iter().any(|(field, id)| theirs(*field, id))
    }

    /// In a text that no parser reads: their pseudonym, or their id as a value in quotes or behind a user's key.
    fn is_written_in(&self, text: &str) -> bool {
        if text.contains(&self.hash) {
            return true;
        }
        let quoted = serde_json::to_string(&self.id).unwrap_or_default();
        let escaped = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
        [self.id.as_str(), escaped].into_iter().any(|spelling| {
            text.match_indices(spelling).any(|(at, _)| {
                let (before, rest) = text.split_at(at);
                let after = rest.get(spelling.len()..).unwrap_or_default();
                let is_quoted =
                    ['"', '\''].iter().any(|mark| before.ends_with(*mark) && after.starts_with(*mark));
                let ends = !after.starts_with(|next: char| next.is_alphanumeric() || next == '.');
                is_quoted || (ends && follows_users_key(before))
            })
        })
    }
}

/// `"user_id": ` or `userId=`.
fn follows_users_key(before: &str) -> bool {
    let before = before.trim_end_matches(['"', '\'', '\\']).trim_end();
    let Some(before) = before.strip_suffix([':', '=']) else { return false };
    let key = before.trim_end().trim_end_matches(['"', '\'', '\\']);
    user_paths().iter().any(|path| path.last().is_some_and(|name| key.ends_with(name)))
}

/// Where attributes may name a user: the keys of every dialect, with their dots and taken apart at them, and those inside an
/// application's metadata.
pub fn user_paths() -> &'static [Vec<&'static str>] {
    static PATHS: LazyLock<Vec<Vec<&str>>> = LazyLock::new(|| {
        let keys = aliases::keys_of(aliases::Target::Text(Field::UserId))
            .chain(otel::aliases::keys_of(otel::aliases::Target::Text(Field::UserId)))
            .map(|key| (key, None));
        let users = otel::IN_METADATA.iter().filter(|(_, field)| *field == Field::UserId);
        let inside = otel::aliases::keys_of(otel::aliases::Target::Metadata)
            .flat_map(|metadata| users.clone().map(move |(key, _)| (metadata, Some(*key))));
        let mut paths: Vec<Vec<&str>> = keys
            .chain(inside)
            .flat_map(|(key, member)| {
                [vec![key], key.split('.').collect()].map(|path| path.into_iter().chain(member).collect())
            })
            .collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    });
    &PATHS
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"key";

    #[test]
    fn a_person_is_known_by_every_pseudonym_of_theirs() {
        let person = Person::new("a@b.com", KEY);
        // printf %s 'a@b.com' | openssl dgst -sha256 -hmac key
        for stored in ["a@b.com", "email:8373b0b94ff14438", "badge:8373b0b94ff14438"] {
            assert!(person.is(stored), "{stored}");
        }
        for other in [
            "a@b.co",
            "8373b0b94ff14438",
            ":8373b0b94ff14438",
            "email:8373b0b94ff14439",
            "A b:8373b0b94ff14438",
        ] {
            assert!(!person.is(other), "{other}");
        }
    }

    #[test]
    fn a_letter_names_a_person_in_any_spelling_and_nobody_else() {
        let names = |id: &str, letter: &str| Person::new(id, KEY).is_named_in(letter, |_, id| id == "mine");
        assert!(names("4711001", r#"{"user_id":4711001}"#));
        assert!(names("josé-9", r#"{"user_id":"jos\u00e9-9"}"#));
        assert!(names("a@b.com", r#"{"user_id":"email:8373b0b94ff14438"}"#));
        assert!(
            names("u-1", r#"{"session_id":"mine"}"#) && names("u-1", r#"{"user_id":"","session_id":"mine"}"#)
        );
        // Somebody else's, which says a word that is this person's id.
        assert!(!names("prod", r#"{"user_id":"u-2","environment":"prod"}"#));
        assert!(!names("u-1", r#"{"user_id":"u-2","session_id":"mine"}"#));
        // No JSON.
        assert!(names("u-1", r#"{"user_id":"u-1","#));
        assert!(names("u-1", r#"{'user_id': 'u-1'}"#) && names("u-1", r#"{"user_id":"u-1"#));
        assert!(names("4711001", r#"{"user_id": 4711001, "#));
        assert!(names("a@b.com", r#"{"user_id":"email:8373b0b94ff14438","#));
        assert!(!names("4711001", r#"{"user_id": 47110012, "latency": 4711001"#));
    }

    #[test]
    fn users_are_looked_for_under_the_keys_of_every_dialect() {
        let paths = user_paths();
        for path in [
            vec!["user_id"],
            vec!["userId"],
            vec!["user.id"],
            vec!["user", "id"],
            vec!["enduser", "id"],
            vec!["metadata", "user_id"],
        ] {
            assert!(paths.contains(&path), "{path:?}");
        }
        // Paths are written as arrays of SQL without escapes.
        assert!(paths.iter().flatten().all(|part| !part.contains(['"', '\\'])));
    }
}
