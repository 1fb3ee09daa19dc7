//! Why a line or a whole body was not stored. Messages name fields and settings, never a value of the payload.

use std::borrow::Cow;

/// The stable codes of the public contract, one for each way in which a line can be bad.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    InvalidJson,
    InvalidUtf8,
    NotAnObject,
    MissingField,
    InvalidType,
    OutOfRange,
    UnknownEventType,
    ValueTooLong,
    TimestampOutOfWindow,
    UnsupportedFormat,
    LineTooLarge,
    TooDeep,
    TenantMismatch,
}

impl Code {
    pub fn name(self) -> &'static str {
        match self {
            Code::InvalidJson => "invalid_json",
            Code::InvalidUtf8 => "invalid_utf8",
            Code::NotAnObject => "not_an_object",
            Code::MissingField => "missing_field",
            Code::InvalidType => "invalid_type",
            Code::OutOfRange => "out_of_range",
            Code::UnknownEventType => "unknown_event_type",
            Code::ValueTooLong => "value_too_long",
            Code::TimestampOutOfWindow => "timestamp_out_of_window",
            Code::UnsupportedFormat => "unsupported_format",
            Code::LineTooLarge => "line_too_large",
            Code::TooDeep => "too_deep",
            Code::TenantMismatch => "tenant_mismatch",
        }
    }
}

/// One line that is not stored, and why. `field` is None where the whole line is bad.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    pub code: Code,
    pub field: Option<&'static str>,
    pub message: Cow<'static, str>,
}

impl Reject {
    pub fn line(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        Reject { code, field: None, message: message.into() }
    }

    pub fn field(code: Code, field: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Reject { code, field: Some(field), message: message.into() }
    }

    pub fn wrong_type(field: &'static str, expected: &str, got: &str) -> Self {
        Reject::field(Code::InvalidType, field, format!("{field} must be {expected}, got {got}"))
    }

    pub fn missing(field: &'static str, event_type: &str) -> Self {
        Reject::field(Code::MissingField, field, format!("{field} is required for {event_type}"))
    }
}

/// A whole body that is refused: nothing of it is stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("the body is {size} bytes, more than observa.max_batch_bytes ({limit})")]
    BodyTooLarge { size: usize, limit: usize },
    #[error("the body unpacks to more than observa.max_batch_bytes ({limit} bytes)")]
    UnpackedTooLarge { limit: usize },
    #[error("the body has {count} events, more than observa.max_batch_events ({limit})")]
    TooManyEvents { count: usize, limit: usize },
    #[error("the body begins like gzip but can't be unpacked: it is damaged or cut off")]
    BadGzip,
}
