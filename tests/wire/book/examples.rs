//! The statements of a page, as psql would read them, and what the page says of each.

use std::collections::BTreeMap;

/// One statement of an example.
#[derive(Debug, PartialEq)]
pub struct Statement {
    /// In the page, from 1.
    pub line: usize,
    pub sql: String,
    pub ends: End,
}

/// What is expected of it.
#[derive(Debug, PartialEq)]
pub enum End {
    /// It has a row, or changes one, if it is a query at all.
    Rows,
    /// `-- no rows`: there are none, which is what the example shows.
    NoRows,
    /// `-- error 22023`: it fails with this SQLSTATE.
    Error(String),
    /// `\gset`: its row's columns are variables from now on.
    Variables,
    /// `\set name value`: no statement at all.
    Set(String),
}

/// A fenced block: the line of its fence, what the fence says after the three backticks, and its text.
pub struct Block<'p> {
    pub line: usize,
    pub info: &'p str,
    pub text: String,
}

/// The fenced blocks of a page. Those of a list's entry are indented.
pub fn blocks(page: &str) -> Vec<Block<'_>> {
    let (mut found, mut open): (Vec<Block<'_>>, bool) = (Vec::new(), false);
    for (number, line) in page.lines().enumerate() {
        match line.trim_start().strip_prefix("```") {
            Some(_) if open => open = false,
            Some(info) => {
                open = true;
                found.push(Block { line: number + 1, info, text: String::new() });
            }
            None => {
                if let Some(block) = found.last_mut().filter(|_| open) {
                    block.text += line;
                    block.text.push('\n');
                }
            }
        }
    }
    found
}

/// What a reader may copy and run: blocks of SQL, and complete queries within the text.
pub fn statements(page: &str) -> Vec<Statement> {
    let fenced = blocks(page).into_iter().filter(|block| block.info == "sql");
    let mut found: Vec<Statement> = fenced.flat_map(|block| split(&block.text, block.line + 1)).collect();
    let mut open = false;
    for (number, line) in page.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            open = !open;
        } else if !open {
            let code = line.split('`').skip(1).step_by(2);
            found.extend(
                code.filter(|code| code.starts_with("SELECT ") && code.ends_with(';'))
                    .flat_map(|code| split(code, number + 1)),
            );
        }
    }
    found.sort_by_key(|statement| statement.line);
    found
}

/// The statements of a text, by psql's rules as far as the book needs them.
fn split(text: &str, first_line: usize) -> Vec<Statement> {
    let (mut found, mut sql, mut line) = (Vec::new(), String::new(), first_line);
    let mut quote = String::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let mut step = character.len_utf8();
        if !quote.is_empty() {
            if rest.starts_with(&quote) {
                step = quote.len();
                quote.clear();
            }
        } else if rest.starts_with("--") {
            step = rest.find('\n').unwrap_or(rest.len());
            rest = &rest[step..];
            continue;
        } else if rest.starts_with('\\') || character == ';' {
            let end = rest.find('\n').unwrap_or(rest.len());
            let said = rest[1..end].trim();
            let (ends, taken) = if character == ';' { after(said) } else { (meta(said), end) };
            if !sql.trim().is_empty() || matches!(ends, End::Set(_)) {
                let begins = line - sql.trim_start().matches('\n').count();
                found.push(Statement { line: begins, sql: sql.trim().to_owned(), ends });
            }
            sql.clear();
            rest = &rest[taken..];
            continue;
        } else if let Some(opened) = opening(rest) {
            step = opened.len();
            quote = opened;
        }
        line += rest[..step].matches('\n').count();
        sql += &rest[..step];
        rest = &rest[step..];
    }
    assert!(sql.trim().is_empty(), "line {line}: a statement without its end: {sql}");
    found
}

/// The remark behind a semicolon, and how far that reaches: a comment is no statement, what else stands there is the next.
fn after(said: &str) -> (End, usize) {
    let remark = said.strip_prefix("--").map(str::trim).unwrap_or_default();
    let ends = match remark.strip_prefix("error ") {
        Some(code) => End::Error(code.chars().take_while(char::is_ascii_alphanumeric).collect()),
        None if remark.starts_with("no rows") => End::NoRows,
        None => End::Rows,
    };
    (ends, 1)
}

fn meta(said: &str) -> End {
    match said.split_once(' ') {
        Some(("set", pair)) => End::Set(pair.to_owned()),
        None if said == "gset" => End::Variables,
        _ => panic!("the book's examples have no \\{said}"),
    }
}

/// What ends the quotes that begin here.
fn opening(text: &str) -> Option<String> {
    if text.starts_with(['\'', '"']) {
        return text.get(..1).map(str::to_owned);
    }
    let tag = text.strip_prefix('$')?;
    let end = tag.find('$')?;
    tag[..end].chars().all(|c| c.is_ascii_alphabetic()).then(|| text[..end + 2].to_owned())
}

/// psql's variables: `:'name'` is a text, `:"name"` an identifier.
pub fn fill(sql: &str, variables: &BTreeMap<String, String>) -> String {
    variables.iter().fold(sql.to_owned(), |sql, (name, value)| {
        sql.replace(&format!(":'{name}'"), &format!("'{}'", value.replace('\'', "''")))
            .replace(&format!(":\"{name}\""), &format!("\"{value}\""))
    })
}

#[test]
fn a_page_is_read_as_psql_reads_it() {
    let page = "Ask `SELECT 1;` or `SELECT 2`.\n```sql\n-- why; because\nSELECT ';', $$;$$;   -- no rows\nSELECT id AS a\n FROM t \\gset\n\\set b 'x'\nDROP TABLE t;  -- error 42501\nSELECT 3; SELECT 4;\n```\n```sh\nls;\n```\n";
    let found: Vec<(usize, String, End)> =
        statements(page).into_iter().map(|one| (one.line, one.sql, one.ends)).collect();
    let said = |line: usize, sql: &str, ends: End| (line, sql.to_owned(), ends);
    assert_eq!(
        found,
        [
            said(1, "SELECT 1", End::Rows),
            said(4, "SELECT ';', $$;$$", End::NoRows),
            said(5, "SELECT id AS a\n FROM t", End::Variables),
            said(7, "", End::Set("b 'x'".into())),
            said(8, "DROP TABLE t", End::Error("42501".into())),
            said(9, "SELECT 3", End::Rows),
            said(9, "SELECT 4", End::Rows),
        ]
    );
    let variables = [("a".to_owned(), "it's".to_owned())].into();
    assert_eq!(fill("SELECT :'a', :\"a\", a::text", &variables), "SELECT 'it''s', \"it's\", a::text");
}
