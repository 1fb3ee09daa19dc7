//! What events add to the sums that dashboards read: a batch makes one [`Delta`] of its [`Fact`]s and appends its bytes, a
//! [`Fold`] takes many deltas together, as rows of minutes, hours, days and weeks. A correction takes out the old fact and adds the new one.

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
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// How long a bucket is. Weeks begin on Mondays, and all of them in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resolution {
    Minute,
    Hour,
    Day,
    Week,
}

impl Resolution {
    /// From the finest on.
    pub const ALL: [Resolution; 4] =
        [Resolution::Minute, Resolution::Hour, Resolution::Day, Resolution::Week];

    pub fn name(self) -> &'static str {
        match self {
            Resolution::Minute => "minute",
            Resolution::Hour => "hour",
            Resolution::Day => "day",
            Resolution::Week => "week",
        }
    }

    pub fn from_name(name: &str) -> Option<Resolution> {
        Resolution::ALL.into_iter().find(|resolution| resolution.name() == name)
    }

    /// Microseconds.
    fn length(self) -> i64 {
        match self {
            Resolution::Minute => MINUTE,
            Resolution::Hour => HOUR,
            Resolution::Day => DAY,
            Resolution::Week => 7 * DAY,
        }
    }

    /// When a bucket begins. The fifth of January 1970 was a Monday.
    fn one(self) -> i64 {
        if self == Resolution::Week { 4 * DAY } else { 0 }
    }

    /// The start of the bucket, in microseconds since 1970 UTC, that a minute since then is in.
    fn bucket(self, minute: i64) -> i64 {
        self.before(minute * MINUTE)
    }

    /// The last start of a bucket that is not after a time.
    fn before(self, time: i64) -> i64 {
        (time - self.one()).div_euclid(self.length()) * self.length() + self.one()
    }

    /// The first start of a bucket that is not before a time.
    fn after(self, time: i64) -> i64 {
        self.before(time.saturating_add(self.length() - 1))
    }
}

#[cfg(test)]
mod tests;
