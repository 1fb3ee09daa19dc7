//! The page that shows what a project did: figures in, one HTML document out, which needs nothing but itself.
//!
//! It shows what attackers wrote. So every text of an event is an [`escape::Foreign`], which can only be shown escaped and
//! disarmed, and the document allows no script but its own ([`policy`]).
#![forbid(unsafe_code)]

pub mod alerts;
pub mod chart;
pub mod conversations;
pub mod dashboard;
pub mod escape;
pub mod failures;
pub mod figure;
pub mod layout;
pub mod logs;
pub mod over_time;
pub mod overview;
pub mod policy;
pub mod room;
pub mod scope;
pub mod table;
pub mod traces;
pub mod usage;
pub mod waterfall;

#[cfg(test)]
mod tests;
