//! Keeps payloads out of the server's log: a statement that brings a body, or names what takes one, is logged without its text,
//! and what PostgreSQL itself quotes of it is taken out.

use std::cell::Cell;
use std::ffi::{CStr, CString, c_char};

use pgrx::pg_sys;

thread_local! {
    /// When the client's statement began that last brought a body; 0: none has yet.
    static STATEMENT: Cell<pg_sys::TimestampTz> = const { Cell::new(0) };
}

/// What takes a body, or a text that is likely a secret. A statement may fail before any of them is entered: without the right
/// to it, in a cast of the body, in its syntax.
const TAKES_PAYLOAD: [&str; 28] = [
    "login",
    "signup",
    "authenticate",
    "export_user",
    "export_user_rows",
    "forget_user",
    "ingest",
    "llm_requests",
    "replay_rejected",
    "report_health",
    "retranslate",
    "scrub",
    "scrub_json",
    "find_secrets",
    "add_scrub_pattern",
    "acknowledge_alert",
    "resolve_alert",
    "close_alert",
    "reopen_alert",
    "assign_alert",
    "note_alert",
    "resolve_issue",
    "create_webhook",
    "update_webhook",
    "record_analysis",
    "evaluators",
    "embed",
    "set_config",
];

/// What takes payload and has a name that stands for other things, too (a table of somebody's, SIMILAR TO): one of the words tells them apart.
const TAKES_PAYLOAD_IF: [(&str, &[&str]); 2] =
    [("logs", &["observa", "insert", "copy"]), ("similar", &["observa", "query", "k"])];

/// What follows EXECUTE where it names no prepared statement: GRANT EXECUTE ON, CREATE TRIGGER ... EXECUTE FUNCTION.
const NOT_PREPARED: [&[u8]; 3] = [b"on", b"function", b"procedure"];

/// Errors whose message quotes a value, or what stands at the place of the error.
const QUOTES_VALUE: [pg_sys::errcodes::PgSqlErrorCode; 5] = {
    use pg_sys::errcodes::PgSqlErrorCode as Code;
    [
        Code::ERRCODE_SYNTAX_ERROR,
        Code::ERRCODE_INVALID_TEXT_REPRESENTATION,
        Code::ERRCODE_INVALID_DATETIME_FORMAT,
        Code::ERRCODE_DATETIME_FIELD_OVERFLOW,
        Code::ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
    ]
};

const HIDDEN: &[u8] = b"(hidden)";

/// What auto_explain logs: the time, and then a plan with the statement's constants and, since PostgreSQL 16, its bound parameters.
const TIME: &[u8] = b"duration: ";
const PLAN: &[u8] = b" ms  plan:\n";

/// Only this thread's backend writes it, in _PG_init.
static mut PREVIOUS_HOOK: pg_sys::emit_log_hook_type = None;

pub fn install() {
    // SAFETY: _PG_init runs once in a process, before any error is reported through the hook.
    unsafe {
        PREVIOUS_HOOK = pg_sys::emit_log_hook;
        pg_sys::emit_log_hook = Some(hide_payload);
    }
}

/// The client's current statement has a payload. It holds to the statement's end, not to the body's: an error is logged when
/// all functions are left, and what fails in the statement later (a division by zero beside the ingest, a timeout) shows
/// the same text.
pub fn guard_statement() {
    let now = statement_start();
    if STATEMENT.replace(now) != now {
        hide_in_activity();
    }
}

/// pg_stat_activity shows a login's statements to all who share it, as clients of several tenants may: from here on without what
/// could be a literal. A bound parameter is never there.
fn hide_in_activity() {
    // SAFETY: the text lives as long as the statement; Postgres copies what it is given.
    unsafe {
        let Some(statement) = current_statement() else { return };
        let Some(start) = first_literal(statement) else { return };
        let shown = [statement.get(..start).unwrap_or_default(), HIDDEN].concat();
        if let Ok(shown) = CString::new(shown) {
            pg_sys::pgstat_report_activity(pg_sys::BackendState::STATE_RUNNING, shown.as_ptr());
        }
    }
}

