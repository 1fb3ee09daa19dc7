//! The upkeep of one database: the same round that a DBA runs by hand.

use crate::server::{ConnectError, Server};

#[derive(Debug, thiserror::Error)]
pub enum MaintenanceError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("a round of maintenance failed: {0}")]
    Round(#[source] postgres::Error),
}

/// Runs one round on a connection of its own, so that a server that was restarted is no special case; what it did, as JSON.
pub fn run(server: &Server) -> Result<String, MaintenanceError> {
    let mut client = server.connect()?;
    let answer =
        client.query_one("SELECT observa.run_maintenance()::text", &[]).map_err(MaintenanceError::Round)?;
    answer.try_get(0).map_err(MaintenanceError::Round)
}
