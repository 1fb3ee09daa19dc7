//! What a tenant wants to spend at most: edited through a view, told of by maintenance. What was spent, the rollups say.

use observa_pipeline::identity::{pseudonym, uuid_of_parts};
use pgrx::datum::DatumWithOid;
use pgrx::fn_call::{Arg, FnCallArg, fn_call};
use pgrx::prelude::*;
use pgrx::{JsonB, PgTrigger};
use serde_json::Value;
use uuid::Uuid;

use crate::error::{Error, or_raise};
use crate::identity::{self, sql_uuid};
use crate::rules;
use crate::storage;
use crate::tenants;
use crate::triggers::{self, Change, Edited};

/// Of a tenant: maintenance adds each up every half a minute.
const MOST: i64 = 100;

/// What was spent in a period, in the snapshot of the caller's query. Who edits budgets need not be allowed to read metrics: in SQL,
/// a function that is not called for them would be refused all the same.
#[pg_extern(sql = false)]
#[expect(clippy::too_many_arguments, reason = "a budget and its period")]
fn spending(
    tenant: Option<pgrx::Uuid>,
    project: Option<pgrx::Uuid>,
    model: Option<String>,
    user_id: Option<String>,
    tag: Option<String>,
    value: Option<String>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> Option<AnyNumeric> {
    if !may_read_metrics() {
        return None;
    }
    let (tenant, project) = (argument(tenant), argument(project));
    let [model, user_id, tag, value] = [model, user_id, tag, value].map(argument);
    let (since, until) = (argument(since), argument(until));
    let arguments: [&dyn FnCallArg; 8] = [&tenant, &project, &model, &user_id, &tag, &value, &since, &until];
    let call = |function: &str| {
        let spent = fn_call::<AnyNumeric>(function, &arguments);
        or_raise(spent.map_err(|error| Error::NotReady(error.to_string())))
    };
    let folded = call("observa_internal.folded_spending")?;
    Some(folded + call("observa_internal.unfolded_spending")?)
}

fn argument<T>(value: Option<T>) -> Arg<T> {
    value.map_or(Arg::Null, Arg::Value)
}

fn may_read_metrics() -> bool {
    let Some(metrics) = storage::relation("metrics") else { return false };
    // SAFETY: a look-up of the relation's rights.
    let answer = unsafe {
        pg_sys::pg_class_aclcheck(metrics, pg_sys::GetUserId(), pg_sys::ACL_SELECT as pg_sys::AclMode)
    };
    answer == pg_sys::AclResult::ACLCHECK_OK
}

const EDITED: Edited = Edited {
    action: "edit_budget",
    name: "name",
    told: &[
        "id",
        "spent_usd",
        "percent",
        "forecast_usd",
        "state",
        "period_start",
        "period_end",
        "created_at",
        "changed_at",
    ],
};

/// INSTEAD OF on the view.
#[pg_trigger(sql = false)]
fn edit_budget<'a>(
    trigger: &'a PgTrigger<'a>,
) -> Result<Option<PgHeapTuple<'a, pgrx::AllocatedByPostgres>>, pgrx::spi::Error> {
    let change = triggers::change(trigger)?;
    // As text: amounts keep all their digits.
    let data = trigger.trigger_data();
    let new = match &change {
        Change::Insert { .. } => Some(triggers::row_text(data.tg_trigtuple, data)?),
        Change::Update { .. } => Some(triggers::row_text(data.tg_newtuple, data)?),
        Change::Delete { .. } => None,
    };
    let changed = or_raise(triggers::for_row_tenant(&change, &EDITED, || {
        let changed = change_budget(&change, new.as_deref())?;
        // Whoever raises an amount need not wait for maintenance.
        stop()?;
        Ok(changed)
    }));
    if changed == 0 { Ok(None) } else { triggers::row(trigger) }
}

/// How many rows it wrote. `new` is the new row as text.
fn change_budget(change: &Change, new: Option<&str>) -> Result<usize, Error> {
    match change {
        Change::Insert { new: row } => {
            check(row)?;
            rules::check_project(row)?;
            let count = Spi::get_one::<i64>(include_str!("../sql/budget/count.sql"))?.unwrap_or_default();
            if count >= MOST {
                return Err(Error::Invalid(format!("a tenant has {MOST} budgets at most")));
            }
            edit(include_str!("../sql/edit/insert_budget.sql"), &[new.into(), user_of(row)?.into()])
        }
        Change::Update { old, new: row } => {
            check(row)?;
            rules::check_project(row)?;
            let arguments = [new.into(), user_of(row)?.into(), id_of(old).into()];
            edit(include_str!("../sql/edit/update_budget.sql"), &arguments)
        }
        Change::Delete { old } => edit(include_str!("../sql/edit/delete_budget.sql"), &[id_of(old).into()]),
    }
}

