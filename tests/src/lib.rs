//! What wire tests stand on: a private [`cluster`], and in it a fresh [`database`] for each test. Over
//! HTTP it is reached by a [`front`] as PostgREST is.
//!
//! `OBSERVA_TEST_URL` names a running cluster (a superuser's connection string; the extension installed in it). Without it, the
//! first test of a run starts one with the programs beside `PGRX_PG_CONFIG_PATH`; it ends with the run.

pub mod clients;
pub mod cluster;
pub mod database;
pub mod encrypted;
pub mod event;
pub mod front;
pub mod hook;
pub mod http;
pub mod judge;
pub mod load;
pub mod nginx;
pub mod pooler;
pub mod programs;
pub mod provider;
pub mod serving;
pub mod unsteady;

pub use cluster::Cluster;
pub use database::Database;
pub use front::{Front, FrontConfig};
pub use nginx::Nginx;
pub use pooler::Pooler;
pub use provider::Provider;
pub use unsteady::Unsteady;
