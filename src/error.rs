//! Refusals as Postgres errors: in one place, with their SQLSTATE, and never with a payload.

use observa_pipeline::error::Refusal;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error("permission denied: this session acts for no tenant")]
    NoTenant,
    #[error("Observa's storage is missing or incomplete: a superuser must run SELECT observa.setup()")]
    NoStorage,
    #[error("only a superuser may run {0}")]
    SuperuserOnly(&'static str),
    #[error("Observa needs a database with encoding UTF8, this one has {0}")]
    Encoding(String),
    #[error("{0}")]
    Invalid(String),
    #[error("there is no {what} {id} that is {state}")]
    NotFound { what: &'static str, id: String, state: &'static str },
    #[error("{what} {name} exists already")]
    Exists { what: &'static str, name: String },
    #[error("what ingest has stored is not edited through its views")]
    ReadOnly,
    #[error("the row can't be stored: {0}")]
    Rejected(String),
    #[error(transparent)]
    Spi(#[from] pgrx::spi::Error),
}

impl Error {
    fn sqlstate(&self) -> PgSqlErrorCode {
        match self {
            Error::Refused(Refusal::BadGzip) => PgSqlErrorCode::ERRCODE_DATA_EXCEPTION,
            Error::Refused(_) => PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            Error::NoTenant | Error::SuperuserOnly(_) => PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE,
            Error::NoStorage | Error::Encoding(_) => PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
            Error::Invalid(_) | Error::Rejected(_) => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            Error::ReadOnly => PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            Error::NotFound { .. } => PgSqlErrorCode::ERRCODE_NO_DATA,
            Error::Exists { .. } => PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT,
            Error::Spi(_) => PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
        }
    }

    fn hint(&self) -> Option<&'static str> {
        match self {
            Error::NoTenant => Some("Call observa.authenticate(key) first, in the same transaction."),
            Error::Refused(Refusal::TooManyEvents { .. } | Refusal::BodyTooLarge { .. }) => {
                Some("Send smaller batches, or have a superuser raise the setting.")
            }
            _ => None,
        }
    }

    /// Ends the statement.
    pub fn raise(self) -> ! {
        let report = ErrorReport::new(self.sqlstate(), self.to_string(), "observa");
        let report = match self.hint() {
            Some(hint) => report.set_hint(hint),
            None => report,
        };
        report.report(PgLogLevel::ERROR);
        unreachable!()
    }
}

/// The value, or the statement's end.
pub fn or_raise<T>(result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| error.raise())
}
