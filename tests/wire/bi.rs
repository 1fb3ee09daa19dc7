//! Each query of `examples/grafana` and of `docs/dashboards.md` runs as the login that the document makes, has the columns that its
//! panel names, and finds what is planted for it, and nothing of another tenant's.

mod grafana;

use std::collections::BTreeSet;
use std::path::PathBuf;

use grafana::{Chosen, Variable, Window, expand};
use observa_tests::Database;
use observa_tests::database::{one, rows, table, tell};
use observa_tests::event::{HOUR_MS, lines, now_ms, with};
use postgres::Client;
use postgres::types::Type;
use serde_json::{Value, json};

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
/// In each text of the other tenant.
const FOREIGN: &str = "globex";

/// What a client may choose, of what is planted.
const CHOICES: [(&str, &str); 8] = [
    ("environment", "prod"),
    ("model", "gpt-4o"),
    ("evaluator", "toxicity"),
    ("status", "error"),
    ("user", "u'1"),
    ("session", "s-1"),
    ("search", "HANDLE"),
    ("trace_id", "t-1"),
];

/// Something for each panel.
fn plant(db: &mut Database, name: &str) -> String {
    let tenant = db.tenant(name);
    db.run(&format!("SELECT observa.set_metric_tags(id, '{{customer}}') FROM observa.projects WHERE tenant_id = '{tenant}'"));
    let own = json!({"tenant_id": tenant.to_string(), "environment": "prod", "route": format!("/{name}"), "version": "2.4.1",
                     "session_id": "s-1", "user_id": "u'1", "customer": name, "trace_id": "t-1"});
    let at = now_ms() - HOUR_MS - 60_000;
    let model = if name == FOREIGN { FOREIGN } else { "gpt-4o" };
    let event = |number: i64, members: Value| {
        with(
            with(
                own.clone(),
                json!({"event_id": format!("{name}-{number}"), "timestamp": at + number * 100}),
            ),
            members,
        )
    };
    let call = |number: i64, members: Value| {
        let usual = json!({"model": model, "input": format!("ask {name}"), "output": "said", "input_tokens": 900, "output_tokens": 90,
                           "usage": {"prompt_tokens_details": {"cached_tokens": 100}}, "latency_ms": 700, "time_to_first_token_ms": 90});
        event(number, with(usual, members))
    };
    let failed =
        json!({"status": "error", "error_type": "RateLimitError", "error_message": format!("later, {name}")});
    let events = [
        event(0, json!({"event_type": "trace_start", "name": "handle it", "span_id": "r"})),
        call(1, json!({"span_id": "a", "parent_span_id": "r", "latency_ms": 9000})),
        call(2, with(failed.clone(), json!({"span_id": "b", "parent_span_id": "a"}))),
        event(
            3,
            json!({"event_type": "tool_call", "tool_name": "search", "span_id": "c", "parent_span_id": "a", "latency_ms": 20, "result_status": "timeout"}),
        ),
        event(
            4,
            json!({"event_type": "tool_call", "tool_name": "search", "span_id": "d", "parent_span_id": "a", "latency_ms": 20, "result_status": "success",
                        "args": {"mail": "ada@example.com"}}),
        ),
        event(
            5,
            json!({"event_type": "trace_end", "span_id": "r", "total_latency_ms": 500, "outcome": "error"}),
        ),
        call(6, json!({"model": "no-price-1", "trace_id": "t-2", "span_id": "e"})),
        json!({"bad": name, "model": 5, "tenant_id": tenant.to_string()}),
    ];
    let answer = db.ingest(&lines(&events));
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(7), &json!(1)), "{answer}");
    // What maintenance folds, and what it has not folded yet.
    db.run("SELECT observa.run_maintenance()");
    let now = call(7, json!({"timestamp": now_ms() - 500, "trace_id": "t-3"}));
    assert_eq!(db.ingest(&now.to_string())["accepted"], 1);
    db.run(&format!(
        "LOAD 'observa'; SET observa.acting = '{tenant}//iqa/';
         INSERT INTO observa.logs (message, trace_id) VALUES ('a line of {name}', 't-1');
         INSERT INTO observa.budgets (name, amount_usd, period) VALUES ('{name}', 1, 'month');
         RESET observa.acting"
    ));
    // What judges have said: nobody is asked here.
    for statement in
        include_str!("analysis/planted.sql").split(';').filter(|statement| statement.contains("INSERT"))
    {
        let of = if statement.contains("FROM observa_internal.analysis_jobs j") { "j" } else { "p" };
        db.run(&format!(
            "{} WHERE {of}.tenant_id = '{tenant}'",
            statement.replace("'t', now()", "'t-1', now()")
        ));
    }
    tenant.to_string()
}

