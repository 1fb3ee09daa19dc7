//! What a role is granted, it can do with that role alone. Read from the catalogs, so that a new grant is tested, too.

use observa_tests::Database;
use observa_tests::database::{one, tell};
use observa_tests::event::{lines, llm_call, with};
use postgres::Client;
use serde_json::json;
use uuid::Uuid;

const ROLES: [&str; 3] = ["observa_ingest", "observa_read", "observa_admin"];

/// Postgres' own refusals begin so. Ours is another: that nobody is acting.
const REFUSED: &str = "permission denied for";

#[track_caller]
fn is_not_refused(client: &mut Client, role: &str, sql: &str) {
    if let Err(error) = client.batch_execute(sql) {
        assert!(!tell(&error).contains(REFUSED), "{role}: {sql}: {}", tell(&error));
    }
}

/// (name of the view, privilege) of all that a role is granted.
fn granted_views(db: &mut Database, role: &str) -> Vec<(String, String)> {
    let sql = "SELECT c.oid::regclass::text, p FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) p
                WHERE c.relnamespace = 'observa'::regnamespace AND c.relkind = 'v' AND has_table_privilege($1, c.oid, p) ORDER BY 1, 2";
    db.rows(sql, &[&role]).iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Calls of all functions that a role is granted, with a value for each argument.
fn granted_calls(db: &mut Database, role: &str) -> Vec<String> {
    let sql = "SELECT format('SELECT %s(%s)', p.oid::regproc, (SELECT string_agg(CASE t
                       WHEN 'uuid'::regtype THEN 'gen_random_uuid()' WHEN 'timestamptz'::regtype THEN 'now()'
                       WHEN 'boolean'::regtype THEN 'true' WHEN 'bytea'::regtype THEN quote_literal('') || '::bytea'
                       ELSE format('%L::%s', '{}', t::regtype) END, ', ' ORDER BY n)
                  FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (t, n)))
                 FROM pg_proc p WHERE p.pronamespace IN ('observa'::regnamespace, 'observa_internal'::regnamespace)
                  AND p.prorettype <> 'trigger'::regtype AND has_function_privilege($1, p.oid, 'EXECUTE')
                  AND NOT EXISTS (SELECT FROM unnest(p.proargtypes::oid[]) t WHERE t::regtype::text LIKE 'observa%') ORDER BY 1";
    db.rows(sql, &[&role]).iter().map(|row| row.get(0)).collect()
}

#[test]
fn a_login_with_one_role_can_do_all_that_the_role_is_granted() {
    let mut db = Database::ready();
    db.ingest(&lines(&[with(llm_call("a"), json!({"latency_ms": 9000})), json!({"bad": 1})]));
    for role in ROLES {
        let mut client = db.connect_as(role, role);
        let views = granted_views(&mut db, role);
        assert!(!views.is_empty(), "{role}");
        for (view, privilege) in views {
            let sql = match privilege.as_str() {
                "SELECT" => {
                    // No refusal of any kind: what is not one's own is not there.
                    let read = client.batch_execute(&format!("SELECT * FROM {view}"));
                    assert!(read.is_ok(), "{role} reads {view}: {}", tell(&read.unwrap_err()));
                    continue;
                }
                "INSERT" => format!("INSERT INTO {view} (model) VALUES ('m')"),
                "UPDATE" => format!("UPDATE {view} SET project_id = NULL"),
                _ => format!("DELETE FROM {view}"),
            };
            is_not_refused(
                &mut client,
                role,
                &sql.replace("detection_rules (model)", "detection_rules (name)"),
            );
        }
        let calls = granted_calls(&mut db, role);
        assert!(calls.len() > 5, "{role}: {calls:?}");
        for call in calls {
            is_not_refused(&mut client, role, &call);
        }
    }
}

/// A superuser's session that goes on with a role's rights, acting for a tenant.
fn acting(db: &Database, role: &str, tenant: Uuid) -> Client {
    let mut client = db.connect();
    client
        .batch_execute(&format!("LOAD 'observa'; SET observa.acting = '{tenant}//iqa/'; SET ROLE {role}"))
        .unwrap();
    client
}

