//! Where a tenant's alerts are sent to: made, changed and tried by who administers it.

use observa_workers::http::Address;
use observa_workers::notify::Format;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::audit::Deed;
use crate::error::{Error, or_raise};
use crate::identity::{self, Acting, sql_uuid, uuid};
use crate::keys;
use crate::locks;
use crate::log_guard::guard_statement;
use crate::members::run;
use crate::settings;
use crate::storage;
use crate::tenants;

/// Of a tenant, in use or not.
const MOST_WEBHOOKS: i64 = 20;

/// Of a webhook, so that nobody has Observa send what somebody else did not ask for, again and again.
const MOST_TESTS_A_MINUTE: i64 = 10;

/// Tells the lock of what is counted from others that the same id stands for.
const COUNT_LOCK: i64 = 0x776f_6f6b;

/// As the table has them.
const SEVERITIES: [&str; 3] = ["info", "warning", "critical"];

#[pg_extern(sql = false)]
fn create_webhook(
    project: Option<pgrx::Uuid>,
    name: &str,
    url: Option<&str>,
    format: &str,
    min_severity: &str,
    secret: Option<&str>,
) -> TableIterator<'static, (name!(id, pgrx::Uuid), name!(secret, Option<String>))> {
    guard_statement();
    let wanted = Wanted { project, name, url, format, min_severity, secret };
    TableIterator::once(or_raise(wanted.make()))
}

/// What a webhook is asked to be.
struct Wanted<'a> {
    project: Option<pgrx::Uuid>,
    name: &'a str,
    url: Option<&'a str>,
    format: &'a str,
    min_severity: &'a str,
    secret: Option<&'a str>,
}

impl Wanted<'_> {
    /// Its id, and the secret that was made for it, which is shown this once.
    fn make(&self) -> Result<(pgrx::Uuid, Option<String>), Error> {
        storage::ensure()?;
        check_name(self.name)?;
        check_severity(self.min_severity)?;
        let format = Format::named(self.format)
            .ok_or_else(|| Error::Invalid("format must be generic, slack or pagerduty".into()))?;
        let url = self.url.or(format.usual_url());
        let url = url.ok_or_else(|| Error::Invalid("url is missing".into()))?;
        let shown = check_url(url)?;
        self.secret.map_or(Ok(()), check_secret)?;
        if format == Format::PagerDuty && self.secret.is_none() {
            return Err(Error::Invalid("secret must be the routing key of a PagerDuty integration".into()));
        }
        let is_made = format == Format::Generic && self.secret.is_none();
        let made = is_made.then(|| keys::random_secret("whsec"));
        let secret = self.secret.or(made.as_deref());
        let id = Uuid::now_v7();
        let deed = Deed::of("create_webhook", "webhook", id);
        let tenant = self.tenant()?;
        tenants::administer(tenant, &deed, || {
            require_fewer_than(
                MOST_WEBHOOKS,
                "webhooks in a tenant",
                uuid(tenant),
                include_str!("../sql/notify/count_webhooks.sql"),
            )?;
            Ok(Spi::run_with_args(
                include_str!("../sql/notify/create_webhook.sql"),
                &[
                    sql_uuid(id).into(),
                    self.project.into(),
                    self.name.into(),
                    url.into(),
                    shown.into(),
                    self.format.into(),
                    self.min_severity.into(),
                    secret.into(),
                ],
            )?)
        })?;
        Ok((sql_uuid(id), made))
    }

    /// The project's, or of who asks.
    fn tenant(&self) -> Result<pgrx::Uuid, Error> {
        match self.project {
            Some(project) => tenants::tenant_of_project(uuid(project))?
                .ok_or_else(|| Error::Invalid(format!("there is no project {}", uuid(project)))),
            None => tenants::acting_home().map(|home| sql_uuid(home.tenant_id)).ok_or(Error::NoTenant),
        }
    }
}

#[pg_extern(sql = false)]
fn update_webhook(
    id: pgrx::Uuid,
    enabled: Option<bool>,
    name: Option<&str>,
    url: Option<&str>,
    min_severity: Option<&str>,
    secret: Option<&str>,
) {
    guard_statement();
    or_raise(of_webhooks_tenant(id, "update_webhook", || {
        name.map_or(Ok(()), check_name)?;
        min_severity.map_or(Ok(()), check_severity)?;
        secret.map_or(Ok(()), check_secret)?;
        let shown = url.map(check_url).transpose()?;
        run(
            include_str!("../sql/notify/update_webhook.sql"),
            &[
                id.into(),
                enabled.into(),
                name.into(),
                url.into(),
                shown.into(),
                min_severity.into(),
                secret.into(),
            ],
        )
    }));
}

