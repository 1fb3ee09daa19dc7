//! Every table, partition, view and function of the catalogs, as everybody: a new one that is open fails here by itself.

use super::{Attacker, EVENTS, THEIRS, World};
use observa_tests::Database;

/// What SQL can try on a relation: its name, its readable columns, the other tenant.
const ATTEMPTS: [&str; 20] = [
    "SELECT {columns} FROM {relation}",
    "SELECT * FROM {relation}",
    "SELECT {columns} FROM {relation} WHERE tenant_id = '{theirs}'",
    "SELECT {columns} FROM ONLY {relation} TABLESAMPLE SYSTEM (100)",
    "SELECT {columns} FROM {relation} FOR UPDATE",
    "SELECT r::text FROM {relation} r",
    "EXPLAIN (ANALYZE, VERBOSE) SELECT {columns} FROM {relation} WHERE tenant_id = '{theirs}'",
    "SELECT query_to_xml('SELECT {columns} FROM {relation}', true, true, '')",
    "COPY {relation} TO STDOUT",
    "COPY (SELECT {columns} FROM {relation}) TO STDOUT",
    "INSERT INTO {relation} SELECT * FROM {relation}",
    "INSERT INTO {relation} (tenant_id) VALUES ('{theirs}') RETURNING *",
    "UPDATE {relation} SET tenant_id = '{theirs}' RETURNING *",
    "UPDATE {relation} SET {first} = {first} WHERE tenant_id = '{theirs}' RETURNING *",
    "DELETE FROM {relation} WHERE tenant_id = '{theirs}' RETURNING *",
    "DELETE FROM {relation} USING observa.projects RETURNING *",
    "MERGE INTO {relation} r USING (SELECT '{theirs}'::uuid AS id) s ON r.tenant_id = s.id WHEN MATCHED THEN DELETE",
    "TRUNCATE {relation} CASCADE",
    "ALTER TABLE {relation} DISABLE ROW LEVEL SECURITY",
    "SELECT nextval('{relation}'), currval('{relation}')",
];

fn everybody(world: &mut World) -> Vec<Attacker> {
    let all = "observa_ingest, observa_read, observa_admin";
    let mut everybody = vec![world.login("public", ""), world.insider("insider")];
    for role in ["ingest", "read", "admin"] {
        everybody.push(world.login(role, &format!("observa_{role}")));
    }
    let app = world.login("app", all);
    for key in ["both", "ingest", "query", "public"] {
        let identity = format!("SELECT observa.authenticate('{}')", world.ours.keys[key]);
        everybody.push(world.again("app").acting_as(&format!("key {key}"), identity));
    }
    everybody.push(app);
    world.login("gate", all);
    let ours = &world.ours.id;
    let members: String = ["viewer", "member", "owner"]
        .iter()
        .map(|role| format!("SELECT observa.add_member('{ours}', 'a {role}', '{role}');"))
        .collect();
    let name = world.db.name.clone();
    world.db.run(&format!("{members} ALTER DATABASE {name} SET observa.trusted_logins = 'gate_{name}'"));
    for (subject, tenant) in [
        ("a viewer", &world.ours.id),
        ("a member", &world.ours.id),
        ("an owner", &world.ours.id),
        ("a member", &world.theirs.id),
    ] {
        let claims = format!("{{\"sub\": \"{subject}\", \"app_metadata\": {{\"tenant_id\": \"{tenant}\"}}}}");
        let identity = format!("SET LOCAL request.jwt.claims = '{claims}'");
        everybody.push(world.again("gate").acting_as(&format!("{subject} of {tenant}"), identity));
    }
    everybody
}

