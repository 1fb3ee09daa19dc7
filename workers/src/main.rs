//! observa-worker: keeps one database in order, over a connection, until it is told to end.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use observa_workers::maintenance;
use observa_workers::schedule::Schedule;
use observa_workers::shutdown::Shutdown;

/// The pause after a first failure.
const RETRY: Duration = Duration::from_secs(2);

/// Runs Observa's maintenance from outside the server: where no worker may run inside, or none is there.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// The database, as a libpq URL or key=value list. The user must be a superuser.
    #[arg(long, env = "OBSERVA_DATABASE_URL", hide_env_values = true)]
    url: String,
    /// Seconds between two rounds.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    interval: u64,
    /// Runs one round and ends; its exit code says whether it went well.
    #[arg(long)]
    once: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    if options.once {
        return match maintenance::run(&options.url) {
            Ok(done) => {
                println!("{done}");
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("observa-worker: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let shutdown = match Shutdown::listen() {
        Ok(shutdown) => shutdown,
        Err(error) => {
            eprintln!("observa-worker: can't listen for signals: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut schedule = Schedule::new(Duration::from_secs(options.interval), RETRY);
    loop {
        let pause = match maintenance::run(&options.url) {
            Ok(done) => {
                println!("{done}");
                schedule.after_success()
            }
            Err(error) => {
                eprintln!("observa-worker: {error}");
                schedule.after_failure()
            }
        };
        if shutdown.within(pause) {
            return ExitCode::SUCCESS;
        }
    }
}
