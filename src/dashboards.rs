//! observa.dashboard_...: what dashboards show, from rollups. Each question is a statement over the rows that make up a time, whose plan a
//! backend keeps: planning takes longer than the answer.

use observa_pipeline::event::EventType;
use observa_pipeline::rollup::{Cover, Kept, Part, Resolution};
use observa_pipeline::settings::DAY;
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;

use crate::calendar::{self, UNITS};
use crate::error::{Error, or_raise};
use crate::storage::{self, now, sql_time, unix_micros};
use crate::times::in_order;
use crate::{plans, settings};

/// Of one time series, and most rows of anything else.
const MOST_ROWS: i64 = 10_000;

/// What a breakdown may be by, beside `user` and tags. `project` is the id.
const DIMENSIONS: [&str; 9] =
    ["model", "provider", "route", "tool", "version", "environment", "event_type", "status", "project"];

const TAG: &str = "tag:";

/// A statement over one of the sources.
macro_rules! question {
    ($($part:literal),+) => {
        concat!($(include_str!(concat!("../sql/dashboard/", $part, ".sql")), "\n"),+)
    };
}

const OVERVIEW: &str = question!("totals", "overview");
const BREAKDOWN: &str = question!("series", "breakdown");
const TYPES_BREAKDOWN: &str = question!("types", "breakdown");
const USERS: &str = question!("users", "hours_breakdown");
const TAGS: &str = question!("tag_hours", "hours_breakdown");
const TIME_SERIES: &str = question!("totals", "time_series");
const FEEDBACK: &str = question!("feedback");
const ALERTS: &str = question!("alerts");
const ISSUES: &str = question!("issues");

/// What is asked about.
struct Asked {
    project: Option<pgrx::Uuid>,
    environment: Option<String>,
    event_type: Option<String>,
    since: i64,
    until: i64,
}

/// What only some questions ask.
#[derive(Default)]
struct More<'a> {
    tag: Option<String>,
    /// When the buckets of a time series begin.
    starts: Vec<i64>,
    dimensions: Vec<String>,
    most: i64,
    /// Of which the largest are asked for, or what is told of a whole.
    wanted: &'a str,
    /// What the time is made of.
    parts: Vec<Part>,
}

/// Observa's own functions name the question; the answer is jsonb, whose bytes pass as they are.
#[expect(clippy::too_many_arguments, reason = "they are what SQL's functions take")]
#[pg_extern(sql = false)]
fn dashboard(
    question: &str,
    project: Option<pgrx::Uuid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
    environment: Option<String>,
    event_type: Option<String>,
    dimensions: Option<Vec<Option<String>>>,
    top: Option<i32>,
) -> Option<Vec<u8>> {
    or_raise(asked(project, since, until, environment, event_type).and_then(|asked| {
        let most = rows(top)?;
        // NULL alone is told as none.
        let dimensions: Vec<String> = dimensions.unwrap_or_default().into_iter().flatten().collect();
        match question {
            "overview" => asked.overview("all"),
            "latencies" | "sums" => asked.overview(question),
            "breakdown" => asked.breakdown(dimensions, most, "events"),
            "costs" => asked.breakdown(dimensions, most, "cost"),
            "failures" => asked.breakdown(dimensions, most, "failures"),
            "feedback" => asked.answer(FEEDBACK, asked.minutes(), More::default()),
            "alerts" => asked.answer(ALERTS, asked.minutes(), More { most, ..More::default() }),
            "issues" => asked.answer(ISSUES, asked.minutes(), More { most, ..More::default() }),
            _ => Err(Error::Invalid("there is no such question".into())),
        }
    }))
}

/// The answer is an array of observa_internal.time_bucket, whose bytes pass as they are: rows as JSON take as long as all the rest.
#[pg_extern(sql = false)]
fn time_series(
    bucket: Option<&str>,
    project: Option<pgrx::Uuid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
    environment: Option<String>,
    time_zone: Option<String>,
    event_type: Option<String>,
) -> Option<Vec<u8>> {
    or_raise(
        asked(project, since, until, environment, event_type)
            .and_then(|asked| asked.time_series(bucket, time_zone)),
    )
}

fn asked(
    project: Option<pgrx::Uuid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
    environment: Option<String>,
    event_type: Option<String>,
) -> Result<Asked, Error> {
    let finite = |time: Option<TimestampWithTimeZone>, name: &str| {
        let time = time.filter(|time| ![i64::MIN, i64::MAX].contains(&i64::from(*time)));
        time.map(unix_micros)
            .ok_or_else(|| Error::Invalid(format!("{name} must be a time, not NULL or infinity")))
    };
    let ends = (finite(since, "since")?, finite(until, "until")?);
    in_order(since, until)?;
    let (since, until) = ends;
    if let Some(name) = event_type.as_deref().filter(|name| EventType::from_name(name).is_none()) {
        let names: Vec<&str> = EventType::ALL.iter().map(|one| one.name()).collect();
        return Err(Error::Invalid(format!(
            "event_type must be one of {}, not \"{name}\"",
            names.join(", ")
        )));
    }
    Ok(Asked { project, environment, event_type, since, until })
}

fn rows(top: Option<i32>) -> Result<i64, Error> {
    let most = i64::from(top.unwrap_or(100));
    if (1..=MOST_ROWS).contains(&most) {
        Ok(most)
    } else {
        Err(Error::Invalid(format!("top must be from 1 to {MOST_ROWS}")))
    }
}

fn kept() -> Kept {
    let today = now().div_euclid(DAY) * DAY;
    let since = |days: i32| today - i64::from(days) * DAY;
    let (minutes, hours) = (since(settings::metrics_minute_days()), since(settings::metrics_hour_days()));
    // Minutes without their hours make up none.
    Kept { minutes: minutes.max(hours), hours }
}

