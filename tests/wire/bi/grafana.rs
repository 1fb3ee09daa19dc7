//! What Grafana makes of a query before PostgreSQL sees it: its macros for PostgreSQL and its variables, as
//! grafana.com/docs/grafana/latest/datasources/postgres/ describes them.

/// The time that is chosen, and how much of it a point is.
pub struct Window {
    /// RFC 3339.
    pub from: String,
    pub to: String,
    /// `$__interval`, and its seconds.
    pub interval: (&'static str, u32),
}

/// A variable with what is chosen.
#[derive(Clone, Debug)]
pub struct Variable {
    pub name: String,
    pub chosen: Chosen,
}

#[derive(Clone, Debug)]
pub enum Chosen {
    /// Where `allValue` is set it stands in the query as it is.
    All(String),
    /// Of a variable with several values: each is quoted.
    Values(Vec<String>),
    /// Of a text box: not quoted, but for the format `sqlstring`.
    Text(String),
}

pub fn expand(sql: &str, window: &Window, variables: &[Variable]) -> String {
    // Variables first, as the browser does; the server sees macros alone.
    let mut text = sql.replace("$__interval", window.interval.0);
    for variable in variables {
        let Variable { name, chosen } = variable;
        let quoted = |value: &String| format!("'{}'", value.replace('\'', "''"));
        let (plain, sqlstring) = match chosen {
            Chosen::All(all) => (all.clone(), None),
            Chosen::Values(values) => (values.iter().map(quoted).collect::<Vec<_>>().join(","), None),
            Chosen::Text(value) => (value.replace('\'', "''"), Some(quoted(value))),
        };
        if let Some(sqlstring) = sqlstring {
            text = text.replace(&format!("${{{name}:sqlstring}}"), &sqlstring);
        }
        text = text.replace(&format!("${name}"), &plain);
    }
    for (name, expansion) in MACROS {
        let called = format!("${name}(");
        while let Some(start) = text.find(&called) {
            let open = start + called.len();
            let (arguments, end) = arguments(&text[open..]);
            text = format!("{}{}{}", &text[..start], expansion(&arguments, window), &text[open + end..]);
        }
    }
    assert!(!text.contains("$__") && !text.contains("${"), "what Grafana does not know: {text}");
    text
}

type Expansion = fn(&[String], &Window) -> String;

const MACROS: [(&str, Expansion); 5] = [
    ("__timeFilter", |of, window| format!("{} BETWEEN '{}' AND '{}'", of[0], window.from, window.to)),
    ("__timeFrom", |_, window| format!("'{}'", window.from)),
    ("__timeTo", |_, window| format!("'{}'", window.to)),
    ("__timeGroupAlias", |of, window| format!("{} AS \"time\"", group(of, window))),
    ("__timeGroup", group),
];

fn group(of: &[String], window: &Window) -> String {
    let (named, seconds) = window.interval;
    assert_eq!(of[1].trim_matches('\''), named, "an interval that is not $__interval");
    format!("floor(extract(epoch from {})/{seconds})*{seconds}", of[0])
}

/// Up to the parenthesis that ends them, and where what follows begins.
fn arguments(text: &str) -> (Vec<String>, usize) {
    let (mut depth, mut found, mut begun) = (0, Vec::new(), 0);
    for (at, sign) in text.char_indices() {
        match sign {
            '(' => depth += 1,
            ')' if depth > 0 => depth -= 1,
            ')' | ',' if depth == 0 => {
                found.push(text[begun..at].trim().to_owned());
                begun = at + 1;
                if sign == ')' {
                    return (found, at + 1);
                }
            }
            _ => {}
        }
    }
    panic!("a macro without its end: {text}");
}

#[test]
fn macros_become_what_grafanas_documentation_says() {
    let window = Window { from: "F".into(), to: "T".into(), interval: ("5m", 300) };
    let variables = [
        Variable { name: "all".into(), chosen: Chosen::All("'__all'".into()) },
        Variable { name: "some".into(), chosen: Chosen::Values(vec!["a".into(), "it's".into()]) },
        Variable { name: "text".into(), chosen: Chosen::Text("o'er".into()) },
    ];
    let sql = "SELECT $__timeGroupAlias(date_trunc('x', t), $__interval) WHERE $__timeFilter(t) AND t > $__timeFrom() AND t < $__timeTo()
               AND a IN ($all) AND b IN ($some) AND c = ${text:sqlstring} GROUP BY $__timeGroup(t,'5m')";
    let expected = "SELECT floor(extract(epoch from date_trunc('x', t))/300)*300 AS \"time\" WHERE t BETWEEN 'F' AND 'T' AND t > 'F' AND t < 'T'
               AND a IN ('__all') AND b IN ('a','it''s') AND c = 'o''er' GROUP BY floor(extract(epoch from t)/300)*300";
    assert_eq!(expand(sql, &window, &variables), expected);
}
