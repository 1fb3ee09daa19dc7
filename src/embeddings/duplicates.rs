//! Questions that are asked again and again: what a cache would save.

use std::collections::HashMap;

use observa_pipeline::embedding::Vectors;
use observa_pipeline::embedding::duplicates::group;
use pgrx::prelude::*;

use super::window::{self, Row};
use crate::error::{Error, or_raise};

/// Groups that are told, those of the most questions.
const MOST_GROUPS: usize = 100;

type Duplicates = (i64, i64, f64, f64, String, Option<String>, TimestampWithTimeZone, TimestampWithTimeZone);

#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "pgrx reads the columns from the type")]
fn near_duplicates(
    threshold: Option<f64>,
    project: Option<pgrx::Uuid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> TableIterator<
    'static,
    (
        name!(questions, i64),
        name!(wordings, i64),
        name!(share, f64),
        name!(least_similarity, f64),
        name!(event_id, String),
        name!(question, Option<String>),
        name!(first_seen, TimestampWithTimeZone),
        name!(last_seen, TimestampWithTimeZone),
    ),
> {
    TableIterator::new(or_raise(duplicates(threshold, project, since, until)))
}

fn duplicates(
    threshold: Option<f64>,
    project: Option<pgrx::Uuid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> Result<Vec<Duplicates>, Error> {
    let threshold = threshold.filter(|threshold| (0.5..=1.0).contains(threshold));
    let threshold = threshold.ok_or_else(|| Error::Invalid("the threshold must be 0.5 to 1".into()))?;
    let window = window::of(project, since, until)?;
    let loaded = window::load(&window, None)?;

    // What is letter for letter the same needs no comparing.
    let mut wordings: Vec<Vec<&Row>> = Vec::new();
    let mut vectors = Vectors::default();
    let mut known: HashMap<[u8; 16], usize> = HashMap::new();
    for (row, vector) in loaded.rows.iter().zip(loaded.vectors.iter()) {
        match known.get(row.question_hash.as_bytes()).and_then(|place| wordings.get_mut(*place)) {
            Some(same) => same.push(row),
            None => {
                known.insert(*row.question_hash.as_bytes(), wordings.len());
                wordings.push(vec![row]);
                vectors.push(vector);
            }
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "a similarity has no more than seven digits")]
    let groups = group(&vectors, threshold as f32, window::pause);
    let mut found: Vec<(Vec<&Row>, usize, f32)> = groups
        .into_iter()
        .map(|group| {
            let same = group.members.iter().filter_map(|member| wordings.get(*member));
            (same.flatten().copied().collect::<Vec<&Row>>(), group.members.len(), group.least)
        })
        .filter(|(same, ..)| same.len() > 1)
        .collect();
    found.sort_by_key(|(same, ..)| std::cmp::Reverse(same.len()));
    found.truncate(MOST_GROUPS);

    let examples: Vec<&Row> = found.iter().filter_map(|(same, ..)| same.first().copied()).collect();
    let questions = window::questions(window.tenant, &examples)?;
    let all = loaded.rows.len().max(1) as f64;
    let told = found.iter().zip(&examples).zip(questions).filter_map(
        |(((same, count, least), example), question)| {
            let times = || same.iter().map(|row| row.ts);
            let (size, id) = (same.len() as i64, example.event_id.clone());
            let least = f64::from(*least).min(1.0);
            Some((
                size,
                *count as i64,
                same.len() as f64 / all,
                least,
                id,
                question,
                times().min()?,
                times().max()?,
            ))
        },
    );
    Ok(told.collect())
}
