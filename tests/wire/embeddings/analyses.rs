//! What vectors say of traffic: groups, repetitions, what is out of scope, and drift. They are planted: each is near an axis, as a topic's questions are near each other.

use std::fmt::Write as _;

use observa_tests::Database;
use serde_json::json;

const DIMENSIONS: usize = 16;

/// A number from 0 to 1 that is the same each time.
fn share(of: usize) -> f64 {
    let mut mixed = (of as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed >> 40) as f64 / (1 << 24) as f64
}

/// Of a topic, a question, so many hours ago.
struct Planted {
    id: String,
    topic: usize,
    hours_ago: f64,
    route: &'static str,
}

/// With their question in the payload.
fn plant(db: &mut Database, planted: &[Planted], noise: f64) {
    let mut values = String::new();
    for (number, one) in planted.iter().enumerate() {
        let seed = number * 31 + one.id.len() * 7_919;
        let mut vector: Vec<f64> =
            (0..DIMENSIONS).map(|place| (share(seed * DIMENSIONS + place) - 0.5) * noise).collect();
        vector[one.topic] += 1.0;
        let length = vector.iter().map(|number| number * number).sum::<f64>().sqrt();
        let numbers: Vec<String> = vector.iter().map(|number| (number / length).to_string()).collect();
        let separator = if number == 0 { "" } else { "," };
        write!(
            values,
            "{separator}('{}', {}, {}, '{}', '{{{}}}'::real[])",
            one.id,
            one.topic,
            one.hours_ago,
            one.route,
            numbers.join(",")
        )
        .unwrap();
    }
    db.run(&format!(
        "CREATE TEMP TABLE planted AS SELECT now() - hours * interval '1 hour' AS ts, id, topic, route, vector
           FROM (VALUES {values}) v (id, topic, hours, route, vector);
         INSERT INTO observa_internal.embeddings (tenant_id, ts, event_id, project_id, environment, route, model, embedding_model, question_hash, vector)
         SELECT p.tenant_id, v.ts, v.id, p.project_id, 'prod', v.route, 'm', 'e', md5(v.id)::uuid, v.vector
           FROM planted v CROSS JOIN observa_internal.projects p;
         INSERT INTO observa_internal.event_payloads (tenant_id, ts, event_id, input)
         SELECT p.tenant_id, v.ts, v.id, 'topic ' || v.topic FROM planted v CROSS JOIN observa_internal.projects p;
         DROP TABLE planted"
    ));
}

/// So many, of topics in turn, over the hours before.
fn traffic(
    name: &str,
    many: usize,
    topics: &[usize],
    (from, to): (f64, f64),
    route: &'static str,
) -> Vec<Planted> {
    (0..many)
        .map(|number| Planted {
            id: format!("{name}{number}"),
            topic: topics[number % topics.len()],
            hours_ago: from + (to - from) * share(number + name.len()),
            route,
        })
        .collect()
}

#[test]
fn topics_are_told_apart_with_an_example_each() {
    let mut db = Database::ready();
    plant(&mut db, &traffic("q", 300, &[1, 1, 1, 4, 4, 7], (1.0, 100.0), "/a"), 0.4);
    let found = db.table("SELECT cluster, size, round(share::numeric, 2)::float8 AS share, spread < 0.3 AS tight, question FROM observa.embedding_clusters(3)");
    let of = |cluster: i32, size: i32, share: f64, topic: i32| json!({"cluster": cluster, "size": size, "share": share, "tight": true, "question": format!("topic {topic}")});
    assert_eq!(found, [of(1, 150, 0.5, 1), of(2, 100, 0.33, 4), of(3, 50, 0.17, 7)]);
    assert_eq!(
        db.table("SELECT * FROM observa.embedding_clusters(3)"),
        db.table("SELECT * FROM observa.embedding_clusters(3)")
    );
    let none = "SELECT * FROM observa.embedding_clusters(3, until => now() - interval '1 year', since => now() - interval '2 years')";
    assert_eq!(db.table(none).len(), 0);
    for k in ["0", "101", "NULL"] {
        assert_eq!(
            db.error(&format!("SELECT observa.embedding_clusters({k})")).code().code(),
            "22023",
            "{k}"
        );
    }
}

#[test]
fn what_is_asked_again_is_one_group_and_says_what_a_cache_would_save() {
    let mut db = Database::ready();
    let mut planted = traffic("same", 6, &[1], (1.0, 2.0), "/a");
    planted.extend(traffic("twice", 2, &[2], (1.0, 2.0), "/a"));
    planted.extend(traffic("alone", 2, &[3, 4], (1.0, 2.0), "/a"));
    plant(&mut db, &planted, 0.02);
    // Three of them letter for letter.
    db.run("UPDATE observa_internal.embeddings SET question_hash = md5('x')::uuid WHERE event_id IN ('same0', 'same1', 'same2')");
    let found = db.table("SELECT questions, wordings, share, least_similarity > 0.97 AS near, question FROM observa.near_duplicates()");
    let of = |questions: i32, wordings: i32, share: f64, topic: i32| json!({"questions": questions, "wordings": wordings, "share": share, "near": true, "question": format!("topic {topic}")});
    assert_eq!(found, [of(6, 4, 0.6, 1), of(2, 2, 0.2, 2)]);
    assert_eq!(db.table("SELECT * FROM observa.near_duplicates(1)").len(), 1, "letter for letter");
    for threshold in ["0.4", "1.1", "'NaN'", "NULL"] {
        let sql = format!("SELECT observa.near_duplicates({threshold})");
        assert_eq!(db.error(&sql).code().code(), "22023", "{threshold}");
    }
}

