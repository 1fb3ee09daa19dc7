//! Issues: signals that a person would call one problem. Each signal is stored with its issue's id, the trigger appends what a statement
//! adds, and a job folds that into a row for each issue; what somebody decides about one stands apart.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use observa_pipeline::batch::Ready;
use observa_pipeline::identity::uuid_of_parts;
use observa_pipeline::scrub::Scrubber;
use observa_pipeline::signal::rules::Severity;
use observa_pipeline::signal::{Signal, fingerprint};
use pgrx::JsonB;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::audit::Deed;
use crate::columns::{self, SignalRow};
use crate::error::{Error, or_raise};
use crate::home_cache;
use crate::identity::{self, Acting, sql_uuid, uuid};
use crate::jobs::{self, Done};
use crate::keys;
use crate::members::run;
use crate::patience::Patience;
use crate::scrub;
use crate::storage;
use crate::tenants;
use crate::times::in_order;

/// Deltas of one statement.
const MOST_AT_ONCE: i64 = 10_000;

/// How long a run folds for one tenant.
const TURN: Duration = Duration::from_secs(2);

/// Bytes of a note.
const MOST_NOTE: usize = 10_000;

/// Project, environment, and what a signal is called and is about.
type About<'s> = (Uuid, [&'s str; 3]);

/// Ids of a batch's issues and keys of its alerts: thousands of its signals may be of one, and to find out what an error says is dear.
#[derive(Default)]
struct Ids<'s> {
    /// By what the signal says, too.
    issues: HashMap<(About<'s>, &'s str), Uuid>,
    alerts: HashMap<About<'s>, Uuid>,
}

