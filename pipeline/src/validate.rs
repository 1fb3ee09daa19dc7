//! What the storage demands of an event: bounded identifiers, and a time that a partition exists for.

use crate::error::{Code, Reject};
use crate::event::{Event, Field};
use crate::settings::Settings;

pub fn validate(event: &Event, settings: &Settings, now: i64) -> Result<(), Reject> {
    for (field, name, _) in Field::ALL {
        if let Some(text) = event.text(field)
            && text.len() > settings.max_id_bytes
        {
            let message = format!(
                "{name} has {} bytes, more than observa.max_id_bytes ({})",
                text.len(),
                settings.max_id_bytes
            );
            return Err(Reject::field(Code::ValueTooLong, name, message));
        }
    }
    event.ts.map_or(Ok(()), |ts| time(ts, settings, now))
}

/// Whether a partition exists for a time, in microseconds since 1970 UTC.
pub fn time(ts: i64, settings: &Settings, now: i64) -> Result<(), Reject> {
    if ts < now.saturating_sub(settings.window_past) {
        let message = "timestamp is older than observa.ingest_window_past allows";
        return Err(Reject::field(Code::TimestampOutOfWindow, "timestamp", message));
    }
    if ts > now.saturating_add(settings.window_future) {
        let message = "timestamp is further ahead than observa.ingest_window_future allows";
        return Err(Reject::field(Code::TimestampOutOfWindow, "timestamp", message));
    }
    Ok(())
}
