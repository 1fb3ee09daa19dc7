//! Refusals as Postgres errors: in one place, with their SQLSTATE, and never with a payload.

use std::borrow::Cow;
use std::io::ErrorKind;

use observa_pipeline::distinct::DistinctError;
use observa_pipeline::error::Refusal;
use observa_pipeline::histogram::HistogramError;
use pgrx::pg_sys::panic::ErrorReport;
use pgrx::prelude::*;

use crate::limits::Over;
use crate::storage_needs::Need;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Refused(#[from] Refusal),
    #[error(transparent)]
    Histogram(#[from] HistogramError),
    #[error(transparent)]
    Distinct(#[from] DistinctError),
    #[error("invalid input syntax for type {0}")]
    Syntax(&'static str),
    #[error("permission denied: this session acts for no tenant")]
    NoTenant,
    #[error("permission denied: who asks has not the right to {0}")]
    NoRight(&'static str),
    #[error("e-mail address or password is wrong, or the account is locked")]
    WrongPassword,
    #[error("{0} writes, and the transaction only reads")]
    ReadOnlyTransaction(&'static str),
    #[error("there is an {0} already")]
    Taken(&'static str),
    #[error("the API key is unknown, expired or revoked")]
    BadKey,
    #[error("Observa's storage is missing or incomplete: a superuser must run SELECT observa.setup()")]
    NoStorage,
    #[error(
        "Observa's storage is an older library's and lacks {0}: a superuser must run SELECT observa.setup()"
    )]
    OldStorage(&'static Need),
    #[error("only a superuser may run {0}")]
    SuperuserOnly(&'static str),
    #[error("{0}")]
    NotReady(String),
    #[error("Observa needs a database with encoding UTF8, this one has {0}")]
    Encoding(String),
    #[error("{0}")]
    Invalid(String),
    /// `state`: what it would have to be; empty: that it is there is enough.
    #[error("there is no {what} {id}{}", that_is(.state))]
    NotFound { what: &'static str, id: String, state: &'static str },
    #[error(
        "alert {newer} of the same rule and group, which is {status}, was raised since: that one goes on"
    )]
    Superseded { newer: String, status: String },
    #[error("{0} could not be had in time without making others wait, and nothing has changed")]
    Busy(String),
    #[error("observa.setup() must see what others commit while it waits for locks")]
    OneSnapshot,
    #[error("partitions of {missing} days are missing, more than the {most} that are made at once")]
    TooManyDays { missing: usize, most: usize },
    #[error("what is stored of the person is too much for one document")]
    TooLargeDocument,
    #[error("{what} {name} exists already")]
    Exists { what: &'static str, name: String },
    #[error("what this view shows is not edited through it")]
    ReadOnly,
    #[error("the row can't be stored: {0}")]
    Rejected(String),
    #[error("{}", .0.message)]
    OverLimit(Box<Over>),
    #[error(transparent)]
    File(#[from] observa_archive::Error),
    #[error("nothing could be archived: {0}")]
    Archive(String),
    #[error(transparent)]
    Spi(#[from] pgrx::spi::Error),
}

impl From<Box<Over>> for Error {
    fn from(over: Box<Over>) -> Error {
        Error::OverLimit(over)
    }
}

impl Error {
    fn sqlstate(&self) -> PgSqlErrorCode {
        match self {
            Error::Refused(Refusal::BadGzip) => PgSqlErrorCode::ERRCODE_DATA_EXCEPTION,
            Error::Refused(_) => PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED,
            Error::Histogram(_) | Error::Distinct(_) => PgSqlErrorCode::ERRCODE_INVALID_BINARY_REPRESENTATION,
            Error::Syntax(_) => PgSqlErrorCode::ERRCODE_INVALID_TEXT_REPRESENTATION,
            Error::BadKey | Error::WrongPassword => PgSqlErrorCode::ERRCODE_INVALID_PASSWORD,
            Error::NoTenant | Error::NoRight(_) | Error::SuperuserOnly(_) => {
                PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE
            }
            Error::NoStorage | Error::OldStorage(_) | Error::NotReady(_) | Error::Encoding(_) => {
                PgSqlErrorCode::ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE
            }
            Error::Invalid(_) | Error::Rejected(_) => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
            Error::ReadOnlyTransaction(_) => PgSqlErrorCode::ERRCODE_READ_ONLY_SQL_TRANSACTION,
            Error::ReadOnly => PgSqlErrorCode::ERRCODE_FEATURE_NOT_SUPPORTED,
            Error::Busy(_) => PgSqlErrorCode::ERRCODE_LOCK_NOT_AVAILABLE,
            Error::OneSnapshot => PgSqlErrorCode::ERRCODE_ACTIVE_SQL_TRANSACTION,
            Error::TooManyDays { .. } | Error::TooLargeDocument => {
                PgSqlErrorCode::ERRCODE_PROGRAM_LIMIT_EXCEEDED
            }
            Error::OverLimit(_) => PgSqlErrorCode::ERRCODE_CONFIGURATION_LIMIT_EXCEEDED,
            Error::Superseded { .. } => PgSqlErrorCode::ERRCODE_UNIQUE_VIOLATION,
            Error::NotFound { .. } => PgSqlErrorCode::ERRCODE_NO_DATA,
            Error::Exists { .. } | Error::Taken(_) => PgSqlErrorCode::ERRCODE_DUPLICATE_OBJECT,
            Error::File(error) => of_a_file(error),
            Error::Archive(_) => PgSqlErrorCode::ERRCODE_IO_ERROR,
            Error::Spi(_) => PgSqlErrorCode::ERRCODE_INTERNAL_ERROR,
        }
    }

    pub fn hint(&self) -> Option<Cow<'static, str>> {
        let hint = match self {
            Error::OverLimit(over) => return Some(over.hint().into()),
            Error::NoTenant => Some(
                "SELECT observa.authenticate(key) acts for a key's project to the transaction's end; a superuser gives a login a tenant with observa.grant_tenant(login, tenant).",
            ),
            Error::Refused(Refusal::TooManyEvents { .. } | Refusal::BodyTooLarge { .. }) => {
                Some("Send smaller batches, or have a superuser raise the setting.")
            }
            Error::Busy(_) => Some("Call it again when no long transaction is open that has used observa."),
            Error::OneSnapshot => Some("Call it in a transaction of isolation level READ COMMITTED."),
            Error::TooManyDays { .. } => Some("Send older events in smaller batches, a month at a time."),
            Error::OldStorage(_) => Some(
                "Nothing was stored: send the same again once observa.setup() was run. It adds what is missing, and rewrites no table.",
            ),
            Error::NotFound { what, .. } => listed(what),
            Error::Exists { what: "tenant", .. } => {
                Some("A superuser finds its id by SELECT tenant_id, name FROM observa_internal.tenants.")
            }
            Error::Exists { what: "project", .. } => Some("observa.projects has its id."),
            Error::ReadOnly => Some(
                "Functions change what may be changed: observa.forget_user(user_id) erases a person's rows, observa.set_retention(project) says how long rows stay, and others what a project decides.",
            ),
            Error::TooLargeDocument => {
                Some("SELECT * FROM observa.export_user_rows(user_id) gives it row by row.")
            }
            _ => None,
        };
        hint.map(Cow::Borrowed)
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

fn that_is(state: &str) -> String {
    if state.is_empty() { String::new() } else { format!(" that is {state}") }
}

/// Where the ids of such things are.
fn listed(what: &str) -> Option<&'static str> {
    match what {
        "alert" => Some("observa.alerts lists the tenant's alerts, with their status."),
        "issue" => Some("observa.issues lists the tenant's issues, with their state."),
        "key" => Some("observa.api_keys lists the tenant's keys, with their ids."),
        "webhook" => Some("observa.webhooks lists the tenant's webhooks."),
        _ => None,
    }
}

fn of_a_file(error: &observa_archive::Error) -> PgSqlErrorCode {
    use observa_archive::Error as File;
    match error {
        File::BadPath => PgSqlErrorCode::ERRCODE_INVALID_PARAMETER_VALUE,
        File::NoDirectory(_) => PgSqlErrorCode::ERRCODE_WRONG_OBJECT_TYPE,
        File::Taken(_) | File::OtherRows(_) => PgSqlErrorCode::ERRCODE_DUPLICATE_FILE,
        File::Io { source, .. } => match source.kind() {
            ErrorKind::NotFound => PgSqlErrorCode::ERRCODE_UNDEFINED_FILE,
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                PgSqlErrorCode::ERRCODE_INSUFFICIENT_PRIVILEGE
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => PgSqlErrorCode::ERRCODE_DISK_FULL,
            _ => PgSqlErrorCode::ERRCODE_IO_ERROR,
        },
        File::Differs(_) => PgSqlErrorCode::ERRCODE_DATA_CORRUPTED,
        File::Parquet(_) | File::BadRow { .. } | File::BadValue(_) => PgSqlErrorCode::ERRCODE_IO_ERROR,
    }
}

/// The value, or the statement's end.
pub fn or_raise<T>(result: Result<T, Error>) -> T {
    result.unwrap_or_else(|error| error.raise())
}
