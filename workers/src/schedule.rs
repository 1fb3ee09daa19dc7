//! When a job runs next: at its interval, and after a failure later each time.

use std::time::Duration;

/// The longest pause after failures, in intervals: a server that is back must not wait for an hour.
const MOST_INTERVALS: u32 = 5;

#[derive(Debug)]
pub struct Schedule {
    interval: Duration,
    retry: Duration,
    failures: u32,
}

impl Schedule {
    /// `retry` is the pause after the first failure.
    pub fn new(interval: Duration, retry: Duration) -> Schedule {
        Schedule { interval, retry: retry.min(interval), failures: 0 }
    }

    /// The pause after a run that went well.
    pub fn after_success(&mut self) -> Duration {
        self.failures = 0;
        self.interval
    }

    /// The pause after a failed run: doubled each time, up to five intervals.
    pub fn after_failure(&mut self) -> Duration {
        let factor = 2u32.saturating_pow(self.failures);
        self.failures = self.failures.saturating_add(1);
        self.retry.saturating_mul(factor).min(self.interval.saturating_mul(MOST_INTERVALS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn failures_wait_2_4_8_seconds_and_a_success_begins_anew() {
        let mut schedule = Schedule::new(60 * SECOND, 2 * SECOND);
        assert_eq!([(); 3].map(|()| schedule.after_failure()), [2 * SECOND, 4 * SECOND, 8 * SECOND]);
        assert_eq!(schedule.after_success(), 60 * SECOND);
        assert_eq!(schedule.after_failure(), 2 * SECOND);
    }

    proptest! {
        #[test]
        fn no_pause_is_longer_than_five_intervals(interval in 1u64..100_000, retry in 1u64..100_000, failures in 0usize..80) {
            let mut schedule = Schedule::new(Duration::from_secs(interval), Duration::from_secs(retry));
            for _ in 0..failures {
                prop_assert!(schedule.after_failure() <= Duration::from_secs(5 * interval));
            }
        }
    }
}
