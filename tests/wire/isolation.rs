//! Nobody sees or changes what is another tenant's, whatever they try: two tenants with a mark in every text of theirs, and attackers
//! of every kind.

mod everything;
mod load;
mod plans;
mod sessions;
mod tricks;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use observa_tests::Database;
use observa_tests::database::{one, tell};
use observa_tests::event::{lines, llm_call, with};
use postgres::{Client, SimpleQueryMessage};
use serde_json::json;

/// In every text of the tenant that is attacked.
const THEIRS: &str = "zqtheirsqz";

/// In every text of the attackers' own tenant.
const OURS: &str = "zqoursqz";

/// Events that each tenant has.
const EVENTS: i64 = 4;

/// A tenant with a row in every table, and a key of each kind.
struct Tenant {
    id: String,
    mark: &'static str,
    keys: HashMap<&'static str, String>,
}

struct World {
    db: Database,
    ours: Tenant,
    theirs: Tenant,
}

impl World {
    fn new() -> World {
        let mut db = Database::ready();
        let [ours, theirs] = [OURS, THEIRS].map(|mark| tenant(&mut db, mark));
        World { db, ours, theirs }
    }

    /// A login with roles, and what it hears.
    fn login(&mut self, name: &str, roles: &str) -> Attacker {
        let login = format!("{name}_{}", self.db.name);
        self.db.run(&format!("CREATE ROLE {login} LOGIN"));
        if !roles.is_empty() {
            self.db.run(&format!("GRANT {roles} TO {login}"));
        }
        self.again(name)
    }

    /// Another connection of a login.
    fn again(&self, name: &str) -> Attacker {
        let login = format!("{name}_{}", self.db.name);
        let notices = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&notices);
        let mut config = self.db.cluster.config(&self.db.name);
        config.user(&login).notice_callback(move |notice| {
            let told = format!("{} {:?} {:?}\n", notice.message(), notice.detail(), notice.where_());
            heard.lock().unwrap().push_str(&told);
        });
        let client = config.connect(postgres::NoTls).expect("the login connects");
        Attacker { name: name.to_owned(), client, identity: String::new(), notices }
    }

    /// A login of our tenant's that may do all.
    fn insider(&mut self, name: &str) -> Attacker {
        let attacker = self.login(name, "observa_ingest, observa_read, observa_admin");
        self.db.run(&format!("SELECT observa.grant_tenant('{name}_{}', '{}')", self.db.name, self.ours.id));
        attacker
    }

    /// All rows of a tenant, as one text each.
    fn rows(&mut self, of: &str) -> Vec<String> {
        let tables = "SELECT c.oid::regclass::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
                       WHERE c.relnamespace = 'observa_internal'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                       ORDER BY 1";
        let tables: Vec<String> = self.db.rows(tables, &[]).iter().map(|row| row.get(0)).collect();
        let mut rows = Vec::new();
        for table in tables {
            let sql =
                format!("SELECT '{table} ' || t::text FROM {table} t WHERE tenant_id = '{of}' ORDER BY 1");
            rows.extend(self.db.rows(&sql, &[]).iter().map(|row| row.get::<_, String>(0)));
        }
        rows
    }
}

/// A session, and how each of its transactions says who it is.
struct Attacker {
    name: String,
    client: Client,
    identity: String,
    notices: Arc<Mutex<String>>,
}

impl Attacker {
    fn acting_as(mut self, name: &str, identity: String) -> Attacker {
        self.name = name.to_owned();
        self.identity = identity;
        self
    }

    /// A transaction of its own; all that comes back, errors and notices too.
    fn attempt(&mut self, sql: &str) -> String {
        self.client.batch_execute(&format!("BEGIN; {}", self.identity)).expect("an identity");
        let mut heard = match sql.strip_prefix("COPY ").filter(|copy| copy.ends_with("STDOUT")) {
            Some(_) => self.copied(sql),
            None => self.said(sql),
        };
        if let Err(error) = self.client.batch_execute("COMMIT") {
            heard.push_str(&tell(&error));
        }
        heard.push_str(&std::mem::take(&mut *self.notices.lock().unwrap()));
        heard
    }

    fn said(&mut self, sql: &str) -> String {
        match self.client.simple_query(sql) {
            Ok(messages) => text(&messages),
            Err(error) => tell(&error),
        }
    }

