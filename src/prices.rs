//! observa.load_prices: the price files that people have, in the price book and out of it again.

use observa_pipeline::price::load::{self, Parsed, Plan};
use observa_pipeline::price::{Book, Pattern, PriceRow};
use pgrx::JsonB;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::audit::Deed;
use crate::error::{Error, or_raise};
use crate::identity::{self, Acting};
use crate::keys::{self, EDIT};
use crate::locks;
use crate::price_cache;
use crate::settings;
use crate::storage::{self, POSTGRES_EPOCH};

/// Every backend that prices for the tenant holds these rows in memory: the real files make some 6,000.
const MOST_ROWS: usize = 50_000;

/// As the table has it.
const LONGEST_NAME: usize = 512;

#[pg_extern(sql = false)]
fn load_prices(prices: &str, source: &str) -> i32 {
    let changed = or_raise(load(prices, source));
    i32::try_from(changed).unwrap_or(i32::MAX)
}

#[pg_extern(sql = false)]
fn compare_prices(prices: &str, source: &str) -> JsonB {
    JsonB(or_raise(Change::by(prices, source)).to_json())
}

#[pg_extern(sql = false)]
fn unload_prices(source: &str) -> i32 {
    let removed = or_raise(unload(source));
    i32::try_from(removed).unwrap_or(i32::MAX)
}

fn load(prices: &str, source: &str) -> Result<usize, Error> {
    storage::ensure()?;
    let whose = whose()?;
    lock(whose.map(identity::uuid));
    let change = Change::by(prices, source)?;
    change.store()?;
    record(whose, &Deed::of("load_prices", "source", &change.source))?;
    notice!("{}", change.summary());
    Ok(change.rows())
}

fn unload(source: &str) -> Result<usize, Error> {
    storage::ensure()?;
    let whose = whose()?;
    let removed = run(include_str!("../sql/price/unload.sql"), &[source.into(), whose.into()])?;
    record(whose, &Deed::of("unload_prices", "source", source))?;
    Ok(removed)
}

fn record(whose: Option<pgrx::Uuid>, deed: &Deed) -> Result<(), Error> {
    match whose {
        Some(tenant) => Acting::during(Acting::whole(identity::uuid(tenant)), || deed.record()),
        None => deed.record_for_all(),
    }
}

/// One load or repricing of a tenant's at a time, None: of everybody's. Two loads would add the same prices, two repricings could
/// each wait for a row of the other's.
pub fn lock(whose: Option<Uuid>) {
    locks::wait(locks::key(whose.unwrap_or_default()));
}

/// The tenant whose prices a load changes: the acting one, for who administers it. None: everybody's, which a superuser's session changes.
fn whose() -> Result<Option<pgrx::Uuid>, Error> {
    keys::require(|rights| rights.administer, EDIT)?;
    match Acting::current() {
        Some(acting) => Ok(Some(pgrx::Uuid::from_bytes(acting.tenant_id.into_bytes()))),
        None if identity::session_is_superuser() => Ok(None),
        None => Err(Error::NoTenant),
    }
}

/// What a price file changes.
struct Change {
    source: String,
    whose: Option<pgrx::Uuid>,
    plan: Plan,
    skipped: Vec<(String, &'static str)>,
}

impl Change {
    fn by(prices: &str, source: &str) -> Result<Change, Error> {
        if !storage::exists() {
            return Err(Error::NoStorage);
        }
        let source = source.trim();
        if source.is_empty() || source.len() > 100 {
            return Err(Error::Invalid("source must be a name of 1 to 100 bytes".into()));
        }
        let whose = whose()?;
        let parsed = load::parse(prices, source).map_err(|error| Error::Invalid(error.to_string()))?;
        let Parsed { rows, source_name, mut skipped } = parsed;
        let rows = fitting(rows, &mut skipped)?;
        let of_source: [DatumWithOid; 2] = [source_name.as_str().into(), whose.into()];
        let loaded = price_cache::select(include_str!("../sql/price/loaded.sql"), &of_source)?;
        let others = price_cache::select(include_str!("../sql/price/others.sql"), &of_source)?;
        let others = Book::new(others, settings::switches().builtin_prices);
        let now = transaction_start();
        let is_priced =
            |row: &PriceRow| others.find(row.model.text(), row.provider.as_deref(), now).is_some();
        let plan = load::plan(&loaded, rows, now, is_priced);
        Ok(Change { source: source_name, whose, plan, skipped })
    }

