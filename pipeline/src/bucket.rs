//! Token buckets: so many of something in a window, with bursts up to the whole of it. Times are microseconds since 1970 UTC.

/// So many in so long.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub most: u32,
    /// Microseconds.
    pub window: i64,
}

/// What was taken and has not been refilled yet. The default is a full bucket.
#[derive(Clone, Copy, Debug, Default)]
pub struct Bucket {
    taken: f64,
    at: i64,
    /// When all that was taken is there again, at the rate of then.
    full_at: i64,
}

/// How a limit stands for who asks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    pub limit: u64,
    pub remaining: u64,
    /// When one more is let in.
    pub next_at: i64,
    /// When all of it is there again.
    pub full_at: i64,
}

impl Standing {
    pub fn is_exhausted(&self) -> bool {
        self.remaining == 0
    }

    /// The share that is left.
    pub fn share(&self) -> f64 {
        self.remaining as f64 / self.limit.max(1) as f64
    }
}

/// A millionth of a token: what rounding may lose.
const ROUNDING: f64 = 1e-6;

impl Bucket {
    pub const FULL: Bucket = Bucket { taken: 0.0, at: 0, full_at: 0 };

    pub fn standing(&self, rate: Rate, now: i64) -> Standing {
        let most = f64::from(rate.most);
        let taken = self.taken_at(rate, now);
        let time_for = |tokens: f64| (tokens.max(0.0) * rate.window as f64 / most.max(1.0)).ceil() as i64;
        Standing {
            limit: u64::from(rate.most),
            remaining: (most - taken + ROUNDING).max(0.0) as u64,
            next_at: now.saturating_add(time_for(taken - (most - 1.0))),
            full_at: now.saturating_add(time_for(taken)),
        }
    }

    /// More than there is may be taken: the next ones wait until it is paid back.
    pub fn take(&mut self, rate: Rate, now: i64, count: u64) {
        *self = Bucket { taken: self.taken_at(rate, now) + count as f64, at: now, full_at: 0 };
        self.full_at = self.standing(rate, now).full_at;
    }

    /// Microseconds until it is full again: what is given away with a bucket that is forgotten, since a new one is full.
    pub fn debt(&self, now: i64) -> i64 {
        self.full_at.saturating_sub(now).max(0)
    }

    /// A clock that was set back refills nothing.
    fn taken_at(&self, rate: Rate, now: i64) -> f64 {
        let elapsed = now.saturating_sub(self.at).max(0) as f64;
        (self.taken - elapsed * f64::from(rate.most) / rate.window.max(1) as f64).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;
    const NOW: i64 = 1_790_000_000 * SECOND;
    const A_MINUTE: Rate = Rate { most: 60, window: 60 * SECOND };

    #[test]
    fn a_full_bucket_gives_its_limit_and_no_more() {
        for most in [1, 3, 60, 999_999] {
            let rate = Rate { most, ..A_MINUTE };
            let mut bucket = Bucket::default();
            let mut given = 0;
            while !bucket.standing(rate, NOW).is_exhausted() {
                bucket.take(rate, NOW, 1);
                given += 1;
            }
            assert_eq!(given, most);
        }
    }

    #[test]
    fn tokens_come_back_one_by_one() {
        let mut bucket = Bucket::default();
        bucket.take(A_MINUTE, NOW, 60);
        let empty = bucket.standing(A_MINUTE, NOW);
        assert_eq!((empty.remaining, empty.next_at, empty.full_at), (0, NOW + SECOND, NOW + 60 * SECOND));
        assert!(bucket.standing(A_MINUTE, NOW + SECOND - 2).is_exhausted());
        assert_eq!(bucket.standing(A_MINUTE, NOW + SECOND).remaining, 1);
        assert_eq!(bucket.standing(A_MINUTE, NOW + 3_600 * SECOND).remaining, 60, "and no more than that");
    }

    #[test]
    fn a_body_larger_than_what_is_left_is_paid_back() {
        let mut bucket = Bucket::default();
        bucket.take(A_MINUTE, NOW, 180);
        let standing = bucket.standing(A_MINUTE, NOW);
        assert_eq!((standing.remaining, standing.next_at), (0, NOW + 121 * SECOND));
        assert_eq!(bucket.standing(A_MINUTE, standing.next_at).remaining, 1);
    }

    #[test]
    fn over_any_time_no_more_is_let_in_than_the_rate_allows() {
        let mut bucket = Bucket::default();
        let mut let_in = 0;
        // A client that tries ten times a second, for an hour.
        for tick in 0..36_000 {
            let now = NOW + tick * SECOND / 10;
            if !bucket.standing(A_MINUTE, now).is_exhausted() {
                bucket.take(A_MINUTE, now, 1);
                let_in += 1;
            }
        }
        assert!((3_600..=3_660).contains(&let_in), "{let_in}");
    }

    #[test]
    fn the_emptier_a_bucket_the_longer_its_debt() {
        let mut bucket = Bucket::FULL;
        assert_eq!(bucket.debt(NOW), 0);
        bucket.take(A_MINUTE, NOW, 60);
        assert_eq!(bucket.debt(NOW), 60 * SECOND);
        assert_eq!(bucket.debt(NOW + 45 * SECOND), 15 * SECOND);
        assert_eq!(bucket.debt(NOW + 61 * SECOND), 0);
    }

    #[test]
    fn a_clock_that_is_set_back_gives_nothing_away() {
        let mut bucket = Bucket::default();
        bucket.take(A_MINUTE, NOW, 60);
        assert!(bucket.standing(A_MINUTE, NOW - 3_600 * SECOND).is_exhausted());
    }
}
