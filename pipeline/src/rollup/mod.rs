//! What events add to the sums that dashboards read: a batch makes one [`Delta`] of its [`Fact`]s and appends its bytes, a
//! [`Fold`] takes many deltas together, as rows of minutes, hours and days. A correction takes out the old fact and adds the new one.

mod activity;
mod cover;
mod delta;
mod fact;
mod fold;
mod messages;
mod sums;
mod trace;

pub use activity::{Activity, Actor, Lost};
pub use cover::{Cover, Kept, Part};
pub use delta::{Damaged, Delta};
pub use fact::{Fact, FactTokens, OwnedSeries, Series, counted, sums};
pub use fold::{ActivityRow, Fold, Group, SeriesRow, TagRow, TotalRow, TraceChange, UserRow};
pub use sums::{Scores, Sums};
pub use trace::{TraceSummary, Worst};

/// Microseconds of a minute.
const MINUTE: i64 = 60_000_000;

/// How long a bucket is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resolution {
    Minute,
    Hour,
    Day,
}

impl Resolution {
    pub const ALL: [Resolution; 3] = [Resolution::Minute, Resolution::Hour, Resolution::Day];

    pub fn name(self) -> &'static str {
        match self {
            Resolution::Minute => "minute",
            Resolution::Hour => "hour",
            Resolution::Day => "day",
        }
    }

    pub fn from_name(name: &str) -> Option<Resolution> {
        Resolution::ALL.into_iter().find(|resolution| resolution.name() == name)
    }

    fn minutes(self) -> i64 {
        match self {
            Resolution::Minute => 1,
            Resolution::Hour => 60,
            Resolution::Day => 1_440,
        }
    }

    /// The start of the bucket, in microseconds since 1970 UTC, that a minute since then is in.
    fn bucket(self, minute: i64) -> i64 {
        minute.div_euclid(self.minutes()) * self.minutes() * MINUTE
    }
}

#[cfg(test)]
mod tests;
