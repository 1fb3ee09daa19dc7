//! The price book of a project: the built-in one, and over it the prices that everybody, the tenant or the project has set.

use std::sync::Arc;

use observa_pipeline::home::Shared;
use observa_pipeline::price::{Book, PriceRow, Rates, Source};
use pgrx::JsonB;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::error::Error;
use crate::storage::POSTGRES_EPOCH;

/// The acting tenant's book for a project.
pub fn book(project_id: Uuid) -> Result<Shared<Book>, Error> {
    let rows = Spi::connect(|client| {
        let found = client.select(
            include_str!("../sql/query/prices.sql"),
            None,
            &[pgrx::Uuid::from_bytes(project_id.into_bytes()).into()],
        )?;
        found.map(price_row).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    let rows: Vec<PriceRow> = rows.into_iter().flatten().collect();
    if rows.is_empty() {
        return Ok(Shared::BuiltIn(Book::builtin()));
    }
    Ok(Shared::Own(Arc::new(Book::new(rows, true))))
}

/// None for a row whose rates can't be read: the trigger of observa.model_prices let none in.
fn price_row(row: pgrx::spi::SpiHeapTupleData) -> Result<Option<PriceRow>, pgrx::spi::Error> {
    let source = match row.get::<String>(9)?.as_deref() {
        Some("project") => Source::Project,
        Some("tenant") => Source::Tenant,
        _ => Source::Loaded,
    };
    let rates = row.get::<JsonB>(5)?.and_then(|rates| Rates::from_json(&rates.0).ok());
    let Some((model, rates)) = row.get::<String>(3)?.zip(rates) else { return Ok(None) };
    let micros = |time: Option<TimestampWithTimeZone>| {
        time.map(i64::from)
            .filter(|time| *time > i64::MIN && *time < i64::MAX)
            .map(|time| time + POSTGRES_EPOCH)
    };
    let mut price = PriceRow::new(&model, source, rates);
    price.id = row.get::<String>(1)?.unwrap_or_default();
    price.provider = row.get::<String>(2)?;
    price.maps_to = row.get::<String>(4)?;
    price.context_window = row.get::<i64>(6)?.and_then(|tokens| u64::try_from(tokens).ok());
    price.valid_from = micros(row.get::<TimestampWithTimeZone>(7)?);
    price.valid_to = micros(row.get::<TimestampWithTimeZone>(8)?);
    Ok(Some(price))
}
