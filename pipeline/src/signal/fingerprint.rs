//! What a person would call one problem: an error's text without what differs each time, and the id that it gives an issue.

use std::sync::LazyLock;

use regex_automata::meta::Regex;
use serde_json::Value;
use uuid::Uuid;

use crate::identity;

/// Characters of a normalised text.
pub const LONGEST: usize = 200;

/// Bytes of a message that are read: what stands behind them is a stack or a body.
const READ: usize = 2_000;

/// What differs, by how it looks, and what stands in its place. Of two that begin at the same place the first row wins, so the longest
/// forms come first. Placeholders match no row.
const VARIABLE: &[(&str, &str)] = &[
    (
        r"(?:https?|wss?|ftp|postgres(?:ql)?|redis|amqps?|mongodb(?:\+srv)?|s3|gs|file)://[^\s<>\x22'`,;)\]}]+",
        "<url>",
    ),
    (r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", "<email>"),
    (r"\[REDACTED:[a-z0-9_]+\]", "<redacted>"),
    (r"(?:email|phone|person|[a-z_]{2,20}):[0-9a-f]{16}\b", "<id>"),
    (r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b", "<id>"),
    (r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?", "<time>"),
    (
        r"\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* \d{4}(?: \d\d:\d\d(?::\d\d)?(?: (?:GMT|UTC))?)?",
        "<time>",
    ),
    (r"\b\d\d?:\d\d:\d\d(?:[.,]\d+)?\b", "<time>"),
    // Names of machines and files before numbers: they hold some.
    (r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b", "<address>"),
    (r"\b[0-9a-fA-F]{1,4}(?::[0-9a-fA-F]{0,4}){4,7}\b", "<address>"),
    (r"\b[A-Za-z]:\\[^\s\x22'`,;:)\]]+", "<path>"),
    (r"(?:\./|\.\./|~/|/)[\w.@+-]+(?:/[\w.@+-]+)+/?", "<path>"),
    (r"\x22[^\x22\n]*\x22", "<text>"),
    (r"`[^`\n]+`", "<text>"),
    (r"“[^”\n]*”|«[^»\n]*»", "<text>"),
    // An apostrophe is no quote: one that opens stands behind no letter, one that closes before none.
    (r"\B'(?:[^'\n]|\b'\b)*'\B", "<text>"),
    (r"\b0[xX][0-9a-fA-F]+\b", "<id>"),
    // Ids with a prefix: `req_011CQ...`, `chatcmpl-9x...`, `org-Ab3...`, `call_x1`, `pod-7d9f`.
    (r"\b[A-Za-z]{2,16}[_-][A-Za-z0-9]*[0-9][A-Za-z0-9]{5,}\b", "<id>"),
    (r"\b[A-Za-z]{1,6}[_-]\d{3,}\b", "<id>"),
    (r"\b[0-9a-fA-F]*(?:[0-9][a-fA-F]|[a-fA-F][0-9])[0-9a-fA-F]{6,}\b", "<id>"),
    (r"\b[0-9a-fA-F]{8,}(?:[0-9][a-fA-F]|[a-fA-F][0-9])[0-9a-fA-F]*\b", "<id>"),
    (r"\b[A-Za-z]*(?:[0-9][A-Za-z]+){2,}[0-9A-Za-z]{8,}\b", "<id>"),
    (
        r"[-+]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?:[eE][-+]?\d+)?(?:ms|us|ns|s|m|h|min|kB|KB|MB|GB|KiB|MiB|GiB|B|k|K|M|%)?\b%?",
        "<n>",
    ),
];

static FORMS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    // Words and digits are ASCII's: those of all alphabets make an automaton that is slow to build.
    let ascii = |form: &str| {
        ["b", "B", "d", "w"].iter().fold(form.to_owned(), |form, class| match *class {
            "d" => form.replace("\\d", "[0-9]"),
            "w" => form.replace("[\\w", "[0-9A-Za-z_"),
            boundary => form.replace(&format!("\\{boundary}"), &format!("(?-u:\\{boundary})")),
        })
    };
    let forms: Vec<String> = VARIABLE.iter().map(|(form, _)| ascii(form)).collect();
    Regex::new_many(&forms).ok()
});

/// Words that end in digits and mean one thing with them: codes that people speak of.
const STATUS: &[&str] = &["code", "status", "http", "error", "errno", "exit", "sqlstate", "signal"];

/// The message without ids, numbers, quotes, paths, times, addresses and e-mails, of at most [`LONGEST`] characters. Of itself it is
/// the same text.
pub fn normalise(message: &str) -> String {
    let end = (0..=READ.min(message.len())).rev().find(|end| message.is_char_boundary(*end)).unwrap_or(0);
    let mut text = without_variables(message.get(..end).unwrap_or_default());
    // What stands beside a placeholder, or is cut, can look like a variable itself. Each round leaves fewer characters outside of
    // placeholders, so this ends; nearly always at once.
    for _ in 0..2 * LONGEST {
        let next = without_variables(&text);
        if next == text {
            break;
        }
        text = next;
    }
    text
}

fn without_variables(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    let mut done = 0;
    for found in FORMS.iter().flat_map(|forms| forms.find_iter(message)) {
        let whole = message.get(found.range()).unwrap_or_default();
        let (_, placeholder) = VARIABLE.get(found.pattern().as_usize()).copied().unwrap_or_default();
        text.push_str(message.get(done..found.start()).unwrap_or_default());
        done = found.end();
        text.push_str(if placeholder == "<n>" && is_status(&text, whole) { whole } else { placeholder });
    }
    text.push_str(message.get(done..).unwrap_or_default());
    cut(&single_spaced(&text))
}

/// `HTTP 503` and `Error code: 429` are other problems than `HTTP 404`.
fn is_status(before: &str, number: &str) -> bool {
    let is_short = (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    let mut words =
        before.rsplit(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let near = words.next().filter(|_| is_short).map(str::to_ascii_lowercase);
    // Nothing but marks stands between: in `error (took 3 s` something does.
    let gap = before.len() - before.trim_end_matches([' ', ':', '=', '#', '(']).len();
    gap <= 3
        && before
            .trim_end_matches([' ', ':', '=', '#', '('])
            .ends_with(|letter: char| letter.is_ascii_alphanumeric())
        && near.is_some_and(|word| STATUS.contains(&word.as_str()))
}

fn single_spaced(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in text
        .split(|letter: char| letter.is_whitespace() || letter.is_control())
        .filter(|word| !word.is_empty())
    {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    // A list is one thing, however many it has.
    for (many, one) in [("<n>, <n>", "<n>"), ("<id>, <id>", "<id>"), ("<text>, <text>", "<text>")] {
        while out.contains(many) {
            out = out.replace(many, one);
        }
    }
    out
}

/// Whole words and placeholders, as far as there is room.
fn cut(text: &str) -> String {
    let Some((end, _)) = text.char_indices().nth(LONGEST) else { return text.to_owned() };
    let text = text.get(..end).unwrap_or_default();
    let whole = text.rfind(' ').and_then(|space| text.get(..space)).unwrap_or(text);
    whole.trim_end().to_owned()
}

/// What a signal's details say of an error. None: they say of none.
pub fn said(details: &Value) -> Option<&str> {
    let text = |member: &str| details.get(member).and_then(Value::as_str).filter(|text| !text.is_empty());
    text("error_message").or_else(|| text("error_type"))
}

/// A message that was cut for a signal's details may end amid an id: its last word is left out.
fn whole_words(said: &str) -> &str {
    let is_cut = said.chars().count() >= super::EXCERPT;
    let end = is_cut.then(|| said.rfind(char::is_whitespace)).flatten();
    end.and_then(|end| said.get(..end)).unwrap_or(said)
}

/// The id of the issue that signals of this name about this subject belong to, where their errors say the same. `said` is what
/// [`said`] gives, or nothing.
pub fn issue_id(project: &str, environment: &str, name: &str, subject: &str, said: &str) -> Uuid {
    identity::uuid_of_parts(&["issue", project, environment, name, subject, &normalise(whole_words(said))])
}

/// What an issue is called: what its errors say, else the name of its signals.
pub fn title(name: &str, said: &str) -> String {
    let title = normalise(whole_words(said));
    if title.is_empty() { name.replace('_', " ") } else { title }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Messages as providers, drivers and runtimes write them, in pairs that a person takes for one problem, and what is left of them.
    const ONE: &[(&str, &str, &str)] = &[
        (
            "Error code: 429 - Rate limit reached for gpt-4o in organization org-Ab3dE5fG7hJ9kL on tokens per min (TPM): Limit 30000, Used 29871, Requested 1532. Please try again in 2.806s.",
            "Error code: 429 - Rate limit reached for gpt-4o in organization org-Zz9yX8wV7uT6sR on tokens per min (TPM): Limit 30000, Used 30000, Requested 12. Please try again in 24ms.",
            "Error code: 429 - Rate limit reached for gpt-4o in organization <id> on tokens per min (TPM): Limit <n>, Used <n>, Requested <n>. Please try again in <n>.",
        ),
        (
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 131072 tokens.",
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 9001 tokens.",
            "This model's maximum context length is <n> tokens. However, your messages resulted in <n> tokens.",
        ),
        (
            "Overloaded (request_id: req_011CQ6ZtLHFTqD3u4gT8qnmE)",
            "Overloaded (request_id: req_011CR7aaBBccDDeeFF1122gg)",
            "Overloaded (request_id: <id>)",
        ),
        (
            "prompt is too long: 213462 tokens > 200000 maximum",
            "prompt is too long: 200001 tokens > 200000 maximum",
            "prompt is too long: <n> tokens > <n> maximum",
        ),
        (
            "duplicate key value violates unique constraint \"users_email_key\" DETAIL: Key (email)=(bob@example.com) already exists.",
            "duplicate key value violates unique constraint \"users_email_key\" DETAIL: Key (email)=(ann.b@mail.example.org) already exists.",
            "duplicate key value violates unique constraint <text> DETAIL: Key (email)=(<email>) already exists.",
        ),
        (
            "connection to server at \"10.0.3.17\", port 5432 failed: timeout expired",
            "connection to server at \"10.0.3.99\", port 5433 failed: timeout expired",
            "connection to server at <text>, port <n> failed: timeout expired",
        ),
        (
            "could not serialize access due to concurrent update; process 4711 waits for ShareLock on transaction 99812",
            "could not serialize access due to concurrent update; process 12 waits for ShareLock on transaction 8",
            "could not serialize access due to concurrent update; process <n> waits for ShareLock on transaction <n>",
        ),
        ("KeyError: 'user_id'", "KeyError: 'order_id'", "KeyError: <text>"),
        (
            "FileNotFoundError: [Errno 2] No such file or directory: '/srv/app/data/2026-01-03.json'",
            "FileNotFoundError: [Errno 2] No such file or directory: '/srv/app/data/2026-02-11.json'",
            "FileNotFoundError: [Errno 2] No such file or directory: <text>",
        ),
        (
            "File /usr/lib/python3.12/json/decoder.py, line 355: Expecting value: line 1 column 1 (char 0)",
            "File /home/app/venv/json/decoder.py, line 340: Expecting value: line 7 column 3 (char 91)",
            "File <path>, line <n>: Expecting value: line <n> column <n> (char <n>)",
        ),
        (
            "<object at 0x7f3a2c1b9d60> is not JSON serializable",
            "<object at 0x7f3a2c1b0000> is not JSON serializable",
            "<object at <id>> is not JSON serializable",
        ),
        (
            "TypeError: Cannot read properties of undefined (reading 'map')\n    at render (/app/dist/main.js:10:22)",
            "TypeError: Cannot read properties of undefined (reading 'map')\n    at render (/srv/dist/main.js:911:4)",
            "TypeError: Cannot read properties of undefined (reading <text>) at render (<path>:<n>:<n>)",
        ),
        ("ECONNREFUSED 127.0.0.1:6379", "ECONNREFUSED 10.9.8.7:6380", "ECONNREFUSED <address>"),
        (
            "GET https://api.example.com/v1/orders/8812?x=1 failed: HTTP 503",
            "GET https://api.example.com/v1/orders/13?x=2 failed: HTTP 503",
            "GET <url> failed: HTTP 503",
        ),
        (
            "2026-03-01T12:00:00.123Z worker 7 lost job 1b4e28ba-2fa1-11d2-883f-0016d3cca427",
            "2026-03-02 08:01:59 worker 12 lost job 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            "<time> worker <n> lost job <id>",
        ),
        ("Timed out after 30000ms", "Timed out after 2.5s", "Timed out after <n>"),
        (
            "commit 9fceb02d0ae598e95dc970b74767f19372d61af8 not found",
            "commit e83c5163316f89bfbde7d9ab23ca2e25604af290 not found",
            "commit <id> not found",
        ),
        (
            "User [REDACTED:email] of tenant 12 has no quota",
            "User [REDACTED:email] of tenant 99 has no quota",
            "User <redacted> of tenant <n> has no quota",
        ),
        ("bad ids: 1, 2, 3", "bad ids: 44", "bad ids: <n>"),
        ("Der Schlüssel «abc» fehlt", "Der Schlüssel «xyz» fehlt", "Der Schlüssel <text> fehlt"),
    ];

    #[test]
    fn what_a_person_would_call_one_problem_has_one_text() {
        for (one, other, text) in ONE {
            assert_eq!(normalise(one), *text);
            assert_eq!(normalise(other), *text);
            assert_eq!(fingerprint("llm_error", "gpt-4o", one), fingerprint("llm_error", "gpt-4o", other));
            assert_eq!(title("llm_error", one), title("llm_error", other));
        }
    }

    #[test]
    fn other_problems_have_other_texts() {
        let different = [
            "HTTP 404",
            "HTTP 503",
            "Error code: 429",
            "Error code: 401",
            "exit code 137",
            "exit code 1",
            "KeyError: 'a'",
            "ValueError: 'a'",
            "connection refused",
            "connection reset",
            "",
        ];
        for (place, one) in different.iter().enumerate() {
            for other in different.iter().skip(place + 1) {
                assert_ne!(normalise(one), normalise(other));
            }
        }
        let id = fingerprint("tool_error", "search", "failed");
        assert_ne!(id, fingerprint("tool_timeout", "search", "failed"));
        assert_ne!(id, fingerprint("tool_error", "fetch", "failed"));
        assert_ne!(fingerprint("a", "b c", "d"), fingerprint("a b", "c", "d"));
    }

    #[test]
    fn apostrophes_are_no_quotes() {
        assert_eq!(
            normalise("can't open the model's file, it isn't there"),
            "can't open the model's file, it isn't there"
        );
    }

    /// In one place.
    fn fingerprint(name: &str, subject: &str, said: &str) -> Uuid {
        issue_id("p", "prod", name, subject, said)
    }

    #[test]
    fn a_place_has_its_own_issues() {
        assert_ne!(issue_id("p", "prod", "n", "s", "m"), issue_id("q", "prod", "n", "s", "m"));
        assert_ne!(issue_id("p", "prod", "n", "s", "m"), issue_id("p", "dev", "n", "s", "m"));
    }

    #[test]
    fn an_error_without_a_message_says_its_type_and_a_signal_without_an_error_its_name() {
        let details = serde_json::json!({"unit": "ms", "error_type": "Timeout"});
        assert_eq!(title("llm_error", said(&details).unwrap()), "Timeout");
        assert_eq!(said(&serde_json::json!({"unit": "ms"})), None);
        assert_eq!(title("high_latency", ""), "high latency");
    }

    #[test]
    fn an_id_that_a_cut_has_halved_makes_no_difference() {
        let of = |id: &str| {
            let message =
                format!("{} {id} was not there", "the worker could not finish what it began ".repeat(4));
            let excerpt: String = message.chars().take(super::super::EXCERPT).collect();
            (title("llm_error", &excerpt), fingerprint("llm_error", "s", &excerpt))
        };
        let ids = ["1b4e28ba-2fa1-11d2-883f-0016d3cca427", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"];
        assert_eq!(of(ids[0]), of(ids[1]));
    }

    /// Pieces of messages, so that forms meet each other.
    fn piece() -> impl Strategy<Value = String> {
        let known = proptest::sample::select(vec![
            "error",
            "code",
            ":",
            " ",
            "'",
            "\"",
            "`",
            "/",
            "-",
            "_",
            "<n>",
            "<id>",
            "<text>",
            "http",
            "0x",
            "req_",
            "@",
            "a.b",
            ",",
            "(",
            ")",
            "[REDACTED:email]",
            "2026-01-01",
            "12:30:00",
            "1,000",
            "%",
            "ms",
            "https://",
            "C:\\",
            "\n",
            "é",
        ]);
        prop_oneof![
            known.prop_map(str::to_owned),
            "[0-9a-f]{1,12}",
            "[A-Za-z]{1,8}",
            any::<char>().prop_map(String::from)
        ]
    }

    proptest! {
        #[test]
        fn a_text_is_bounded_and_of_itself_the_same(pieces in proptest::collection::vec(piece(), 0..120)) {
            let text = normalise(&pieces.concat());
            prop_assert!(text.chars().count() <= LONGEST);
            prop_assert_eq!(normalise(&text), text);
        }

        #[test]
        fn differing_ids_make_no_difference(a: u64, b: u64, x: u128, y: u128, one in "[0-9a-f]{16,40}", other in "[0-9a-f]{16,40}") {
            // Of letters alone it may be a word.
            prop_assume!([&one, &other].iter().all(|id| id.bytes().any(|byte| byte.is_ascii_digit()) && id.bytes().any(|byte| byte.is_ascii_alphabetic())));
            let of = |n: u64, id: u128, hex: &str| {
                normalise(&format!("order {n} of {} failed: object {hex} at 0x{n:x}", Uuid::from_u128(id)))
            };
            prop_assert_eq!(of(a, x, &one), of(b, y, &other));
        }
    }
}