    fn copied(&mut self, sql: &str) -> String {
        let mut bytes = Vec::new();
        let copied = self.client.copy_out(sql).map_err(|error| tell(&error));
        let read = copied.and_then(|mut rows| {
            std::io::copy(&mut rows, &mut bytes).map(|_| String::new()).map_err(|error| error.to_string())
        });
        String::from_utf8_lossy(&bytes).into_owned() + &read.unwrap_or_else(|error| error)
    }
}

fn text(messages: &[SimpleQueryMessage]) -> String {
    let mut text = String::new();
    for message in messages {
        if let SimpleQueryMessage::Row(row) = message {
            for column in 0..row.len() {
                text.push_str(row.get(column).unwrap_or("NULL"));
                text.push('\t');
            }
            text.push('\n');
        }
    }
    text
}

fn tenant(db: &mut Database, mark: &'static str) -> Tenant {
    let id = db.tenant(mark).to_string();
    let project: uuid::Uuid =
        db.one(&format!("SELECT observa.create_project('{id}', 'shop {mark}', '{mark}')"));
    let mut make = |arguments: &str| {
        db.one::<String>(&format!(
            "SELECT observa.create_api_key('{project}', {arguments}, name => '{mark}')"
        ))
    };
    let keys = HashMap::from([
        ("both", make("'sk', '{ingest,query}'")),
        ("ingest", make("'sk'")),
        ("query", make("'sk', '{query}'")),
        ("public", make("'pk', origins => '{https://example.com}'")),
    ]);
    plant(db, &id, mark);
    Tenant { id, mark, keys }
}

