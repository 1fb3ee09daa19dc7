//! Whether an endpoint is to be asked: not for a while after it has failed again and again. Time is given from outside.

use std::time::{Duration, Instant};

/// Failures in a row after which it opens.
const IN_A_ROW: u32 = 5;

/// It opens, too, if more than half of so many have failed.
const WINDOW: usize = 20;

/// How long it stays open at first, and at the most, as it doubles with each probe that fails.
pub const FIRST_PAUSE: Duration = Duration::from_secs(5);
pub const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// One request's permission. What is told under one of an earlier state says nothing of the present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    era: u64,
}

/// How many may be admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    Any,
    /// The probe.
    One,
    None,
}

#[derive(Debug)]
enum State {
    Closed,
    Open { until: Instant },
    HalfOpen { is_probing: bool },
}

#[derive(Debug)]
pub struct Breaker {
    state: State,
    /// Grows with each change of state.
    era: u64,
    /// Of the next opening.
    pause: Duration,
    in_a_row: u32,
    /// The last ones, a bit each: 1 is a failure.
    window: u32,
    seen: usize,
}

impl Default for Breaker {
    fn default() -> Breaker {
        Breaker { state: State::Closed, era: 0, pause: FIRST_PAUSE, in_a_row: 0, window: 0, seen: 0 }
    }
}

impl Breaker {
    pub fn room(&self, now: Instant) -> Room {
        match self.state {
            State::Closed => Room::Any,
            State::Open { until } if now < until => Room::None,
            State::HalfOpen { is_probing: true } => Room::None,
            State::Open { .. } | State::HalfOpen { is_probing: false } => Room::One,
        }
    }

    /// Lets one through, or not.
    pub fn admit(&mut self, now: Instant) -> Option<Permit> {
        match self.room(now) {
            Room::None => return None,
            Room::One => self.become_state(State::HalfOpen { is_probing: true }),
            Room::Any => {}
        }
        Some(Permit { era: self.era })
    }

    pub fn success(&mut self, permit: Permit) {
        if permit.era != self.era {
            return;
        }
        match self.state {
            State::HalfOpen { .. } => {
                let era = self.era + 1;
                *self = Breaker { era, ..Breaker::default() };
            }
            State::Closed => self.remember(false),
            State::Open { .. } => {}
        }
    }

    pub fn failure(&mut self, permit: Permit, now: Instant) {
        if permit.era != self.era {
            return;
        }
        match self.state {
            State::HalfOpen { .. } => self.open(now),
            State::Closed => {
                self.remember(true);
                let failed = self.window.count_ones() as usize;
                if self.in_a_row >= IN_A_ROW || self.seen >= WINDOW && failed * 2 > WINDOW {
                    self.open(now);
                }
            }
            State::Open { .. } => {}
        }
    }

    /// One that ended without saying anything of the endpoint.
    pub fn release(&mut self, permit: Permit) {
        if permit.era == self.era && matches!(self.state, State::HalfOpen { .. }) {
            self.become_state(State::HalfOpen { is_probing: false });
        }
    }

    pub fn failures_in_row(&self) -> u32 {
        self.in_a_row
    }

