//! What Observa does from time to time, over a connection, and what it sends to others: nothing here knows how Postgres works inside.
#![forbid(unsafe_code)]

pub mod http;
#[cfg(feature = "program")]
pub mod jobs;
pub mod judge;
#[cfg(feature = "program")]
pub mod judges;
#[cfg(feature = "program")]
pub mod maintenance;
#[cfg(feature = "program")]
pub mod network;
pub mod notify;
#[cfg(feature = "program")]
pub mod post;
#[cfg(feature = "program")]
pub mod schedule;
#[cfg(feature = "program")]
pub mod server;
#[cfg(feature = "program")]
pub mod shutdown;
