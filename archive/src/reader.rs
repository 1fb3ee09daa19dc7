//! A file read back, and compared with what was handed to its writer.

use std::fs::File;

use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::file::reader::{FileReader, SerializedFileReader};

use crate::column::Values;
use crate::digest::Digest;
use crate::error::Error;
use crate::writer::Written;

/// Values read at once.
const BATCH: usize = 1_024;

/// Reads all of a file. `tick` is called often, and may end it by a panic.
pub fn verify(file: File, written: &Written, tick: &mut dyn FnMut()) -> Result<(), Error> {
    let reader = SerializedFileReader::new(file)?;
    let columns = reader.metadata().file_metadata().schema_descr().num_columns();
    let mut digests = vec![Digest::default(); columns];
    let mut rows = 0;
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group)?;
        let group_rows = u64::try_from(group.metadata().num_rows()).unwrap_or_default();
        rows += group_rows;
        for (at, digest) in digests.iter_mut().enumerate() {
            let found = read(group.get_column_reader(at)?, digest, tick)?;
            if found != group_rows {
                return Err(Error::Differs(format!("column {at} has {found} of {group_rows} rows")));
            }
        }
    }
    if rows != written.rows {
        return Err(Error::Differs(format!("{rows} of {} rows", written.rows)));
    }
    let digests: Vec<_> = digests.into_iter().map(Digest::finish).collect();
    if digests != written.digests {
        return Err(Error::Differs("the checksums of the columns".into()));
    }
    Ok(())
}

/// How many rows the column has in the row group.
fn read(column: ColumnReader, digest: &mut Digest, tick: &mut dyn FnMut()) -> Result<u64, Error> {
    match column {
        ColumnReader::BoolColumnReader(from) => drain(from, digest, Values::Bool, tick),
        ColumnReader::Int32ColumnReader(from) => drain(from, digest, Values::Int, tick),
        ColumnReader::Int64ColumnReader(from) => drain(from, digest, Values::BigInt, tick),
        ColumnReader::DoubleColumnReader(from) => drain(from, digest, Values::Double, tick),
        ColumnReader::ByteArrayColumnReader(from) => drain(from, digest, Values::Bytes, tick),
        ColumnReader::FixedLenByteArrayColumnReader(from) => drain(from, digest, Values::Fixed, tick),
        ColumnReader::Int96ColumnReader(_) | ColumnReader::FloatColumnReader(_) => {
            Err(Error::Differs("a column of a type that is never written".into()))
        }
    }
}

fn drain<T: DataType>(
    mut from: ColumnReaderImpl<T>,
    digest: &mut Digest,
    wrap: fn(Vec<T::T>) -> Values,
    tick: &mut dyn FnMut(),
) -> Result<u64, Error> {
    let mut rows = 0;
    loop {
        tick();
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let (read, ..) = from.read_records(BATCH, Some(&mut levels), None, &mut values)?;
        if read == 0 {
            return Ok(rows);
        }
        rows += read as u64;
        digest.add(&levels, &wrap(values));
    }
}
