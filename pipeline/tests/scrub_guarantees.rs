//! What scrubbing promises whatever the text, and what users of other scrubbers complain about.

mod corpus;

use std::time::{Duration, Instant};

use corpus::random::Random;
use observa_pipeline::scrub::{Class, Options, Pattern, ScrubError, Scrubber};
use proptest::prelude::*;

fn scrub(text: &str) -> String {
    Scrubber::builtin().scrub(text).text.into_owned()
}

fn scrub_json(text: &str) -> String {
    let scrubbed = Scrubber::builtin().scrub_json(text).text.into_owned();
    assert!(serde_json::from_str::<serde_json::Value>(&scrubbed).is_ok(), "{text} -> {scrubbed}");
    scrubbed
}

/// Pieces whose mixture reaches into the rules as random characters never do.
fn pieces() -> impl Strategy<Value = String> {
    let mut random = Random::new(11);
    let mut pieces: Vec<String> =
        corpus::cases(12, 1).into_iter().map(|case| case.value.before + &case.value.secret).collect();
    pieces.extend(corpus::innocent::all(&mut random, 1));
    for mark in [
        "\"",
        "'",
        "\\",
        "\\\"",
        "\\\\\"",
        "\\n",
        "\\u0040",
        "\\u00",
        "\\/",
        ":",
        "=",
        "=>",
        " ",
        "\n",
        "@",
        "://",
        "password",
        "password=",
        "token: ",
        "api_key",
        "secret",
        "Bearer ",
        "Basic ",
        "-----BEGIN PRIVATE KEY-----",
        "-----END PRIVATE KEY-----",
        "[REDACTED:",
        "[REDACTED:email]",
        "]",
        "[",
        "{",
        "}",
        ",",
        "密",
        "🔑",
        "\u{a0}",
        "1",
        "4111 1111 1111 1111",
        "phone",
        "ssn",
        "123456788",
        "</",
        "</password>",
        "%40",
        "%20",
        "cookie:",
        "name",
        "value",
        "--",
        "-u ",
        "machine ",
        "login ",
        "AKIA",
        "sk-",
        "eyJ",
        ".",
        "_",
        "-",
        "~",
        "Q~",
        "us1",
        "a",
        "Z",
        "0x",
        "+1 415 555 0123",
        "\u{1b}[31m",
        "AA",
        "bot",
    ] {
        pieces.push(mark.to_owned());
    }
    let piece = prop_oneof![4 => proptest::sample::select(pieces), 1 => "\\PC{0,12}", 1 => "[ -~]{0,20}"];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn findings_are_sorted_disjoint_and_on_character_boundaries(text in pieces()) {
        let mut end = 0;
        for finding in Scrubber::builtin().find(&text) {
            prop_assert!(finding.start >= end && finding.start < finding.end);
            prop_assert!(text.get(finding.start..finding.end).is_some());
            end = finding.end;
        }
    }

    #[test]
    fn scrubbing_twice_is_scrubbing_once(text in pieces()) {
        let once = scrub(&text);
        prop_assert_eq!(scrub(&once), once);
    }

    #[test]
    fn counts_are_the_placeholders_written(text in pieces()) {
        let scrubbed = Scrubber::builtin().scrub(&text);
        let written = scrubbed.text.matches("[REDACTED:").count() - text.matches("[REDACTED:").count();
        prop_assert_eq!(scrubbed.found.total() as usize, written);
        prop_assert_eq!(Scrubber::builtin().find(&text).len(), written);
        prop_assert_eq!(scrubbed.found.total(), scrubbed.found.secrets() + scrubbed.found.personal());
        prop_assert_eq!(scrubbed.found.is_empty(), matches!(scrubbed.text, std::borrow::Cow::Borrowed(_)));
    }

    #[test]
    fn json_stays_json(texts in proptest::collection::vec(pieces(), 1..5), numbers in proptest::collection::vec(0u64..9_999_999_999_999_999, 1..4)) {
        let inner = serde_json::json!({"password": &texts[0], "n": numbers, "card": 4111111111111111u64}).to_string();
        let value = serde_json::json!({ texts[0].clone(): texts, "numbers": numbers, "cards": [4111111111111111u64, 5500005555555559u64],
            "password": numbers[0], "arguments": inner, "deep": serde_json::json!({"a": inner}).to_string() });
        for json in [value.to_string(), serde_json::to_string_pretty(&value).unwrap()] {
            let once = scrub_json(&json);
            prop_assert_eq!(&scrub_json(&once), &once);
            let plain = scrub(&json);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&plain).is_ok(), "{} -> {}", json, plain);
            let parsed: serde_json::Value = serde_json::from_str(&once).unwrap();
            if let Some(arguments) = parsed.get("arguments").and_then(|inner| inner.as_str()) {
                prop_assert!(serde_json::from_str::<serde_json::Value>(arguments).is_ok(), "{} -> {}", inner, arguments);
            }
        }
    }

    #[test]
    fn escaped_json_is_scrubbed_as_json(text in pieces()) {
        // Every character as \uXXXX where it may be: the secrets are the same.
        let escaped: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
        let json = format!("{{\"v\":\"{escaped}\"}}");
        scrub_json(&json);
    }
}

