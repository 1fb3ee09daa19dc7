//! Budgets: what was spent is what the events say, and a level is told of once.

use observa_tests::database::{error, one};
use observa_tests::event::{DAY_MS, HOUR_MS, lines, llm_call, now_ms, with};
use observa_tests::http;
use observa_tests::{Database, Front, FrontConfig};
use postgres::Client;
use serde_json::{Value, json};
use uuid::Uuid;

/// A call that costs something, which numbers vary: in three projects, of some days.
fn call(n: i64) -> Value {
    let models = ["gpt-4o", "claude-sonnet-4-5", "no-such-model"];
    with(
        llm_call(&format!("call {n}")),
        json!({
            "timestamp": now_ms() - 1000 - (n % 3) * HOUR_MS - (n % 9) * DAY_MS, "project_id": format!("p{}", n % 3),
            "model": models[(n % 3) as usize], "status": if n % 7 == 0 { "error" } else { "ok" },
            "input_tokens": 1000 + n, "output_tokens": n % 77, "user_id": format!("u{}", n % 4),
            "metadata": {"customer": format!("c{}", n % 2)},
        }),
    )
}

fn calls(numbers: std::ops::Range<i64>) -> String {
    lines(&numbers.map(call).collect::<Vec<_>>())
}

/// Has each input token of the model `dollar` cost a dollar.
fn price(db: &mut Database) {
    db.run("INSERT INTO observa.model_prices (tenant_id, model, rates) SELECT DISTINCT tenant_id, 'dollar', '{\"input\": 1}'::jsonb FROM observa.projects");
}

/// A call for so many dollars.
fn dollars(id: &str, usd: i64) -> Value {
    with(llm_call(id), json!({"timestamp": now_ms() - 10, "model": "dollar", "input_tokens": usd}))
}

/// With three projects, which count by customer.
fn ready() -> Database {
    let mut db = Database::ready();
    let tenant = "SELECT tenant_id FROM observa.projects LIMIT 1";
    for name in ["p0", "p1", "p2"] {
        db.run(&format!("SELECT observa.create_project(({tenant}), '{name}')"));
    }
    db.run("SELECT observa.set_metric_tags(id, '{customer}') FROM observa.projects");
    db
}

/// A budget of everything that there can be one of.
const KINDS: &str = "
    INSERT INTO observa.budgets (name, period, amount_usd, project_id, model, user_id, tag, value)
    SELECT format('%s %s %s', period, coalesce(p.name, 'all'), k), period, 0.01, p.id, model, user_id, tag, value
      FROM (VALUES ('day'), ('week'), ('month')) v (period),
           (SELECT id, name FROM observa.projects WHERE name IN ('p0', 'p1') UNION ALL SELECT NULL, NULL) p,
           (VALUES (1, NULL, NULL, NULL, NULL), (2, 'gpt-4o', NULL, NULL, NULL), (3, NULL, 'u1', NULL, NULL),
                   (4, NULL, NULL, 'customer', 'c1')) kind (k, model, user_id, tag, value)";

/// Budgets whose spending is not that of the events.
const WRONG: &str = "
    SELECT coalesce(json_agg(d), '[]')::text FROM (
        SELECT b.name, b.spent_usd, e.spent FROM observa.budgets b, LATERAL (
            SELECT coalesce(sum(e.cost_usd), 0) AS spent FROM observa.events e
             WHERE e.billable AND e.tenant_id = b.tenant_id AND e.ts >= date_trunc(b.period, now(), 'UTC')
               AND e.project_id = coalesce(b.project_id, e.project_id) AND (b.model IS NULL OR e.model = b.model)
               AND (b.user_id IS NULL OR e.user_id = b.user_id)
               AND (b.tag IS NULL OR e.attributes -> 'metadata' ->> b.tag = b.value)) e
         WHERE b.spent_usd <> e.spent OR b.percent <> round(e.spent * 100 / b.amount_usd, 1)
            OR b.state <> CASE WHEN e.spent >= b.amount_usd THEN 'exceeded' WHEN e.spent >= b.amount_usd * 0.8 THEN 'warning' ELSE 'ok' END) d";

