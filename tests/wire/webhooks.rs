//! Webhooks: who may have them, and what nobody sees of them. How they are delivered is in `deliveries`.

use observa_tests::Database;
use observa_tests::database::{error, one, table};
use observa_tests::event::{llm_call, with};
use serde_json::json;
use uuid::Uuid;

const SLACK: &str = "https://hooks.slack.example.com/services/T0/B0/slack-path-secret";

fn create(db: &mut Database, arguments: &str) -> Uuid {
    db.one(&format!("SELECT id FROM observa.create_webhook({arguments})"))
}

fn alert(db: &mut Database, route: &str, latency_ms: i64) {
    let event = with(llm_call(route), json!({"latency_ms": latency_ms, "route": route}));
    assert_eq!(db.ingest(&event.to_string())["alerts"], 1);
}

#[test]
fn a_secret_is_made_and_shown_once() {
    let mut db = Database::ready();
    let made = db.row("SELECT * FROM observa.create_webhook(NULL, 'ops', 'https://hooks.example.com/x')");
    let secret = made["made_secret"].as_str().expect("a secret").to_owned();
    assert!(secret.starts_with("whsec_") && secret.len() > 60, "{secret}");
    let given = db.row("SELECT * FROM observa.create_webhook(NULL, 'own', 'https://hooks.example.com/x', secret => 'our-own-secret')");
    assert_eq!(given["made_secret"], json!(null));
    create(&mut db, &format!("NULL, 'chat', '{SLACK}', 'slack'"));
    create(&mut db, "NULL, 'pager', format => 'pagerduty', secret => 'routing-key-0123456789'");
    let shown =
        db.table("SELECT name, url, format, min_severity, enabled FROM observa.webhooks ORDER BY name");
    assert_eq!(
        shown[0],
        json!({"name": "chat", "url": "https://hooks.slack.example.com", "format": "slack", "min_severity": "warning", "enabled": true})
    );
    assert_eq!(shown[3]["url"], "https://events.pagerduty.com");
    // Whatever an administrator may read, and what is logged of the acts.
    let mut admin = db.connect_as("admin", "observa_admin, observa_read, observa_ingest");
    let (login, tenant) = (
        one::<String>(&mut admin, "SELECT session_user::text"),
        db.one::<Uuid>("SELECT tenant_id FROM observa_internal.tenants"),
    );
    db.run(&format!("SELECT observa.grant_tenant('{login}', '{tenant}')"));
    assert_eq!(table(&mut admin, "SELECT * FROM observa.webhooks").len(), 4);
    let seen = format!(
        "{:?} {:?} {:?}",
        table(&mut admin, "SELECT * FROM observa.webhooks"),
        table(&mut admin, "SELECT * FROM observa.audit_log"),
        table(&mut admin, "SELECT * FROM observa.notifications"),
    );
    for secret in [secret.as_str(), "our-own-secret", "slack-path-secret", "routing-key"] {
        assert!(!seen.contains(secret), "{secret} is in {seen}");
    }
    for column in ["secret", "url"] {
        let refused = error(&mut admin, &format!("SELECT {column} FROM observa_internal.webhooks"));
        assert_eq!(refused.code().code(), "42501", "{column}");
    }
    for call in ["claim_notifications(1)", "record_delivery(NULL, NULL, NULL, NULL, NULL, NULL, NULL)"] {
        let refused = error(&mut admin, &format!("SELECT observa_internal.{call}"));
        assert_eq!(refused.code().code(), "42501", "{call}");
    }
}

#[test]
fn what_can_lead_to_private_places_or_is_no_webhook_is_refused() {
    let mut db = Database::ready();
    for arguments in [
        "NULL, 'x', 'http://hooks.example.com/'",
        "NULL, 'x', 'https://127.0.0.1/'",
        "NULL, 'x', 'https://[::1]/'",
        "NULL, 'x', 'https://169.254.169.254/latest'",
        "NULL, 'x', 'https://2130706433/'",
        "NULL, 'x', 'https://user:hunter2x@hooks.example.com/'",
        "NULL, 'x', 'file:///etc/passwd'",
        "NULL, 'x', NULL",
        "NULL, '', 'https://hooks.example.com/'",
        "NULL, 'x', 'https://hooks.example.com/', 'teams'",
        "NULL, 'x', 'https://hooks.example.com/', 'generic', 'loud'",
        "NULL, 'x', 'https://hooks.example.com/', secret => 'short'",
        "NULL, 'x', format => 'pagerduty'",
        "gen_random_uuid(), 'x', 'https://hooks.example.com/'",
    ] {
        let refused = db.error(&format!("SELECT observa.create_webhook({arguments})"));
        assert_eq!(refused.code().code(), "22023", "{arguments}: {refused:?}");
        let told = format!("{refused:?}");
        assert!(!told.contains("hunter2x") && !told.contains("latest"), "{told}");
    }
    let id = create(&mut db, "NULL, 'x', 'https://hooks.example.com/'");
    let refused = db.error(&format!("SELECT observa.update_webhook('{id}', url => 'https://10.0.0.1/')"));
    assert_eq!(refused.code().code(), "22023");
    assert_eq!(db.count("observa.webhooks"), 1);
}

