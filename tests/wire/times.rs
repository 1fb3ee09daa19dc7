//! A time that is asked for begins before it ends.

use observa_tests::Database;

#[test]
fn each_function_of_a_time_refuses_one_that_ends_before_it_begins() {
    let mut db = Database::ready();
    let functions = db.table(
        "SELECT p.oid::regproc::text AS name
           FROM pg_proc p
          WHERE p.pronamespace = 'observa'::regnamespace AND p.proargnames @> '{since,until}' ORDER BY 1",
    );
    assert!(functions.len() >= 20, "{functions:#?}");
    for function in functions {
        let name = function["name"].as_str().unwrap();
        let more = match name {
            "observa.dashboard_breakdown" => "dimension => 'model', ",
            r#"observa."similar""# => "query => 'tents', ",
            "observa.similar_events" => "event_id => 'one', ",
            "observa.test_rule" => "rule => 'high_latency', ",
            _ => "",
        };
        let call = format!("SELECT * FROM {name}({more}since => now(), until => now() - interval '1 day')");
        let refused = db.error(&call);
        assert_eq!(refused.code().code(), "22023", "{call}: {refused:?}");
        assert!(refused.message().contains("since"), "{call}: {}", refused.message());
    }
}