/// The SQL blocks of the document, by the heading that they stand under.
fn documented() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(PathBuf::from(ROOT).join("docs/dashboards.md")).expect("the document");
    let (mut found, mut heading, mut block) = (Vec::new(), String::new(), None);
    for line in text.lines() {
        match (&mut block, line) {
            (None, "```sql") => block = Some(String::new()),
            (Some(sql), "```") => {
                found.push((heading.clone(), std::mem::take(sql)));
                block = None;
            }
            (Some(sql), line) => *sql += &format!("{line}\n"),
            (None, line) => {
                if let Some(title) = line.strip_prefix("## ") {
                    heading = title.to_owned();
                }
            }
        }
    }
    found
}

struct Planted {
    db: Database,
    /// The login of the document.
    reader: Client,
    window: Window,
    an_hour_ago: String,
    project: String,
}

fn planted() -> Planted {
    let mut db = Database::ready();
    let ours = plant(&mut db, "acme");
    plant(&mut db, FOREIGN);
    let (_, set_up) =
        documented().into_iter().find(|(_, sql)| sql.starts_with("CREATE ROLE")).expect("a set-up");
    // Roles are the cluster's; the tenant is the one that is planted.
    let login = format!("grafana_{}", db.name);
    let chosen = "FROM observa.projects ORDER BY created_at LIMIT 1";
    assert!(set_up.contains(chosen), "{set_up}");
    let set_up = set_up.replace(chosen, &format!("FROM observa.projects WHERE tenant_id = '{ours}'"));
    db.run(
        &set_up
            .replace("'grafana'", &format!("'{login}'"))
            .replace("grafana ", &format!("{login} "))
            .replace("grafana;", &format!("{login};")),
    );
    let mut config = db.cluster.config(&db.name);
    let mut reader = config.user(&login).connect(postgres::NoTls).expect("the login connects");
    let settings = "SELECT concat_ws(' ', current_setting('default_transaction_read_only'), current_setting('statement_timeout'), current_setting('jit'))";
    assert_eq!(one::<String>(&mut reader, settings), "on 20s off");
    let time = |db: &mut Database, offset: &str| {
        db.one::<String>(&format!(
            "SELECT to_char(now() AT TIME ZONE 'UTC' + interval '{offset}', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')"
        ))
    };
    let window =
        Window { from: time(&mut db, "-1 day"), to: time(&mut db, "1 minute"), interval: ("1h", 3600) };
    let an_hour_ago = time(&mut db, "-1 hour");
    let project = one(&mut reader, "SELECT id::text FROM observa.projects");
    Planted { db, reader, window, an_hour_ago, project }
}

/// Its columns, and its rows as JSON.
#[track_caller]
fn run(reader: &mut Client, named: &str, sql: &str) -> (Vec<(String, Type)>, Vec<Value>) {
    let statement = reader.prepare(sql).unwrap_or_else(|error| panic!("{named}: {sql}: {}", tell(&error)));
    let columns =
        statement.columns().iter().map(|column| (column.name().to_owned(), column.type_().clone())).collect();
    let sql = sql.trim().trim_end_matches(';');
    let rows = table(reader, sql);
    let text = json!(rows).to_string();
    assert!(!text.contains(FOREIGN), "{named} shows another tenant's: {text}");
    (columns, rows)
}

fn dashboards() -> Vec<Value> {
    let folder = PathBuf::from(ROOT).join("examples/grafana/dashboards");
    let files = std::fs::read_dir(folder).expect("the folder").map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> = files.collect();
    files.sort();
    files
        .iter()
        .map(|file| serde_json::from_str(&std::fs::read_to_string(file).expect("a file")).expect("JSON"))
        .collect()
}

