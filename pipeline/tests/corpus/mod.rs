//! Text with fake secrets whose places are known, and text without any that looks like it.

#![allow(dead_code, reason = "the benchmark and each test use a part of it")]
#![allow(
    clippy::unwrap_used,
    reason = "outside of a test harness the lint does not know that this is a test"
)]

pub mod innocent;
pub mod personal;
pub mod random;
pub mod values;

use random::Random;
use values::Value;

/// A text with one secret in it.
#[derive(Clone, Debug)]
pub struct Case {
    pub value: Value,
    pub surrounding: &'static str,
    pub before: String,
    /// The secret as it stands in the text, escaped like the rest.
    pub secret: String,
    pub after: String,
    /// Whether the whole text is JSON.
    pub json: bool,
}

impl Case {
    pub fn text(&self) -> String {
        format!("{}{}{}", self.before, self.secret, self.after)
    }
}

/// Where a secret that needs no keyword stands: name, text before and after, and how often the whole is put into a JSON string.
const SURROUNDINGS: &[(&str, &str, &str, usize)] = &[
    ("alone", "", "", 0),
    ("prose", "Please use ", " when you call the service.", 0),
    ("prose, comma", "I tried ", ", but it did not work.", 0),
    ("prose, stop", "The value is ", ". Can you check it?", 0),
    ("prose, bracket", "We have one (", ") in the vault.", 0),
    ("list", "- first\n- ", "\n- last", 0),
    ("angle", "see <", "> there", 0),
    ("brackets", "values=[", "] ok", 0),
    ("ampersand", "a=1&x=", "&b=2", 0),
    ("tag", "<td>", "</td>", 0),
    ("pipe", "| name | ", "| yes |", 0),
    ("single quotes", "x = '", "'", 0),
    ("double quotes", "print(\"", "\")", 0),
    ("backticks", "Set it to `", "` and restart.", 0),
    ("semicolon", "export X=", "; run", 0),
    ("chinese", "请使用", "这个密钥，谢谢", 0),
    ("japanese", "値は「", "」です", 0),
    ("emoji", "🔑", "🔥 do not share", 0),
    ("nbsp", "value\u{a0}", "\u{a0}end", 0),
    ("line", "first line\n", "\nsecond line", 0),
    ("tabs", "id\t", "\tname", 0),
    ("log", "2026-03-01T12:00:00.123Z INFO [http-1] request failed for ", " status=401 latency_ms=12", 0),
    ("log colon", "ERROR: rejected: ", ": not allowed", 0),
    ("yaml", "service:\n  extra: ", "\n  replicas: 2\n", 0),
    ("rust", "let x = \"", "\"; // used below", 0),
    ("python", "client = Client('", "', timeout=30)", 0),
    ("js", "const c = new Client({ v: `", "` });", 0),
    ("shell", "echo ", " | base64", 0),
    ("path", "open /srv/", " now", 0),
    ("chat", "{\"role\":\"user\",\"content\":\"my value is ", " ok?\"}", 9),
    ("chat string", "Here you go: ", "\nThanks!", 1),
    ("chat lines", "First line.\n", "\nLast line.", 1),
    ("tool call", "{\"name\":\"call\",\"arguments\":{\"v\":\"", "\"}}", 1),
    ("tool call twice", "{\"name\":\"call\",\"arguments\":{\"v\":\"", "\"}}", 2),
    ("tool call lines", "{\"cmd\":\"line one\\n", "\\nline two\"}", 2),
];

/// How a key and its value are written: before the key, between, after the value, JSON depth, and whether keys with dashes and
/// spaces are possible there.
const ASSIGNMENTS: &[(&str, &str, &str, &str, usize, bool)] = &[
    ("env", "PORT=80\n", "=", "\nDEBUG=1\n", 0, false),
    ("export", "export ", "=", "\n", 0, false),
    ("env quoted", "", "=\"", "\"\n", 0, false),
    ("yaml", "app:\n  ", ": ", "\n  replicas: 2\n", 0, true),
    ("yaml quoted", "app:\n  ", ": \"", "\"\n  replicas: 2\n", 0, true),
    ("json", "{\"a\": 1, \"", "\": \"", "\", \"b\": 2}", 9, true),
    ("json compact", "{\"", "\":\"", "\"}", 9, true),
    ("json in string", "{\"a\":1,\"", "\":\"", "\",\"b\":2}", 1, true),
    ("json in string twice", "{\"", "\": \"", "\"}", 2, true),
    ("python", "client.", " = \"", "\"\n", 0, false),
    ("python keyword", "connect(host=\"db\", ", "=\"", "\", port=5)", 0, false),
    ("python dict", "{'", "': '", "', 'x': 1}", 0, true),
    ("js", "const ", " = '", "';", 0, false),
    ("js object", "init({ ", ": \"", "\", retry: 3 })", 0, false),
    ("ts", "const ", ": string = \"", "\";", 0, false),
    ("go", "", " := \"", "\"\n", 0, false),
    ("java", "private static final String ", " = \"", "\";", 0, false),
    ("ruby", "config[:x] = { \"", "\" => \"", "\" }", 0, true),
    ("header", "GET / HTTP/1.1\r\n", ": ", "\r\nAccept: */*\r\n", 0, true),
    ("curl header", "curl -H '", ": ", "' https://example.com", 0, true),
    ("flag", "tool --", " ", " --verbose", 0, true),
    ("flag equals", "tool --", "=", " --verbose", 0, true),
    ("query", "https://example.com/x?a=1&", "=", "&b=2", 0, false),
    ("toml", "[auth]\n", " = \"", "\"\n", 0, false),
    ("prose", "Use this, ", ": ", " and tell me", 0, true),
    ("log", "level=info ", "=", " user=4", 0, false),
    ("markdown", "- **", "**: ", "\n- next", 0, true),
];

