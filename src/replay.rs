//! observa.replay_rejected: dead letters once more, after a limit or a client was mended.

use std::collections::HashMap;

use observa_pipeline::batch::Rejected;
use observa_pipeline::decode::{self, Line};
use observa_pipeline::letter::Letter;
use pgrx::JsonB;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::audit::Deed;
use crate::error::{Error, or_raise};
use crate::identity::{self, Acting, sql_uuid};
use crate::ingest::{self, Outcome, SEND};
use crate::keys;
use crate::log_guard::guard_statement;
use crate::settings;
use crate::storage;
use crate::tenants::Directory;

/// Letters of one call: bounded, as a batch is.
const MOST_LETTERS: i64 = 10_000;

struct Stored {
    /// Counts from 1 over the call's letters: the line of its errors.
    number: usize,
    tenant_id: pgrx::Uuid,
    rejected_id: pgrx::Uuid,
    body: String,
    letter: Letter,
}

/// What a call may still take.
struct Room {
    taken: usize,
    letters: i64,
    bytes: i64,
}

#[pg_extern(sql = false)]
fn replay_rejected(batch: Option<pgrx::Uuid>) -> JsonB {
    guard_statement();
    let (outcome, remaining) = or_raise(replay(batch));
    let mut answer = outcome.into_json();
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("remaining".into(), remaining.into());
    }
    JsonB(answer)
}

/// What became of the letters, and how many there still are.
fn replay(batch: Option<pgrx::Uuid>) -> Result<(Outcome, i64), Error> {
    storage::ensure_for_events()?;
    keys::require(|rights| rights.ingest, SEND)?;
    let everywhere = Acting::current().is_none();
    let tenants = match Acting::current() {
        Some(acting) => vec![acting.tenant_id],
        None if identity::session_is_superuser() => crate::tenants::all()?,
        None => return Err(Error::NoTenant),
    };
    let bytes = i64::try_from(settings::limits().max_batch_bytes).unwrap_or(i64::MAX);
    let mut room = Room { taken: 0, letters: MOST_LETTERS, bytes };
    let mut total = Outcome { batch_id: Uuid::now_v7(), ..Outcome::default() };
    for acting in least_tried_first(&tenants, batch)? {
        if room.letters > 0 && room.bytes > 0 {
            total.add(replay_of_tenant(acting, everywhere, batch, &mut room)?);
        }
    }
    let mut remaining = 0;
    for tenant_id in tenants {
        let acting = Acting::whole(tenant_id);
        remaining += Acting::during(acting, || waiting(batch))?.0;
    }
    Ok((total, remaining))
}

/// The tenants that have letters: as with letters, those of one must not stand before another's for ever.
fn least_tried_first(tenants: &[Uuid], batch: Option<pgrx::Uuid>) -> Result<Vec<Acting>, Error> {
    let mut order = Vec::new();
    for &tenant_id in tenants {
        let acting = Acting::whole(tenant_id);
        if let (_, Some(attempts)) = Acting::during(acting, || waiting(batch))? {
            order.push((attempts, acting));
        }
    }
    order.sort_by_key(|(attempts, _)| *attempts);
    Ok(order.into_iter().map(|(_, acting)| acting).collect())
}

/// How many letters the acting tenant has, and how often the least tried one was.
fn waiting(batch: Option<pgrx::Uuid>) -> Result<(i64, Option<i32>), Error> {
    let waiting =
        Spi::get_two_with_args::<i64, i32>(include_str!("../sql/replay/waiting.sql"), &[batch.into()])?;
    Ok((waiting.0.unwrap_or_default(), waiting.1))
}

fn replay_of_tenant(
    acting: Acting,
    everywhere: bool,
    batch: Option<pgrx::Uuid>,
    room: &mut Room,
) -> Result<Outcome, Error> {
    let deed = Deed::of("replay_rejected", "batch", batch.map_or("any".into(), |batch| batch.to_string()));
    let mut letters = Acting::during(acting, || {
        let letters = take(batch, room)?;
        deed.record_if(!letters.is_empty())?;
        Ok::<_, Error>(letters)
    })?;
    for stored in &mut letters {
        // Who acts for a tenant can write nowhere else, whoever sent the line.
        stored.letter.bound |= !everywhere;
    }
    let (bound, free): (Vec<Stored>, Vec<Stored>) =
        letters.into_iter().partition(|stored| stored.letter.bound);
    let mut outcome = Acting::during(acting, || {
        let lines = lines(&bound);
        let outcome = ingest::ingest_lines(&lines, &mut Directory::new()?)?;
        settle(&bound, &lines, &outcome)?;
        Ok::<_, Error>(outcome)
    })?;
    if !free.is_empty() {
        // Acting for nobody, as when they came: the tenant that a line names may be there by now.
        let lines = lines(&free);
        let elsewhere = ingest::ingest_lines(&lines, &mut Directory::new()?)?;
        Acting::during(acting, || settle(&free, &lines, &elsewhere))?;
        outcome.add(elsewhere);
    }
    Ok(outcome)
}

fn lines(letters: &[Stored]) -> Vec<Line<'_>> {
    let limits = settings::limits();
    letters
        .iter()
        .flat_map(|stored| decode::letter(stored.number, stored.body.as_bytes(), &stored.letter, &limits))
        .collect()
}

/// What was stored leaves; what is still bad stays.
fn settle(letters: &[Stored], lines: &[Line], outcome: &Outcome) -> Result<(), Error> {
    let mut bad: HashMap<usize, Vec<&Rejected>> = HashMap::new();
    for rejected in &outcome.rejected {
        bad.entry(rejected.line).or_default().push(rejected);
    }
    let mut parts: HashMap<usize, usize> = HashMap::new();
    for line in lines {
        *parts.entry(line.number).or_default() += 1;
    }
    for stored in letters {
        let rejected = bad.remove(&stored.number).unwrap_or_default();
        match rejected.first() {
            Some(rejected) if parts.get(&stored.number) == Some(&1) => stored.keep(rejected)?,
            // Of a batch, what is still bad stays: the others are stored.
            _ => stored.replace(&rejected)?,
        }
    }
    Ok(())
}

impl Stored {
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

/// Letters of the acting tenant that nobody else is replaying, as many as there is room for.
fn take(batch: Option<pgrx::Uuid>, room: &mut Room) -> Result<Vec<Stored>, Error> {
    let found = Spi::connect_mut(|client| {
        let rows = client.update(
            include_str!("../sql/replay/take.sql"),
            None,
            &[batch.into(), room.letters.into(), room.bytes.into()],
        )?;
        rows.map(|row| {
            Ok((
                row.get::<pgrx::Uuid>(1)?,
                row.get::<pgrx::Uuid>(2)?,
                row.get::<pgrx::Uuid>(3)?,
                row.get::<String>(4)?,
                row.get::<TimestampWithTimeZone>(5)?,
                row.get::<bool>(6)?,
            ))
        })
        .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    let text = |id: pgrx::Uuid| Uuid::from_bytes(*id.as_bytes()).to_string();
    let letters = found.into_iter().filter_map(|(tenant_id, rejected_id, project, body, created, any)| {
        let (tenant_id, rejected_id, body) = (tenant_id?, rejected_id?, body?);
        room.taken += 1;
        room.letters -= 1;
        room.bytes = room.bytes.saturating_sub_unsigned(body.len() as u64);
        let letter = Letter {
            tenant: text(tenant_id),
            project: text(project?),
            bound: !any?,
            arrived: storage::unix_micros(created?),
        };
        Some(Stored { number: room.taken, tenant_id, rejected_id, body, letter })
    });
    Ok(letters.collect())
}
