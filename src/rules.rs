//! The detection rules for SQL: the built-in ones, and a tenant's exceptions to them.

use observa_pipeline::price::Rates;
use observa_pipeline::signal::RULES;
use observa_pipeline::translate::json::Object;
use pgrx::prelude::*;
use pgrx::{JsonB, PgTrigger};
use serde_json::Value;

use crate::error::{Error, or_raise};
use crate::triggers::{self, Change};

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
        name!(event_types, Vec<String>),
        name!(description, String),
    ),
> {
    TableIterator::new(RULES.iter().map(|rule| {
        (
            rule.name.to_owned(),
            rule.category.to_owned(),
            rule.severity.name().to_owned(),
            rule.threshold,
            rule.unit.to_owned(),
            rule.event_types.iter().map(|event_type| event_type.name().to_owned()).collect(),
            rule.description.to_owned(),
        )
    }))
}

/// INSTEAD OF on the view: an exception is kept or taken away, the built-in rule stays.
#[pg_trigger(sql = false)]
fn edit_detection_rule<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, pgrx::spi::Error> {
    let change = triggers::change(trigger)?;
    or_raise(triggers::for_row_tenant(&change, || {
        let row = match &change {
            Change::Delete { old } => {
                return Ok(Spi::run_with_args(
                    include_str!("../sql/edit/delete_detection_rule.sql"),
                    &[old_json(old)],
                )?);
            }
            Change::Insert { new } | Change::Update { new, .. } => new,
        };
        let name = row.get("name").and_then(Value::as_str).unwrap_or_default();
        if !RULES.iter().any(|rule| rule.name == name) {
            return Err(Error::Invalid(
                "name must be that of a built-in rule; observa.detection_rules lists them".into(),
            ));
        }
        Ok(Spi::run_with_args(include_str!("../sql/edit/put_detection_rule.sql"), &[old_json(row)])?)
    }));
    triggers::row(trigger)
}

fn old_json<'r>(row: &Value) -> pgrx::datum::DatumWithOid<'r> {
    JsonB(row.clone()).into()
}

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
    or_raise(triggers::for_row_tenant(&change, || {
        if let Some(new) = &new {
            let row = Object::parse(new).map_err(|_| Error::Invalid("the row can't be read".into()))?;
            let rates = row.get("rates").filter(|rates| *rates != "null").unwrap_or("{}");
            Rates::from_text(rates).map_err(|error| Error::Invalid(error.to_string()))?;
        }
        if let Change::Update { old, .. } | Change::Delete { old } = &change {
            Spi::run_with_args(include_str!("../sql/edit/delete_model_price.sql"), &[old_json(old)])?;
        }
        if let Some(new) = new {
            Spi::run_with_args(include_str!("../sql/edit/put_model_price.sql"), &[new.into()])?;
        }
        Ok(())
    }));
    triggers::row(trigger)
}
