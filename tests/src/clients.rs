//! What `tests/clients/install` and `dev/pgvector` have installed.

use std::path::{Path, PathBuf};

/// Where it is.
pub fn folder() -> PathBuf {
    let home = std::env::var("OBSERVA_HOME").expect("OBSERVA_HOME: source dev/env");
    Path::new(&home).join("clients")
}

/// Panics if something is missing that could be there: nothing is skipped that neither of them has named.
#[track_caller]
pub fn require_note(what: &str) {
    let noted = folder().join("skipped").join(what).exists();
    assert!(noted, "{what} is missing: run dev/pgvector or tests/clients/install");
    eprintln!("SKIPPED: {what} is missing");
}
