//! What a project decides for itself, where the settings speak for all.

use pgrx::prelude::*;
use uuid::Uuid;

use crate::audit::Deed;
use crate::error::{Error, or_raise};
use crate::identity;
use crate::limits;
use crate::shared;
use crate::storage;
use crate::tenants;

#[pg_extern(sql = false)]
fn set_scrub_emails(project: pgrx::Uuid, enabled: Option<bool>) {
    let update = "UPDATE observa_internal.projects SET scrub_emails = $2 WHERE project_id = $1";
    or_raise(switch(project, enabled, "scrub_emails", update));
}

#[pg_extern(sql = false)]
fn set_quality_scores(project: pgrx::Uuid, enabled: Option<bool>) {
    let update = "UPDATE observa_internal.projects SET quality_scores = $2 WHERE project_id = $1";
    or_raise(switch(project, enabled, "quality_scores", update));
}

/// A tenant that could lift its own limits would have none.
#[pg_extern(sql = false)]
fn limit_project(project: pgrx::Uuid, events_per_minute: Option<i32>, monthly_events: Option<i64>) {
    if !identity::session_is_superuser() {
        Error::SuperuserOnly("observa.limit_project").raise();
    }
    if events_per_minute.is_some_and(|most| most < 0) || monthly_events.is_some_and(|most| most < 0) {
        Error::Invalid("a limit can't be negative".into()).raise();
    }
    or_raise(limit(project, events_per_minute, monthly_events));
    if !shared::is_there() && (events_per_minute.is_some_and(|most| most > 0) || monthly_events.is_some()) {
        limits::warn();
    }
}

fn limit(
    project: pgrx::Uuid,
    events_per_minute: Option<i32>,
    monthly_events: Option<i64>,
) -> Result<(), Error> {
    storage::ensure()?;
    let id = Uuid::from_bytes(*project.as_bytes());
    let tenant = tenants::tenant_of_project(id)?;
    let tenant = tenant.ok_or_else(|| Error::Invalid(format!("there is no project {id}")))?;
    let deed = Deed::of("limit_project", "project", id);
    let update = "UPDATE observa_internal.projects SET events_per_minute = $2, monthly_events = $3 WHERE project_id = $1";
    let arguments = [project.into(), events_per_minute.into(), monthly_events.into()];
    tenants::administer(tenant, &deed, || Ok(Spi::run_with_args(update, &arguments)?))
}

fn switch(
    project: pgrx::Uuid,
    enabled: Option<bool>,
    action: &'static str,
    update: &str,
) -> Result<(), Error> {
    storage::ensure()?;
    let id = Uuid::from_bytes(*project.as_bytes());
    let tenant = tenants::tenant_of_project(id)?;
    let tenant = tenant.ok_or_else(|| Error::Invalid(format!("there is no project {id}")))?;
    let deed = Deed::of(action, "project", id);
    tenants::administer(tenant, &deed, || Ok(Spi::run_with_args(update, &[project.into(), enabled.into()])?))
}
