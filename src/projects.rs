//! What a project decides for itself, where the settings speak for all.

use pgrx::prelude::*;
use uuid::Uuid;

use crate::audit::Deed;
use crate::error::{Error, or_raise};
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
