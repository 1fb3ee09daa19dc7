//! How large Observa's tables are, partitions and indexes included.

use pgrx::prelude::*;

use crate::error::Error;

pub struct Table {
    pub name: String,
    pub bytes: i64,
    /// As the planner estimates them.
    pub rows: i64,
    pub partitions: i64,
    /// Bounds of the first and the last partition. None: it has none.
    pub first: Option<String>,
    pub last: Option<String>,
}

/// The largest first.
pub fn all() -> Result<Vec<Table>, Error> {
    let found = Spi::connect(|client| {
        client
            .select(include_str!("../../sql/health/tables.sql"), None, &[])?
            .map(|row| {
                Ok(Table {
                    name: row.get::<String>(1)?.unwrap_or_default(),
                    bytes: row.get::<i64>(2)?.unwrap_or_default(),
                    rows: row.get::<i64>(3)?.unwrap_or_default(),
                    partitions: row.get::<i64>(4)?.unwrap_or_default(),
                    first: row.get::<String>(5)?,
                    last: row.get::<String>(6)?,
                })
            })
            .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    });
    Ok(found?)
}
