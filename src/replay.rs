//! observa.replay_rejected: dead letters once more, after a limit or a client was mended.

use std::collections::HashMap;

use observa_pipeline::batch::Rejected;
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
        .flat_map(|(letter, number)| decode::letter(number, letter.body.as_bytes(), &limits))
        .collect();
    let outcome = ingest::ingest_lines(&lines, &mut Directory::new()?)?;
    let mut bad: HashMap<usize, Vec<&Rejected>> = HashMap::new();
    for rejected in &outcome.rejected {
        bad.entry(rejected.line).or_default().push(rejected);
    }
    let mut parts: HashMap<usize, usize> = HashMap::new();
    for line in &lines {
        *parts.entry(line.number).or_default() += 1;
    }
    for (letter, number) in letters.iter().zip(1usize..) {
        let rejected = bad.remove(&number).unwrap_or_default();
        match rejected.first() {
            Some(rejected) if parts.get(&number) == Some(&1) => letter.keep(rejected)?,
            // Of a batch, what is still bad stays: the others are stored.
            _ => letter.replace(&rejected)?,
        }
    }
    Ok(outcome)
}

impl Letter {
    fn key<'k>(&self) -> [DatumWithOid<'k>; 2] {
        [self.tenant_id.into(), self.rejected_id.into()]
    }

    /// Still bad, maybe for another reason.
    fn keep(&self, rejected: &Rejected) -> Result<(), Error> {
        let reason: [DatumWithOid; 3] = [
            rejected.reject.code.name().into(),
            rejected.reject.field.into(),
            rejected.reject.message.as_ref().into(),
        ];
        let arguments: Vec<DatumWithOid> = self.key().into_iter().chain(reason).collect();
        Ok(Spi::run_with_args(include_str!("../sql/replay/keep.sql"), &arguments)?)
    }

    /// Leaves, and what is still bad of it stays as letters of their own.
    fn replace(&self, rejected: &[&Rejected]) -> Result<(), Error> {
        for rejected in rejected {
            let part: [DatumWithOid; 5] = [
                sql_uuid(Uuid::now_v7()).into(),
                rejected.reject.code.name().into(),
                rejected.reject.field.into(),
                rejected.reject.message.as_ref().into(),
                rejected.text.as_str().into(),
            ];
            let arguments: Vec<DatumWithOid> = self.key().into_iter().chain(part).collect();
            Spi::run_with_args(include_str!("../sql/replay/split_off.sql"), &arguments)?;
        }
        Ok(Spi::run_with_args(include_str!("../sql/replay/remove.sql"), &self.key())?)
    }
}

fn sql_uuid(id: Uuid) -> pgrx::Uuid {
    pgrx::Uuid::from_bytes(id.into_bytes())
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
