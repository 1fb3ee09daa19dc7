//! What a tenant says of window rules: an exception to a built-in one, or a rule of its own. A row of the table or of the view.

use serde_json::Value;
use uuid::Uuid;

use super::builtin;
use super::state::RESOLVE_MINUTES;
use super::{Dimension, Grouping, Metric, NoData, Source, WindowRule};
use crate::signal::{RULES, Severity};

/// Of a tenant's own.
pub const MOST_RULES: i64 = 200;

const DAY: u32 = 1_440;
const WEEK: u32 = 7 * DAY;

/// Values that a column may have, in a filter.
const MOST_VALUES: usize = 100;

/// Names of signals that no rule of a table raises.
const TAKEN: &[&str] = &[
    "agent_loop",
    "budget_exceeded",
    "budget_warning",
    "context_irrelevant",
    "faithfulness_issue",
    "hallucination",
    "low_quality",
    "metrics_limit",
    "model_drift",
    "prompt_injection",
    "quota_exceeded",
    "quota_warning",
    "service_degraded",
    "service_down",
    "service_silent",
];

/// What a row says; None: nothing.
#[derive(Clone, Debug, Default)]
pub struct Edit {
    pub name: String,
    pub project_id: Option<Uuid>,
    pub enabled: Option<bool>,
    pub severity: Option<Severity>,
    pub threshold: Option<f64>,
    pub metric: Option<Metric>,
    pub filter: Option<Vec<(Dimension, Vec<String>)>>,
    pub group_by: Option<Grouping>,
    pub minutes: Option<u32>,
    pub below: Option<bool>,
    pub warn: Option<f64>,
    pub min_samples: Option<i64>,
    pub no_data: Option<NoData>,
    pub for_minutes: Option<u32>,
    pub recover: Option<f64>,
    pub renotify_minutes: Option<u32>,
    pub resolve_minutes: Option<u32>,
    pub against_history: Option<bool>,
    pub floor: Option<f64>,
    pub description: Option<String>,
}

/// Columns that only a window rule has.
pub const WINDOW_COLUMNS: [&str; 14] = [
    "metric",
    "filter",
    "group_by",
    "window_minutes",
    "direction",
    "warn_threshold",
    "min_samples",
    "no_data",
    "for_minutes",
    "recover_threshold",
    "renotify_minutes",
    "resolve_minutes",
    "baseline",
    "floor",
];

/// Whether a row says what only a window rule has.
pub fn is_of_window(row: &Value) -> bool {
    WINDOW_COLUMNS.iter().any(|column| member(row, column).is_some())
}

fn member<'r>(row: &'r Value, column: &str) -> Option<&'r Value> {
    row.get(column).filter(|value| !value.is_null())
}

/// One of a list of names.
fn one_of<T>(
    row: &Value,
    column: &str,
    find: impl Fn(&str) -> Option<T>,
    names: &str,
) -> Result<Option<T>, String> {
    let Some(value) = member(row, column) else { return Ok(None) };
    let found = value.as_str().and_then(find);
    found.map(Some).ok_or_else(|| format!("{column} must be one of {names}"))
}

fn number(row: &Value, column: &str) -> Result<Option<f64>, String> {
    let Some(value) = member(row, column) else { return Ok(None) };
    let found = value.as_f64().filter(|number| number.is_finite() && *number >= 0.0);
    found.map(Some).ok_or_else(|| format!("{column} must be a number from 0 on"))
}

fn whole(row: &Value, column: &str, least: u32, most: u32) -> Result<Option<u32>, String> {
    let Some(value) = member(row, column) else { return Ok(None) };
    let found = value.as_u64().and_then(|number| u32::try_from(number).ok());
    let found = found.filter(|number| (least..=most).contains(number));
    found.map(Some).ok_or_else(|| format!("{column} must be a whole number from {least} to {most}"))
}

fn names<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> String {
    all.iter().map(|one| name(*one)).collect::<Vec<_>>().join(", ")
}

