//! Clients of several tenants, who share few connections by way of pgbouncer's transaction mode.

use observa_tests::database::{error, one};
use observa_tests::event::{llm_call, with};
use observa_tests::{Database, Pooler};
use postgres::{Client, SimpleQueryMessage};
use serde_json::json;

const TENANTS: usize = 4;
const CLIENTS: usize = 20;
const ROUNDS: usize = 10;

/// The columns of a query's only row.
fn row(client: &mut Client, sql: &str) -> Vec<Option<String>> {
    let messages = client.simple_query(sql).unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    let row = messages.iter().find_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    let row = row.expect("a row");
    (0..row.len()).map(|column| row.get(column).map(str::to_owned)).collect()
}

#[test]
fn clients_of_a_pooler_see_their_own_rows_alone_and_are_nobody_after_the_commit() {
    let mut db = Database::ready();
    let keys: Vec<String> = (0..TENANTS)
        .map(|tenant| {
            let id = db.tenant(&format!("tenant {tenant}"));
            db.one(&format!(
                "SELECT observa.create_api_key(id, 'sk', '{{ingest,query}}') FROM observa.projects WHERE tenant_id = '{id}'"
            ))
        })
        .collect();
    let mut app = db.connect_as("app", "observa_ingest, observa_read");
    let login: String = one(&mut app, "SELECT session_user::text");
    drop(app);
    let Some(pooler) = Pooler::before(&db, &login, 2) else { return };
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (pooler, tenant) = (&pooler, number % TENANTS);
            let key = &keys[tenant];
            scope.spawn(move || client(pooler, number, tenant, key));
        }
        let used = format!("pg_stat_activity WHERE usename = '{login}'");
        assert!(db.count(&used) <= 2, "clients share two connections");
    });
    for tenant in 0..TENANTS {
        let stored = db.count(&format!("observa.events WHERE model = 'model-{tenant}'"));
        // A client's last transaction is cut off.
        assert_eq!(stored as usize, CLIENTS / TENANTS * (ROUNDS - 1), "tenant {tenant}");
        let tenants =
            format!("(SELECT DISTINCT tenant_id FROM observa.events WHERE model = 'model-{tenant}') t");
        assert_eq!(db.count(&tenants), 1);
    }
}

fn client(pooler: &Pooler, number: usize, tenant: usize, key: &str) {
    let mut client = pooler.connect();
    for round in 0..ROUNDS {
        let event = with(llm_call(&format!("{number} {round}")), json!({"model": format!("model-{tenant}")}));
        client.batch_execute(&format!("BEGIN; SELECT observa.authenticate('{key}')")).unwrap();
        let sent = row(&mut client, &format!("SELECT observa.ingest('{event}'::text) ->> 'accepted'"));
        assert_eq!(sent[0].as_deref(), Some("1"));
        let seen = row(
            &mut client,
            &format!(
                "SELECT count(*) FILTER (WHERE model <> 'model-{tenant}'), count(*) > 0 FROM observa.events"
            ),
        );
        assert_eq!(seen, [Some("0".into()), Some("t".into())], "client {number} of tenant {tenant}");
        if round + 1 == ROUNDS {
            // It goes away in the middle.
            return;
        }
        client.batch_execute("COMMIT").unwrap();
        if round % 3 == 0 {
            client.batch_execute(&format!("BEGIN; SELECT observa.authenticate('{key}')")).unwrap();
            assert_eq!(error(&mut client, "SELECT 1 / 0").code().code(), "22012");
            client.batch_execute("ROLLBACK").unwrap();
        }
        // Whoever had the connection before.
        let after = row(&mut client, "SELECT observa.current_tenant(), count(*) FROM observa.events");
        assert_eq!(after, [None, Some("0".into())], "client {number} after its commit");
    }
}
