//! With pgvector the same is found as without, faster where there are many vectors, and of nobody else. dev/pgvector installs it.

use std::collections::HashSet;

use observa_tests::Database;
use observa_tests::clients;
use observa_tests::database::{error, one, table};
use observa_tests::programs::program;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::dump::{dump, restore};

/// From so many on the index is used, and made.
const MANY: i64 = 10_000;

const DIMENSIONS: usize = 32;

/// In a schema whose name has to be quoted, where everybody may use it.
const INSTALL: &str = r#"CREATE SCHEMA "in ""here"; GRANT USAGE ON SCHEMA "in ""here" TO PUBLIC; CREATE EXTENSION vector SCHEMA "in ""here""#;

const INDEX: &str = "embeddings_near_32";

/// `many` of a tenant, one every 20 seconds, each around one of these axes in turn.
fn plant(db: &mut Database, tenant: &str, name: &str, many: i64, axes: &[usize], noise: f64) {
    let axes: Vec<String> = axes.iter().map(ToString::to_string).collect();
    db.run(&format!(
        "SELECT setseed(0.5);
         INSERT INTO observa_internal.embeddings (tenant_id, ts, event_id, project_id, environment, route, model, embedding_model, question_hash, vector)
         SELECT p.tenant_id, now() - n * interval '20 seconds', '{name}' || n, p.project_id, 'prod', 'r' || n % 3, 'm', 'e', md5('{name}' || n)::uuid,
                (SELECT array_agg((v / length)::real ORDER BY d)
                   FROM (SELECT d, v, sqrt(sum(v * v) OVER ()) AS length
                           FROM (SELECT d, (random() - 0.5) * {noise} + (d = ('{{{axes}}}'::int[])[1 + n % {count}])::int AS v
                                   FROM generate_series(1, {DIMENSIONS}) d WHERE n > 0) one) whole)
           FROM generate_series(1, {many}) n
           JOIN observa_internal.tenants t ON t.name = '{tenant}'
           JOIN observa_internal.projects p ON p.tenant_id = t.tenant_id",
        axes = axes.join(","),
        count = axes.len(),
    ));
}

/// Of the shared server, with so many vectors of the default tenant. None: pgvector can't be had.
fn database(many: i64) -> Option<Database> {
    let mut db = Database::ready();
    if db.count("pg_available_extensions WHERE name = 'vector'") == 0 {
        clients::require_note("pgvector");
        return None;
    }
    plant(&mut db, "default", "e", many, &[1, 1, 1, 4, 4, 7], 0.8);
    Some(db)
}

fn install(db: &mut Database) {
    db.run(INSTALL);
    db.run("SELECT observa.run_maintenance()");
}

fn indexes(db: &mut Database) -> Vec<Value> {
    db.table(
        "SELECT relname AS name FROM pg_class WHERE relname LIKE 'embeddings\\_near\\_%' ORDER BY relname",
    )
}

/// How often sessions that have ended, and this one, have searched by an index.
fn scans(db: &mut Database, index: &str) -> i64 {
    db.run("SELECT pg_stat_force_next_flush()");
    db.one(&format!(
        "SELECT coalesce(sum(idx_scan), 0)::bigint FROM pg_stat_all_indexes WHERE indexrelname = '{index}'"
    ))
}

#[track_caller]
fn ids(db: &mut Database, sql: &str) -> Vec<String> {
    db.rows(sql, &[]).iter().map(|row| row.get(0)).collect()
}

/// Of what must be found, what share is.
fn recall(exact: &[Vec<String>], found: &[Vec<String>]) -> f64 {
    let hits = exact.iter().zip(found).map(|(exact, found)| {
        let exact: HashSet<&String> = exact.iter().collect();
        found.iter().filter(|id| exact.contains(id)).count()
    });
    hits.sum::<usize>() as f64 / exact.iter().map(Vec::len).sum::<usize>() as f64
}

