//! The book of docs: its links lead somewhere, each page is in it, and what its pages on running Observa tell one to ask can be asked.

use std::path::{Path, PathBuf};

use observa_tests::Database;
use observa_tests::event::{llm_call, with};
use serde_json::json;

/// Pages whose statements are for anybody's database, with the data that is there.
const RUN: [&str; 2] = ["operations.md", "troubleshooting.md"];

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

/// In fenced blocks, and complete ones within the text.
fn statements(page: &str) -> Vec<String> {
    let blocks = page.split("```sql\n").skip(1).filter_map(|rest| rest.split("```").next());
    let inline =
        page.split('`').skip(1).step_by(2).filter(|code| code.starts_with("SELECT ") && code.ends_with(';'));
    blocks
        .flat_map(|block| block.split_inclusive(';'))
        .chain(inline)
        .map(|sql| sql.trim().to_owned())
        .filter(|sql| !sql.is_empty())
        .collect()
}

#[test]
fn what_the_pages_on_running_it_ask_is_answered() {
    let mut db = Database::ready();
    db.ingest(&with(llm_call("a"), json!({"trace_id": "t"})).to_string());
    db.ingest(r#"{"event_type": "llm_call", "latency_ms": "fast"}"#);
    let mut ran = 0;
    for page in RUN {
        for sql in statements(&read(&root().join("docs").join(page))) {
            db.client.simple_query(&sql).unwrap_or_else(|error| panic!("{page}: {sql}: {error:?}"));
            ran += 1;
        }
    }
    assert!(ran > 8, "{ran}");
}
