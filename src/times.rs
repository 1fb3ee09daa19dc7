//! A time that is asked about: from one on, before another one.

use pgrx::prelude::*;

use crate::error::Error;

/// Whoever mixes both up would be told of nothing, as if there were nothing.
pub fn in_order(
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> Result<(TimestampWithTimeZone, TimestampWithTimeZone), Error> {
    match (since, until) {
        (Some(since), Some(until)) if since > until => {
            Err(Error::Invalid("since must not be after until".into()))
        }
        (Some(since), Some(until)) => Ok((since, until)),
        _ => Err(Error::Invalid("since and until must be times".into())),
    }
}
