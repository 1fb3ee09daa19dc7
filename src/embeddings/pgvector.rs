//! pgvector, where it is installed: an index of the vectors, by which the nearest of many are found without comparing each. What is stored is
//! `real[]` with it and without, so it can come and go, and a dump has all of them in any case.

use pgrx::prelude::*;

use crate::error::Error;
use crate::jobs::{Done, tenants};
use crate::patience::Patience;
use crate::settings;
use crate::storage;

/// Vectors of a tenant: fewer are compared one by one, which is exact and takes milliseconds.
pub const MANY: i64 = 10_000;

/// pgvector's bounds for an index of `vector` and of `halfvec`, which has numbers of 16 bits: what it finds is compared exactly afterwards.
const MOST_DIMENSIONS: usize = 2_000;
const HALVED_FROM: usize = MOST_DIMENSIONS + 1;
const MOST_DIMENSIONS_HALVED: usize = 4_000;

/// How a session finds the vectors of one number of dimensions.
pub struct Index {
    /// pgvector's, quoted.
    schema: String,
    element: &'static str,
    dimensions: usize,
}

impl Index {
    /// None: pgvector is not there, or has no index for so many.
    fn possible(dimensions: usize) -> Result<Option<Index>, Error> {
        let element = match dimensions {
            0 => return Ok(None),
            1..=MOST_DIMENSIONS => "vector",
            HALVED_FROM..=MOST_DIMENSIONS_HALVED => "halfvec",
            _ => return Ok(None),
        };
        Ok(schema()?.map(|schema| Index { schema, element, dimensions }))
    }

    /// None: to compare each vector is all there is.
    pub fn of(dimensions: usize) -> Result<Option<Index>, Error> {
        Ok(Index::possible(dimensions)?.filter(Index::exists))
    }

    fn exists(&self) -> bool {
        storage::relation(&format!("embeddings_near_{}", self.dimensions)).is_some()
    }

    /// What is put in are names from the catalog and of the list above, and a number.
    pub fn fill(&self, statement: &str) -> String {
        statement
            .replace("{dimensions}", &self.dimensions.to_string())
            .replace("{type}", self.element)
            .replace("{schema}", &self.schema)
    }
}

fn schema() -> Result<Option<String>, Error> {
    Ok(Spi::connect(|client| {
        let rows = client.select(include_str!("../../sql/embedding/pgvector.sql"), Some(1), &[])?;
        rows.into_iter().next().map(|row| row.get::<String>(1)).transpose()
    })?
    .flatten())
}

/// Runs a search for so many by the index. It goes on until it has them or gives up, whosever vectors it meets; the planner doesn't know
/// what comparing each would cost.
pub fn search<T>(many: i64, run: impl FnOnce() -> T) -> T {
    let looked_at = match many {
        ..=100 => c"200",
        101..=400 => c"600",
        _ => c"1000",
    };
    let settings = [
        (c"hnsw.iterative_scan", c"strict_order"),
        (c"hnsw.ef_search", looked_at),
        (c"enable_sort", c"off"),
        // Sorts that can't be avoided make a plan look so dear that it would be compiled.
        (c"jit", c"off"),
    ];
    settings::with_all(&settings, run)
}

/// Makes what is missing for each tenant's newest vectors; how many.
pub fn make_indexes(patience: &mut Patience) -> Result<Done, Error> {
    if schema()?.is_none() {
        return Ok(Done::default());
    }
    tenants::for_all("vector_index", patience, make_index)
}

fn make_index() -> Result<u64, Error> {
    let of_newest = include_str!("../../sql/embedding/dimensions.sql");
    let dimensions = Spi::connect(|client| {
        let rows = client.select(of_newest, Some(1), &[MANY.into()])?;
        rows.into_iter().next().map(|row| row.get::<i32>(1)).transpose()
    })?;
    let dimensions = dimensions.flatten().and_then(|dimensions| usize::try_from(dimensions).ok());
    let Some(index) = Index::possible(dimensions.unwrap_or_default())? else { return Ok(0) };
    if index.exists() {
        return Ok(0);
    }
    storage::quietly(|| Spi::run(&index.fill(include_str!("../../sql/embedding/index.sql"))))?;
    Ok(1)
}