    fn store(&self) -> Result<(), Error> {
        let new: Vec<Value> = self.plan.insert.iter().map(row_json).collect();
        let new: [DatumWithOid; 3] =
            [JsonB(Value::Array(new)).into(), self.whose.into(), self.source.as_str().into()];
        let added = run(include_str!("../sql/price/add.sql"), &new)?;
        let ended = if self.plan.end.is_empty() {
            0
        } else {
            run(include_str!("../sql/price/end.sql"), &[JsonB(json!(self.plan.end)).into()])?
        };
        if added + ended == self.rows() { Ok(()) } else { Err(Error::NoTenant) }
    }

    /// Rows of the price book that change.
    fn rows(&self) -> usize {
        self.plan.insert.len() + self.plan.end.len()
    }

    fn summary(&self) -> String {
        let plan = &self.plan;
        format!(
            "{}: models added {}, changed {}, unchanged {}, no more in the file {} (their prices stay), without a price per token {}",
            self.source,
            plan.added.len(),
            plan.changed.len(),
            plan.unchanged,
            plan.removed.len(),
            self.skipped.len()
        )
    }

    fn to_json(&self) -> Value {
        let plan = &self.plan;
        let skipped: Vec<Value> =
            self.skipped.iter().map(|(model, reason)| json!({ "model": model, "reason": reason })).collect();
        json!({ "source": self.source, "rows": self.rows(), "added": plan.added, "changed": plan.changed,
                "removed": plan.removed, "unchanged": plan.unchanged, "skipped": skipped })
    }
}

/// Names that the table can hold. One with a `*` would be a pattern there, and match what the file does not name.
fn fitting(rows: Vec<PriceRow>, skipped: &mut Vec<(String, &'static str)>) -> Result<Vec<PriceRow>, Error> {
    if rows.len() > MOST_ROWS {
        return Err(Error::Invalid(format!(
            "the price file has {} prices, more than {MOST_ROWS}",
            rows.len()
        )));
    }
    let (fitting, others) = rows.into_iter().partition(|row| {
        let name = row.model.text();
        matches!(Pattern::parse(name), Pattern::Exact(_)) && (1..=LONGEST_NAME).contains(&name.len())
    });
    let name = |row: PriceRow| row.model.text().chars().take(LONGEST_NAME).collect::<String>();
    skipped.extend(Vec::into_iter(others).map(|row| (name(row), "a name with * or of more than 512 bytes")));
    Ok(fitting)
}

/// A price as `add.sql` takes it. Amounts are texts, with all their digits.
fn row_json(row: &PriceRow) -> Value {
    json!({
        "provider": row.provider,
        "model": row.model.text(),
        "rates": row.rates.to_json(),
        "context_window": row.context_window.and_then(|tokens| i64::try_from(tokens).ok()),
        "valid_from": row.valid_from,
        "valid_to": row.valid_to,
        "hours_utc": row.window.map(|window| window.hours()),
        "weekdays": row.window.and_then(|window| window.days()),
    })
}

/// What `now()` is in SQL, in microseconds since 1970: the statements after a load in its transaction see its prices.
fn transaction_start() -> i64 {
    // SAFETY: reads the transaction's state.
    unsafe { pg_sys::GetCurrentTransactionStartTimestamp() + POSTGRES_EPOCH }
}

/// Runs a statement; how many rows it changed.
fn run(sql: &'static str, arguments: &[DatumWithOid]) -> Result<usize, Error> {
    Ok(Spi::connect_mut(|client| client.update(sql, None, arguments).map(|changed| changed.len()))?)
}
