//! observa.metrics(): numbers for Prometheus, in its text format (version 0.0.4).

use std::collections::BTreeMap;
use std::fmt::Write;

use observa_pipeline::histogram::Latencies;
use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::{Map, Value, json};

use super::{sight::Sight, tables};
use crate::error::{Error, or_raise};
use crate::storage;
use crate::storage_needs::{self, For};
use crate::tally;

/// A family of numbers.
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
}

const LATENCY: &str = "observa_day_llm_call_seconds";

/// In the order that they are told. What begins with observa_day_ counts since midnight (UTC), and then begins anew, as a counter does
/// when its server was started.
const FAMILIES: [Family; 28] = [
    Family {
        name: "observa_storage",
        kind: "gauge",
        help: "1 where all is there, 0 before observa.setup(), also where an older library made the storage.",
    },
    Family { name: "observa_events_stored_total", kind: "counter", help: "Events stored." },
    Family {
        name: "observa_lines_rejected_total",
        kind: "counter",
        help: "Lines rejected since the server started.",
    },
    Family {
        name: "observa_lines_duplicate_total",
        kind: "counter",
        help: "Lines since the server started that were stored already.",
    },
    Family { name: "observa_dead_letters", kind: "gauge", help: "Rejected lines that are kept." },
    Family {
        name: "observa_day_events_total",
        kind: "counter",
        help: "Events of today by their own time, as far as they are folded.",
    },
    Family {
        name: "observa_day_errors_total",
        kind: "counter",
        help: "Failed events of today, timeouts included.",
    },
    Family { name: "observa_day_tokens_total", kind: "counter", help: "Billed tokens of today." },
    Family {
        name: "observa_day_cost_usd_total",
        kind: "counter",
        help: "USD that calls of today cost, where a price is known.",
    },
    Family { name: LATENCY, kind: "histogram", help: "How long LLM calls of today took." },
    Family {
        name: "observa_quota_events",
        kind: "gauge",
        help: "Events that a project may store in this month.",
    },
    Family {
        name: "observa_quota_used_events",
        kind: "gauge",
        help: "Events that a project has stored in this month.",
    },
    Family { name: "observa_budget_usd", kind: "gauge", help: "USD that a budget has for its period." },
    Family {
        name: "observa_budget_left_usd",
        kind: "gauge",
        help: "USD that are left of a budget in this period.",
    },
    Family { name: "observa_alerts", kind: "gauge", help: "Alerts that have not ended." },
    Family {
        name: "observa_notifications",
        kind: "gauge",
        help: "Notifications of webhooks; delivered ones are kept for a day, failed ones for a week.",
    },
    Family {
        name: "observa_analysis_jobs",
        kind: "gauge",
        help: "Jobs that wait for a judge or an embedding.",
    },
    Family {
        name: "observa_analysis_oldest_job_seconds",
        kind: "gauge",
        help: "Age of the oldest of them; 0: there is none.",
    },
    Family {
        name: "observa_day_judge_calls_total",
        kind: "counter",
        help: "Judges and embeddings asked today.",
    },
    Family { name: "observa_day_judge_cost_usd_total", kind: "counter", help: "USD that they cost." },
    Family {
        name: "observa_rollup_lag_seconds",
        kind: "gauge",
        help: "Age of the oldest batch that is not folded into metrics; 0: there is none.",
    },
    Family {
        name: "observa_damaged_deltas",
        kind: "gauge",
        help: "What a fold could not read, and metrics lack.",
    },
    Family {
        name: "observa_job_last_run_age_seconds",
        kind: "gauge",
        help: "Since a job's last run that went well.",
    },
    Family {
        name: "observa_job_failures",
        kind: "gauge",
        help: "A job's failures since its last run without one.",
    },
    Family { name: "observa_job_runs_total", kind: "counter", help: "A job's runs that went well." },
    Family {
        name: "observa_partitions_ahead_days",
        kind: "gauge",
        help: "Days after today that have partitions.",
    },
    Family {
        name: "observa_table_bytes",
        kind: "gauge",
        help: "Bytes of a table with its partitions, indexes and TOAST.",
    },
    Family {
        name: "observa_table_rows",
        kind: "gauge",
        help: "Rows of a table, as the planner estimates them.",
    },
];

/// Upper bounds of a histogram's buckets in seconds, the last one aside: what a chat, a long answer and an agent take.
const SECONDS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0];