/// A row in every table with a tenant, and the mark in each of its texts that may be any.
fn plant(db: &mut Database, id: &str, mark: &str) {
    let own = json!({"tenant_id": id, "project_id": format!("shop {mark}")});
    let said = json!({"latency_ms": 9000, "trace_id": "t", "span_id": "s", "conversation_id": "c", "session_id": "v", "user_id": "u",
                      "input": mark, "output": mark, "attributes": {"a": mark}});
    let mut timeless = with(with(llm_call("timeless"), said.clone()), own.clone());
    timeless.as_object_mut().unwrap().remove("timestamp");
    db.run(&format!(
        "SELECT observa.set_metric_tags(id, '{{a}}') FROM observa.projects WHERE tenant_id = '{id}'"
    ));
    let answer = db.ingest(&lines(&[
        with(with(llm_call("a"), said.clone()), own.clone()),
        with(
            with(llm_call("failed"), said),
            with(own.clone(), json!({"status": "error", "error_message": mark})),
        ),
        timeless,
        with(json!({"bad": mark, "model": 5}), own.clone()),
    ]));
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(3), &json!(1)), "{answer}");
    // What maintenance folds, and what it has not folded yet.
    db.run("SELECT observa.run_maintenance()");
    db.ingest(
        &with(with(llm_call("unfolded"), json!({"user_id": "u", "latency_ms": 9000})), own).to_string(),
    );
    db.run(&format!(
        "LOAD 'observa'; SET observa.acting = '{id}//iqa/';
         INSERT INTO observa.logs (message, trace_id) VALUES ('{mark}', 't');
         INSERT INTO observa.model_prices (model, rates) VALUES ('{mark}', '{{\"input\": 0.001}}');
         INSERT INTO observa.budgets (name, amount_usd, period) VALUES ('{mark}', 0.000001, 'day');
         UPDATE observa.detection_rules SET threshold = 6000 WHERE name = 'high_latency';
         SELECT observa.add_scrub_pattern('{id}', '{mark}', '{mark}-[0-9]+'), observa.add_member('{id}', 'owner-{mark}', 'owner');
         SELECT observa.create_webhook(NULL, '{mark}', 'https://{mark}.example.com/{mark}', secret => 'secret-{mark}');
         SELECT observa.test_webhook(id) FROM observa.webhooks WHERE tenant_id = '{id}';
         INSERT INTO observa_internal.alert_candidates (tenant_id, signal_id, ts) VALUES ('{id}', gen_random_uuid(), now());
         INSERT INTO observa_internal.rule_states (tenant_id, alert_key, rule, project_id, environment, alert_group, signal, level, flaps)
         VALUES ('{id}', gen_random_uuid(), '{mark}', gen_random_uuid(), '{mark}', '{mark}', '{mark}', 2, 0);
         INSERT INTO observa_internal.answer_days (tenant_id, day, project_id, environment, model, route, manner, seen_until)
         VALUES ('{id}', current_date, gen_random_uuid(), '{mark}', '{mark}', '{mark}', '{{\"{mark}\": 1}}', '-infinity');
         SELECT observa.report_health('{mark}', 'ok', '{{\"{mark}\": 1}}');
         SELECT observa.mute_rule('{mark}', '{mark}', 'infinity'), observa.note_alert(id, '{mark}') FROM observa.alerts WHERE tenant_id = '{id}';
         SELECT observa.resolve_issue(id, '{mark}') FROM observa.issues WHERE tenant_id = '{id}';
         INSERT INTO observa_internal.issue_backfills (tenant_id) VALUES ('{id}');
         INSERT INTO observa.detection_rules (name, metric, window_minutes, threshold) VALUES ('own', 'count', 5, 1000000);
         INSERT INTO observa.detection_rules (name, expression) VALUES ('own event', 'model = ''{mark}''');
         RESET observa.acting;
         INSERT INTO observa_internal.changed_user_days VALUES ('{id}', current_date);
         INSERT INTO observa_internal.detectors (tenant_id, name, function, run_as, severity, group_by, timeout_ms, last_error)
         VALUES ('{id}', '{mark}', '{mark}', '{mark}', 'low', '{{{mark}}}', 1000, '{mark}');
         INSERT INTO observa_internal.detector_events VALUES ('{id}', gen_random_uuid(), now(), '{mark}');
         INSERT INTO observa_internal.detection_candidates VALUES ('{id}', gen_random_uuid(), 'trace', gen_random_uuid(), '{mark}', now(), now());
         INSERT INTO observa_internal.damaged_deltas VALUES ('{id}', gen_random_uuid(), now(), '{mark}');
         INSERT INTO observa_internal.job_tenants VALUES ('none of {mark}', '{id}', false, 1, 'infinity', '{mark}');
         INSERT INTO observa_internal.logins (login, tenant_id) VALUES ('nobody {mark}', '{id}');
         INSERT INTO observa_internal.span_contents (tenant_id, trace_id, span_id, content_id, project_id, ts, input, arrived_at)
         VALUES ('{id}', 't', 's', gen_random_uuid(), gen_random_uuid(), now(), '{mark}', now())"
    ));
    plant_analysis(db, id, mark);
    let columns = "SELECT c.oid::regclass::text, quote_ident(a.attname), a.atttypid::regtype::text
                     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                    WHERE c.relnamespace = 'observa_internal'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
                      AND EXISTS (SELECT FROM pg_attribute t WHERE t.attrelid = c.oid AND t.attname = 'tenant_id')
                      AND a.atttypid IN ('text'::regtype, 'jsonb'::regtype, 'text[]'::regtype)";
    let columns: Vec<[String; 3]> =
        db.rows(columns, &[]).iter().map(|row| [row.get(0), row.get(1), row.get(2)]).collect();
    for [table, column, kind] in columns {
        let rows = db.count(&format!("{table} WHERE tenant_id = '{id}'"));
        assert!(rows > 0, "{table} has no row of {mark}: plant one");
        let value = match kind.as_str() {
            "text" => format!("coalesce({column}, '') || '{mark}'"),
            "jsonb" => format!("coalesce({column}, '{{}}') || '{{\"m\": \"{mark}\"}}'"),
            _ => format!("{column} || '{mark}'::text"),
        };
        let unmarked =
            format!("SELECT FROM {table} WHERE tenant_id = '{id}' AND {column}::text LIKE '%{mark}%'");
        // What a CHECK has a list of stays as it is.
        let _ = db.client.batch_execute(&format!(
            "UPDATE {table} SET {column} = {value} WHERE tenant_id = '{id}' AND NOT EXISTS ({unmarked})"
        ));
    }
}

/// What judges were shown and have said.
fn plant_analysis(db: &mut Database, id: &str, mark: &str) {
    let sql = include_str!("analysis/planted.sql");
    for statement in sql.split(';').filter(|statement| statement.contains("INSERT")) {
        let of = if statement.contains("FROM observa_internal.analysis_jobs j") { "j" } else { "p" };
        db.run(&format!("{statement} WHERE {of}.tenant_id = '{id}'"));
    }
    db.run(&format!(
        "LOAD 'observa'; SET observa.acting = '{id}//iqa/';
         INSERT INTO observa.evaluators (name, template, description) VALUES ('own_{mark}', '{mark} {{{{answer}}}}', '{mark}');
         RESET observa.acting"
    ));
}

/// What a client may read of somebody's, as a number.
fn count(client: &mut Client, from: &str) -> i64 {
    one(client, &format!("SELECT count(*) FROM {from}"))
}
