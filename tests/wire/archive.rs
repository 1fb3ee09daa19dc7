//! A day is in its archive, value by value, before it is gone; and a day without an archive stays.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use observa_tests::Database;
use observa_tests::database::{error, ingest, one};
use observa_tests::event::{DAY_MS, lines, llm_call, now_ms, with};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Value, json};

const TABLES: [&str; 4] = ["events", "event_payloads", "signals", "logs"];

/// A directory that the server may write to, whoever it runs as. It goes with the value.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        let folder = tempfile::Builder::new().prefix("observa-archive").tempdir().expect("a directory");
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).expect("open to the server");
        Folder(folder)
    }

    fn path(&self) -> String {
        self.0.path().to_str().unwrap().to_owned()
    }

    /// What lies in a table's folder, hidden files included, in order.
    fn files(&self, table: &str) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.0.path().join(table)) else { return Vec::new() };
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// Events of some days ago with payloads, signals and log lines: texts in many scripts, money, NULLs.
fn filled(age: i64) -> Database {
    let mut db = Database::ready();
    add(&mut db, age, "e");
    db
}

fn add(db: &mut Database, age: i64, prefix: &str) {
    let ts = now_ms() - age * DAY_MS;
    let calls: Vec<Value> = (0..40)
        .map(|n| {
            let more = match n % 4 {
                0 => json!({"latency_ms": 9000.25, "cost_usd": 0.000000000123, "status": "error", "error_message": "it broke"}),
                1 => json!({"input": "Grüße, 世界 \u{1f600}\n\"quoted\"", "input_tokens": 7, "session_id": ""}),
                2 => json!({"attributes": {"deep": {"list": [1, null, 2.50]}}, "latency_ms": 0.1}),
                _ => json!({"output": "x".repeat(5000), "sentiment_score": -0.25}),
            };
            with(with(llm_call(&format!("{prefix}-{n}")), json!({"timestamp": ts})), more)
        })
        .collect();
    let answer = db.ingest(&lines(&calls));
    assert_eq!(answer["accepted"], 40, "{answer}");
    db.run(&format!(
        "INSERT INTO observa.logs (created_at, level, message, metadata) SELECT to_timestamp({ts} / 1000.0), 'error', 'line ' || n, '{{\"n\": 1}}'
           FROM generate_series(1, 3) n"
    ));
}

fn day(db: &mut Database, age: i64) -> String {
    db.one(&format!("SELECT ((now() AT TIME ZONE 'UTC')::date - {age})::text"))
}

