//! The jobs of one database, over one connection: the same ones that a worker in the server runs, claimed from the same table.

use postgres::Client;

use crate::server::{ConnectError, Server};

#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("no job can be run: {0}")]
    Run(#[source] postgres::Error),
    #[error("notifications can't be sent: {0}")]
    Send(#[source] postgres::Error),
    #[error("judges can't be asked: {0}")]
    Judge(#[source] postgres::Error),
    #[error("the thread that asks and sends can't be started: {0}")]
    Thread(#[source] std::io::Error),
}

/// What a call has led to.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A job has run: there may be another.
    Ran(String),
    /// A job has failed, which its row tells of. There may be another.
    Failed { job: String, sqlstate: String },
    /// None is due.
    Idle,
}

pub struct Jobs {
    client: Client,
}

impl Jobs {
    pub fn connect(server: &Server) -> Result<Jobs, JobError> {
        Ok(Jobs { client: server.connect()? })
    }

    /// Runs one job that is due, in a transaction of its own.
    pub fn run_one(&mut self) -> Result<Outcome, JobError> {
        let failed = match self.client.query_one("SELECT observa_internal.run_due_job()", &[]) {
            Ok(row) => {
                let job: Option<String> = row.try_get(0).map_err(JobError::Run)?;
                return Ok(job.map_or(Outcome::Idle, Outcome::Ran));
            }
            Err(error) => error,
        };
        let Some(told) = failed.as_db_error() else { return Err(JobError::Run(failed)) };
        let (sqlstate, message) = (told.code().code().to_owned(), told.message().to_owned());
        let recorded = self
            .client
            .query_one("SELECT observa_internal.record_job_failure($1, $2)", &[&sqlstate, &message])
            .and_then(|row| row.try_get::<_, Option<String>>(0));
        match recorded {
            Ok(Some(job)) => Ok(Outcome::Failed { job, sqlstate }),
            // It was no job's: the extension is missing, say.
            _ => Err(JobError::Run(failed)),
        }
    }
}
