//! observa.scrub and observa.find_secrets.

use pgrx::pg_schema;

#[pg_schema]
mod tests {
    use pgrx::JsonB;
    use pgrx::prelude::*;
    use serde_json::json;

    fn scrub(text: &str) -> String {
        Spi::get_one_with_args("SELECT observa.scrub($1::text)", &[text.into()]).unwrap().unwrap()
    }

    #[pg_test]
    fn a_text_without_secrets_comes_back_byte_for_byte() {
        for text in [
            "",
            "plain words",
            "sk-learn-pipeline and <task-notification>",
            "naïve 😀\u{a0}字",
            "a\r\nb\t\\u0041",
        ] {
            assert_eq!(scrub(text), text);
        }
    }

    #[pg_test]
    fn each_secret_is_replaced_by_its_kind() {
        assert_eq!(scrub("mail jane.roe@acme-corp.com now"), "mail [REDACTED:email] now");
        assert_eq!(scrub("4539 1488 0343 6467"), "[REDACTED:card]");
        assert_eq!(scrub("字AKIAQ3EGYJ7KX5NT2MWB字").matches("[REDACTED:").count(), 1);
        let once = scrub("jane.roe@acme-corp.com, AKIAQ3EGYJ7KX5NT2MWB");
        assert_eq!(scrub(&once), once, "twice is once");
    }

    #[pg_test]
    fn null_is_null() {
        for call in ["observa.scrub(NULL::text)", "observa.scrub(NULL::jsonb)"] {
            assert_eq!(Spi::get_one::<bool>(&format!("SELECT {call} IS NULL")), Ok(Some(true)), "{call}");
        }
    }

    #[pg_test]
    fn json_keeps_its_structure_and_its_numbers_digits() {
        let document = r#"{"a": ["jane.roe@acme-corp.com", 1.50, 123456789012345678901234567890, null, true],
                           "jane.roe@acme-corp.com": {"b": "{\"c\": \"jane.roe@acme-corp.com\"}"}, "e": {}}"#;
        let scrubbed: String =
            Spi::get_one_with_args("SELECT observa.scrub($1::jsonb)::text", &[document.into()])
                .unwrap()
                .unwrap();
        assert_eq!(scrubbed.matches("[REDACTED:email]").count(), 3, "{scrubbed}");
        assert!(
            scrubbed.contains("1.50") && scrubbed.contains("123456789012345678901234567890"),
            "{scrubbed}"
        );
        let keys = Spi::get_one_with_args::<JsonB>(
            "SELECT jsonb_agg(k ORDER BY k COLLATE \"C\") FROM jsonb_object_keys(observa.scrub($1::jsonb)) k",
            &[document.into()],
        );
        assert_eq!(keys.unwrap().unwrap().0, json!(["[REDACTED:email]", "a", "e"]));
    }

    #[pg_test]
    fn secrets_are_found_at_characters_not_bytes() {
        // Each of the first four characters takes more than one byte.
        let text = "é字😀\u{a0}jane.roe@acme-corp.com und 4539 1488 0343 6467";
        let cut = Spi::get_one_with_args::<JsonB>(
            "SELECT jsonb_agg(jsonb_build_array(kind, start, substr($1, start, length)) ORDER BY start)
               FROM observa.find_secrets($1)",
            &[text.into()],
        );
        let expected = json!([["email", 5, "jane.roe@acme-corp.com"], ["card", 32, "4539 1488 0343 6467"]]);
        assert_eq!(cut.unwrap().unwrap().0, expected);
    }

    #[pg_test]
    fn nothing_found_is_no_row() {
        assert_eq!(
            Spi::get_one::<i64>("SELECT count(*) FROM observa.find_secrets('plain words')"),
            Ok(Some(0))
        );
    }
}
