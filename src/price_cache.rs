//! The price book of a project: the built-in one, over it the prices loaded for everybody, over these what the tenant has
//! loaded and what it or the project has set.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use observa_pipeline::home::Shared;
use observa_pipeline::price::{Book, DailyWindow, PriceRow, Rates, Source};
use pgrx::prelude::*;
use uuid::Uuid;

use crate::error::Error;
use crate::settings;
use crate::storage::POSTGRES_EPOCH;

/// Tenants with prices of their own that a backend keeps; with more it begins anew.
const MAX_TENANTS: usize = 256;

thread_local! {
    /// Thousands of prices that all tenants have in common.
    static EVERYBODYS: RefCell<Option<Arc<Book>>> = const { RefCell::new(None) };
    /// What all projects of a tenant have in common, where that is more.
    static TENANTS: RefCell<HashMap<Uuid, Arc<Book>>> = RefCell::default();
}

/// Prices or the settings about them have changed.
pub fn forget() {
    EVERYBODYS.take();
    TENANTS.take();
}

/// The acting tenant's book for a project.
pub fn book(tenant_id: Uuid, project_id: Uuid) -> Result<Shared<Book>, Error> {
    let base = tenants(tenant_id)?;
    let rows = rows(Some(tenant_id), Some(project_id))?;
    Ok(if rows.is_empty() { base } else { Shared::Own(Arc::new(Book::over(rows, &base))) })
}

fn tenants(tenant_id: Uuid) -> Result<Shared<Book>, Error> {
    if let Some(book) = TENANTS.with_borrow(|tenants| tenants.get(&tenant_id).cloned()) {
        return Ok(Shared::Own(book));
    }
    let base = everybodys()?;
    let rows = rows(Some(tenant_id), None)?;
    if rows.is_empty() {
        return Ok(base);
    }
    let book = Arc::new(Book::over(rows, &base));
    TENANTS.with_borrow_mut(|tenants| {
        if tenants.len() >= MAX_TENANTS {
            tenants.clear();
        }
        tenants.insert(tenant_id, Arc::clone(&book));
    });
    Ok(Shared::Own(book))
}

fn everybodys() -> Result<Shared<Book>, Error> {
    if let Some(book) = EVERYBODYS.with_borrow(Option::clone) {
        return Ok(Shared::Own(book));
    }
    let rows = rows(None, None)?;
    if rows.is_empty() && settings::switches().builtin_prices {
        return Ok(Shared::BuiltIn(Book::builtin()));
    }
    let book = Arc::new(Book::new(rows, settings::switches().builtin_prices));
    EVERYBODYS.set(Some(Arc::clone(&book)));
    Ok(Shared::Own(book))
}

fn rows(tenant_id: Option<Uuid>, project_id: Option<Uuid>) -> Result<Vec<PriceRow>, Error> {
    let id = |id: Option<Uuid>| id.map(|id| pgrx::Uuid::from_bytes(id.into_bytes()));
    select(include_str!("../sql/query/prices.sql"), &[id(tenant_id).into(), id(project_id).into()])
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
    let rates = row.get::<String>(5)?.and_then(|rates| Rates::from_text(&rates).ok());
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
