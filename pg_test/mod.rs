//! What SQL sees, in a transaction that is rolled back.

use pgrx::prelude::*;

mod cost;
mod ingest;
mod scrub;

/// Where cargo-pgrx looks for the tests.
#[pg_schema]
mod tests {}
