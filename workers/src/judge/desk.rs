//! What the thread does: tasks wait for their endpoint, go out as far as its gate lets them, and come back as reports.

use std::collections::{HashMap, VecDeque};
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;

use super::attempt::{self, Ended};
use super::breaker::Permit;
use super::call::Call;
use super::embedding;
use super::endpoint::{self, Endpoint};
use super::gate::{Address, Effect, Gates, NO_KEY_WAIT};
use super::report::{Report, Stub};
use super::task::{Kind, Task};

/// Endpoints that are remembered while nothing is asked of them.
const MOST_ENDPOINTS: usize = 16;

/// Calls at once of an endpoint, whatever a setting says.
pub const MOST_CONCURRENCY: usize = 256;

pub enum Event {
    Take(Vec<Task>),
    Ended { address: Address, model: String, permit: Permit, ended: Ended },
}

/// The thread's own end of the channels, and all that it knows.
pub struct Desk {
    pub events: mpsc::Receiver<Event>,
    /// For those who ask, to come back by.
    pub back: mpsc::Sender<Event>,
    pub tell: SyncSender<Report>,
    pub gates: Gates,
    pub endpoints: HashMap<Address, Queue>,
}

pub struct Queue {
    endpoint: Endpoint,
    waiting: VecDeque<Waiting>,
    /// Calls.
    running: usize,
}

struct Waiting {
    task: Task,
    /// Not together with others.
    is_alone: bool,
}

impl Desk {
    pub async fn run(mut self) {
        while let Some(event) = self.events.recv().await {
            match event {
                Event::Take(tasks) => self.take(tasks),
                Event::Ended { address, model, permit, ended } => {
                    self.end(&address, &model, permit, ended);
                    self.send(&address);
                }
            }
        }
    }

    /// All of them wait before the first goes, as embeddings go together.
    fn take(&mut self, tasks: Vec<Task>) {
        let mut touched: Vec<Address> = Vec::new();
        for task in tasks {
            let address = Address::of(&task);
            self.forget_some(&address);
            self.gates.prepare(&address, task.endpoint.concurrency);
            let queue = self.endpoints.entry(address.clone()).or_insert_with(|| Queue {
                endpoint: Endpoint::new(address.kind, task.endpoint.clone()),
                waiting: VecDeque::new(),
                running: 0,
            });
            queue.endpoint.update(&task.endpoint);
            queue.waiting.push_back(Waiting { task, is_alone: false });
            if !touched.contains(&address) {
                touched.push(address);
            }
        }
        for address in touched {
            self.send(&address);
        }
    }

    fn forget_some(&mut self, but: &Address) {
        if self.endpoints.len() < MOST_ENDPOINTS || self.endpoints.contains_key(but) {
            return;
        }
        let gates = &self.gates;
        self.endpoints.retain(|address, queue| {
            let is_used = queue.running > 0 || !queue.waiting.is_empty();
            if !is_used {
                gates.forget(address);
            }
            is_used
        });
    }

    /// Sends what waits, as far as it may go; what may not goes back to the queue, whose turn it is to wait.
    fn send(&mut self, address: &Address) {
        let Some(queue) = self.endpoints.get_mut(address) else { return };
        while !queue.waiting.is_empty() {
            let now = Instant::now();
            let closed = self.gates.with(address, |gate| {
                gate.closed_for(now).map(|pause| (pause, gate.last_error().to_owned()))
            });
            if let Some((pause, error)) = closed {
                for Waiting { task, .. } in queue.waiting.drain(..) {
                    tell(&self.tell, Stub::of(&task).back(error.as_str(), pause));
                }
                return;
            }
            if queue.running >= queue.endpoint.config.concurrency.clamp(1, MOST_CONCURRENCY) {
                return;
            }
            let key = match queue.endpoint.key() {
                Ok(key) => key,
                Err(error) => {
                    self.gates.with(address, |gate| gate.pause(NO_KEY_WAIT, error.to_owned(), now));
                    continue;
                }
            };
            let tasks = queue.next();
            let Some(client) = queue.endpoint.client() else {
                for task in tasks {
                    tell(&self.tell, Stub::of(&task).again("the client can't be made", fastrand::f64()));
                }
                continue;
            };
            let Some(permit) = self.gates.with(address, |gate| gate.admit(now)) else {
                queue.waiting.extend(tasks.into_iter().map(|task| Waiting { task, is_alone: true }));
                continue;
            };
            let model = tasks.first().map(|task| task.model.clone()).unwrap_or_default();
            let call = Call {
                client,
                url: queue.endpoint.url.clone(),
                key,
                is_key_proven: queue.endpoint.is_key_proven(),
                habits: queue.endpoint.habits(&model),
                deadline: endpoint::deadline(queue.endpoint.timeout()),
                spent: super::report::Usage::default(),
            };
            queue.running += 1;
            spawn(self.back.clone(), address.clone(), model, permit, tasks, call);
        }
    }

