//! What Observa does from time to time, over a connection: nothing here knows how Postgres works inside.
#![forbid(unsafe_code)]

pub mod jobs;
pub mod maintenance;
pub mod schedule;
pub mod shutdown;
