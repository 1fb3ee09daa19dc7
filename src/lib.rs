//! Observa: the whole LLM-observability backend inside PostgreSQL.
//!
//! A body goes through [`ingest`]: the pure `observa-pipeline` makes clean, priced events and signals of it, [`columns`] and
//! [`rows`] turn them into rows, [`storage`] holds them, and [`alerts`] are raised on the way. [`tenants`] and [`identity`]
//! say whose they are.

mod accounts;
mod advice;
mod alerts;
mod analysis;
mod archive;
mod audit;
mod binary;
mod budgets;
mod calendar;
mod columns;
mod corrections;
mod cost;
mod dashboards;
mod days;
mod dead_letters;
mod detection;
mod detectors;
mod distinct;
mod embeddings;
mod error;
mod export;
mod export_lines;
mod health;
mod histogram;
mod home_cache;
mod identity;
mod ingest;
mod issues;
mod jobs;
mod key_uses;
mod keys;
mod limits;
mod llm_requests;
mod locks;
mod log_guard;
mod log_tail;
mod logins;
mod logs;
mod maintenance;
mod manner;
mod matviews;
mod members;
mod messages;
mod metric_columns;
mod numbers;
mod outbox;
mod page;
mod passages;
mod patience;
mod person;
mod plans;
mod price_cache;
mod prices;
mod privacy;
mod profiles;
mod projects;
mod prompt_templates;
mod publication;
mod quality;
mod recheck;
mod replay;
mod reprice;
mod request;
mod retention;
mod retranslate;
mod rollups;
mod rows;
mod rules;
mod scrub;
mod service_alerts;
mod service_reports;
mod settings;
mod shared;
mod span_contents;
mod storage;
mod storage_needs;
mod storage_state;
mod subtransaction;
mod tally;
mod tenants;
mod times;
mod trace;
mod trace_fold;
mod traces;
mod triggers;
mod unfolded;
mod usage;
mod webhooks;
mod worker;

use pgrx::prelude::*;

pgrx::pg_module_magic!(name, version);

extension_sql_file!("../sql/roles.sql", name = "roles", bootstrap);
extension_sql_file!("../sql/schemas.sql", name = "schemas", requires = ["roles"]);
extension_sql_file!("../sql/api/setup.sql", name = "setup", requires = ["schemas"]);
extension_sql_file!("../sql/api/archive.sql", name = "archive", requires = ["schemas"]);
extension_sql_file!("../sql/api/workers.sql", name = "workers", requires = ["schemas"]);
extension_sql_file!("../sql/api/identity.sql", name = "identity", requires = ["schemas"]);
extension_sql_file!("../sql/api/keys.sql", name = "keys", requires = ["schemas"]);
extension_sql_file!("../sql/api/privacy.sql", name = "privacy", requires = ["schemas"]);
extension_sql_file!("../sql/api/accounts.sql", name = "accounts", requires = ["schemas"]);
extension_sql_file!("../sql/api/ingest.sql", name = "ingest", requires = ["schemas"]);
extension_sql_file!("../sql/api/scrub.sql", name = "scrub", requires = ["schemas"]);
extension_sql_file!("../sql/api/projects.sql", name = "projects", requires = ["schemas"]);
extension_sql_file!("../sql/api/quality.sql", name = "quality", requires = ["schemas"]);
extension_sql_file!("../sql/api/cost.sql", name = "cost", requires = ["schemas"]);
extension_sql_file!("../sql/api/histogram.sql", name = "histogram", requires = ["schemas"]);
extension_sql_file!("../sql/api/distinct.sql", name = "distinct", requires = ["schemas"]);
extension_sql_file!("../sql/api/prices.sql", name = "prices", requires = ["schemas"]);
extension_sql_file!("../sql/api/alerts.sql", name = "alerts", requires = ["schemas"]);
extension_sql_file!("../sql/api/issues.sql", name = "issues", requires = ["schemas", "distinct"]);
extension_sql_file!("../sql/api/detection.sql", name = "detection", requires = ["schemas"]);
extension_sql_file!("../sql/api/detectors.sql", name = "detectors", requires = ["schemas"]);
extension_sql_file!("../sql/api/prompt_templates.sql", name = "prompt_templates", requires = ["schemas"]);
extension_sql_file!("../sql/api/webhooks.sql", name = "webhooks", requires = ["schemas"]);
extension_sql_file!("../sql/api/analysis.sql", name = "analysis", requires = ["schemas"]);
extension_sql_file!("../sql/api/embeddings.sql", name = "embeddings", requires = ["schemas"]);
extension_sql_file!("../sql/api/logs.sql", name = "logs", requires = ["schemas"]);
extension_sql_file!("../sql/api/trace.sql", name = "trace", requires = ["schemas"]);
extension_sql_file!("../sql/api/page.sql", name = "page", requires = ["schemas"]);
extension_sql_file!("../sql/api/advice.sql", name = "advice", requires = ["schemas"]);
extension_sql_file!("../sql/api/health.sql", name = "health", requires = ["schemas"]);
extension_sql_file!("../sql/api/export.sql", name = "export", requires = ["schemas"]);
extension_sql_file!("../sql/api/dashboards.sql", name = "dashboards", requires = ["schemas"]);
extension_sql_file!(
    "../sql/api/dashboard_documents.sql",
    name = "dashboard_documents",
    requires = ["dashboards"]
);
extension_sql_file!(
    "../sql/api/internal.sql",
    name = "internal",
    requires = [
        "accounts",
        "advice",
        "alerts",
        "analysis",
        "archive",
        "cost",
        "dashboard_documents",
        "dashboards",
        "detection",
        "detectors",
        "distinct",
        "embeddings",
        "export",
        "health",
        "histogram",
        "identity",
        "ingest",
        "issues",
        "keys",
        "logs",
        "page",
        "prices",
        "privacy",
        "projects",
        "prompt_templates",
        "quality",
        "scrub",
        "setup",
        "trace",
        "webhooks",
        "workers"
    ]
);

#[pg_guard]
pub extern "C-unwind" fn _PG_init() {
    // SAFETY: a backend has one thread. A stack trace in an error's DETAIL would tell a client where the server was built.
    unsafe { std::env::set_var("RUST_LIB_BACKTRACE", "0") };
    settings::define();
    log_guard::install();
    home_cache::watch_config();
    usage::watch_transactions();
    shared::request();
    worker::start();
}

#[cfg(any(test, feature = "pg_test"))]
#[path = "../pg_test/mod.rs"]
mod tests;

/// What `cargo pgrx test` calls.
#[cfg(test)]
pub mod pg_test {
    pub fn setup(_options: Vec<&str>) {}

    pub fn postgresql_conf_options() -> Vec<&'static str> {
        vec!["shared_preload_libraries = 'observa'", "observa.databases = 'none'"]
    }
}
