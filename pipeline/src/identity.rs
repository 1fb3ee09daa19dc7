//! Ids that we make: of an event, so that a retry is recognised, and of a person, so that nobody is named.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::event::{Event, Field};

/// The id of an event whose client gave none: the same bytes, or the same span, type and time, give the same id.
/// `line` is the text that the event came as.
pub fn derive_event_id(event: &Event, line: &str) -> Uuid {
    let mut hash = Sha256::new();
    match (event.text(Field::TraceId), event.text(Field::SpanId), event.ts) {
        (Some(trace_id), Some(span_id), Some(ts)) if !event.timed_by_arrival => {
            for part in [trace_id, span_id, event.event_type.name()] {
                hash.update(part);
                hash.update([0]);
            }
            hash.update(ts.to_be_bytes());
        }
        _ => hash.update(line),
    }
    uuid_of(hash)
}

/// The id of a span's event: a span that is sent again is the same, whatever else it says.
pub fn span_event_id(trace_id: &str, span_id: &str) -> Uuid {
    uuid_of_parts(&["span", trace_id, span_id])
}

/// The same parts give the same id.
pub fn uuid_of_parts(parts: &[&str]) -> Uuid {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
        hash.update([0]);
    }
    uuid_of(hash)
}

fn uuid_of(hash: Sha256) -> Uuid {
    let digest: [u8; 32] = hash.finalize().into();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(digest.split_at(16).0);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// `<kind>:<16 hex digits>` for an identifier that is a secret or names a person: the same value gives the same text
/// within a tenant, and without the tenant's key nobody finds the value.
pub fn pseudonym(kind: &str, value: &str, key: &[u8]) -> String {
    format!("{kind}:{}", keyed_hash(value, key))
}

/// What a pseudonym has of the value: the same whatever kind the value was taken for.
pub fn keyed_hash(value: &str, key: &[u8]) -> String {
    digest(keyed(key), value).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// Makes numbers of people.
pub struct Veil(Option<Hmac<Sha256>>);

impl Veil {
    pub fn new(key: &[u8]) -> Veil {
        Veil(keyed(key).map(|mut mac| {
            mac.update(b"distinct\0");
            mac
        }))
    }

    /// A person as a number that only tells them from others: some of its 2^32 are of two people where there are 100,000s. Nothing of a
    /// pseudonym is in it.
    pub fn of(&self, person: &str) -> u32 {
        let [a, b, c, d, ..] = digest(self.0.clone(), person);
        u32::from_le_bytes([a, b, c, d])
    }
}

/// None never comes: HMAC takes keys of every length; the type can't say so.
fn keyed(key: &[u8]) -> Option<Hmac<Sha256>> {
    Hmac::new_from_slice(key).ok()
}

fn digest(keyed: Option<Hmac<Sha256>>, text: &str) -> [u8; 32] {
    let Some(mut mac) = keyed else { return [0; 32] };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().into()
}

/// Whether a text is of a pseudonym's form. Anybody can write one: it says something only of what we wrote ourselves.
pub fn is_pseudonym(text: &str) -> bool {
    let Some((kind, hex)) = text.split_once(':') else { return false };
    let named = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    !kind.is_empty() && kind.bytes().all(named) && hex.len() == 16 && hex.bytes().all(digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pseudonym_is_the_hmac_of_the_value() {
        // printf %s 'a@b.com' | openssl dgst -sha256 -hmac key
        assert_eq!(pseudonym("email", "a@b.com", b"key"), "email:8373b0b94ff14438");
    }

    #[test]
    fn a_veiled_person_is_the_beginning_of_an_hmac() {
        // printf 'distinct\0ann' | openssl dgst -sha256 -hmac key
        assert_eq!(Veil::new(b"key").of("ann").to_le_bytes(), [0xa9, 0x48, 0xcf, 0x5a]);
        assert_ne!(Veil::new(b"key").of("ann"), Veil::new(b"another key").of("ann"));
    }

    #[test]
    fn a_pseudonym_is_known_by_its_form() {
        assert!(is_pseudonym(&pseudonym("aws_access_key", "value", b"key")));
        for other in
            ["email:", "email:8373b0b94ff1443", "email:8373B0B94FF14438", ":8373b0b94ff14438", "a@b.com"]
        {
            assert!(!is_pseudonym(other), "{other}");
        }
    }
}
