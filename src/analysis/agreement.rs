//! Whether judges and heuristics say the same.

use pgrx::prelude::*;

use crate::error::{Error, or_raise};
use crate::storage;
use crate::times::in_order;

/// With the rights of who asks.
#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "pgrx reads the columns from the type")]
fn judge_agreement(
    since: TimestampWithTimeZone,
    until: TimestampWithTimeZone,
    threshold: f64,
) -> TableIterator<
    'static,
    (
        name!(evaluator, String),
        name!(heuristic, String),
        name!(judged, i64),
        name!(both_found, i64),
        name!(judge_only, i64),
        name!(heuristic_only, i64),
        name!(neither, i64),
        name!(agreement, f64),
        name!(kappa, Option<f64>),
    ),
> {
    if !storage::exists() {
        Error::NoStorage.raise();
    }
    or_raise(in_order(Some(since), Some(until)));
    let rows = Spi::connect(|client| {
        let arguments = [since.into(), until.into(), threshold.into()];
        let rows = client.select(include_str!("../../sql/analysis/agreement.sql"), None, &arguments)?;
        rows.map(|row| {
            let text =
                |column: usize| Ok::<_, pgrx::spi::Error>(row.get::<String>(column)?.unwrap_or_default());
            let count =
                |column: usize| Ok::<_, pgrx::spi::Error>(row.get::<i64>(column)?.unwrap_or_default());
            let agreement = row.get::<f64>(8)?.unwrap_or_default();
            let counts = (count(3)?, count(4)?, count(5)?, count(6)?, count(7)?);
            let (judged, both, judge, heuristic, neither) = counts;
            Ok((text(1)?, text(2)?, judged, both, judge, heuristic, neither, agreement, row.get::<f64>(9)?))
        })
        .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    });
    TableIterator::new(or_raise(rows.map_err(Error::Spi)))
}
