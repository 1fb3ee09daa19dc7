//! Judging by a model, and embeddings: one thread asks endpoints that speak OpenAI's API, and says what became of each task. It knows
//! nothing of Postgres: whoever works on the database hands it tasks, goes on, and asks later.

mod attempt;
pub mod breaker;
mod call;
mod chat;
mod desk;
mod embedding;
mod endpoint;
pub mod engine;
pub mod evaluators;
mod gate;
mod habits;
pub mod prompt;
mod report;
mod task;
pub mod verdict;

pub use engine::Engine;
pub use gate::EndpointState;
pub use report::{MOST_ATTEMPTS, Report, Usage};
pub use task::{EndpointConfig, JsonMode, Kind, Task, Work};
pub use verdict::Verdict;