/// All cases: each value into several surroundings, each surrounding with each row over the whole corpus.
pub fn cases(seed: u64, each: usize) -> Vec<Case> {
    let mut random = Random::new(seed);
    let mut cases = Vec::new();
    for value in values::all(&mut random, each) {
        for _ in 0..3 {
            cases.push(place(&mut random, value.clone()));
        }
    }
    for _ in 0..each * 4 {
        let value = values::pem(&mut random);
        cases.push(place_pem(&mut random, value));
    }
    cases
}

fn place(random: &mut Random, value: Value) -> Case {
    if value.keys.is_empty() {
        let &(name, before, after, depth) = random.pick(SURROUNDINGS);
        let (before, after) = (format!("{before}{}", value.before), format!("{}{after}", value.after));
        return nest(value.clone(), name, before, value.secret, after, depth);
    }
    let &(name, lead, between, after, depth, dashes) = random.pick(ASSIGNMENTS);
    let mut key = (*random.pick(value.keys)).to_owned();
    if !dashes {
        key = key.replace('-', "_");
    }
    let mut secret = value.secret.clone();
    if matches!(name, "query") {
        secret.retain(|byte| !"#&%+".contains(byte));
        secret.push_str("x7");
    }
    if matches!(name, "flag" | "js object" | "prose" | "markdown") {
        // There a mark at the end is punctuation.
        secret.push('7');
    }
    nest(value, name, format!("{lead}{key}{between}"), secret, after.to_owned(), depth)
}

fn place_pem(random: &mut Random, value: Value) -> Case {
    let secret = value.secret.clone();
    match random.below(8) {
        0 => nest(value, "pem file", String::new(), secret, "\n".into(), 0),
        1 => nest(value, "pem in prose", "Here is my key:\n".into(), secret, "\nCan you read it?".into(), 0),
        2 => nest(value, "pem crlf", "key:\r\n".into(), secret.replace('\n', "\r\n"), "\r\nend".into(), 0),
        3 => nest(value, "pem one line", "key: ".into(), secret.replace('\n', " "), " end".into(), 0),
        4 => nest(value, "pem in env", "KEY=\"".into(), secret.replace('\n', "\\n"), "\"\nX=1".into(), 0),
        5 => nest(value, "pem in json", "my key ".into(), secret, " is it".into(), 1),
        6 => nest(
            value,
            "pem in json twice",
            "{\"key\":\"".into(),
            secret.replace('\n', "\\n"),
            "\"}".into(),
            1,
        ),
        _ => {
            let cut = secret.find("-----END").unwrap() - 1;
            let secret = secret[..cut].to_owned();
            nest(value, "pem cut off", "log: ".into(), secret, "\n(truncated)".into(), 0)
        }
    }
}

/// Puts the text into JSON strings, `depth` times; 9 stands for a text that is JSON already.
fn nest(
    value: Value,
    surrounding: &'static str,
    before: String,
    secret: String,
    after: String,
    depth: usize,
) -> Case {
    let (mut before, mut secret, mut after) = (before, secret, after);
    let times = if depth == 9 { 0 } else { depth };
    for _ in 0..times {
        before = format!("{{\"role\":\"assistant\",\"content\":\"{}", escaped(&before));
        secret = escaped(&secret);
        after = format!("{}\"}}", escaped(&after));
    }
    let json =
        depth > 0 && serde_json::from_str::<serde_json::Value>(&format!("{before}{secret}{after}")).is_ok();
    Case { value, surrounding, before, secret, after, json }
}

fn escaped(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}