impl Edit {
    /// Err: what is wrong with the row.
    pub fn of(row: &Value) -> Result<Edit, String> {
        let text = |column| member(row, column).and_then(Value::as_str).map(str::to_owned);
        let direction = |name: &str| ["above", "below"].contains(&name).then_some(name == "below");
        Ok(Edit {
            name: text("name").unwrap_or_default(),
            project_id: text("project_id").and_then(|id| Uuid::parse_str(&id).ok()),
            enabled: member(row, "enabled").and_then(Value::as_bool),
            severity: one_of(row, "severity", Severity::from_name, "low, medium, high")?,
            threshold: number(row, "threshold")?,
            metric: one_of(row, "metric", Metric::from_name, &names(&Metric::ALL, Metric::name))?,
            filter: member(row, "filter").map(filter).transpose()?,
            group_by: member(row, "group_by").map(grouping).transpose()?,
            minutes: whole(row, "window_minutes", 1, DAY)?,
            below: one_of(row, "direction", direction, "above, below")?,
            warn: number(row, "warn_threshold")?,
            min_samples: whole(row, "min_samples", 0, 1_000_000_000)?.map(i64::from),
            no_data: one_of(row, "no_data", NoData::from_name, &names(&NoData::ALL, NoData::name))?,
            for_minutes: whole(row, "for_minutes", 0, DAY)?,
            recover: number(row, "recover_threshold")?,
            renotify_minutes: whole(row, "renotify_minutes", 1, WEEK)?,
            resolve_minutes: whole(row, "resolve_minutes", 0, WEEK)?,
            against_history: one_of(row, "baseline", |name| (name == "history").then_some(true), "history")?,
            floor: number(row, "floor")?,
            description: text("description"),
        })
    }

    /// The rule as it is with this: Err says what is wrong with it.
    pub fn rule(&self) -> Result<WindowRule, String> {
        let rule = match builtin::find(&self.name) {
            Some(rule) => self.exception_to(rule)?,
            None => self.own()?,
        };
        check(&rule)?;
        Ok(rule)
    }

    fn exception_to(&self, rule: WindowRule) -> Result<WindowRule, String> {
        let differs = self.metric.is_some_and(|metric| metric != rule.metric)
            || self.filter.as_ref().is_some_and(|filter| *filter != rule.filter)
            || self.group_by.as_ref().is_some_and(|group_by| *group_by != rule.group_by)
            || self.below.is_some_and(|below| below != rule.below)
            || self.against_history.is_some_and(|history| history != rule.history.is_some())
            || self.description.as_ref().is_some_and(|description| *description != rule.description);
        if differs {
            return Err(format!(
                "{} is built in: its metric, filter, group_by, direction, baseline and description stay; INSERT a rule of another name",
                rule.name
            ));
        }
        Ok(self.over(rule))
    }

    fn own(&self) -> Result<WindowRule, String> {
        let name = &self.name;
        check_name(name)?;
        let Some(metric) = self.metric else {
            return Err(format!(
                "name must be that of a built-in rule (observa.detection_rules lists them), or metric must say what an own rule measures ({}), or expression what it is about",
                names(&Metric::ALL, Metric::name)
            ));
        };
        let Some(minutes) = self.minutes else { return Err("a window rule needs window_minutes".into()) };
        let Some(threshold) = self.threshold else { return Err("a window rule needs a threshold".into()) };
        Ok(self.over(WindowRule {
            name: name.clone(),
            signal: name.clone(),
            category: "custom".into(),
            description: String::new(),
            severity: Severity::Medium,
            enabled: true,
            metric,
            filter: Vec::new(),
            group_by: Grouping::Columns(Vec::new()),
            minutes,
            below: false,
            warn: None,
            threshold,
            min_samples: 0,
            no_data: NoData::Ok,
            for_minutes: 0,
            recover: None,
            renotify_minutes: None,
            resolve_minutes: RESOLVE_MINUTES,
            history: self.against_history.and(Some(metric)),
            floor: 0.0,
        }))
    }

