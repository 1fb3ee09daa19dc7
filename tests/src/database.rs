//! A fresh database for each test, and short ways to ask it.

use std::sync::atomic::{AtomicU32, Ordering};

use postgres::types::{FromSql, ToSql};
use postgres::{Client, Row};
use serde_json::Value;
use uuid::Uuid;

use crate::cluster::Cluster;
use crate::programs::ask_pg_config;

/// Held while the template is made.
const TEMPLATE_LOCK: i64 = 0x6f62_7365_7276_6154;

/// A database that is dropped with the value.
pub struct Database {
    pub cluster: Cluster,
    pub name: String,
    pub client: Client,
}

impl Database {
    /// With the extension and its storage, and no event.
    pub fn ready() -> Database {
        let cluster = Cluster::shared();
        let template = template(&cluster);
        Database::create(cluster, Some(&template))
    }

    /// Without the extension.
    pub fn empty() -> Database {
        Database::create(Cluster::shared(), None)
    }

    /// In a cluster of the test's own, with the extension and its storage.
    pub fn ready_in(cluster: Cluster) -> Database {
        let mut database = Database::create(cluster, None);
        database.run("CREATE EXTENSION observa; SELECT observa.setup()");
        database
    }

    /// In a cluster of the test's own, without the extension.
    pub fn empty_in(cluster: Cluster) -> Database {
        Database::create(cluster, None)
    }