/// A number: what it is called after its family's name, its labels, and itself.
struct Sample {
    suffix: &'static str,
    labels: Map<String, Value>,
    value: f64,
}

/// The name of a family, with its suffix; labels; value.
type Measurement = (String, Map<String, Value>, f64);

type Samples = BTreeMap<&'static str, Vec<Sample>>;

#[pg_extern(sql = false)]
fn metrics() -> String {
    let sight = Sight::of_caller();
    if sight == Sight::Nothing {
        Error::NoRight("read metrics: that takes a key with the scope query, or a member of pg_monitor who acts for no tenant")
            .raise();
    }
    or_raise(collect(sight).map(|samples| render(&samples)))
}

fn collect(sight: Sight) -> Result<Samples, Error> {
    let mut all = Samples::new();
    let is_whole = storage::exists() && storage_needs::missing(For::Everything).is_none();
    put(&mut all, "observa_storage", Map::new(), f64::from(u8::from(is_whole)));
    if !is_whole {
        return Ok(all);
    }
    let tenant = match sight {
        Sight::Tenant(tenant_id) => Some(tenant_id),
        _ => None,
    };
    if let Some(tally) = tally::of(tenant) {
        put(&mut all, "observa_lines_rejected_total", Map::new(), tally.rejected as f64);
        put(&mut all, "observa_lines_duplicate_total", Map::new(), tally.duplicates as f64);
    }
    put(&mut all, "observa_partitions_ahead_days", Map::new(), storage::days_ahead() as f64);
    for (name, labels, value) in measurements()? {
        put(&mut all, &name, labels, value);
    }
    match tenant {
        Some(tenant_id) => budgets(&mut all, tenant_id)?,
        None => sizes(&mut all)?,
    }
    Ok(all)
}

fn put(all: &mut Samples, name: &str, labels: Map<String, Value>, value: f64) {
    let parts = name.strip_prefix(LATENCY).and_then(|suffix| {
        let suffix = ["_bucket", "_sum", "_count"].into_iter().find(|known| *known == suffix)?;
        Some((LATENCY, suffix))
    });
    let family = FAMILIES.iter().find(|family| family.name == name).map(|family| (family.name, ""));
    if let Some((family, suffix)) = parts.or(family) {
        all.entry(family).or_default().push(Sample { suffix, labels, value });
    }
}

