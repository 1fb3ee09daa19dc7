//! The detection rules for SQL: the built-in ones, and a tenant's exceptions to them.

use observa_pipeline::price::Rates;
use observa_pipeline::signal::expression::Expression;
use observa_pipeline::signal::own::{self, OwnRule};
use observa_pipeline::signal::window::edit::{self, Edit};
use observa_pipeline::signal::window::{Dimension, Metric, builtin};
use observa_pipeline::signal::{RULES, Severity};
use observa_pipeline::translate::json::Object;
use pgrx::prelude::*;
use pgrx::{JsonB, PgTrigger};
use serde_json::Value;
use uuid::Uuid;

use crate::error::{Error, or_raise};
use crate::identity::{self, Acting};
use crate::members::run;
use crate::tenants;
use crate::triggers::{self, Change, Edited};

#[pg_extern(sql = false)]
#[expect(clippy::type_complexity)]
fn default_rules() -> TableIterator<
    'static,
    (
        name!(name, String),
        name!(type_, String),
        name!(severity, String),
        name!(threshold, Option<f64>),
        name!(unit, String),
        name!(event_types, Option<Vec<String>>),
        name!(description, String),
        name!(enabled, bool),
        name!(metric, Option<&'static str>),
        name!(filter, Option<JsonB>),
        name!(group_by, Option<Vec<String>>),
        name!(window_minutes, Option<i32>),
        name!(direction, Option<&'static str>),
        name!(warn_threshold, Option<f64>),
        name!(min_samples, Option<i64>),
        name!(no_data, Option<&'static str>),
        name!(for_minutes, Option<i32>),
        name!(recover_threshold, Option<f64>),
        name!(renotify_minutes, Option<i32>),
        name!(resolve_minutes, Option<i32>),
        name!(baseline, Option<&'static str>),
        name!(floor, Option<f64>),
    ),
> {
    let about_events = RULES.iter().map(|rule| {
        (
            rule.name.to_owned(),
            rule.category.to_owned(),
            rule.severity.name().to_owned(),
            rule.threshold,
            rule.unit.to_owned(),
            Some(rule.event_types.iter().map(|event_type| event_type.name().to_owned()).collect()),
            rule.description.to_owned(),
            rule.enabled,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
        )
    });
    let minutes = |minutes: u32| i32::try_from(minutes).ok();
    let about_windows = builtin::all().map(move |rule| {
        let of_type = rule.filter.iter().find(|(column, _)| *column == Dimension::EventType);
        let filter =
            rule.filter.iter().map(|(column, values)| (column.name().to_owned(), values.clone().into()));
        (
            rule.name.clone(),
            rule.category.clone(),
            rule.severity.name().to_owned(),
            Some(rule.threshold),
            rule.metric.unit().to_owned(),
            of_type.map(|(_, types)| types.clone()),
            rule.description.clone(),
            rule.enabled,
            Some(rule.metric.name()),
            Some(JsonB(Value::Object(filter.collect()))),
            Some(rule.group_by.names()),
            minutes(rule.minutes),
            Some(if rule.below { "below" } else { "above" }),
            rule.warn,
            Some(rule.min_samples),
            Some(rule.no_data.name()),
            minutes(rule.for_minutes),
            rule.recover,
            rule.renotify_minutes.and_then(minutes),
            minutes(rule.resolve_minutes),
            rule.history.map(|_| "history"),
            rule.history.map(|_| rule.floor),
        )
    });
    TableIterator::new(about_events.chain(about_windows).collect::<Vec<_>>())
}

#[pg_extern(sql = false)]
fn unit_of_metric(metric: &str) -> Option<&'static str> {
    Metric::from_name(metric).map(Metric::unit)
}

const EDITED_RULE: Edited = Edited {
    action: "edit_detection_rule",
    name: "name",
    told: &["type", "unit", "event_types", "changed_at"],
};

/// INSTEAD OF on the view: an exception is kept or taken away, the built-in rule stays.
#[pg_trigger(sql = false)]
fn edit_detection_rule<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, pgrx::spi::Error> {
    let change = triggers::change(trigger)?;
    let changed = or_raise(triggers::for_row_tenant(&change, &EDITED_RULE, || {
        if let Change::Update { old, new } = &change
            && old.get("name") != new.get("name")
        {
            return Err(Error::Invalid("name can't be changed: each rule keeps its own".into()));
        }
        match &change {
            Change::Delete { old } => write(include_str!("../sql/edit/delete_detection_rule.sql"), old),
            Change::Insert { new } | Change::Update { new, .. } => {
                let kind = check_rule(new)?;
                let arguments = [
                    JsonB(new.clone()).into(),
                    (kind == Kind::OwnWindow).into(),
                    (kind == Kind::OwnEvent).into(),
                ];
                run(include_str!("../sql/edit/put_detection_rule.sql"), &arguments)
            }
        }
    }));
    if changed == 0 { Ok(None) } else { triggers::row(trigger) }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Exception,
    OwnWindow,
    OwnEvent,
}

/// An exception must be to a built-in rule, a rule of the tenant's own one that can be evaluated, and both of the acting tenant's project.
fn check_rule(row: &Value) -> Result<Kind, Error> {
    let name = row.get("name").and_then(Value::as_str).unwrap_or_default();
    check_project(row)?;
    let member = |column: &str| row.get(column).filter(|value| !value.is_null());
    let expression = member("expression").and_then(Value::as_str);
    if let Some(rule) = RULES.iter().find(|rule| rule.name == name) {
        if edit::is_of_window(row) {
            return Err(Error::Invalid(format!("{name} is about each event: of a window it knows nothing")));
        }
        if expression.is_some() {
            return Err(Error::Invalid(format!("{name} is built in: INSERT a rule of another name")));
        }
        if rule.threshold.is_none() && member("threshold").is_some() {
            return Err(Error::Invalid(format!("{name} has no threshold: it fires whenever it applies")));
        }
        return Ok(Kind::Exception);
    }
    if let Some(expression) = expression {
        check_expression(name, row, expression).map_err(Error::Invalid)?;
        check_room(row, name, 2, own::MOST_RULES)?;
        return Ok(Kind::OwnEvent);
    }
    Edit::of(row).and_then(|edit| edit.rule()).map_err(Error::Invalid)?;
    if builtin::find(name).is_some() {
        return Ok(Kind::Exception);
    }
    check_room(row, name, 1, edit::MOST_RULES)?;
    Ok(Kind::OwnWindow)
}

fn check_expression(name: &str, row: &Value, expression: &str) -> Result<(), String> {
    edit::check_name(name)?;
    let member = |column: &str| row.get(column).filter(|value| !value.is_null());
    let foreign = edit::WINDOW_COLUMNS.iter().filter(|column| **column != "group_by").chain(&["threshold"]);
    if let Some(column) = foreign.copied().find(|column| member(column).is_some()) {
        return Err(format!("a rule with an expression is about each event: it has no {column}"));
    }
    let severity = member("severity").and_then(Value::as_str);
    if severity.is_some_and(|name| Severity::from_name(name).is_none()) {
        return Err("severity must be one of low, medium, high".into());
    }
    let group = member("group_by").and_then(Value::as_array).cloned().unwrap_or_default();
    let group: Vec<&str> = group.iter().map(|name| name.as_str().unwrap_or_default()).collect();
    OwnRule::group_by(&group)?;
    Expression::parse(expression).map(drop)
}

/// `counted`: the column of the statement that counts rules of this kind.
fn check_room(row: &Value, name: &str, counted: usize, most: i64) -> Result<(), Error> {
    let project = row.get("project_id").and_then(Value::as_str).and_then(|id| Uuid::parse_str(id).ok());
    let arguments = [name.into(), project.map(identity::sql_uuid).into()];
    let others = Spi::connect(|client| {
        let rows =
            client.select(include_str!("../sql/edit/count_detection_rules.sql"), Some(1), &arguments)?;
        rows.first().get::<i64>(counted)
    })?;
    if others.unwrap_or_default() >= most {
        let kind = if counted == 1 { "over windows" } else { "with an expression" };
        return Err(Error::Invalid(format!("a tenant has {most} rules {kind} of its own at most")));
    }
    Ok(())
}

/// A row of another tenant's project, or of none, would count for nobody.
pub fn check_project(row: &Value) -> Result<(), Error> {
    let Some(project) = row.get("project_id").and_then(Value::as_str) else { return Ok(()) };
    let tenant = match Uuid::parse_str(project) {
        Ok(project_id) => tenants::tenant_of_project(project_id)?,
        Err(_) => None,
    };
    let acting = Acting::current().map(|acting| acting.tenant_id.into_bytes());
    if tenant.is_some_and(|tenant| Some(*tenant.as_bytes()) == acting) {
        return Ok(());
    }
    Err(Error::Invalid("project_id is none of the tenant's projects; observa.projects lists them".into()))
}

/// Runs a statement for a row of the view; how many rows it wrote.
fn write(sql: &str, row: &Value) -> Result<usize, Error> {
    let changed = Spi::connect_mut(|client| {
        client.update(sql, None, &[JsonB(row.clone()).into()]).map(|rows| rows.len())
    });
    Ok(changed?)
}

const EDITED_PRICE: Edited = Edited { action: "edit_model_price", name: "model", told: &["id", "loaded_at"] };

/// INSTEAD OF on the view: a price of the tenant's own is added, changed or removed; built-in ones stay.
#[pg_trigger(sql = false)]
fn edit_model_price<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, pgrx::spi::Error> {
    let change = triggers::change(trigger)?;
    if let Change::Update { old, .. } | Change::Delete { old } = &change
        && old.get("tenant_id").is_none_or(Value::is_null)
    {
        Error::Invalid(
            "a built-in price, or one loaded for everybody, can't be changed: INSERT one of your own, which wins over it"
                .into(),
        )
        .raise();
    }
    // As text: amounts keep all their digits.
    let data = trigger.trigger_data();
    let new = match &change {
        Change::Insert { .. } => Some(triggers::row_text(data.tg_trigtuple, data)?),
        Change::Update { .. } => Some(triggers::row_text(data.tg_newtuple, data)?),
        Change::Delete { .. } => None,
    };
    let changed = or_raise(triggers::for_row_tenant(&change, &EDITED_PRICE, || {
        if let Some(new) = &new {
            let row = Object::parse(new).map_err(|_| Error::Invalid("the row can't be read".into()))?;
            let rates = row.get("rates").filter(|rates| *rates != "null").unwrap_or("{}");
            Rates::from_text(rates).map_err(|error| Error::Invalid(error.to_string()))?;
        }
        if let Change::Insert { new } | Change::Update { new, .. } = &change {
            check_project(new)?;
        }
        if let Change::Insert { new } = &change {
            check_says_a_price(new)?;
        }
        let mut changed = 0;
        if let Change::Update { old, .. } | Change::Delete { old } = &change {
            changed = write(include_str!("../sql/edit/delete_model_price.sql"), old)?;
        }
        if let Some(new) = &new {
            changed = Spi::connect_mut(|client| {
                let put = include_str!("../sql/edit/put_model_price.sql");
                client.update(put, None, &[new.as_str().into()]).map(|rows| rows.len())
            })?;
        }
        Ok(changed)
    }));
    if changed == 0 { Ok(None) } else { triggers::row(trigger) }
}

/// USD: more than any model of the built-in book takes for a token, and less than what some take for a million.
const DEAREST_TOKEN: f64 = 0.01;

/// A row of `observa.model_prices` that says neither would hide a built-in price, and be none.
fn check_says_a_price(row: &Value) -> Result<(), Error> {
    let rates = row.get("rates").filter(|rates| !rates.is_null());
    if rates.is_none() && row.get("maps_to").is_none_or(Value::is_null) {
        return Err(Error::Invalid(
            "rates or maps_to must be given: a price, or the model that has it".into(),
        ));
    }
    for (class, rate) in rates.and_then(Value::as_object).into_iter().flatten() {
        let usd = rate.as_f64().or_else(|| rate.as_str()?.parse().ok()).unwrap_or_default();
        if usd > DEAREST_TOKEN {
            let million = usd * 1e6;
            warning!(
                "rates.{class} is {usd} USD for a token, {million} for a million: rates are USD per token"
            );
        }
    }
    Ok(())
}
