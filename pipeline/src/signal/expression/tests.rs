use std::sync::Arc;

use super::*;
use crate::event::{Content, EventType, Field, Status};
use crate::home::Shared;
use crate::price::Book;
use crate::scrub::Scrubber;
use crate::signal::RuleSet;
use proptest::prelude::*;

fn home() -> Home {
    Home {
        tenant_id: uuid::Uuid::nil(),
        tenant_name: "default".into(),
        project_id: uuid::Uuid::nil(),
        environment: "prod".into(),
        pseudonym_key: Vec::new(),
        scrubber: Shared::BuiltIn(Scrubber::builtin()),
        book: Shared::BuiltIn(Book::builtin()),
        rules: Arc::new(RuleSet::default()),
        quality_scores: false,
        analysis: None,
        metric_tags: Vec::new(),
    }
}

fn event() -> Event<'static> {
    let mut event = Event::new(1, EventType::LlmCall);
    event.set_text(Field::Model, Some("gpt-4o".into()));
    event.status = Status::Error;
    event.latency_ms = Some(3000.5);
    event.tokens.input = Some(100);
    event.cost_usd = Some("0.25".parse().unwrap());
    event.input = Some(Content::Text("I want a Refund,\nnow".into()));
    event.attributes = Some(
        r#"{"plan":"free","n":"12","big":1.50e1,"deep":{"b":[1,{"c":null}],"a":"x"},"no":null,"is":true}"#
            .into(),
    );
    event
}

fn is(text: &str) -> Option<bool> {
    let expression = Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    expression.evaluate(Row { event: &event(), home: &home(), pause: || {} })
}

#[test]
fn expressions_mean_what_sql_means() {
    let (yes, no, null) = (Some(true), Some(false), None);
    for (text, expected) in [
        ("latency_ms > 3000 AND model LIKE 'gpt-4%' AND attributes->>'plan' = 'free'", yes),
        ("LATENCY_MS > 3000.5", no),
        ("latency_ms >= 3000.5 and not status = 'ok'", yes),
        ("ttft_ms > 1", null),
        ("ttft_ms > 1 OR true", yes),
        ("ttft_ms > 1 AND false", no),
        ("NOT (ttft_ms > 1)", null),
        ("ttft_ms IS NULL AND latency_ms IS NOT NULL", yes),
        ("(ttft_ms > 1) IS UNKNOWN", yes),
        ("ttft_ms > 1 IS NOT TRUE", yes),
        ("route = NULL", null),
        ("route IS DISTINCT FROM 'a'", yes),
        ("model IN ('a', 'gpt-4o')", yes),
        ("model IN ('a', NULL)", null),
        ("model NOT IN ('a', NULL)", null),
        ("model NOT IN ('a', 'b')", yes),
        ("input_tokens BETWEEN 100 AND 200 AND input_tokens NOT BETWEEN 1 AND 99", yes),
        ("7 / 2 = 3 AND -7 / 2 = -3 AND -7 % 4 = -3 AND 7.0 / 2 = 3.5", yes),
        ("1 + 2 * 3 = 7 AND 10 - 3 - 2 = 5", yes),
        ("1 / 0 = 1", null),
        ("1 / (input_tokens - 100) > 0 OR true", null),
        ("true OR 1 / (input_tokens - 100) > 0", yes),
        ("9223372036854775807 + input_tokens > 0", null),
        ("cost_usd * 4 = 1 AND cost_usd = 0.25", yes),
        ("input ILIKE '%refund%now'", yes),
        ("input LIKE '%refund%'", no),
        ("model LIKE 'gpt_4o' AND model NOT LIKE 'gpt\\_4o' AND 'a_b' LIKE 'a\\_b'", yes),
        ("model ~ '^gpt-[0-9]' AND model !~ 'x' AND input ~* 'REFUND'", yes),
        ("attributes->>'n' = '12' AND (attributes->>'n')::int + 1 = 13", yes),
        ("(attributes->>'plan')::numeric > 1", null),
        ("(attributes->>'is')::boolean", yes),
        ("attributes->'deep'->>'a' = 'x' AND attributes #>> '{deep,b,0}' = '1'", yes),
        ("attributes->'deep'->'b'->> -2 = '1' AND attributes->'deep'->'b'->>7 IS NULL", yes),
        ("attributes->'no' IS NOT NULL AND attributes->>'no' IS NULL AND attributes->'nothing' IS NULL", yes),
        ("attributes->'plan'->>0 = 'free' AND attributes #>> '{plan,0}' IS NULL", yes),
        ("attributes->>'big' = '15.0'", yes),
        ("attributes->>'deep' = '{\"a\": \"x\", \"b\": [1, {\"c\": null}]}'", yes),
        ("coalesce(route, tool_name, 'none') = 'none' AND length(input) = 20", yes),
        ("lower(model) = 'gpt-4o' AND upper('a') = 'A' AND starts_with(model, 'gpt') AND abs(-3) = 3", yes),
        (
            "greatest(1, 2.5, NULL) = 2.5 AND least(input_tokens, latency_ms) = 100 AND nullif(1, 1) IS NULL",
            yes,
        ),
        ("billable", no),
        ("billable IS NOT TRUE", yes),
        ("NULL", null),
        ("environment = 'prod' AND event_type = 'llm_call' AND observation_type = 'generation'", yes),
    ] {
        assert_eq!(is(text), expected, "{text}");
    }
}

