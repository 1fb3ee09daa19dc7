//! observa.reprice: stored costs anew, with the prices that are valid at each event's own time.

use std::collections::HashMap;
use std::sync::Arc;

use observa_pipeline::bill::{self, Stored};
use observa_pipeline::event::Tokens;
use observa_pipeline::home::{Home, Homes, Place};
use pgrx::JsonB;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use pgrx::spi::SpiHeapTupleData;
use uuid::Uuid;

use crate::audit::{Deed, span};
use crate::error::{Error, or_raise};
use crate::identity::{self, Acting};
use crate::keys::{self, EDIT};
use crate::prices;
use crate::storage::{self, POSTGRES_EPOCH};
use crate::tenants::{self, Directory};
use crate::times::in_order;

/// Events in memory at a time.
const BATCH: i64 = 10_000;

#[pg_extern(sql = false)]
fn reprice(since: TimestampWithTimeZone, until: TimestampWithTimeZone) -> i64 {
    or_raise(reprice_all(since, until))
}

fn reprice_all(since: TimestampWithTimeZone, until: TimestampWithTimeZone) -> Result<i64, Error> {
    storage::ensure()?;
    keys::require(|rights| rights.administer, EDIT)?;
    in_order(Some(since), Some(until))?;
    let tenants = match Acting::current() {
        Some(acting) => vec![acting.tenant_id],
        None if identity::session_is_superuser() => tenants::all()?,
        None => return Err(Error::NoTenant),
    };
    let deed = Deed::of("reprice", "events", span(since, until));
    let mut changed = 0;
    for &tenant_id in &tenants {
        let acting = Acting::whole(tenant_id);
        changed += Acting::during(acting, || {
            let changed = Repricing::of(tenant_id)?.run(since, until)?;
            deed.record_if(changed > 0 || tenants.len() == 1)?;
            Ok::<_, Error>(changed)
        })?;
    }
    Ok(changed)
}

/// A stored event that is billable.
struct Billable {
    ts: TimestampWithTimeZone,
    event_id: String,
    project_id: Uuid,
    provider: Option<String>,
    model: Option<String>,
    response_model: Option<String>,
    tokens: Tokens,
    classes: Option<serde_json::Value>,
    cost: Option<String>,
    is_reported: bool,
    cost_source: String,
}

/// Costs that change, column by column.
#[derive(Default)]
struct NewCosts {
    times: Vec<TimestampWithTimeZone>,
    ids: Vec<String>,
    costs: Vec<Option<String>>,
    sources: Vec<&'static str>,
}

struct Repricing {
    tenant_id: Uuid,
    directory: Directory,
    /// By project: each may have prices of its own.
    homes: HashMap<Uuid, Arc<Home>>,
}

impl Repricing {
    /// Of the acting tenant.
    fn of(tenant_id: Uuid) -> Result<Repricing, Error> {
        Ok(Repricing { tenant_id, directory: Directory::new()?, homes: HashMap::new() })
    }

    fn run(&mut self, since: TimestampWithTimeZone, until: TimestampWithTimeZone) -> Result<i64, Error> {
        prices::lock(Some(self.tenant_id));
        let (mut since, mut after) = (since, String::new());
        let mut changed = 0;
        loop {
            check_for_interrupts!();
            let batch = self.read(since, &after, until)?;
            let Some(last) = batch.last() else { return Ok(changed) };
            (since, after) = (last.ts, last.event_id.clone());
            let new = self.changed(&batch)?;
            changed += self.store(new)?;
            if (batch.len() as i64) < BATCH {
                return Ok(changed);
            }
        }
    }

