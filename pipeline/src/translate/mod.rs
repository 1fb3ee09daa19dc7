//! From what clients send to the canonical event.

pub mod aliases;
pub mod canonical;
pub mod envelope;
pub mod json;
pub mod otel;
pub mod walk;