#[test]
fn what_was_spent_is_what_the_events_say_folded_or_not() {
    let mut db = ready();
    db.run(KINDS);
    assert_eq!(db.count("observa.budgets"), 36);
    assert_eq!(db.count("observa.budgets WHERE spent_usd = 0 AND state = 'ok' AND forecast_usd = 0"), 36);
    db.ingest(&calls(0..120));
    assert_eq!(db.one::<String>(WRONG), "[]");
    assert!(
        db.count("observa.budgets WHERE spent_usd > 0") > 20
            && db.count("observa.budgets WHERE state = 'exceeded'") > 0
    );
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.one::<String>(WRONG), "[]");
    // On top of what is folded: more, and corrections.
    db.ingest(&calls(100..180));
    db.run(r#"INSERT INTO observa.model_prices (model, rates, valid_from) VALUES ('gpt-4o', '{"input": 0.001, "output": 0.001}', '2020-01-01')"#);
    db.run("SELECT observa.reprice(now() - interval '20 days', now())");
    assert!(db.count("observa_internal.rollup_deltas") > 0);
    assert_eq!(db.one::<String>(WRONG), "[]");
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.one::<String>(WRONG), "[]");
}

#[test]
fn a_period_is_of_utc_and_the_forecast_goes_on_as_before() {
    let mut db = ready();
    db.run("SET timezone = 'Asia/Tokyo'");
    db.run(KINDS);
    db.ingest(&calls(0..60));
    let wrong = db.count(
        "observa.budgets WHERE period_start <> date_trunc(period, now(), 'UTC')
             OR period_end <> (date_trunc(period, now() AT TIME ZONE 'UTC') + ('1 ' || period)::interval) AT TIME ZONE 'UTC'",
    );
    assert_eq!(wrong, 0);
    // In the first hour of a period its beginning is taken for an hour.
    let off: f64 = db.one(
        "SELECT max(abs(forecast_usd - spent_usd * extract(epoch FROM period_end - period_start)
                    / greatest(extract(epoch FROM now() - period_start), 3600)))::float8 FROM observa.budgets",
    );
    assert!(off < 1e-5, "{off}");
}

/// Signals of budgets, in their order.
fn told(db: &mut Database) -> Vec<String> {
    db.one("SELECT coalesce(array_agg(name || ' ' || severity ORDER BY signal_id), '{}') FROM observa_internal.signals WHERE name LIKE 'budget%'")
}

fn round(db: &mut Database) -> i64 {
    db.one("SELECT (observa.run_maintenance() ->> 'budget_signals')::bigint")
}

#[test]
fn a_level_is_told_of_once_a_period_and_again_when_the_budget_changes() {
    let mut db = ready();
    price(&mut db);
    let spend = |db: &mut Database, id: &str, usd: i64| {
        assert_eq!(db.ingest(&dollars(id, usd).to_string())["accepted"], 1);
    };
    db.run("INSERT INTO observa.budgets (name, amount_usd, period, warn_percent) VALUES ('all', 10, 'month', 50)");
    spend(&mut db, "a", 4);
    assert_eq!((round(&mut db), told(&mut db).len()), (0, 0));
    spend(&mut db, "b", 2);
    assert_eq!((round(&mut db), round(&mut db)), (1, 0));
    spend(&mut db, "c", 4);
    assert_eq!((round(&mut db), round(&mut db)), (1, 0));
    assert_eq!(told(&mut db), ["budget_warning medium", "budget_exceeded high"]);
    let row = db.rows(
        "SELECT value, threshold, details -> 'spent_usd' = '10' AND details -> 'amount_usd' = '10' AND details ->> 'period' = 'month'
                AND (details ->> 'period_start')::timestamptz = date_trunc('month', now(), 'UTC') AND details ->> 'budget' = 'all'
           FROM observa.signals WHERE name = 'budget_exceeded'",
        &[],
    );
    assert_eq!(
        (row[0].get::<_, f64>(0), row[0].get::<_, f64>(1), row[0].get::<_, bool>(2)),
        (10.0, 10.0, true)
    );
    let alerts = "observa.alerts WHERE (rule, severity) IN (('budget_warning', 'warning'), ('budget_exceeded', 'critical')) AND status = 'active'";
    assert_eq!(db.count(alerts), 2);
    // A correction that takes it below, and what takes it above again, is no news.
    db.run("UPDATE observa_internal.events SET cost_usd = 1 WHERE event_id = 'c'");
    assert_eq!(round(&mut db), 0);
    spend(&mut db, "d", 5);
    assert_eq!((round(&mut db), told(&mut db).len()), (0, 2));
    // What changes no limit, neither. A raised one is told of anew.
    db.run("UPDATE observa.budgets SET name = 'everything'");
    assert_eq!(round(&mut db), 0);
    db.run("UPDATE observa.budgets SET amount_usd = 20");
    assert_eq!((round(&mut db), told(&mut db).len()), (1, 3));
    spend(&mut db, "e", 30);
    assert_eq!((round(&mut db), told(&mut db).len()), (1, 4));
    // In the next period, too; not while it is switched off.
    db.run("UPDATE observa.budgets SET enabled = false; UPDATE observa_internal.budgets SET told_in = told_in - interval '1 month'");
    assert_eq!(round(&mut db), 0);
    db.run("UPDATE observa.budgets SET enabled = true");
    assert_eq!(round(&mut db), 2);
}