    /// The next billable events, in the order of their keys.
    fn read(
        &self,
        since: TimestampWithTimeZone,
        after: &str,
        until: TimestampWithTimeZone,
    ) -> Result<Vec<Billable>, Error> {
        let arguments: [DatumWithOid; 5] =
            [self.sql_tenant().into(), since.into(), until.into(), after.into(), BATCH.into()];
        let events = Spi::connect(|client| {
            let rows = client.select(include_str!("../sql/price/billable.sql"), None, &arguments)?;
            rows.map(billable).collect::<Result<Vec<_>, pgrx::spi::Error>>()
        })?;
        Ok(events.into_iter().flatten().collect())
    }

    fn changed(&mut self, batch: &[Billable]) -> Result<NewCosts, Error> {
        let mut changed = NewCosts::default();
        for event in batch {
            let home = self.home(event.project_id)?;
            let cost = event.cost_by(&home).map(|usd| usd.normalized().to_plain_string());
            let source = bill::cost_source(cost.is_some(), event.is_reported).name();
            if cost != event.cost || source != event.cost_source {
                changed.times.push(event.ts);
                changed.ids.push(event.event_id.clone());
                changed.costs.push(cost);
                changed.sources.push(source);
            }
        }
        Ok(changed)
    }

    fn home(&mut self, project_id: Uuid) -> Result<Arc<Home>, Error> {
        if let Some(home) = self.homes.get(&project_id) {
            return Ok(Arc::clone(home));
        }
        let found = self.directory.home(Place { project: Some(&project_id.to_string()), ..Place::default() });
        let home = found.map_err(|reject| Error::Invalid(reject.message.into_owned()))?;
        self.homes.insert(project_id, Arc::clone(&home));
        Ok(home)
    }

    /// The one place where stored costs change: what sums costs up follows from here.
    fn store(&self, new: NewCosts) -> Result<i64, Error> {
        let Some((first, last)) = new.times.first().copied().zip(new.times.last().copied()) else {
            return Ok(0);
        };
        let arguments: [DatumWithOid; 7] = [
            self.sql_tenant().into(),
            new.times.into(),
            new.ids.into(),
            new.costs.into(),
            new.sources.into(),
            first.into(),
            last.into(),
        ];
        let changed = Spi::connect_mut(|client| {
            client
                .update(include_str!("../sql/price/store_costs.sql"), None, &arguments)
                .map(|rows| rows.len())
        })?;
        Ok(changed as i64)
    }

    fn sql_tenant(&self) -> pgrx::Uuid {
        pgrx::Uuid::from_bytes(self.tenant_id.into_bytes())
    }
}

impl Billable {
    fn cost_by(&self, home: &Home) -> Option<observa_pipeline::price::Usd> {
        let stored = Stored {
            models: [self.response_model.as_deref(), self.model.as_deref()],
            provider: self.provider.as_deref(),
            at: i64::from(self.ts).saturating_add(POSTGRES_EPOCH),
            tokens: self.tokens,
            classes: self.classes.as_ref(),
        };
        bill::stored_cost(&stored, &home.book)
    }
}

fn billable(row: SpiHeapTupleData) -> Result<Option<Billable>, pgrx::spi::Error> {
    let keys = (row.get::<TimestampWithTimeZone>(1)?, row.get::<String>(2)?, row.get::<pgrx::Uuid>(3)?);
    let (Some(ts), Some(event_id), Some(project_id)) = keys else { return Ok(None) };
    Ok(Some(Billable {
        ts,
        event_id,
        project_id: Uuid::from_bytes(*project_id.as_bytes()),
        provider: row.get(4)?,
        model: row.get(5)?,
        response_model: row.get(6)?,
        tokens: Tokens {
            input: row.get(7)?,
            output: row.get(8)?,
            total: row.get(9)?,
            cached_input: row.get(10)?,
            cache_write: row.get(11)?,
            reasoning: row.get(12)?,
            ..Tokens::default()
        },
        cost: row.get(13)?,
        is_reported: row.get(14)?.unwrap_or_default(),
        cost_source: row.get(15)?.unwrap_or_default(),
        classes: row.get::<JsonB>(16)?.map(|classes| classes.0),
    }))
}