fn list<'v>(value: &'v Value, pointer: &str) -> &'v [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_else(|| panic!("{pointer} of {value}"))
}

/// The variables of a dashboard: all that is there, and one choice of each.
fn variables(planted: &mut Planted, dashboard: &Value) -> [Vec<Variable>; 2] {
    let (mut all, mut some): (Vec<Variable>, Vec<Variable>) = (Vec::new(), Vec::new());
    let mut defined = list(dashboard, "/templating/list").to_vec();
    // A variable's name may begin with another's.
    defined.sort_by_key(|variable| std::cmp::Reverse(text(variable, "/name").len()));
    // Queries of variables ask by other variables.
    let every: Vec<Variable> = defined
        .iter()
        .map(|one| Variable { name: text(one, "/name").into(), chosen: Chosen::All("'__all'".into()) })
        .collect();
    for variable in &defined {
        let name = text(variable, "/name").to_owned();
        let named = format!("{}: ${name}", text(dashboard, "/uid"));
        let choice = if name == "project" {
            planted.project.clone()
        } else {
            CHOICES
                .iter()
                .find(|(known, _)| *known == name)
                .unwrap_or_else(|| panic!("{named}: choose"))
                .1
                .into()
        };
        if text(variable, "/type") == "textbox" {
            // A trace has no view of all traces.
            let initial = if name == "trace_id" { choice.clone() } else { String::new() };
            all.push(Variable { name: name.clone(), chosen: Chosen::Text(initial) });
            some.push(Variable { name, chosen: Chosen::Text(choice) });
            continue;
        }
        assert_eq!(
            (&variable["multi"], &variable["includeAll"], text(variable, "/allValue")),
            (&json!(true), &json!(true), "'__all'"),
            "{named}"
        );
        if text(variable, "/type") == "query" {
            let sql = expand(text(variable, "/query"), &planted.window, &every);
            assert_eq!(
                variable["refresh"] == 2,
                text(variable, "/query").contains("$__time"),
                "{named}: what asks by time is refreshed by it"
            );
            let (columns, rows) = run(&mut planted.reader, &named, &sql);
            let columns: Vec<&str> = columns.iter().map(|(column, _)| column.as_str()).collect();
            let value = if columns == ["__text", "__value"] { "__value" } else { columns[0] };
            assert!(rows.iter().any(|row| row[value] == json!(choice)), "{named} offers {rows:?}");
        }
        all.push(Variable { name: name.clone(), chosen: Chosen::All("'__all'".into()) });
        some.push(Variable { name, chosen: Chosen::Values(vec![choice, "another".into()]) });
    }
    [all, some]
}

