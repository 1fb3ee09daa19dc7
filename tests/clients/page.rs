//! The dashboard's page in a real browser: readable, usable by keyboard, and deaf to what events say.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use observa_tests::clients::{folder, require_note};
use observa_tests::database::one;
use observa_tests::event::now_ms;
use observa_tests::{Database, Front, FrontConfig};
use serde_json::{Value, json};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/clients/node/page.mjs");

/// Each sets `window.canary` where it is taken for more than text.
const HOSTILE: [&str; 6] = [
    "<script>window.canary = 1</script>",
    "\"><img src=x onerror='window.canary = 1'>",
    "'><svg onload='window.canary = 1'></svg>",
    "</title></style></script></textarea><script>window.canary = 1</script><!--",
    "<a href='javascript:window.canary = 1' autofocus onfocus='window.canary = 1'>x</a>",
    "</main><iframe srcdoc='<script>parent.canary = 1</script>'></iframe><base href='https://evil.example'><meta http-equiv=refresh content='0'>",
];

/// Every text that a client may send is hostile, each payload in a trace of its own.
fn hostile_events() -> String {
    let events = HOSTILE.iter().enumerate().flat_map(|(n, text)| {
        let said = move |role: &str| json!([{"role": role, "content": format!("{text} \u{202e}{role}")}]);
        (0..3).map(move |step| {
            json!({
                "event_type": if step == 1 { "tool_call" } else { "llm_call" }, "timestamp": now_ms() - 60_000 + step * 500,
                "event_id": format!("{text}-{n}-{step}"), "trace_id": format!("{text}{n}"), "span_id": format!("{text}{step}"),
                "parent_span_id": if step > 0 { json!(format!("{text}0")) } else { Value::Null }, "name": text, "model": text, "provider": text,
                "route": text, "tool_name": text, "agent_name": text, "user_id": text, "session_id": text, "conversation_id": format!("{text}{n}"),
                "version": text, "status": if step == 2 { "error" } else { "ok" }, "error_type": text, "error_message": text,
                "latency_ms": 9000 + step, "input_tokens": 900, "output_tokens": 70, "input": said("user"), "output": said("assistant"),
                "attributes": {"x": text},
            })
        })
    });
    events.map(|event| event.to_string()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_page_works_in_a_browser_and_runs_no_script_of_events() {
    let (browser, node) = (folder().join("chromium/run"), folder().join("node"));
    for (what, is_there) in [("chromium", browser.exists()), ("node", node.join("complete").exists())] {
        if !is_there {
            return require_note(what);
        }
    }
    let mut db = Database::ready();
    let answer = db.ingest(&hostile_events());
    assert_eq!(answer["accepted"], 18, "{answer}");
    for text in HOSTILE {
        db.client
            .execute(
                "INSERT INTO observa.logs (message, service, level, trace_id) VALUES ($1, $1, 'error', $1)",
                &[&text],
            )
            .expect("a line");
    }
    // Traces that can be listed by their cost, too.
    let gate: String = one(&mut db.connect_as("gate", ""), "SELECT session_user::text");
    let role = format!("web_{}", db.name);
    db.run(&format!("CREATE ROLE {role} NOLOGIN; GRANT observa_read TO {role}; GRANT {role} TO {gate}"));
    let key: String = db.one("SELECT observa.create_api_key(id, 'sk', '{query}') FROM observa.projects");
    let mut database = db.cluster.config(&db.name);
    database.user(&gate);
    let front = Front::start(FrontConfig {
        role,
        pre_request: Some("pre_request".into()),
        ..FrontConfig::of(database)
    });

    let shots = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(shots.path(), std::fs::Permissions::from_mode(0o755)).expect("it can be read");
    let file = shots.path().join("observa.html");
    let document: String = db.one("SELECT observa.dashboard()::text");
    std::fs::write(&file, document).expect("a file");
    let copy = node.join("page.mjs");
    std::fs::copy(SCRIPT, &copy).expect("the script can be copied");
    let kept = std::env::var("OBSERVA_PAGE_SHOTS").unwrap_or_else(|_| shots.path().display().to_string());
    let output = Command::new("node")
        .arg(copy)
        .env("BROWSER", browser)
        .env("PAGE_URL", front.url("/rpc/dashboard"))
        .env("PAGE_FILE", &file)
        .env("KEY", key)
        .env("SHOTS", &kept)
        .output()
        .expect("node starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Vec<Value> = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(seen.len(), 8);
    for one in &seen {
        let is = |name: &str, wanted: Value| assert_eq!(one[name], wanted, "{name}: {one:#}");
        for name in ["fits", "hidden", "shown", "fitsWithTrace", "closed", "printed", "refused"] {
            is(name, json!(true));
        }
        is("numbers", json!([true, false]));
        is("conversation", json!([true, false]));
        is("firstFocus", json!("#page"));
        is("outline", json!("solid"));
        is("links", json!(6));
        is("bars", json!(3));
        is("canary", json!("undefined"));
        is("canaryAfterInjection", json!("undefined"));
        is("scripts", json!(1));
        is("complaints", json!([]));
        is("elsewhere", json!([]));
        is(
            "background",
            json!(if one["colorScheme"] == "dark" { "rgb(13, 17, 23)" } else { "rgb(255, 255, 255)" }),
        );
        if one["how"] == "http" {
            is("refreshed", json!(1));
            is("staysOpen", json!(true));
            is("paused", json!(0));
            is("moved", json!(true));
            is("told", json!("Not refreshed while you read."));
        }
        let shot = |more: &str| {
            format!(
                "{kept}/{}-{}-{}{more}.png",
                one["how"].as_str().unwrap_or_default(),
                one["width"],
                one["colorScheme"].as_str().unwrap_or_default()
            )
        };
        for path in [shot(""), shot("-trace")] {
            assert!(std::fs::metadata(&path).is_ok_and(|file| file.len() > 5_000), "{path}");
        }
    }
}
