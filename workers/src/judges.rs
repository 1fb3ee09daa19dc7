//! Asks judges what is due, over a connection: jobs are claimed and recorded in transactions of their own, with none open while a judge
//! is asked.

use std::io;

use postgres::Client;

use crate::judge::{Engine, Kind, Report, Task};

pub struct Judges {
    engine: Engine,
    /// What was noted of the endpoints last.
    noted: String,
}

impl Judges {
    pub fn start() -> io::Result<Judges> {
        Ok(Judges { engine: Engine::start()?, noted: String::new() })
    }

    /// Whether nobody is asked at the moment.
    pub fn is_idle(&self) -> bool {
        self.engine.is_idle()
    }

    /// Records what was said, and asks what is due; whether anything was.
    pub fn exchange(&mut self, client: &mut Client) -> Result<bool, postgres::Error> {
        while let Some(report) = self.engine.report() {
            record(client, &report)?;
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

    /// Stops asking, and gives back what has no answer yet.
    pub fn stop(self, client: &mut Client) -> Result<(), postgres::Error> {
        for report in self.engine.stop() {
            record(client, &report)?;
        }
        Ok(())
    }
}

/// What the server refuses is told and left: the lease ends, and another try or the last one's end follows.
fn record(client: &mut Client, report: &Report) -> Result<(), postgres::Error> {
    let report = serde_json::to_string(report).unwrap_or_default();
    match client.execute("SELECT observa_internal.record_analysis($1)", &[&report]) {
        Err(error) if !client.is_closed() && error.as_db_error().is_some() => {
            let code = error.code().map(postgres::error::SqlState::code).unwrap_or_default();
            eprintln!("observa-worker: an answer of a judge can't be recorded: {code}");
            Ok(())
        }
        recorded => recorded.map(|_| ()),
    }
}
