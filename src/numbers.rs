//! What is a number in a client's own attributes, where one bad row must not end a query of all.

use pgrx::prelude::*;

/// NULL for what is no number, or beyond the range of a double.
#[pg_extern(sql = false)]
fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// NULL for what is no number, or beyond the range of a bigint. A fraction is rounded.
#[pg_extern(sql = false)]
fn whole_number(text: &str) -> Option<i64> {
    /// 2 to the power of 63: the first double that a bigint does not hold.
    const BEYOND: f64 = 9_223_372_036_854_775_808.0;
    let exact = text.trim().parse().ok();
    exact.or_else(|| {
        let rounded = number(text)?.round();
        (-BEYOND..BEYOND).contains(&rounded).then_some(rounded as i64)
    })
}
