//! The book of docs: its links lead somewhere, each page is in it, its examples run as they stand, and each function has one.

pub mod examples;
mod sample;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use observa_tests::Cluster;
use observa_tests::database::{one, rows, tell};
use observa_tests::judge::Judge;
use postgres::{Client, SimpleQueryMessage, SimpleQueryRow};

use crate::workers::eventually;
use examples::{End, Statement};
use sample::Files;

/// Its queries have Grafana's and Metabase's own words in them: `bi.rs` runs them.
const RUN_ELSEWHERE: [&str; 1] = ["dashboards"];
/// The page that needs endpoints, and so somebody who asks them.
const WITH_WORKERS: &str = "analysis";
/// Roles that Supabase makes.
const ROLES: [&str; 3] = ["anon", "authenticated", "authenticator"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn pages() -> Vec<PathBuf> {
    let mut pages: Vec<PathBuf> = std::fs::read_dir(root().join("docs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    pages.push(root().join("README.md"));
    pages.sort();
    pages
}

/// Where the Markdown links of a text lead, without those out of the project.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
}

/// As GitHub makes anchors of headings.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter_map(|line| line.strip_prefix('#'));
    headings
        .map(|heading| {
            let heading = heading.trim_start_matches('#').trim().to_lowercase();
            let kept = heading.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
            kept.map(|c| if c == ' ' { '-' } else { c }).collect()
        })
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    for page in pages() {
        let text = read(&page);
        for link in links(&text) {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link} leads nowhere", page.display());
            if !anchor.is_empty() {
                let anchors = anchors(&read(&target));
                assert!(
                    anchors.iter().any(|found| found == anchor),
                    "{}: {link}: {anchors:?}",
                    page.display()
                );
            }
        }
    }
}

#[test]
fn every_page_is_in_the_book() {
    let book = read(&root().join("docs/README.md"));
    for page in pages() {
        let name = page.file_name().unwrap().to_str().unwrap();
        assert!(name == "README.md" || book.contains(&format!("({name}")), "{name} is not in docs/README.md");
    }
}

/// psql reads no file here: what it would have read.
const BODY: &str = r#"{"model": "gpt-4o-mini", "input": "Hello", "output": "Hi!", "latency_ms": 420}"#;

/// A page's examples, run in a database of their own.
struct Reader {
    client: Client,
    /// Another session, since the first may be in a transaction.
    beside: Client,
    variables: BTreeMap<String, String>,
    /// Signatures of the functions that an example has called, and that did what was expected.
    called: BTreeSet<String>,
    wrong: Vec<String>,
}

impl Reader {
    fn read(&mut self, statement: &Statement, sql: &str) -> Result<(), String> {
        if let End::Set(pair) = &statement.ends {
            let (name, value) = pair.split_once(' ').ok_or("a name without a value")?;
            let value = if value.starts_with('`') { BODY } else { value.trim_matches('\'') };
            self.variables.insert(name.to_owned(), value.to_owned());
            return Ok(());
        }
        let sql = examples::fill(sql, &self.variables);
        let called = self.functions(&sql);
        let (mut count, mut rows) = (None, Vec::new());
        match self.client.simple_query(&sql) {
            Err(error) => {
                let code = error.code().map(|code| code.code().to_owned()).unwrap_or_default();
                return match &statement.ends {
                    End::Error(expected) if *expected == code => Ok(()),
                    _ => Err(tell(&error)),
                };
            }
            Ok(messages) => {
                for message in messages {
                    match message {
                        SimpleQueryMessage::Row(row) => rows.push(row),
                        SimpleQueryMessage::CommandComplete(number) => count = Some(number),
                        _ => {}
                    }
                }
            }
        }
        let asks = ["SELECT", "WITH", "INSERT", "UPDATE", "DELETE"].iter().any(|word| sql.starts_with(word));
        let is_empty = asks && count == Some(0);
        match &statement.ends {
            End::Error(code) => return Err(format!("no error {code}")),
            End::NoRows if !is_empty => return Err(format!("{count:?} rows")),
            End::Rows | End::Variables if is_empty => return Err("no rows".into()),
            End::Variables => {
                let [row] = &rows[..] else {
                    return Err(format!("{} rows to set variables from", rows.len()));
                };
                for (index, column) in row.columns().iter().enumerate() {
                    self.variables
                        .insert(column.name().to_owned(), row.get(index).unwrap_or_default().to_owned());
                }
            }
            _ => {}
        }
        let says_nothing = |row: &SimpleQueryRow| (0..row.len()).all(|column| row.get(column).is_none());
        if !rows.is_empty() && rows.iter().all(says_nothing) {
            return Err("nothing but NULL".into());
        }
        self.called.extend(called);
        Ok(())
    }