#[test]
fn what_is_not_listed_is_refused_with_what_and_where() {
    for (text, says) in [
        ("", "empty"),
        ("latency_ms", "condition is expected"),
        ("latency_ms > ", "no SQL expression"),
        ("latency_ms > 1; DROP TABLE observa.events", "does not belong"),
        ("true; SELECT 1", "does not belong"),
        ("(SELECT count(*) FROM observa_internal.events) > 1", "can't query"),
        ("EXISTS (SELECT 1 FROM pg_authid)", "can't query"),
        ("model IN (SELECT name FROM observa_internal.tenants)", "can't query"),
        ("model = ANY (ARRAY['a'])", "not among"),
        ("latency_ms > ALL (SELECT 1)", "not among"),
        ("model::regclass IS NULL", "a cast is to"),
        ("'pg_authid'::regclass::text = 'x'", "a cast is to"),
        ("CAST(model AS public.mine) IS NULL", "a cast is to"),
        ("pg_sleep(10) IS NULL", "functions are"),
        ("pg_catalog.lower(model) = 'a'", "functions are"),
        ("\"lower\"(model) = 'a'", "functions are"),
        ("pg_read_file('/etc/passwd') LIKE '%'", "functions are"),
        ("set_config('role', 'postgres', false) = 'postgres'", "functions are"),
        ("query_to_xml('SELECT 1', true, true, '') IS NOT NULL", "functions are"),
        ("current_user = 'postgres'", ""),
        ("CURRENT_DATE IS NULL", "functions are"),
        ("model OPERATOR(pg_catalog.=) 'a'", "not among"),
        ("model || input = 'a'", "not among"),
        ("2 ^ 1000000 > 1", "not among"),
        ("latency_ms & 1 = 1", "not among"),
        ("attributes @> '{}'", "not among"),
        ("attributes ? 'a'", "not among"),
        ("attributes @? '$.**'", "not among"),
        ("attributes = attributes", "IS NULL"),
        ("events.model = 'a'", "without its table"),
        ("observa_internal.api_keys.hash = 'a'", "without its table"),
        ("tenant_id = 'a'", "no column tenant_id"),
        ("\"Model\" = 'a'", "no column Model"),
        ("CASE WHEN true THEN true END", "not among"),
        ("model COLLATE \"C\" = 'a'", "not among"),
        ("model < 'b'", "collation"),
        ("model BETWEEN 'a' AND 'b'", "collation"),
        ("model = 1", "can't come together"),
        ("latency_ms = 'a'", "can't come together"),
        ("billable IS DISTINCT FROM true AND billable", "in parentheses"),
        ("model LIKE input", "in quotes"),
        ("model LIKE 'a' ESCAPE 'x'", "not among"),
        ("model LIKE 'a\\'", "can't end"),
        ("model ~ '(a)\\1'", "linear"),
        ("model ~ 'a{1000}{1000}'", "too large"),
        ("model SIMILAR TO 'a'", "not among"),
        ("model = $1", "a value is"),
        ("model = E'a'", "a value is"),
        ("model = $$a$$", "a value is"),
        ("now() > timestamp '2020-01-01'", ""),
        ("(model, route) = ('a', 'b')", "not among"),
        ("ROW(1) = ROW(1)", ""),
        ("coalesce(DISTINCT model) = 'a'", "arguments alone"),
        ("lower(model) FILTER (WHERE true) = 'a'", "arguments alone"),
        ("lower(model) OVER () = 'a'", "arguments alone"),
        ("length(*) = 1", "values alone"),
        ("1e999999999 > 1", "too long"),
        ("latency_ms % 2 = 1", "whole and decimal"),
        ("attributes #>> '{\"a\"}' = 'b'", "path is written"),
        ("attributes->>model = 'a'", "a key is"),
        ("input->>'a' = 'b'", "are of attributes"),
    ] {
        let refused = Expression::parse(text);
        assert!(refused.as_ref().is_err_and(|message| message.contains(says)), "{text}: {refused:?}");
    }
    let error = Expression::parse("latency_ms > 1 AND pg_sleep(1) IS NULL").unwrap_err();
    assert!(error.contains("`pg_sleep(1)` at character 20 of line 1"), "{error}");
}