impl<'s> Ids<'s> {
    fn row(&mut self, ready: &'s Ready<'s>, signal: &'s Signal) -> SignalRow<'s> {
        let (project_id, environment) = (ready.home.project_id, columns::environment(ready));
        let (name, group) = (signal.rule.name(), signal.group.as_str());
        let about = (project_id, [environment, name, group]);
        let said = fingerprint::said(&signal.details).unwrap_or_default();
        let project = || project_id.to_string();
        let issue_id = *self
            .issues
            .entry((about, said))
            .or_insert_with(|| fingerprint::issue_id(&project(), environment, name, group, said));
        let alert_key = (signal.severity != Severity::Low).then(|| {
            let key = || uuid_of_parts(&["alert", &project(), environment, name, group]);
            *self.alerts.entry(about).or_insert_with(key)
        });
        SignalRow { ready, signal, issue_id, alert_key }
    }
}

/// The signals of events, each with its issue and the key of its alert.
pub fn rows<'r>(events: impl Iterator<Item = &'r Ready<'r>>) -> Vec<SignalRow<'r>> {
    let mut ids = Ids::default();
    let mut rows = Vec::new();
    for ready in events {
        rows.extend(ready.signals.iter().map(|signal| ids.row(ready, signal)));
    }
    rows
}

#[pg_extern(sql = false)]
fn issue_of(project: pgrx::Uuid, environment: &str, name: &str, subject: &str, details: JsonB) -> pgrx::Uuid {
    let said = fingerprint::said(&details.0).unwrap_or_default();
    sql_uuid(fingerprint::issue_id(&uuid(project).to_string(), environment, name, subject, said))
}

#[pg_extern(sql = false)]
fn issue_title(name: &str, said: Option<&str>) -> String {
    fingerprint::title(name, said.unwrap_or_default())
}

/// Of a person whose tenant is not there any more: nothing.
#[pg_extern(sql = false)]
fn veiled(tenant: pgrx::Uuid, person: &str) -> Option<String> {
    let tenant = home_cache::tenant_with_id(uuid(tenant))?;
    Some(tenant.veil().of(person).to_string())
}

pub fn fold_all(patience: &mut Patience) -> Result<Done, Error> {
    jobs::tenants::for_each("issues", tenants_to_fold()?, patience, |_| fold())
}

fn tenants_to_fold() -> Result<Vec<Uuid>, Error> {
    let ids = Spi::connect(|client| {
        let rows = client.select("SELECT observa_internal.tenants_with_issues()", None, &[])?;
        rows.map(|row| row.get::<pgrx::Uuid>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(ids.into_iter().flatten().map(uuid).collect())
}

/// For the storage's owner alone.
#[pg_extern(sql = false)]
fn tenants_with_issues() -> SetOfIterator<'static, pgrx::Uuid> {
    let ids = Spi::connect(|client| {
        let rows = client.select(include_str!("../sql/issue/tenants.sql"), None, &[])?;
        rows.map(|row| row.get::<pgrx::Uuid>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    });
    SetOfIterator::new(or_raise(ids.map_err(Error::Spi)).into_iter().flatten())
}

/// Folds the acting tenant's deltas; how many.
pub fn fold() -> Result<u64, Error> {
    backfill()?;
    let begun = Instant::now();
    let mut folded = 0;
    loop {
        check_for_interrupts!();
        let moved = Spi::connect_mut(|client| {
            let sql = include_str!("../sql/issue/fold.sql");
            client.update(sql, None, &[MOST_AT_ONCE.into()])?.first().get_one::<i64>()
        })?
        .unwrap_or_default();
        folded += moved.unsigned_abs();
        if moved < MOST_AT_ONCE || begun.elapsed() > TURN {
            return Ok(folded);
        }
    }
}

/// A day of signals that an older library stored.
fn backfill() -> Result<(), Error> {
    const OF_A_DAY: &str =
        concat!(include_str!("../sql/issue/backfill.sql"), include_str!("../sql/ingest/issues.sql"));
    let is_due = "SELECT EXISTS (SELECT FROM observa_internal.issue_backfills WHERE tenant_id = observa.current_tenant())";
    if Spi::get_one::<bool>(is_due)? != Some(true) {
        return Ok(());
    }
    let day = Spi::get_one::<TimestampWithTimeZone>(include_str!("../sql/issue/next_day.sql"))?;
    let Some(day) = day else {
        run("DELETE FROM observa_internal.issue_backfills WHERE tenant_id = observa.current_tenant()", &[])?;
        return Ok(());
    };
    run(OF_A_DAY, &[day.into()])?;
    let done = "UPDATE observa_internal.issue_backfills SET next_day = $1 + interval '1 day' WHERE tenant_id = observa.current_tenant()";
    run(done, &[day.into()])?;
    Ok(())
}

#[pg_extern(sql = false)]
fn resolve_issue(id: pgrx::Uuid, note: Option<&str>) {
    if note.is_some_and(|note| note.len() > MOST_NOTE) {
        Error::Invalid(format!("a note has {MOST_NOTE} bytes at most")).raise();
    }
    let decision =
        Decision { function: "resolve_issue", state: "not resolved", holds: |now| now != "resolved" };
    or_raise(decision.make(id, |deed, project_id| put(id, "resolved", deed, None, note, project_id)));
}

#[pg_extern(sql = false)]
fn ignore_issue(id: pgrx::Uuid, until: Option<TimestampWithTimeZone>) {
    if until.is_some_and(|until| storage::unix_micros(until) <= storage::now()) {
        Error::Invalid("until must be in the future; NULL: until somebody reopens it".into()).raise();
    }
    let decision = Decision { function: "ignore_issue", state: "", holds: |_| true };
    or_raise(decision.make(id, |deed, project_id| put(id, "ignored", deed, until, None, project_id)));
}

#[pg_extern(sql = false)]
fn reopen_issue(id: pgrx::Uuid) {
    let decision = Decision { function: "reopen_issue", state: "not open", holds: |now| now != "open" };
    or_raise(decision.make(id, |_, _| {
        run(include_str!("../sql/issue/drop_state.sql"), &[id.into()])?;
        Ok(())
    }));
}

fn put(
    id: pgrx::Uuid,
    state: &str,
    deed: &Deed,
    until: Option<TimestampWithTimeZone>,
    note: Option<&str>,
    project_id: Option<pgrx::Uuid>,
) -> Result<(), Error> {
    // As the issue's project has its texts scrubbed.
    let note = note.map(|note| match Acting::current() {
        Some(acting) => {
            let home = Acting::at(acting.tenant_id, project_id.map(uuid));
            Acting::during(home, || scrub::as_own(note))
        }
        None => Scrubber::builtin().scrub(note).text.into_owned(),
    });
    let arguments = [id.into(), state.into(), deed.by_whom().into(), until.into(), note.into()];
    run(include_str!("../sql/issue/put_state.sql"), &arguments)?;
    Ok(())
}

/// What somebody decides about an issue.
struct Decision {
    function: &'static str,
    /// Which issues it takes, in words.
    state: &'static str,
    holds: fn(&str) -> bool,
}

impl Decision {
    /// Another tenant's issue is as if it were not there.
    fn make(
        &self,
        id: pgrx::Uuid,
        change: impl FnOnce(&Deed, Option<pgrx::Uuid>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        storage::ensure()?;
        let not_found = || Error::NotFound { what: "issue", id: uuid(id).to_string(), state: self.state };
        let tenant = match Acting::current() {
            Some(acting) => Some(sql_uuid(acting.tenant_id)),
            None if identity::session_is_superuser() => {
                let sql = "SELECT observa_internal.tenant_of_issue($1)";
                Spi::get_one_with_args::<pgrx::Uuid>(sql, &[id.into()])?
            }
            None => None,
        };
        let tenant = tenant.ok_or_else(not_found)?;
        if Acting::current().is_some() {
            keys::require(|rights| rights.administer, "decide about issues")?;
        }
        let deed = Deed::of(self.function, "issue", uuid(id));
        tenants::administer(tenant, &deed, || {
            let found = Spi::connect_mut(|client| {
                let rows = client.update(include_str!("../sql/issue/state.sql"), Some(1), &[id.into()])?;
                if rows.is_empty() {
                    Ok(None)
                } else {
                    rows.first().get_two::<String, pgrx::Uuid>().map(Some)
                }
            })?;
            let (state, project_id) = found.ok_or_else(not_found)?;
            if !(self.holds)(&state.unwrap_or_default()) {
                return Err(not_found());
            }
            change(&deed, project_id)
        })
    }
}

/// For the storage's owner alone.
#[pg_extern(sql = false, name = "tenant_of_issue")]
fn find_tenant_of_issue(issue: pgrx::Uuid) -> Option<pgrx::Uuid> {
    let found = Spi::connect(|client| {
        let rows = client.select(include_str!("../sql/issue/tenant.sql"), Some(1), &[issue.into()])?;
        if rows.is_empty() { Ok(None) } else { rows.first().get_one::<pgrx::Uuid>() }
    });
    or_raise(found.map_err(Error::Spi))
}

/// As JSON text: reads alone, under the caller's rights.
#[pg_extern(sql = false)]
fn issues_summary(
    project: Option<pgrx::Uuid>,
    since: TimestampWithTimeZone,
    until: TimestampWithTimeZone,
) -> Option<String> {
    or_raise(in_order(Some(since), Some(until)));
    let found = Spi::connect(|client| {
        let arguments = [project.into(), since.into(), until.into()];
        let rows = client.select(include_str!("../sql/issue/summary.sql"), Some(1), &arguments)?;
        if rows.is_empty() { Ok(None) } else { rows.first().get_one::<String>() }
    });
    or_raise(found.map_err(Error::Spi))
}
