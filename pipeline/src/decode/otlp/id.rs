//! Trace and span ids: 16 and 8 bytes, in lower-case hex.

use std::borrow::Cow;

use super::value::Text;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Id<'b> {
    Hex(Cow<'b, str>),
    /// Absent or empty, or all zeros, which the protocol calls invalid.
    #[default]
    None,
    Zero,
    /// Another length, or other letters.
    Malformed,
}

impl<'b> Id<'b> {
    pub fn hex(&self) -> Option<&str> {
        match self {
            Id::Hex(hex) => Some(hex),
            _ => None,
        }
    }

    /// From JSON: hex, as the protocol has it, or base64, as protobuf's own mapping to JSON does.
    pub fn from_json(raw: &'b str, bytes: usize) -> Id<'b> {
        let Some(text) = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
            return if raw == "null" { Id::None } else { Id::Malformed };
        };
        if text.is_empty() {
            return Id::None;
        }
        if text.len() == 2 * bytes && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let hex = if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
                Cow::Owned(text.to_ascii_lowercase())
            } else {
                Cow::Borrowed(text)
            };
            return if hex.bytes().all(|byte| byte == b'0') { Id::Zero } else { Id::Hex(hex) };
        }
        // A JSON text may write `/` as `\/`.
        let text = Text::Quoted(raw).read().into_owned();
        match base64(&text) {
            Some(found) if text.len() == bytes.div_ceil(3) * 4 => Id::from_bytes(&found, bytes),
            _ => Id::Malformed,
        }
    }

    pub fn from_bytes(found: &[u8], bytes: usize) -> Id<'b> {
        if found.is_empty() {
            return Id::None;
        }
        if found.len() != bytes {
            return Id::Malformed;
        }
        if found.iter().all(|byte| *byte == 0) {
            return Id::Zero;
        }
        Id::Hex(Cow::Owned(to_hex(found)))
    }
}

fn to_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(if value < 10 { b'0' + value } else { b'a' + value - 10 });
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Standard or URL-safe letters, padded.
fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut held, mut bits) = (0u32, 0);
    for letter in text.trim_end_matches('=').bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        held = (held << 6 | u32::from(value)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((held >> bits) as u8);
        }
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_and_base64_are_the_same_id() {
        let hex = Id::Hex(Cow::Borrowed("5b8efff798038103d269b633813fc60c"));
        assert_eq!(Id::from_json("\"5B8EFFF798038103D269B633813FC60C\"", 16), hex);
        // printf '\x5b\x8e\xff\xf7\x98\x03\x81\x03\xd2\x69\xb6\x33\x81\x3f\xc6\x0c' | base64
        assert_eq!(Id::from_json("\"W47/95gDgQPSabYzgT/GDA==\"", 16), hex);
        assert_eq!(Id::from_json("\"W47\\/95gDgQPSabYzgT\\/GDA==\"", 16), hex);
        assert_eq!(Id::from_json("\"7uGbfsPBsXM=\"", 8), Id::Hex(Cow::Borrowed("eee19b7ec3c1b173")));
    }

    #[test]
    fn what_is_no_id_is_told_apart() {
        assert_eq!(Id::from_json("\"\"", 8), Id::None);
        assert_eq!(Id::from_json("null", 8), Id::None);
        assert_eq!(Id::from_json("\"0000000000000000\"", 8), Id::Zero);
        for raw in ["\"abc\"", "\"zzzzzzzzzzzzzzzz\"", "12", "\"eee19b7ec3c1b17\"", "\"é\""] {
            assert_eq!(Id::from_json(raw, 8), Id::Malformed, "{raw}");
        }
    }
}