fn compact(day: &str) -> String {
    day.replace('-', "")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// As SQL writes it below.
fn text(field: &Field) -> Option<String> {
    Some(match field {
        Field::Null => return None,
        Field::Bool(value) => value.to_string(),
        Field::Int(value) => value.to_string(),
        Field::Long(value) | Field::TimestampMicros(value) => value.to_string(),
        Field::Double(value) => hex(&value.to_be_bytes()),
        Field::Str(value) => value.clone(),
        Field::Bytes(value) => hex(value.data()),
        other => panic!("{other:?} is of a type that no column has"),
    })
}

/// All rows of a file, with columns in their order.
fn archived(path: &Path) -> Vec<Vec<Option<String>>> {
    let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
    let rows = reader.get_row_iter(None).unwrap();
    let mut rows: Vec<Vec<_>> =
        rows.map(|row| row.unwrap().get_column_iter().map(|(_, field)| text(field)).collect()).collect();
    rows.sort();
    rows
}

/// All rows of a relation, as `text` writes them: doubles and ids by their bytes, times in microseconds.
fn stored(db: &mut Database, relation: &str) -> Vec<Vec<Option<String>>> {
    let columns: Vec<String> = db
        .rows(
            "SELECT CASE format_type(atttypid, NULL)
                        WHEN 'timestamp with time zone' THEN format('(extract(epoch FROM %I) * 1000000)::bigint::text', attname)
                        WHEN 'double precision' THEN format('encode(float8send(%I), ''hex'')', attname)
                        WHEN 'uuid' THEN format('encode(uuid_send(%I), ''hex'')', attname)
                        ELSE format('%I::text', attname) END
               FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
            &[&relation],
        )
        .iter()
        .map(|row| row.get(0))
        .collect();
    let sql = format!("SELECT {} FROM {relation}", columns.join(", "));
    let rows = db.rows(&sql, &[]);
    let mut rows: Vec<Vec<Option<String>>> =
        rows.iter().map(|row| (0..columns.len()).map(|at| row.get(at)).collect()).collect();
    rows.sort();
    rows
}

#[test]
fn every_value_of_a_day_is_in_its_file() {
    let mut db = filled(3);
    let folder = Folder::new();
    let day = day(&mut db, 3);
    for table in TABLES {
        let answer: Value =
            db.one(&format!("SELECT observa.archive_partition('{table}', '{day}', '{}')", folder.path()));
        let path = PathBuf::from(answer["file"].as_str().unwrap());
        let name = format!("{table}_{}.parquet", compact(&day));
        assert_eq!(path, Path::new(&folder.path()).join(table).join(&name));
        let rows = stored(&mut db, &format!("observa_internal.{table}_{}", compact(&day)));
        assert!(rows.len() >= 3, "{table} has {} rows", rows.len());
        assert!(archived(&path) == rows, "{table}");
        assert_eq!(answer["rows"], rows.len());
        let bytes = fs::read(&path).unwrap();
        assert_eq!(answer["bytes"], bytes.len());
        assert_eq!(answer["sha256"], hex(&<sha2::Sha256 as sha2::Digest>::digest(&bytes)));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "nobody else's");
        assert_eq!(folder.files(table), [name]);
    }
}

#[test]
fn a_file_stays_as_it_is_and_a_day_that_differs_from_it_too() {
    let mut db = filled(3);
    let folder = Folder::new();
    let day = day(&mut db, 3);
    let archive = format!("SELECT observa.archive_partition('events', '{day}', '{}')", folder.path());
    let first: Value = db.one(&archive);
    assert_eq!(first["rows"], 40);
    assert_eq!(db.one::<Value>(&archive), first, "nothing has come since");
    add(&mut db, 3, "late");
    let refused = db.error(&archive);
    assert_eq!(refused.code().code(), "58P02");
    assert!(refused.message().contains("other rows of this day"), "{refused:?}");
    let path = Path::new(first["file"].as_str().unwrap());
    assert_eq!(archived(path).len(), 40);
    // A day that expires stays, until somebody has looked at the file.
    db.run(&format!("SET observa.archive_directory = '{}'; SET observa.retention_days = 2", folder.path()));
    for _ in 0..2 {
        db.run("SELECT observa.run_maintenance()");
    }
    assert_eq!(waiting(&mut db), 1);
    assert_eq!(archived(path).len(), 40);
    fs::rename(path, path.with_extension("older")).unwrap();
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(waiting(&mut db), 0);
    assert_eq!(archived(path).len(), 80);
}

#[test]
fn what_a_tables_owner_plants_is_not_run_by_who_archives() {
    let mut db = filled(3);
    let folder = Folder::new();
    let day = day(&mut db, 3);
    let archive = format!("SELECT observa.archive_partition('logs', '{day}', '{}')", folder.path());
    let name = format!("observa_internal.logs_{}", compact(&day));
    db.run(
        "CREATE TABLE was_run (by text);
         CREATE TYPE mood AS ENUM ('well');
         CREATE FUNCTION planted(mood) RETURNS text LANGUAGE sql AS $$INSERT INTO was_run VALUES (current_user) RETURNING by$$;
         CREATE CAST (mood AS text) WITH FUNCTION planted(mood);
         ALTER TABLE observa_internal.logs ADD COLUMN mood mood DEFAULT 'well'",
    );
    assert_eq!(db.error(&archive).code().code(), "22023");
    db.run(&format!(
        "ALTER TABLE observa_internal.logs DROP COLUMN mood;
         ALTER TABLE observa_internal.logs DETACH PARTITION {name};
         ALTER TABLE {name} RENAME TO elsewhere;
         CREATE VIEW {name} AS SELECT planted('well') AS message"
    ));
    assert_eq!(db.error(&archive).code().code(), "22023");
    assert_eq!(db.count("was_run"), 0);
    assert_eq!(folder.files("logs"), [""; 0]);
}