    fn end(&mut self, address: &Address, model: &str, permit: Permit, ended: Ended) {
        let now = Instant::now();
        let Ended { reports, alone, effect, habits } = ended;
        if let Some(queue) = self.endpoints.get_mut(address) {
            queue.running = queue.running.saturating_sub(1);
            match &effect {
                Effect::Well => queue.endpoint.key_worked(),
                Effect::Locked(_) => queue.endpoint.key_was_refused(),
                _ => {}
            }
            if let Some(habits) = habits {
                queue.endpoint.learn(model, habits);
            }
            for task in alone.into_iter().rev() {
                queue.waiting.push_front(Waiting { task, is_alone: true });
            }
        }
        let pause = self.gates.with(address, |gate| {
            gate.settle(permit, effect, now);
            gate.closed_for(now)
        });
        for mut report in reports {
            // Who waits for the endpoint waits as long as it does.
            if !report.counts {
                let pause = pause.map_or(0.0, |pause| pause.as_secs_f64());
                report.retry_seconds = report.retry_seconds.map(|own| own.max(pause));
            }
            tell(&self.tell, report);
        }
    }
}

impl Queue {
    /// Of embeddings as many as go together.
    fn next(&mut self) -> Vec<Task> {
        let Some(first) = self.waiting.pop_front() else { return Vec::new() };
        if first.is_alone || self.endpoint.kind == Kind::Judge {
            return vec![first.task];
        }
        let mut bytes = embedding::text(&first.task).len();
        let mut tasks = vec![first.task];
        let mut rest = VecDeque::new();
        for one in self.waiting.drain(..) {
            let more = embedding::text(&one.task).len();
            let fits = tasks.len() < embedding::MOST_TEXTS && bytes + more <= embedding::MOST_BYTES;
            if fits && !one.is_alone && tasks.first().is_some_and(|first| first.model == one.task.model) {
                bytes += more;
                tasks.push(one.task);
            } else {
                rest.push_back(one);
            }
        }
        self.waiting = rest;
        tasks
    }
}

fn spawn(
    back: mpsc::Sender<Event>,
    address: Address,
    model: String,
    permit: Permit,
    tasks: Vec<Task>,
    call: Call,
) {
    let stubs: Vec<Stub> = tasks.iter().map(Stub::of).collect();
    tokio::spawn(async move {
        // A task of its own: what panics in it is an error like others.
        let asked = tokio::spawn(ask(address.kind, tasks, call)).await;
        let ended = asked.unwrap_or_else(|_| Ended {
            reports: stubs.iter().map(|stub| stub.again("it could not be asked", fastrand::f64())).collect(),
            alone: Vec::new(),
            effect: Effect::Nothing,
            habits: None,
        });
        let _ = back.send(Event::Ended { address, model, permit, ended }).await;
    });
}

async fn ask(kind: Kind, tasks: Vec<Task>, call: Call) -> Ended {
    match kind {
        Kind::Embedding => embedding::embed(tasks, call).await,
        Kind::Judge => match tasks.into_iter().next() {
            Some(task) => attempt::judge(task, call).await,
            None => Ended { reports: Vec::new(), alone: Vec::new(), effect: Effect::Nothing, habits: None },
        },
    }
}

/// Never full: the engine holds no more tasks than it has room for reports.
fn tell(channel: &SyncSender<Report>, report: Report) {
    let _ = channel.try_send(report);
}

/// What a task is told that was not begun.
pub fn not_taken(stub: &Stub) -> Report {
    stub.back("the worker had no room for it", Duration::from_secs(1))
}