/// What the table's constraints say, in words that tell what to write.
fn check(row: &Value) -> Result<(), Error> {
    let given = |column: &str| row.get(column).is_some_and(|value| !value.is_null());
    let text = |column: &str| row.get(column).and_then(Value::as_str).unwrap_or_default();
    let number = |column: &str| row.get(column).and_then(Value::as_f64);
    let subjects = ["model", "user_id", "tag"].into_iter().filter(|column| given(column)).count();
    let stops = row.get("hard_stop").and_then(Value::as_bool) == Some(true);
    let wrong = [
        (!(1..=200).contains(&text("name").chars().count()), "name must have 1 to 200 characters"),
        (!matches!(text("period"), "day" | "week" | "month"), "period must be day, week or month"),
        (number("amount_usd").is_none_or(|usd| usd <= 0.0), "amount_usd must be a number over 0"),
        (
            given("warn_percent")
                && number("warn_percent").is_none_or(|share| !(1.0..=100.0).contains(&share)),
            "warn_percent must be 1 to 100",
        ),
        (subjects > 1, "a budget is of one thing: of model, user_id and tag give one at most"),
        (given("tag") != given("value"), "tag and value go together: the tag's name, and what it has to be"),
        (stops && subjects > 0, "hard_stop is for a budget of all spending, without model, user_id and tag"),
    ];
    match wrong.into_iter().find(|(is_wrong, _)| *is_wrong) {
        Some((_, why)) => Err(Error::Invalid(why.into())),
        None => Ok(()),
    }
}

fn id_of(row: &Value) -> Option<pgrx::Uuid> {
    Uuid::parse_str(row.get("id")?.as_str()?).ok().map(sql_uuid)
}

/// As events have it: an id that is personal data is a pseudonym there.
fn user_of(row: &Value) -> Result<Option<String>, Error> {
    let Some(user) = row.get("user_id").and_then(Value::as_str) else { return Ok(None) };
    let home = tenants::acting_home().ok_or(Error::NoTenant)?;
    let kind = home.scrubber.kind_of_identifier(user);
    Ok(Some(kind.map_or_else(|| user.to_owned(), |kind| pseudonym(kind, user, &home.pseudonym_key))))
}

/// How many rows it wrote.
fn edit(sql: &str, arguments: &[DatumWithOid]) -> Result<usize, Error> {
    Ok(Spi::connect_mut(|client| client.update(sql, None, arguments).map(|rows| rows.len()))?)
}

/// What a signal of a budget is called, and how bad it is, by the level that it tells of.
const LEVELS: [(i16, &str, &str); 2] = [(1, "budget_warning", "medium"), (2, "budget_exceeded", "high")];

/// A budget that has reached a level.
struct Reached {
    name: String,
    project_id: Uuid,
    environment: String,
    /// The levels that were told of, and that is reached.
    told: i16,
    level: i16,
    spent_usd: f64,
    amount_usd: f64,
    warn_percent: i32,
    details: JsonB,
}

/// Stops the acting tenant's projects, or lets them go on, as its budgets say. A change has every backend read its configuration anew:
/// nothing is written where nothing changes.
fn stop() -> Result<(), Error> {
    // Not as a read: that would not see what a job of the same round has folded before.
    let found = Spi::connect_mut(|client| {
        let rows = client.update(include_str!("../sql/budget/stops.sql"), None, &[])?;
        rows.map(|row| Ok((row.get::<pgrx::Uuid>(1)?, row.get::<TimestampWithTimeZone>(2)?)))
            .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    if found.is_empty() {
        return Ok(());
    }
    let (projects, times): (Vec<_>, Vec<_>) = found.into_iter().unzip();
    Ok(Spi::run_with_args(include_str!("../sql/budget/stop.sql"), &[projects.into(), times.into()])?)
}

/// For the acting tenant: tells of budgets that have reached a level, and stops what they stop; how many signals.
pub fn tell() -> Result<u64, Error> {
    stop()?;
    let mut signals = 0;
    for reached in reached()? {
        let Reached { name, project_id, environment, .. } = &reached;
        for (level, rule, severity) in LEVELS {
            if level <= reached.told || level > reached.level {
                continue;
            }
            let percent = if level == 1 { f64::from(reached.warn_percent) } else { 100.0 };
            let alert_key = uuid_of_parts(&["alert", &project_id.to_string(), environment, rule, name]);
            let arguments = [
                sql_uuid(Uuid::now_v7()).into(),
                sql_uuid(*project_id).into(),
                environment.as_str().into(),
                rule.into(),
                severity.into(),
                reached.spent_usd.into(),
                (reached.amount_usd * percent / 100.0).into(),
                name.as_str().into(),
                sql_uuid(alert_key).into(),
                JsonB(reached.details.0.clone()).into(),
            ];
            Spi::run_with_args(include_str!("../sql/budget/signal.sql"), &arguments)?;
            signals += 1;
        }
    }
    Ok(signals)
}

fn reached() -> Result<Vec<Reached>, Error> {
    let found = Spi::connect_mut(|client| {
        let rows = client.update(include_str!("../sql/budget/tell.sql"), None, &[])?;
        rows.map(|row| {
            let home = row.get::<pgrx::Uuid>(3)?.zip(row.get::<String>(4)?);
            let money = row.get::<f64>(7)?.zip(row.get::<f64>(8)?);
            let (Some((project_id, environment)), Some((spent_usd, amount_usd))) = (home, money) else {
                return Ok(None);
            };
            Ok(Some(Reached {
                name: row.get::<String>(2)?.unwrap_or_default(),
                project_id: identity::uuid(project_id),
                environment,
                told: row.get::<i16>(5)?.unwrap_or_default(),
                level: row.get::<i16>(6)?.unwrap_or_default(),
                spent_usd,
                amount_usd,
                warn_percent: row.get::<i32>(9)?.unwrap_or_default(),
                details: row.get::<JsonB>(10)?.unwrap_or(JsonB(Value::Null)),
            }))
        })
        .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(found.into_iter().flatten().collect())
}