#[test]
fn bad_archives_are_refused_and_leave_nothing() {
    let mut db = filled(3);
    let folder = Folder::new();
    let (path, day) = (folder.path(), day(&mut db, 3));
    let file = format!("{path}/file");
    fs::write(&file, "").unwrap();
    for (table, day, directory, code) in [
        ("'rollups'", format!("'{day}'"), format!("'{path}'"), "22023"),
        ("'event_keys'", format!("'{day}'"), format!("'{path}'"), "22023"),
        ("NULL", format!("'{day}'"), format!("'{path}'"), "22023"),
        ("'events'", "NULL".into(), format!("'{path}'"), "22023"),
        ("'events'", "'2001-01-01'".into(), format!("'{path}'"), "02000"),
        ("'events'", "'infinity'".into(), format!("'{path}'"), "02000"),
        ("'events'", format!("'{day}'"), "NULL".into(), "22023"),
        ("'events'", format!("'{day}'"), "''".into(), "22023"),
        ("'events'", format!("'{day}'"), "'relative'".into(), "22023"),
        ("'events'", format!("'{day}'"), format!("'{path}/../x'"), "22023"),
        ("'events'", format!("'{day}'"), format!("'{path}/missing'"), "58P01"),
        ("'events'", format!("'{day}'"), format!("'{file}'"), "42809"),
        // Where nobody can write, whoever the server runs as.
        ("'events'", format!("'{day}'"), "'/proc'".into(), "58P01"),
    ] {
        let call = format!("SELECT observa.archive_partition({table}, {day}, {directory})");
        assert_eq!(db.error(&call).code().code(), code, "{call}");
    }
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1, "the file alone");
    let mut boss = db.connect_as("boss", "observa_admin, observa_read");
    let refused = error(&mut boss, &format!("SELECT observa.archive_partition('events', '{day}', '{path}')"));
    assert_eq!(refused.code().code(), "42501");
}

#[test]
fn what_is_not_the_partitions_own_file_is_never_replaced() {
    let mut db = filled(3);
    let mut other = filled(3);
    let folder = Folder::new();
    let day = day(&mut db, 3);
    let archive =
        |table: &str| format!("SELECT observa.archive_partition('{table}', '{day}', '{}')", folder.path());
    let answer: Value = other.one(&archive("events"));
    let file = answer["file"].as_str().unwrap().to_owned();
    let before = fs::read(&file).unwrap();
    assert_eq!(db.error(&archive("events")).code().code(), "58P02", "another database's");
    fs::write(&file, "no archive").unwrap();
    assert_eq!(other.error(&archive("events")).code().code(), "58P02", "somebody's file");
    fs::write(&file, before).unwrap();
    // A link in the place of the file that is written: what it leads to stays as it is.
    let target = format!("{}/target", folder.path());
    fs::write(&target, "precious").unwrap();
    let files = folder.0.path().join("signals");
    std::os::unix::fs::symlink(&target, &files).unwrap();
    assert_eq!(db.error(&archive("signals")).code().code(), "42809", "a link where a folder is to be");
    fs::remove_file(&files).unwrap();
    assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    assert_eq!(folder.files("events").len(), 1, "and no half file");
}

