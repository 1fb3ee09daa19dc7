//! The answers of observa.ingest, and that all of it is undone with the transaction.

use pgrx::pg_schema;

#[pg_schema]
mod tests {
    use pgrx::JsonB;
    use pgrx::prelude::*;
    use serde_json::{Value, json};

    fn ingest(body: &str) -> Value {
        Spi::get_one_with_args::<JsonB>("SELECT observa.ingest($1::text)", &[body.into()]).unwrap().unwrap().0
    }

    #[pg_test]
    fn the_answer_counts_every_line() {
        let answer =
            ingest("{\"event_id\":\"e\",\"model\":\"m\"}\n{\"event_id\":\"e\",\"model\":\"m\"}\nbad\n");
        let counts = ["accepted", "duplicates", "rejected"].map(|key| answer[key].clone());
        assert_eq!(counts, [json!(1), json!(1), json!(1)], "{answer}");
        assert_eq!(answer["errors"][0]["line"], 3);
        assert_eq!(answer["errors"][0]["code"], "invalid_json");
        let members: Vec<&String> = answer.as_object().unwrap().keys().collect();
        assert_eq!(members.len(), 8, "{members:?}");
    }

    #[pg_test]
    fn text_bytes_and_json_give_the_same_answer() {
        let body = r#"[{"event_id":"EID","model":"m"}]"#;
        for (id, cast) in [("a", "text"), ("b", "bytea"), ("c", "json")] {
            let body = body.replace("EID", id);
            let sql = format!("SELECT observa.ingest('{body}'::{cast})");
            let answer = Spi::get_one::<JsonB>(&sql).unwrap().unwrap().0;
            assert_eq!(answer["accepted"], 1, "{cast}: {answer}");
        }
    }

    #[pg_test]
    fn an_event_is_seen_by_its_own_transaction() {
        ingest(r#"{"event_id":"e","model":"gpt-4o","input_tokens":1000,"output_tokens":500}"#);
        let cost = Spi::get_one::<String>(
            "SELECT trim_scale(cost_usd)::text FROM observa.events WHERE event_id = 'e'",
        );
        assert_eq!(cost, Ok(Some("0.0075".to_owned())));
    }

    #[pg_test(error = "the body has 2 events, more than observa.max_batch_events (1)")]
    fn a_body_with_too_many_events_is_refused() {
        Spi::run("SET LOCAL observa.max_batch_events = 1").unwrap();
        ingest("{\"model\":\"m\"}\n{\"model\":\"n\"}");
    }

    #[pg_test]
    fn null_is_no_body() {
        assert_eq!(Spi::get_one::<bool>("SELECT observa.ingest(NULL::text) IS NULL"), Ok(Some(true)));
    }
}
