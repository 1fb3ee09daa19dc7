//! Secrets and personal data: found and replaced in every text that reaches the database.
//!
//! A few vectorised passes look for what nearly no clean text has (long runs of token characters, `@`, separators of
//! assignments, digits), exact rules anchored there decide, and the union of all findings is replaced once.
//! The kinds are rows of a table ([`kinds`]); every rule is linear in the length of the text.

mod alphabet;
mod assignments;
mod calls;
mod checks;
mod commands;
mod cookies;
mod digits;
mod domains;
mod elements;
mod email;
mod found;
mod iban;
mod json;
mod keywords;
pub mod kinds;
mod national;
mod patterns;
mod pem;
mod scrubber;
mod spans;
mod tokens;
mod urls;
mod values;
mod view;
mod words;

pub use found::{Finding, Found, Scrubbed};
pub use kinds::{Class, Kind};
pub use patterns::{Pattern, ScrubError};
pub use scrubber::{Options, Scrubber};
pub(crate) use spans::MARK;
