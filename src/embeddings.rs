//! Vectors of questions: stored as a worker tells them, searched by, and read for what they say of traffic. What reads does so with the
//! rights of who asks.

mod clusters;
mod drift;
mod duplicates;
mod pgvector;
mod queries;
mod scope;
mod similar;
mod store;
pub mod window;

use pgrx::prelude::*;

pub use drift::watch;
pub use pgvector::make_indexes;
pub use queries::{forget as forget_queries, text_of};
pub use store::{Embedded, store};

/// The cosine of two vectors of length 1. None: they have not the same number of dimensions, or a NULL.
#[pg_extern(sql = false, name = "similarity")]
fn similarity(a: Array<f32>, b: Array<f32>) -> Option<f64> {
    let (a, b) = a.as_slice().ok().zip(b.as_slice().ok())?;
    (a.len() == b.len()).then(|| f64::from(observa_pipeline::embedding::similarity(a, b)))
}
