//! observa.cost and observa.cost_breakdown. Expected amounts by hand, from the vendors' prices per million tokens.

use pgrx::pg_schema;

#[pg_schema]
mod tests {
    use pgrx::JsonB;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    fn cost(arguments: &str) -> Option<String> {
        Spi::get_one(&format!("SELECT trim_scale(observa.cost({arguments}))::text")).unwrap()
    }

    #[pg_test]
    fn a_cost_is_exact_without_storage() {
        assert_eq!(
            cost(r#"'gpt-4o', '{"input_tokens": 1000, "output_tokens": 500}'"#).as_deref(),
            Some("0.0075")
        );
        assert_eq!(
            cost(r#"'gpt-4o-mini', '{"input_tokens": 1, "output_tokens": 1}'"#).as_deref(),
            Some("0.00000075")
        );
        assert_eq!(cost(r#"'gpt-4o', '{"input_tokens": 0, "output_tokens": 0}'"#).as_deref(), Some("0"));
    }

    #[pg_test]
    fn unknown_is_null_never_zero() {
        for arguments in [
            r#"'no-such-model', '{"input_tokens": 1}'"#,
            "'gpt-4o', '{}'",
            "NULL, '{\"input_tokens\": 1}'",
            "'gpt-4o', NULL",
        ] {
            assert_eq!(cost(arguments), None, "{arguments}");
        }
    }

    #[pg_test(
        error = "usage key \"input_tokens\": expected a whole number of tokens from 0 to 9223372036854775807, got a negative number"
    )]
    fn a_count_that_is_none_is_an_error() {
        cost(r#"'gpt-4o', '{"input_tokens": -1}'"#);
    }

    #[pg_test]
    fn a_breakdown_names_tokens_rate_and_usd_of_each_class() {
        let breakdown = Spi::get_one::<JsonB>(
            r#"SELECT observa.cost_breakdown('gpt-4o', '{"input_tokens": 1000, "cached_input_tokens": 400, "output_tokens": 500}', 'openai')"#,
        );
        let breakdown: Value = breakdown.unwrap().unwrap().0;
        let class = |name: &str| breakdown["classes"][name].clone();
        assert_eq!(class("input_uncached"), json!({"tokens": 600, "rate": 0.0000025, "usd": 0.0015}));
        assert_eq!(class("cache_read"), json!({"tokens": 400, "rate": 0.00000125, "usd": 0.0005}));
        assert_eq!(class("output_text"), json!({"tokens": 500, "rate": 0.00001, "usd": 0.005}));
        assert_eq!(
            (&breakdown["total"], breakdown["price_id"].is_string()),
            (&json!(0.007), true),
            "{breakdown}"
        );
    }
}
