//! OpenTelemetry spans and log records to canonical events, whichever library made them.

pub mod aliases;
pub mod errors;
mod filling;
mod found;
mod hits;
pub mod kind;
pub mod logs;
mod makers;
pub mod messages;
mod objects;
mod repr;
pub mod said;
pub mod span;
pub mod spread;
pub mod stored;
pub mod tree;
pub mod twins;
pub mod unflatten;
pub mod usage;
pub mod values;
mod vectors;
pub mod written;

pub use logs::{LogContent, LogRecord};
pub use objects::IN_METADATA;
pub use span::{Origin, translate};
