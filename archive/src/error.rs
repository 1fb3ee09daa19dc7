//! What may go wrong with an archive.

use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{what} {}: {source}", .path.display())]
    Io { what: &'static str, path: PathBuf, source: std::io::Error },
    #[error("the archive could not be written or read: {0}")]
    Parquet(#[from] ParquetError),
    #[error("a directory for archives is an absolute path without ..")]
    BadPath,
    #[error("{} is no directory", .0.display())]
    NoDirectory(PathBuf),
    #[error("{} is there already and holds something else", .0.display())]
    Taken(PathBuf),
    #[error("{} is there already with other rows of this day, maybe of a copy of this database: move it away, or set another directory", .0.display())]
    OtherRows(PathBuf),
    #[error("what was read back of the archive is not what was written: {0}")]
    Differs(String),
    #[error("a row of {found} values, where {wanted} columns are")]
    BadRow { found: usize, wanted: usize },
    #[error("a value of another type than that of column {0}")]
    BadValue(String),
}

impl Error {
    /// For `map_err` of what the system said of a path.
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
        move |source| Error::Io { what, path: path.to_owned(), source }
    }
}
