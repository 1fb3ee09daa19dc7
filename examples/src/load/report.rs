//! What the load came to, in a few lines.

use console::style;

use crate::figure::count;
use crate::send::Outcome;

pub fn describe(outcome: &Outcome) -> String {
    let mut text = String::new();
    text += &format!(
        "{} from {} in {:.1} s: {} new, {}, {} rejected\n",
        style(counted(outcome.events(), "event")).bold(),
        counted(outcome.files, "file"),
        outcome.seconds,
        count(outcome.accepted),
        counted(outcome.duplicates, "duplicate"),
        count(outcome.rejected),
    );
    text += &format!(
        "{}, {}, {}\n",
        counted(outcome.signals, "signal"),
        counted(outcome.alerts, "alert"),
        counted(outcome.redactions, "redaction"),
    );
    if outcome.accepted == 0 && outcome.duplicates > 0 {
        text += "Every event was stored before, and is not stored twice.\n";
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

fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}
