//! The price book of a project: the built-in one, over it the prices loaded for everybody, over these what the tenant has
//! loaded and what it or the project has set.

use std::cell::RefCell;
use std::sync::Arc;

use observa_pipeline::home::Shared;
use observa_pipeline::price::{Book, DailyWindow, PriceRow, Rates, Source};
use pgrx::JsonB;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::error::Error;
use crate::settings;
use crate::storage::POSTGRES_EPOCH;

thread_local! {
    /// Thousands of prices that all tenants have in common.
    static EVERYBODYS: RefCell<Option<Arc<Book>>> = const { RefCell::new(None) };
}

/// Prices or the settings about them have changed.
pub fn forget() {
    EVERYBODYS.take();
}

/// The acting tenant's book for a project.
pub fn book(project_id: Uuid) -> Result<Shared<Book>, Error> {
    let base = everybodys()?;
    let rows = rows(Some(project_id))?;
    Ok(if rows.is_empty() { base } else { Shared::Own(Arc::new(Book::over(rows, &base))) })
}

fn everybodys() -> Result<Shared<Book>, Error> {
    if let Some(book) = EVERYBODYS.with_borrow(Option::clone) {
        return Ok(Shared::Own(book));
    }
    let rows = rows(None)?;
    if rows.is_empty() && settings::builtin_prices() {
        return Ok(Shared::BuiltIn(Book::builtin()));
    }
    let book = Arc::new(Book::new(rows, settings::builtin_prices()));
    EVERYBODYS.set(Some(Arc::clone(&book)));
    Ok(Shared::Own(book))
}

/// The acting tenant's own rows for a project; None: everybody's.
fn rows(project_id: Option<Uuid>) -> Result<Vec<PriceRow>, Error> {
    let project_id = project_id.map(|id| pgrx::Uuid::from_bytes(id.into_bytes()));
    select(include_str!("../sql/query/prices.sql"), &[project_id.into()])
}

/// The rows of a query with the columns of `prices.sql`.
pub fn select(sql: &'static str, arguments: &[pgrx::datum::DatumWithOid]) -> Result<Vec<PriceRow>, Error> {
    let rows = Spi::connect(|client| {
        client.select(sql, None, arguments)?.map(price_row).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(rows.into_iter().flatten().collect())
}

/// None for a row whose rates can't be read: the trigger of observa.model_prices let none in.
fn price_row(row: pgrx::spi::SpiHeapTupleData) -> Result<Option<PriceRow>, pgrx::spi::Error> {
    let source = match row.get::<String>(12)?.as_deref() {
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
    let days = row.get::<Vec<i16>>(10)?;
    let weekdays =
        days.map_or(DailyWindow::EVERY_DAY, |days| DailyWindow::weekdays_of(days.into_iter().map(i64::from)));
    // Days without hours are whole days.
    let hours = row.get::<String>(9)?;
    let hours = hours.as_deref().or((weekdays != DailyWindow::EVERY_DAY).then_some("00:00-00:00"));
    let mut price = PriceRow::new(&model, source, rates);
    price.id = row.get::<String>(1)?.unwrap_or_default();
    price.provider = row.get::<String>(2)?;
    price.maps_to = row.get::<String>(4)?;
    price.context_window = row.get::<i64>(6)?.and_then(|tokens| u64::try_from(tokens).ok());
    price.valid_from = micros(row.get::<TimestampWithTimeZone>(7)?);
    price.valid_to = micros(row.get::<TimestampWithTimeZone>(8)?);
    price.window = hours.and_then(|hours| DailyWindow::parse(hours, weekdays));
    price.source_name = row.get::<String>(11)?.unwrap_or_default().into();
    Ok(Some(price))
}
