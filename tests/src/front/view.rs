//! Reading a view: `select`, `limit` and filters by equality.

use axum::http::StatusCode;
use postgres::Client;

use super::fault::Fault;
use super::payload::pairs;
use super::{literal, quoted};

/// Partitions are hidden.
const RELATION: &str = "
    SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = $1 AND c.relname = $2 AND c.relkind IN ('r', 'v', 'm', 'f', 'p') AND NOT c.relispartition";

/// The main query for `GET /<name>?<query>`.
pub fn query(client: &mut Client, schema: &str, name: &str, query: &str) -> Result<String, Fault> {
    if client.query(RELATION, &[&schema, &name]).map_err(Fault::from)?.is_empty() {
        let message = format!("Could not find the table '{schema}.{name}' in the schema cache");
        return Err(Fault::new(StatusCode::NOT_FOUND, "PGRST205", &message));
    }
    let (mut columns, mut conditions, mut limit) = (format!("{}.*", quoted(name)), Vec::new(), String::new());
    for (parameter, value) in pairs(query) {
        let unreadable = || {
            let message = format!("the tests' front does not read {parameter}={value}");
            Fault::new(StatusCode::NOT_IMPLEMENTED, "FRONT", &message)
        };
        match parameter.as_str() {
            "select" => {
                let column = |one: &str| format!("{}.{}", quoted(name), quoted(one));
                columns = value.split(',').map(column).collect::<Vec<_>>().join(", ");
            }
            "limit" => limit = format!(" LIMIT {}", value.parse::<u32>().map_err(|_| unreadable())?),
            "order" | "offset" | "and" | "or" => return Err(unreadable()),
            column => {
                let value = value.strip_prefix("eq.").ok_or_else(unreadable)?;
                conditions.push(format!("{}.{} = {}", quoted(name), quoted(column), literal(value)));
            }
        }
    }
    let filter =
        if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) };
    Ok(format!(
        "WITH pgrst_source AS (SELECT {columns} FROM {}.{}{filter}{limit}) \
         SELECT null::bigint AS total_result_set, pg_catalog.count(_postgrest_t) AS page_total, \
         coalesce(json_agg(_postgrest_t), '[]') AS body, \
         nullif(current_setting('response.headers', true), '') AS response_headers, \
         nullif(current_setting('response.status', true), '') AS response_status, '' AS response_inserted \
         FROM (SELECT * FROM pgrst_source) _postgrest_t",
        quoted(schema),
        quoted(name)
    ))
}
