//! What a body may be: NDJSON with all its oddities, one object, an array, gzip; and when a whole body is refused.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use observa_tests::Database;
use observa_tests::database::{error, one_with};
use observa_tests::event::{HOUR_MS, lines, llm_call, now_ms};
use serde_json::{Value, json};

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn call(id: &str) -> String {
    llm_call(id).to_string()
}

/// The server takes an event after whatever came before.
#[track_caller]
fn lives(db: &mut Database) {
    let id = format!("alive-{}", now_ms());
    assert_eq!(db.ingest(&json!({"model": "m", "event_id": id}).to_string())["accepted"], 1);
}

#[test]
fn crlf_bom_blank_lines_and_no_last_newline_are_one_body() {
    let mut db = Database::ready();
    let body = format!("\u{feff}{}\r\n\r\n   \n\t\n{}\r\nbad\r\n{}", call("a"), call("b"), call("c"));
    let answer = db.ingest(&body);
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(3), &json!(1)), "{answer}");
    assert_eq!(answer["errors"][0]["line"], 6, "physical lines are counted");
    for empty in ["", "\n\n", "\u{feff}", " \r\n ", "[]"] {
        let answer = db.ingest(empty);
        assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(0), &json!(0)), "{empty:?}: {answer}");
    }
}

#[test]
fn nul_and_lone_surrogates_become_the_replacement_character_and_the_event_says_so() {
    let mut db = Database::ready();
    let body = concat!(
        r#"{"event_id":"nul","model":"m","input":"a\u0000b"}"#,
        "\n",
        r#"{"event_id":"half","model":"m","input":"a\ud83db","output":"\ude00"}"#,
        "\n",
        r#"{"event_id":"pair","model":"m","input":"\ud83d\ude00"}"#,
        "\n",
        r#"{"event_id":"key","model":"m","x\u0000y":1}"#,
        "\n",
        r#"{"event_id":"escaped","model":"m","input":"\\u0000"}"#,
        "\n",
        r#"{"event_id":"json","model":"m","input":{"k":["\u0000"]}}"#
    );
    let answer = db.ingest(body);
    assert_eq!(answer["accepted"], 6, "{answer}");
    let mut stored = |id: &str| {
        db.row(&format!("SELECT input, output, attributes FROM observa.events WHERE event_id = '{id}'"))
    };
    assert_eq!(
        stored("nul"),
        json!({"input": "a\u{fffd}b", "output": null, "attributes": {"observa_repaired": true}})
    );
    assert_eq!(
        stored("half"),
        json!({"input": "a\u{fffd}b", "output": "\u{fffd}", "attributes": {"observa_repaired": true}})
    );
    assert_eq!(stored("pair"), json!({"input": "😀", "output": null, "attributes": null}));
    assert_eq!(stored("key")["attributes"], json!({"x\u{fffd}y": 1, "observa_repaired": true}));
    assert_eq!(stored("escaped"), json!({"input": "\\u0000", "output": null, "attributes": null}));
    assert_eq!(
        serde_json::from_str::<Value>(stored("json")["input"].as_str().unwrap()).unwrap(),
        json!({"k": ["\u{fffd}"]})
    );
}

