//! Evaluators: the built-in ones, and those that tenants make or make otherwise.

use observa_workers::judge::evaluators::{EVALUATORS as BUILT_IN, Evaluator as BuiltIn};
use observa_workers::judge::{prompt, verdict};
use pgrx::prelude::*;
use pgrx::{JsonB, PgTrigger};
use serde_json::{Value, json};

use crate::analysis::subject::VARIABLES;
use crate::error::{Error, or_raise};
use crate::plans;
use crate::triggers::{self, Change, Edited};

/// Characters of a template.
const LONGEST_TEMPLATE: usize = 20_000;

/// Bytes of a schema as JSON.
const LONGEST_SCHEMA: usize = 20_000;

/// Of a tenant.
const MOST: i64 = 100;

pub struct Evaluator {
    pub name: String,
    pub version: i32,
    pub enabled: bool,
    /// event or trace.
    pub scope: String,
    pub template: String,
    pub schema: Value,
    /// None: as the setting says.
    pub model: Option<String>,
    pub variables: Vec<String>,
    pub threshold: Option<Threshold>,
}

/// What a verdict raises.
pub struct Threshold {
    pub signal: String,
    /// Scores above them. None: none of the severity is raised.
    pub medium: Option<f64>,
    pub high: Option<f64>,
}

impl Evaluator {
    fn built_in(built_in: &BuiltIn) -> Evaluator {
        Evaluator {
            name: built_in.name.to_owned(),
            version: built_in.version,
            enabled: true,
            scope: built_in.scope.name().to_owned(),
            template: built_in.template.to_owned(),
            schema: built_in.schema(),
            model: None,
            variables: built_in.variables.iter().map(|name| (*name).to_owned()).collect(),
            threshold: Some(Threshold {
                signal: built_in.signal.to_owned(),
                medium: Some(built_in.medium),
                high: Some(built_in.high),
            }),
        }
    }
}

/// The acting tenant's evaluator of a name, else the built-in one. None: there is none.
pub fn find(name: &str) -> Result<Option<Evaluator>, Error> {
    let mut own = None;
    plans::each(include_str!("../../sql/analysis/evaluator.sql"), &[name.into()], true, |row| {
        let (medium, high) = (row.get(8), row.get(9));
        own = Some(Evaluator {
            name: name.to_owned(),
            version: row.get(1).unwrap_or(1),
            enabled: row.get(2).unwrap_or_default(),
            scope: row.get(3).unwrap_or_default(),
            template: row.get(4).unwrap_or_default(),
            schema: row.get::<JsonB>(5).map(|schema| schema.0).unwrap_or_default(),
            model: row.get(6),
            threshold: row.get(7).map(|signal| Threshold { signal, medium, high }),
            variables: row.get(10).unwrap_or_default(),
        });
    })?;
    let built_in = || BUILT_IN.iter().find(|built_in| built_in.name == name).map(Evaluator::built_in);
    Ok(own.or_else(built_in))
}

