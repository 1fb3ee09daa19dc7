//! The dashboards of `examples/grafana`, against Grafana's own types (`@grafana/schema`): TypeScript's compiler is the judge.

use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use observa_tests::clients;
use serde_json::{Value, json};

const DASHBOARDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/grafana/dashboards");

/// Types of panels, each a folder in the package: `Options` is what it has there, `FieldConfig`, if it is used, what it adds to a
/// field's.
const PANELS: [(&str, bool); 4] =
    [("stat", false), ("timeseries", true), ("table", true), ("barchart", false)];

/// JSON has no enums, but their values; and what is left out has a default. What is not in the schema stays an error.
const PRELUDE: &str = "
import type { Dashboard } from '@grafana/schema';
type Plain<T> = unknown extends T ? T : T extends string ? `${T}` : T extends Array<infer U> ? Plain<U>[]
    : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
type Partly<T> = unknown extends T ? T : T extends Array<infer U> ? Partly<U>[]
    : T extends object ? { [K in keyof T]?: Partly<T[K]> } : T;
";

/// A program that assigns each part of each dashboard to the type that it should have.
fn program(dashboards: &[Value]) -> String {
    let mut text = String::from(PRELUDE);
    for (panel, custom) in PANELS {
        // The names of its files are inside the package.
        let from =
            format!("./node_modules/@grafana/schema/dist/types/raw/composable/{panel}/panelcfg/x/types.gen");
        writeln!(text, "import type * as {panel} from '{from}';").unwrap();
        writeln!(text, "type {panel}Options = Plain<Partly<{panel}.Options>>;").unwrap();
        if custom {
            writeln!(text, "type {panel}Custom = Plain<Partly<{panel}.FieldConfig>>;").unwrap();
        }
    }
    for dashboard in dashboards {
        writeln!(text, "({dashboard}) satisfies Plain<Dashboard>;").unwrap();
        for panel in dashboard["panels"].as_array().unwrap() {
            let named = panel["type"].as_str().unwrap();
            let (_, has_custom) = PANELS.iter().find(|(known, _)| *known == named).expect("a known panel");
            writeln!(text, "({}) satisfies {named}Options;", panel["options"]).unwrap();
            let own = &panel["fieldConfig"]["defaults"]["custom"];
            assert_eq!(own.is_object(), *has_custom, "{panel}");
            if *has_custom {
                writeln!(text, "({own}) satisfies {named}Custom;").unwrap();
            }
        }
    }
    text
}

/// What the compiler says; empty: nothing.
fn compile(program: &str, name: &str) -> String {
    let installed = clients::folder().join("node");
    let file = installed.join(format!("{name}-{}.ts", std::process::id()));
    std::fs::write(&file, program).expect("a file");
    let compiled = Command::new(installed.join("node_modules/.bin/tsc"))
        .args(["--noEmit", "--strict", "--skipLibCheck", "--target", "es2022", "--module", "esnext"])
        .args(["--moduleResolution", "bundler", "--types", ""])
        .arg(&file)
        .output()
        .expect("tsc starts");
    std::fs::remove_file(&file).expect("it is there");
    String::from_utf8_lossy(&compiled.stdout).into_owned()
}

fn dashboards() -> Vec<Value> {
    let files = std::fs::read_dir(Path::new(DASHBOARDS)).expect("the folder");
    files
        .map(|file| serde_json::from_str(&std::fs::read_to_string(file.unwrap().path()).unwrap()).unwrap())
        .collect()
}

#[test]
fn dashboards_fit_grafanas_own_schema() {
    if !clients::folder().join("node/complete").exists() {
        return clients::require_note("node");
    }
    let dashboards = dashboards();
    assert_eq!(dashboards.len(), 9);
    assert_eq!(compile(&program(&dashboards), "dashboards"), "");
}

#[test]
fn what_grafanas_schema_does_not_know_is_found() {
    if !clients::folder().join("node/complete").exists() {
        return clients::require_note("node");
    }
    let damage = |change: &dyn Fn(&mut Value)| {
        let mut one = dashboards().remove(0);
        change(&mut one);
        compile(&program(&[one]), "damaged")
    };
    assert!(damage(&|one| one["schemaVersion"] = "41".into()).contains("Type 'string' is not assignable"));
    assert!(damage(&|one| one["panel"] = 1.into()).contains("panel"));
    assert!(damage(&|one| one["panels"][0]["gridPos"]["h"] = Value::Null).contains("null"));
    assert!(
        damage(&|one| one["panels"][0]["fieldConfig"]["defaults"]["color"] = json!({"mode": "pale"}))
            .contains("pale")
    );
    assert!(damage(&|one| one["panels"][0]["options"]["colourMode"] = "none".into()).contains("colourMode"));
}