/// A quotation mark, or the dollar of `$$` or `$tag$`, but of no parameter.
fn first_literal(statement: &[u8]) -> Option<usize> {
    let is_parameter = |at: usize| statement.get(at + 1).is_some_and(u8::is_ascii_digit);
    (0..statement.len()).find(|&at| match statement.get(at) {
        Some(b'\'') => true,
        Some(b'$') => !is_parameter(at),
        _ => false,
    })
}

fn statement_start() -> pg_sys::TimestampTz {
    // SAFETY: reads a time that the backend keeps.
    unsafe { pg_sys::GetCurrentStatementStartTimestamp() }
}

/// Called for whatever is logged. It allocates nothing of Postgres' and raises nothing.
#[pgrx::pg_guard]
unsafe extern "C-unwind" fn hide_payload(edata: *mut pg_sys::ErrorData) {
    // SAFETY: Postgres passes the report that it is about to log, whose message is a C string of its own. The statement's text
    // lives as long as the statement.
    unsafe {
        // Statements of others: of those whom a deadlock's victim met, and of a backend that the postmaster saw die.
        if text((*edata).detail_log).is_some_and(names_payload) {
            (*edata).detail_log = std::ptr::null_mut();
        }
        if !pg_sys::IsUnderPostmaster && text((*edata).detail).is_some_and(names_payload) {
            (*edata).detail = std::ptr::null_mut();
        }
        let statement = current_statement();
        let brought = STATEMENT.get() != 0 && STATEMENT.get() == statement_start();
        // With its statement's text: in the extended protocol it may be logged when that one is over.
        let plan = text((*edata).message).and_then(|message| message.get(plan_start(message)?..));
        if brought || [statement, plan].into_iter().flatten().any(may_have_payload) {
            let error = &mut *edata;
            error.hide_stmt = true;
            error.hide_ctx = true;
            // Bound parameters stand in the context where log_parameter_max_length_on_error is set, in the detail where a
            // statement is logged for its duration. A bad JSON text is quoted in both.
            for text in
                [&mut error.context, &mut error.detail, &mut error.detail_log, &mut error.internalquery]
            {
                *text = std::ptr::null_mut();
            }
            error.internalpos = 0;
            hide_in_message(error, statement);
        }
        if let Some(previous) = PREVIOUS_HOOK {
            previous(edata);
        }
    }
}

unsafe fn current_statement<'s>() -> Option<&'s [u8]> {
    // SAFETY: null, or the C string of the statement that runs.
    unsafe { text(pg_sys::debug_query_string) }
}

unsafe fn text<'s>(text: *const c_char) -> Option<&'s [u8]> {
    // SAFETY: the caller's: null or a C string.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_bytes())
}

fn may_have_payload(statement: &[u8]) -> bool {
    names_payload(statement) || has_escaped_name(statement) || executes_payload(statement)
}

fn names_payload(statement: &[u8]) -> bool {
    let has = |name: &str| words(statement).any(|word| word.eq_ignore_ascii_case(name.as_bytes()));
    words(statement).any(|word| TAKES_PAYLOAD.iter().any(|name| word.eq_ignore_ascii_case(name.as_bytes())))
        || TAKES_PAYLOAD_IF.iter().any(|(name, beside)| has(name) && beside.iter().any(|word| has(word)))
}

/// `U&"\0069ngest"` is a name, too.
fn has_escaped_name(statement: &[u8]) -> bool {
    statement.windows(3).any(|part| part.eq_ignore_ascii_case(b"u&\""))
}

/// What could be an identifier.
fn words(statement: &[u8]) -> impl Iterator<Item = &[u8]> {
    statement.split(|byte| !is_in_word(byte)).filter(|word| !word.is_empty())
}

