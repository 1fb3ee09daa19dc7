//! observa.report_health(): what services say of their own health.

use observa_pipeline::home::{Homes, Place};
use pgrx::JsonB;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::columns::Stamp;
use crate::error::{Error, or_raise};
use crate::identity::{Acting, sql_uuid};
use crate::keys;
use crate::limits;
use crate::log_guard::guard_statement;
use crate::storage;
use crate::tenants::Directory;

/// Kept of a service.
const MOST_REPORTS: i64 = 100;

/// Of a project. Who makes names up must not fill the disk.
const MOST_SERVICES: i64 = 200;

const MOST_DETAILS: usize = 10_000;

const STATUSES: [&str; 3] = ["ok", "degraded", "down"];

/// After that nobody believes a report any more: 30 days.
const LONGEST_S: i32 = 2_592_000;

#[pg_extern(sql = false)]
fn report_health(
    service: Option<&str>,
    status: Option<&str>,
    details: Option<JsonB>,
    stale_after_seconds: Option<i32>,
) {
    guard_statement();
    or_raise(report(service, status, details, stale_after_seconds));
}

fn report(
    service: Option<&str>,
    status: Option<&str>,
    details: Option<JsonB>,
    stale_after_s: Option<i32>,
) -> Result<(), Error> {
    storage::ensure()?;
    keys::require(|rights| rights.ingest, "report health")?;
    let status = status.filter(|status| STATUSES.contains(status));
    let status =
        status.ok_or_else(|| Error::Invalid(format!("status must be one of {}", STATUSES.join(", "))))?;
    let stale_after_s = stale_after_s.filter(|seconds| (1..=LONGEST_S).contains(seconds));
    let stale_after_s = stale_after_s
        .ok_or_else(|| Error::Invalid(format!("stale_after_seconds must be 1 to {LONGEST_S}")))?;
    let home = Directory::new()?
        .home(Place::default())
        .map_err(|reject| Error::Rejected(reject.message.into_owned()))?;
    limits::admit_line(home.tenant_id, home.project_id, Stamp::now().arrived)?;
    let service = home.scrubber.scrub(service.unwrap_or_default()).text.into_owned();
    if service.is_empty() || service.chars().count() > 200 {
        return Err(Error::Invalid("service must have 1 to 200 characters".into()));
    }
    let details = details.map(|details| home.scrubber.scrub_json(&details.0.to_string()).text.into_owned());
    if details.as_ref().is_some_and(|details| details.len() > MOST_DETAILS) {
        return Err(Error::Invalid(format!("details have more than {MOST_DETAILS} bytes")));
    }
    let arguments = [
        sql_uuid(home.tenant_id).into(),
        sql_uuid(home.project_id).into(),
        service.into(),
        sql_uuid(Uuid::now_v7()).into(),
        status.into(),
        f64::from(stale_after_s).into(),
        details.into(),
        MOST_REPORTS.into(),
        MOST_SERVICES.into(),
    ];
    let acting = Acting::within(home.tenant_id, home.project_id);
    let added = Acting::during(acting, || {
        Spi::connect_mut(|client| {
            let statement = include_str!("../sql/ingest/service_report.sql");
            client.update(statement, Some(1), &arguments)?.first().get_one::<i64>()
        })
    })?;
    match added {
        Some(1) => Ok(()),
        _ => Err(Error::Invalid(format!("the project has {MOST_SERVICES} services already"))),
    }
}
