//! What was handed in is in the file, a file is there whole or not at all, and nobody else's is touched.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use observa_archive::{Column, Directory, Error, File, Kind, Origin, Value, Writer, Written, verify};

const KINDS: [Kind; 8] =
    [Kind::Bool, Kind::Int, Kind::BigInt, Kind::Double, Kind::Text, Kind::Json, Kind::Time, Kind::Uuid];

fn columns() -> Vec<Column> {
    KINDS.iter().map(|kind| Column { name: format!("{kind:?}"), kind: *kind }).collect()
}

/// Every fifth row is NULL in every column.
fn row(n: i64) -> Vec<Value> {
    if n % 5 == 0 {
        return vec![Value::Null; KINDS.len()];
    }
    vec![
        Value::Bool(n % 2 == 0),
        Value::Int(-(n as i32)),
        Value::BigInt(i64::MAX - n),
        Value::Double(if n % 7 == 0 { f64::NAN } else { n as f64 / 3.0 }),
        Value::Text(if n % 3 == 0 { String::new() } else { format!("Grüße {n} \u{1f600}") }),
        Value::Text(format!("{{\"n\": {n}}}")),
        Value::BigInt(n * 1_000_000),
        Value::Uuid([n as u8; 16]),
    ]
}

fn origin(relation: &str) -> Origin {
    Origin { database: "7/1".into(), partition: "events_20260101".into(), relation: relation.into() }
}

fn nothing() {}

fn write(directory: &Directory, origin: &Origin, rows: i64) -> Result<(File, Written), Error> {
    let draft = directory.draft("events", origin)?;
    let mut writer = Writer::new(&draft.file, columns(), origin)?;
    for n in 0..rows {
        writer.push(row(n))?;
    }
    let written = writer.finish()?;
    draft.sync()?;
    verify(draft.reopen()?, &written, &mut nothing)?;
    Ok((draft.publish(&written, &mut nothing)?, written))
}

#[expect(clippy::unwrap_used, reason = "a test fails by panicking, and this is a part of several")]
fn opened(folder: &tempfile::TempDir) -> Directory {
    Directory::open(folder.path().to_str().unwrap()).unwrap()
}

#[test]
fn a_file_of_several_row_groups_is_what_was_handed_in() {
    let folder = tempfile::tempdir().unwrap();
    for rows in [0, 1, 5, 300_000] {
        let (file, written) = write(&opened(&folder), &origin(&rows.to_string()), rows).unwrap();
        assert_eq!(written.rows, rows as u64);
        assert_eq!(fs::metadata(&file.path).unwrap().len(), file.bytes);
    }
}

#[test]
fn a_file_that_differs_in_one_value_or_row_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let directory = opened(&folder);
    let (file, _) = write(&directory, &origin("1"), 100).unwrap();
    let handed_in = |change: fn(i64, &mut Vec<Value>), rows| {
        let other = directory.draft("events", &origin("2")).unwrap();
        let mut writer = Writer::new(&other.file, columns(), &origin("2")).unwrap();
        for n in 0..rows {
            let mut row = row(n);
            change(n, &mut row);
            writer.push(row).unwrap();
        }
        writer.finish().unwrap()
    };
    let compared = |written: &Written| verify(fs::File::open(&file.path).unwrap(), written, &mut nothing);
    compared(&handed_in(|_, _| {}, 100)).unwrap();
    let others = [
        handed_in(|_, _| {}, 99),
        handed_in(
            |n, row| {
                if n == 42 {
                    row[4] = Value::Text("x".into())
                }
            },
            100,
        ),
        handed_in(
            |n, row| {
                if n == 42 {
                    row[3] = Value::Null
                }
            },
            100,
        ),
        handed_in(
            |n, row| {
                if n == 41 || n == 42 {
                    row[0] = Value::Bool(n == 41)
                }
            },
            100,
        ),
    ];
    for (at, other) in others.iter().enumerate() {
        assert!(matches!(compared(other), Err(Error::Differs(_))), "{at}");
    }
}

#[test]
fn a_truncated_or_damaged_file_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let (file, written) = write(&opened(&folder), &origin("1"), 1_000).unwrap();
    let whole = fs::read(&file.path).unwrap();
    for damaged in [whole[..whole.len() / 2].to_vec(), whole[..whole.len() - 1].to_vec(), Vec::new()] {
        fs::write(&file.path, damaged).unwrap();
        assert!(verify(fs::File::open(&file.path).unwrap(), &written, &mut nothing).is_err());
    }
}

