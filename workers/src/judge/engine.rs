//! The thread that judges, as whoever works on the database sees it: it is handed tasks, and asked later what became of them.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::desk::{self, Desk, Event, MOST_CONCURRENCY};
use super::gate::{EndpointState, Gates};
use super::report::{Report, Stub};
use super::task::{Kind, Task};

/// Tasks that are held, of all kinds: bounds memory and channels.
const MOST_HELD: usize = 1_024;

/// Embeddings that are held at least: one call takes 64.
const EMBEDDINGS: usize = 128;

/// Look-ups of names at once.
const LOOK_UPS: usize = 16;

/// How long the thread may take to end.
const ENDING: Duration = Duration::from_millis(700);

/// A task's id and lease.
type Name = (String, String);

pub struct Engine {
    events: mpsc::Sender<Event>,
    done: Receiver<Report>,
    gates: Gates,
    held: HashMap<Name, (Stub, Kind)>,
    /// What was not taken.
    back: VecDeque<Report>,
    /// Dropped, it ends the thread.
    _running: oneshot::Sender<()>,
}

impl Engine {
    /// Starts the thread. It inherits which signals are blocked.
    pub fn start() -> io::Result<Engine> {
        // A task comes in once and back twice at most, on its own and with others.
        let (events, received) = mpsc::channel(MOST_HELD * 2);
        let (tell, done) = sync_channel(MOST_HELD);
        let (running, stop) = oneshot::channel();
        let gates = Gates::default();
        let desk = Desk {
            events: received,
            back: events.clone(),
            tell,
            gates: gates.clone(),
            endpoints: HashMap::new(),
        };
        thread::Builder::new().name("observa judge".into()).spawn(move || run(desk, stop))?;
        Ok(Engine { events, done, gates, held: HashMap::new(), back: VecDeque::new(), _running: running })
    }

    /// How many tasks it takes now: none while the endpoint is left alone, one while it is tried, else what makes up twice its concurrency.
    pub fn free(&self, kind: Kind) -> usize {
        let held = self.held.values().filter(|(_, own)| *own == kind).count();
        let full = |concurrency: usize| {
            let twice = concurrency.clamp(1, MOST_CONCURRENCY) * 2;
            if kind == Kind::Embedding { twice.max(EMBEDDINGS) } else { twice }
        };
        self.gates.free(kind, held, full).min(MOST_HELD.saturating_sub(self.held.len()))
    }

    /// Without waiting. What it has no room for is reported as queued.
    pub fn take(&mut self, tasks: Vec<Task>) {
        let mut taken = Vec::with_capacity(tasks.len());
        for task in tasks {
            let stub = Stub::of(&task);
            let name = (stub.id.clone(), stub.lease.clone());
            if self.held.len() >= MOST_HELD || self.held.contains_key(&name) {
                self.back.push_back(desk::not_taken(&stub));
                continue;
            }
            self.held.insert(name, (stub, task.kind()));
            taken.push(task);
        }
        if let Err(error) = self.events.try_send(Event::Take(taken))
            && let mpsc::error::TrySendError::Full(Event::Take(tasks))
            | mpsc::error::TrySendError::Closed(Event::Take(tasks)) = error
        {
            for stub in tasks.iter().map(Stub::of) {
                self.held.remove(&(stub.id.clone(), stub.lease.clone()));
                self.back.push_back(desk::not_taken(&stub));
            }
        }
    }

    /// What has become of one, without waiting.
    pub fn report(&mut self) -> Option<Report> {
        if let Some(report) = self.back.pop_front() {
            return Some(report);
        }
        match self.done.try_recv() {
            Ok(report) => {
                self.held.remove(&(report.id.clone(), report.lease.clone()));
                Some(report)
            }
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                let name = self.held.keys().next().cloned()?;
                let (stub, _) = self.held.remove(&name)?;
                Some(stub.back("the thread that judges has ended", Duration::from_secs(1)))
            }
        }
    }

    /// Whether nothing is on the way.
    pub fn is_idle(&self) -> bool {
        self.held.is_empty() && self.back.is_empty()
    }

    /// Whether the thread is still there.
    pub fn is_alive(&self) -> bool {
        !self.events.is_closed()
    }

    pub fn states(&self) -> Vec<EndpointState> {
        self.gates.states()
    }

    /// Ends within a second: what is on the way is cancelled, and reported as queued.
    pub fn stop(self) -> Vec<Report> {
        let Engine { done, mut held, back, _running, .. } = self;
        drop(_running);
        let mut reports = Vec::from(back);
        let deadline = Instant::now() + ENDING;
        let left = || deadline.saturating_duration_since(Instant::now());
        while let Ok(report) = done.recv_timeout(left()) {
            held.remove(&(report.id.clone(), report.lease.clone()));
            reports.push(report);
        }
        let ended = |stub: &Stub| stub.back("the worker is ending", Duration::ZERO);
        reports.extend(held.values().map(|(stub, _)| ended(stub)));
        reports
    }
}

fn run(desk: Desk, stop: oneshot::Receiver<()>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(LOOK_UPS).build();
    let Ok(runtime) = runtime else { return };
    runtime.spawn(desk.run());
    // Until the engine is dropped.
    let _ = runtime.block_on(stop);
    // Cancels what is on the way, without waiting for a name's look-up that hangs.
    runtime.shutdown_background();
}

#[cfg(test)]
mod provider;
#[cfg(test)]
mod tests;
