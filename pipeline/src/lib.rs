//! Bytes in, clean priced events and signals out. Pure Rust: nothing here knows Postgres.
//!
//! The way of a body: [`decode`] finds its lines, [`translate`] makes canonical [`event`]s of them, [`validate`] holds
//! them to the storage's limits, [`clean`] takes secrets out with [`scrub`], [`bill`] prices them with [`price`], [`quality`]
//! scores answers, [`signal`] says what is worth a look. [`batch`] is the loop around it; what it can't store is a [`letter`].
//! [`analysis`] chooses what a judge is shown, [`passage`] tells which of what was retrieved an answer has words of. A
//! [`person`] is found in what is stored, and told it as a [`document`].
//! [`bucket`], [`slots`] and [`month`] are what limits and quotas count with, [`histogram`] what latencies are summed up in,
//! [`distinct`] what people are told apart with; [`tags`] are what a project wants sums by.
#![forbid(unsafe_code)]

pub mod analysis;
pub mod batch;
pub mod bill;
pub mod bucket;
pub mod clean;
pub mod decode;
pub mod distinct;
pub mod document;
pub mod embedding;
pub mod error;
pub mod event;
pub mod histogram;
pub mod home;
pub mod identity;
pub mod letter;
pub mod manner;
pub mod month;
pub mod origin;
pub mod passage;
pub mod person;
pub mod price;
pub mod quality;
pub mod rollup;
pub mod scrub;
pub mod settings;
pub mod signal;
pub mod slots;
pub mod tags;
pub mod time;
pub mod translate;
pub mod validate;