    pub fn name(&self, now: Instant) -> &'static str {
        match self.state {
            State::Closed => "closed",
            State::Open { until } if now < until => "open",
            State::Open { .. } | State::HalfOpen { .. } => "half_open",
        }
    }

    /// None: it is not open.
    pub fn opens_in(&self, now: Instant) -> Option<Duration> {
        match self.state {
            State::Open { until } => until.checked_duration_since(now).filter(|left| !left.is_zero()),
            _ => None,
        }
    }

    fn open(&mut self, now: Instant) {
        self.in_a_row = self.in_a_row.max(IN_A_ROW);
        self.become_state(State::Open { until: now + self.pause });
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    fn become_state(&mut self, state: State) {
        self.state = state;
        self.era += 1;
    }

    fn remember(&mut self, is_failure: bool) {
        self.in_a_row = if is_failure { self.in_a_row.saturating_add(1) } else { 0 };
        self.window = (self.window << 1 | u32::from(is_failure)) & ((1 << WINDOW) - 1);
        self.seen = (self.seen + 1).min(WINDOW);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn fail(breaker: &mut Breaker, now: Instant) {
        let permit = breaker.admit(now).unwrap();
        breaker.failure(permit, now);
    }

    #[test]
    fn it_opens_after_five_in_a_row_and_lets_one_through_later() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        for _ in 0..4 {
            fail(&mut breaker, start);
            assert_eq!(breaker.name(start), "closed");
        }
        fail(&mut breaker, start);
        assert_eq!((breaker.name(start), breaker.admit(start)), ("open", None));
        assert_eq!(breaker.opens_in(start), Some(FIRST_PAUSE));

        let later = start + FIRST_PAUSE;
        assert_eq!(breaker.room(later), Room::One);
        let probe = breaker.admit(later).unwrap();
        assert_eq!((breaker.name(later), breaker.admit(later)), ("half_open", None));
        breaker.failure(probe, later);
        assert_eq!(breaker.opens_in(later), Some(FIRST_PAUSE * 2));

        let later = later + FIRST_PAUSE * 2;
        let probe = breaker.admit(later).unwrap();
        breaker.release(probe);
        assert_eq!(breaker.room(later), Room::One, "it said nothing, another may ask");
        let probe = breaker.admit(later).unwrap();
        breaker.success(probe);
        assert_eq!((breaker.room(later), breaker.failures_in_row()), (Room::Any, 0));
    }

    #[test]
    fn it_opens_when_more_than_half_of_twenty_have_failed() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        // Three of four fail, never five in a row.
        for turn in 0..20 {
            assert_eq!(breaker.name(now), "closed", "{turn}");
            let permit = breaker.admit(now).unwrap();
            if turn % 4 == 0 { breaker.success(permit) } else { breaker.failure(permit, now) }
        }
        assert_eq!(breaker.name(now), "open");

        let mut breaker = Breaker::default();
        for turn in 0..200 {
            let permit = breaker.admit(now).unwrap();
            if turn % 2 == 0 { breaker.success(permit) } else { breaker.failure(permit, now) }
        }
        assert_eq!(breaker.name(now), "closed", "half is not more than half");
    }

    #[test]
    fn what_was_asked_before_it_opened_does_not_count_afterwards() {
        let (mut breaker, start) = (Breaker::default(), Instant::now());
        let early: Vec<Permit> = (0..11).filter_map(|_| breaker.admit(start)).collect();
        for permit in &early[..8] {
            breaker.failure(*permit, start);
        }
        assert_eq!(breaker.opens_in(start), Some(FIRST_PAUSE), "it opened once");
        let later = start + FIRST_PAUSE;
        let probe = breaker.admit(later).unwrap();
        breaker.success(early[8]);
        breaker.release(early[9]);
        breaker.failure(early[10], later);
        assert_eq!((breaker.name(later), breaker.room(later)), ("half_open", Room::None));
        breaker.success(probe);
        assert_eq!(breaker.name(later), "closed");
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Admit,
        Tell { which: usize, what: u8 },
        Wait(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => Just(Step::Admit),
            4 => (0_usize..64, 0_u8..3).prop_map(|(which, what)| Step::Tell { which, what }),
            1 => (0_u64..400_000).prop_map(Step::Wait),
        ];
        proptest::collection::vec(step, 0..400)
    }

    proptest! {
        #[test]
        fn an_open_one_admits_nobody_and_a_half_open_one_a_single_probe(steps in steps()) {
            let (mut breaker, mut now) = (Breaker::default(), Instant::now());
            let mut out: Vec<Permit> = Vec::new();
            for step in steps {
                match step {
                    Step::Wait(ms) => now += Duration::from_millis(ms),
                    Step::Admit => {
                        let (name, room) = (breaker.name(now), breaker.room(now));
                        let permit = breaker.admit(now);
                        prop_assert_eq!(permit.is_some(), room != Room::None);
                        prop_assert!(name != "open" || permit.is_none());
                        if name == "half_open" {
                            prop_assert_eq!(breaker.room(now), Room::None, "one probe at a time");
                        }
                        out.extend(permit);
                    }
                    Step::Tell { which, what } if !out.is_empty() => {
                        let permit = out.remove(which % out.len());
                        let before = breaker.name(now);
                        match what {
                            0 => breaker.success(permit),
                            1 => breaker.failure(permit, now),
                            _ => breaker.release(permit),
                        }
                        let after = breaker.name(now);
                        prop_assert!(before != "open" || after == "open", "an open one waits");
                        prop_assert!(after == before || what != 2, "nothing said, nothing changed");
                    }
                    Step::Tell { .. } => {}
                }
                if let Some(left) = breaker.opens_in(now) {
                    prop_assert!(left <= LONGEST_PAUSE);
                }
            }
            // However it came about: it always lets somebody through in the end, if nobody is out.
            for permit in out.drain(..) {
                breaker.release(permit);
            }
            prop_assert!(breaker.admit(now + LONGEST_PAUSE).is_some());
        }

        #[test]
        fn each_pause_doubles_up_to_five_minutes_and_success_begins_anew(probes in 0_u32..12) {
            let (mut breaker, mut now) = (Breaker::default(), Instant::now());
            for _ in 0..IN_A_ROW {
                fail(&mut breaker, now);
            }
            for turn in 0..probes {
                let pause = breaker.opens_in(now).unwrap();
                prop_assert_eq!(pause, (FIRST_PAUSE * 2_u32.pow(turn)).min(LONGEST_PAUSE));
                prop_assert!(breaker.admit(now + pause - Duration::from_millis(1)).is_none());
                now += pause;
                fail(&mut breaker, now);
            }
            now += LONGEST_PAUSE;
            let probe = breaker.admit(now).unwrap();
            breaker.success(probe);
            for _ in 0..IN_A_ROW {
                fail(&mut breaker, now);
            }
            prop_assert_eq!(breaker.opens_in(now), Some(FIRST_PAUSE));
        }
    }
}
