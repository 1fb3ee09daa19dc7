//! observa.cost and the price book, for SQL.

use observa_pipeline::price::{Book, Breakdown, Usage};
use pgrx::prelude::*;
use pgrx::{AnyNumeric, JsonB};

use crate::error::Error;
use crate::settings;
use crate::storage::POSTGRES_EPOCH;
use crate::tenants;

#[pg_extern(sql = false)]
fn cost(
    model: Option<&str>,
    usage: Option<JsonB>,
    provider: Option<&str>,
    at: Option<TimestampWithTimeZone>,
) -> Option<AnyNumeric> {
    let total = breakdown(model, usage, provider, at)?.total.normalized().to_plain_string();
    AnyNumeric::try_from(total.as_str()).ok()
}

/// As JSON text, which Postgres parses: serde_json would round the amounts to doubles.
#[pg_extern(sql = false)]
fn cost_breakdown(
    model: Option<&str>,
    usage: Option<JsonB>,
    provider: Option<&str>,
    at: Option<TimestampWithTimeZone>,
) -> Option<String> {
    Some(breakdown(model, usage, provider, at)?.to_json())
}

fn breakdown(
    model: Option<&str>,
    usage: Option<JsonB>,
    provider: Option<&str>,
    at: Option<TimestampWithTimeZone>,
) -> Option<Breakdown> {
    let (model, usage, at) = (model?, usage?, at?);
    let usage = Usage::from_json(&usage.0).unwrap_or_else(|error| Error::Invalid(error.to_string()).raise());
    let home = tenants::acting_home();
    let builtin = || settings::switches().builtin_prices.then(Book::builtin);
    let book: &Book = home.as_ref().map(|home| &*home.book).or_else(builtin)?;
    book.cost(model, provider, i64::from(at).saturating_add(POSTGRES_EPOCH), &usage)
}

#[pg_extern(sql = false)]
#[expect(clippy::type_complexity)]
fn builtin_prices() -> TableIterator<
    'static,
    (
        name!(id, String),
        name!(provider, Option<String>),
        name!(model, String),
        name!(maps_to, Option<String>),
        name!(rates, JsonB),
        name!(context_window, Option<i64>),
        name!(valid_from, TimestampWithTimeZone),
        name!(valid_to, TimestampWithTimeZone),
        name!(source, String),
        name!(hours_utc, Option<String>),
        name!(weekdays, Option<Vec<i16>>),
    ),
> {
    let time = |micros: Option<i64>, none: i64| {
        TimestampWithTimeZone::try_from(micros.map_or(none, |micros| micros - POSTGRES_EPOCH)).ok()
    };
    let book = settings::switches().builtin_prices.then(Book::builtin);
    TableIterator::new(book.into_iter().flat_map(Book::rows).filter_map(move |row| {
        Some((
            row.id().into_owned(),
            row.provider.clone(),
            row.model.text().to_owned(),
            row.maps_to.clone(),
            JsonB(row.rates.to_json()),
            row.context_window.and_then(|tokens| i64::try_from(tokens).ok()),
            time(row.valid_from, i64::MIN)?,
            time(row.valid_to, i64::MAX)?,
            row.source_name.to_string(),
            row.window.map(|window| window.hours()),
            row.window.and_then(|window| window.days()),
        ))
    }))
}
