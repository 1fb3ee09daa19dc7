//! What follows from an answer.

use std::time::Duration;

use crate::http::{Answer, HttpError};

/// Tries of a notification: some nine minutes, if nobody asks for more patience.
pub const MOST_ATTEMPTS: i32 = 8;

/// The longest pause, whatever the server asks for.
const LONGEST: Duration = Duration::from_secs(600);

/// Too early, too slow, too much: another try may do. All other answers with 3xx or 4xx would be the same again.
const AGAIN: [u16; 3] = [408, 425, 429];

#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    Delivered,
    Again(Duration),
    Failed,
}

/// `attempts` with this one; `jitter` of 0 to 1 spreads those who failed together.
pub fn verdict(attempts: i32, outcome: &Result<Answer, HttpError>, jitter: f64) -> Verdict {
    let asked = match outcome {
        Ok(answer) if (200..300).contains(&answer.status) => return Verdict::Delivered,
        Ok(answer) if answer.status < 500 && !AGAIN.contains(&answer.status) => return Verdict::Failed,
        Ok(answer) => answer.retry_after,
        Err(HttpError::Address(_) | HttpError::NotPublic) => return Verdict::Failed,
        Err(_) => None,
    };
    if attempts >= MOST_ATTEMPTS {
        return Verdict::Failed;
    }
    let own = pause(attempts, jitter);
    Verdict::Again(asked.map_or(own, |asked| asked.max(own)).min(LONGEST))
}

/// 2, 4, 8 ... seconds, a quarter more or less.
fn pause(attempts: i32, jitter: f64) -> Duration {
    let doubled = 1_u64 << attempts.clamp(1, 16);
    Duration::from_secs(doubled).mul_f64(0.75 + jitter.clamp(0.0, 1.0) / 2.0).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answered(status: u16, retry_after: Option<u64>) -> Result<Answer, HttpError> {
        let retry_after = retry_after.map(Duration::from_secs);
        Ok(Answer { status, retry_after, content_type: None, body: Vec::new(), is_whole: true })
    }

    #[test]
    fn what_may_come_right_is_tried_again_and_nothing_else() {
        let again = |seconds| Verdict::Again(Duration::from_secs(seconds));
        for (attempts, outcome, expected) in [
            (1, answered(200, None), Verdict::Delivered),
            (8, answered(202, None), Verdict::Delivered),
            (1, answered(500, None), again(2)),
            (2, answered(503, None), again(4)),
            (7, answered(500, None), again(128)),
            (8, answered(500, None), Verdict::Failed),
            (1, answered(429, Some(30)), again(30)),
            (1, answered(429, Some(1)), again(2)),
            (1, answered(503, Some(86_400)), again(600)),
            (1, answered(408, None), again(2)),
            (1, answered(404, Some(30)), Verdict::Failed),
            (1, answered(410, None), Verdict::Failed),
            (1, answered(302, None), Verdict::Failed),
            (3, Err(HttpError::Timeout), again(8)),
            (3, Err(HttpError::UnknownHost), again(8)),
            (8, Err(HttpError::Connect), Verdict::Failed),
            (1, Err(HttpError::NotPublic), Verdict::Failed),
        ] {
            assert_eq!(verdict(attempts, &outcome, 0.5), expected, "{attempts} {outcome:?}");
        }
    }

    proptest! {
        #[test]
        fn no_pause_is_longer_than_ten_minutes_or_shorter_than_one_second(
            attempts in i32::MIN..i32::MAX, jitter in -1.0..2.0, asked in proptest::option::of(0u64..u64::MAX)
        ) {
            if let Verdict::Again(pause) = verdict(attempts, &answered(429, asked), jitter) {
                prop_assert!(pause >= Duration::from_secs(1) && pause <= LONGEST);
            }
        }
    }
}
