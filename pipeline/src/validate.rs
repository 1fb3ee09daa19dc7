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
    let Some(ts) = event.ts else { return Ok(()) };
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