/// Names of the acting tenant's evaluators that are enabled.
pub fn enabled() -> Result<Vec<String>, Error> {
    let own = Spi::connect(|client| {
        let sql = "SELECT e.name, e.enabled FROM observa_internal.evaluators e WHERE e.tenant_id = observa.current_tenant()";
        let rows = client.select(sql, None, &[])?;
        rows.map(|row| {
            Ok((row.get::<String>(1)?.unwrap_or_default(), row.get::<bool>(2)?.unwrap_or_default()))
        })
        .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    let built_in = BUILT_IN.iter().map(|built_in| built_in.name.to_owned());
    let mut names: Vec<String> = built_in.filter(|name| own.iter().all(|(own, _)| own != name)).collect();
    names.extend(own.into_iter().filter(|(_, enabled)| *enabled).map(|(name, _)| name));
    names.sort_unstable();
    Ok(names)
}

#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "pgrx reads the columns from the type")]
fn default_evaluators() -> TableIterator<
    'static,
    (
        name!(name, &'static str),
        name!(version, i32),
        name!(scope, &'static str),
        name!(variables, Vec<&'static str>),
        name!(template, &'static str),
        name!(response_schema, JsonB),
        name!(triggers, Vec<&'static str>),
        name!(signal, &'static str),
        name!(medium_threshold, f64),
        name!(high_threshold, f64),
        name!(description, &'static str),
    ),
> {
    TableIterator::new(BUILT_IN.iter().map(|built_in| {
        (
            built_in.name,
            built_in.version,
            built_in.scope.name(),
            built_in.variables.to_vec(),
            built_in.template,
            JsonB(built_in.schema()),
            built_in.triggers.to_vec(),
            built_in.signal,
            built_in.medium,
            built_in.high,
            built_in.description,
        )
    }))
}

const EDITED: Edited = Edited { action: "edit_evaluator", name: "name", told: &["version", "changed_at"] };

/// INSTEAD OF on the view: an evaluator is added, changed or taken away; a built-in one that is changed becomes the tenant's own.
#[pg_trigger(sql = false)]
fn edit_evaluator<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, pgrx::spi::Error> {
    let change = triggers::change(trigger)?;
    let changed = or_raise(triggers::for_row_tenant(&change, &EDITED, || match &change {
        Change::Delete { old } => {
            let sql = include_str!("../../sql/analysis/delete_evaluator.sql");
            crate::members::run(sql, &[JsonB(old.clone()).into()])
        }
        Change::Update { old, new } if old.get("name") != new.get("name") => {
            Err(Error::Invalid("name can't be changed: INSERT another one".into()))
        }
        Change::Insert { new } => put(&whole(new)),
        Change::Update { new, .. } => put(new),
    }));
    if changed == 0 { Ok(None) } else { triggers::row(trigger) }
}

fn put(row: &Value) -> Result<usize, Error> {
    check(row)?;
    let name = text(row, "name");
    let built_in = BUILT_IN.iter().find(|built_in| built_in.name == name);
    let version = built_in.map_or(1, |built_in| built_in.version + 1);
    let count = "SELECT pg_catalog.count(*) FROM observa_internal.evaluators e WHERE e.tenant_id = observa.current_tenant() AND e.name <> $1";
    let others = Spi::get_one_with_args::<i64>(count, &[name.into()])?.unwrap_or_default();
    if others >= MOST {
        return Err(Error::Invalid(format!("a tenant has at most {MOST} evaluators")));
    }
    let sql = include_str!("../../sql/analysis/put_evaluator.sql");
    crate::members::run(sql, &[JsonB(row.clone()).into(), version.into()])
}

/// A row with what an INSERT may leave out: of a built-in name as that has it.
fn whole(row: &Value) -> Value {
    let mut row = row.clone();
    let built_in = BUILT_IN.iter().find(|built_in| built_in.name == text(&row, "name"));
    let Some(fields) = row.as_object_mut() else { return row };
    let mut put = |name: &str, value: Value| {
        if fields.get(name).is_none_or(Value::is_null) {
            fields.insert(name.to_owned(), value);
        }
    };
    if let Some(built_in) = built_in {
        put("scope", built_in.scope.name().into());
        put("variables", built_in.variables.to_vec().into());
        put("template", built_in.template.into());
        put("response_schema", built_in.schema());
        put("triggers", built_in.triggers.to_vec().into());
        put("description", built_in.description.into());
        put("signal", built_in.signal.into());
        put("medium_threshold", built_in.medium.into());
        put("high_threshold", built_in.high.into());
    }
    put("response_schema", plain_schema());
    let declared: Vec<Value> = VARIABLES.iter().map(|name| (*name).into()).collect();
    put("variables", declared.into());
    row
}

/// Of an answer with nothing but what every answer has.
fn plain_schema() -> Value {
    json!({
        "type": "object",
        "properties": {
            "score": { "type": "number", "minimum": 0, "maximum": 1 },
            "label": { "type": "string" },
            "reasoning": { "type": "string" },
        },
        "required": ["score", "label", "reasoning"],
    })
}

fn text<'r>(row: &'r Value, field: &str) -> &'r str {
    row.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// Says what of a row could not be used later.
fn check(row: &Value) -> Result<(), Error> {
    let invalid = |what: String| Err(Error::Invalid(what));
    let name = text(row, "name");
    let is_name = |name: &str| {
        let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        (1..=63).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.chars().all(rest)
    };
    if !is_name(name) || name == observa_pipeline::analysis::EMBEDDING {
        return invalid("name must be of 1 to 63 lower-case letters, digits and _, and not embedding".into());
    }
    if row.get("signal").and_then(Value::as_str).is_some_and(|signal| !is_name(signal)) {
        return invalid("signal must be of 1 to 63 lower-case letters, digits and _".into());
    }
    if !matches!(row.get("scope").and_then(Value::as_str), None | Some("event" | "trace")) {
        return invalid("scope must be event or trace".into());
    }
    for field in ["sample_rate", "medium_threshold", "high_threshold"] {
        if row.get(field).and_then(Value::as_f64).is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return invalid(format!("{field} must be between 0 and 1"));
        }
    }
    let template = text(row, "template");
    if template.trim().is_empty() || template.chars().count() > LONGEST_TEMPLATE {
        return invalid(format!("template must have 1 to {LONGEST_TEMPLATE} characters"));
    }
    let names = |field: &str| -> Vec<String> {
        let names = row.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        names.iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let declared = names("variables");
    if let Some(unknown) = declared.iter().find(|name| !VARIABLES.contains(&name.as_str())) {
        return invalid(format!("variables must be of {}, not {unknown}", VARIABLES.join(", ")));
    }
    prompt::check(template, &declared).map_err(Error::Invalid)?;
    let too_long = |field: &str, most: usize| text(row, field).chars().count() > most;
    if too_long("model", 200) || too_long("description", 2_000) {
        return invalid("model must have at most 200 characters, description 2,000".into());
    }
    if names("triggers").iter().any(|name| !is_name(name)) {
        return invalid("triggers must be names of signals".into());
    }
    if names("triggers").len() > 50 {
        return invalid("triggers must be 50 signals at most".into());
    }
    let schema = row.get("response_schema").cloned().unwrap_or_default();
    if schema.to_string().len() > LONGEST_SCHEMA {
        return invalid(format!("response_schema must have at most {LONGEST_SCHEMA} bytes"));
    }
    verdict::check_schema(&schema).map_err(|why| Error::Invalid(format!("response_schema: {why}")))
}
