//! Sends batches one after the other and adds up the server's answers.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, anyhow};
use indicatif::{ProgressBar, ProgressStyle};
use postgres::Client;
use serde::Deserialize;

use crate::batch::{Batch, Batches};
use crate::figure;

const INGEST: &str = "SELECT observa.ingest($1::bytea)";
/// Rejected lines named at the end; the view `rejected_events` has them all.
const LISTED_ERRORS: usize = 5;

/// The answer of `observa.ingest`.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Answer {
    accepted: u64,
    duplicates: u64,
    rejected: u64,
    signals: u64,
    alerts: u64,
    redactions: u64,
    errors: Vec<Rejection>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Rejection {
    line: u64,
    code: String,
    message: String,
}

/// A rejected line, by its place in its file.
pub struct RejectedLine {
    pub file: String,
    pub line: u64,
    pub code: String,
    pub message: String,
}

/// What came of all files together.
#[derive(Default)]
pub struct Outcome {
    pub files: u64,
    pub accepted: u64,
    pub duplicates: u64,
    pub rejected: u64,
    pub signals: u64,
    pub alerts: u64,
    pub redactions: u64,
    pub seconds: f64,
    pub first_rejected: Vec<RejectedLine>,
}

impl Outcome {
    pub fn events(&self) -> u64 {
        self.accepted + self.duplicates + self.rejected
    }

    fn add(&mut self, file: &str, batch: &Batch, answer: Answer) {
        self.accepted += answer.accepted;
        self.duplicates += answer.duplicates;
        self.rejected += answer.rejected;
        self.signals += answer.signals;
        self.alerts += answer.alerts;
        self.redactions += answer.redactions;
        let room = LISTED_ERRORS.saturating_sub(self.first_rejected.len());
        self.first_rejected.extend(answer.errors.into_iter().take(room).map(|error| RejectedLine {
            file: file.to_owned(),
            line: batch.offset + error.line,
            code: error.code,
            message: error.message,
        }));
    }
}

/// Sends every file; ends at the first batch that the server refuses. What was sent before stays stored.
pub fn send_files(client: &mut Client, files: &[PathBuf], most_lines: usize) -> anyhow::Result<Outcome> {
    let progress = progress_bar(files)?;
    let begun = Instant::now();
    let mut outcome = Outcome { files: files.len() as u64, ..Outcome::default() };
    let ingest = client.prepare(INGEST).map_err(figure::server_failure)?;
    for path in files {
        let file = name(path);
        let mut batches =
            Batches::open(path, most_lines, &progress).with_context(|| path.display().to_string())?;
        while let Some(batch) = batches.next().with_context(|| {
            let stored = figure::count(outcome.accepted);
            format!("{}: {stored} events before this place are stored; load it again when it is mended, nothing is stored twice", path.display())
        })? {
            let row = client.query_one(&ingest, &[&batch.body]).map_err(|error| {
                progress.abandon();
                anyhow!("{file}, from line {}: {}", batch.offset + 1, figure::server_error(&error))
            })?;
            let answer: Answer = serde_json::from_value(row.try_get(0)?).context("an answer that is none")?;
            outcome.add(&file, &batch, answer);
            let rate = outcome.events() as f64 / begun.elapsed().as_secs_f64().max(0.001);
            progress.set_message(format!(
                "{} events, {}/s",
                figure::count(outcome.events()),
                figure::count(rate as u64)
            ));
        }
    }
    progress.finish();
    outcome.seconds = begun.elapsed().as_secs_f64();
    Ok(outcome)
}

fn progress_bar(files: &[PathBuf]) -> anyhow::Result<ProgressBar> {
    let mut bytes = 0;
    for path in files {
        bytes += path.metadata().with_context(|| path.display().to_string())?.len();
    }
    let style = ProgressStyle::with_template(
        "{bar:32.cyan} {bytes:>10} of {total_bytes}  {binary_bytes_per_sec:>12}  {msg}",
    )?;
    Ok(ProgressBar::new(bytes).with_style(style.progress_chars("━╸─")))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}
