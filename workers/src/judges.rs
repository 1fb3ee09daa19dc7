//! Asks judges what is due, over a connection: jobs are claimed and recorded in transactions of their own, with none open while a judge
//! is asked.

use std::io;
use std::time::{Duration, Instant};

use postgres::Client;

use crate::judge::{Engine, Kind, Report, Task};

/// Before what is locked is tried again.
const LOCKED: Duration = Duration::from_millis(250);

/// Unrecorded answers with which no more is asked.
const MOST_UNRECORDED: usize = 256;

pub struct Judges {
    engine: Engine,
    /// What was noted of the endpoints last.
    noted: String,
    /// What was said, and is not recorded yet.
    said: Vec<Report>,
    next_record: Instant,
}

impl Judges {
    pub fn start() -> io::Result<Judges> {
        Ok(Judges {
            engine: Engine::start()?,
            noted: String::new(),
            said: Vec::new(),
            next_record: Instant::now(),
        })
    }

    /// Whether nobody is asked at the moment.
    pub fn is_idle(&self) -> bool {
        self.engine.is_idle() && self.said.is_empty()
    }

    /// Records what was said, and asks what is due; whether anything was.
    pub fn exchange(&mut self, client: &mut Client) -> Result<bool, postgres::Error> {
        self.said.extend(std::iter::from_fn(|| self.engine.report()));
        if Instant::now() >= self.next_record {
            self.record(client)?;
            self.next_record = Instant::now() + if self.said.is_empty() { Duration::ZERO } else { LOCKED };
        }
        if self.said.len() >= MOST_UNRECORDED {
            return Ok(false);
        }
        self.note(client)?;
        let most = |kind| i32::try_from(self.engine.free(kind)).unwrap_or(i32::MAX);
        let (judgements, embeddings) = (most(Kind::Judge), most(Kind::Embedding));
        let claim = "SELECT observa_internal.claim_analyses($1, $2)";
        let mut tasks: Vec<Task> = Vec::new();
        for row in client.query(claim, &[&judgements, &embeddings])? {
            let text: String = row.try_get(0)?;
            tasks.extend(serde_json::from_str(&text));
        }
        let has_claimed = !tasks.is_empty();
        self.engine.take(tasks);
        Ok(has_claimed)
    }

    fn note(&mut self, client: &mut Client) -> Result<(), postgres::Error> {
        let states = serde_json::to_string(&self.engine.states()).unwrap_or_default();
        if states != self.noted && !states.is_empty() {
            client.execute("SELECT observa_internal.record_endpoints($1::text::jsonb)", &[&states])?;
            self.noted = states;
        }
        Ok(())
    }

    /// What is recorded goes; of a connection that breaks nothing is lost.
    fn record(&mut self, client: &mut Client) -> Result<(), postgres::Error> {
        let mut left = Vec::new();
        let mut failed = None;
        for report in std::mem::take(&mut self.said) {
            if failed.is_some() {
                left.push(report);
                continue;
            }
            match record(client, &report) {
                Ok(true) => {}
                Ok(false) => left.push(report),
                Err(error) => {
                    failed = Some(error);
                    left.push(report);
                }
            }
        }
        self.said = left;
        failed.map_or(Ok(()), Err)
    }

    /// Stops asking, and gives back what has no answer yet.
    pub fn stop(mut self, client: &mut Client) -> Result<(), postgres::Error> {
        let said = std::mem::take(&mut self.said);
        self.said = said.into_iter().chain(self.engine.stop()).collect();
        self.said.iter().try_for_each(|report| record(client, report).map(|_| ()))
    }
}

/// False: somebody else has its row locked. What the server refuses is told and left: the lease ends, and another try or the last one's
/// end follows.
fn record(client: &mut Client, report: &Report) -> Result<bool, postgres::Error> {
    let report = serde_json::to_string(report).unwrap_or_default();
    let recorded = client
        .query_one("SELECT observa_internal.record_analysis($1)", &[&report])
        .and_then(|row| row.try_get::<_, Option<bool>>(0));
    match recorded {
        Err(error) if !client.is_closed() && error.as_db_error().is_some() => {
            let code = error.code().map(postgres::error::SqlState::code).unwrap_or_default();
            eprintln!("observa-worker: an answer of a judge can't be recorded: {code}");
            Ok(true)
        }
        recorded => recorded.map(|recorded| recorded.is_some()),
    }
}
