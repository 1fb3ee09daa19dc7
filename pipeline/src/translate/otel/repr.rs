//! Python's `repr` of an object, read as JSON: some libraries write a provider's answer with `str()`.

use serde_json::{Map, Number, Value};

/// Deeper objects are not read.
const MAX_DEPTH: usize = 32;

/// The value of a text like `Answer(id='x', usage={'tokens': 1}, names=None)`. Calls become objects of their named arguments.
/// None: it is no such text.
pub fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader { rest: text };
    let value = reader.value(0)?;
    reader.skip_space();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    fn skip_space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    fn take(&mut self, wanted: char) -> bool {
        self.skip_space();
        let rest = self.rest.strip_prefix(wanted);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn take_while(&mut self, test: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !test(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.skip_space();
        match self.peek()? {
            '\'' | '"' => self.string().map(Value::String),
            '[' => self.list('[', ']', depth),
            '(' => self.list('(', ')', depth),
            '{' => self.dictionary(depth),
            '<' => self.opaque(),
            c if c.is_ascii_digit() || c == '-' => self.number(),
            _ => self.name(depth),
        }
    }

    fn string(&mut self) -> Option<String> {
        let quote = self.peek()?;
        let mut chars = self.rest.char_indices().skip(1);
        let mut text = String::new();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next()?.1 {
                    'n' => text.push('\n'),
                    't' => text.push('\t'),
                    'r' => text.push('\r'),
                    other => text.push(other),
                },
                c if c == quote => {
                    self.rest = self.rest.get(at + c.len_utf8()..)?;
                    return Some(text);
                }
                c => text.push(c),
            }
        }
        None
    }

    fn number(&mut self) -> Option<Value> {
        let digits = self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '_'));
        if let Ok(number) = digits.parse::<i64>() {
            return Some(Value::from(number));
        }
        Some(digits.parse().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number))
    }

    fn list(&mut self, open: char, close: char, depth: usize) -> Option<Value> {
        self.take(open);
        let mut elements = Vec::new();
        while !self.take(close) {
            elements.push(self.value(depth + 1)?);
            if !self.take(',') && !self.rest.starts_with(close) {
                return None;
            }
        }
        Some(Value::Array(elements))
    }

    /// A set is read like a list.
    fn dictionary(&mut self, depth: usize) -> Option<Value> {
        self.take('{');
        let (mut members, mut elements) = (Map::new(), Vec::new());
        while !self.take('}') {
            let key = self.value(depth + 1)?;
            match self.take(':') {
                true => {
                    let value = self.value(depth + 1)?;
                    members.insert(key.as_str().map_or_else(|| key.to_string(), str::to_owned), value);
                }
                false => elements.push(key),
            }
            if !self.take(',') && !self.rest.starts_with('}') {
                return None;
            }
        }
        Some(if elements.is_empty() { Value::Object(members) } else { Value::Array(elements) })
    }

    /// `<Reason.STOP: 'stop'>` is `stop`; what else has no value in Python is null.
    fn opaque(&mut self) -> Option<Value> {
        let end = self.rest.find('>')?;
        let inside = self.rest.get(1..end)?;
        self.rest = self.rest.get(end + 1..)?;
        let value = inside.split_once(": '").and_then(|(_, rest)| rest.strip_suffix('\''));
        Some(value.map_or(Value::Null, Value::from))
    }

    /// A constant, or a call with arguments.
    fn name(&mut self, depth: usize) -> Option<Value> {
        let name = self.take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.'));
        match name {
            "" => return None,
            "None" => return Some(Value::Null),
            "True" => return Some(Value::Bool(true)),
            "False" => return Some(Value::Bool(false)),
            // A literal of bytes or of a raw string.
            "b" | "r" | "u" if self.rest.starts_with(['\'', '"']) => return self.string().map(Value::String),
            _ if !self.rest.starts_with('(') => return Some(Value::from(name)),
            _ => {}
        }
        self.take('(');
        let (mut members, mut elements) = (Map::new(), Vec::new());
        while !self.take(')') {
            self.skip_space();
            let before = self.rest;
            let key = self.take_while(|c| c.is_alphanumeric() || c == '_');
            match !key.is_empty() && self.rest.starts_with('=') {
                true => {
                    self.take('=');
                    let value = self.value(depth + 1)?;
                    members.insert(key.to_owned(), value);
                }
                false => {
                    self.rest = before;
                    elements.push(self.value(depth + 1)?);
                }
            }
            if !self.take(',') && !self.rest.starts_with(')') {
                return None;
            }
        }
        Some(if elements.is_empty() { Value::Object(members) } else { Value::Array(elements) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_of_python_are_objects_of_their_arguments() {
        let text = r#"Answer(id='x-1', why=<Reason.STOP: 'stop'>, at=datetime.datetime(2026, 1, 2), said=["it's", 'a \'b\'\n', b'c'],
            usage=Usage(tokens=12, share=0.5, none=None, details={'cached': 7, "sure": True}), pair=(1, -2), set={1, 2}, more=Kind.A)"#;
        let expected = json!({
            "id": "x-1", "why": "stop", "at": [2026, 1, 2], "said": ["it's", "a 'b'\n", "c"],
            "usage": {"tokens": 12, "share": 0.5, "none": null, "details": {"cached": 7, "sure": true}}, "pair": [1, -2], "set": [1, 2], "more": "Kind.A",
        });
        assert_eq!(parse(text), Some(expected));
    }

    #[test]
    fn what_is_cut_off_or_too_deep_is_nothing() {
        for text in ["Answer(id='x", "Answer(id='x'", "{'a': }", "[1 2]", "", "a b", &"[".repeat(100_000)] {
            assert_eq!(parse(text), None, "{}", text.len());
        }
    }

    proptest! {
        #[test]
        fn any_text_panics_nowhere(text in r#"[\[\](){}<>'"\\,:=a-z0-9. é-]{0,40}"#) {
            parse(&text);
        }
    }
}