#[test]
fn alerts_are_queued_once_for_those_who_want_them() {
    let mut db = Database::ready();
    let project: Uuid = db.one("SELECT id FROM observa.projects");
    let tenant: Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants");
    let second: Uuid = db.one(&format!("SELECT observa.create_project('{tenant}', 'second')"));
    let hook = "'https://hooks.example.com/'";
    let all = create(&mut db, &format!("NULL, 'all', {hook}"));
    create(&mut db, &format!("'{project}', 'critical', {hook}, min_severity => 'critical'"));
    create(&mut db, &format!("'{second}', 'other project', {hook}"));
    let off = create(&mut db, &format!("NULL, 'off', {hook}"));
    db.run(&format!("SELECT observa.update_webhook('{off}', enabled => false)"));
    alert(&mut db, "/high", 9000);
    alert(&mut db, "/medium", 3000);
    for _ in 0..2 {
        db.run("SELECT observa.run_maintenance()");
    }
    let queued = |db: &mut Database| {
        db.table(
            "SELECT w.name, a.severity, n.event, n.state FROM observa.notifications n JOIN observa.webhooks w ON w.id = n.webhook_id
               JOIN observa.alerts a ON a.id = n.alert_id ORDER BY 1, 2, 3",
        )
    };
    let row = |name: &str, severity: &str, event: &str| json!({"name": name, "severity": severity, "event": event, "state": "pending"});
    assert_eq!(
        queued(&mut db),
        [
            row("all", "critical", "raised"),
            row("all", "warning", "raised"),
            row("critical", "critical", "raised")
        ]
    );
    // Acknowledged and resolved between two looks: both are told.
    db.run("SELECT observa.acknowledge_alert(id), observa.resolve_alert(id) FROM observa.alerts WHERE severity = 'warning'");
    for _ in 0..2 {
        db.run("SELECT observa.run_maintenance()");
    }
    assert_eq!(
        db.count(&format!(
            "observa.notifications WHERE webhook_id = '{all}' AND event IN ('acknowledged', 'resolved')"
        )),
        2
    );
    assert_eq!(db.count("observa.notifications"), 5);
    db.run(&format!("SELECT observa.delete_webhook('{all}')"));
    assert_eq!(db.count("observa.notifications"), 1);
    assert_eq!(db.error(&format!("SELECT observa.test_webhook('{all}')")).code().code(), "02000");
    assert_eq!(
        db.error(&format!("SELECT observa.test_webhook('{off}')")).code().code(),
        "02000",
        "it is not enabled"
    );
}

#[test]
fn too_many_and_too_old_ones_are_given_up_and_the_log_is_kept_for_its_time() {
    let mut db = Database::ready();
    let id = create(&mut db, "NULL, 'x', 'https://hooks.example.com/'");
    db.run(&format!(
        "INSERT INTO observa_internal.notifications (tenant_id, webhook_id, event, dedup_key, created_at)
         SELECT tenant_id, webhook_id, 'test', n::text, now() - n * interval '1 second'
           FROM observa_internal.webhooks, generate_series(1, 1100) n;
         INSERT INTO observa_internal.notifications (tenant_id, webhook_id, event, dedup_key, state, created_at, finished_at)
         SELECT tenant_id, webhook_id, 'test', s || d, s, now() - d * interval '1 hour', now() - d * interval '1 hour'
           FROM observa_internal.webhooks, unnest(ARRAY['delivered', 'failed']) s, unnest(ARRAY[23, 25, 167, 169]) d;
         INSERT INTO observa_internal.notifications (tenant_id, webhook_id, event, dedup_key, created_at)
         SELECT tenant_id, webhook_id, 'test', 'old', now() - interval '25 hours' FROM observa_internal.webhooks WHERE webhook_id = '{id}'"
    ));
    alert(&mut db, "/a", 9000);
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa.notifications WHERE state = 'pending'"), 1000);
    assert_eq!(db.count("observa.notifications WHERE last_error = 'too many were waiting' AND dedup_key NOT LIKE 'observa%'"), 102);
    let kept = db.table("SELECT dedup_key AS kept FROM observa.notifications WHERE dedup_key ~ '^(delivered|failed)' ORDER BY 1");
    assert_eq!(kept, ["delivered23", "failed167", "failed23", "failed25"].map(|kept| json!({"kept": kept})));
    db.run("UPDATE observa_internal.notifications SET created_at = now() - interval '25 hours' WHERE state = 'pending' AND alert_id IS NOT NULL");
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa.notifications WHERE last_error = 'not sent within a day'"), 1);
}

