//! Whether what a route or a model is asked is something else than it was.

use observa_pipeline::embedding::Vectors;
use observa_pipeline::embedding::drift::{Drift, LEAST, measure};
use observa_pipeline::settings::DAY;
use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::json;
use uuid::Uuid;

use super::window::{self, Window};
use crate::error::{Error, or_raise};
use crate::identity::{Acting, sql_uuid};
use crate::rows;
use crate::storage::{self, sql_time, unix_micros};

/// Days of the past that the present is held against.
const PAST_DAYS: i64 = 14;

/// Routes and models of a tenant, those with the most vectors.
const MOST_GROUPS: i64 = 50;

/// Vectors of each, now and in the past.
const MOST_VECTORS: i64 = 500;

/// Of a project: a route's traffic, or a model's.
struct Group {
    project: pgrx::Uuid,
    environment: String,
    route: Option<String>,
    model: Option<String>,
    embedding_model: String,
    vectors: i64,
    past_vectors: i64,
}

type Shown = (
    pgrx::Uuid,
    String,
    Option<String>,
    Option<String>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<bool>,
    i64,
    i64,
    Option<i32>,
);

#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "pgrx reads the columns from the type")]
fn drift(
    project: Option<pgrx::Uuid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> TableIterator<
    'static,
    (
        name!(project_id, pgrx::Uuid),
        name!(environment, String),
        name!(route, Option<String>),
        name!(model, Option<String>),
        name!(distance, Option<f64>),
        name!(threshold, Option<f64>),
        name!(baseline, Option<f64>),
        name!(has_drifted, Option<bool>),
        name!(vectors, i64),
        name!(past_vectors, i64),
        name!(days, Option<i32>),
    ),
> {
    let measured = || {
        let window = window::of(project, since, until)?;
        let shown = |(group, drift): (Group, Option<Drift>)| -> Shown {
            let Group { project, environment, route, model, vectors, past_vectors, .. } = group;
            let number = |of: fn(&Drift) -> f64| drift.as_ref().map(of);
            let days = drift.as_ref().and_then(|drift| i32::try_from(drift.days).ok());
            let has_drifted = drift.as_ref().map(Drift::has_drifted);
            (
                project,
                environment,
                route,
                model,
                number(|drift| drift.distance),
                number(|drift| drift.threshold),
                number(|drift| drift.baseline),
                has_drifted,
                vectors,
                past_vectors,
                days,
            )
        };
        Ok(groups(&window)?.into_iter().map(shown).collect::<Vec<_>>())
    };
    TableIterator::new(or_raise(measured()))
}

/// Raises a signal for each route and model of the acting tenant that has drifted within a day; how many.
pub fn watch() -> Result<u64, Error> {
    let Some(acting) = Acting::current() else { return Ok(0) };
    let now = storage::now();
    let tenant = sql_uuid(acting.tenant_id);
    let window = Window { tenant, project: None, since: sql_time(now - DAY), until: sql_time(now) };
    let mut raised = 0;
    for (group, drift) in groups(&window)? {
        if let Some(drift) = drift.filter(Drift::has_drifted) {
            raised += u64::from(raise(&group, &drift)?);
        }
    }
    Ok(raised)
}

/// Those that have enough vectors. None: of too few days.
fn groups(window: &Window) -> Result<Vec<(Group, Option<Drift>)>, Error> {
    let begun = sql_time(unix_micros(window.since).saturating_sub(PAST_DAYS * DAY));
    let arguments = [
        window.tenant.into(),
        window.project.into(),
        begun.into(),
        window.since.into(),
        window.until.into(),
        i64::try_from(LEAST).unwrap_or(i64::MAX).into(),
        MOST_GROUPS.into(),
    ];
    let found = Spi::connect(|client| {
        let rows = client.select(include_str!("../../sql/embedding/groups.sql"), None, &arguments)?;
        rows.map(|row| {
            let Some(project) = row.get::<pgrx::Uuid>(1)? else { return Ok(None) };
            let (kind, name) = (row.get::<String>(3)?, row.get::<String>(4)?);
            let is_route = kind.as_deref() == Some("route");
            Ok(Some(Group {
                project,
                environment: row.get::<String>(2)?.unwrap_or_default(),
                route: name.clone().filter(|_| is_route),
                model: name.filter(|_| !is_route),
                embedding_model: row.get::<String>(5)?.unwrap_or_default(),
                vectors: row.get::<i64>(6)?.unwrap_or_default(),
                past_vectors: row.get::<i64>(7)?.unwrap_or_default(),
            }))
        })
        .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    let mut measured = Vec::new();
    for group in found.into_iter().flatten() {
        let (past, days) = load(window, &group, (begun, window.since))?;
        let (now, _) = load(window, &group, (window.since, window.until))?;
        let drift = measure(&past, &days, &now, window::pause);
        measured.push((group, drift));
    }
    Ok(measured)
}

/// A sample of a group's vectors, and of each its day.
fn load(
    window: &Window,
    group: &Group,
    (from, to): (TimestampWithTimeZone, TimestampWithTimeZone),
) -> Result<(Vectors, Vec<i64>), Error> {
    let arguments = [
        window.tenant.into(),
        group.project.into(),
        group.environment.as_str().into(),
        group.embedding_model.as_str().into(),
        group.route.as_deref().into(),
        group.model.as_deref().into(),
        from.into(),
        to.into(),
        MOST_VECTORS.into(),
    ];
    let read = rows::in_own_memory(|| {
        Spi::connect(|client| {
            let (mut vectors, mut days) = (Vectors::default(), Vec::new());
            for row in client.select(include_str!("../../sql/embedding/group.sql"), None, &arguments)? {
                if window::push(&mut vectors, row.get::<Array<f32>>(1)?) {
                    days.push(row.get::<i64>(2)?.unwrap_or_default());
                }
            }
            Ok::<_, pgrx::spi::Error>((vectors, days))
        })
    })?;
    Ok(read)
}

/// False: it was told within the hour.
fn raise(group: &Group, drift: &Drift) -> Result<bool, Error> {
    let details = json!({
        "unit": "distance",
        "baseline": drift.baseline,
        "vectors": group.vectors,
        "past_vectors": group.past_vectors,
        "days": drift.days,
        "embedding_model": group.embedding_model,
    });
    let arguments = [
        sql_uuid(Uuid::now_v7()).into(),
        group.project.into(),
        group.environment.as_str().into(),
        group.route.as_deref().into(),
        group.model.as_deref().into(),
        drift.distance.into(),
        drift.threshold.into(),
        JsonB(details).into(),
    ];
    let sql = include_str!("../../sql/embedding/signal.sql");
    Ok(Spi::connect_mut(|client| client.update(sql, None, &arguments).map(|rows| !rows.is_empty()))?)
}