#[test]
fn size_and_depth_are_bounded() {
    assert!(Expression::parse(&format!("model = '{}'", "a".repeat(LONGEST))).is_err());
    assert!(Expression::parse(&format!("{}true{}", "(".repeat(900), ")".repeat(900))).is_err());
    assert!(Expression::parse(&format!("{} true", "NOT ".repeat(480))).is_err());
    assert!(Expression::parse(&["billable"; 150].join(" OR ")).is_err());
    assert!(Expression::parse(&["billable"; 99].join(" OR ")).is_ok());
}

#[test]
fn a_signal_says_what_its_columns_were_without_what_people_wrote() {
    let text =
        "input ILIKE '%refund%' AND latency_ms > 1 AND attributes->>'plan' = 'free' AND user_id IS NULL";
    let (event, home) = (event(), home());
    let (columns, attributes) =
        Expression::parse(text).unwrap().values(Row { event: &event, home: &home, pause: || {} });
    assert_eq!(Json::from(columns), serde_json::json!({"length(input)": 20, "latency_ms": 3000.5}));
    assert_eq!(Json::from(attributes), serde_json::json!({"attributes ->> 'plan'": "free"}));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-z_0-9'()<>=+*/%., -]{0,60}") {
        if let Ok(expression) = Expression::parse(&text) {
            expression.evaluate(Row { event: &event(), home: &home(), pause: || {} });
        }
    }

    #[test]
    fn no_row_of_words_makes_it_panic(words in proptest::collection::vec(proptest::sample::select(vec![
        "latency_ms", "model", "attributes", "->>", "->", "'a'", "1", "0", "2.5", "NULL", "AND", "OR", "NOT", "(", ")", "=", "<", "+", "-", "/", "%",
        "IS NULL", "IN", ",", "LIKE", "BETWEEN", "::numeric", "::int", "lower", "coalesce", "abs", "true",
    ]), 0..16)) {
        if let Ok(expression) = Expression::parse(&words.join(" ")) {
            expression.evaluate(Row { event: &event(), home: &home(), pause: || {} });
        }
    }
}

#[test]
fn whoever_waits_may_end_it_before_each_pattern_that_is_read() {
    thread_local! {
        static PAUSES: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }
    let text = "input ~ 'a' AND input LIKE '%now' AND input !~* 'refund' AND input ~ 'never'";
    let expression = Expression::parse(text).unwrap();
    let row = Row { event: &event(), home: &home(), pause: || PAUSES.set(PAUSES.get() + 1) };
    assert_eq!(expression.evaluate(row), Some(false));
    assert_eq!(PAUSES.get(), 3, "the third decides");
}
