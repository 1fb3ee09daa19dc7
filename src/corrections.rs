//! Whoever changes a stored event, be it a late twin, a new price, a new translation or a person who is forgotten: the rollups follow.

use observa_pipeline::price::Usd;
use observa_pipeline::rollup::{Delta, Fact, FactTokens, Scores, Series, counted, sums};
use pgrx::pg_sys;
use pgrx::prelude::*;
use pgrx::spi::{SpiCursor, SpiHeapTupleData};
use uuid::Uuid;

use crate::error::{Error, or_raise};
use crate::identity::{self, Acting};
use crate::rollups;
use crate::rows;
use crate::storage::unix_micros;

/// Rows of an UPDATE that lie in memory at once, of before and after it.
const MOST_ROWS: i64 = 2_000;

/// A stored event, as far as it is counted.
struct Counted {
    removed: bool,
    tenant_id: Uuid,
    ts: i64,
    project_id: Uuid,
    /// Environment, event type, status.
    names: [String; 3],
    /// Provider, model, route, tool, version, user.
    optional: [Option<String>; 6],
    latency_ms: Option<f64>,
    ttft_ms: Option<f64>,
    scores: Scores,
    billable: bool,
    tokens: FactTokens,
    cost_usd: Option<Usd>,
    /// Trace, conversation, session.
    ids: [Option<String>; 3],
    tags: Vec<String>,
}

impl Counted {
    fn read(row: &SpiHeapTupleData) -> Result<Option<Counted>, pgrx::spi::Error> {
        let text = |column: usize| row.get::<String>(column);
        let float = |column: usize| row.get::<f64>(column);
        let ids = row.get::<pgrx::Uuid>(2)?.zip(row.get::<pgrx::Uuid>(4)?);
        let Some(((tenant_id, project_id), ts)) = ids.zip(row.get::<TimestampWithTimeZone>(3)?) else {
            return Ok(None);
        };
        let name = |column: usize| text(column).map(Option::unwrap_or_default);
        Ok(Some(Counted {
            removed: row.get::<bool>(1)?.unwrap_or_default(),
            tenant_id: identity::uuid(tenant_id),
            ts: unix_micros(ts),
            project_id: identity::uuid(project_id),
            names: [name(5)?, name(6)?, name(7)?],
            optional: [text(8)?, text(9)?, text(10)?, text(11)?, text(12)?, text(13)?],
            latency_ms: float(14)?,
            ttft_ms: float(15)?,
            scores: Scores::of(float(16)?, float(17)?, float(18)?),
            billable: row.get::<bool>(19)?.unwrap_or_default(),
            tokens: FactTokens {
                input: row.get(20)?,
                output: row.get(21)?,
                cached_input: row.get(22)?,
                cache_write: row.get(23)?,
                reasoning: row.get(24)?,
                total: row.get(25)?,
            },
            cost_usd: text(26)?.and_then(|cost| cost.parse().ok()),
            ids: [text(27)?, text(28)?, text(29)?],
            tags: row.get::<Vec<String>>(30)?.unwrap_or_default(),
        }))
    }

    fn fact(&self) -> Fact<'_> {
        let [environment, event_type, status] = &self.names;
        let [provider, model, route, tool_name, version, user_id] =
            self.optional.each_ref().map(Option::as_deref);
        let [trace_id, conversation_id, session_id] = self.ids.each_ref().map(Option::as_deref);
        Fact {
            series: Series {
                project_id: self.project_id,
                environment,
                event_type,
                status,
                provider,
                model,
                route,
                tool_name,
                version,
            },
            ts: self.ts,
            trace_id,
            conversation_id,
            session_id,
            user_id,
            // Its trace is computed anew.
            name: None,
            is_root: false,
            agent_name: None,
            input_tokens: self.tokens.input.filter(|_| self.billable).map(counted),
            output_tokens: self.tokens.output.filter(|_| self.billable).map(counted),
            signals: 0,
            latency_ms: self.latency_ms,
            ttft_ms: self.ttft_ms,
            tags: &self.tags,
            scores: self.scores,
            sums: sums(status, self.billable, self.tokens, self.cost_usd.as_ref()),
        }
    }
}

/// AFTER UPDATE on events, FOR EACH STATEMENT.
#[pg_trigger(sql = false)]
fn correct_rollups<'a>(
    trigger: &'a pgrx::PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, pgrx::spi::Error> {
    let data: *const pg_sys::TriggerData = trigger.trigger_data();
    Spi::connect_mut(|client| {
        // SAFETY: the trigger's own data, alive through the call; it makes both tables of rows visible to this SPI connection.
        unsafe { pg_sys::SPI_register_trigger_data(data.cast_mut()) };
        let mut rows = client.try_open_cursor(include_str!("../sql/rollup/corrections.sql"), &[])?;
        while rows::in_own_memory(|| correct(&mut rows))? {
            check_for_interrupts!();
        }
        Ok::<_, pgrx::spi::Error>(())
    })?;
    Ok(None)
}

/// Corrects by the next rows of an UPDATE. What it adds to the sums is what it would be if these alone had been updated. False: there were
/// none.
fn correct(rows: &mut SpiCursor) -> Result<bool, pgrx::spi::Error> {
    let fetched = rows.fetch(MOST_ROWS)?;
    // SAFETY: what the connection has fetched just now; it is read below, and freed once.
    let table = unsafe { pg_sys::SPI_tuptable };
    let counted = fetched.map(|row| Counted::read(&row)).collect::<Result<Vec<_>, pgrx::spi::Error>>()?;
    // SAFETY: as above. What was read of it is ours.
    unsafe { pg_sys::SPI_freetuptable(table) };
    let some = !counted.is_empty();
    let mut counted: Vec<Counted> = counted.into_iter().flatten().collect();
    counted.sort_by_key(|counted| counted.tenant_id);
    for of_tenant in counted.chunk_by(|a, b| a.tenant_id == b.tenant_id) {
        or_raise(append(of_tenant));
    }
    Ok(some)
}

fn append(of_tenant: &[Counted]) -> Result<(), Error> {
    let Some(first) = of_tenant.first() else { return Ok(()) };
    let mut delta = Delta::default();
    // What comes back after it was taken out is not lost.
    let (removed, added): (Vec<&Counted>, Vec<&Counted>) =
        of_tenant.iter().partition(|counted| counted.removed);
    removed.iter().for_each(|counted| delta.remove(&counted.fact()));
    added.iter().for_each(|counted| delta.add(&counted.fact()));
    Acting::during(Acting::whole(first.tenant_id), || rollups::append_delta(&delta))
}
