//! What would make a tenant's models cheaper or faster: computed from what is stored, no model asked, and each with its numbers.

use std::time::{Duration, Instant};

use pgrx::prelude::*;
use pgrx::{AnyNumeric, JsonB};

use crate::embeddings::window::{self, Window};
use crate::error::{Error, or_raise};
use crate::rows;

/// Newest events that are looked at, where sums say too little: their prompts are read, some kilobytes each.
const SAMPLE: i64 = 2_000;

/// After so long no other kind is begun: who asks is told which are left out.
const PATIENCE: Duration = Duration::from_secs(20);

/// A kind of advice, and the statement that finds it. $1 tenant, $2 project, NULL: all; $3 since, $4 until, $5 sample.
const KINDS: [(&str, &str); 10] = [
    ("no_price", include_str!("../sql/advice/no_price.sql")),
    ("cheaper_model", include_str!("../sql/advice/cheaper_model.sql")),
    ("prompt_grew", include_str!("../sql/advice/prompt_grew.sql")),
    ("slow_tool", include_str!("../sql/advice/slow_tools.sql")),
    ("loops", include_str!("../sql/advice/loops.sql")),
    ("cut_off", include_str!("../sql/advice/cut_off.sql")),
    ("retries", include_str!("../sql/advice/retries.sql")),
    ("prompt_cache", include_str!("../sql/advice/prompt_cache.sql")),
    ("identical_calls", include_str!("../sql/advice/identical_calls.sql")),
    ("unused_context", include_str!("../sql/advice/unused_context.sql")),
];

type Advice =
    (String, String, String, Option<AnyNumeric>, Option<AnyNumeric>, Option<f64>, Option<JsonB>, String);

/// With the rights of who asks.
#[pg_extern(sql = false)]
#[expect(clippy::type_complexity, reason = "pgrx reads the columns from the type")]
fn advice(
    project: Option<pgrx::Uuid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> TableIterator<
    'static,
    (
        name!(kind, String),
        name!(subject, String),
        name!(advice, String),
        name!(saving_usd, Option<AnyNumeric>),
        name!(saving_usd_month, Option<AnyNumeric>),
        name!(saving_ms, Option<f64>),
        name!(evidence, Option<JsonB>),
        name!(confidence, String),
    ),
> {
    TableIterator::new(or_raise(all(project, since, until)))
}

fn all(
    project: Option<pgrx::Uuid>,
    since: Option<TimestampWithTimeZone>,
    until: Option<TimestampWithTimeZone>,
) -> Result<Vec<Advice>, Error> {
    let window = window::of(project, since, until)?;
    let ends = [i64::from(window.since), i64::from(window.until)];
    if ends.iter().any(|end| [i64::MIN, i64::MAX].contains(end)) {
        return Err(Error::Invalid("since and until must be times, not infinity".into()));
    }
    if ends[0] >= ends[1] {
        return Err(Error::Invalid("since must be before until".into()));
    }
    let begun = Instant::now();
    let mut found = Vec::new();
    for (place, (_, statement)) in KINDS.iter().enumerate() {
        if begun.elapsed() > PATIENCE {
            let left: Vec<&str> = KINDS.iter().skip(place).map(|(kind, _)| *kind).collect();
            warning!("observa: advice took too long, and leaves out {}", left.join(", "));
            break;
        }
        found.extend(rows::in_own_memory(|| look(&window, statement))?);
    }
    Ok(found)
}

fn look(window: &Window, statement: &str) -> Result<Vec<Advice>, Error> {
    let statement = include_str!("../sql/advice/row.sql").replace("{found}", statement);
    let arguments = [
        window.tenant.into(),
        window.project.into(),
        window.since.into(),
        window.until.into(),
        SAMPLE.into(),
    ];
    let found = Spi::connect(|client| {
        client
            .select(&statement, None, &arguments)?
            .map(|row| {
                let text = |column| Ok::<_, pgrx::spi::Error>(row.get::<String>(column)?.unwrap_or_default());
                Ok((
                    text(1)?,
                    text(2)?,
                    text(3)?,
                    row.get::<AnyNumeric>(4)?,
                    row.get::<AnyNumeric>(5)?,
                    row.get::<f64>(6)?,
                    row.get::<JsonB>(7)?,
                    text(8)?,
                ))
            })
            .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    });
    Ok(found?)
}