    /// What it says wins.
    fn over(&self, rule: WindowRule) -> WindowRule {
        WindowRule {
            severity: self.severity.unwrap_or(rule.severity),
            enabled: self.enabled.unwrap_or(rule.enabled),
            filter: self.filter.clone().unwrap_or(rule.filter),
            group_by: self.group_by.clone().unwrap_or(rule.group_by),
            minutes: self.minutes.unwrap_or(rule.minutes),
            below: self.below.unwrap_or(rule.below),
            warn: self.warn.or(rule.warn),
            threshold: self.threshold.unwrap_or(rule.threshold),
            min_samples: self.min_samples.unwrap_or(rule.min_samples),
            no_data: self.no_data.unwrap_or(rule.no_data),
            for_minutes: self.for_minutes.unwrap_or(rule.for_minutes),
            recover: self.recover.or(rule.recover),
            renotify_minutes: self.renotify_minutes.or(rule.renotify_minutes),
            resolve_minutes: self.resolve_minutes.unwrap_or(rule.resolve_minutes),
            floor: self.floor.unwrap_or(rule.floor),
            description: self.description.clone().unwrap_or(rule.description),
            ..rule
        }
    }
}

/// Err: no rule of a tenant's own can be called so.
pub fn check_name(name: &str) -> Result<(), String> {
    let is_fine = |letter: char| letter.is_alphanumeric() || " _-.".contains(letter);
    if name.trim() != name || name.is_empty() || name.chars().count() > 100 || !name.chars().all(is_fine) {
        return Err("name must have 1 to 100 letters, digits, spaces and _ - .".into());
    }
    if TAKEN.contains(&name)
        || builtin::is_signal(name)
        || builtin::find(name).is_some()
        || RULES.iter().any(|rule| rule.name == name)
    {
        return Err(format!("{name} is what signals of Observa's own are called: choose another name"));
    }
    Ok(())
}

fn filter(value: &Value) -> Result<Vec<(Dimension, Vec<String>)>, String> {
    let wrong = || {
        format!(
            "filter must be an object with a text or a list of up to {MOST_VALUES} texts for each of {}",
            names(&Dimension::ALL, Dimension::name)
        )
    };
    let mut filter = Vec::new();
    for (column, wanted) in value.as_object().ok_or_else(wrong)? {
        let column = Dimension::from_name(column).ok_or_else(wrong)?;
        let list = wanted.as_array().cloned().unwrap_or_else(|| vec![wanted.clone()]);
        let texts: Option<Vec<String>> = list.iter().map(|text| text.as_str().map(str::to_owned)).collect();
        let texts =
            texts.filter(|texts| !texts.is_empty() && texts.len() <= MOST_VALUES).ok_or_else(wrong)?;
        filter.push((column, texts));
    }
    filter.sort_by_key(|(column, _)| Dimension::ALL.iter().position(|known| known == column));
    Ok(filter)
}

fn grouping(value: &Value) -> Result<Grouping, String> {
    let wrong = || {
        "group_by must be a list of model, route, tool_name, version, provider, environment, event_type and status, or user_id alone, or tag:<name> alone".to_owned()
    };
    let list = value.as_array().ok_or_else(wrong)?;
    let texts: Vec<&str> = list.iter().filter_map(Value::as_str).collect();
    match texts.as_slice() {
        ["user_id"] => return Ok(Grouping::User),
        [only] => {
            if let Some(tag) = only.strip_prefix("tag:").filter(|tag| !tag.is_empty() && tag.len() <= 64) {
                return Ok(Grouping::Tag(tag.to_owned()));
            }
        }
        _ => {}
    }
    let columns: Option<Vec<Dimension>> = texts.iter().map(|name| Dimension::from_name(name)).collect();
    let columns = columns.filter(|columns| columns.len() == list.len()).ok_or_else(wrong)?;
    let is_repeated = columns
        .iter()
        .enumerate()
        .any(|(place, column)| columns.iter().skip(place + 1).any(|other| other == column));
    if is_repeated { Err(wrong()) } else { Ok(Grouping::Columns(columns)) }
}

