//! How a span ended: its status, its exception, and what vendors say instead of them.

use std::borrow::Cow;

use crate::decode::otlp::{Span, StatusCode};
use crate::event::{Event, Field, Status};
use crate::translate::otel::messages::text_of;
use crate::translate::otel::values::bounded;

/// Events that carry an exception.
const EXCEPTIONS: [&str; 2] = ["exception", "gen_ai.client.operation.exception"];

/// Words of an error's type or message that make it a timeout.
const TIMEOUTS: [&str; 4] = ["timeout", "timed out", "timedout", "deadline"];

/// Fills status, error type and message. `level` is Langfuse's, which leaves the span's status unset.
pub fn fill<'l>(event: &mut Event<'l>, span: &'l Span<'l>, level: Option<&str>) {
    let exception = span.events.iter().rev().find(|event| EXCEPTIONS.contains(&event.name.as_ref()));
    if let Some(exception) = exception {
        if event.text(Field::ErrorType).is_none() {
            event.set_text(Field::ErrorType, text_of(&exception.attributes, "exception.type").map(bounded));
        }
        event.error_message =
            event.error_message.take().or(text_of(&exception.attributes, "exception.message"));
    }
    let stated = match span.status.code {
        StatusCode::Error => true,
        // An exception that the application handled is no failure; that of a span that says nothing is.
        StatusCode::Ok => false,
        StatusCode::Unset => {
            level.is_some_and(|level| level.eq_ignore_ascii_case("error"))
                || event.text(Field::ErrorType).is_some()
        }
    };
    if !stated {
        // What was caught on the way is no error of the call.
        if span.status.code == StatusCode::Ok {
            event.set_text(Field::ErrorType, None);
            event.error_message = None;
        }
        return;
    }
    if let Some(message) = &span.status.message {
        event.error_message = Some(Cow::Borrowed(message));
    }
    let says_timeout = |text: &str| {
        let text = text.get(..text.len().min(200)).unwrap_or_default().to_ascii_lowercase();
        TIMEOUTS.iter().any(|word| text.contains(word))
    };
    let timed_out = match event.text(Field::ErrorType) {
        Some(error_type) => says_timeout(error_type),
        None => event.error_message.as_deref().is_some_and(says_timeout),
    };
    event.status = if timed_out { Status::Timeout } else { Status::Error };
}
