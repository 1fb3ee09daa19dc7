//! What documents show as SQL runs as it stands.

use observa_tests::Database;
use observa_tests::event::llm_call;

/// The blocks of SQL of a page.
fn examples(page: &str) -> Vec<&str> {
    page.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

#[test]
fn the_examples_of_dashboards_run() {
    let mut db = Database::ready();
    db.ingest(&llm_call("e").to_string());
    let examples = examples(include_str!("../../docs/dashboard-functions.md"));
    assert!(examples.len() > 2);
    examples.into_iter().for_each(|example| db.run(example));
}
