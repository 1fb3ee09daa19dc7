//! Tenants at once: see `observa_tests::load`.

use std::time::Duration;

use observa_tests::load::Load;
use observa_tests::{Cluster, Database};

#[test]
fn clients_of_many_tenants_wait_for_none_of_another() {
    let mut db = Database::ready_in(Cluster::own("load", "shared_preload_libraries = 'observa'"));
    let _ = db.connect_as("app", "observa_ingest, observa_read");
    let load = Load { clients: 64, tenants: 16, duration: Duration::from_secs(5) };
    let outcome = load.run(&db.cluster.config(&db.name), &format!("app_{}", db.name));
    assert!(outcome.transactions > 64 && outcome.samples > 20, "{outcome:?}");
    assert!(outcome.errors.is_empty() && outcome.waits_for_others.is_empty(), "{outcome:?}");
    assert_eq!((outcome.wrong_rows, outcome.deadlocks), (0, 0), "{outcome:?}");
}