/// A panel's query, as `chosen` has it.
fn check_panel(planted: &mut Planted, named: &str, panel: &Value, chosen: &[Variable]) {
    let targets = list(panel, "/targets");
    assert_eq!(targets.len(), 1, "{named}");
    let target = &targets[0];
    for datasource in [&panel["datasource"], &target["datasource"]] {
        assert_eq!(datasource["uid"], "observa", "{named}");
    }
    assert_eq!((text(target, "/editorMode"), &target["rawQuery"]), ("code", &json!(true)), "{named}");
    let Planted { window, an_hour_ago, .. } = planted;
    // As Grafana does where a panel has a time, or a shortest interval, of its own.
    let from = if panel["timeFrom"] == "1h" { &*an_hour_ago } else { &window.from };
    let interval = if panel["interval"] == "1m" { ("1m", 60) } else { ("1h", 3600) };
    let window = Window { from: from.clone(), to: window.to.clone(), interval };
    let sql = expand(text(target, "/rawSql"), &window, chosen);
    let (columns, rows) = run(&mut planted.reader, named, &sql);
    assert!(!rows.is_empty(), "{named} shows nothing of what is planted: {sql}");
    let names: BTreeSet<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), columns.len(), "{named}: columns of one name");
    for of in list(panel, "/fieldConfig/overrides") {
        let column = text(of, "/matcher/options");
        assert!(names.contains(column), "{named} has no column {column}, but {names:?}");
    }
    if let Some(column) = panel.pointer("/options/sortBy/0/displayName").and_then(Value::as_str) {
        assert!(names.contains(column), "{named} is sorted by {column}");
    }
    let is_number = |of: &Type| [Type::INT4, Type::INT8, Type::FLOAT8, Type::NUMERIC].contains(of);
    match (text(panel, "/type"), text(target, "/format")) {
        ("timeseries", "time_series") => {
            let of = |name: &str| columns.iter().find(|(column, _)| column == name).map(|(_, of)| of.clone());
            let time = of("time").unwrap_or_else(|| panic!("{named} has no time"));
            assert!(is_number(&time) || time == Type::TIMESTAMPTZ, "{named}: {time}");
            // A name for each series, and what Grafana draws: numbers.
            let others: Vec<_> =
                columns.iter().filter(|(name, _)| name != "time" && name != "metric").collect();
            assert!(!others.is_empty() && others.iter().all(|(_, of)| is_number(of)), "{named}: {columns:?}");
            assert!(
                rows.iter().any(|row| others.iter().any(|(name, _)| !row[name.as_str()].is_null())),
                "{named}: {rows:?}"
            );
            assert!(sql.trim_end().ends_with("ORDER BY 1"), "{named}: in the order of time");
        }
        ("stat", "table") => {
            assert_eq!((rows.len(), columns.len()), (1, 1), "{named}: {rows:?}");
            assert!(
                is_number(&columns[0].1) && !rows[0][columns[0].0.as_str()].is_null(),
                "{named}: {rows:?}"
            );
        }
        ("barchart", "table") => {
            assert!(
                columns.len() == 2 && columns[0].1 == Type::TEXT && is_number(&columns[1].1),
                "{named}: {columns:?}"
            );
        }
        ("table", "table") => {
            // What Grafana would show as a blob of text.
            let own = columns.iter().find(|(_, of)| of.schema() == "observa");
            assert!(own.is_none(), "{named}: {own:?}");
        }
        other => panic!("{named}: {other:?} is not checked"),
    }
}

#[test]
fn a_time_within_an_hour_shows_that_hour() {
    let mut planted = planted();
    let newest = |more: &str| {
        format!(
            "SELECT to_char((max(ts) + interval '{more}') AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') FROM observa.events
              WHERE event_type = 'llm_call' AND ts < now() AND extract(minute FROM ts) + extract(second FROM ts) > 1"
        )
    };
    let window = Window {
        from: planted.db.one(&newest("0")),
        to: planted.db.one(&newest("2 seconds")),
        interval: ("1h", 3600),
    };
    for dashboard in &dashboards() {
        for panel in list(dashboard, "/panels") {
            let sql = text(panel, "/targets/0/rawSql");
            let is_hourly =
                ["total_hour", "user_hour", "tag_hour", "metrics_hour"].iter().any(|view| sql.contains(view));
            assert!(!is_hourly || !sql.contains("$__timeFilter(bucket)"), "{}", text(panel, "/title"));
        }
        if text(dashboard, "/uid").ends_with("overview") {
            let [all, _] = variables(&mut planted, dashboard);
            let calls =
                list(dashboard, "/panels").iter().find(|panel| text(panel, "/title") == "LLM calls").unwrap();
            let (_, rows) = run(
                &mut planted.reader,
                "LLM calls",
                &expand(text(calls, "/targets/0/rawSql"), &window, &all),
            );
            assert!(rows[0]["calls"].as_f64().is_some_and(|calls| calls >= 1.0), "{rows:?}");
        }
    }
}