#[test]
fn a_tenants_administrator_edits_its_rules_and_prices_and_ends_its_alerts() {
    let mut db = Database::ready();
    let [own, other] = ["own", "other"].map(|name| db.tenant(name));
    let slow =
        |tenant: Uuid| with(llm_call("a"), json!({"latency_ms": 9000, "tenant_id": tenant.to_string()}));
    assert_eq!(db.ingest(&lines(&[slow(own), slow(other)]))["alerts"], 2);
    db.run(&format!(
        "UPDATE observa.detection_rules SET tenant_id = '{other}', threshold = 1 WHERE name = 'high_latency'"
    ));
    let alert = |db: &mut Database, tenant: Uuid| -> Uuid {
        db.one(&format!("SELECT id FROM observa.alerts WHERE tenant_id = '{tenant}'"))
    };
    let (own_alert, other_alert) = (alert(&mut db, own), alert(&mut db, other));
    let mut admin = acting(&db, "observa_admin", own);
    let rule = "SELECT threshold FROM observa.detection_rules WHERE name = 'high_latency'";
    assert_eq!(one::<f64>(&mut admin, rule), 5000.0);
    admin
        .batch_execute(
            "UPDATE observa.detection_rules SET threshold = 7000 WHERE name = 'high_latency';
             INSERT INTO observa.model_prices (model, rates) VALUES ('house', '{\"input\": 0.001}')",
        )
        .unwrap();
    assert_eq!(one::<f64>(&mut admin, rule), 7000.0);
    assert_eq!(one::<i64>(&mut admin, "SELECT count(*) FROM observa.model_prices WHERE model = 'house'"), 1);
    admin.batch_execute(&format!("SELECT observa.acknowledge_alert('{own_alert}', 'mine')")).unwrap();
    let refused =
        observa_tests::database::error(&mut admin, &format!("SELECT observa.close_alert('{other_alert}')"));
    assert_eq!(refused.code().code(), "02000", "{refused:?}");
    admin.batch_execute("DELETE FROM observa.detection_rules WHERE name = 'high_latency'; DELETE FROM observa.model_prices WHERE model = 'house'").unwrap();
    assert_eq!(one::<f64>(&mut admin, rule), 5000.0);
    assert_eq!(
        db.count(&format!("observa_internal.detection_rules WHERE tenant_id = '{other}' AND threshold = 1")),
        1
    );
}

#[test]
fn a_tenants_reader_sees_its_rows_in_every_view() {
    let mut db = Database::ready();
    let [own, other] = ["own", "other"].map(|name| db.tenant(name));
    for tenant in [own, other] {
        db.run(&format!("INSERT INTO observa.logs (tenant_id, message) VALUES ('{tenant}', 'a line')"));
        db.run(&format!(
            "SELECT observa.create_api_key(id, 'sk') FROM observa.projects WHERE tenant_id = '{tenant}'"
        ));
        db.run(&format!("LOAD 'observa'; SET observa.acting = '{tenant}//iqa/'; SELECT observa.mute_rule('none', NULL, 'infinity'), observa.report_health('api', 'ok'); RESET observa.acting"));
        db.run(&format!("INSERT INTO observa.budgets (tenant_id, name, amount_usd, period) VALUES ('{tenant}', 'b', 1, 'month')"));
        db.run(&format!(
            "SELECT observa.set_metric_tags(id, '{{tags}}') FROM observa.projects WHERE tenant_id = '{tenant}'"
        ));
        let tenant = json!({"tenant_id": tenant.to_string()});
        db.ingest(&lines(&[
            with(
                with(llm_call("a"), json!({"latency_ms": 9000, "trace_id": "t", "conversation_id": "c", "session_id": "s", "user_id": "u", "tags": ["a"]})),
                tenant.clone(),
            ),
            with(json!({"event_type": "feedback", "type": "like"}), tenant.clone()),
            with(json!({"bad": 1}), tenant),
        ]));
    }
    // What judges do is planted: nobody is asked here.
    db.run(include_str!("analysis/planted.sql"));
    // Some are as of the last round.
    db.run("SELECT observa.run_maintenance()");
    let mut reader = acting(&db, "observa_read", own);
    for (view, privilege) in granted_views(&mut db, "observa_read") {
        assert_eq!(privilege, "SELECT", "{view}");
        // Of an account and of the server, not of a tenant.
        if view.ends_with("user_profiles") || view.ends_with("workers") {
            continue;
        }
        let is_shared = |name: &&str| view.ends_with(*name);
        let own_rows = if ["detection_rules", "evaluators", "model_prices"].iter().any(is_shared) {
            "true"
        } else {
            "tenant_id IS NOT NULL"
        };
        let tenantless = view.ends_with("llm_requests");
        let seen: i64 = one(
            &mut reader,
            &format!("SELECT count(*) FROM {view} WHERE {}", if tenantless { "true" } else { own_rows }),
        );
        assert!(seen > 0, "{view}");
        if !tenantless {
            let others: i64 =
                one(&mut reader, &format!("SELECT count(*) FROM {view} WHERE tenant_id <> '{own}'"));
            assert_eq!(others, 0, "{view}");
        }
    }
    let trace: Option<serde_json::Value> = one(&mut reader, "SELECT observa.trace('t')");
    assert_eq!(trace.unwrap()["summary"]["event_count"], 1);
}