impl Asked {
    fn cover(&self) -> Result<Cover, Error> {
        let longest = if storage::sees_weeks()? { Resolution::Week } else { Resolution::Day };
        Ok(Cover::of(self.since, self.until, longest, kept()))
    }

    /// Of what is no rollup, and never older than its retention.
    fn minutes(&self) -> Cover {
        Cover::of(self.since, self.until, Resolution::Minute, Kept { minutes: i64::MIN, hours: i64::MIN })
    }

    fn overview(&self, wanted: &str) -> Result<Option<Vec<u8>>, Error> {
        let cover = self.cover()?;
        self.answer(OVERVIEW, cover, More { parts: cover.rows(), wanted, ..More::default() })
    }

    fn breakdown(
        &self,
        dimensions: Vec<String>,
        most: i64,
        wanted: &'static str,
    ) -> Result<Option<Vec<u8>>, Error> {
        let tag = match dimensions.as_slice() {
            [one] => one.strip_prefix(TAG).filter(|tag| !tag.is_empty()).map(str::to_owned),
            _ => None,
        };
        let is_user = dimensions == ["user"];
        let unknown = dimensions.iter().find(|name| !DIMENSIONS.contains(&name.as_str()));
        if tag.is_some() || is_user {
            if self.event_type.is_some() {
                return Err(Error::Invalid("users and tags are not kept by event_type".into()));
            }
            let cover = Cover::of_hours(self.since, self.until, kept());
            let question = if is_user { USERS } else { TAGS };
            // There are no minutes of them, whatever is kept of others.
            let parts = cover.parts(kept(), now());
            let more = More { tag, dimensions, most, wanted, parts, ..More::default() };
            return self.answer(question, cover, more);
        }
        if let Some(name) = unknown {
            return Err(Error::Invalid(format!(
                "dimension must be one of {}, user, tag:NAME, not \"{name}\"",
                DIMENSIONS.join(", ")
            )));
        }
        if dimensions.is_empty() {
            return Err(Error::Invalid("dimension must not be NULL".into()));
        }
        // What totals are kept by needs no series, of which there are many.
        let of_totals = |name: &String| ["environment", "event_type", "project"].contains(&name.as_str());
        let question = if dimensions.iter().all(of_totals) { TYPES_BREAKDOWN } else { BREAKDOWN };
        let (cover, kept) = (self.cover()?, kept());
        let parts = cover.parts(kept, now());
        self.answer(question, cover, More { dimensions, most, wanted, parts, ..More::default() })
    }

    fn time_series(&self, bucket: Option<&str>, time_zone: Option<String>) -> Result<Option<Vec<u8>>, Error> {
        let wrong = || {
            let names: Vec<&str> = UNITS.iter().map(|unit| unit.name).collect();
            let found = bucket.map_or("NULL".into(), |name| format!("\"{name}\""));
            Error::Invalid(format!("bucket must be one of {}, not {found}", names.join(", ")))
        };
        let unit = UNITS.iter().find(|unit| Some(unit.name) == bucket).ok_or_else(wrong)?;
        let kept = kept();
        let (longest, oldest) = match unit.name {
            "minute" => (Resolution::Minute, kept.minutes),
            "hour" => (Resolution::Hour, kept.hours),
            _ => (Resolution::Day, i64::MIN),
        };
        if self.since < oldest {
            return Err(Error::Invalid(format!(
                "there are no metrics by the {} of that time any more: ask for a longer bucket",
                unit.name
            )));
        }
        if self.until.saturating_sub(self.since) / unit.length >= MOST_ROWS {
            return Err(Error::Invalid(format!(
                "a time series has up to {MOST_ROWS} buckets: ask for a longer bucket"
            )));
        }
        let time_zone = time_zone.ok_or_else(|| Error::Invalid("time_zone must not be NULL".into()))?;
        let edges = Cover::of(self.since, self.until, Resolution::Minute, kept);
        let starts = calendar::starts(unit, &time_zone, edges.since, edges.until)?;
        // Where hours are gone, days are those of UTC in any zone.
        let begin_with_days = starts.iter().all(|start| start.rem_euclid(DAY) == 0);
        let longest =
            if begin_with_days || self.since < kept.hours { longest } else { longest.min(Resolution::Hour) };
        let cover = Cover::of(self.since, self.until, longest, kept);
        let parts = cover.rows_of_buckets(&starts, kept);
        self.answer(TIME_SERIES, cover, More { starts, parts, ..More::default() })
    }

    fn answer(&self, question: &'static str, cover: Cover, more: More<'_>) -> Result<Option<Vec<u8>>, Error> {
        let parts = more.parts.as_slice();
        let times = |of: fn(&Part) -> i64| parts.iter().map(|part| sql_time(of(part))).collect::<Vec<_>>();
        let resolutions: Vec<&str> = parts.iter().map(|part| part.resolution.name()).collect();
        let signs: Vec<i32> = parts.iter().map(|part| if part.is_added { 1 } else { -1 }).collect();
        let starts: Vec<TimestampWithTimeZone> = more.starts.into_iter().map(sql_time).collect();
        let arguments: [DatumWithOid; 14] = [
            self.project.into(),
            self.environment.clone().into(),
            self.event_type.clone().into(),
            sql_time(cover.since).into(),
            sql_time(cover.until).into(),
            more.tag.into(),
            starts.into(),
            more.dimensions.into(),
            more.most.into(),
            more.wanted.into(),
            resolutions.into(),
            times(|part| part.since).into(),
            times(|part| part.until).into(),
            signs.into(),
        ];
        let mut found = None;
        plans::each(question, &arguments, false, |row| found = row.get(1))?;
        Ok(found)
    }
}
