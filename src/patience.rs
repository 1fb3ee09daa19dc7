//! Upkeep that does not insist on a lock: what waits for one makes everybody who comes later wait behind it.

use std::time::{Duration, Instant};

use crate::error::Error;
use crate::settings;
use crate::subtransaction;

/// How long a try waits for a lock, and with it those who come behind.
const WAIT: &std::ffi::CStr = c"100ms";

/// Between two tries, in which those who waited get on.
const PAUSE: Duration = Duration::from_millis(50);

/// Of a whole round. What a round has made is locked to its end, so an ingest may wait as long for it.
const ROUND: Duration = Duration::from_millis(700);

/// Of an explicit call, which tries for so long and then says what it could not do.
const CALL: Duration = Duration::from_secs(5);

/// What a round may still take, and what it has left to the next.
pub struct Patience {
    /// None: it waits as long as it takes.
    until: Option<Instant>,
    pub postponed: Vec<String>,
    /// Somebody has asked for the round and waits for it: what failed is tried again at once.
    pub is_asked_for: bool,
}

impl Patience {
    pub fn endless() -> Patience {
        Patience { until: None, postponed: Vec::new(), is_asked_for: false }
    }

    pub fn of_a_round() -> Patience {
        Patience::of_a_round_since(Instant::now())
    }

    pub fn of_a_round_asked_for() -> Patience {
        Patience { is_asked_for: true, ..Patience::of_a_round() }
    }

    /// For what holds locks since then, to its end.
    pub fn of_a_round_since(begun: Instant) -> Patience {
        Patience { until: Some(begun + ROUND), postponed: Vec::new(), is_asked_for: false }
    }

    pub fn of_a_call() -> Patience {
        Patience { until: Some(Instant::now() + CALL), postponed: Vec::new(), is_asked_for: false }
    }

    /// After what took long and holds nothing that others wait for: what follows has a whole round's time.
    pub fn begin_again(&mut self) {
        self.until = self.until.map(|_| Instant::now() + ROUND);
    }

    /// Runs what needs locks. None: they were not to be had in time, nothing of it has happened, and `what` is postponed.
    pub fn run<T>(&mut self, what: &str, run: impl Fn() -> Result<T, Error>) -> Result<Option<T>, Error> {
        let Some(until) = self.until else { return run().map(Some) };
        while Instant::now() < until {
            let done = subtransaction::unless_locked(|| settings::with(c"lock_timeout", WAIT, &run))?;
            if done.is_some() {
                return Ok(done);
            }
            std::thread::sleep(PAUSE);
            pgrx::check_for_interrupts!();
        }
        self.postponed.push(what.to_owned());
        Ok(None)
    }
}
