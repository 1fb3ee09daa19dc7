//! Calendar months in UTC: what a quota is for.

use crate::settings::DAY;

/// Months since the year 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Month(i64);

impl Month {
    /// That a time (microseconds since 1970 UTC) is in.
    pub fn of(micros: i64) -> Month {
        // "chrono-Compatible Low-Level Date Algorithms", H. Hinnant: years begin in March, eras have 400 of them.
        let days = micros.div_euclid(DAY) + 719_468;
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_months = (5 * day_of_year + 2) / 153;
        Month((year_of_era + days.div_euclid(146_097) * 400) * 12 + march_months + 2)
    }

    pub fn number(self) -> i64 {
        self.0
    }

    pub fn next(self) -> Month {
        Month(self.0 + 1)
    }

    /// Its first day, in days since 1970-01-01.
    pub fn first_day(self) -> i64 {
        let marches = self.0 - 2;
        let (year, month) = (marches.div_euclid(12), marches.rem_euclid(12));
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let day_of_year = (153 * month + 2) / 5;
        era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
    }

    /// Its first moment, in microseconds since 1970 UTC.
    pub fn begins(self) -> i64 {
        self.first_day() * DAY
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Days since 1970 by `date -u -d <day> +%s` / 86400.
    const FIRST_DAYS: [(i64, i64, i64); 7] = [
        (1970, 1, 0),
        (1999, 12, 10_926),
        (2000, 3, 11_017),
        (2024, 2, 19_754),
        (2024, 3, 19_783),
        (2026, 11, 20_758),
        (2027, 1, 20_819),
    ];

    #[test]
    fn a_month_begins_where_the_calendar_says() {
        for (year, month, day) in FIRST_DAYS {
            let begins = Month::of(day * DAY);
            assert_eq!(begins.number(), year * 12 + month - 1, "{year}-{month}");
            assert_eq!(begins.first_day(), day, "{year}-{month}");
        }
    }

    #[test]
    fn every_moment_is_in_one_month() {
        for day in -800..40_000 {
            let month = Month::of(day * DAY);
            assert!(month.begins() <= day * DAY && (day + 1) * DAY <= month.next().begins(), "day {day}");
        }
        let next = Month::of(0).next();
        assert_eq!((Month::of(next.begins() - 1), Month::of(next.begins())), (Month::of(0), next));
    }
}
