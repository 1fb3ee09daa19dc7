//! Measures Observa against a peer in the same run, and prints one table.

mod corpus;
mod dashboards;
mod detection;
mod drop;
mod errors;
mod histogram;
mod ingest;
mod judges;
mod keys;
mod kinds;
mod measure;
mod otlp;
mod page;
mod pipeline;
mod quality;
mod rollups;
mod rules;
mod scrub;
mod server;
mod turns;

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Result;
use clap::{Parser, ValueEnum};
use postgres::{Client, NoTls};

use crate::measure::Table;

/// Bytes of prose that the scrubber is measured on.
const PROSE: usize = 50_000_000;

#[derive(Parser)]
#[command(about = "Measures Observa against a peer in the same run")]
struct Flags {
    /// How to reach a database with the extension, whose data may be deleted; without it only what needs no server runs
    #[arg(long)]
    connect: Option<String>,
    /// Conversations, one a line (gzip): what is measured on generated text is then also measured on them
    #[arg(long)]
    turns: Option<PathBuf>,
    /// Events of one measurement
    #[arg(long, default_value_t = 20_000)]
    events: usize,
    /// Measurements of each side, whose median is shown
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Seconds of the load of many tenants
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Events of the day that is dropped
    #[arg(long, default_value_t = 1_000_000)]
    day: i64,
    /// Identical errors of one measurement
    #[arg(long, default_value_t = 200_000)]
    errors: usize,
    /// Reads the events once, for who counts instructions (dev/instructions), and prints how many of which origin
    #[arg(long, value_enum)]
    count: Option<rules::Counted>,
    /// Of the conversations, not the generated events
    #[arg(long)]
    real: bool,
    /// What to measure; without it all
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
}

#[derive(Clone, Copy, PartialEq, ValueEnum)]
enum Part {
    Ingest,
    Connections,
    Single,
    Memory,
    Scrub,
    Column,
    Pipeline,
    Otlp,
    /// What a key costs, and many tenants at once
    Keys,
    /// Ingest that scores answers against ingest that does not, and what the scores say of the conversations
    Quality,
    /// Quantiles from histograms against sums and exact quantiles
    Histogram,
    /// The fold beside ingest, and what dashboards read
    Rollups,
    /// The functions of dashboards over a month; only where it is named
    Dashboards,
    /// The page of observa.dashboard: how long it takes, and how large it is
    Page,
    /// Judges that take 200 ms, and ingest beside them
    Judges,
    /// All rules over single events against none
    Rules,
    /// Rules over windows of many tenants
    Detection,
    /// A day that nobody keeps any more is dropped while a client ingests; only where it is named
    Drop,
    /// The same error again and again, and what issues cost to read
    Errors,
    /// Ingests the conversations and leaves them stored
    Load,
}

/// Text of one origin.
struct Input {
    name: &'static str,
    lines: Vec<String>,
    prose: String,
}

fn main() -> Result<()> {
    let flags = Flags::parse();
    let mut table = Table::default();
    let newest = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?;
    if let Some(what) = flags.count {
        let lines = match flags.turns.as_ref().filter(|_| flags.real) {
            Some(path) => turns::events(path, newest)?.into_iter().take(flags.events).collect(),
            None => corpus::events(flags.events, newest, 0),
        };
        println!("{}", rules::count(what, &lines)?);
        return Ok(());
    }
    let inputs = inputs(&flags, newest)?;
    for input in &inputs {
        without_server(&flags, input, &mut table)?;
    }
    if let Some(path) = flags.turns.as_ref().filter(|path| flags.wants(Part::Quality) && path.exists()) {
        quality::run(path, flags.rounds, &mut table)?;
    }
    if let Some(connect) = &flags.connect {
        let mut client = Client::connect(connect, NoTls)?;
        for input in &inputs {
            with_server(&flags, &mut client, input, &mut table)?;
        }
        if flags.wants(Part::Connections) {
            server::connections(connect, 8, flags.events / 2, newest, &mut table)?;
        }
        if let Some(input) = inputs.first().filter(|_| flags.wants(Part::Keys)) {
            keys::run(connect, &input.lines, flags.rounds, flags.seconds, &mut table)?;
        }
        if flags.wants(Part::Histogram) {
            histogram::run(&mut client, flags.rounds, &mut table)?;
        }
        if flags.only.contains(&Part::Dashboards) {
            dashboards::run(&mut client, flags.rounds, &mut table)?;
        }
        if let Some(input) = inputs.first().filter(|_| flags.wants(Part::Rollups)) {
            rollups::run(connect, &input.lines, flags.seconds, &mut table)?;
        }
        if let Some(input) = inputs.first().filter(|_| flags.wants(Part::Page)) {
            page::run(&mut client, &input.lines, &mut table)?;
        }
        if let Some(input) = inputs.first().filter(|_| flags.wants(Part::Judges)) {
            judges::run(connect, &input.lines, flags.rounds, flags.seconds, &mut table)?;
        }
        if flags.wants(Part::Detection) {
            detection::run(connect, flags.rounds, &mut table)?;
        }
        if flags.wants(Part::Errors) {
            errors::run(&mut client, flags.errors, newest, flags.rounds, &mut table)?;
        }
        if flags.wants(Part::Single) {
            server::single_events(&mut client, newest, &mut table)?;
        }
        if flags.wants(Part::Memory) {
            server::memory(&mut client, newest, &mut table)?;
        }
        if flags.only.contains(&Part::Drop) {
            drop::run(connect, flags.day, flags.rounds, &mut table)?;
        }
        if flags.only.contains(&Part::Load) {
            load(&flags, &mut client, newest)?;
        }
    }
    table.print();
    Ok(())
}