fn is_in_word(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
}

/// Whether any `EXECUTE name (...)` in it is of a prepared statement that names what its call does not; or of none, which may
/// have been one.
fn executes_payload(statement: &[u8]) -> bool {
    let mut rest = statement;
    while let Some(start) = rest.iter().position(is_in_word) {
        let (_, from_word) = rest.split_at(start);
        let end = from_word.iter().position(|byte| !is_in_word(byte)).unwrap_or(from_word.len());
        let (word, after) = from_word.split_at(end);
        if word.eq_ignore_ascii_case(b"execute") && is_payload_executed(after) {
            return true;
        }
        rest = after;
    }
    false
}

/// `after`: what follows EXECUTE.
fn is_payload_executed(after: &[u8]) -> bool {
    let Some(start) = after.iter().position(is_in_word) else { return false };
    let (before, from_name) = after.split_at(start);
    let Some(name) = words(from_name).next() else { return false };
    let is_quoted = before.last() == Some(&b'"');
    // A comment may say anything.
    let is_bare = !is_quoted && before.iter().all(u8::is_ascii_whitespace);
    let Ok(c_name) = CString::new(if is_quoted { name.to_vec() } else { name.to_ascii_lowercase() }) else {
        return true;
    };
    // SAFETY: a look-up that raises nothing; the prepared statement's text lives as long as it does.
    let prepared = unsafe {
        let prepared = pg_sys::FetchPreparedStatement(c_name.as_ptr(), false);
        if prepared.is_null() || (*prepared).plansource.is_null() {
            return !(is_bare && NOT_PREPARED.iter().any(|word| name.eq_ignore_ascii_case(word)));
        }
        text((*(*prepared).plansource).query_string)
    };
    prepared.is_none_or(|text| names_payload(text) || has_escaped_name(text))
}

/// In place: every replacement is shorter, or as long.
unsafe fn hide_in_message(error: &mut pg_sys::ErrorData, statement: Option<&[u8]>) {
    if error.message.is_null() {
        return;
    }
    // SAFETY: a C string of the report's own, which nobody else reads meanwhile.
    let message = unsafe {
        let length = CStr::from_ptr(error.message).to_bytes().len();
        std::slice::from_raw_parts_mut(error.message.cast::<u8>(), length + 1)
    };
    let length = message.len() - 1;
    let quotes_value = QUOTES_VALUE.iter().any(|code| *code as i32 == error.sqlerrcode);
    if let Some(start) = plan_start(message) {
        replace(message, start, length);
    } else if quotes_value && let Some((start, end)) = quoted(message.get(..length).unwrap_or_default()) {
        replace(message, start, end);
    } else if let Some(statement) = statement.filter(|text| text.len() > HIDDEN.len() && text.len() <= length)
        && let Some(start) = message.windows(statement.len()).position(|part| part == statement)
    {
        // Logged for its duration.
        replace(message, start, start + statement.len());
    }
}

fn plan_start(message: &[u8]) -> Option<usize> {
    let rest = message.strip_prefix(TIME)?;
    let digits = rest.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'.'))?;
    rest.get(digits..)?.starts_with(PLAN).then_some(TIME.len() + digits + PLAN.len())
}

/// Between the first quotation mark and the last one.
fn quoted(message: &[u8]) -> Option<(usize, usize)> {
    let start = message.iter().position(|byte| *byte == b'"')? + 1;
    let end = message.iter().rposition(|byte| *byte == b'"').filter(|end| *end > start)?;
    Some((start, end))
}

fn replace(message: &mut [u8], start: usize, end: usize) {
    let shown = HIDDEN.len().min(end - start);
    if let Some(place) = message.get_mut(start..start + shown) {
        if place.len() == HIDDEN.len() {
            place.copy_from_slice(HIDDEN);
        } else {
            place.fill(b'*');
        }
    }
    message.copy_within(end.., start + shown);
}