#[test]
fn an_interrupted_archive_leaves_no_file() {
    let mut db = filled(3);
    let folder = Folder::new();
    let name = format!("observa_internal.events_{}", compact(&day(&mut db, 3)));
    // Enough rows that it can't be done in the time.
    let columns: String = db.one(
        "SELECT string_agg(CASE attname WHEN 'event_id' THEN 'e.event_id || ''/'' || n' ELSE format('e.%I', attname) END, ', ' ORDER BY attnum)
           FROM pg_attribute WHERE attrelid = 'observa_internal.events'::regclass AND attnum > 0",
    );
    db.run(&format!("INSERT INTO {name} SELECT {columns} FROM {name} e, generate_series(1, 2000) n"));
    let day = day(&mut db, 3);
    let archive = format!("SELECT observa.archive_partition('events', '{day}', '{}')", folder.path());
    db.run("SET statement_timeout = '300ms'");
    assert_eq!(db.error(&archive).code().code(), "57014");
    assert_eq!(folder.files("events"), [""; 0]);
    db.run("RESET statement_timeout");
    assert_eq!(db.one::<Value>(&archive)["rows"], 80_040, "and the next one is not hindered");
}

/// The partitions of a day that wait for their archive.
fn waiting(db: &mut Database) -> i64 {
    db.count("pg_class WHERE relnamespace = 'observa_internal'::regnamespace AND relkind = 'r' AND relname ~ '^expired_'")
}

#[test]
fn an_expired_day_is_archived_before_it_is_dropped() {
    let mut db = filled(20);
    let folder = Folder::new();
    let day = day(&mut db, 20);
    let name = |table: &str| format!("{table}_{}.parquet", compact(&day));
    let rows: Vec<_> =
        TABLES.map(|table| stored(&mut db, &format!("observa_internal.{table}_{}", compact(&day)))).into();
    db.run(&format!("SET observa.archive_directory = '{}'; SET observa.retention_days = 15", folder.path()));
    let first: Value = db.one("SELECT observa.run_maintenance()");
    assert!(first["expired_partitions"].as_i64() > Some(0), "{first}");
    assert_eq!(db.count("observa.events"), 0, "what has expired is shown no more");
    assert!(waiting(&mut db) > 0);
    // Late ones make the day again, whose file is not to replace the first.
    add(&mut db, 20, "late");
    let second: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!(second["failed"], json!([]), "{second}");
    assert_eq!(second["archived_partitions"], first["expired_partitions"], "{second}");
    for (table, rows) in TABLES.iter().zip(&rows) {
        let file = folder.0.path().join(table).join(name(table));
        assert!(archived(&file) == *rows, "{table}");
    }
    let third: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!(third["archived_partitions"], 4, "{third}");
    assert_eq!(waiting(&mut db), 0);
    let late = folder.0.path().join("events").join(format!("events_{}_2.parquet", compact(&day)));
    assert_eq!(archived(&late).len(), 40);
    assert_eq!(archived(&folder.0.path().join("events").join(name("events"))).len(), 40);
}

#[test]
fn a_day_whose_archive_fails_stays() {
    let mut db = filled(20);
    let folder = Folder::new();
    db.run("SET observa.retention_days = 15; SET observa.archive_directory = '/proc'");
    let refused: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!(refused["failed"], json!(["expired_days"]), "{refused}");
    assert_eq!(db.count("observa.events"), 40, "a directory that can't be used is found out first");
    // One that can't be used any more when the day waits already.
    db.run(&format!("SET observa.archive_directory = '{}'", folder.path()));
    db.run("SELECT observa.run_maintenance()");
    let kept = waiting(&mut db);
    assert!(kept >= 4, "{kept}");
    for directory in ["", "/proc"] {
        db.run(&format!("SET observa.archive_directory = '{directory}'"));
        let round: Value = db.one("SELECT observa.run_maintenance()");
        assert!(round["failed"].as_array().unwrap().contains(&json!("archive")), "{round}");
        assert_eq!(waiting(&mut db), kept, "no archive, no drop");
    }
    let told: String = db.one("SELECT last_error FROM observa.workers WHERE job = 'archive'");
    assert!(told.contains("/proc"), "{told}");
    db.run(&format!("SET observa.archive_directory = '{}'", folder.path()));
    let round: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!((&round["archived_partitions"], &round["failed"]), (&json!(kept), &json!([])), "{round}");
}