#[test]
fn projects_of_one_name_are_told_apart_and_an_environment_narrows_each_list() {
    let mut planted = planted();
    let of = format!("tenant_id FROM observa.projects WHERE id = '{}'", planted.project);
    planted
        .db
        .run(&format!("SELECT observa.create_project(tenant_id, 'default', 'staging') FROM (SELECT {of}) p"));
    for dashboard in &dashboards() {
        let variables = list(dashboard, "/templating/list");
        let of_name = |name: &str| variables.iter().find(|variable| text(variable, "/name") == name);
        let named = text(dashboard, "/uid");
        let Some(project) = of_name("project") else { continue };
        let (_, projects) = run(&mut planted.reader, named, text(project, "/query"));
        let names: Vec<&str> = projects.iter().map(|row| text(row, "/__text")).collect();
        assert_eq!(names, ["default (prod)", "default (staging)"], "{named}");
        let environment = of_name("environment").unwrap_or_else(|| panic!("{named} has no environment"));
        assert_eq!(environment["current"], json!({"text": ["All"], "value": ["$__all"]}), "{named}");
    }
    let traces = dashboards().into_iter().find(|one| text(one, "/uid") == "observa-traces").expect("traces");
    let mut rows_of = |chosen: &str| -> usize {
        let [mut all, _] = variables(&mut planted, &traces);
        let environment =
            all.iter_mut().find(|variable| variable.name == "environment").expect("it is there");
        environment.chosen = Chosen::Values(vec![chosen.into()]);
        let asked = list(&traces, "/panels")
            .iter()
            .map(|panel| expand(text(panel, "/targets/0/rawSql"), &planted.window, &all));
        asked.map(|sql| run(&mut planted.reader, "traces", &sql).1.len()).sum()
    };
    assert!(rows_of("prod") > 0);
    assert_eq!(rows_of("staging"), 0);
}

#[test]
fn every_panel_of_grafanas_dashboards_shows_what_is_planted() {
    let mut planted = planted();
    let dashboards = dashboards();
    let uids: BTreeSet<&str> = dashboards.iter().map(|one| text(one, "/uid")).collect();
    assert_eq!((uids.len(), dashboards.len()), (9, 9), "{uids:?}");
    let mut panels = 0;
    for dashboard in &dashboards {
        let [all, some] = variables(&mut planted, dashboard);
        let ids: BTreeSet<u64> =
            list(dashboard, "/panels").iter().filter_map(|panel| panel["id"].as_u64()).collect();
        assert_eq!(ids.len(), list(dashboard, "/panels").len(), "ids of {}", text(dashboard, "/uid"));
        for panel in list(dashboard, "/panels") {
            let named = format!("{}: {}", text(dashboard, "/uid"), text(panel, "/title"));
            let sql = text(panel, "/targets/0/rawSql");
            check_panel(&mut planted, &named, panel, &all);
            check_panel(&mut planted, &format!("{named}, chosen"), panel, &some);
            for link in list(panel, "/fieldConfig/overrides")
                .iter()
                .flat_map(|of| list(of, "/properties"))
                .flat_map(|of| list(of, "/value"))
            {
                let uid = text(link, "/url")
                    .strip_prefix("/d/")
                    .and_then(|rest| rest.split('?').next())
                    .unwrap_or_default();
                assert!(uids.contains(uid), "{named} leads to {uid}");
            }
            // A variable that is offered narrows something.
            assert!(
                all.is_empty() || sql.contains('$') || sql.contains("observa.workers"),
                "{named}: asks by no variable"
            );
            panels += 1;
        }
    }
    assert!(panels >= 60, "{panels} panels");
}

#[test]
fn every_query_of_the_document_runs_and_finds_what_is_planted() {
    let mut planted = planted();
    let chosen = [Variable { name: "model".into(), chosen: Chosen::Values(vec!["gpt-4o".into()]) }];
    let mut queries = 0;
    for (heading, block) in documented().into_iter().filter(|(_, sql)| !sql.starts_with("CREATE ROLE")) {
        // Metabase's optional clause is there if its variable has a value.
        let optional = block.find("[[").zip(block.find("]]"));
        let mut ways = vec![block.replace("[[", "").replace("]]", "").replace("{{model}}", "'gpt-4o'")];
        if let Some((start, end)) = optional {
            ways.push(format!("{}{}", &block[..start], &block[end + 2..]));
        }
        for way in ways {
            for sql in expand(&way, &planted.window, &chosen)
                .split_inclusive(';')
                .filter(|sql| sql.contains("SELECT"))
            {
                let (columns, rows) = run(&mut planted.reader, &heading, sql);
                assert!(!rows.is_empty() && !columns.is_empty(), "{heading} finds nothing: {sql}");
                queries += 1;
            }
        }
    }
    assert_eq!(queries, 12, "queries of docs/dashboards.md");
}