/// Tables, views and sequences, and of the partitions those that have rows; (name, all columns).
fn relations(db: &mut Database) -> Vec<(String, u32)> {
    let sql = "SELECT c.oid::regclass::text, c.oid FROM pg_class c
                WHERE c.relnamespace IN ('observa'::regnamespace, 'observa_internal'::regnamespace)
                  AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
                  AND (NOT c.relispartition OR pg_relation_size(c.oid) > 0) ORDER BY 1";
    db.rows(sql, &[]).iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// What of the other tenant's can be named without being known to be theirs.
struct Ids {
    uuids: Vec<String>,
    texts: Vec<String>,
}

impl Ids {
    fn of(world: &mut World) -> Ids {
        let theirs = world.theirs.id.clone();
        let mut uuids = vec![theirs.clone()];
        for (column, table) in [
            ("project_id", "projects"),
            ("key_id", "api_keys"),
            ("alert_id", "alerts"),
            ("issue_id", "issues"),
            ("batch_id", "events"),
            ("rejected_id", "rejected_events"),
            ("batch_id", "rejected_events"),
            ("signal_id", "signals"),
            ("price_id", "model_prices"),
            ("budget_id", "budgets"),
            ("webhook_id", "webhooks"),
            ("notification_id", "notifications"),
        ] {
            let sql = format!(
                "SELECT {column}::text FROM observa_internal.{table} WHERE tenant_id = '{theirs}' LIMIT 1"
            );
            uuids.push(world.db.one(&sql));
        }
        let body = format!("{{\"model\": \"m\", \"tenant_id\": \"{theirs}\", \"trace_id\": \"t\"}}");
        let texts =
            vec![format!("t{THEIRS}"), format!("a{THEIRS}"), THEIRS.into(), theirs, body, "sk_0".into()];
        Ids { uuids, texts }
    }
}

/// The text says something of the other tenant that the attacker has not said before.
fn leaks(heard: &str, said: &str, ids: &Ids) -> bool {
    let said: Vec<&String> = ids.texts.iter().filter(|id| said.contains(*id)).collect();
    let unsaid = said.into_iter().fold(heard.to_owned(), |heard, id| heard.replace(id, ""));
    unsaid.contains(THEIRS)
}

/// The place of the leak.
fn hole(who: &str, sql: &str, heard: &str) -> String {
    let line = heard.lines().find(|line| line.contains(THEIRS)).unwrap_or_default();
    format!("{who}: {sql}: {}", line.chars().take(300).collect::<String>())
}

/// Calls with arguments of the other tenant's, of everything that can be called.
fn calls(db: &mut Database, ids: &Ids) -> Vec<String> {
    let sql = "SELECT p.oid::regproc::text, ARRAY(SELECT t::regtype::text FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY a (t, n) ORDER BY n)
                 FROM pg_proc p WHERE p.pronamespace IN ('observa'::regnamespace, 'observa_internal'::regnamespace) ORDER BY 1";
    let mut calls = Vec::new();
    for row in db.rows(sql, &[]) {
        let (name, types): (String, Vec<String>) = (row.get(0), row.get(1));
        let rounds = if types.is_empty() { 1 } else { ids.uuids.len() };
        for round in 0..rounds {
            let arguments: Vec<String> = types.iter().map(|kind| argument(kind, round, ids)).collect();
            calls.push(format!("SELECT {name}({})", arguments.join(", ")));
        }
        calls.push(format!("CREATE TEMP TABLE mine (a text, tenant_id uuid) ON COMMIT DROP; CREATE TRIGGER t AFTER INSERT ON mine EXECUTE FUNCTION {name}()"));
        calls.push(format!("ALTER FUNCTION {name} OWNER TO CURRENT_USER"));
    }
    calls
}

fn argument(kind: &str, round: usize, ids: &Ids) -> String {
    let value = match kind {
        "uuid" => ids.uuids[round % ids.uuids.len()].clone(),
        "text" => ids.texts[round % ids.texts.len()].clone(),
        "json" | "jsonb" => ids.texts[4].clone(),
        "bytea" => {
            format!("\\x{}", ids.texts[4].bytes().map(|byte| format!("{byte:02x}")).collect::<String>())
        }
        "text[]" => "{ingest}".into(),
        "timestamp with time zone" => if round.is_multiple_of(2) { "-infinity" } else { "infinity" }.into(),
        "boolean" => "true".into(),
        "interval" => "1 hour".into(),
        "bigint" | "double precision" | "integer" => round.to_string(),
        _ => return if kind == "name" { "SESSION_USER".into() } else { format!("NULL::{kind}") },
    };
    format!("'{value}'::{kind}")
}

#[test]
fn nothing_of_another_tenant_is_seen_or_changed_by_anybody() {
    let mut world = World::new();
    let everybody = everybody(&mut world);
    let ids = Ids::of(&mut world);
    let relations = relations(&mut world.db);
    let calls = calls(&mut world.db, &ids);
    assert!(
        relations.len() > 35 && calls.len() > 400,
        "{} relations, {} calls",
        relations.len(),
        calls.len()
    );
    let theirs = world.theirs.id.clone();
    let before = world.rows(&theirs);
    assert!(
        before.len() > 25 && before.iter().filter(|row| row.contains(THEIRS)).count() > 20,
        "{before:#?}"
    );
    let mut holes = Vec::new();
    for mut attacker in everybody {
        let mut reads_own = 0;
        for (relation, oid) in &relations {
            let readable = format!(
                "SELECT coalesce(string_agg(quote_ident(attname), ', '), '*'), coalesce(min(quote_ident(attname)), 'ctid') FROM pg_attribute
                  WHERE attrelid = {oid} AND attnum > 0 AND NOT attisdropped AND has_column_privilege(attrelid, attnum, 'SELECT')"
            );
            let row = attacker.client.query_one(&readable, &[]).unwrap();
            let (columns, first): (String, String) = (row.get(0), row.get(1));
            for attempt in ATTEMPTS {
                let sql = attempt
                    .replace("{columns}", &columns)
                    .replace("{first}", &first)
                    .replace("{relation}", relation)
                    .replace("{theirs}", &theirs);
                let heard = attacker.attempt(&sql);
                reads_own += usize::from(heard.contains(super::OURS));
                if leaks(&heard, &sql, &ids) {
                    holes.push(hole(&attacker.name, &sql, &heard));
                }
            }
        }
        for sql in &calls {
            let heard = attacker.attempt(sql);
            if leaks(&heard, sql, &ids) {
                holes.push(hole(&attacker.name, sql, &heard));
            }
        }
        // What it sent itself and had refused, and what it muted of its own, names the other tenant.
        let sent = format!(
            "DELETE FROM observa_internal.rejected_events WHERE tenant_id = '{ours}' AND NOT any_tenant;
             DELETE FROM observa_internal.rule_mutes WHERE tenant_id = '{ours}' AND rule LIKE '%{THEIRS}%'",
            ours = world.ours.id
        );
        world.db.run(&sent);
        let reads = ["insider", "key both", "key query", "a viewer", "a member", "an owner"];
        let is_reader =
            reads.iter().any(|name| attacker.name.starts_with(name)) && !attacker.name.contains(&theirs);
        // An attack that sees nothing of its own shows nothing.
        let is_member = !attacker.name.starts_with("an owner");
        assert!(!(is_reader && is_member) || reads_own > 10, "{} sees {reads_own} of its own", attacker.name);
        let after = world.rows(&theirs);
        let gone: Vec<&String> = before.iter().filter(|row| !after.contains(row)).collect();
        let new: Vec<&String> = after.iter().filter(|row| !before.contains(row)).collect();
        assert!(gone.is_empty() && new.is_empty(), "{} has changed {gone:#?} to {new:#?}", attacker.name);
    }
    assert!(holes.is_empty(), "{holes:#?}");
}

#[test]
fn no_login_is_what_sees_every_tenant() {
    let mut db = Database::ready();
    let members = "pg_auth_members m WHERE m.roleid IN ('observa_owner'::regrole, 'observa_system'::regrole)";
    assert_eq!(db.count(members), 0);
    assert_eq!(db.count("pg_roles WHERE rolname IN ('observa_owner', 'observa_system') AND rolcanlogin"), 0);
    let mut login = db.connect_as("login", "observa_ingest, observa_read, observa_admin");
    for role in ["observa_owner", "observa_system", "postgres"] {
        for sql in [
            format!("SET ROLE {role}"),
            format!("SET SESSION AUTHORIZATION {role}"),
            format!("GRANT {role} TO CURRENT_USER"),
        ] {
            assert_eq!(observa_tests::database::error(&mut login, &sql).code().code(), "42501", "{sql}");
        }
    }
    // A role that somebody else has made and is a member of would be a door that stays open.
    let creator = format!("creator_{}", db.name);
    db.run(&format!("CREATE ROLE {creator}"));
    let mut other = Database::empty();
    let refused = other
        .client
        .batch_execute(&format!("BEGIN; GRANT observa_system TO {creator}; CREATE EXTENSION observa"));
    assert!(observa_tests::database::tell(&refused.unwrap_err()).contains("has members"));
    other.run("ROLLBACK");
}

#[test]
fn partitions_and_their_statistics_are_nobodys() {
    let mut world = World::new();
    let open = "pg_class c WHERE c.relnamespace = 'observa_internal'::regnamespace AND c.relispartition AND c.relkind IN ('r', 'p')
                 AND (NOT c.relrowsecurity OR NOT c.relforcerowsecurity OR EXISTS (SELECT FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner))";
    assert_eq!(world.db.count(open), 0);
    world.db.run("ANALYZE");
    let mut insider = world.insider("insider");
    for view in ["pg_stats", "pg_stats_ext", "pg_stats_ext_exprs"] {
        let heard =
            insider.attempt(&format!("SELECT s::text FROM {view} s WHERE schemaname LIKE 'observa%'"));
        assert_eq!(heard, "", "{view}");
    }
    for table in ["pg_statistic", "pg_statistic_ext_data", "pg_largeobject", "pg_authid"] {
        assert!(insider.attempt(&format!("SELECT * FROM {table}")).contains("permission denied"), "{table}");
    }
    assert!(world.theirs.mark == THEIRS && super::count(&mut insider.client, "observa.events") == EVENTS);
}
