//! One request to an endpoint, again with less where it does not take all of it, and what follows from the answer.

use std::time::{Duration, Instant};

use super::gate::{Effect, KEY_WAIT, LONGEST_WAIT};
use super::habits::{Habits, code};
use super::report::{Report, Stub, Usage};
use crate::http::{Answer, Client, HttpError};

/// All that a task's requests need, and what they have cost so far.
pub struct Call {
    pub client: Client,
    pub url: String,
    pub key: Option<String>,
    pub is_key_proven: bool,
    pub habits: Habits,
    /// Of all requests together.
    pub deadline: Instant,
    pub spent: Usage,
}

/// Why there is no answer, and what that means for the task.
#[derive(Debug, PartialEq, Eq)]
pub struct Trouble {
    pub fate: Fate,
    pub error: String,
    pub effect: Effect,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// It may pass.
    Again,
    /// It would be the same again.
    Failed,
    /// The endpoint does not take what was sent: among several tasks it may be one that it does not take.
    Refused,
    /// It says nothing of the task.
    Back(Duration),
}

impl Trouble {
    pub fn passing(error: impl Into<String>) -> Trouble {
        let error = error.into();
        Trouble { fate: Fate::Again, effect: Effect::Failure(error.clone()), error }
    }

    pub fn report(&self, stub: &Stub) -> Report {
        match self.fate {
            Fate::Again => stub.again(self.error.as_str(), fastrand::f64()),
            Fate::Failed | Fate::Refused => stub.failed(self.error.as_str()),
            Fate::Back(pause) => stub.back(self.error.as_str(), pause),
        }
    }
}

impl Call {
    /// A whole answer in JSON, by its status and type.
    pub async fn ask(&mut self, body: impl Fn(Habits) -> Vec<u8>) -> Result<Vec<u8>, Trouble> {
        let headers: Vec<_> = self.key.iter().map(|key| ("authorization", format!("Bearer {key}"))).collect();
        loop {
            self.spent.calls += 1;
            let left = self.deadline.saturating_duration_since(Instant::now());
            let sent = self.client.post(&self.url, &headers, body(self.habits));
            let outcome = tokio::time::timeout(left, sent).await.unwrap_or(Err(HttpError::Timeout));
            if let Ok(Answer { status: 400 | 422, body, .. }) = &outcome
                && let Some(less) = self.habits.after(body)
            {
                self.habits = less;
                continue;
            }
            return judge(outcome, self.is_key_proven);
        }
    }
}

fn judge(outcome: Result<Answer, HttpError>, is_key_proven: bool) -> Result<Vec<u8>, Trouble> {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(error @ (HttpError::Address(_) | HttpError::NotPublic | HttpError::Setup)) => {
            return Err(broken(error.to_string()));
        }
        Err(error) => return Err(Trouble::passing(error.to_string())),
    };
    let told = || match code(&answer.body) {
        Some(code) => format!("the answer was {} ({code})", answer.status),
        None => format!("the answer was {}", answer.status),
    };
    match answer.status {
        200..=299 if !answer.is_whole => Err(Trouble::passing("the answer is too long")),
        200..=299 if answer.content_type.as_ref().is_some_and(|kind| !kind.contains("json")) => {
            Err(Trouble::passing("the answer is of another type than JSON"))
        }
        200..=299 => Ok(answer.body),
        300..=399 => Err(broken("it was redirected, which is not followed".into())),
        429 => Err(busy(answer.retry_after, told())),
        // Overloaded, with or without a word of how long.
        503 | 529 if answer.retry_after.is_some() => Err(busy(answer.retry_after, told())),
        // A key that was taken before is refused for what this task has in it, or it has been closed: the breaker tells.
        403 if is_key_proven => Err(Trouble::passing(told())),
        401..=403 | 407 => {
            let error = format!("the endpoint does not take the key: {}", told());
            Err(Trouble { fate: Fate::Back(KEY_WAIT), effect: Effect::Locked(error.clone()), error })
        }
        // It can be reached and understands us: other tasks may do.
        400 | 413 | 422 => Err(Trouble { fate: Fate::Refused, error: told(), effect: Effect::Well }),
        408 | 409 | 425 | 500.. => Err(Trouble::passing(told())),
        _ => Err(broken(told())),
    }
}

/// It is no endpoint, or has no such model. A failure for the breaker, too: else a mistake in a setting would fail a day's tasks in a minute.
fn broken(error: String) -> Trouble {
    Trouble { fate: Fate::Failed, effect: Effect::Failure(error.clone()), error }
}

fn busy(asked: Option<Duration>, error: String) -> Trouble {
    let pause = asked.unwrap_or(Duration::from_secs(2)).clamp(Duration::from_secs(1), LONGEST_WAIT);
    Trouble { fate: Fate::Back(pause), effect: Effect::Busy(asked, error.clone()), error }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::AddressError;

    fn answer(status: u16) -> Answer {
        let content_type = Some("application/json".to_owned());
        Answer { status, retry_after: None, content_type, body: b"{}".to_vec(), is_whole: true }
    }

    #[test]
    fn each_answer_has_its_consequence_for_the_task_and_for_the_endpoint() {
        let after = |status| Answer { retry_after: Some(Duration::from_secs(9)), ..answer(status) };
        let fate = |outcome, proven| judge(outcome, proven).map_err(|trouble| (trouble.fate, trouble.effect));
        let (again, failed, refused) = (
            |e: &str| (Fate::Again, Effect::Failure(e.into())),
            |e: &str| (Fate::Failed, Effect::Failure(e.into())),
            (Fate::Refused, Effect::Well),
        );
        let nine = Duration::from_secs(9);
        for (outcome, expected) in [
            (Ok(answer(500)), again("the answer was 500")),
            (Ok(answer(503)), again("the answer was 503")),
            (Ok(answer(408)), again("the answer was 408")),
            (Ok(Answer { is_whole: false, ..answer(200) }), again("the answer is too long")),
            (
                Ok(Answer { content_type: Some("text/html".into()), ..answer(200) }),
                again("the answer is of another type than JSON"),
            ),
            (Err(HttpError::Timeout), again("it took too long")),
            (Err(HttpError::UnknownHost), again("the host's name is not known")),
            (Ok(answer(404)), failed("the answer was 404")),
            (Ok(answer(302)), failed("it was redirected, which is not followed")),
            (Err(HttpError::NotPublic), failed("the host's name leads to no public address")),
            (Err(HttpError::Address(AddressError::Scheme)), failed("the address must begin with https://")),
            (Ok(answer(400)), refused),
            (
                Ok(answer(429)),
                (Fate::Back(Duration::from_secs(2)), Effect::Busy(None, "the answer was 429".into())),
            ),
            (Ok(after(429)), (Fate::Back(nine), Effect::Busy(Some(nine), "the answer was 429".into()))),
            (Ok(after(503)), (Fate::Back(nine), Effect::Busy(Some(nine), "the answer was 503".into()))),
            (
                Ok(answer(401)),
                (
                    Fate::Back(KEY_WAIT),
                    Effect::Locked("the endpoint does not take the key: the answer was 401".into()),
                ),
            ),
        ] {
            let shown = format!("{outcome:?}");
            assert_eq!(fate(outcome, true), Err(expected), "{shown}");
        }
        assert_eq!(fate(Ok(answer(200)), false), Ok(b"{}".to_vec()));
        assert_eq!(fate(Ok(answer(403)), true), Err(again("the answer was 403")));
        assert!(matches!(fate(Ok(answer(403)), false), Err((Fate::Back(_), Effect::Locked(_)))));
    }
}
