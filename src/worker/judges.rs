//! The worker's judges: claims jobs in one transaction, has a thread ask while none is open, and records in another one what was said.
//! The thread never touches Postgres, and the process never waits for it.

use std::time::{Duration, Instant};

use observa_workers::judge::{Engine, Kind, Task};
use pgrx::JsonB;
use pgrx::prelude::*;

use crate::analysis::settings;
use crate::error::{Error, or_raise};
use crate::subtransaction;
use crate::worker::process;

/// Between two looks for something to ask.
const LOOK: Duration = Duration::from_secs(1);

/// Between two looks for answers.
const ON_THE_WAY: Duration = Duration::from_millis(20);

/// Between two claims while there is work.
const CLAIM: Duration = Duration::from_millis(60);

/// Before what is locked is tried again.
const LOCKED: Duration = Duration::from_millis(250);

/// Answers that are recorded in one transaction, and unrecorded ones with which no more is asked.
const TOGETHER: usize = 50;
const MOST_UNRECORDED: usize = 256;

/// After a failure, so that one that lasts fills no log.
const RETRY: Duration = Duration::from_secs(30);

/// Between two notes of how the endpoints stand.
const NOTE: Duration = Duration::from_secs(2);

pub struct Judges {
    /// None: nobody has been asked yet.
    engine: Option<Engine>,
    /// What was noted of the endpoints last, and when.
    noted: String,
    next_note: Instant,
    /// What was said, and is not recorded yet.
    said: Vec<String>,
    next_record: Instant,
    next_claim: Instant,
    asked: u64,
}

impl Judges {
    pub fn new() -> Judges {
        Judges {
            engine: None,
            noted: String::new(),
            next_note: Instant::now(),
            said: Vec::new(),
            next_record: Instant::now(),
            next_claim: Instant::now(),
            asked: 0,
        }
    }

    /// For pg_stat_activity.
    pub fn shown(&self) -> String {
        format!("{} questions asked", self.asked)
    }

    /// Between transactions: records what was said, and asks what is due; how long the worker may wait before it does so again.
    pub fn exchange(&mut self) -> Duration {
        if !settings::is_on() && self.engine.is_none() {
            return LOOK;
        }
        if let Some(engine) = &mut self.engine {
            while let Some(report) = engine.report() {
                self.said.extend(serde_json::to_string(&report));
            }
            if !engine.is_alive() {
                self.engine = None;
            }
        }
        if !self.said.is_empty() && Instant::now() >= self.next_record {
            // What is left has its row locked by somebody.
            self.said = record(std::mem::take(&mut self.said));
            self.next_record = Instant::now() + if self.said.is_empty() { Duration::ZERO } else { LOCKED };
        }
        let free = |kind| self.engine.as_ref().map_or(1, |engine| engine.free(kind));
        let free = (free(Kind::Judge), free(Kind::Embedding));
        let has_room = self.said.len() < MOST_UNRECORDED && free.0.max(free.1) > 0;
        if has_room && Instant::now() >= self.next_claim {
            let note = self.note();
            match process::transaction(|| or_raise(claim(note.as_deref(), free))) {
                Ok(claimed) => {
                    self.ask(&claimed);
                    // While somebody is asked there may be more, or room for more, at any time.
                    let is_idle = self.engine.as_ref().is_none_or(Engine::is_idle);
                    self.next_claim = Instant::now() + if is_idle { LOOK } else { CLAIM };
                }
                Err(failure) => {
                    pgrx::warning!("observa: judges failed: {}", failure.text());
                    self.next_claim = Instant::now() + RETRY;
                }
            }
        }
        match &self.engine {
            Some(engine) if !engine.is_idle() => ON_THE_WAY,
            _ if !self.said.is_empty() => LOCKED,
            _ => self.next_claim.saturating_duration_since(Instant::now()),
        }
    }

    /// At the worker's end: what has no answer yet is another one's, and what was said is recorded.
    pub fn give_back(&mut self) {
        if let Some(engine) = self.engine.take() {
            self.said.extend(engine.stop().iter().flat_map(serde_json::to_string));
        }
        if !self.said.is_empty() {
            record(std::mem::take(&mut self.said));
        }
    }

    /// How the endpoints stand, where it is time to note it and something has changed.
    fn note(&mut self) -> Option<String> {
        let engine = self.engine.as_ref().filter(|_| Instant::now() >= self.next_note)?;
        self.next_note = Instant::now() + NOTE;
        let states = serde_json::to_string(&engine.states()).ok()?;
        (states != self.noted).then(|| {
            self.noted.clone_from(&states);
            states
        })
    }

    fn ask(&mut self, claimed: &[String]) {
        if claimed.is_empty() {
            return;
        }
        if self.engine.is_none() {
            match process::with_signals_blocked(Engine::start) {
                Ok(engine) => self.engine = Some(engine),
                Err(error) => {
                    return pgrx::warning!("observa: the thread that asks judges can't be started: {error}");
                }
            }
        }
        let Some(engine) = &mut self.engine else { return };
        let tasks: Vec<Task> = claimed.iter().filter_map(|text| serde_json::from_str(text).ok()).collect();
        self.asked += tasks.len() as u64;
        engine.take(tasks);
    }
}

/// What can't be recorded yet. What can't be recorded at all is told and left: its lease ends, and another try or the last one's end follows.
fn record(reports: Vec<String>) -> Vec<String> {
    let mut left = Vec::new();
    for some in reports.chunks(TOGETHER) {
        let recorded = process::transaction(|| {
            some.iter()
                .filter(|report| {
                    let record = "SELECT observa_internal.record_analysis($1)";
                    let one = || Ok(Spi::get_one_with_args::<bool>(record, &[report.as_str().into()])?);
                    match subtransaction::attempt(one) {
                        Ok(recorded) => recorded.is_none(),
                        Err(failure) => {
                            pgrx::warning!(
                                "observa: an answer of a judge can't be recorded: {}",
                                failure.text()
                            );
                            false
                        }
                    }
                })
                .cloned()
                .collect::<Vec<String>>()
        });
        match recorded {
            Ok(locked) => left.extend(locked),
            Err(failure) => {
                pgrx::warning!("observa: answers of judges are to be recorded again: {}", failure.text());
                left.extend_from_slice(some);
            }
        }
    }
    left
}

fn claim(note: Option<&str>, (judgements, embeddings): (usize, usize)) -> Result<Vec<String>, Error> {
    if let Some(states) = note.and_then(|note| serde_json::from_str(note).ok()) {
        Spi::run_with_args("SELECT observa_internal.record_endpoints($1)", &[JsonB(states).into()])?;
    }
    let most = |free: usize| i32::try_from(free).unwrap_or(i32::MAX);
    let arguments = [most(judgements).into(), most(embeddings).into()];
    let claimed = Spi::connect_mut(|client| {
        let rows = client.update("SELECT observa_internal.claim_analyses($1, $2)", None, &arguments)?;
        rows.map(|row| row.get::<String>(1)).collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(claimed.into_iter().flatten().collect())
}