#[test]
fn as_json_a_body_may_hold_what_jsonb_refuses() {
    let mut db = Database::ready();
    let answer: Value =
        db.one(r#"SELECT observa.ingest('[{"model":"m","input":"a\u0000b"},{"model":"n"}]'::json)"#);
    assert_eq!(answer["accepted"], 2, "{answer}");
}

#[test]
fn invalid_utf8_rejects_its_line_alone() {
    let mut db = Database::ready();
    let mut body = call("a").into_bytes();
    body.extend(b"\n{\"model\":\"m\xff\xfe\"}\n{\"model\":\"cut \xc3\"}\n\xed\xa0\x80\n");
    body.extend(b"{\"model\":\"raw nul \0 in it\"}\n");
    body.extend(call("b").as_bytes());
    let answer = db.ingest_bytes(&body);
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(2), &json!(4)), "{answer}");
    let codes: Vec<&str> =
        answer["errors"].as_array().unwrap().iter().map(|e| e["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["invalid_utf8", "invalid_utf8", "invalid_utf8", "invalid_json"]);
    assert_eq!(db.count("observa.rejected_events WHERE body LIKE '%\u{fffd}%'"), 4);
    lives(&mut db);
}

#[test]
fn a_line_of_ten_megabytes_is_rejected_alone_and_stored_when_the_limits_are_raised() {
    let mut db = Database::ready();
    let text = "lorem ipsum dolor sit amet ".repeat((10 << 20) / 27);
    let long = json!({"model": "m", "event_id": "long", "input": text}).to_string();
    let body = format!("{}\n{long}\n{}", call("a"), call("b"));
    let refused = db.client.query("SELECT observa.ingest($1::text)", &[&body]).unwrap_err();
    let refused = refused.as_db_error().unwrap();
    assert_eq!(refused.code().code(), "54000");
    assert!(refused.message().contains("observa.max_batch_bytes"), "{refused:?}");
    db.run("SET observa.max_batch_bytes = '32MB'");
    let answer = db.ingest(&body);
    assert_eq!(
        (&answer["accepted"], &answer["errors"][0]["code"]),
        (&json!(2), &json!("line_too_large")),
        "{answer}"
    );
    db.run("SET observa.max_line_bytes = '16MB'");
    let answer = db.ingest(&body);
    assert_eq!((&answer["accepted"], &answer["duplicates"]), (&json!(1), &json!(2)), "{answer}");
    let kept: bool =
        one_with(&mut db.client, "SELECT input = $1 FROM observa.events WHERE event_id = 'long'", &[&text]);
    assert!(kept);
}

#[test]
fn ten_thousand_levels_crash_nothing() {
    let mut db = Database::ready();
    for open in ["[", "{\"a\":", "[{\"a\":"] {
        let deep =
            format!("{{\"model\":\"m\",\"x\":{}\n{}", open.repeat(10_000), call(&format!("after {open}")));
        let answer = db.ingest(&deep);
        assert_eq!(answer["accepted"], 1, "{answer}");
    }
    // The deepest that the setting allows is parsed, scrubbed and stored.
    db.run("SET observa.max_depth = 1000");
    let deep =
        format!("{{\"event_id\":\"deep\",\"model\":\"m\",\"x\":{}1{}}}", "[".repeat(999), "]".repeat(999));
    let answer = db.ingest(&deep);
    lives(&mut db);
    assert_eq!(answer["rejected"].as_i64().unwrap() + answer["accepted"].as_i64().unwrap(), 1, "{answer}");
}

#[test]
fn one_broken_element_of_an_array_is_rejected_alone() {
    let mut db = Database::ready();
    let body = format!("[\n  {},\n  {{\"model\": broken}},\n  7,\n  {}\n]", call("a"), call("b"));
    let answer = db.ingest(&body);
    assert_eq!(answer["accepted"], 2, "{answer}");
    assert_eq!(
        answer["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|e| (e["line"].clone(), e["code"].clone()))
            .collect::<Vec<_>>(),
        [(json!(2), json!("invalid_json")), (json!(3), json!("not_an_object"))]
    );
    // An array that is cut off gives what is whole.
    let answer = db.ingest(&format!("[{},{},{{\"model\":\"m", call("c"), call("d")));
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(2), &json!(1)), "{answer}");
}

#[test]
fn a_pretty_printed_object_is_one_event() {
    let mut db = Database::ready();
    let body = serde_json::to_string_pretty(&llm_call("pretty")).unwrap();
    assert_eq!(db.ingest(&body)["accepted"], 1);
    assert_eq!(db.ingest(&format!("\n\n{body}\n\n"))["duplicates"], 1);
}

#[test]
fn gzip_is_unpacked_also_in_members() {
    let mut db = Database::ready();
    let mut body = gzip(lines(&[llm_call("a"), llm_call("b")]).as_bytes());
    body.extend(gzip(call("c").as_bytes()));
    let answer = db.ingest_bytes(&body);
    assert_eq!(answer["accepted"], 3, "{answer}");
}

#[test]
fn a_bomb_and_damaged_gzip_are_refused_whole() {
    let mut db = Database::ready();
    let bomb = gzip(&vec![b' '; 200 << 20]);
    assert!(bomb.len() < 2 << 20);
    let whole = gzip(call("a").as_bytes());
    let mut flipped = whole.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    for (body, code, what) in [
        (bomb, "54000", "a bomb"),
        (whole[..whole.len() - 5].to_vec(), "22000", "truncated"),
        (whole[..2].to_vec(), "22000", "the magic bytes alone"),
        (flipped, "22000", "damaged"),
    ] {
        let refused = db.client.query("SELECT observa.ingest($1::bytea)", &[&body]).unwrap_err();
        let refused = refused.as_db_error().unwrap().clone();
        assert_eq!(refused.code().code(), code, "{what}: {refused:?}");
    }
    assert_eq!(db.count("observa.events") + db.count("observa.rejected_events"), 0);
    lives(&mut db);
}

