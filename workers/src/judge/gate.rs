//! Whether an endpoint is to be asked now, seen by the thread that asks and by whoever hands it tasks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::breaker::{Breaker, Permit, Room};
use super::task::{EndpointConfig, Kind, Task};

/// The longest that an endpoint is left alone because it asks for it.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// How long a key that was refused is not tried again.
pub const KEY_WAIT: Duration = Duration::from_secs(60);

/// How long one that can't be read is not looked for.
pub const NO_KEY_WAIT: Duration = Duration::from_secs(10);

/// Calls at once, before a task has said how many.
const USUAL_CONCURRENCY: usize = 16;

/// What a call says of its endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    Well,
    /// Nothing, as it was not asked.
    Nothing,
    Failure(String),
    /// It asks to wait, perhaps for how long.
    Busy(Option<Duration>, String),
    /// It does not take the key.
    Locked(String),
}

/// An endpoint and what is asked of it. Another key has limits of its own.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    pub kind: Kind,
    pub url: String,
    /// Where its key is from.
    pub key: [Option<String>; 2],
}

impl Address {
    pub fn of(task: &Task) -> Address {
        let EndpointConfig { url, key_file, key_env, .. } = &task.endpoint;
        Address { kind: task.kind(), url: url.clone(), key: [key_file.clone(), key_env.clone()] }
    }
}

/// For people.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EndpointState {
    pub kind: Kind,
    /// Scheme, host and port.
    pub host: String,
    /// closed, open or half_open.
    pub state: &'static str,
    pub failures_in_row: u32,
    /// Until it is asked again. NULL: it is asked now.
    pub retry_in_s: Option<f64>,
    /// Calls.
    pub in_flight: usize,
    /// NULL: the last call went well. Says nothing of key, address or payload.
    pub last_error: Option<String>,
}

#[derive(Default)]
pub struct Gate {
    breaker: Breaker,
    paused_until: Option<Instant>,
    /// Pauses since it last went well.
    waits: u32,
    in_flight: usize,
    last_error: Option<String>,
}

impl Gate {
    /// How long nobody gets through; None: somebody does now.
    pub fn closed_for(&self, now: Instant) -> Option<Duration> {
        let pause = self.paused_until.and_then(|until| until.checked_duration_since(now));
        let pause = pause.filter(|left| !left.is_zero()).max(self.breaker.opens_in(now));
        // Somebody probes: soon it is known.
        pause.or_else(|| (self.breaker.room(now) == Room::None).then_some(Duration::from_secs(1)))
    }

    pub fn last_error(&self) -> &str {
        self.last_error.as_deref().unwrap_or("the endpoint is being tried")
    }

    pub fn admit(&mut self, now: Instant) -> Option<Permit> {
        if self.closed_for(now).is_some() {
            return None;
        }
        let permit = self.breaker.admit(now)?;
        self.in_flight += 1;
        Some(permit)
    }

    pub fn settle(&mut self, permit: Permit, effect: Effect, now: Instant) {
        self.in_flight = self.in_flight.saturating_sub(1);
        match effect {
            Effect::Well => {
                self.breaker.success(permit);
                // One that was asked before it asked to wait says nothing of that.
                if self.closed_for(now).is_none() {
                    (self.waits, self.last_error) = (0, None);
                }
            }
            Effect::Nothing => self.breaker.release(permit),
            Effect::Failure(error) => {
                self.breaker.failure(permit, now);
                self.last_error = Some(error);
            }
            Effect::Busy(asked, error) => {
                self.breaker.release(permit);
                self.wait(asked, error, now);
            }
            Effect::Locked(error) => {
                self.breaker.release(permit);
                self.pause(KEY_WAIT, error, now);
            }
        }
    }

    pub fn pause(&mut self, pause: Duration, error: String, now: Instant) {
        self.paused_until = self.paused_until.max(Some(now + pause));
        self.last_error = Some(error);
    }

    /// As long as it asks for, else 2, 4, 8 s and so on. Those that were under way together count once.
    fn wait(&mut self, asked: Option<Duration>, error: String, now: Instant) {
        let is_paused = self.paused_until.is_some_and(|until| now < until);
        if !is_paused {
            self.waits = self.waits.saturating_add(1);
        }
        let own = Duration::from_secs(1 << self.waits.clamp(1, 9));
        let pause = asked.map_or(own, |asked| asked.max(Duration::from_secs(1))).min(LONGEST_WAIT);
        if asked.is_some() || !is_paused {
            self.pause(pause, error, now);
        }
    }

    fn state(&self, address: &Address, now: Instant) -> EndpointState {
        EndpointState {
            kind: address.kind,
            host: super::endpoint::shown(&address.url),
            state: self.breaker.name(now),
            failures_in_row: self.breaker.failures_in_row(),
            retry_in_s: self.closed_for(now).map(|left| left.as_secs_f64()),
            in_flight: self.in_flight,
            last_error: self.last_error.clone(),
        }
    }
}

#[derive(Default)]
struct Board {
    gates: HashMap<Address, Gate>,
    /// The endpoint of the last task of each kind, and its concurrency.
    last: HashMap<Kind, (Address, usize)>,
}

