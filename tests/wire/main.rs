//! Observa's guarantees over the wire: one module for each.

mod alerts;
mod bodies;
mod concurrency;
mod cost;
mod crash;
mod dead_letters;
mod dump;
mod event_types;
mod front;
mod grants;
mod otlp;
mod partitions;
mod prices;
mod quality;
mod rejects;
mod replay;
mod reprice;
mod retries;
mod scrubbed;
mod server_log;
mod setup;
mod signals;
mod tenancy;
mod trace;
mod views;
