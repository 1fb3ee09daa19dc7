//! The thread that sends: whoever works on the database hands it notifications, goes on, and asks later what became of them.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;

use super::{Delivery, retry};
use crate::http::{Answer, Client, HttpError, Policy};

/// Notifications on the way at once.
pub const MOST: usize = 16;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Well within the minute that a claim holds.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Of an answer nothing is kept but its status.
const MOST_BYTES: usize = 4_096;

/// What observa_internal.record_delivery() is to be told.
#[derive(Debug, PartialEq)]
pub struct Report {
    pub tenant_id: String,
    pub id: String,
    pub lease: String,
    /// delivered, pending or failed.
    pub state: &'static str,
    /// Until the next try.
    pub retry_seconds: Option<f64>,
    pub status: Option<i32>,
    /// Says nothing of address, secret or payload.
    pub error: Option<String>,
}

pub struct Courier {
    work: mpsc::Sender<Delivery>,
    done: Receiver<Report>,
    on_the_way: usize,
}

impl Courier {
    /// Starts the thread. It inherits which signals are blocked.
    pub fn start() -> io::Result<Courier> {
        let (work, waiting) = mpsc::channel(MOST);
        // Never full: no more than MOST are on the way.
        let (tell, done) = sync_channel(MOST);
        thread::Builder::new().name("observa courier".into()).spawn(move || run(waiting, &tell))?;
        Ok(Courier { work, done, on_the_way: 0 })
    }

    /// How many more it takes now.
    pub fn free(&self) -> usize {
        MOST.saturating_sub(self.on_the_way)
    }

    pub fn is_idle(&self) -> bool {
        self.on_the_way == 0
    }

    /// Without waiting. False: the thread is gone, or has too much to do; the claim ends by itself.
    pub fn send(&mut self, delivery: Delivery) -> bool {
        let is_sent = self.work.try_send(delivery).is_ok();
        self.on_the_way += usize::from(is_sent);
        is_sent
    }

    /// Whether the thread is still there.
    pub fn is_alive(&self) -> bool {
        !self.work.is_closed()
    }

    /// What has become of one, without waiting.
    pub fn report(&mut self) -> Option<Report> {
        let report = self.done.try_recv().ok()?;
        self.on_the_way = self.on_the_way.saturating_sub(1);
        Some(report)
    }
}

fn run(mut waiting: mpsc::Receiver<Delivery>, tell: &SyncSender<Report>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(MOST).build();
    let Ok(runtime) = runtime else { return };
    let clients =
        Clients { public: Client::new(policy(false)).ok(), private: Client::new(policy(true)).ok() };
    runtime.block_on(async {
        while let Some(delivery) = waiting.recv().await {
            let tell = tell.clone();
            let client = clients.of(&delivery);
            tokio::spawn(async move {
                let abandoned =
                    report(&delivery, retry::Verdict::Failed, None, Some("it could not be sent".into()));
                // A task of its own: what panics in it is an error like others.
                let sent = tokio::spawn(deliver(client, delivery)).await;
                let _ = tell.send(sent.unwrap_or(abandoned));
            });
        }
    });
    // Not waiting for a name's look-up that hangs.
    runtime.shutdown_background();
}

/// By what they may reach: a connection that is kept was checked when it was made.
struct Clients {
    public: Option<Client>,
    private: Option<Client>,
}

impl Clients {
    fn of(&self, delivery: &Delivery) -> Option<Client> {
        let client = if delivery.allow_private { &self.private } else { &self.public };
        client.clone()
    }
}

/// `client` is None where it could not be made.
async fn deliver(client: Option<Client>, delivery: Delivery) -> Report {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let Some(message) = delivery.message(now) else {
        return report(&delivery, retry::Verdict::Failed, None, Some("its alert is gone".into()));
    };
    let outcome = match client {
        Some(client) => client.post(&delivery.url, &message.headers, message.body).await,
        None => Err(HttpError::Setup),
    };
    let verdict = retry::verdict(delivery.attempts, &outcome, fastrand::f64());
    report(&delivery, verdict, outcome.as_ref().ok().map(|answer| answer.status), problem(&outcome))
}

fn policy(allow_private: bool) -> Policy {
    Policy { allow_private, connect_timeout: CONNECT_TIMEOUT, timeout: TIMEOUT, most_bytes: MOST_BYTES }
}

fn problem(outcome: &Result<Answer, HttpError>) -> Option<String> {
    match outcome {
        Ok(answer) if (200..300).contains(&answer.status) => None,
        Ok(answer) if (300..400).contains(&answer.status) => {
            Some("it was redirected, which is not followed".into())
        }
        Ok(answer) => Some(format!("the answer was {}", answer.status)),
        Err(error) => Some(error.to_string()),
    }
}

fn report(
    delivery: &Delivery,
    verdict: retry::Verdict,
    status: Option<u16>,
    error: Option<String>,
) -> Report {
    let (state, retry_seconds) = match verdict {
        retry::Verdict::Delivered => ("delivered", None),
        retry::Verdict::Again(pause) => ("pending", Some(pause.as_secs_f64())),
        retry::Verdict::Failed => ("failed", None),
    };
    Report {
        tenant_id: delivery.tenant_id.clone(),
        id: delivery.id.clone(),
        lease: delivery.lease.clone(),
        state,
        retry_seconds,
        status: status.map(i32::from),
        error,
    }
}
