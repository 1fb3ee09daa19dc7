//! Rows of the acting tenant's rollups, for rules over windows: each source has its names, and rows that refer to them by their place.

use std::collections::HashMap;

use observa_pipeline::rollup::Resolution;
use observa_pipeline::signal::window::Source;
use observa_pipeline::signal::window::measure::{Counts, Names, Row};
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::error::Error;
use crate::identity;
use crate::plans::{self, Found};
use crate::storage::{sql_time, unix_micros};

/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;

/// What is read beside counts and sums: both are dear.
#[derive(Clone, Copy, Default)]
pub struct Wants {
    pub latencies: bool,
    pub users: bool,
}

/// How to read.
pub struct Reader {
    pub wants: Wants,
    /// A day since 1970 UTC: only series that were counted since are read.
    pub seen_since: i64,
    /// Rows that the same transaction has folded are seen, too.
    pub is_fresh: bool,
}

impl Reader {
    /// Rows of some ranges (resolution, from a minute since 1970 on, before another), each with its resolution, minute and the place of
    /// its names. The names are added to those that are known: of series and totals they are there before the first row, so that silence
    /// is heard.
    pub fn read(
        &self,
        source: &Source,
        ranges: &[(Resolution, i64, i64)],
        known: &mut Known,
        mut each: impl FnMut(&[Names], Resolution, i64, usize, Row),
    ) -> Result<(), Error> {
        if known.names.is_empty() {
            match source {
                Source::Series => self.series(known)?,
                Source::Totals => self.totals(known)?,
                Source::Users | Source::Tag(_) => {}
            }
        }
        for (resolution, since, until) in ranges {
            let mut give =
                |known: &Known, bucket, place, row| each(&known.names, *resolution, bucket, place, row);
            let (since, until) = (sql_time(since * MINUTE), sql_time(until * MINUTE));
            let name = resolution.name();
            match source {
                Source::Series => {
                    let arguments = [name.into(), since.into(), until.into(), self.wants.latencies.into()];
                    let sql = include_str!("../../sql/detection/series_rows.sql");
                    plans::each(sql, &arguments, self.is_fresh, |found| {
                        let series = found.get::<pgrx::Uuid>(1).map(identity::uuid);
                        let place = series.and_then(|id| known.places.get(&Key::Series(id)).copied());
                        if let (Some(place), Some(bucket)) = (place, minute(found, 2)) {
                            let row = Row {
                                counts: with_scores(counts(found, 3), found, 9),
                                latency: found.get(7),
                                ttft: found.get(8),
                                users: None,
                            };
                            give(known, bucket, place, row);
                        }
                    })?;
                }
                Source::Totals => {
                    let arguments = [
                        name.into(),
                        since.into(),
                        until.into(),
                        self.wants.latencies.into(),
                        self.wants.users.into(),
                    ];
                    let sql = include_str!("../../sql/detection/totals_rows.sql");
                    self.keyed(
                        sql,
                        &arguments,
                        known,
                        Column::EventType,
                        |found| {
                            let counts = with_scores(counts(found, 5), found, 11);
                            Row { counts, latency: found.get(9), ttft: found.get(10), users: found.get(17) }
                        },
                        give,
                    )?;
                }
                Source::Users => {
                    let sql = include_str!("../../sql/detection/user_rows.sql");
                    let arguments = [since.into(), until.into()];
                    self.keyed(
                        sql,
                        &arguments,
                        known,
                        Column::Key,
                        |found| Row { counts: counts(found, 5), ..Row::default() },
                        give,
                    )?;
                }
                Source::Tag(tag) => {
                    let sql = include_str!("../../sql/detection/tag_rows.sql");
                    let arguments =
                        [since.into(), until.into(), tag.as_str().into(), self.wants.users.into()];
                    self.keyed(
                        sql,
                        &arguments,
                        known,
                        Column::Key,
                        |found| Row { counts: counts(found, 5), users: found.get(9), ..Row::default() },
                        give,
                    )?;
                }
            }
        }
        Ok(())
    }