#[test]
fn the_login_of_a_dashboard_writes_nothing_and_sees_one_tenant() {
    let Planted { mut db, mut reader, .. } = planted();
    let refused = observa_tests::database::error(&mut reader, "SELECT observa.analyze('t-1')");
    assert_eq!(refused.code().code(), "25006", "a read-only transaction: {refused}");
    // Even where somebody switches its default off.
    reader.batch_execute("SET default_transaction_read_only = off").unwrap();
    for sql in [
        "SELECT observa.ingest('{\"model\": \"m\"}')",
        "INSERT INTO observa.llm_requests (model) VALUES ('m')",
        "INSERT INTO observa.logs (message) VALUES ('m')",
        "DELETE FROM observa.events",
        "UPDATE observa.detection_rules SET threshold = 1",
        "INSERT INTO observa.budgets (name, amount_usd, period) VALUES ('x', 1, 'day')",
        "SELECT observa.resolve_alert(id) FROM observa.alerts",
        "SELECT observa.create_tenant('mine')",
    ] {
        assert!(reader.batch_execute(sql).is_err(), "{sql}");
    }
    assert_eq!(rows(&mut reader, "SELECT FROM observa.events", &[]).len(), 8);
    assert_eq!(db.count("observa.events"), 16);
}

#[test]
fn what_the_data_source_needs_comes_from_the_environment_and_is_named() {
    let file = PathBuf::from(ROOT).join("examples/grafana/provisioning/datasources/observa.yaml");
    let text = std::fs::read_to_string(file).expect("the file");
    let (comments, settings): (Vec<&str>, Vec<&str>) =
        text.lines().partition(|line| line.trim().starts_with('#'));
    let named: BTreeSet<&str> = comments
        .iter()
        .flat_map(|line| line.split(' '))
        .filter(|word| word.starts_with("OBSERVA_"))
        .collect();
    let used: BTreeSet<&str> =
        settings.iter().filter_map(|line| line.split_once(": $")).map(|(_, name)| name).collect();
    assert_eq!(named, used);
    let value = |key: &str| {
        settings.iter().find_map(|line| line.trim().strip_prefix(&format!("{key}: "))).unwrap_or_default()
    };
    assert_eq!(
        [value("uid"), value("password"), value("sslmode")],
        ["observa", "$OBSERVA_DB_PASSWORD", "$OBSERVA_DB_SSLMODE"]
    );
    // Below the CONNECTION LIMIT of docs/dashboards.md.
    assert!(value("maxOpenConns").parse::<u32>().unwrap() < 10);
}

/// PostgREST answers GET with these alone, in a transaction that only reads.
#[test]
fn what_dashboards_call_only_reads() {
    let mut db = Database::ready();
    let volatility = db.row(
        "SELECT jsonb_object_agg(p.proname, p.provolatile) AS all FROM pg_proc p
          WHERE p.pronamespace = 'observa'::regnamespace
            AND (p.proname LIKE 'dashboard%' OR p.proname LIKE 'costs\\_%' OR p.proname IN ('issues_summary', 'export_traces', 'overview_rows', 'advice'))",
    );
    let all = volatility["all"].as_object().unwrap();
    assert!(all.len() >= 18, "{all:?}");
    assert!(all.values().all(|volatility| volatility == "s"), "{all:?}");
    db.run("SET default_transaction_read_only = on");
    for call in [
        "dashboard_overview()",
        "dashboard_metrics()",
        "dashboard_latency()",
        "dashboard_errors()",
        "dashboard_costs()",
        "dashboard_time_series('hour')",
        "dashboard_comparison()",
        "dashboard_breakdown('model')",
        "dashboard_feedback()",
        "dashboard_alerts()",
        "costs_overview()",
        "costs_breakdown('model')",
        "issues_summary()",
        "export_traces()",
        "advice()",
        "dashboard()",
    ] {
        db.run(&format!("SELECT * FROM observa.{call}"));
    }
}