/// With the rights of who asks.
fn budgets(all: &mut Samples, tenant_id: uuid::Uuid) -> Result<(), Error> {
    let may_read = "SELECT pg_catalog.has_table_privilege('observa.budgets', 'SELECT')";
    if Spi::get_one::<bool>(may_read)? != Some(true) {
        return Ok(());
    }
    let found = Spi::connect(|client| {
        let arguments = [crate::identity::sql_uuid(tenant_id).into()];
        client
            .select(include_str!("../../sql/health/budgets.sql"), None, &arguments)?
            .map(|row| Ok((row.get::<JsonB>(1)?, row.get::<f64>(2)?, row.get::<f64>(3)?)))
            .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    for (labels, amount, left) in found {
        let labels = super::object(labels);
        put(all, "observa_budget_usd", labels.clone(), amount.unwrap_or_default());
        // NULL: who asks may not read what was spent.
        if let Some(left) = left {
            put(all, "observa_budget_left_usd", labels, left);
        }
    }
    Ok(())
}

fn sizes(all: &mut Samples) -> Result<(), Error> {
    for table in tables::all()? {
        let labels = super::object(Some(JsonB(json!({ "table": table.name }))));
        put(all, "observa_table_bytes", labels.clone(), table.bytes as f64);
        put(all, "observa_table_rows", labels, table.rows as f64);
    }
    Ok(())
}

fn measurements() -> Result<Vec<Measurement>, Error> {
    let found = Spi::connect(|client| {
        client
            .select("SELECT name, labels, value FROM observa_internal.measurements()", None, &[])?
            .map(|row| Ok((row.get::<String>(1)?, row.get::<JsonB>(2)?, row.get::<f64>(3)?)))
            .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    let whole = found.into_iter().filter_map(|(name, labels, value)| {
        let labels = super::object(labels);
        Some((name?, labels, value?))
    });
    Ok(whole.collect())
}

/// As observa_system, which sees all tenants: of the caller's alone, or of all for who watches the server.
#[pg_extern(sql = false, name = "measurements")]
fn all_measurements() -> TableIterator<'static, (name!(name, String), name!(labels, JsonB), name!(value, f64))>
{
    let rows = match Sight::of_caller().as_argument() {
        Some(tenant) => or_raise(measure(tenant)),
        None => Vec::new(),
    };
    TableIterator::new(rows)
}

fn measure(tenant: Option<pgrx::Uuid>) -> Result<Vec<(String, JsonB, f64)>, Error> {
    let (mut rows, histograms) = Spi::connect(|client| {
        let rows = client
            .select(include_str!("../../sql/health/metrics.sql"), None, &[tenant.into()])?
            .map(|row| Ok((row.get::<String>(1)?, row.get::<JsonB>(2)?, row.get::<f64>(3)?)))
            .collect::<Result<Vec<_>, pgrx::spi::Error>>()?;
        let histograms = client
            .select(include_str!("../../sql/health/latencies.sql"), None, &[tenant.into()])?
            .map(|row| Ok((row.get::<JsonB>(1)?, row.get::<Vec<u8>>(2)?)))
            .collect::<Result<Vec<_>, pgrx::spi::Error>>()?;
        let whole = rows.into_iter().filter_map(|(name, labels, value)| Some((name?, labels?, value?)));
        Ok::<_, pgrx::spi::Error>((whole.collect::<Vec<_>>(), histograms))
    })?;
    let mut by_labels: BTreeMap<String, (Map<String, Value>, Latencies)> = BTreeMap::new();
    for (labels, bytes) in histograms {
        let labels = super::object(labels);
        let key = Value::Object(labels.clone()).to_string();
        let (_, latencies) = by_labels.entry(key).or_insert_with(|| (labels, Latencies::new()));
        latencies.merge_bytes(&bytes.unwrap_or_default())?;
    }
    for (labels, latencies) in by_labels.into_values() {
        rows.extend(cumulated(&labels, &latencies));
    }
    Ok(rows)
}

/// A histogram as Prometheus has it: how many took so long at most, the sum, and how many there are.
fn cumulated(labels: &Map<String, Value>, latencies: &Latencies) -> Vec<(String, JsonB, f64)> {
    let row = |suffix: &str, le: Option<String>, value: f64| {
        let mut labels = labels.clone();
        if let Some(le) = le {
            labels.insert("le".into(), le.into());
        }
        (format!("{LATENCY}{suffix}"), JsonB(Value::Object(labels)), value)
    };
    let count = latencies.count() as f64;
    let buckets = SECONDS.iter().map(|bound| {
        row("_bucket", Some(bound.to_string()), latencies.count_up_to_ms(bound * 1000.0) as f64)
    });
    let sum = latencies.mean_ms().unwrap_or_default() / 1000.0 * count;
    let rest =
        [row("_bucket", Some("+Inf".into()), count), row("_sum", None, sum), row("_count", None, count)];
    buckets.chain(rest).collect()
}

fn render(samples: &Samples) -> String {
    let mut text = String::new();
    for family in &FAMILIES {
        let Some(samples) = samples.get(family.name) else { continue };
        let Family { name, kind, help } = family;
        // Writing into a String can't fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for Sample { suffix, labels, value } in samples {
            let labels: Vec<String> =
                labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(text, "{name}{suffix}{labels} {value}");
        }
    }
    text
}

/// A label's value between quotes.
fn escaped(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_keeps_whatever_is_in_a_name() {
        assert_eq!(escaped(&json!("a\"b\\c\nd")), r#"a\"b\\c\nd"#);
    }

    #[test]
    fn a_histogram_counts_up_to_each_bound() {
        let mut latencies = Latencies::new();
        [20.0, 300.0, 900.0, 200_000.0].iter().for_each(|ms| latencies.record_ms(*ms));
        let rows = cumulated(&Map::new(), &latencies);
        let at = |le: &str| {
            let found = rows.iter().find(|(_, labels, _)| labels.0["le"] == le);
            found.map(|(_, _, count)| *count)
        };
        assert_eq!(
            (at("0.05"), at("0.5"), at("1"), at("120"), at("+Inf")),
            (Some(1.0), Some(2.0), Some(3.0), Some(3.0), Some(4.0))
        );
    }
}
