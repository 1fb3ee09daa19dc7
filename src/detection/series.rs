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

/// Rows of metrics that a series is made of. Of more, it tells of a shorter time.
const MOST_ROWS: usize = 200_000;

/// Microseconds of the shortest: three hours.
const LEAST_TIME: i64 = 180 * MINUTE;

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
/// ends now at the latest. No series: the rule is about each event, or is there no more; or so much is counted that even a short one is too dear.
pub fn read(of: &Of, since: i64, until: i64) -> Result<Option<Vec<Point>>, Error> {
    let rules = edit::all_scoped(&super::edits(false)?);
    let rule =
        rules.into_iter().find(|scoped| scoped.rule.name == of.rule && scoped.holds_for(of.project_id));
    let Some(scoped) = rule else { return Ok(None) };
    let mut until = until.min(storage::now()).min(since + MOST_TIME);
    let past = loop {
        if let Some(past) = test_rule::read(&scoped, since, until, MOST_ROWS)? {
            break past;
        }
        if until - since <= LEAST_TIME {
            return Ok(None);
        }
        until = since + ((until - since) / 2).max(LEAST_TIME);
    };
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
