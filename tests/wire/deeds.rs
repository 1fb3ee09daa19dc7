//! No administrative act without its row: every function that an administrator may call, read from the catalog.

use observa_tests::Database;
use observa_tests::database::one;
use observa_tests::event::{llm_call, with};
use serde_json::json;

use crate::accounts::{PASSWORD, Stage, claims, pass_on, stage};

/// Who asks only says who asks: what they then do is the act.
const ASKS: &[&str] = &[
    "observa.authenticate(text)",
    "observa.pre_request()",
    "observa_internal.check_request()",
    "observa_internal.maintenance_worker()",
];

/// Functions in the order in which their calls make sense, the call, and what the log is to say. $tenant, $project and $password
/// stand for what they name; the call is the superuser's, but for `logout`, which is of a JWT.
const CALLS: &[(&str, &str, &str)] = &[
    ("observa.create_tenant(text)", "('other')", "create_tenant"),
    ("observa.create_project(uuid,text,text)", "('$tenant', 'search')", "create_project"),
    ("observa.quality_scores(uuid,boolean)", "('$project', false)", "quality_scores"),
    ("observa.scrub_emails(uuid,boolean)", "('$project', true)", "scrub_emails"),
    ("observa.set_analysis(uuid,double precision,numeric)", "('$project', 0.5, 0.5)", "set_analysis"),
    ("observa.set_metric_tags(uuid,text[])", "('$project', '{customer}')", "set_metric_tags"),
    ("observa.set_retention(uuid,integer,integer)", "('$project', 400, 300)", "set_retention"),
    ("observa.add_member(uuid,text,text)", "('$tenant', 'ann', 'viewer')", "add_member"),
    ("observa.remove_member(uuid,text)", "('$tenant', 'ann')", "remove_member"),
    ("observa.add_scrub_pattern(uuid,text,text)", "('$tenant', 'badge', 'BDG-[0-9]+')", "add_scrub_pattern"),
    ("observa.remove_scrub_pattern(uuid,text)", "('$tenant', 'badge')", "remove_scrub_pattern"),
    (
        "observa.create_api_key(uuid,text,text[],text[],timestamp with time zone,text)",
        "('$project', 'sk')",
        "create_api_key",
    ),
    ("observa.rotate_api_key(uuid,interval)", "((SELECT id FROM observa.api_keys))", "rotate_api_key"),
    ("observa.revoke_api_key(uuid)", "((SELECT id FROM observa.api_keys LIMIT 1))", "revoke_api_key"),
    ("observa.acknowledge_alert(uuid,text)", "((SELECT id FROM observa.alerts))", "acknowledge_alert"),
    ("observa.resolve_alert(uuid,text)", "((SELECT id FROM observa.alerts), 'mended')", "resolve_alert"),
    (
        "observa.mute_rule(text,text,timestamp with time zone)",
        "('llm_error', NULL, now() + interval '1 hour')",
        "mute_rule",
    ),
    ("observa.resolve_issue(uuid,text)", "((SELECT id FROM observa.issues), 'mended')", "resolve_issue"),
    (
        "observa.ignore_issue(uuid,timestamp with time zone)",
        "((SELECT id FROM observa.issues))",
        "ignore_issue",
    ),
    ("observa.reopen_issue(uuid)", "((SELECT id FROM observa.issues))", "reopen_issue"),
    ("observa.reopen_alert(uuid,text)", "((SELECT id FROM observa.alerts), 'not mended')", "reopen_alert"),
    ("observa.assign_alert(uuid,text,text)", "((SELECT id FROM observa.alerts), 'ann')", "assign_alert"),
    ("observa.note_alert(uuid,text)", "((SELECT id FROM observa.alerts), 'it is the index')", "note_alert"),
    ("observa.close_alert(uuid,text)", "((SELECT id FROM observa.alerts))", "close_alert"),
    (
        "observa.create_webhook(uuid,text,text,text,text,text)",
        "('$project', 'ops', 'https://hooks.example.com/services/x')",
        "create_webhook",
    ),
    ("observa.test_webhook(uuid)", "((SELECT id FROM observa.webhooks))", "test_webhook"),
    (
        "observa.update_webhook(uuid,boolean,text,text,text,text)",
        "((SELECT id FROM observa.webhooks), enabled => false)",
        "update_webhook",
    ),
    ("observa.delete_webhook(uuid)", "((SELECT id FROM observa.webhooks))", "delete_webhook"),
    ("observa.load_prices(jsonb,text)", "('$prices')", "load_prices"),
    ("observa_internal.load_prices(text,text)", "('$prices', 'litellm')", "load_prices"),
    ("observa.unload_prices(text)", "('litellm')", "unload_prices"),
    (
        "observa.reprice(timestamp with time zone,timestamp with time zone)",
        "('-infinity', 'infinity')",
        "reprice",
    ),
    (
        "observa.retranslate(timestamp with time zone,timestamp with time zone)",
        "('-infinity', 'infinity')",
        "retranslate",
    ),
    ("observa.export_user(text,uuid)", "('u-1')", "export_user"),
    ("observa.export_user_rows(text,uuid)", "('u-1')", "export_user"),
    ("observa.forget_user(text,uuid)", "('u-1')", "forget_user"),
    ("observa.signup(text,text,text)", "('ann@example.com', '$password', 'Acme')", "signup"),
    ("observa.login(text,text)", "('ann@example.com', '$password')", "login"),
    ("observa.logout()", "()", "logout"),
    ("observa.replay_rejected(uuid)", "()", "replay_rejected"),
    ("observa.limit_project(uuid,integer,bigint)", "('$project', 1000000, NULL)", "limit_project"),
    ("observa.grant_tenant(name,uuid)", "('postgres', '$tenant')", "grant_tenant"),
];