#[test]
fn webhooks_of_a_tenant_and_their_tests_are_bounded() {
    let mut db = Database::ready();
    let hooks: Vec<Uuid> =
        (0..20).map(|n| create(&mut db, &format!("NULL, 'h{n}', 'https://hooks.example.com/'"))).collect();
    let one_more = "SELECT observa.create_webhook(NULL, 'one more', 'https://hooks.example.com/')";
    let refused = db.error(one_more);
    assert_eq!(refused.code().code(), "22023");
    assert_eq!(refused.message(), "there are 20 webhooks in a tenant already, and no more may be");
    let tenant = db.tenant("other");
    let elsewhere: Uuid =
        db.one(&format!("SELECT project_id FROM observa_internal.projects WHERE tenant_id = '{tenant}'"));
    create(&mut db, &format!("'{elsewhere}', 'h', 'https://hooks.example.com/'"));
    db.run(&format!("SELECT observa.delete_webhook('{}')", hooks[0]));
    db.run(one_more);

    let test = |hook: Uuid| format!("SELECT observa.test_webhook('{hook}')");
    for _ in 0..10 {
        db.run(&test(hooks[1]));
    }
    let refused = db.error(&test(hooks[1]));
    assert_eq!(refused.message(), "there are 10 tests of a webhook in a minute already, and no more may be");
    db.run(&test(hooks[2]));
    db.run("UPDATE observa_internal.notifications SET created_at = created_at - interval '1 minute'");
    db.run(&test(hooks[1]));
}

#[test]
fn two_are_on_the_way_to_a_webhook_whoever_claims() {
    let mut db = Database::ready();
    let hook = create(&mut db, "NULL, 'x', 'https://hooks.example.com/'");
    let queue = format!("SELECT observa.test_webhook('{hook}')");
    for _ in 0..5 {
        db.run(&queue);
    }
    let claim = "SELECT count(*) FROM observa_internal.claim_notifications(16)";
    let (mut first, mut second) = (db.connect(), db.connect());
    first.batch_execute("BEGIN").unwrap();
    assert_eq!(one::<i64>(&mut first, claim), 2);
    assert_eq!(one::<i64>(&mut second, claim), 0, "another one is claiming");
    // Nobody who queues one waits for that.
    db.run(&format!("SET lock_timeout = '1s'; {queue}"));
    first.batch_execute("COMMIT").unwrap();
    assert_eq!(one::<i64>(&mut second, claim), 0, "two are on the way");
    db.run("UPDATE observa_internal.notifications SET state = 'delivered', finished_at = now() WHERE state = 'sending'");
    assert_eq!(one::<i64>(&mut second, claim), 2);

    // What waits for one that is not enabled is not due, and nobody claims for it.
    db.run(&format!("SELECT observa.update_webhook('{hook}', enabled => false)"));
    db.run("UPDATE observa_internal.notifications SET state = 'delivered', finished_at = now() WHERE state = 'sending'");
    assert!(!db.one::<bool>(include_str!("../../sql/notify/due.sql")));
    assert_eq!(one::<i64>(&mut second, claim), 0);
    db.run(&format!("SELECT observa.update_webhook('{hook}', enabled => true)"));
    assert!(db.one::<bool>(include_str!("../../sql/notify/due.sql")));
    assert_eq!(one::<i64>(&mut second, claim), 2);
}

#[test]
fn alerts_and_signals_are_published_as_often_as_one_likes() {
    let mut db = Database::ready();
    for publication in ["", "'of \"ours\"'"] {
        for _ in 0..2 {
            db.run(&format!("SELECT observa.publish_realtime({publication})"));
        }
    }
    let published = db.table(
        "SELECT pubname, string_agg(tablename, ' ' ORDER BY tablename) AS tables FROM pg_publication_tables GROUP BY 1 ORDER BY 1",
    );
    assert_eq!(
        published,
        ["of \"ours\"", "supabase_realtime"].map(|name| json!({"pubname": name, "tables": "alerts signals"}))
    );
    db.run("CREATE PUBLICATION everything FOR ALL TABLES; SELECT observa.publish_realtime('everything')");
    let mut admin = db.connect_as("admin", "observa_admin");
    assert_eq!(error(&mut admin, "SELECT observa.publish_realtime()").code().code(), "42501");
}
