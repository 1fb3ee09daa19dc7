//! Writes a sample for Observa into a folder: a week of three tenants' traffic in every form that clients send, with
//! what goes wrong in a week. The same seed and the same end give the same files.

mod bad_lines;
mod by_hand;
mod cast;
mod dice;
mod event;
mod incident;
mod legacy;
mod observai;
mod prose;
mod scene;
mod secrets;
mod week;

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Parser;
use flate2::{Compression, write::GzEncoder};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use dice::Dice;

/// Write a sample of LLM traffic: three tenants, seven days, every form of input
#[derive(Parser)]
#[command(version)]
struct Args {
    /// Folder to write into; made if missing
    folder: PathBuf,
    /// The same seed gives the same sample
    #[arg(long, default_value_t = 7)]
    seed: u64,
    /// About how many events
    #[arg(long, default_value_t = 6000)]
    events: usize,
    /// The sample's last moment, ISO 8601; the sample spans the seven days before
    #[arg(long)]
    until: Option<Timestamp>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let until = args.until.unwrap_or_else(|| Timestamp::now() - SignedDuration::from_mins(1));
    fs::create_dir_all(&args.folder).with_context(|| format!("cannot make {}", args.folder.display()))?;
    write_sample(&args.folder, args.events, until, &mut Dice::with_seed(args.seed))
}

/// Shares of the whole: 42 % shop, 25 % acme, 10 % globex, 15 % by hand, 5 % ObservAI, 3 % legacy; bad lines beside.
fn write_sample(folder: &Path, events: usize, until: Timestamp, dice: &mut Dice) -> anyhow::Result<()> {
    let share = |percent: usize| events * percent / 100;

    let mut shop = week::conversations(None, cast::SHOP, share(42), until, dice);
    // A client that got no answer sends its last batch again: these are duplicates.
    shop.extend_from_within(shop.len().saturating_sub(share(1))..);
    write_lines(File::create(folder.join("1-shop.ndjson"))?, &shop)?;

    let acme = week::conversations(Some("acme"), cast::ACME, share(25), until, dice);
    let packed =
        GzEncoder::new(File::create(folder.join("2-acme-agents.ndjson.gz"))?, Compression::default());
    write_lines(packed, &acme)?;

    let globex = week::conversations(Some("globex"), cast::GLOBEX, share(10), until, dice);
    fs::write(folder.join("3-globex-array.json"), serde_json::to_vec(&globex)?)?;

    let by_hand: Vec<_> = (0..share(15)).map(|_| by_hand::line(until, dice)).collect();
    write_lines(File::create(folder.join("4-by-hand.ndjson"))?, &by_hand)?;

    fs::write(folder.join("5-observai-batch.json"), observai::batch(share(5), until, dice).to_string())?;

    let legacy: Vec<_> = (0..share(3)).map(|_| legacy::line(until, dice)).collect();
    write_lines(File::create(folder.join("6-legacy.ndjson"))?, &legacy)?;

    let bad_lines = bad_lines::lines(until, dice);
    fs::write(folder.join("7-bad-lines.ndjson"), bad_lines.join(&b'\n'))?;

    let total =
        shop.len() + acme.len() + globex.len() + by_hand.len() + share(5) + legacy.len() + bad_lines.len();
    let from = until - SignedDuration::from_hours(24 * week::DAYS);
    println!("{total} events in {}, {from:.0} to {until:.0}", folder.display());
    Ok(())
}

fn write_lines(file: impl Write, items: &[impl Serialize]) -> anyhow::Result<()> {
    let mut file = BufWriter::new(file);
    for item in items {
        serde_json::to_writer(&mut file, item)?;
        file.write_all(b"\n")?;
    }
    file.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests;