#[test]
fn a_body_over_a_limit_is_refused_whole_and_the_error_names_the_setting() {
    let mut db = Database::ready();
    db.run("SET observa.max_batch_events = 3");
    let four: Vec<Value> = (0..4).map(|n| llm_call(&format!("e{n}"))).collect();
    let refused = db.client.query("SELECT observa.ingest($1::text)", &[&lines(&four)]).unwrap_err();
    let refused = refused.as_db_error().unwrap();
    assert_eq!(refused.code().code(), "54000");
    assert!(refused.message().contains("observa.max_batch_events"), "{refused:?}");
    assert!(refused.hint().is_some());
    assert_eq!(db.ingest(&lines(&four[..3]))["accepted"], 3);
    db.run("SET observa.max_batch_bytes = 1024");
    let refused = error(&mut db.client, &format!("SELECT observa.ingest('{}')", "x".repeat(1025)));
    assert_eq!(refused.code().code(), "54000");
    assert!(refused.message().contains("observa.max_batch_bytes"), "{refused:?}");
    assert_eq!(db.count("observa.events"), 3);
}

#[test]
fn a_client_cannot_raise_its_own_limits() {
    let mut db = Database::ready();
    let mut client = db.connect_as("greedy", "observa_ingest");
    // Loads the library, so that the settings are known.
    let _ = client.simple_query("SELECT observa.ingest('')");
    for setting in [
        "max_batch_bytes",
        "max_batch_events",
        "max_line_bytes",
        "max_depth",
        "max_id_bytes",
        "ingest_window_past",
        "ingest_window_future",
        "scrub_emails",
    ] {
        let refused = error(&mut client, &format!("SET observa.{setting} = DEFAULT"));
        assert_eq!(refused.code().code(), "42501", "{setting}");
    }
    let unknown = error(&mut db.client, "LOAD 'observa'; SET observa.max_lines = 5");
    assert_eq!(unknown.code().code(), "42602", "the prefix is reserved: {unknown:?}");
}

#[test]
fn fifty_megabytes_of_noise_kill_nothing() {
    let mut db = Database::ready();
    db.run("SET observa.max_batch_bytes = '64MB'; SET observa.max_batch_events = 1000000");
    // A fixed sequence of bytes (xorshift), so that a failure can be repeated.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        b"{}[]\":,\\u0e\n\r\t 1a\xff\xc3\x00"[(state % 20) as usize]
    })
    .take(5 << 20)
    .collect();
    db.ingest_bytes(&noise);
    lives(&mut db);
}

#[test]
fn a_batch_of_requests_may_be_longer_than_a_line_and_its_time_is_theirs() {
    let mut db = Database::ready();
    db.run("SET observa.max_line_bytes = 1000");
    let request = |id: usize, size: usize| json!({"request_id": id.to_string(), "model": "m", "prompt": "x".repeat(size)});
    let mut requests: Vec<Value> = (1..=20).map(|id| request(id, 500)).collect();
    requests[6] = request(7, 2000);
    let time = now_ms() - 2 * HOUR_MS;
    let body = json!({"batch_id": "b", "requests": requests, "timestamp": time});
    for body in [body.to_string(), serde_json::to_string_pretty(&body).unwrap()] {
        let answer = db.ingest(&body);
        let stored = answer["accepted"].as_i64().unwrap() + answer["duplicates"].as_i64().unwrap();
        assert_eq!((stored, &answer["rejected"]), (19, &json!(1)), "{answer}");
        assert_eq!(answer["errors"][0]["line"], 7, "{answer}");
        assert_eq!(answer["errors"][0]["code"], "line_too_large", "{answer}");
    }
    assert_eq!(
        db.count(&format!("observa.events WHERE ts = to_timestamp({time} / 1000.0) AND length(input) = 500")),
        19
    );
    // Each request counts as an event, in a line of NDJSON, too.
    db.run("SET observa.max_batch_events = 19");
    for body in [body.to_string(), format!("{body}\n{}", call("e"))] {
        let refused = db.client.query("SELECT observa.ingest($1::text)", &[&body]).unwrap_err();
        assert_eq!(refused.as_db_error().unwrap().code().code(), "54000");
    }
}
