//! Bytes in, clean priced events and signals out. Pure Rust: nothing here knows Postgres.
#![forbid(unsafe_code)]

pub mod price;
pub mod scrub;
