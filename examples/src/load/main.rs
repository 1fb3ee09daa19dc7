//! Sends files to Observa and tells what came of them: `observa-load --url 'host=localhost dbname=observa' FILE...`.

mod batch;
mod figure;
mod overview;
mod report;
mod send;
mod span_tree;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use postgres::{Client, NoTls};

/// Load events into Observa and show what it sees
#[derive(Parser)]
#[command(version)]
struct Args {
    /// NDJSON, a JSON array or object, OTLP protobuf (.pb, .binpb); any of them gzipped (.gz)
    #[arg(required_unless_present = "overview")]
    files: Vec<PathBuf>,
    /// Where the database is: 'host=... port=... dbname=...' or postgresql://...
    #[arg(long, env = "OBSERVA_URL", hide_env_values = true)]
    url: String,
    /// Afterwards, print an overview of everything stored
    #[arg(long)]
    overview: bool,
    /// Lines sent in one batch
    #[arg(long, default_value_t = 1000)]
    lines: usize,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{} {error:#}", console::style("observa-load:").for_stderr().red());
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> anyhow::Result<()> {
    let mut client = Client::connect(&args.url, NoTls).context("cannot connect")?;
    if !args.files.is_empty() {
        let outcome = send::send_files(&mut client, &args.files, args.lines)?;
        print!("{}", report::describe(&outcome));
    }
    if args.overview {
        overview::print(&mut client)?;
    }
    Ok(())
}
