//! Rows in, Parquet files out, each of them read back before it counts as written.
//!
//! [`Writer`] takes rows, [`verify`] reads a file and compares it with what was handed in, and [`Directory`] gives files their place.
#![forbid(unsafe_code)]

mod column;
mod digest;
mod directory;
mod error;
mod reader;
mod writer;

pub use column::{Column, Kind, Value};
pub use directory::{Directory, Draft, File};
pub use error::Error;
pub use reader::verify;
pub use writer::{Origin, Writer, Written};