const PRICES: &str = r#"{"house-model": {"litellm_provider": "house", "mode": "chat", "input_cost_per_token": 0.001, "output_cost_per_token": 0.002}}"#;

#[test]
fn every_act_of_an_administrator_leaves_a_row() {
    let Stage { mut db, mut gate, _secret } = stage(Database::ready());
    let tenant: String = db.one("SELECT tenant_id::text FROM observa_internal.tenants");
    let project: String = db.one("SELECT id::text FROM observa.projects");
    db.ingest(&with(llm_call("e"), json!({"latency_ms": 9000})).to_string());
    db.ingest("{\"bad\": 1}");
    let mut signed_in = None;
    for (function, arguments, action) in CALLS {
        let name = function.split_once('(').unwrap().0;
        let arguments = [
            ("$tenant", tenant.as_str()),
            ("$project", &project),
            ("$password", PASSWORD),
            ("$prices", PRICES),
        ]
        .iter()
        .fold((*arguments).to_owned(), |text, (name, value)| text.replace(name, value));
        // What is all tenants' is recorded where it changed something, so these act for one.
        let acts = ["observa.reprice", "observa.retranslate"].contains(&name);
        let acting = if acts { format!("{tenant}//iqa/") } else { String::new() };
        let call = format!("SELECT {name}{arguments}");
        let rows = format!("observa.audit_log WHERE action = '{action}'");
        let before = db.count(&rows);
        match name {
            "observa.login" => signed_in = Some(claims(&db.one(&call))),
            "observa.logout" => {
                pass_on(&mut gate, signed_in.as_ref().unwrap());
                gate.batch_execute(&call).unwrap();
            }
            _ if acts => db.run(&format!("SET observa.acting = '{acting}'; {call}; RESET observa.acting")),
            _ => db.run(&call),
        }
        assert_eq!(db.count(&rows), before + 1, "{call}");
    }
    let granted = "SELECT p.oid::regprocedure::text FROM pg_proc p
                    WHERE p.pronamespace IN ('observa'::regnamespace, 'observa_internal'::regnamespace)
                      AND p.provolatile = 'v' AND p.prorettype <> 'trigger'::regtype
                      AND has_function_privilege('observa_admin', p.oid, 'EXECUTE')";
    for row in db.rows(granted, &[]) {
        let function: String = row.get(0);
        let is_known =
            ASKS.contains(&function.as_str()) || CALLS.iter().any(|(called, ..)| *called == function);
        assert!(is_known, "{function} needs a call here, and a row of the audit log");
    }
}

#[test]
fn a_tenants_loads_and_edits_are_in_its_own_log() {
    let mut db = Database::ready();
    let tenant = db.tenant("ours").to_string();
    let mut boss = db.connect_as("boss", "observa_admin, observa_read");
    let login: String = one(&mut boss, "SELECT session_user::text");
    db.run(&format!("SELECT observa.grant_tenant('{login}', '{tenant}')"));
    for (act, action) in [
        (format!("SELECT observa.load_prices('{PRICES}')"), "load_prices"),
        ("SELECT observa.unload_prices('litellm')".into(), "unload_prices"),
        ("SELECT observa.reprice('-infinity', 'infinity')".into(), "reprice"),
        ("SELECT observa.retranslate('-infinity', 'infinity')".into(), "retranslate"),
        ("INSERT INTO observa.model_prices (model, rates) VALUES ('house', '{}')".into(), "edit_model_price"),
        ("UPDATE observa.model_prices SET provider = 'p' WHERE model = 'house'".into(), "edit_model_price"),
        ("DELETE FROM observa.model_prices WHERE model = 'house'".into(), "edit_model_price"),
        (
            "INSERT INTO observa.budgets (name, amount_usd, period) VALUES ('b', 1, 'day')".into(),
            "edit_budget",
        ),
        ("UPDATE observa.budgets SET amount_usd = 2".into(), "edit_budget"),
        ("DELETE FROM observa.budgets".into(), "edit_budget"),
        ("INSERT INTO observa.detection_rules (name) VALUES ('high_cost')".into(), "edit_detection_rule"),
    ] {
        let rows = format!(
            "observa.audit_log WHERE action = '{action}' AND tenant_id = '{tenant}' AND actor = 'login {login}'"
        );
        let before = db.count(&rows);
        boss.batch_execute(&act).unwrap_or_else(|error| panic!("{act}: {error:?}"));
        assert_eq!(db.count(&rows), before + 1, "{act}");
    }
    assert_eq!(
        db.count(
            "observa.audit_log a JOIN observa_internal.tenants t USING (tenant_id) WHERE t.name = 'default'"
        ),
        1,
        "its making"
    );
}

#[test]
fn a_key_that_replays_is_named() {
    let mut db = Database::ready();
    db.ingest("{\"bad\": 1}");
    let key: String = db.one("SELECT observa.create_api_key((SELECT id FROM observa.projects), 'sk')");
    let mut app = db.connect_as("app", "observa_ingest");
    app.batch_execute(&format!(
        "BEGIN; SELECT observa.authenticate('{key}'); SELECT observa.replay_rejected(); COMMIT"
    ))
    .unwrap();
    assert_eq!(
        db.count("observa.audit_log l JOIN observa.api_keys k ON l.actor = 'key ' || k.id WHERE l.action = 'replay_rejected'"),
        1
    );
    db.run("SELECT observa.replay_rejected(gen_random_uuid())");
    assert_eq!(db.count("observa.audit_log WHERE action = 'replay_rejected'"), 1, "nothing was taken");
}
