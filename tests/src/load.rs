//! Many clients of many tenants at once, and whether any waits for another tenant.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use postgres::{Client, Config, NoTls};
use serde_json::json;

use crate::event::{lines, llm_call, with};

/// How many clients, and of how many tenants.
pub struct Load {
    pub clients: usize,
    pub tenants: usize,
    pub duration: Duration,
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    pub transactions: u64,
    /// Samples of who waits for what.
    pub samples: u64,
    /// Waits for a lock that another tenant's client held, but for those in which a file grows.
    pub waits_for_others: Vec<String>,
    pub errors: Vec<String>,
    /// Rows of another tenant's that a client saw, and rows of its own that are missing.
    pub wrong_rows: i64,
    pub deadlocks: i64,
}

/// Waiters and who holds what they wait for, both by their clients' names.
const WAITS: &str = "
    SELECT w.wait_event || ': ' || w.application_name || ' for ' || b.application_name
      FROM pg_stat_activity w, unnest(pg_blocking_pids(w.pid)) blocker JOIN pg_stat_activity b ON b.pid = blocker
     WHERE w.datname = current_database() AND w.wait_event_type = 'Lock' AND w.wait_event <> 'extend'
       AND w.application_name <> b.application_name";

impl Load {
    /// `config` is a superuser's, to a database with the extension; `login` may ingest and read, and is nobody's.
    pub fn run(&self, config: &Config, login: &str) -> Outcome {
        let mut root = config.connect(NoTls).expect("the superuser connects");
        let keys: Vec<String> = (0..self.tenants).map(|tenant| key(&mut root, tenant)).collect();
        let (ends, sent) = (AtomicBool::new(false), AtomicU64::new(0));
        let mut outcome = Outcome::default();
        std::thread::scope(|scope| {
            let clients: Vec<_> = (0..self.clients)
                .map(|number| {
                    let (tenant, mut config) = (number % self.tenants, config.clone());
                    config.user(login).application_name(&format!("tenant {tenant}"));
                    let (key, ends, sent) = (&keys[tenant], &ends, &sent);
                    scope.spawn(move || {
                        let mut client = config.connect(NoTls).map_err(|error| error.to_string())?;
                        let mut wrong = 0;
                        for round in 0.. {
                            if ends.load(Ordering::Relaxed) {
                                break;
                            }
                            wrong += turn(&mut client, key, tenant, &format!("{number} {round}"))
                                .map_err(|error| format!("{error:?}"))?;
                            sent.fetch_add(1, Ordering::Relaxed);
                        }
                        Ok::<i64, String>(wrong)
                    })
                })
                .collect();
            let end = Instant::now() + self.duration;
            while Instant::now() < end {
                let waits = root.query(WAITS, &[]).expect("who waits");
                outcome.waits_for_others.extend(waits.iter().map(|row| row.get::<_, String>(0)));
                outcome.samples += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            ends.store(true, Ordering::Relaxed);
            for client in clients {
                match client.join().expect("a client's thread") {
                    Ok(wrong) => outcome.wrong_rows += wrong,
                    Err(error) => outcome.errors.push(error),
                }
            }
        });
        outcome.transactions = sent.into_inner();
        let one = |root: &mut Client, sql: &str| root.query_one(sql, &[]).expect("a number").get::<_, i64>(0);
        let stored = one(&mut root, "SELECT count(*) FROM observa_internal.events WHERE model LIKE 'load %'");
        outcome.wrong_rows += (stored - 2 * outcome.transactions as i64).abs();
        outcome.deadlocks =
            one(&mut root, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");
        outcome
    }
}

fn key(root: &mut Client, tenant: usize) -> String {
    let id: uuid::Uuid = root
        .query_one("SELECT observa.create_tenant($1)", &[&format!("load {tenant}")])
        .expect("a tenant")
        .get(0);
    let sql = "SELECT observa.create_api_key(id, 'sk', '{ingest,query}') FROM observa.projects WHERE tenant_id = $1";
    root.query_one(sql, &[&id]).expect("a key").get(0)
}

/// Sends two events, one of which is one of few alerts of all its tenant's clients, and looks at the newest; how many rows are
/// not its own.
fn turn(client: &mut Client, key: &str, tenant: usize, id: &str) -> Result<i64, postgres::Error> {
    let model = format!("load {tenant}");
    let body = lines(&[
        with(llm_call(&format!("a {id}")), json!({"model": model, "trace_id": "everybody's"})),
        with(
            llm_call(&format!("b {id}")),
            json!({"model": model, "latency_ms": 9000, "conversation_id": "everybody's"}),
        ),
    ]);
    let mut transaction = client.transaction()?;
    transaction.execute("SELECT observa.authenticate($1)", &[&key])?;
    let accepted: i64 =
        transaction.query_one("SELECT (observa.ingest($1::text) ->> 'accepted')::bigint", &[&body])?.get(0);
    let seen = "SELECT count(*) FILTER (WHERE model <> $1), count(*)
                  FROM (SELECT model FROM observa.events WHERE ts > now() - interval '1 minute' ORDER BY ts DESC LIMIT 50) e";
    let seen = transaction.query_one(seen, &[&model])?;
    let (foreign, all): (i64, i64) = (seen.get(0), seen.get(1));
    transaction.commit()?;
    Ok(foreign + i64::from(all == 0) + (2 - accepted).abs())
}
