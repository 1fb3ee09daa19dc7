//! Histograms go through COPY, dumps and bytea as they are, bytes that are none are refused, and only Observa's roles use them.

use std::io::{Read, Write};

use observa_tests::Database;
use observa_tests::database::{error, one};
use postgres::Client;

use crate::dump::{dump, restore};

/// Latencies of 1 ms to 5 minutes by a hundred models, one of which has none.
const FILL: &str =
    "CREATE TABLE minutes AS SELECT i % 100 AS model, observa.histogram(exp(i % 997 / 79.0)) AS latency
                      FROM generate_series(1, 20000) i GROUP BY 1;
                    INSERT INTO minutes VALUES (100, NULL)";

/// Of text, since histograms have no order.
const CONTENTS: &str =
    "SELECT md5(string_agg(format('%s %s', model, latency), ',' ORDER BY model)) FROM minutes";

fn copy_in(client: &mut Client, bytes: &[u8]) -> Result<u64, postgres::Error> {
    let mut writer = client.copy_in("COPY minutes FROM STDIN (FORMAT binary)")?;
    writer.write_all(bytes).unwrap();
    writer.finish()
}

fn copy_out(client: &mut Client, rows: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut reader = client.copy_out(&format!("COPY ({rows}) TO STDOUT (FORMAT binary)")).unwrap();
    reader.read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn histograms_come_back_from_a_binary_copy() {
    let db = Database::ready();
    let mut client = db.connect();
    client.batch_execute(FILL).unwrap();
    let before: String = one(&mut client, CONTENTS);
    let bytes = copy_out(&mut client, "TABLE minutes");
    client.batch_execute("TRUNCATE minutes").unwrap();
    assert_eq!(copy_in(&mut client, &bytes).unwrap(), 101);
    assert_eq!(one::<String>(&mut client, CONTENTS), before);
}

#[test]
fn histograms_come_back_from_a_dump() {
    let mut db = Database::ready();
    db.run(FILL);
    let before: String = db.one(CONTENTS);
    let folder = std::env::temp_dir().join(format!("observa-histogram-{}", db.name));
    let file = dump(&db, &folder);
    let mut restored = Database::empty();
    restore(&restored, &file);
    assert_eq!(restored.one::<String>(CONTENTS), before);
    let _ = std::fs::remove_dir_all(folder);
}

#[test]
fn bytes_outlive_the_extension() {
    let mut db = Database::ready();
    db.run(FILL);
    db.run("CREATE TABLE kept AS SELECT model, latency::bytea FROM minutes");
    let before: String = db.one(CONTENTS);
    db.run("DROP EXTENSION observa CASCADE; DROP TABLE minutes; CREATE EXTENSION observa");
    db.run("CREATE TABLE minutes AS SELECT model, latency::observa.histogram FROM kept");
    assert_eq!(db.one::<String>(CONTENTS), before);
}

#[test]
fn damaged_bytes_are_refused_or_read_and_the_session_goes_on() {
    let db = Database::ready();
    let mut client = db.connect();
    client.batch_execute(FILL).unwrap();
    // Behind the header of the COPY, of its row and of its two fields; before the end of the file.
    let whole = copy_out(&mut client, "SELECT * FROM minutes WHERE model = 1");
    let (start, end) = (19 + 2 + 8 + 4, whole.len() - 2);
    let mut refused = 0;
    for at in start..end {
        let mut damaged = whole.clone();
        damaged[at] ^= 1 << (at % 8);
        if let Err(error) = copy_in(&mut client, &damaged) {
            let code = error.as_db_error().map(|error| error.code().code());
            assert_eq!(code, Some("22P03"), "byte {at}: {error:?}");
            refused += 1;
        }
    }
    // The header, at least, has no byte that may differ.
    assert!(refused >= 40, "{refused}");
    let sql = "SELECT count(observa.quantile(latency, 0.9)) + count(observa.histogram_mean(latency)) FROM minutes WHERE model = 1";
    assert!(one::<i64>(&mut client, sql) > 0);
    let merged = "SELECT observa.quantile(observa.merge(latency), 0.5) IS NOT NULL FROM minutes";
    assert!(one::<bool>(&mut client, merged));
}

#[test]
fn readers_make_and_merge_histograms_and_others_can_not() {
    let mut db = Database::ready();
    let sql = "SELECT observa.quantile(observa.merge(h), 0.5) FROM (SELECT observa.histogram(i) h FROM generate_series(1, 9) i) m";
    assert_eq!(one::<f64>(&mut db.connect_as("reader", "observa_read"), sql), 5.008);
    let mut nobody = db.connect_as("nobody", "");
    assert_eq!(error(&mut nobody, sql).code().code(), "42501");
}
