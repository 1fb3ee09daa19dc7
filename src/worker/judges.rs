//! The worker's judges: claims jobs in one transaction, has a thread ask while none is open, and records in another one what was said.
//! The thread never touches Postgres, and the process never waits for it.

use std::time::{Duration, Instant};

use observa_workers::judge::{Engine, Kind, Task};
use pgrx::JsonB;
use pgrx::prelude::*;

use crate::analysis::settings;
use crate::error::{Error, or_raise};
use crate::worker::process;

/// Between two looks for something to ask.
const LOOK: Duration = Duration::from_secs(1);

/// Between two looks for answers.
const ON_THE_WAY: Duration = Duration::from_millis(20);

/// After a failure, so that one that lasts fills no log.
const RETRY: Duration = Duration::from_secs(30);

/// Between two notes of how the endpoints stand.
const NOTE: Duration = Duration::from_secs(2);

pub struct Judges {
    /// None: nobody has been asked yet.
    engine: Option<Engine>,
    next_look: Instant,
    /// What was noted of the endpoints last, and when.
    noted: String,
    next_note: Instant,
    asked: u64,
}

impl Judges {
    pub fn new() -> Judges {
        Judges {
            engine: None,
            next_look: Instant::now(),
            noted: String::new(),
            next_note: Instant::now(),
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
        let mut reports = Vec::new();
        if let Some(engine) = &mut self.engine {
            while let Some(report) = engine.report() {
                reports.extend(serde_json::to_string(&report));
            }
            if !engine.is_alive() {
                self.engine = None;
            }
        }
        let has_news = !reports.is_empty();
        record(&reports);
        if has_news || Instant::now() >= self.next_look {
            let free = |kind| self.engine.as_ref().map_or(1, |engine| engine.free(kind));
            let free = (free(Kind::Judge), free(Kind::Embedding));
            let note = self.note();
            match process::transaction(|| or_raise(claim(note.as_deref(), free))) {
                Ok(claimed) => {
                    // There may be more.
                    self.next_look = Instant::now() + if claimed.is_empty() { LOOK } else { ON_THE_WAY };
                    self.ask(&claimed);
                }
                Err(failure) => {
                    pgrx::warning!("observa: judges failed: {}", failure.text());
                    self.next_look = Instant::now() + RETRY;
                }
            }
        }
        match &self.engine {
            Some(engine) if !engine.is_idle() => ON_THE_WAY,
            _ => self.next_look.saturating_duration_since(Instant::now()),
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

/// All together, and where one can't be recorded each by itself: its lease ends, and another try or the last one's end follows.
fn record(reports: &[String]) {
    let all = |reports: &[String]| {
        process::transaction(|| {
            for report in reports {
                let record = "SELECT observa_internal.record_analysis($1)";
                or_raise(Spi::run_with_args(record, &[report.as_str().into()]).map_err(Error::Spi));
            }
        })
    };
    if reports.is_empty() || all(reports).is_ok() {
        return;
    }
    for report in reports.chunks(1) {
        if let Err(failure) = all(report) {
            pgrx::warning!("observa: an answer of a judge can't be recorded: {}", failure.text());
        }
    }
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
