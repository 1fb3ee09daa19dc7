//! observa-worker: keeps one database in order, over a connection, until it is told to end.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use observa_workers::jobs::{JobError, Jobs, Outcome};
use observa_workers::maintenance;
use observa_workers::network::Network;
use observa_workers::schedule::Schedule;
use observa_workers::server::Server;
use observa_workers::shutdown::Shutdown;

/// The pause after a first failure that is no job's, and between two tries at the most.
const RETRY: Duration = Duration::from_secs(2);
const RETRY_AT_MOST: Duration = Duration::from_secs(60);

/// Runs Observa's jobs from outside the server: where no worker may run inside. Beside one it does nothing twice.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// The database, as a libpq URL or key=value list. The user must be a superuser.
    #[arg(long, env = "OBSERVA_DATABASE_URL", hide_env_values = true)]
    url: String,
    /// File with certificates (PEM) of whom the server's certificate must be signed by: then connections are encrypted. Without it
    /// they are where the URL says sslmode=require, and the certificate must be one that browsers trust.
    #[arg(long, env = "OBSERVA_DATABASE_CA")]
    ca: Option<PathBuf>,
    /// Seconds between two looks for a job that is due.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    interval: u64,
    /// Runs every job once, due or not, and ends; its exit code says whether it went well.
    #[arg(long)]
    once: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let server = match Server::new(&options.url, options.ca.clone()) {
        Ok(server) => server,
        Err(error) => return fail(&error),
    };
    if options.once {
        return match maintenance::run(&server) {
            Ok(done) => {
                println!("{done}");
                ExitCode::SUCCESS
            }
            Err(error) => fail(&error),
        };
    }
    let shutdown = match Shutdown::listen() {
        Ok(shutdown) => shutdown,
        Err(error) => return fail(&format!("can't listen for signals: {error}")),
    };
    let interval = Duration::from_secs(options.interval);
    std::thread::scope(|threads| {
        // What waits for the network must not wait for a job, nor a job for it.
        threads.spawn(|| {
            let mut judges = None;
            keep(&shutdown, |_| Network::connect(&server)?.keep(&mut judges, interval, &shutdown));
        });
        keep(&shutdown, |schedule| run_jobs(Jobs::connect(&server)?, interval, &shutdown, schedule));
    });
    ExitCode::SUCCESS
}

fn fail(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("observa-worker: {error}");
    ExitCode::FAILURE
}

/// Runs something until it is told to end; after an error again. A server that was restarted is a failure like another.
fn keep(shutdown: &Shutdown, mut run: impl FnMut(&mut Schedule) -> Result<(), JobError>) {
    let mut schedule = Schedule::new(RETRY_AT_MOST, RETRY);
    while let Err(error) = run(&mut schedule) {
        eprintln!("observa-worker: {error}");
        if shutdown.within(schedule.after_failure().min(RETRY_AT_MOST)) {
            return;
        }
    }
}

/// Ends between two jobs.
fn run_jobs(
    mut jobs: Jobs,
    interval: Duration,
    shutdown: &Shutdown,
    schedule: &mut Schedule,
) -> Result<(), JobError> {
    loop {
        let pause = match jobs.run_one()? {
            Outcome::Ran(job) => {
                println!("{job}");
                Duration::ZERO
            }
            Outcome::Failed { job, sqlstate } => {
                eprintln!("observa-worker: job {job} failed: {sqlstate}; observa.workers has its message");
                Duration::ZERO
            }
            Outcome::Idle => interval,
        };
        schedule.after_success();
        if shutdown.within(pause) {
            return Ok(());
        }
    }
}