#[test]
fn with_pgvector_the_same_is_found_as_without() {
    let Some(mut db) = database(MANY + 2_000) else { return };
    let analyses = [
        "SELECT * FROM observa.embedding_clusters(3, since => now() - interval '6 hours')",
        "SELECT * FROM observa.near_duplicates(0.6, since => now() - interval '6 hours')",
        "SELECT * FROM observa.out_of_scope(since => now() - interval '6 hours')",
        "SELECT * FROM observa.drift(since => now() - interval '6 hours')",
    ];
    let searches: Vec<String> = (0..40)
        .map(|n| {
            format!("SELECT event_id FROM observa.similar_events('e{}', {})", 1 + n * 299, [10, 100][n % 2])
        })
        .collect();
    let exact: Vec<Vec<String>> = searches.iter().map(|sql| ids(&mut db, sql)).collect();
    let whole = "SELECT * FROM observa.similar_events('e77', 3)";
    let rows = db.table(whole);

    install(&mut db);
    assert_eq!(indexes(&mut db), [json!({"name": INDEX})]);
    // A search may be the first that its session has of pgvector.
    db.client = db.connect();
    let found: Vec<Vec<String>> = searches.iter().map(|sql| ids(&mut db, sql)).collect();
    assert_eq!(scans(&mut db, INDEX), 40, "the index is not used");
    let recall = recall(&exact, &found);
    println!("recall of the index among {} vectors: {recall:.4}", MANY + 2_000);
    assert!(recall > 0.97, "{recall}");
    assert!(exact.iter().zip(&found).all(|(exact, found)| exact.len() == found.len()));
    assert_eq!(db.table(whole), rows, "all that is told of what is found");
    // What belongs to the search alone is not the session's afterwards.
    let settings = "SELECT concat_ws(' ', current_setting('enable_sort'), current_setting('hnsw.ef_search'), current_setting('hnsw.iterative_scan'))";
    assert_eq!(db.one::<String>(settings), "on 40 off");
    // Few are compared one by one.
    let few = "SELECT event_id FROM observa.similar_events('e5', 5, since => now() - interval '1 hour')";
    assert_eq!(ids(&mut db, few).len(), 5);
    assert_eq!(scans(&mut db, INDEX), 41, "by {whole}");
    // Of the same vectors at the same time.
    db.run("BEGIN");
    let with = analyses.map(|sql| db.table(sql));
    db.run(r#"SET LOCAL client_min_messages = warning; DROP EXTENSION vector CASCADE"#);
    let without = analyses.map(|sql| db.table(sql));
    db.run("ROLLBACK");
    assert_eq!(with, without);
    assert!(with.iter().all(|rows| !rows.is_empty()), "{with:?}");
}

#[test]
fn by_the_index_a_tenant_finds_only_its_own_and_all_of_them() {
    let Some(mut db) = database(MANY) else { return };
    for (other, many) in [("large", 25_000), ("small", 20)] {
        db.tenant(other);
        plant(&mut db, other, other, many, &[12], 0.4);
    }
    // One question of the default tenant is where only others ask.
    db.run("UPDATE observa_internal.embeddings e SET vector = l.vector FROM observa_internal.embeddings l WHERE e.event_id = 'e7' AND l.event_id = 'large7'");
    let tenants: Vec<Uuid> = db
        .rows("SELECT tenant_id FROM observa_internal.tenants ORDER BY array_position('{default,large,small}', name)", &[])
        .iter()
        .map(|row| row.get(0))
        .collect();
    let mut readers = Vec::new();
    for (name, tenant) in ["reader_a", "reader_b", "reader_c"].iter().zip(&tenants) {
        let mut reader = db.connect_as(name, "observa_read");
        let login: String = one(&mut reader, "SELECT session_user::text");
        db.run(&format!("SELECT observa.grant_tenant('{login}', '{tenant}')"));
        readers.push(reader);
    }
    let searches = [
        // Among its own, where only others are, and of many at once.
        ("e", ["similar_events('e1', 10)", "similar_events('e7', 10)", "similar_events('e7', 1000)"]),
        (
            "large",
            [
                "similar_events('large1', 10)",
                "similar_events('large7', 10)",
                "similar_events('large1', 1000)",
            ],
        ),
        (
            "small",
            ["similar_events('small1', 10)", "similar_events('small7', 10)", "similar_events('small1', 19)"],
        ),
    ];
    let search = |reader: &mut postgres::Client, search: &str| -> Vec<String> {
        let rows = table(reader, &format!("SELECT event_id FROM observa.{search}"));
        rows.iter().map(|row| row["event_id"].as_str().unwrap().to_owned()).collect()
    };
    let mut exact = Vec::new();
    for (reader, (_, searches)) in readers.iter_mut().zip(searches) {
        exact.extend(searches.map(|sql| search(reader, sql)));
    }
    install(&mut db);
    let mut found = Vec::new();
    for (reader, (own, searches)) in readers.iter_mut().zip(searches) {
        for sql in searches {
            let ids = search(reader, sql);
            assert!(ids.iter().all(|id| id.starts_with(own)), "{sql} of {own}: {ids:?}");
            found.push(ids);
        }
    }
    for (exact, found) in exact.iter().zip(&found) {
        assert_eq!(exact.len(), found.len(), "somebody gets fewer than there are");
    }
    let recall = recall(&exact, &found);
    println!("recall of the index among others' vectors: {recall:.4}");
    assert!(recall > 0.95, "{recall}");
    drop(readers);
    assert!(scans(&mut db, INDEX) > 0, "the index is not used");
}

#[test]
fn no_plan_by_the_index_shows_a_function_what_others_have() {
    let Some(mut db) = database(MANY) else { return };
    let other = db.tenant("other");
    plant(&mut db, "other", "theirs", 500, &[1], 0.1);
    install(&mut db);
    let mut reader = db.connect_as("reader", "observa_read");
    let login: String = one(&mut reader, "SELECT session_user::text");
    db.run(&format!("SELECT observa.grant_tenant('{login}', '{other}')"));
    // It costs nothing, so a planner that may will call it first.
    reader
        .batch_execute(
            "CREATE TEMP TABLE seen (id text);
             CREATE FUNCTION pg_temp.peek(id text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
                 'BEGIN INSERT INTO seen VALUES (id); RETURN true; END';
             SET enable_sort = off; SET enable_seqscan = off; SET enable_bitmapscan = off",
        )
        .unwrap();
    let of = format!("ARRAY[1{}]::real[]", ",0".repeat(DIMENSIONS - 1));
    let sql = format!(
        "SELECT event_id FROM observa.embeddings WHERE pg_temp.peek(event_id) AND cardinality(vector) = {DIMENSIONS}
          ORDER BY vector::\"in \"\"here\".vector({DIMENSIONS}) OPERATOR(\"in \"\"here\".<#>) {of}::\"in \"\"here\".vector({DIMENSIONS}) LIMIT 20"
    );
    let plan = reader.query(&format!("EXPLAIN {sql}"), &[]).unwrap();
    let plan: Vec<String> = plan.iter().map(|row| row.get(0)).collect();
    assert!(plan.iter().any(|line| line.contains(INDEX)), "{plan:?}");
    for scan in ["off", "strict_order", "relaxed_order"] {
        reader.batch_execute(&format!("SET hnsw.iterative_scan = {scan}")).unwrap();
        let rows = table(&mut reader, &sql);
        assert!(rows.iter().all(|row| row["event_id"].as_str().unwrap().starts_with("theirs")), "{rows:?}");
        assert!(scan == "off" || rows.len() == 20, "{scan}: {rows:?}");
    }
    assert_eq!(one::<i64>(&mut reader, "SELECT count(*) FROM seen WHERE id NOT LIKE 'theirs%'"), 0);
    assert!(one::<i64>(&mut reader, "SELECT count(*) FROM seen") > 0);
}

#[test]
fn pgvector_goes_and_comes_back_and_no_vector_is_lost() {
    let Some(mut db) = database(MANY) else { return };
    let search = "SELECT event_id FROM observa.similar_events('e1', 5)";
    let exact = ids(&mut db, search);
    install(&mut db);
    let by_index = ids(&mut db, search);
    let refused = db.error("DROP EXTENSION vector");
    assert_eq!(refused.code().code(), "2BP01");
    assert!(refused.detail().unwrap().contains(INDEX), "{refused:?}");
    // Storage that has the index is not brought up to date again: a reader is not in the way.
    let mut reader = db.connect();
    reader.batch_execute("BEGIN; LOCK TABLE observa_internal.embeddings IN ACCESS SHARE MODE").unwrap();
    db.run("SELECT observa.setup()");
    reader.batch_execute("ROLLBACK").unwrap();

    db.run("SET client_min_messages = warning; DROP EXTENSION vector CASCADE");
    assert_eq!((indexes(&mut db), db.count("observa.embeddings")), (vec![], MANY));
    assert_eq!(ids(&mut db, search), exact);
    db.run(r#"CREATE EXTENSION vector SCHEMA "in ""here""#);
    assert_eq!(ids(&mut db, search), exact, "before maintenance has made the index");
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(ids(&mut db, search), by_index);
    // What is stored from now on is found, too, and what is deleted is not.
    db.run("UPDATE observa_internal.embeddings SET vector = (SELECT vector FROM observa_internal.embeddings WHERE event_id = 'e1') WHERE event_id = 'e9999'");
    assert_eq!(ids(&mut db, search)[0], "e9999");
    db.run("DELETE FROM observa_internal.embeddings WHERE event_id = 'e9999'");
    assert_ne!(ids(&mut db, search)[0], "e9999");
    // Without Observa's library the index is as good as before.
    db.run("DROP EXTENSION observa CASCADE; CREATE EXTENSION observa; SELECT observa.setup()");
    assert_eq!(indexes(&mut db).len(), 1);
}

#[test]
fn a_dump_takes_the_index_along() {
    let Some(mut db) = database(MANY) else { return };
    let search = "SELECT event_id FROM observa.similar_events('e1', 5)";
    let exact = ids(&mut db, search);
    install(&mut db);
    let before = ids(&mut db, search);
    let definition = format!(
        "SELECT pg_get_indexdef('observa_internal.{INDEX}'::regclass) || obj_description('observa_internal.{INDEX}'::regclass)"
    );
    let folder = std::env::temp_dir().join(format!("observa-dump-{}", db.name));
    let file = dump(&db, &folder);
    let mut restored = Database::empty();
    restore(&restored, &file);
    assert_eq!(restored.one::<String>(&definition), db.one::<String>(&definition));
    let found = ids(&mut restored, search);
    assert!(recall(&[before], &[found]) > 0.7);
    assert_eq!(scans(&mut restored, INDEX), 1, "the index is not used");

    // Where there is no pgvector: the index fails, and nothing else.
    let mut without = Database::empty();
    let list = folder.join("list");
    let listed = program("pg_restore").arg("-l").arg(&file).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    let kept: Vec<&str> =
        listed.lines().filter(|line| !line.contains("EXTENSION") || !line.contains("vector")).collect();
    std::fs::write(&list, kept.join("\n")).unwrap();
    let told = program("pg_restore")
        .args(without.cluster.arguments())
        .arg("-L")
        .arg(&list)
        .arg("-d")
        .arg(&without.name)
        .arg(&file)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.contains(INDEX) && told.contains("errors ignored on restore: 2"), "{told}");
    assert_eq!(without.count("observa.embeddings"), MANY);
    without.run("SELECT observa.setup()");
    assert_eq!(ids(&mut without, search), exact);
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn each_number_of_dimensions_has_an_index_as_far_as_pgvector_goes() {
    let Some(mut db) = database(MANY) else { return };
    db.run(INSTALL);
    let mut made = Vec::new();
    for (number, (dimensions, index)) in
        [(2_000, true), (2_001, true), (4_000, true), (4_001, false)].into_iter().enumerate()
    {
        // The newest ones of a tenant that has many.
        db.run(&format!(
            "INSERT INTO observa_internal.embeddings (tenant_id, ts, event_id, project_id, environment, embedding_model, question_hash, vector)
             SELECT tenant_id, now() + ({number} * 10 + n) * interval '1 ms', 'd{dimensions}-' || n, project_id, 'prod', 'e', md5('x')::uuid,
                    array_fill(0::real, ARRAY[{dimensions} - 2]) || ARRAY[cos(n * 0.1), sin(n * 0.1)]::real[]
               FROM observa_internal.projects, generate_series(1, 4) n"
        ));
        db.run("SELECT observa.run_maintenance()");
        if index {
            made.push(json!({"name": format!("embeddings_near_{dimensions}")}));
        }
        let mut there = indexes(&mut db);
        there.sort_by_key(|row| row["name"].as_str().unwrap()[16..].parse::<i32>().unwrap());
        assert_eq!(there, made);
        let sql = format!(
            "SELECT event_id FROM observa.similar_events('d{dimensions}-1', 3, until => now() + interval '1 hour')"
        );
        assert_eq!(ids(&mut db, &sql), [2, 3, 4].map(|n| format!("d{dimensions}-{n}")), "{dimensions}");
        let used = scans(&mut db, &format!("embeddings_near_{dimensions}"));
        assert_eq!(used, i64::from(index), "{dimensions}");
    }
    assert_eq!(db.count("observa.workers WHERE failures > 0"), 0);
}

#[test]
fn where_pgvector_is_out_of_reach_each_vector_is_compared() {
    let Some(mut db) = database(MANY) else { return };
    let search = "SELECT event_id FROM observa.similar_events('e1', 5)";
    let exact = ids(&mut db, search);
    db.run("CREATE SCHEMA closed; CREATE EXTENSION vector SCHEMA closed; SELECT observa.run_maintenance()");
    assert_eq!(indexes(&mut db).len(), 0, "who makes it may not use pgvector");
    db.run("GRANT USAGE ON SCHEMA closed TO observa_owner; SELECT observa.run_maintenance()");
    assert_eq!(indexes(&mut db).len(), 1);
    let tenant: Uuid = db.one("SELECT tenant_id FROM observa_internal.tenants");
    let mut reader = db.connect_as("reader", "observa_read");
    let login: String = one(&mut reader, "SELECT session_user::text");
    db.run(&format!("SELECT observa.grant_tenant('{login}', '{tenant}')"));
    let found = |reader: &mut postgres::Client| -> Vec<String> {
        table(reader, search).iter().map(|row| row["event_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(found(&mut reader), exact);
    assert_eq!(scans(&mut db, INDEX), 0);
    assert_eq!(error(&mut reader, "SELECT NULL::closed.vector").code().code(), "42501");
    db.run("GRANT USAGE ON SCHEMA closed TO observa_read");
    found(&mut reader);
    drop(reader);
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(scans(&mut db, INDEX), 1);
}

#[test]
fn few_vectors_have_no_index() {
    let Some(mut db) = database(MANY - 1) else { return };
    install(&mut db);
    let indexed = "SELECT observa.health_detailed() -> 'embeddings' -> 'indexed_dimensions'";
    assert_eq!((indexes(&mut db).len(), db.one::<Value>(indexed)), (0, json!([])));
    plant(&mut db, "default", "more", 1, &[1], 0.8);
    db.run("SELECT observa.run_maintenance()");
    assert_eq!((indexes(&mut db).len(), db.one::<Value>(indexed)), (1, json!([DIMENSIONS])));
}