#[test]
fn a_budget_that_makes_no_sense_is_refused() {
    let mut db = ready();
    let other = db.tenant("other");
    let foreign: Uuid = db.one(&format!("SELECT id FROM observa.projects WHERE tenant_id = '{other}'"));
    let project = format!("project_id, period, amount_usd) VALUES ('{foreign}', 'day', 1");
    for (row, code) in [
        ("period, amount_usd) VALUES ('year', 1", "22023"),
        ("period, amount_usd) VALUES ('day', 0", "22023"),
        ("period, amount_usd) VALUES ('day', 'NaN'", "22023"),
        ("period, amount_usd) VALUES ('day', 'Infinity'", "22023"),
        ("period) VALUES ('day'", "22023"),
        ("period, amount_usd, warn_percent) VALUES ('day', 1, 101", "22023"),
        ("period, amount_usd, model, user_id) VALUES ('day', 1, 'm', 'u'", "22023"),
        ("period, amount_usd, tag) VALUES ('day', 1, 't'", "22023"),
        ("period, amount_usd, model, hard_stop) VALUES ('day', 1, 'm', true", "22023"),
        (project.as_str(), "22023"),
    ] {
        let sql =
            format!("INSERT INTO observa.budgets (name, {})", row.replacen("VALUES (", "VALUES ('b', ", 1));
        assert_eq!(error(&mut db.client, &sql).code().code(), code, "{sql}");
    }
    let insert = "INSERT INTO observa.budgets (name, period, amount_usd)";
    db.run(&format!("{insert} SELECT n::text, 'day', 123456789.123456789012 FROM generate_series(1, 100) n"));
    assert_eq!(db.count("observa.budgets WHERE amount_usd = 123456789.123456789012"), 100, "all digits");
    assert_eq!(db.error(&format!("{insert} VALUES ('one more', 'day', 1)")).code().code(), "22023");
    assert_eq!(db.error("UPDATE observa.budgets SET name = '1' WHERE name = '2'").code().code(), "23505");
    db.run("DELETE FROM observa.budgets WHERE name <> '1'");
    assert_eq!(db.count("observa.budgets"), 1);
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
fn a_tenant_edits_and_reads_its_own_budgets_alone() {
    let mut db = Database::ready();
    let [own, other] = ["own", "other"].map(|name| db.tenant(name));
    price(&mut db);
    for tenant in [own, other] {
        db.ingest(&with(dollars("a", 3), json!({"tenant_id": tenant.to_string()})).to_string());
        db.run(&format!("INSERT INTO observa.budgets (tenant_id, name, amount_usd, period) VALUES ('{tenant}', 'b', 4, 'month')"));
    }
    // Who edits need not be allowed to read metrics, and is not shown them.
    let mut admin = acting(&db, "observa_admin", own);
    admin.batch_execute("UPDATE observa.budgets SET amount_usd = 2").unwrap();
    assert_eq!(
        one::<i64>(
            &mut admin,
            "SELECT count(*) FROM observa.budgets WHERE spent_usd IS NULL AND state IS NULL AND amount_usd = 2"
        ),
        1
    );
    let mut reader = acting(&db, "observa_read", own);
    assert_eq!(
        one::<i64>(
            &mut reader,
            "SELECT count(*) FROM observa.budgets WHERE spent_usd = 3 AND state = 'exceeded'"
        ),
        1
    );
    for sql in [
        "UPDATE observa.budgets SET amount_usd = 1",
        "DELETE FROM observa.budgets",
        "INSERT INTO observa.budgets (name) VALUES ('c')",
    ] {
        assert_eq!(error(&mut reader, sql).code().code(), "42501", "{sql}");
    }
    // What another tenant spends is asked for in vain.
    let theirs = format!("SELECT observa_internal.folded_spending('{other}', NULL, NULL, NULL, NULL, NULL, '-infinity', 'infinity')
                          + observa_internal.unfolded_spending('{other}', NULL, NULL, NULL, NULL, NULL, '-infinity', 'infinity') = 0");
    assert!(one::<bool>(&mut reader, &theirs));
    assert_eq!(round(&mut db), 2, "own is over its budget, which makes two levels");
    assert_eq!(db.count(&format!("observa.signals WHERE name LIKE 'budget%' AND tenant_id = '{other}'")), 0);
    admin.batch_execute("DELETE FROM observa.budgets").unwrap();
    assert_eq!(
        db.count(&format!("observa_internal.budgets WHERE tenant_id = '{other}' AND amount_usd = 4")),
        1
    );
    assert_eq!(db.count("observa_internal.budgets"), 1);
}

#[test]
fn a_person_of_a_budget_is_a_pseudonym_and_forgotten_with_the_others() {
    let mut db = Database::ready();
    price(&mut db);
    let call = |user: &str| with(dollars(user, 2), json!({"user_id": user}));
    db.ingest(&lines(&[call("ann@example.com"), call("ben")]));
    db.run(
        "INSERT INTO observa.budgets (name, amount_usd, period, user_id) VALUES ('a', 1, 'day', 'ann@example.com'), ('b', 1, 'day', 'ben')",
    );
    assert_eq!(db.count("observa.budgets WHERE spent_usd = 2"), 2);
    assert_eq!(db.count("observa_internal.budgets WHERE user_id LIKE '%@%'"), 0);
    // Its own pseudonym is no other person's.
    db.run("UPDATE observa.budgets SET amount_usd = 5");
    assert_eq!(db.count("observa.budgets WHERE spent_usd = 2"), 2);
    db.run("SELECT observa.forget_user('ann@example.com')");
    assert_eq!(db.one::<Vec<String>>("SELECT array_agg(name) FROM observa_internal.budgets"), ["b"]);
}

/// What became of a call of a project: `accepted`, or the error.
fn sent(db: &mut Database, project: &str) -> String {
    let call = with(dollars(&Uuid::new_v4().to_string(), 1), json!({"project_id": project}));
    let answer = db.client.query_one("SELECT observa.ingest($1::text) ->> 'accepted'", &[&call.to_string()]);
    match answer {
        Ok(row) => format!("{} accepted", row.get::<_, String>(0)),
        Err(error) => {
            let error = error.as_db_error().unwrap();
            format!("{} {}", error.code().code(), error.message())
        }
    }
}

const STOPPED: &str = "53400 the budget that stops the project is used up";

#[test]
fn a_budget_that_stops_refuses_its_projects_until_it_changes_or_its_period_ends() {
    let mut db = ready();
    price(&mut db);
    db.run("INSERT INTO observa.budgets (name, amount_usd, period, project_id, hard_stop) SELECT 'p0', 3, 'month', id, true FROM observa.projects WHERE name = 'p0'");
    db.run("INSERT INTO observa.budgets (name, amount_usd, period) VALUES ('only tells', 1, 'month')");
    for _ in 0..3 {
        assert_eq!((sent(&mut db, "p0"), sent(&mut db, "p1")), ("1 accepted".into(), "1 accepted".into()));
    }
    // Maintenance says so, without a change of what need not change.
    assert_eq!(sent(&mut db, "p0"), "1 accepted");
    round(&mut db);
    let version = "SELECT max(xmin::text::bigint) FROM observa_internal.projects";
    let before: i64 = db.one(version);
    round(&mut db);
    assert_eq!(db.one::<i64>(version), before);
    assert_eq!((sent(&mut db, "p0"), sent(&mut db, "p1")), (STOPPED.into(), "1 accepted".into()));
    let row = "observa.projects p JOIN observa.budgets b ON b.project_id = p.id WHERE p.stopped_until = b.period_end";
    assert_eq!(db.count(row), 1);
    // At once, in sessions that are there already, too.
    let mut other = db.connect();
    other.batch_execute("UPDATE observa.budgets SET amount_usd = 5 WHERE name = 'p0'").unwrap();
    assert_eq!(sent(&mut db, "p0"), "1 accepted");
    round(&mut db);
    assert_eq!(sent(&mut db, "p0"), STOPPED);
    // The period ends.
    db.run("UPDATE observa_internal.projects SET stopped_until = now() - interval '1 second' WHERE stopped_until IS NOT NULL");
    assert_eq!(sent(&mut db, "p0"), "1 accepted");
    round(&mut db);
    assert_eq!(sent(&mut db, "p0"), STOPPED);
    for change in ["SET hard_stop = false", "SET hard_stop = true", "SET enabled = false"] {
        db.run(&format!("UPDATE observa.budgets {change} WHERE name = 'p0'"));
        assert_eq!(sent(&mut db, "p0") == STOPPED, change == "SET hard_stop = true", "{change}");
    }
    // All projects of the tenant, and of no other.
    db.run("UPDATE observa.budgets SET hard_stop = true WHERE name = 'only tells'");
    assert_eq!((sent(&mut db, "p0"), sent(&mut db, "p1")), (STOPPED.into(), STOPPED.into()));
    let other = db.tenant("other");
    let theirs = with(llm_call("a"), json!({"tenant_id": other.to_string()}));
    assert_eq!(db.ingest(&theirs.to_string())["accepted"], 1);
    db.run("DELETE FROM observa.budgets");
    assert_eq!(
        (sent(&mut db, "p0"), db.count("observa.projects WHERE stopped_until IS NOT NULL")),
        ("1 accepted".into(), 0)
    );
}

#[test]
fn over_http_a_budget_that_stops_is_a_429() {
    let mut db = ready();
    price(&mut db);
    let project: Uuid = db.one("SELECT id FROM observa.projects WHERE name = 'p0'");
    let key: String = db.one(&format!("SELECT observa.create_api_key('{project}', 'sk')"));
    let login: String = one(&mut db.connect_as("gate", "observa_ingest"), "SELECT session_user::text");
    let mut database = db.cluster.config(&db.name);
    database.user(&login);
    let front =
        Front::start(FrontConfig { pre_request: Some("pre_request".into()), ..FrontConfig::of(database) });
    let send = |id: &str| {
        let body = dollars(id, 2).to_string();
        http::post_with(
            &front.url("/rpc/ingest"),
            "application/octet-stream",
            body.as_bytes(),
            &[("x-api-key", key.as_str())],
        )
    };
    assert_eq!(send("a").status, 200);
    db.run(&format!("SELECT observa.run_maintenance(); INSERT INTO observa.budgets (name, amount_usd, period, project_id, hard_stop) VALUES ('b', 2, 'day', '{project}', true)"));
    let refused = send("b");
    assert_eq!((refused.status, &refused.body["code"]), (429, &json!("QUOTA_EXCEEDED")), "{refused:?}");
    let day_ends: i64 = db.one("SELECT extract(epoch FROM (date_trunc('day', now() AT TIME ZONE 'UTC') + interval '1 day') AT TIME ZONE 'UTC')::bigint");
    assert_eq!(refused.header("x-ratelimit-reset"), Some(day_ends.to_string().as_str()));
    assert!(refused.header("retry-after").is_some_and(|after| after.parse::<i64>().unwrap() > 0));
    db.run("UPDATE observa.budgets SET amount_usd = 100");
    assert_eq!(send("b").status, 200);
}
