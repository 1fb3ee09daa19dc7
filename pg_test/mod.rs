//! What SQL sees, in a transaction that is rolled back. Each module has its tests in the SQL schema `tests`, where
//! cargo-pgrx looks for them: so no two may have one name.
#![allow(
    clippy::unwrap_used,
    reason = "a test fails by panicking, and here it is compiled as part of the library"
)]

mod cost;
mod ingest;
mod scrub;
