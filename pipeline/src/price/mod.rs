//! What a call costs, from disjoint token classes and dated prices, exactly.
//!
//! The way of a price: a [`Usage`] says how many tokens of which class a call took, a [`Book`]
//! finds the one [`PriceRow`] that was valid for the model at the event's own time, and a
//! [`Breakdown`] multiplies the two. Everything is decimal ([`Usd`]) and nothing is rounded.
//! `None` always means "not known"; zero is a price.

mod book;
mod breakdown;
mod builtin;
pub mod listing;
pub mod load;
mod matching;
mod provider;
mod rates;
mod rates_json;
mod row;
mod usage;
mod usage_classes;
mod usage_json;
mod usd;

pub use book::{Book, Price};
pub use breakdown::{Breakdown, Line};
pub use provider::normalise_provider;
pub use rates::{Applied, RateEntry, Rates, ServiceTier, TokenClass};
pub use rates_json::RatesError;
pub use row::{DailyWindow, Pattern, PriceRow, Source};
pub use usage::{Totals, Usage};
pub use usage_json::UsageError;
pub use usd::{Usd, parse_usd, plain};
