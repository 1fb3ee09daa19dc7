//! Times as clients write them: ISO 8601, or an epoch number in seconds, milliseconds, microseconds or nanoseconds.

use std::borrow::Cow;

use speedate::{Date, DateTime};

/// The year 2286 in seconds: an epoch number below it is seconds, below 1,000 times it milliseconds, and so on.
/// Years before 1971 are read in the wrong unit, but no model was called then.
const SECONDS_BELOW: f64 = 1e10;

/// Microseconds since 1970 UTC of an epoch number. None for what is no time (negative, NaN, beyond nanoseconds).
pub fn from_epoch(number: &str) -> Option<i64> {
    if let Ok(whole) = number.parse::<i64>() {
        return from_whole(whole);
    }
    let value: f64 = number.parse().ok()?;
    if !(0.0..SECONDS_BELOW * 1e9).contains(&value) {
        return None;
    }
    let micros = if value < SECONDS_BELOW {
        value * 1e6
    } else if value < SECONDS_BELOW * 1e3 {
        value * 1e3
    } else if value < SECONDS_BELOW * 1e6 {
        value
    } else {
        value / 1e3
    };
    Some(micros.round() as i64)
}

fn from_whole(value: i64) -> Option<i64> {
    match value {
        ..0 => None,
        0..10_000_000_000 => Some(value * 1_000_000),
        10_000_000_000..10_000_000_000_000 => Some(value * 1_000),
        10_000_000_000_000..10_000_000_000_000_000 => Some(value),
        _ => Some(value / 1_000),
    }
}

/// Microseconds since 1970 UTC of an ISO 8601 time; without an offset it is UTC. Digits are an epoch number.
pub fn from_text(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return from_epoch(text);
    }
    // A signed number is no date, though the parser would take it for an epoch.
    if text.as_bytes().get(4) != Some(&b'-') {
        return None;
    }
    let text = &with_minutes(text);
    // Nanoseconds, as Go and Java write them, are cut to what Postgres can hold.
    let config = speedate::TimeConfig {
        microseconds_precision_overflow_behavior: speedate::MicrosecondsPrecisionOverflowBehavior::Truncate,
        ..Default::default()
    };
    let time = DateTime::parse_bytes_with_config(
        text.as_bytes(),
        &speedate::DateTimeConfig { time_config: config, ..Default::default() },
    )
    .or_else(|error| {
        let midnight = Date::parse_str_rfc3339(text).map_err(|_| error)?;
        DateTime::parse_str(&format!("{midnight}T00:00:00Z"))
    })
    .ok()?;
    let utc = time.timestamp_tz();
    utc.checked_mul(1_000_000)?.checked_add(i64::from(time.time.microsecond))
}

/// Postgres writes whole-hour offsets without minutes, `+00`, which ISO 8601 allows and few parsers read.
fn with_minutes(text: &str) -> Cow<'_, str> {
    let bare_hours = text.len() > 16
        && text.get(text.len() - 3..).is_some_and(|end| {
            end.starts_with(['+', '-']) && end.bytes().skip(1).all(|b| b.is_ascii_digit())
        })
        && text.contains(':');
    if bare_hours { Cow::Owned(format!("{text}:00")) } else { Cow::Borrowed(text) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-03-04 05:06:07.891234 UTC, by `date -u -d`.
    const MICROS: i64 = 1_772_600_767_891_234;

    #[test]
    fn every_unit_of_an_epoch_number_is_told_by_its_size() {
        assert_eq!(from_epoch("1772600767"), Some(1_772_600_767_000_000));
        assert_eq!(from_epoch("1772600767891"), Some(1_772_600_767_891_000));
        assert_eq!(from_epoch("1772600767891234"), Some(MICROS));
        assert_eq!(from_epoch("1772600767891234567"), Some(MICROS));
        assert_eq!(from_epoch("1772600767.891234"), Some(MICROS));
        assert_eq!(from_epoch("1.7726007678912e9"), Some(1_772_600_767_891_200));
    }

    #[test]
    fn iso_times_are_read_in_their_offset() {
        for text in [
            "2026-03-04T05:06:07.891234Z",
            "2026-03-04T05:06:07.891234567Z",
            "2026-03-04T06:06:07.891234+01:00",
            "2026-03-04 05:06:07.891234",
            "2026-03-04T05:06:07.891234+00:00",
            "2026-03-04 06:06:07.891234+01",
            "1772600767891234",
        ] {
            assert_eq!(from_text(text), Some(MICROS), "{text}");
        }
        assert_eq!(from_text("2026-03-04"), Some(1_772_582_400_000_000));
    }

    #[test]
    fn what_is_no_time_is_none_never_now() {
        for text in
            ["", "yesterday", "2026-13-01T00:00:00Z", "NaN", "-5", "12:00", "2026-03-04T25:00:00Z", "1e400"]
        {
            assert_eq!(from_text(text), None, "{text}");
        }
        assert_eq!(from_epoch("-1"), None);
    }
}
