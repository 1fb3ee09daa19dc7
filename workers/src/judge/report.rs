//! What became of a task, for the queue.

use std::time::Duration;

use serde::Serialize;

use super::task::Task;
use super::verdict::Verdict;

/// Tries of a task whose failure may pass.
pub const MOST_ATTEMPTS: i32 = 4;

#[derive(Clone, Debug, Serialize)]
pub struct Report {
    pub tenant_id: String,
    pub id: String,
    pub lease: String,
    /// done, queued or failed.
    pub state: &'static str,
    /// Until the next try.
    pub retry_seconds: Option<f64>,
    /// False: this attempt is not to be counted, as it says nothing of the task.
    pub counts: bool,
    /// Says nothing of key, address or payload.
    pub error: Option<String>,
    pub verdict: Option<Verdict>,
    pub embedding: Option<Vec<f32>>,
    /// What the model said, where it could not be understood: 4 kB of it at the most.
    pub answer: Option<String>,
    /// None: nobody was asked, or no answer told.
    pub usage: Option<Usage>,
    /// As the endpoint names it.
    pub model: Option<String>,
    /// From the first request's beginning to the last answer's end; 0 without a request.
    pub latency_ms: f64,
}

/// Tokens of all calls of a task.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Those from the cache included.
    pub input: i64,
    pub output: i64,
    pub cached_input: i64,
    /// Requests sent, answered or not.
    pub calls: i32,
}

impl Usage {
    pub fn add(&mut self, other: Usage) {
        self.input = self.input.saturating_add(other.input);
        self.output = self.output.saturating_add(other.output);
        self.cached_input = self.cached_input.saturating_add(other.cached_input);
        self.calls = self.calls.saturating_add(other.calls);
    }

    pub fn told(self) -> Option<Usage> {
        (self != Usage::default()).then_some(self)
    }
}

/// Whose report it is, kept while the task itself is under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stub {
    pub tenant_id: String,
    pub id: String,
    pub lease: String,
    pub attempts: i32,
}

impl Stub {
    pub fn of(task: &Task) -> Stub {
        Stub {
            tenant_id: task.tenant_id.clone(),
            id: task.id.clone(),
            lease: task.lease.clone(),
            attempts: task.attempts,
        }
    }

    pub fn done(&self) -> Report {
        Report {
            tenant_id: self.tenant_id.clone(),
            id: self.id.clone(),
            lease: self.lease.clone(),
            state: "done",
            retry_seconds: None,
            counts: true,
            error: None,
            verdict: None,
            embedding: None,
            answer: None,
            usage: None,
            model: None,
            latency_ms: 0.0,
        }
    }

    /// It would be the same again.
    pub fn failed(&self, error: impl Into<String>) -> Report {
        Report { state: "failed", error: Some(error.into()), ..self.done() }
    }

    /// It may pass: again after 2, 4 and 8 s, a quarter more or less, and then no more. `jitter` of 0 to 1.
    pub fn again(&self, error: impl Into<String>, jitter: f64) -> Report {
        if self.attempts >= MOST_ATTEMPTS {
            return self.failed(error);
        }
        let doubled = f64::from(1 << self.attempts.clamp(1, MOST_ATTEMPTS));
        let seconds = doubled * (0.75 + jitter.clamp(0.0, 1.0) / 2.0);
        Report { state: "queued", retry_seconds: Some(seconds), error: Some(error.into()), ..self.done() }
    }

    /// It was not the task's turn.
    pub fn back(&self, error: impl Into<String>, pause: Duration) -> Report {
        Report {
            state: "queued",
            retry_seconds: Some(pause.as_secs_f64()),
            counts: false,
            error: Some(error.into()),
            ..self.done()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_pass_is_tried_four_times() {
        let told = |attempts| {
            let stub = Stub { tenant_id: "t".into(), id: "i".into(), lease: "l".into(), attempts };
            let report = stub.again("e", 0.5);
            (report.state, report.retry_seconds, report.counts)
        };
        assert_eq!(told(1), ("queued", Some(2.0), true));
        assert_eq!(told(2), ("queued", Some(4.0), true));
        assert_eq!(told(3), ("queued", Some(8.0), true));
        assert_eq!(told(4), ("failed", None, true));
        assert_eq!(told(i32::MIN), ("queued", Some(2.0), true));
    }
}
