//! Whether the storage is what this library's scripts made.

use std::hash::{Hash, Hasher};

use pgrx::prelude::*;

use crate::error::Error;
use crate::storage::{self, SCRIPTS};

/// Of the scripts. Another compiler may say another one: then they run once more.
fn scripts() -> String {
    let mut hasher = std::hash::DefaultHasher::new();
    SCRIPTS.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

fn catalog() -> Result<Option<String>, Error> {
    Ok(Spi::get_one(include_str!("../sql/query/storage_catalog.sql"))?)
}

/// True where to run the scripts again would change nothing.
pub fn is_known() -> Result<bool, Error> {
    if storage::relation("storage_state").is_none() {
        return Ok(false);
    }
    let sql =
        "SELECT EXISTS (SELECT FROM observa_internal.storage_state WHERE scripts = $1 AND catalog = $2)";
    Ok(Spi::get_one_with_args(sql, &[scripts().into(), catalog()?.into()])?.unwrap_or_default())
}

/// What the scripts have made now.
pub fn remember() -> Result<(), Error> {
    let sql = "WITH old AS (DELETE FROM observa_internal.storage_state)
               INSERT INTO observa_internal.storage_state (scripts, catalog) VALUES ($1, $2)";
    Ok(Spi::run_with_args(sql, &[scripts().into(), catalog()?.into()])?)
}