/// Err: why the rule could not be evaluated, or would not do what it seems to say.
pub fn check(rule: &WindowRule) -> Result<(), String> {
    let metric = rule.metric.name();
    let source = rule.source();
    let fits = match source {
        Source::Series => rule.metric != Metric::Users,
        Source::Totals => true,
        Source::Users => !rule.metric.is_score() && !rule.metric.is_latency() && rule.metric != Metric::Users,
        Source::Tag(_) => !rule.metric.is_score() && !rule.metric.is_latency(),
    };
    let fail = |condition: bool, message: String| if condition { Err(message) } else { Ok(()) };
    fail(
        !fits,
        match source {
            Source::Series => {
                format!("{metric} can be filtered and grouped by environment and event_type alone")
            }
            _ => format!("{metric} can't be grouped by {}", rule.group_by.names().join(", ")),
        },
    )?;
    let by_hours = matches!(source, Source::Users | Source::Tag(_));
    fail(
        by_hours && !rule.minutes.is_multiple_of(60),
        "of users and tags there are whole hours: window_minutes must be a multiple of 60".into(),
    )?;
    let is_foreign = |(column, _): &(Dimension, Vec<String>)| *column != Dimension::Environment;
    fail(
        by_hours && rule.filter.iter().any(is_foreign),
        "users and tags can be filtered by environment alone".into(),
    )?;
    let by_status = rule.filter.iter().any(|(column, _)| *column == Dimension::Status)
        || matches!(&rule.group_by, Grouping::Columns(columns) if columns.contains(&Dimension::Status));
    fail(rule.metric == Metric::ErrorRate && by_status, "error_rate of one status would be 0 or 1".into())?;
    if rule.history.is_some() {
        fail(by_hours, "baseline can't be history where group_by is user_id or a tag".into())?;
        fail(
            rule.minutes > 60,
            "against history, window_minutes is 60 at most: what is usual is known by the hour".into(),
        )?;
        fail(
            rule.metric.is_sum() && rule.minutes != 60,
            format!("against history, window_minutes of {metric} is 60: what is usual is known by the hour"),
        )?;
        fail(rule.recover.is_some(), "against history there is no recover_threshold".into())?;
        fail(
            rule.warn.is_some_and(|warn| warn > rule.threshold),
            "warn_threshold must come before threshold".into(),
        )?;
    } else {
        fail(rule.floor > 0.0, "floor is of rules whose baseline is history".into())?;
        fail(
            rule.metric.is_share() && rule.threshold > 1.0,
            format!("{metric} is 1 at most: threshold must be below"),
        )?;
        let is_milder =
            |milder: f64| if rule.below { milder >= rule.threshold } else { milder <= rule.threshold };
        fail(
            rule.warn.is_some_and(|warn| !is_milder(warn)),
            "warn_threshold must come before threshold".into(),
        )?;
        fail(
            rule.recover.is_some_and(|recover| !is_milder(recover)),
            "recover_threshold must be on the healthy side of threshold".into(),
        )?;
    }
    Ok(())
}

/// A rule for all of a tenant's projects but some, or for one.
#[derive(Clone, Debug)]
pub struct Scoped {
    pub rule: WindowRule,
    /// None: all but those in `except`.
    pub only: Option<Uuid>,
    /// Projects that have a row of their own.
    pub except: Vec<Uuid>,
}

impl Scoped {
    pub fn holds_for(&self, project_id: Uuid) -> bool {
        self.only.map_or_else(|| !self.except.contains(&project_id), |only| only == project_id)
    }
}

/// Every rule that is switched on, as the rows of a tenant have it: a project's wins over the tenant's. What can't be evaluated is left out.
pub fn scoped(edits: &[Edit]) -> Vec<Scoped> {
    all_scoped(edits).into_iter().filter(|scoped| scoped.rule.enabled).collect()
}