#[test]
fn secrets_behind_json_escapes_are_found() {
    for json in [
        r#"{"a":"bob\u0040example.com"}"#,
        r#"{"a":"\u0073k-proj-abcDEF123456ghiJKL789012mnoPQR"}"#,
        r#"{"a":"postgres:\/\/bob:hunter2x@host\/db"}"#,
        r#"{"a":"{\"b\":\"bob\\u0040example.com\"}"}"#,
        r#"{"pass\u0077ord":"hunter2x!"}"#,
        r#"{"a":"\u4f60AKIAIOSFODNN7EXAMPLE"}"#,
    ] {
        assert_ne!(scrub_json(json), json);
    }
    assert_eq!(
        scrub_json(r#"{"a":"mail bob\u0040example.com now"}"#),
        r#"{"a":"mail [REDACTED:email] now"}"#
    );
}

#[test]
fn numbers_that_are_no_strings_become_strings() {
    assert_eq!(scrub_json(r#"{"card":4111111111111111,"n":1}"#), r#"{"card":"[REDACTED:card]","n":1}"#);
    assert_eq!(
        scrub(r#"{"cards": [1, 4111111111111111, 5500005555555559]}"#),
        r#"{"cards": [1, "[REDACTED:card]", "[REDACTED:card]"]}"#
    );
    assert_eq!(scrub_json(r#"{"password": 12345678}"#), r#"{"password": "[REDACTED:password]"}"#);
    assert_eq!(
        scrub(r#"call {"arguments":"{\"card\": 4111111111111111}"} now"#),
        r#"call {"arguments":"{\"card\": \"[REDACTED:card]\"}"} now"#
    );
}

#[test]
fn a_redacted_value_keeps_its_closing_quote() {
    let text = r#"{"name":"run","arguments":"{\"cmd\":\"export API_KEY=abcd1234efgh5678\"}"}"#;
    assert_eq!(
        scrub(text),
        r#"{"name":"run","arguments":"{\"cmd\":\"export API_KEY=[REDACTED:api_key]\"}"}"#
    );
    assert_eq!(
        scrub(r#"{\"password\": \"hun\\\"ter2x\", \"a\": 1}"#),
        r#"{\"password\": \"[REDACTED:password]\", \"a\": 1}"#
    );
}

#[test]
fn a_value_ends_where_the_string_around_it_does() {
    for value in
        ["IDENTIFIED BY 'Zk3nWync9", "user.setPassword('mitten-fiddle-parrot-camel", "password='Zk3nWync9"]
    {
        let inner = serde_json::json!({"a": value, "b": "it's"}).to_string();
        let outer = scrub(&serde_json::json!({"arguments": inner}).to_string());
        let parsed: serde_json::Value = serde_json::from_str(&outer).unwrap();
        let arguments = parsed["arguments"].as_str().unwrap();
        assert!(serde_json::from_str::<serde_json::Value>(arguments).is_ok(), "{outer}");
    }
}

#[test]
fn tokens_end_where_their_alphabet_ends() {
    let key = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    for after in [
        ",", ".", ")", ">", "]", "&", "<", "|", "'", "\"", "`", ";", "\\n", "\\\"", "。", "🔑", "\u{a0}", "",
        " ", ":",
    ] {
        assert_eq!(scrub(&format!("密{key}{after}")), format!("密[REDACTED:github_token]{after}"));
    }
}

#[test]
fn longer_tokens_leave_no_tail() {
    for length in [36, 50, 80, 128, 251] {
        let key = format!("ghp_{}", "aB3".repeat(100).get(..length).unwrap());
        assert_eq!(scrub(&format!("x {key} y")), "x [REDACTED:github_token] y");
        let key = format!("sk_live_{}", "aB3".repeat(100).get(..length.min(128)).unwrap());
        assert_eq!(scrub(&format!("x {key} y")), "x [REDACTED:stripe_key] y");
    }
}

#[test]
fn timestamps_and_identifiers_are_no_cards() {
    for text in [
        "1717171717171",
        "at 1700000000000 ms",
        "id 4111-1111-1111",
        "v4.111111111111111",
        "a4111111111111111",
        "41111111111111112",
        "4111 1111-1111 1111",
    ] {
        assert_eq!(scrub(text), text);
    }
}

#[test]
fn social_security_numbers_are_judged_by_their_parts() {
    assert_eq!(scrub("SSN 536-90-4399."), "SSN [REDACTED:ssn].");
    for text in [
        "000-12-3456",
        "666-12-3456",
        "900-12-3456",
        "123-00-4567",
        "123-45-0000",
        "078-05-1120",
        "123-45-6789",
        "536-90-43991",
        "1536-90-4399",
        "536904399",
    ] {
        assert_eq!(scrub(text), text);
    }
}

#[test]
fn only_the_password_of_a_url_is_replaced() {
    assert_eq!(
        scrub("postgres://bob:s3cret@db.example.com/x"),
        "postgres://bob:[REDACTED:url_password]@db.example.com/x"
    );
    assert_eq!(
        scrub("https://x:ghp_0123456789abcdefghijABCDEFGHIJ012345@github.com/a/b"),
        "https://x:[REDACTED:github_token]@github.com/a/b"
    );
}

#[test]
fn a_cursor_is_no_jwt() {
    let part = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";
    assert_eq!(scrub(part), part);
    assert_eq!(scrub(&format!("{part}.{part}.c2lnbmF0dXJl")), "[REDACTED:jwt]");
}

#[test]
fn identifiers_are_judged_without_bare_digits() {
    let scrubber = Scrubber::builtin();
    for id in [
        "bob@example.com",
        "user:bob@example.com",
        "sk-proj-abcDEF123456ghiJKL789012",
        "+14155550123",
        "4111-1111-1111-1111",
        "536-90-4399",
    ] {
        assert!(scrubber.kind_of_identifier(id).is_some(), "{id}");
    }
    for id in [
        "550e8400-e29b-41d4-a716-446655440000",
        "4111111111111111",
        "4bf92f3577b34da6a3ce929d0e0e4736",
        "5500005555555559",
        "00f067aa0ba902b7",
        "12345",
        "user_12345",
        "my-service-v2",
        "41111111111111114111111111111111",
        "4155550123",
    ] {
        assert_eq!(scrubber.kind_of_identifier(id), None, "{id}");
    }
    assert_eq!(scrubber.kind_of_identifier("bob@example.com"), Some("email"));
}

#[test]
fn a_tenant_adds_patterns_and_keeps_emails() {
    let pattern = Pattern { name: "employee_id".into(), regex: r"EMP-\d{6}".into() };
    let scrubber = Scrubber::new(&Options { emails: false, patterns: vec![pattern] }).unwrap();
    let scrubbed = scrubber.scrub("bob@example.com is EMP-123456");
    assert_eq!(scrubbed.text, "bob@example.com is [REDACTED:employee_id]");
    assert_eq!(scrubbed.found.kinds(Class::Secret).collect::<Vec<_>>(), [("employee_id", 1)]);
    assert_eq!(scrubber.find("EMP-123456")[0].class, Class::Secret);
}

#[test]
fn unusable_patterns_are_refused_by_name() {
    let refused = |name: &str, regex: &str| {
        Scrubber::new(&Options {
            emails: true,
            patterns: vec![Pattern { name: name.into(), regex: regex.into() }],
        })
        .err()
    };
    assert!(matches!(refused("Bad Name", "x"), Some(ScrubError::Name(_))));
    assert!(matches!(refused("a", "("), Some(ScrubError::Regex { .. })));
    assert!(matches!(refused("a", "(?:a{1000}){1000}"), Some(ScrubError::Regex { .. })));
    assert!(matches!(refused("a", "x*"), Some(ScrubError::MatchesNothing(_))));
    assert_eq!(refused("a", "x+"), None);
}

/// Time on the processor of this thread, so that other work on the machine does not count; the clock where Linux's
/// schedstat is missing.
fn time(texts: &[&str]) -> Duration {
    let processor = || -> Option<Duration> {
        let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        stat.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
    };
    let (start, worked) = (Instant::now(), processor());
    for text in texts {
        std::hint::black_box(scrub(text));
    }
    match (worked, processor()) {
        (Some(before), Some(after)) => after - before,
        _ => start.elapsed(),
    }
}

#[test]
fn one_long_text_takes_as_long_as_eight_short_ones() {
    for piece in [
        "a",
        "1",
        "1 ",
        "sk-",
        "eyJ",
        "eyJ.",
        ":",
        "=",
        "://",
        "@",
        "a@",
        "\"",
        "\\",
        "\\\"",
        "-----BEGIN ",
        "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0B\n",
        "password=",
        "password=\"",
        "password: '",
        "cookie:",
        "token=a1b2c3d4 ",
        "://a:b@",
        "4111 ",
        "AKIA",
        "sl.",
        "</",
        "--api-key ",
        "\\u0040",
        "[REDACTED:",
        "\"value\":",
        "GB29 ",
    ] {
        let (small, large) = (piece.repeat(40_000 / piece.len()), piece.repeat(320_000 / piece.len()));
        // Quadratic time would be eight times as long. The kernel counts in ticks of some milliseconds.
        let fits =
            (0..3).any(|_| time(&[&large]) < time(&[small.as_str(); 8]) * 3 + Duration::from_millis(12));
        assert!(fits, "{piece:?}");
    }
}

#[test]
fn references_coordinates_and_diffs_are_left_alone() {
    for text in [
        "password = $env:DB_PASSWORD",
        "token=arn:aws:secretsmanager:eu-west-1:123456789012:secret:API_KEY",
        "\"password\": \"Optional[str]\"",
        "password = \"(hidden)\"",
        "token=pk_live_51AbCdEfGh12345678901234",
        "location +34.3918-76.3377/ on the map",
        " a = 1\n+349244548\n-34239530\n",
    ] {
        assert_eq!(Scrubber::builtin().scrub(text).text, text);
    }
    let number = "call +34 924 454 823 or +34924454823 today";
    assert_eq!(Scrubber::builtin().scrub(number).found.personal(), 2);
}
