//! What a project decides for itself, where the settings speak for all.

use observa_pipeline::tags;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;

use crate::audit::Deed;
use crate::days;
use crate::error::{Error, or_raise};
use crate::identity;
use crate::limits;
use crate::shared;
use crate::storage;
use crate::tenants;

#[pg_extern(sql = false)]
fn set_scrub_emails(project: pgrx::Uuid, enabled: Option<bool>) {
    let update = "UPDATE observa_internal.projects SET scrub_emails = $2 WHERE project_id = $1";
    or_raise(change(project, "scrub_emails", update, vec![enabled.into()]));
}

#[pg_extern(sql = false)]
fn set_quality_scores(project: pgrx::Uuid, enabled: Option<bool>) {
    let update = "UPDATE observa_internal.projects SET quality_scores = $2 WHERE project_id = $1";
    or_raise(change(project, "quality_scores", update, vec![enabled.into()]));
}

#[pg_extern(sql = false)]
fn set_retention(project: pgrx::Uuid, days: Option<i32>, payload_days: Option<i32>) {
    for days in [days, payload_days].into_iter().flatten() {
        if !(0..=days::MOST).contains(&days) {
            Error::Invalid(format!("a retention has 0 (for ever) to {} days, not {days}", days::MOST))
                .raise();
        }
    }
    let update = "UPDATE observa_internal.projects SET retention_days = $2, payload_retention_days = $3 WHERE project_id = $1";
    or_raise(change(project, "set_retention", update, vec![days.into(), payload_days.into()]));
}

#[pg_extern(sql = false)]
fn set_analysis(project: pgrx::Uuid, sample_rate: Option<f64>, budget_usd: Option<pgrx::AnyNumeric>) {
    if sample_rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
        Error::Invalid("sample_rate must be between 0 and 1".into()).raise();
    }
    let budget = budget_usd.as_ref().map(|budget| f64::try_from(budget.clone()).unwrap_or(f64::NAN));
    if budget.is_some_and(|budget| !(0.0..1e9).contains(&budget)) {
        Error::Invalid("budget_usd must be 0 or more, and under a billion".into()).raise();
    }
    // The key that is paid with is the operator's.
    let most = crate::analysis::settings::budget_usd();
    if budget.is_some_and(|budget| budget > most) && !identity::session_is_superuser() {
        Error::SuperuserOnly("observa.set_analysis with a budget over observa.judge_budget_usd").raise();
    }
    let update = "UPDATE observa_internal.projects SET judge_sample_rate = $2, judge_budget_usd = $3 WHERE project_id = $1";
    or_raise(change(project, "set_analysis", update, vec![sample_rate.into(), budget_usd.into()]));
}

#[pg_extern(sql = false)]
fn set_metric_tags(project: pgrx::Uuid, tags: Option<Vec<Option<String>>>) {
    let mut named: Vec<String> = Vec::new();
    for tag in tags.into_iter().flatten().map(Option::unwrap_or_default) {
        if !tags::is_name(&tag) {
            let most = tags::LONGEST_NAME;
            Error::Invalid(format!("a tag's name has 1 to {most} letters, digits and _ . : / -")).raise();
        }
        if !named.contains(&tag) {
            named.push(tag);
        }
    }
    if named.len() > tags::MOST_TAGS {
        Error::Invalid(format!("metrics are kept by {} tags at most", tags::MOST_TAGS)).raise();
    }
    let tags = (!named.is_empty()).then_some(named);
    let update = "UPDATE observa_internal.projects SET metric_tags = $2 WHERE project_id = $1";
    or_raise(change(project, "set_metric_tags", update, vec![tags.into()]));
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
    let update = "UPDATE observa_internal.projects SET events_per_minute = $2, monthly_events = $3 WHERE project_id = $1";
    or_raise(change(project, "limit_project", update, vec![events_per_minute.into(), monthly_events.into()]));
    if !shared::is_there() && (events_per_minute.is_some_and(|most| most > 0) || monthly_events.is_some()) {
        limits::warn();
    }
}

/// Of who administers the project's tenant. The statement's $1 is the project.
fn change(
    project: pgrx::Uuid,
    action: &'static str,
    update: &str,
    values: Vec<DatumWithOid>,
) -> Result<(), Error> {
    storage::ensure()?;
    let id = identity::uuid(project);
    let tenant = tenants::tenant_of_project(id)?;
    let tenant = tenant.ok_or_else(|| Error::Invalid(format!("there is no project {id}")))?;
    let arguments: Vec<DatumWithOid> = [project.into()].into_iter().chain(values).collect();
    let deed = Deed::of(action, "project", id);
    tenants::administer(tenant, &deed, || Ok(Spi::run_with_args(update, &arguments)?))
}