#[test]
fn one_days_failure_holds_up_no_other() {
    let mut db = filled(20);
    let folder = Folder::new();
    let day = day(&mut db, 20);
    db.run(&format!("SET observa.archive_directory = '{}'; SET observa.retention_days = 15", folder.path()));
    db.run("SELECT observa.run_maintenance()");
    let kept = waiting(&mut db);
    fs::create_dir(folder.0.path().join("signals")).unwrap();
    fs::set_permissions(folder.0.path().join("signals"), fs::Permissions::from_mode(0o777)).unwrap();
    fs::write(folder.0.path().join("signals").join(format!("signals_{}.parquet", compact(&day))), "not ours")
        .unwrap();
    let round: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!((&round["archived_partitions"], &round["failed"]), (&json!(kept - 1), &json!([])), "{round}");
    let left: String =
        db.one("SELECT relname::text FROM pg_class WHERE relname ~ '^expired_' AND relkind = 'r'");
    assert!(left.starts_with("expired_signals_"), "{left}");
}

#[test]
fn ingest_goes_on_while_a_day_is_archived_and_one_that_is_read_stays() {
    let mut db = filled(20);
    let folder = Folder::new();
    db.run(&format!("SET observa.archive_directory = '{}'; SET observa.retention_days = 15", folder.path()));
    let mut reader = db.connect();
    let mut reading = reader.transaction().unwrap();
    reading.query("SELECT count(*) FROM observa_internal.events", &[]).unwrap();
    let mut client = db.connect();
    // A statement that waits for longer than a round does is an error.
    client.batch_execute("SET statement_timeout = '20s'").unwrap();
    let mut worker = db.connect();
    worker
        .batch_execute(&format!(
            "SET observa.archive_directory = '{}'; SET observa.retention_days = 15",
            folder.path()
        ))
        .unwrap();
    let round: Value = std::thread::scope(|scope| {
        let round = scope.spawn(|| one(&mut worker, "SELECT observa.run_maintenance()"));
        while !round.is_finished() {
            assert_eq!(ingest(&mut client, r#"{"model":"m"}"#)["rejected"], 0);
        }
        round.join().unwrap()
    });
    let postponed = round["postponed"].to_string();
    assert!(postponed.contains("partitions of events before"), "{round}");
    assert_eq!(db.count("observa.events WHERE event_id LIKE 'e-%'"), 40, "nothing of it has happened");
    reading.commit().unwrap();
    let round: Value = db.one("SELECT observa.run_maintenance()");
    assert_eq!(round["postponed"], json!([]), "{round}");
    assert_eq!(db.count("observa.events WHERE event_id LIKE 'e-%'"), 0);
    let round: Value = db.one("SELECT observa.run_maintenance()");
    assert!(round["archived_partitions"].as_i64() > Some(0), "{round}");
    assert_eq!(waiting(&mut db), 0);
}

#[test]
fn what_waits_for_its_archive_is_open_to_nobody_and_no_news_to_setup() {
    let mut db = filled(20);
    let folder = Folder::new();
    db.run(&format!("SET observa.archive_directory = '{}'; SET observa.retention_days = 15", folder.path()));
    db.run("SELECT observa.run_maintenance()");
    let open = "pg_class c, pg_roles r
        WHERE c.relname ~ '^expired_' AND c.relkind = 'r' AND NOT r.rolsuper AND r.rolname NOT IN ('observa_owner') AND r.rolname !~ '^pg_'
          AND has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE')";
    assert_eq!(db.count(open), 0);
    assert_eq!(
        db.count("pg_class WHERE relname ~ '^expired_' AND relkind = 'r' AND NOT (relrowsecurity AND relforcerowsecurity)"),
        0
    );
    // Scripts would wait for this lock.
    let mut other = db.connect();
    let mut held = other.transaction().unwrap();
    held.batch_execute("LOCK TABLE observa_internal.events IN ROW EXCLUSIVE MODE").unwrap();
    db.run("SET statement_timeout = '20s'; SELECT observa.setup()");
}
