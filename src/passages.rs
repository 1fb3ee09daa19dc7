//! Retrieved passages of a call, for the advice about those that nothing is made of.

use observa_pipeline::passage;
use pgrx::prelude::*;

use crate::messages::last_message;

#[pg_extern(sql = false)]
fn passages_in(
    prompt: &str,
    answer: &str,
    retrieved: Vec<String>,
) -> TableIterator<
    'static,
    (name!(retrieval, i32), name!(place, i32), name!(share, f64), name!(is_used, Option<bool>)),
> {
    check_for_interrupts!();
    let question = last_message(prompt, "user");
    let retrieved: Vec<&str> = retrieved.iter().map(String::as_str).collect();
    let seen = passage::seen(prompt, question.as_deref(), answer, &retrieved);
    let number = |index: usize| i32::try_from(index + 1).unwrap_or(i32::MAX);
    TableIterator::new(
        seen.into_iter()
            .map(move |seen| (number(seen.retrieval), number(seen.place), seen.share, seen.is_used)),
    )
}
