//! What a page is of: a project or all, and a window.

use serde::Deserialize;

use crate::escape::Foreign;

/// Which rows are shown. Times are UTC, as they are shown.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Scope {
    /// None: all projects of the tenant.
    pub project: Option<Foreign>,
    pub since: String,
    pub until: String,
    /// When the window before begins, which ends where this one begins.
    pub before: String,
    /// minute, hour or day: what the sums are in.
    pub unit: String,
    pub made_at: String,
}
