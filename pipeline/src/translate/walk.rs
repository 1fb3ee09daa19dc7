//! Parts of JSON that was read before. Where each value ends is all that is looked for, which costs a fraction of what a parser
//! takes that checks it; of what is no JSON it may say anything, and never fails.

use super::json;

/// The raw values of these members; of equal keys the last counts. None: it is no object.
pub fn members<'r, const N: usize>(raw: &'r str, keys: [&str; N]) -> Option<[Option<&'r str>; N]> {
    let mut found = [None; N];
    let mut walk = Walk::into(raw, '{')?;
    while walk.has_more('}')? {
        let key = walk.value().filter(|key| key.starts_with('"'))?;
        walk.pass(':')?;
        let value = walk.value()?;
        if let Some(slot) =
            keys.iter().position(|wanted| is_key(key, wanted)).and_then(|at| found.get_mut(at))
        {
            *slot = Some(value);
        }
    }
    Some(found)
}

/// The raw values of an array; None for another type.
pub fn elements(raw: &str) -> Option<Vec<&str>> {
    let mut found = Vec::new();
    let mut walk = Walk::into(raw, '[')?;
    while walk.has_more(']')? {
        found.push(walk.value()?);
    }
    Some(found)
}

/// All strings in a value as they are written, down to so many levels; keys are none.
pub fn strings<'r>(raw: &'r str, levels: u8, each: &mut dyn FnMut(&'r str)) {
    let Some(levels) = levels.checked_sub(1) else { return };
    match raw.as_bytes().first() {
        Some(b'"') => each(raw),
        Some(b'[') => elements(raw).into_iter().flatten().for_each(|element| strings(element, levels, each)),
        Some(b'{') => drop(strings_of_members(raw, levels, each)),
        _ => {}
    }
}

fn strings_of_members<'r>(raw: &'r str, levels: u8, each: &mut dyn FnMut(&'r str)) -> Option<()> {
    let mut walk = Walk::into(raw, '{')?;
    while walk.has_more('}')? {
        walk.value()?;
        walk.pass(':')?;
        strings(walk.value()?, levels, each);
    }
    Some(())
}

fn is_key(raw: &str, wanted: &str) -> bool {
    let key = raw.strip_prefix('"').and_then(|key| key.strip_suffix('"')).unwrap_or_default();
    key == wanted || key.contains('\\') && json::string(raw).is_some_and(|key| key == wanted)
}

struct Walk<'r> {
    raw: &'r str,
    at: usize,
    is_first: bool,
}

impl<'r> Walk<'r> {
    /// None: it does not begin so.
    fn into(raw: &'r str, open: char) -> Option<Walk<'r>> {
        raw.starts_with(open).then_some(Walk { raw, at: 1, is_first: true })
    }

    fn next(&mut self) -> Option<u8> {
        let rest = self.raw.as_bytes().get(self.at..)?;
        self.at += rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.raw.as_bytes().get(self.at).copied()
    }

    fn pass(&mut self, mark: char) -> Option<()> {
        (self.next()? == mark as u8).then(|| self.at += 1)
    }

    /// Whether another one follows, whose comma is passed. None: it is broken.
    fn has_more(&mut self, close: char) -> Option<bool> {
        let next = self.next()?;
        let is_first = std::mem::take(&mut self.is_first);
        match next {
            _ if next == close as u8 => Some(false),
            b',' if !is_first => self.pass(',').map(|()| true),
            _ => is_first.then_some(true),
        }
    }

    fn value(&mut self) -> Option<&'r str> {
        let first = self.next()?;
        let (start, bytes) = (self.at, self.raw.as_bytes());
        self.at = match first {
            b'"' => string_end(bytes, start)?,
            b'{' | b'[' => nested_end(bytes, start)?,
            _ => {
                let is_end = |byte: &u8| matches!(byte, b',' | b'}' | b']') || byte.is_ascii_whitespace();
                start + bytes.get(start..)?.iter().position(is_end)?
            }
        };
        self.raw.get(start..self.at)
    }
}

/// Bytes that are looked at one by one: keys are short, and to begin a search costs as much.
const SHORT: usize = 12;

/// Behind the string that begins here.
fn string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    let near = bytes.get(at..)?.iter().take(SHORT);
    at += near.take_while(|byte| !matches!(byte, b'"' | b'\\')).count();
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        match bytes.get(at)? {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// Behind the object or array that begins here.
fn nested_end(bytes: &[u8], start: usize) -> Option<usize> {
    let (mut at, mut depth) = (start, 0usize);
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        at += 1;
        if depth == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::translate::json::Object;
    use proptest::prelude::*;

    #[test]
    fn members_are_found_by_their_keys_and_of_equal_ones_the_last() {
        let raw = r#"{ "a" : 1 , "b":"}\"\\", "c":[{"a":"]"}], "\u0061": null}"#;
        assert_eq!(
            members(raw, ["a", "b", "c", "d"]),
            Some([Some("null"), Some(r#""}\"\\""#), Some(r#"[{"a":"]"}]"#), None])
        );
        assert_eq!(members("{}", ["a"]), Some([None]));
        for other in ["", "[]", "{", r#"{"a"}"#, r#"{"a":1"#, r#"{"a":1 "b":2}"#, r#"{"a":"}"#] {
            assert_eq!(members(other, ["a"]), None, "{other}");
        }
    }

    #[test]
    fn strings_are_those_of_values() {
        let mut found = Vec::new();
        strings(r#"{"key":["a",{"x":"b\n"},1,null],"other":"c"}"#, 4, &mut |raw| found.push(raw));
        assert_eq!(found, [r#""a""#, r#""b\n""#, r#""c""#]);
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<f64>().prop_map(serde_json::Value::from),
            ".{0,8}".prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(serde_json::Value::from),
                proptest::collection::btree_map("[a-c\\\\\"]{0,2}", inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn a_walk_finds_what_a_parser_finds(value in json(), is_pretty: bool) {
            let raw = if is_pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap_or_default();
            prop_assert_eq!(elements(&raw), json::elements(&raw).filter(|_| raw.starts_with('[')));
            let keys = ["", "a", "b", "ab", "\\", "\""];
            let parsed = Object::parse(&raw).ok().map(|object| keys.map(|key| object.get(key)));
            prop_assert_eq!(members(&raw, keys), parsed);
        }

        #[test]
        fn what_is_no_json_does_no_harm(text in "[\\[{\"\\\\:, a1\\]}]{0,40}") {
            members(&text, ["a"]);
            elements(&text);
            strings(&text, 3, &mut |_| {});
        }
    }
}
