//! Rows into a Parquet file, a bounded number of them in memory.

use std::fs::File;
use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::column::writer::ColumnWriter;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;

use crate::column::{Column, Value, Values, schema};
use crate::digest::Digest;
use crate::error::Error;

/// Most rows of a row group: DuckDB's own number, whose threads take a row group each.
const GROUP_ROWS: usize = 122_880;

/// Bytes of a row group in memory, and one row more: wide rows make groups of fewer.
const GROUP_BYTES: usize = 64 << 20;

/// Values between two looks at a page's size: payloads may have a megabyte each.
const PAGE_STEP: usize = 64;

/// Whose rows a file holds; kept in its metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Tells one database of one cluster from all others.
    pub database: String,
    /// The table and the day.
    pub partition: String,
    /// Tells a partition from one that was made anew for the same day.
    pub relation: String,
}

const DATABASE: &str = "observa.database";
const PARTITION: &str = "observa.partition";
const RELATION: &str = "observa.relation";

impl Origin {
    fn to_metadata(&self) -> Vec<KeyValue> {
        [(DATABASE, &self.database), (PARTITION, &self.partition), (RELATION, &self.relation)]
            .map(|(key, value)| KeyValue::new(key.to_owned(), value.clone()))
            .to_vec()
    }

    /// None: it is no archive of ours.
    pub fn of(file: File) -> Option<Origin> {
        let reader = SerializedFileReader::new(file).ok()?;
        let metadata = reader.metadata().file_metadata().key_value_metadata()?;
        let get = |key: &str| metadata.iter().find(|entry| entry.key == key)?.value.clone();
        Some(Origin { database: get(DATABASE)?, partition: get(PARTITION)?, relation: get(RELATION)? })
    }
}

/// What was handed to a writer: what [`crate::verify`] compares a file with.
pub struct Written {
    pub rows: u64,
    pub(crate) digests: Vec<[[u8; 32]; 2]>,
}

/// A column's part of the row group that is being collected.
struct Part {
    values: Values,
    /// 1 for each value that is there, 0 for NULL.
    levels: Vec<i16>,
    digest: Digest,
}

pub struct Writer<'f> {
    file: SerializedFileWriter<&'f File>,
    columns: Vec<Column>,
    parts: Vec<Part>,
    /// Of the row group.
    bytes: usize,
    group_rows: usize,
    rows: u64,
}

impl<'f> Writer<'f> {
    pub fn new(file: &'f File, columns: Vec<Column>, origin: &Origin) -> Result<Writer<'f>, Error> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
            .set_write_batch_size(PAGE_STEP)
            .set_created_by(concat!("observa version ", env!("CARGO_PKG_VERSION")).into())
            .set_key_value_metadata(Some(origin.to_metadata()))
            .build();
        let file = SerializedFileWriter::new(file, schema(&columns)?, Arc::new(properties))?;
        let part = |column: &Column| Part {
            values: Values::of(column.kind),
            levels: Vec::new(),
            digest: Digest::default(),
        };
        let parts = columns.iter().map(part).collect();
        Ok(Writer { file, columns, parts, bytes: 0, group_rows: 0, rows: 0 })
    }

    /// A row, with a value for each column.
    pub fn push(&mut self, row: Vec<Value>) -> Result<(), Error> {
        if row.len() != self.parts.len() {
            return Err(Error::BadRow { found: row.len(), wanted: self.parts.len() });
        }
        for ((part, column), value) in self.parts.iter_mut().zip(&self.columns).zip(row) {
            self.bytes += value.size();
            part.levels.push(i16::from(!matches!(value, Value::Null)));
            if !part.values.push(value) {
                return Err(Error::BadValue(column.name.clone()));
            }
        }
        self.group_rows += 1;
        self.rows += 1;
        if self.group_rows >= GROUP_ROWS || self.bytes >= GROUP_BYTES { self.flush() } else { Ok(()) }
    }

    /// Ends the row group.
    fn flush(&mut self) -> Result<(), Error> {
        let mut group = self.file.next_row_group()?;
        for part in &mut self.parts {
            part.digest.add(&part.levels, &part.values);
            if let Some(mut column) = group.next_column()? {
                write(column.untyped(), part)?;
                column.close()?;
            }
            part.values.clear();
            part.levels.clear();
        }
        group.close()?;
        (self.bytes, self.group_rows) = (0, 0);
        Ok(())
    }

    /// Ends the file, which is not yet on disk.
    pub fn finish(mut self) -> Result<Written, Error> {
        if self.group_rows > 0 {
            self.flush()?;
        }
        self.file.close()?;
        let digests = self.parts.into_iter().map(|part| part.digest.finish()).collect();
        Ok(Written { rows: self.rows, digests })
    }
}

fn write(column: &mut ColumnWriter, part: &Part) -> Result<(), Error> {
    let levels = Some(part.levels.as_slice());
    match (column, &part.values) {
        (ColumnWriter::BoolColumnWriter(to), Values::Bool(values)) => to.write_batch(values, levels, None)?,
        (ColumnWriter::Int32ColumnWriter(to), Values::Int(values)) => to.write_batch(values, levels, None)?,
        (ColumnWriter::Int64ColumnWriter(to), Values::BigInt(values)) => {
            to.write_batch(values, levels, None)?
        }
        (ColumnWriter::DoubleColumnWriter(to), Values::Double(values)) => {
            to.write_batch(values, levels, None)?
        }
        (ColumnWriter::ByteArrayColumnWriter(to), Values::Bytes(values)) => {
            to.write_batch(values, levels, None)?
        }
        (ColumnWriter::FixedLenByteArrayColumnWriter(to), Values::Fixed(values)) => {
            to.write_batch(values, levels, None)?
        }
        // The schema is made of the same kinds.
        _ => 0,
    };
    Ok(())
}
