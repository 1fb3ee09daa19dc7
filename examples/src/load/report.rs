//! What the load came to, in a few lines.

use console::style;

use crate::figure::count;
use crate::send::Outcome;

pub fn describe(outcome: &Outcome) -> String {
    let mut text = String::new();
    let files = if outcome.files == 1 { "file" } else { "files" };
    text += &format!(
        "{} from {} {files} in {:.1} s: {} new, {} duplicates, {} rejected\n",
        style(format!("{} events", count(outcome.events()))).bold(),
        outcome.files,
        outcome.seconds,
        count(outcome.accepted),
        count(outcome.duplicates),
        count(outcome.rejected),
    );
    text += &format!(
        "{} signals, {} alerts, {} redactions\n",
        count(outcome.signals),
        count(outcome.alerts),
        count(outcome.redactions),
    );
    if outcome.accepted == 0 && outcome.duplicates > 0 {
        text += "Everything was stored before: nothing changed.\n";
    }
    for line in &outcome.first_rejected {
        let place = format!("{}:{}", line.file, line.line);
        text += &format!("  {} {} {}\n", style(place).dim(), style(&line.code).yellow(), line.message);
    }
    let more = outcome.rejected.saturating_sub(outcome.first_rejected.len() as u64);
    if more > 0 {
        text += &format!("  and {} more: SELECT * FROM observa.rejected_events\n", count(more));
    }
    text
}
