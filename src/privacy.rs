//! What a person may ask for: everything that is stored of them, and that it be gone.

use observa_pipeline::document::{self, Document};
use pgrx::JsonB;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::audit::Deed;
use crate::error::{Error, or_raise};
use crate::export::{self, Export};
use crate::identity::{self, Acting, sql_uuid};
use crate::locks;
use crate::log_guard::guard_statement;
use crate::person::{
    ALERTS, EMBEDDINGS, EVENTS, JUDGEMENTS, Kept, Key, LETTERS, LOGS, SIGNALS, SPAN_CONTENTS, Subject,
    VERDICTS,
};
use crate::rollups;
use crate::storage;
use crate::tenants;

/// Rows of one statement: a person may have millions.
const BATCH: i64 = 10_000;

#[pg_extern(sql = false)]
fn export_user(user_id: Option<&str>, tenant: Option<pgrx::Uuid>) -> JsonB {
    guard_statement();
    JsonB(or_raise(for_user("export_user", user_id, tenant, document)))
}

#[pg_extern(sql = false)]
fn export_user_rows(user_id: Option<&str>, tenant: Option<pgrx::Uuid>) -> SetOfIterator<'static, JsonB> {
    guard_statement();
    let mut export = or_raise(for_user("export_user", user_id, tenant, |subject| Ok(Export::of(subject))));
    SetOfIterator::new(std::iter::from_fn(move || or_raise(export.shown()).map(JsonB)))
}

#[pg_extern(sql = false)]
fn forget_user(user_id: Option<&str>, tenant: Option<pgrx::Uuid>) -> JsonB {
    guard_statement();
    JsonB(or_raise(for_user("forget_user", user_id, tenant, |subject| forget(&subject))))
}

fn document(subject: Subject) -> Result<Value, Error> {
    let mut document = Document::new(export::tables(), document::MOST_BYTES);
    let mut export = Export::of(subject);
    while let Some((table, row)) = export.row()? {
        document.add(table, row).map_err(|_| Error::TooLargeDocument)?;
    }
    Ok(document.finish())
}

/// Events go last: what is told of them by the person's id is gone when they have none any more.
fn forget(subject: &Subject) -> Result<Value, Error> {
    if let Some(acting) = Acting::current() {
        locks::keep_people(acting.tenant_id);
    }
    let touched = [
        (SPAN_CONTENTS.table, erase(subject, &SPAN_CONTENTS)?),
        (LETTERS, erase_letters(subject)?),
        (LOGS.table, erase(subject, &LOGS)?),
        (ALERTS.table, erase(subject, &ALERTS)?),
        (JUDGEMENTS.table, erase(subject, &JUDGEMENTS)?),
        (VERDICTS.table, erase(subject, &VERDICTS)?),
        (EMBEDDINGS.table, erase(subject, &EMBEDDINGS)?),
        (SIGNALS.table, erase(subject, &SIGNALS)?),
        (EVENTS.table, erase(subject, &EVENTS)?),
    ];
    erase_sums(subject)?;
    erase_issues(subject)?;
    let touched = touched.into_iter().map(|(table, rows)| (table.to_owned(), rows.into()));
    Ok(Value::Object(touched.collect::<Map<String, Value>>()))
}

/// What has changed is folded first: a delta names whom it takes out. Sums that tell nobody apart stay as they are.
fn erase_sums(subject: &Subject) -> Result<(), Error> {
    rollups::fold_whole()?;
    // Folds note which conversations have got more.
    run(include_str!("../sql/privacy/erase_candidates.sql"), &subject.arguments())?;
    let [id, pseudonyms] = subject.ids();
    Ok(Spi::run_with_args(include_str!("../sql/privacy/erase_sums.sql"), &[id.into(), pseudonyms.into()])?)
}

/// Of their own signals' issues `erase_signals.sql` has taken what was said.
fn erase_issues(subject: &Subject) -> Result<(), Error> {
    let [id, pseudonyms] = subject.ids();
    Ok(Spi::run_with_args(include_str!("../sql/privacy/erase_issues.sql"), &[id.into(), pseudonyms.into()])?)
}

/// Page after page in the order of the keys, so that no row is looked at twice, and others who change rows in that order do not wait
/// for us while we wait for them.
fn erase(subject: &Subject, kept: &Kept) -> Result<usize, Error> {
    let (mut after, mut count) = (Key::first(), 0);
    let [id, pseudonyms] = subject.ids();
    loop {
        let rows = subject.rows(kept, &after, BATCH, false)?;
        let Some(((first, _), (last, _))) = rows.first().zip(rows.last()) else { return Ok(count) };
        let (first, last) = (first.ts, last.clone());
        let (times, ids): (Vec<TimestampWithTimeZone>, Vec<String>) =
            rows.into_iter().map(|(key, _)| (key.ts, key.id)).unzip();
        let is_last = (ids.len() as i64) < BATCH;
        let keys = [times.into(), ids.into(), first.into(), last.ts.into()];
        let arguments: Vec<DatumWithOid> = keys.into_iter().chain([id.into(), pseudonyms.into()]).collect();
        count += run(kept.erase, &arguments)?;
        if is_last {
            return Ok(count);
        }
        after = last;
    }
}

fn erase_letters(subject: &Subject) -> Result<usize, Error> {
    let (mut after, mut count) = (Uuid::nil(), 0);
    while let Some((last, letters)) = subject.letters(after, false)? {
        let ids: Vec<pgrx::Uuid> = letters.into_iter().map(|(id, _)| sql_uuid(id)).collect();
        if !ids.is_empty() {
            count += run(include_str!("../sql/privacy/erase_letters.sql"), &[ids.into()])?;
        }
        after = last;
    }
    Ok(count)
}

fn run(sql: &str, arguments: &[DatumWithOid]) -> Result<usize, Error> {
    Ok(Spi::connect_mut(|client| client.update(sql, None, arguments).map(|rows| rows.len()))?)
}

/// For who administers the tenant: that of the transaction, or the one that a superuser's session names. The record names the person
/// by a pseudonym.
fn for_user<T>(
    action: &'static str,
    user_id: Option<&str>,
    tenant: Option<pgrx::Uuid>,
    run: impl FnOnce(Subject) -> Result<T, Error>,
) -> Result<T, Error> {
    let user_id = user_id
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Error::Invalid("user_id must not be empty".into()))?;
    storage::ensure()?;
    let tenant_id = match (Acting::current(), tenant.map(identity::uuid)) {
        (Some(acting), None) => acting.tenant_id,
        (Some(acting), Some(named)) if named == acting.tenant_id => named,
        (None, Some(named)) if identity::session_is_superuser() => named,
        (None, None) => tenants::acting_home().ok_or(Error::NoTenant)?.tenant_id,
        _ => return Err(Error::NoTenant),
    };
    let mut subject = Subject::of(tenant_id, user_id)?;
    let deed = Deed::of_person(action, &subject.pseudonym);
    tenants::administer(sql_uuid(tenant_id), &deed, || {
        subject.follow()?;
        run(subject)
    })
}
