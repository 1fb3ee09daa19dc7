//! What is asked, in groups.

use observa_pipeline::embedding::clusters::{find, nearest};
use pgrx::prelude::*;

use super::window::{self, Row};
use crate::error::{Error, or_raise};

const MOST_CLUSTERS: i32 = 100;

type Cluster = (i32, i64, f64, f64, String, Option<String>);

#[pg_extern(sql = false)]
fn embedding_clusters(
    k: Option<i32>,
    project: Option<pgrx::Uuid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> TableIterator<
    'static,
    (
        name!(cluster, i32),
        name!(size, i64),
        name!(share, f64),
        name!(spread, f64),
        name!(event_id, String),
        name!(question, Option<String>),
    ),
> {
    TableIterator::new(or_raise(clusters(k, project, since, until)))
}

fn clusters(
    k: Option<i32>,
    project: Option<pgrx::Uuid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> Result<Vec<Cluster>, Error> {
    let k = k.filter(|k| (1..=MOST_CLUSTERS).contains(k)).and_then(|k| usize::try_from(k).ok());
    let k = k.ok_or_else(|| Error::Invalid(format!("k must be 1 to {MOST_CLUSTERS}")))?;
    let window = window::of(project, since, until)?;
    let loaded = window::load(&window, None)?;
    let found = find(&loaded.vectors, k, window::pause);

    struct Group<'r> {
        size: i64,
        /// Of all distances to the centre.
        sum: f64,
        nearest: f64,
        example: &'r Row,
    }
    let mut groups: Vec<Option<Group>> = (0..found.centres.len()).map(|_| None).collect();
    for (row, vector) in loaded.rows.iter().zip(loaded.vectors.iter()) {
        let Some((place, similar)) = nearest(&found.centres, vector) else { continue };
        let Some(group) = groups.get_mut(place) else { continue };
        let distance = (1.0 - f64::from(similar)).max(0.0);
        let group = group.get_or_insert(Group { size: 0, sum: 0.0, nearest: f64::INFINITY, example: row });
        group.size += 1;
        group.sum += distance;
        if distance < group.nearest {
            (group.nearest, group.example) = (distance, row);
        }
    }
    let groups: Vec<Group> = groups.into_iter().flatten().collect();
    let examples: Vec<&Row> = groups.iter().map(|group| group.example).collect();
    let questions = window::questions(window.tenant, &examples)?;
    let all = loaded.rows.len().max(1) as f64;
    let told = (1..).zip(groups).zip(questions).map(|((cluster, group), question)| {
        let size = group.size as f64;
        (cluster, group.size, size / all, group.sum / size, group.example.event_id.clone(), question)
    });
    Ok(told.collect())
}