#[test]
fn what_was_given_up_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let directory = opened(&folder);
    let names = || fs::read_dir(folder.path().join("events")).unwrap().count();
    drop(directory.draft("events", &origin("1")).unwrap());
    assert_eq!(names(), 0);
    let interrupted = std::panic::catch_unwind(|| {
        let draft = directory.draft("events", &origin("1")).unwrap();
        let written = Writer::new(&draft.file, columns(), &origin("1")).unwrap().finish().unwrap();
        verify(draft.reopen().unwrap(), &written, &mut nothing).unwrap();
        draft.publish(&written, &mut || panic!("canceled"))
    });
    assert!(interrupted.is_err());
    assert_eq!(names(), 0);
}

#[test]
fn a_finished_file_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let directory = opened(&folder);
    let (first, _) = write(&directory, &origin("1"), 3).unwrap();
    let before = fs::read(&first.path).unwrap();
    // A copy of the database has the same identity and the same ids, and other rows.
    for rows in [2, 4] {
        assert!(
            matches!(write(&directory, &origin("1"), rows), Err(Error::OtherRows(path)) if path == first.path)
        );
    }
    let (again, _) = write(&directory, &origin("1"), 3).unwrap();
    assert_eq!(
        (again.path, again.sha256),
        (first.path.clone(), first.sha256),
        "the same rows are there already"
    );
    assert_eq!(fs::read(&first.path).unwrap(), before);
    assert_eq!(fs::read_dir(folder.path().join("events")).unwrap().count(), 1);
}

#[test]
fn a_draft_that_another_one_has_taken_gets_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let directory = opened(&folder);
    let draft = directory.draft("events", &origin("1")).unwrap();
    let written = Writer::new(&draft.file, columns(), &origin("1")).unwrap().finish().unwrap();
    // As a copy of the database would: under the same name, and not done yet.
    let other = directory.draft("events", &origin("1")).unwrap();
    assert!(matches!(draft.publish(&written, &mut nothing), Err(Error::Taken(_))));
    assert!(!folder.path().join("events/events_20260101.parquet").exists());
    drop(other);
}

#[test]
fn only_the_partitions_own_file_is_taken_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let directory = opened(&folder);
    let path = |relation| write(&directory, &origin(relation), 3).map(|(file, _)| file.path);
    let first = path("1").unwrap();
    assert_eq!(path("1").unwrap(), first);
    let second = path("2").unwrap();
    assert_eq!(second.file_name().unwrap(), "events_20260101_2.parquet");
    assert_eq!([path("1").unwrap(), path("2").unwrap()], [first.clone(), second]);
    let others = Origin { database: "7/2".into(), ..origin("1") };
    assert!(matches!(write(&directory, &others, 3), Err(Error::Taken(_))));
    fs::write(&first, "a text").unwrap();
    assert!(matches!(path("1"), Err(Error::Taken(_))));
    assert_eq!(fs::read(&first).unwrap(), b"a text");
}

#[test]
fn no_link_below_the_directory_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let directory = opened(&folder);
    let precious = folder.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    let events = folder.path().join("events");
    fs::create_dir(&events).unwrap();
    symlink(&precious, events.join(".events_20260101.7-1.part")).unwrap();
    write(&directory, &origin("1"), 3).unwrap();
    fs::remove_file(events.join("events_20260101.parquet")).unwrap();
    symlink(&precious, events.join("events_20260101.parquet")).unwrap();
    assert!(matches!(write(&directory, &origin("1"), 3), Err(Error::Taken(_))));
    assert_eq!(fs::read(&precious).unwrap(), b"precious");
}

#[test]
fn a_directory_is_absolute_and_there_and_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    for bad in ["", "relative", "./x", &format!("{path}/../x"), "/tmp\0x"] {
        assert!(matches!(Directory::open(bad), Err(Error::BadPath)), "{bad:?}");
    }
    assert!(matches!(Directory::open(&format!("{path}/missing")), Err(Error::Io { .. })));
    fs::write(folder.path().join("file"), "").unwrap();
    assert!(matches!(Directory::open(&format!("{path}/file")), Err(Error::NoDirectory(_))));
    assert!(Directory::open("/proc").is_err());
    // What is there tells nothing of the try.
    Directory::open(path).unwrap();
    assert_eq!(fs::read_dir(path).unwrap().count(), 1);
    let (file, _) = write(&opened(&folder), &origin("1"), 3).unwrap();
    assert_eq!(fs::metadata(file.path).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn rows_that_are_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let draft = opened(&folder).draft("events", &origin("1")).unwrap();
    let mut writer = Writer::new(&draft.file, columns(), &origin("1")).unwrap();
    assert!(matches!(writer.push(Vec::new()), Err(Error::BadRow { found: 0, wanted: 8 })));
    let mut wrong = row(1);
    wrong[1] = Value::Text("1".into());
    assert!(matches!(writer.push(wrong), Err(Error::BadValue(_))));
}