/// As [`scoped`], with what is switched off.
pub fn all_scoped(edits: &[Edit]) -> Vec<Scoped> {
    let except = |name: &str| -> Vec<Uuid> {
        edits.iter().filter(|edit| edit.name == name).filter_map(|edit| edit.project_id).collect()
    };
    let changed = |name: &str| edits.iter().any(|edit| edit.name == name && edit.project_id.is_none());
    let untouched = builtin::all().filter(|rule| !changed(&rule.name));
    let untouched = untouched.map(|rule| Scoped { except: except(&rule.name), only: None, rule });
    let edited = edits.iter().filter_map(|edit| {
        let except = if edit.project_id.is_none() { except(&edit.name) } else { Vec::new() };
        Some(Scoped { rule: edit.rule().ok()?, only: edit.project_id, except })
    });
    untouched.chain(edited).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rule(row: Value) -> Result<WindowRule, String> {
        Edit::of(&row)?.rule()
    }

    fn with(more: Value) -> Result<WindowRule, String> {
        let mut row = json!({"name": "own", "metric": "count", "window_minutes": 5, "threshold": 10});
        for (key, value) in more.as_object().unwrap() {
            row[key] = value.clone();
        }
        rule(row)
    }

    #[test]
    fn a_rule_that_could_not_do_what_it_says_is_refused() {
        assert!(with(json!({})).is_ok());
        for (wrong, says) in [
            (json!({"name": ""}), "name"),
            (json!({"name": "llm_error"}), "name"),
            (json!({"name": "error_rate"}), "choose another"),
            (json!({"metric": "median"}), "metric must be one of"),
            (json!({"metric": null}), "metric must say"),
            (json!({"window_minutes": 0}), "window_minutes"),
            (json!({"window_minutes": 1441}), "window_minutes"),
            (json!({"window_minutes": 1.5}), "window_minutes"),
            (json!({"threshold": null}), "threshold"),
            (json!({"threshold": -1}), "threshold"),
            (json!({"threshold": "NaN"}), "threshold"),
            (json!({"filter": ["llm_call"]}), "filter"),
            (json!({"filter": {"user_id": "u"}}), "filter"),
            (json!({"filter": {"model": []}}), "filter"),
            (json!({"group_by": ["models"]}), "group_by"),
            (json!({"group_by": ["model", "model"]}), "group_by"),
            (json!({"group_by": ["model", "user_id"]}), "group_by"),
            (json!({"group_by": ["user_id"]}), "multiple of 60"),
            (json!({"group_by": ["tag:customer"], "window_minutes": 60, "metric": "p95_latency"}), "grouped"),
            (
                json!({"group_by": ["user_id"], "window_minutes": 60, "filter": {"model": "m"}}),
                "environment alone",
            ),
            (json!({"metric": "users", "group_by": ["route"]}), "environment and event_type"),
            (json!({"metric": "error_rate", "threshold": 2}), "1 at most"),
            (json!({"metric": "error_rate", "threshold": 0.5, "filter": {"status": "error"}}), "status"),
            (json!({"warn_threshold": 11}), "warn_threshold"),
            (json!({"direction": "below", "warn_threshold": 9}), "warn_threshold"),
            (json!({"recover_threshold": 11}), "recover_threshold"),
            (json!({"direction": "sideways"}), "direction"),
            (json!({"no_data": "panic"}), "no_data"),
            (json!({"baseline": "history"}), "60"),
            (
                json!({"baseline": "history", "window_minutes": 60, "recover_threshold": 1}),
                "recover_threshold",
            ),
            (json!({"floor": 5}), "floor"),
            (json!({"severity": "fatal"}), "severity"),
            (json!({"resolve_minutes": 100_000}), "resolve_minutes"),
        ] {
            let refused = with(wrong.clone());
            assert!(refused.as_ref().is_err_and(|message| message.contains(says)), "{wrong}: {refused:?}");
        }
    }

    #[test]
    fn a_built_in_rule_keeps_what_it_measures() {
        let changed = rule(json!({"name": "no_traffic", "enabled": true, "window_minutes": 30})).unwrap();
        assert_eq!((changed.enabled, changed.minutes, changed.below), (true, 30, true));
        assert!(rule(json!({"name": "no_traffic", "metric": "cost"})).is_err());
        assert!(rule(json!({"name": "no_traffic", "group_by": ["model"]})).is_err());
    }

    #[test]
    fn a_projects_row_wins_over_the_tenants_and_that_over_the_built_in_one() {
        let (project, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let edits: Vec<Edit> = [
            json!({"name": "hourly_cost", "enabled": true, "threshold": 5}),
            json!({"name": "hourly_cost", "enabled": true, "threshold": 7, "project_id": project.to_string()}),
        ]
        .iter()
        .map(|row| Edit::of(row).unwrap())
        .collect();
        let rules = scoped(&edits);
        let of = |id: Uuid| -> Vec<f64> {
            rules
                .iter()
                .filter(|s| s.rule.name == "hourly_cost" && s.holds_for(id))
                .map(|s| s.rule.threshold)
                .collect()
        };
        assert_eq!((of(project), of(other)), (vec![7.0], vec![5.0]));
        assert!(scoped(&[]).iter().all(|scoped| scoped.rule.name != "hourly_cost"));
    }
}
