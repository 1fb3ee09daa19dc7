//! Keeps what a worker was told.

use observa_pipeline::embedding::normalised;
use observa_pipeline::identity as ids;
use pgrx::prelude::*;
use uuid::Uuid;

use crate::analysis::subject::{self, Of};
use crate::error::Error;
use crate::identity::sql_uuid;

/// A job of the acting tenant, and what it was about.
pub struct Embedded<'r> {
    pub job_id: Uuid,
    /// None: a text that somebody searches by.
    pub event: Option<(&'r str, TimestampWithTimeZone)>,
    pub model: String,
    pub vector: &'r [f32],
}

/// A vector without a direction is compared with nothing, and not kept; nor is one whose question is gone by now.
pub fn store(embedded: &Embedded) -> Result<(), Error> {
    let Some(vector) = normalised(embedded.vector) else { return Ok(()) };
    let (job, model) = (sql_uuid(embedded.job_id), embedded.model.as_str());
    let Some((event_id, ts)) = embedded.event else {
        let arguments = [job.into(), model.into(), vector.into()];
        return Ok(Spi::run_with_args(include_str!("../../sql/embedding/answer_query.sql"), &arguments)?);
    };
    let of = Of { trace_id: None, event_id: Some(event_id), ts };
    let Ok(subject) = subject::load(&of, false)? else { return Ok(()) };
    let question = subject.variables.get("question").map(|text| text.trim()).unwrap_or_default();
    let hash = ids::uuid_of_parts(&["question", question]);
    let arguments = [job.into(), model.into(), sql_uuid(hash).into(), vector.into()];
    Ok(Spi::run_with_args(include_str!("../../sql/embedding/store.sql"), &arguments)?)
}