/// All gates. Its lock is held for moments.
#[derive(Clone, Default)]
pub struct Gates {
    board: Arc<Mutex<Board>>,
}

impl Gates {
    fn lock(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn prepare(&self, address: &Address, concurrency: usize) {
        let mut board = self.lock();
        board.last.insert(address.kind, (address.clone(), concurrency));
        board.gates.entry(address.clone()).or_default();
    }

    pub fn forget(&self, address: &Address) {
        let mut board = self.lock();
        if !board.last.values().any(|(last, _)| last == address) {
            board.gates.remove(address);
        }
    }

    pub fn with<T>(&self, address: &Address, act: impl FnOnce(&mut Gate) -> T) -> T {
        act(self.lock().gates.entry(address.clone()).or_default())
    }

    /// How many tasks of a kind are taken now, by who holds so many. `full` is how many there may be for a concurrency.
    pub fn free(&self, kind: Kind, held: usize, full: impl Fn(usize) -> usize) -> usize {
        let board = self.lock();
        let Some((address, concurrency)) = board.last.get(&kind) else {
            return full(USUAL_CONCURRENCY).saturating_sub(held);
        };
        let Some(gate) = board.gates.get(address) else { return full(*concurrency).saturating_sub(held) };
        let now = Instant::now();
        match gate.breaker.room(now) {
            _ if gate.closed_for(now).is_some() => 0,
            Room::Any => full(*concurrency).saturating_sub(held),
            Room::One => usize::from(held == 0),
            Room::None => 0,
        }
    }

    pub fn states(&self) -> Vec<EndpointState> {
        let now = Instant::now();
        let mut states: Vec<EndpointState> =
            self.lock().gates.iter().map(|(address, gate)| gate.state(address, now)).collect();
        states.sort_by(|a, b| (a.kind as u8, &a.host).cmp(&(b.kind as u8, &b.host)));
        states
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn busy(gate: &mut Gate, asked: Option<u64>, now: Instant) {
        let permit = gate.breaker.admit(now).unwrap();
        gate.in_flight += 1;
        gate.settle(permit, Effect::Busy(asked.map(Duration::from_secs), "busy".into()), now);
    }

    #[test]
    fn an_endpoint_is_left_alone_as_long_as_it_asks_for_and_five_minutes_at_most() {
        let (mut gate, now) = (Gate::default(), Instant::now());
        busy(&mut gate, Some(7), now);
        assert_eq!((gate.closed_for(now), gate.admit(now)), (Some(SECOND * 7), None));
        assert!(gate.admit(now + SECOND * 7).is_some());
        busy(&mut gate, Some(86_400), now);
        assert_eq!(gate.closed_for(now), Some(LONGEST_WAIT));
        let mut gate = Gate::default();
        busy(&mut gate, Some(0), now);
        assert_eq!(gate.closed_for(now), Some(SECOND));
    }

    #[test]
    fn without_a_word_pauses_double_and_those_who_failed_together_count_once() {
        let (mut gate, mut now) = (Gate::default(), Instant::now());
        for expected in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            for _ in 0..64 {
                busy(&mut gate, None, now);
            }
            assert_eq!(gate.closed_for(now), Some(SECOND * expected));
            now += SECOND * expected;
        }
        let permit = gate.admit(now).unwrap();
        gate.settle(permit, Effect::Well, now);
        busy(&mut gate, None, now);
        assert_eq!(gate.closed_for(now), Some(SECOND * 2), "it went well in between");
        assert_eq!(gate.breaker.name(now), "closed", "busy is not broken");
    }

    #[test]
    fn what_is_free_follows_the_gate() {
        let gates = Gates::default();
        let address = Address { kind: Kind::Judge, url: "https://x/v1".into(), key: [None, None] };
        let free = |held| gates.free(Kind::Judge, held, |concurrency| concurrency * 2);
        assert_eq!((free(0), free(30), free(40)), (32, 2, 0), "before the first task");
        gates.prepare(&address, 3);
        assert_eq!((free(0), free(5), free(6)), (6, 1, 0));
        let long_ago = Instant::now() - SECOND * 60;
        for _ in 0..5 {
            gates.with(&address, |gate| {
                let permit = gate.admit(long_ago).unwrap();
                gate.settle(permit, Effect::Failure("f".into()), long_ago);
            });
        }
        assert_eq!((free(0), free(1)), (1, 0), "half open");
        let probe = gates.with(&address, |gate| gate.admit(Instant::now())).unwrap();
        assert_eq!(free(0), 0, "it is being tried");
        gates.with(&address, |gate| gate.settle(probe, Effect::Failure("f".into()), Instant::now()));
        assert_eq!(free(0), 0, "open");
        let [state] = &gates.states()[..] else { panic!() };
        assert_eq!((state.state, state.host.as_str(), state.in_flight), ("open", "https://x", 0));
        assert!(state.retry_in_s.is_some_and(|left| left > 5.0 && left <= 10.0), "{state:?}");
    }
}
