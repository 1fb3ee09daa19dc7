//! observa.tail_logs(): each line once, in order, for the tenant alone.

use observa_tests::Database;
use observa_tests::database::{error, one, rows};
use postgres::Client;

fn tail(client: &mut Client, arguments: &str) -> (Vec<String>, Option<String>) {
    let found = rows(client, &format!("SELECT message, cursor FROM observa.tail_logs({arguments})"), &[]);
    let cursor = found.last().map(|row| row.get(1));
    (found.iter().map(|row| row.get(0)).collect(), cursor)
}

fn write(db: &mut Database, numbers: std::ops::Range<i32>, tenant: &str) {
    let (first, end) = (numbers.start, numbers.end - 1);
    db.run(&format!(
        "INSERT INTO observa.logs (message, level, service, created_at, tenant_id)
         SELECT n::text, (ARRAY['debug', 'info', 'warning', 'error', 'critical'])[n % 5 + 1], CASE WHEN n % 2 = 0 THEN 'api' ELSE 'web' END,
                now() - interval '1 hour' + n / 2 * interval '1 s', '{tenant}'
           FROM generate_series({first}, {end}) n"
    ));
}

#[test]
fn who_asks_with_the_last_cursor_sees_each_line_once() {
    let mut db = Database::ready();
    let tenant = db.tenant("ours").to_string();
    write(&mut db, 0..50, &tenant);
    let mut reader = db.connect_as("reader", "observa_read");
    db.run(&format!("SELECT observa.grant_tenant('reader_{}', '{tenant}')", db.name));
    let (newest, cursor) = tail(&mut reader, "lim => 4");
    assert_eq!(newest.len(), 4);
    // Two lines have each time: their ids decide, also at the end of an answer.
    let mut cursor = cursor.unwrap();
    let (none, _) = tail(&mut reader, &format!("'{cursor}'"));
    assert_eq!(none, [""; 0]);
    write(&mut db, 50..61, &tenant);
    let mut seen = Vec::new();
    loop {
        let (some, next) = tail(&mut reader, &format!("'{cursor}', lim => 3"));
        let Some(next) = next else { break };
        assert!(some.len() <= 3);
        seen.extend(some);
        cursor = next;
    }
    let mut numbers: Vec<i32> = seen.iter().map(|number| number.parse().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (50..61).collect::<Vec<_>>());
    assert!(
        seen.iter()
            .zip(&seen[1..])
            .all(|(a, b)| a.parse::<i32>().unwrap() / 2 <= b.parse::<i32>().unwrap() / 2)
    );
}

#[test]
fn a_line_from_a_clock_that_is_ahead_hides_no_other() {
    let mut db = Database::ready();
    let mut line = |message: &str, ahead: &str| {
        db.run(&format!(
            "INSERT INTO observa.logs (message, created_at) VALUES ('{message}', now() + interval '{ahead}')"
        ));
        tail(&mut db.client, "")
    };
    line("first", "-1 minute");
    let (newest, cursor) = line("ahead", "10 minutes");
    assert_eq!(newest, ["first"]);
    line("soon", "1 second");
    line("second", "0");
    let after = format!("'{}'", cursor.unwrap());
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    assert_eq!(tail(&mut db.client, &after).0, ["second", "soon"], "each when its time has come");
}

#[test]
fn lines_are_chosen_by_least_level_and_service() {
    let mut db = Database::ready();
    let tenant: String = db.one("SELECT observa_internal.own_tenant()::text");
    write(&mut db, 0..20, &tenant);
    let chosen = |db: &mut Database, arguments: &str| {
        let mut numbers: Vec<i32> =
            tail(&mut db.client, arguments).0.iter().map(|number| number.parse().unwrap()).collect();
        numbers.sort_unstable();
        numbers
    };
    assert_eq!(chosen(&mut db, "level => 'error'"), [3, 4, 8, 9, 13, 14, 18, 19]);
    assert_eq!(chosen(&mut db, "level => 'Fatal', service => 'api'"), [4, 14], "as lines may name it");
    assert_eq!(chosen(&mut db, "level => 'critical', service => 'api'"), [4, 14]);
    assert_eq!(chosen(&mut db, "").len(), 20);
    for wrong in ["level => 'loud'", "lim => 0", "lim => 1001", "after => 'x'", "after => '5/x'"] {
        assert_eq!(db.error(&format!("SELECT observa.tail_logs({wrong})")).code().code(), "22023", "{wrong}");
    }
}

#[test]
fn a_tail_is_of_the_tenants_own_lines() {
    let mut db = Database::ready();
    let [ours, theirs] = ["ours", "theirs"].map(|name| db.tenant(name).to_string());
    write(&mut db, 0..3, &theirs);
    let mut reader = db.connect_as("reader", "observa_read");
    db.run(&format!("SELECT observa.grant_tenant('reader_{}', '{ours}')", db.name));
    assert_eq!(one::<i64>(&mut reader, "SELECT count(*) FROM observa.tail_logs()"), 0);
    assert_eq!(
        one::<i64>(
            &mut reader,
            "SELECT count(*) FROM observa.tail_logs('0/00000000-0000-0000-0000-000000000000')"
        ),
        0
    );
    let project: String =
        db.one(&format!("SELECT id::text FROM observa.projects WHERE tenant_id = '{theirs}'"));
    let asked = error(&mut reader, &format!("SELECT observa.tail_logs(project => '{project}')"));
    assert_eq!(asked.code().code(), "22023");
    assert_eq!(db.count(&format!("observa.tail_logs(project => '{project}')")), 3);
    let mut nobody = db.connect_as("nobody", "observa_read");
    assert_eq!(error(&mut nobody, "SELECT observa.tail_logs()").code().code(), "42501");
}