    fn create(cluster: Cluster, template: Option<&str>) -> Database {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("t_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let template = template.unwrap_or("template0");
        let mut postgres = cluster.connect("postgres");
        postgres.batch_execute(&format!("DROP DATABASE IF EXISTS {name}")).expect("an old database goes");
        postgres
            .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
            .expect("a fresh database");
        let client = cluster.connect(&name);
        Database { cluster, name, client }
    }

    /// One more connection, as the superuser.
    pub fn connect(&self) -> Client {
        self.cluster.connect(&self.name)
    }

    /// A connection as another login, which is made here with these roles granted.
    pub fn connect_as(&mut self, login: &str, roles: &str) -> Client {
        let login = format!("{login}_{}", self.name);
        self.run(&format!("CREATE ROLE {login} LOGIN"));
        if !roles.is_empty() {
            self.run(&format!("GRANT {roles} TO {login}"));
        }
        let mut config = self.cluster.config(&self.name);
        config.user(&login);
        config.connect(postgres::NoTls).expect("the login connects")
    }

    /// Runs statements without a result.
    #[track_caller]
    pub fn run(&mut self, sql: &str) {
        if let Err(error) = self.client.batch_execute(sql) {
            panic!("{sql}: {}", tell(&error));
        }
    }

    #[track_caller]
    pub fn rows(&mut self, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
        rows(&mut self.client, sql, parameters)
    }

    /// The one value of a query.
    #[track_caller]
    pub fn one<T: for<'r> FromSql<'r>>(&mut self, sql: &str) -> T {
        one(&mut self.client, sql)
    }

    /// The rows of a query as JSON objects.
    #[track_caller]
    pub fn table(&mut self, sql: &str) -> Vec<Value> {
        table(&mut self.client, sql)
    }

    /// The only row of a query as a JSON object.
    #[track_caller]
    pub fn row(&mut self, sql: &str) -> Value {
        let mut rows = self.table(sql);
        assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
        rows.remove(0)
    }

    #[track_caller]
    pub fn count(&mut self, from: &str) -> i64 {
        self.one(&format!("SELECT count(*) FROM {from}"))
    }

    /// Until another session waits for a lock in a statement that names something.
    #[track_caller]
    pub fn wait_for_a_lock(&mut self, named: &str) {
        let begun = std::time::Instant::now();
        let waits = format!("pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%{named}%'");
        while self.count(&waits) == 0 {
            assert!(begun.elapsed().as_secs() < 60, "nobody waits in {named}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// The answer of observa.ingest(text).
    #[track_caller]
    pub fn ingest(&mut self, body: &str) -> Value {
        ingest(&mut self.client, body)
    }

    /// The answer of observa.ingest(bytea).
    #[track_caller]
    pub fn ingest_bytes(&mut self, body: &[u8]) -> Value {
        one_with(&mut self.client, "SELECT observa.ingest($1::bytea)", &[&body])
    }

    /// The error of a statement.
    #[track_caller]
    pub fn error(&mut self, sql: &str) -> postgres::error::DbError {
        error(&mut self.client, sql)
    }

    #[track_caller]
    pub fn tenant(&mut self, name: &str) -> Uuid {
        one_with(&mut self.client, "SELECT observa.create_tenant($1)", &[&name])
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if std::env::var("OBSERVA_TEST_KEEP").is_ok() {
            return;
        }
        let Ok(mut postgres) = self.cluster.config("postgres").connect(postgres::NoTls) else { return };
        let _ = postgres.batch_execute(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
        let ours = format!("SELECT rolname FROM pg_roles WHERE rolname LIKE '%\\_{}'", self.name);
        for login in postgres.query(&ours, &[]).unwrap_or_default() {
            let _ = postgres.batch_execute(&format!("DROP ROLE {}", login.get::<_, String>(0)));
        }
    }
}

/// The database that others are copied from: making storage takes a second, copying it a fraction.
fn template(cluster: &Cluster) -> String {
    let library = std::path::Path::new(&ask_pg_config("--pkglibdir")).join("observa.so");
    let built =
        std::fs::metadata(&library).and_then(|found| found.modified()).expect("the extension is installed");
    let built = built.duration_since(std::time::UNIX_EPOCH).expect("a time after 1970").as_millis();
    // A cluster may outlive a build: then it gets another template.
    let name = format!("observa_template_{built}");
    let mut postgres = cluster.connect("postgres");
    postgres.execute("SELECT pg_advisory_lock($1)", &[&TEMPLATE_LOCK]).expect("the lock");
    let exists = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND datistemplate)";
    if one_with::<bool>(&mut postgres, exists, &[&name]) {
        return name;
    }
    for sql in
        [format!("DROP DATABASE IF EXISTS {name}"), format!("CREATE DATABASE {name} TEMPLATE template0")]
    {
        postgres.batch_execute(&sql).expect("the template is made");
    }
    let mut inside = cluster.connect(&name);
    inside
        .batch_execute("CREATE EXTENSION observa; SELECT observa.setup()")
        .expect("the extension is set up");
    drop(inside);
    postgres
        .batch_execute(&format!("ALTER DATABASE {name} IS_TEMPLATE true"))
        .expect("the template is marked");
    name
}

/// All that an error says, as a client sees it.
pub fn tell(error: &postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => format!(
            "{} {} | {} | {} | {}",
            error.code().code(),
            error.message(),
            error.detail().unwrap_or_default(),
            error.hint().unwrap_or_default(),
            error.where_().unwrap_or_default()
        ),
        None => error.to_string(),
    }
}

#[track_caller]
pub fn rows(client: &mut Client, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> Vec<Row> {
    match client.query(sql, parameters) {
        Ok(rows) => rows,
        Err(error) => panic!("{sql}: {}", tell(&error)),
    }
}

#[track_caller]
pub fn one<T: for<'r> FromSql<'r>>(client: &mut Client, sql: &str) -> T {
    one_with(client, sql, &[])
}

#[track_caller]
pub fn one_with<T: for<'r> FromSql<'r>>(
    client: &mut Client,
    sql: &str,
    parameters: &[&(dyn ToSql + Sync)],
) -> T {
    let rows = rows(client, sql, parameters);
    assert_eq!(rows.len(), 1, "{sql}");
    rows[0].get(0)
}

#[track_caller]
pub fn table(client: &mut Client, sql: &str) -> Vec<Value> {
    rows(client, &format!("SELECT to_jsonb(q) FROM ({sql}) q"), &[]).iter().map(|row| row.get(0)).collect()
}

#[track_caller]
pub fn ingest(client: &mut Client, body: &str) -> Value {
    one_with(client, "SELECT observa.ingest($1::text)", &[&body])
}

/// The error of statements that must fail.
#[track_caller]
pub fn error(client: &mut Client, sql: &str) -> postgres::error::DbError {
    match client.simple_query(sql) {
        Ok(_) => panic!("{sql} did not fail"),
        Err(error) => error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error}")).clone(),
    }
}

/// A statement that has the planner make parallel plans where it can (on) or where it would (off). Its setting has another name since PostgreSQL 16.
pub fn parallel(mode: &str) -> String {
    format!(
        "SELECT set_config(name, '{mode}', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query')"
    )
}