#[test]
fn what_is_unlike_all_that_was_asked_before_is_told() {
    let mut db = Database::ready();
    plant(&mut db, &traffic("few", 99, &[1, 2, 3], (25.0, 300.0), "/a"), 0.4);
    plant(&mut db, &traffic("new", 100, &[1, 2, 3], (0.1, 20.0), "/a"), 0.4);
    assert_eq!(db.error("SELECT observa.out_of_scope()").code().code(), "55000", "of few nothing is usual");
    plant(&mut db, &traffic("past", 400, &[1, 2, 3], (25.0, 300.0), "/a"), 0.4);
    plant(&mut db, &traffic("odd", 3, &[9], (0.1, 20.0), "/a"), 0.4);
    let found =
        db.table("SELECT event_id, question, distance > threshold AS beyond FROM observa.out_of_scope()");
    let odd = found.iter().take(3).filter(|row| row["question"] == "topic 9" && row["beyond"] == true);
    assert_eq!(odd.count(), 3, "{found:?}");
    assert!(found.len() < 10, "the usual ones are told, too: {found:?}");
}

#[test]
fn drift_alerts_once_and_the_same_traffic_never() {
    let mut db = Database::ready();
    let past = (24.5, 300.0);
    // The same as before on one route, another topic on the other.
    for (name, route, topics, now) in
        [("a", "/same", [1, 2, 3], [1, 2, 3]), ("b", "/moved", [1, 2, 3], [1, 8, 8])]
    {
        plant(&mut db, &traffic(&format!("past-{name}"), 300, &topics, past, route), 0.5);
        plant(&mut db, &traffic(&format!("now-{name}"), 120, &now, (0.1, 23.0), route), 0.5);
    }
    plant(&mut db, &traffic("few", 40, &[9], (0.1, 23.0), "/few"), 0.5);
    let told = db.table(
        "SELECT route, model, has_drifted, vectors, past_vectors, distance > threshold AS beyond, baseline < threshold AS margin
           FROM observa.drift() WHERE route IS NOT NULL ORDER BY route",
    );
    let of = |route: &str, drifted: bool| json!({"route": route, "model": null, "has_drifted": drifted, "vectors": 120, "past_vectors": 300, "beyond": drifted, "margin": true});
    assert_eq!(told, [of("/moved", true), of("/same", false)]);
    assert_eq!(db.count("observa.signals"), 0, "to look raises nothing");

    db.run("SELECT observa.run_maintenance()");
    let signals = db.table(
        "SELECT severity, route, value > threshold AS beyond, details ->> 'vectors' AS vectors, details ? 'baseline' AS based
           FROM observa.signals WHERE name = 'model_drift' AND route IS NOT NULL",
    );
    assert_eq!(
        signals,
        [json!({"severity": "medium", "route": "/moved", "beyond": true, "vectors": "120", "based": true})]
    );
    assert_eq!(db.count("observa.alerts WHERE rule = 'model_drift' AND title LIKE '%/moved%'"), 1);
    let all = db.count("observa.signals");
    // Once an hour, while it lasts.
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa.signals"), all);
    db.run("DELETE FROM observa_internal.signals");
    db.run("SELECT observa.run_maintenance()");
    assert_eq!(db.count("observa.signals"), all, "an hour later");
    assert_eq!(db.count("observa.alerts WHERE rule = 'model_drift' AND title LIKE '%/moved%'"), 1);
}

/// Not a test: how long it takes with as many vectors as are looked at. The extension is to be built for release.
#[test]
#[ignore = "a measurement"]
fn how_long_embeddings_take() {
    let mut db = Database::ready();
    db.run(
        "SELECT setseed(0.5);
         INSERT INTO observa_internal.embeddings (tenant_id, ts, event_id, project_id, environment, route, model, embedding_model, question_hash, vector)
         SELECT p.tenant_id, now() - n * interval '20 seconds', 'e' || n, p.project_id, 'prod', 'r' || n % 5, 'm', 'e', gen_random_uuid(),
                (SELECT array_agg(((random() - 0.5 + CASE WHEN d % 8 = n % 8 THEN 0.6 ELSE 0 END) / 7)::real)
                   FROM generate_series(1, 384) d WHERE n > 0)
           FROM generate_series(1, 50000) n, observa_internal.projects p",
    );
    db.run("VACUUM ANALYZE observa_internal.embeddings");
    let mut timed = |what: &str, sql: &str| {
        let begun = std::time::Instant::now();
        db.run(sql);
        println!("{what}: {:.3} s", begun.elapsed().as_secs_f64());
    };
    for function in
        ["similar_events('e5')", "embedding_clusters()", "near_duplicates()", "out_of_scope()", "drift()"]
    {
        let sql = format!("SELECT count(*) FROM observa.{function}");
        timed("the first time", &sql);
        timed(function, &sql);
    }
    let searches = |name: &str| {
        format!(
            "CREATE TABLE {name} AS SELECT n, s.event_id
               FROM generate_series(1, 100) n, observa.similar_events('e' || n * 487, 10, until => now() + interval '1 hour') s"
        )
    };
    timed("100 searches", &searches("exact"));
    timed("CREATE EXTENSION vector", "CREATE EXTENSION vector");
    timed("the index", "SELECT observa.run_maintenance()");
    let search = "SELECT count(*) FROM observa.similar_events('e5')";
    timed("the first time", search);
    timed("similar_events('e5') by pgvector", search);
    timed("100 searches", &searches("near"));
    let recall: f64 =
        db.one("SELECT count(near)::float8 / count(*) FROM exact LEFT JOIN near USING (n, event_id)");
    println!("recall: {recall:.3}");
}
