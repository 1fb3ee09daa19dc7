//! Where an event belongs, and what its tenant decided about scrubbing, prices and rules.

use std::sync::Arc;

use uuid::Uuid;

use crate::analysis::Plan;
use crate::error::Reject;
use crate::price::Book;
use crate::scrub::Scrubber;
use crate::signal::RuleSet;

/// A project of a tenant.
pub struct Home {
    pub tenant_id: Uuid,
    pub tenant_name: String,
    pub project_id: Uuid,
    /// Of events that name none.
    pub environment: String,
    /// The key of the tenant's pseudonyms.
    pub pseudonym_key: Vec<u8>,
    pub scrubber: Shared<Scrubber>,
    pub book: Shared<Book>,
    pub rules: Arc<RuleSet>,
    /// Whether answers are scored where the client sends no scores.
    pub quality_scores: bool,
    /// What is judged. None: nothing is.
    pub analysis: Option<Arc<Plan>>,
    /// Names of tags that metrics are kept by.
    pub metric_tags: Vec<String>,
}

/// A place as a body names it, each part by id or name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place<'n> {
    pub tenant: Option<&'n str>,
    pub project: Option<&'n str>,
    /// Tells two projects of one name apart.
    pub environment: Option<&'n str>,
}

/// Finds the home of what a body names; who may write where is decided here, by the caller.
pub trait Homes {
    /// An unknown tenant, or one that the caller may not write to, is a `tenant_mismatch`; an unknown project is the tenant's
    /// default.
    fn home(&mut self, place: Place) -> Result<Arc<Home>, Reject>;
}

/// What most homes share, built in, and what one has of its own.
pub enum Shared<T: 'static> {
    BuiltIn(&'static T),
    Own(Arc<T>),
}

impl<T> std::ops::Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Shared::BuiltIn(shared) => shared,
            Shared::Own(own) => own,
        }
    }
}