#[pg_extern(sql = false)]
fn delete_webhook(id: pgrx::Uuid) {
    let delete = || run(include_str!("../sql/notify/delete_webhook.sql"), &[id.into()]);
    or_raise(of_webhooks_tenant(id, "delete_webhook", delete));
}

#[pg_extern(sql = false)]
fn test_webhook(id: pgrx::Uuid) -> pgrx::Uuid {
    let notification = sql_uuid(Uuid::new_v4());
    let queue = || {
        let recent = include_str!("../sql/notify/recent_tests.sql");
        require_fewer_than(MOST_TESTS_A_MINUTE, "tests of a webhook in a minute", uuid(id), recent)?;
        run(include_str!("../sql/notify/queue_test.sql"), &[id.into(), notification.into()])
    };
    or_raise(of_webhooks_tenant(id, "test_webhook", queue));
    notification
}

/// For who administers the tenant of a webhook. Another tenant's webhook is as if it were not there. `change` says of how many
/// webhooks it was.
fn of_webhooks_tenant(
    id: pgrx::Uuid,
    action: &'static str,
    change: impl FnOnce() -> Result<usize, Error>,
) -> Result<(), Error> {
    storage::ensure()?;
    let state = if action == "test_webhook" { "enabled" } else { "" };
    let not_found = || Error::NotFound { what: "webhook", id: uuid(id).to_string(), state };
    let find = "SELECT observa_internal.tenant_of_webhook($1)";
    let tenant = Spi::get_one_with_args::<pgrx::Uuid>(find, &[id.into()])?.ok_or_else(not_found)?;
    match Acting::current() {
        Some(acting) if acting.tenant_id != uuid(tenant) => return Err(not_found()),
        None if !identity::session_is_superuser() => return Err(not_found()),
        _ => {}
    }
    tenants::administer(tenant, &Deed::of(action, "webhook", uuid(id)), || {
        if change()? == 0 { Err(not_found()) } else { Ok(()) }
    })
}

/// Of what the statement counts for an id; one more is on its way. Who asks at once waits, and counts it.
fn require_fewer_than(most: i64, what: &str, of: Uuid, count: &str) -> Result<(), Error> {
    locks::wait(locks::key(of) ^ COUNT_LOCK);
    let found = Spi::connect_mut(|client| {
        let rows = client.update(count, Some(1), &[sql_uuid(of).into()])?;
        rows.first().get_one::<i64>()
    })?;
    if found.unwrap_or_default() < most {
        Ok(())
    } else {
        Err(Error::Invalid(format!("there are {most} {what} already, and no more may be")))
    }
}

/// For the storage's owner alone.
#[pg_extern(sql = false, name = "tenant_of_webhook")]
fn find_tenant_of_webhook(webhook: pgrx::Uuid) -> Option<pgrx::Uuid> {
    let found = Spi::connect(|client| {
        let sql = "SELECT tenant_id FROM observa_internal.webhooks WHERE webhook_id = $1";
        let rows = client.select(sql, Some(1), &[webhook.into()])?;
        if rows.is_empty() { Ok(None) } else { rows.first().get_one::<pgrx::Uuid>() }
    });
    or_raise(found.map_err(Error::Spi))
}

fn check_name(name: &str) -> Result<(), Error> {
    let fits = !name.trim().is_empty() && name.chars().count() <= 200;
    fits.then_some(()).ok_or_else(|| Error::Invalid("name must have 1 to 200 characters".into()))
}

fn check_severity(severity: &str) -> Result<(), Error> {
    let is_one = SEVERITIES.contains(&severity);
    is_one
        .then_some(())
        .ok_or_else(|| Error::Invalid("min_severity must be info, warning or critical".into()))
}

fn check_secret(secret: &str) -> Result<(), Error> {
    let fits = (8..=500).contains(&secret.len()) && secret.bytes().all(|byte| byte.is_ascii_graphic());
    fits.then_some(())
        .ok_or_else(|| Error::Invalid("secret must have 8 to 500 characters of ASCII, no spaces".into()))
}

/// What may be shown of it: scheme and host. Where its host leads is looked up when something is sent.
fn check_url(url: &str) -> Result<String, Error> {
    let address = Address::parse(url, settings::webhook_allow_private());
    Ok(address.map_err(|error| Error::Invalid(format!("url {error}")))?.shown())
}