    /// The functions of Observa's that a query calls, with the very signatures: PostgreSQL notes them as what the
    /// body of a function depends on. Of what is no query, none.
    fn functions(&mut self, sql: &str) -> Vec<String> {
        // A role as a constant can't be depended on.
        let sql = sql.replace("'detector'", "'detector'::text::regrole");
        let body = format!(
            "BEGIN; CREATE FUNCTION pg_temp.example() RETURNS void BEGIN ATOMIC {sql}; END; \
             SELECT refobjid::regprocedure FROM pg_depend JOIN pg_proc f ON f.oid = refobjid AND f.pronamespace = 'observa'::regnamespace \
              WHERE classid = 'pg_proc'::regclass AND objid = 'pg_temp.example'::regproc AND refclassid = classid"
        );
        let found = self.beside.simple_query(&body).unwrap_or_default();
        let _ = self.beside.batch_execute("ROLLBACK");
        found
            .iter()
            .filter_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            })
            .collect()
    }
}

/// In a cluster of its own: examples change settings and make roles. Workers are there where a page needs an endpoint.
#[test]
fn every_example_runs_and_every_function_has_one() {
    let (judge, files) = (Judge::start(), Files::new());
    let settings = format!(
        "shared_preload_libraries = 'observa'\nobserva.databases = '{WITH_WORKERS}'\nmax_worker_processes = 16\nobserva.ingest_window_past = '17 d'\n{}{}",
        judge.settings(),
        judge.embedding_settings()
    );
    let cluster = Cluster::own("book", &settings);
    for database in [WITH_WORKERS, "sample"] {
        sample::plant(&cluster, database);
    }
    let mut server = cluster.connect("postgres");
    for role in ROLES {
        server.batch_execute(&format!("CREATE ROLE {role} LOGIN")).unwrap();
    }
    let (mut called, mut wrong, mut ran) = (BTreeSet::new(), Vec::new(), 0);
    for page in pages() {
        let name = page.file_stem().unwrap().to_str().unwrap().to_lowercase().replace('-', "_");
        let text = read(&page);
        let untold = examples::blocks(&text).into_iter().filter(|block| {
            block.info.starts_with("sql") && block.info != "sql" && !block.info.starts_with("sql not run: ")
        });
        wrong.extend(untold.map(|block| format!("{name}:{}: ```{}", block.line, block.info)));
        let statements = examples::statements(&text);
        if RUN_ELSEWHERE.contains(&name.as_str()) || statements.is_empty() {
            continue;
        }
        if name != WITH_WORKERS {
            server.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE sample")).unwrap();
        }
        let variables =
            [("DBNAME".to_owned(), name.clone()), ("USER".to_owned(), "postgres".to_owned())].into();
        let (client, beside) = (cluster.connect(&name), cluster.connect(&name));
        let mut reader = Reader { client, beside, variables, called: BTreeSet::new(), wrong: Vec::new() };
        if name == WITH_WORKERS {
            eventually("questions are embedded", || {
                one::<i64>(&mut reader.client, "SELECT count(*) FROM observa.embeddings") >= 200
            });
        }
        for statement in statements {
            ran += 1;
            if let Err(why) = reader.read(&statement, &files.localise(&statement.sql)) {
                reader.wrong.push(format!("{name}:{}: {why}\n    {}", statement.line, statement.sql));
            }
        }
        called.append(&mut reader.called);
        wrong.append(&mut reader.wrong);
        drop(reader);
        if name != WITH_WORKERS {
            server.batch_execute(&format!("DROP DATABASE {name} WITH (FORCE)")).unwrap();
        }
        server.batch_execute("ALTER SYSTEM RESET ALL").unwrap();
        server.batch_execute("SELECT pg_reload_conf()").unwrap();
    }
    let mut db = cluster.connect("sample");
    let all = rows(
        &mut db,
        "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'observa'::regnamespace AND prorettype <> 'trigger'::regtype ORDER BY 1",
        &[],
    );
    let signatures = all.iter().map(|row| row.get::<_, String>(0));
    let without = signatures.filter(|signature| !called.contains(signature));
    wrong.extend(without.map(|signature| format!("{signature} has no example that is run")));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(ran > 150, "{ran}");
}
