//! observa.replay_rejected: dead letters once more, after a limit or a client was mended.

use std::collections::HashSet;

use observa_pipeline::decode::{self, Line};
use pgrx::JsonB;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::error::{Error, or_raise};
use crate::identity::{self, Acting};
use crate::ingest::{self, Outcome};
use crate::log_guard::guard_statement;
use crate::settings;
use crate::storage;
use crate::tenants::Directory;

/// Dead letters of one call: bounded, as a batch is.
const MOST: i64 = 10_000;

struct Letter {
    tenant_id: pgrx::Uuid,
    rejected_id: pgrx::Uuid,
    body: String,
}

#[pg_extern(sql = false)]
fn replay_rejected(batch: Option<pgrx::Uuid>) -> JsonB {
    guard_statement();
    JsonB(or_raise(replay(batch)).into_json())
}

fn replay(batch: Option<pgrx::Uuid>) -> Result<Outcome, Error> {
    storage::ensure()?;
    let tenants = match Acting::current() {
        Some(acting) => vec![acting.tenant_id],
        None if identity::session_is_superuser() => crate::tenants::all()?,
        None => return Err(Error::NoTenant),
    };
    let mut total = Outcome { batch_id: Uuid::now_v7(), ..Outcome::default() };
    for tenant_id in tenants {
        let outcome = Acting::during(Acting { tenant_id, project_id: None }, || replay_of_tenant(batch))?;
        total.add(outcome);
    }
    Ok(total)
}

fn replay_of_tenant(batch: Option<pgrx::Uuid>) -> Result<Outcome, Error> {
    let letters = take(batch)?;
    let limits = settings::limits();
    let lines: Vec<Line> = letters
        .iter()
        .zip(1..)
        .map(|(letter, number)| decode::line(number, letter.body.as_bytes(), &limits))
        .collect();
    let outcome = ingest::ingest_lines(&lines, &mut Directory::new()?)?;
    let still_bad: HashSet<usize> = outcome.rejected.iter().map(|rejected| rejected.line).collect();
    for (letter, number) in letters.iter().zip(1usize..).filter(|(_, number)| !still_bad.contains(number)) {
        let _ = number;
        let key: [DatumWithOid; 2] = [letter.tenant_id.into(), letter.rejected_id.into()];
        Spi::run_with_args(
            "DELETE FROM observa_internal.rejected_events WHERE tenant_id = $1 AND rejected_id = $2",
            &key,
        )?;
    }
    for rejected in &outcome.rejected {
        let Some(letter) = letters.get(rejected.line.saturating_sub(1)) else { continue };
        let row: [DatumWithOid; 5] = [
            letter.tenant_id.into(),
            letter.rejected_id.into(),
            rejected.reject.code.name().into(),
            rejected.reject.field.into(),
            rejected.reject.message.as_ref().into(),
        ];
        Spi::run_with_args(
            "UPDATE observa_internal.rejected_events SET code = $3, field = $4, message = $5, attempts = attempts + 1
              WHERE tenant_id = $1 AND rejected_id = $2",
            &row,
        )?;
    }
    Ok(outcome)
}

/// Letters of the acting tenant, oldest first, which nobody else is replaying.
fn take(batch: Option<pgrx::Uuid>) -> Result<Vec<Letter>, Error> {
    let letters = Spi::connect_mut(|client| {
        let rows = client.update(
            "SELECT tenant_id, rejected_id, body FROM observa_internal.rejected_events
              WHERE $1::uuid IS NULL OR batch_id = $1
              ORDER BY tenant_id, rejected_id LIMIT $2 FOR UPDATE SKIP LOCKED",
            None,
            &[batch.into(), MOST.into()],
        )?;
        rows.map(|row| {
            let ids = row.get::<pgrx::Uuid>(1)?.zip(row.get::<pgrx::Uuid>(2)?);
            let letter = ids.zip(row.get::<String>(3)?);
            Ok(letter.map(|((tenant_id, rejected_id), body)| Letter { tenant_id, rejected_id, body }))
        })
        .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(letters.into_iter().flatten().collect())
}