impl Flags {
    fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}

fn inputs(flags: &Flags, newest: i64) -> Result<Vec<Input>> {
    let reads_prose = flags.wants(Part::Scrub) || flags.wants(Part::Column);
    let mut inputs = vec![Input {
        name: "generated",
        lines: corpus::events(flags.events, newest, 0),
        prose: if reads_prose { corpus::prose(PROSE) } else { String::new() },
    }];
    if let Some(path) = flags.turns.as_ref().filter(|path| path.exists()) {
        let mut lines = turns::events(path, newest)?;
        lines.truncate(flags.events);
        let prose = if reads_prose { turns::prose(path, PROSE)? } else { String::new() };
        inputs.push(Input { name: "real turns", lines, prose });
    }
    Ok(inputs)
}

fn without_server(flags: &Flags, input: &Input, table: &mut Table) -> Result<()> {
    if flags.wants(Part::Pipeline) {
        pipeline::run(input.name, &input.lines, flags.rounds, table)?;
    }
    if flags.wants(Part::Rules) {
        rules::alone(input.name, &input.lines, flags.rounds, table)?;
    }
    // The turns have no ids of spans.
    if flags.wants(Part::Otlp) && input.name == "generated" {
        otlp::run(input.name, &input.lines, flags.rounds, table)?;
    }
    if flags.wants(Part::Scrub) {
        scrub::run(input.name, &input.prose, flags.rounds, table)?;
        if input.name == "generated" {
            scrub::worst(table);
        }
    }
    Ok(())
}

fn with_server(flags: &Flags, client: &mut Client, input: &Input, table: &mut Table) -> Result<()> {
    if flags.wants(Part::Ingest) {
        for batch in [100, 1_000, 5_000] {
            ingest::run(client, input.name, &input.lines, batch, flags.rounds, table)?;
        }
    }
    if flags.wants(Part::Rules) {
        rules::of_ingest(client, input.name, &input.lines, flags.rounds, table)?;
    }
    if flags.wants(Part::Quality) {
        ingest::scored(client, input.name, &input.lines, flags.rounds, table)?;
    }
    if flags.wants(Part::Column) {
        server::scrub_column(client, input.name, &input.prose, flags.rounds, table)?;
    }
    Ok(())
}

/// All conversations in batches of 1,000, into an empty storage.
fn load(flags: &Flags, client: &mut Client, newest: i64) -> Result<()> {
    let Some(path) = &flags.turns else { return Ok(()) };
    ingest::empty(client)?;
    let lines = turns::events(path, newest)?;
    let bodies: Vec<Vec<u8>> = lines.chunks(1_000).map(|chunk| chunk.join("\n").into_bytes()).collect();
    let (took, accepted) = measure::time(|| ingest::ingest(client, &bodies));
    println!("{} turns, {} accepted in {:.2} s\n", lines.len(), accepted?, took.as_secs_f64());
    Ok(())
}
