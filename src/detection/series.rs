//! What a group's metric was over a time, as its rule measures it.

use observa_pipeline::signal::window::edit;
use observa_pipeline::signal::window::measure;
use uuid::Uuid;

use super::test_rule;
use crate::error::Error;
use crate::storage;

/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;

/// Points of a series.
const MOST_POINTS: i64 = 120;

/// Microseconds of one: an alert may have been open for months.
const MOST_TIME: i64 = 2 * super::DAY;

/// A group of a rule over a window.
pub struct Of {
    pub rule: String,
    pub project_id: Uuid,
    pub environment: String,
    pub group: String,
}

/// A time, and what the window that ended then measured. None: there were no events.
pub type Point = (i64, Option<f64>);

/// Of the acting tenant. It begins at `since`, and
/// ends now at the latest. No series: the rule is about each event, or is there no more.
pub fn read(of: &Of, since: i64, until: i64) -> Result<Option<Vec<Point>>, Error> {
    let rules = edit::all_scoped(&super::edits(false)?);
    let rule =
        rules.into_iter().find(|scoped| scoped.rule.name == of.rule && scoped.holds_for(of.project_id));
    let Some(scoped) = rule else { return Ok(None) };
    let until = until.min(storage::now()).min(since + MOST_TIME);
    let past = test_rule::read(&scoped, since, until)?;
    let step = ((until - since) / MOST_POINTS).div_euclid(MINUTE).max(1) * MINUTE;
    let times = (0..).map(|number| since + number * step).take_while(|time| *time <= until);
    let points = times.map(|time| {
        pgrx::check_for_interrupts!();
        let sums = past.sums(&scoped.rule.span(time));
        let groups = measure::groups(&scoped, &past.names, &sums);
        let ours = groups.iter().find(|(group, _)| {
            group.project_id == of.project_id && group.environment == of.environment && group.text == of.group
        });
        let known = ours.filter(|(_, sum)| sum.samples(scoped.rule.metric) > 0);
        (time, known.and_then(|(_, sum)| sum.value(scoped.rule.metric)))
    });
    Ok(Some(points.collect()))
}