    fn series(&self, known: &mut Known) -> Result<(), Error> {
        let sql = include_str!("../../sql/detection/series.sql");
        let since = sql_time(self.seen_since * 1_440 * MINUTE);
        plans::each(sql, &[since.into()], self.is_fresh, |found| {
            let (Some(id), Some(project)) = (found.get::<pgrx::Uuid>(1), found.get::<pgrx::Uuid>(2)) else {
                return;
            };
            let columns = [3, 4, 5, 6, 7, 8, 9, 10].map(|column| found.get::<String>(column));
            known.add(Key::Series(identity::uuid(id)), || Names {
                project_id: identity::uuid(project),
                columns,
                key: None,
            });
        })
    }

    fn totals(&self, known: &mut Known) -> Result<(), Error> {
        let sql = include_str!("../../sql/detection/totals.sql");
        let since = sql_time(self.seen_since * 1_440 * MINUTE);
        plans::each(sql, &[since.into()], self.is_fresh, |found| {
            let names = (found.get::<pgrx::Uuid>(1), found.get::<String>(2), found.get::<String>(3));
            if let (Some(project), Some(environment), Some(event_type)) = names {
                known.named(identity::uuid(project), environment, event_type, Column::EventType);
            }
        })
    }

    /// Rows that carry their names: project, environment, and a type of event or a key; then comes the bucket.
    fn keyed(
        &self,
        sql: &'static str,
        arguments: &[DatumWithOid],
        known: &mut Known,
        third: Column,
        row: impl Fn(&Found) -> Row,
        mut give: impl FnMut(&Known, i64, usize, Row),
    ) -> Result<(), Error> {
        plans::each(sql, arguments, self.is_fresh, |found| {
            let names = (found.get::<pgrx::Uuid>(1), found.get::<String>(2), found.get::<String>(3));
            let (Some(project), Some(environment), Some(name)) = names else { return };
            let Some(bucket) = minute(found, 4) else { return };
            let place = known.named(identity::uuid(project), environment, name, third);
            give(known, bucket, place, row(found));
        })
    }
}

#[derive(Clone, Copy)]
enum Column {
    EventType,
    Key,
}

#[derive(PartialEq, Eq, Hash)]
enum Key {
    Series(Uuid),
    Named(Uuid, String, String),
}

/// Names of a source that rows refer to by their place.
#[derive(Default)]
pub struct Known {
    pub names: Vec<Names>,
    places: HashMap<Key, usize>,
}

impl Known {
    /// Of a project, environment, and a type of event or a key.
    fn named(&mut self, project_id: Uuid, environment: String, name: String, third: Column) -> usize {
        self.add(Key::Named(project_id, environment.clone(), name.clone()), || {
            let (event_type, key) = match third {
                Column::EventType => (Some(name), None),
                Column::Key => (None, Some(name)),
            };
            let columns = [event_type, Some(environment), None, None, None, None, None, None];
            Names { project_id, columns, key }
        })
    }

    fn add(&mut self, key: Key, names: impl FnOnce() -> Names) -> usize {
        *self.places.entry(key).or_insert_with(|| {
            self.names.push(names());
            self.names.len() - 1
        })
    }
}

fn minute(found: &Found, column: i32) -> Option<i64> {
    Some(unix_micros(found.get::<TimestampWithTimeZone>(column)?).div_euclid(MINUTE))
}

/// Events, failures, tokens and USD, from a column on.
fn counts(found: &Found, first: i32) -> Counts {
    Counts {
        events: found.get(first).unwrap_or_default(),
        bad: found.get(first + 1).unwrap_or_default(),
        tokens: found.get(first + 2).unwrap_or_default(),
        cost_usd: found.get(first + 3).unwrap_or_default(),
        ..Counts::default()
    }
}

/// With sums of scores and how many, from a column on.
fn with_scores(counts: Counts, found: &Found, first: i32) -> Counts {
    let score = |column| (found.get(column).unwrap_or_default(), found.get(column + 1).unwrap_or_default());
    Counts {
        coherence: score(first),
        toxicity: score(first + 2),
        hallucination_risk: score(first + 4),
        ..counts
    }
}
