//! observa.prompt_templates(): templates and their versions, as calls name them.

use pgrx::AnyNumeric;
use pgrx::prelude::*;

use crate::embeddings::window;
use crate::error::{Error, or_raise};
use crate::rows;

/// Events that are looked at, the newest: the attributes of each are read.
const SAMPLE: i64 = 20_000;

/// Attributes that name a template, in the spellings of the libraries; the first one counts.
const NAMES: [&str; 8] = [
    "prompt_template_name",
    "prompt_name",
    "prompt_template",
    "gen_ai.prompt.name",
    "langfuse.observation.prompt.name",
    "langfuse.prompt.name",
    "llm.prompt_template.name",
    "template_name",
];

/// Attributes that say its version.
const VERSIONS: [&str; 6] = [
    "prompt_template_version",
    "prompt_version",
    "gen_ai.prompt.version",
    "langfuse.observation.prompt.version",
    "langfuse.prompt.version",
    "llm.prompt_template.version",
];

type Template = (
    pgrx::Uuid,
    String,
    Option<String>,
    i64,
    i64,
    Option<f64>,
    Option<AnyNumeric>,
    Option<i64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<f64>,
    Option<TimestampWithTimeZone>,
    Option<TimestampWithTimeZone>,
    i64,
);

/// With the rights of who asks.
#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "pgrx reads the columns from the type")]
fn prompt_templates(
    project: Option<pgrx::Uuid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> TableIterator<
    'static,
    (
        name!(project_id, pgrx::Uuid),
        name!(template, String),
        name!(version, Option<String>),
        name!(calls, i64),
        name!(renders, i64),
        name!(error_rate, Option<f64>),
        name!(cost_usd, Option<AnyNumeric>),
        name!(total_tokens, Option<i64>),
        name!(p50_latency_ms, Option<f64>),
        name!(p95_latency_ms, Option<f64>),
        name!(coherence, Option<f64>),
        name!(toxicity, Option<f64>),
        name!(hallucination_risk, Option<f64>),
        name!(first_seen, Option<TimestampWithTimeZone>),
        name!(last_seen, Option<TimestampWithTimeZone>),
        name!(sampled_events, i64),
    ),
> {
    let found = window::of(project, since, until).and_then(|window| rows::in_own_memory(|| find(&window)));
    TableIterator::new(or_raise(found))
}

fn find(window: &window::Window) -> Result<Vec<Template>, Error> {
    let arguments = [
        window.tenant.into(),
        window.project.into(),
        window.since.into(),
        window.until.into(),
        SAMPLE.into(),
        NAMES.to_vec().into(),
        VERSIONS.to_vec().into(),
    ];
    let found = Spi::connect(|client| {
        client
            .select(include_str!("../sql/query/prompt_templates.sql"), None, &arguments)?
            .map(|row| {
                let number = |column: usize| row.get::<f64>(column);
                let count = |column| Ok::<_, pgrx::spi::Error>(row.get::<i64>(column)?.unwrap_or_default());
                let Some((project, template)) = row.get::<pgrx::Uuid>(1)?.zip(row.get::<String>(2)?) else {
                    return Ok(None);
                };
                Ok(Some((
                    project,
                    template,
                    row.get::<String>(3)?,
                    count(4)?,
                    count(5)?,
                    number(6)?,
                    row.get::<AnyNumeric>(7)?,
                    row.get::<i64>(8)?,
                    number(9)?,
                    number(10)?,
                    number(11)?,
                    number(12)?,
                    number(13)?,
                    row.get::<TimestampWithTimeZone>(14)?,
                    row.get::<TimestampWithTimeZone>(15)?,
                    count(16)?,
                )))
            })
            .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    Ok(found.into_iter().flatten().collect())
}
