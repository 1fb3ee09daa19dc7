//! Columns, their values, and how Parquet has each.

use std::sync::Arc;

use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical};
use parquet::data_type::{ByteArray, FixedLenByteArray};
use parquet::schema::types::{Type, TypePtr};

use crate::error::Error;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Bool,
    Int,
    BigInt,
    Double,
    Text,
    Json,
    /// Microseconds since 1970 UTC.
    Time,
    Uuid,
}

#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
}

/// One value of a row. Its variant must be that of the column's kind: `Text` for JSON, too, and `BigInt` for times.
#[derive(Clone, Debug)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i32),
    BigInt(i64),
    Double(f64),
    Text(String),
    Uuid([u8; 16]),
}

/// The values of a column that are not NULL, as Parquet takes and gives them.
pub(crate) enum Values {
    Bool(Vec<bool>),
    Int(Vec<i32>),
    BigInt(Vec<i64>),
    Double(Vec<f64>),
    Bytes(Vec<ByteArray>),
    Fixed(Vec<FixedLenByteArray>),
}

impl Values {
    pub fn of(kind: Kind) -> Values {
        match kind {
            Kind::Bool => Values::Bool(Vec::new()),
            Kind::Int => Values::Int(Vec::new()),
            Kind::BigInt | Kind::Time => Values::BigInt(Vec::new()),
            Kind::Double => Values::Double(Vec::new()),
            Kind::Text | Kind::Json => Values::Bytes(Vec::new()),
            Kind::Uuid => Values::Fixed(Vec::new()),
        }
    }

    pub fn clear(&mut self) {
        match self {
            Values::Bool(values) => values.clear(),
            Values::Int(values) => values.clear(),
            Values::BigInt(values) => values.clear(),
            Values::Double(values) => values.clear(),
            Values::Bytes(values) => values.clear(),
            Values::Fixed(values) => values.clear(),
        }
    }

    /// False: the value is of another type.
    pub fn push(&mut self, value: Value) -> bool {
        match (self, value) {
            (_, Value::Null) => {}
            (Values::Bool(values), Value::Bool(value)) => values.push(value),
            (Values::Int(values), Value::Int(value)) => values.push(value),
            (Values::BigInt(values), Value::BigInt(value)) => values.push(value),
            (Values::Double(values), Value::Double(value)) => values.push(value),
            (Values::Bytes(values), Value::Text(value)) => values.push(value.into_bytes().into()),
            (Values::Fixed(values), Value::Uuid(value)) => values.push(value.to_vec().into()),
            _ => return false,
        }
        true
    }
}

impl Value {
    /// Bytes of memory that it takes while its row group is collected, about.
    pub(crate) fn size(&self) -> usize {
        /// Of a buffer's handle and its allocation.
        const BUFFER: usize = 64;
        match self {
            Value::Null => 2,
            Value::Bool(_) => 3,
            Value::Int(_) => 6,
            Value::BigInt(_) | Value::Double(_) => 10,
            Value::Text(text) => text.len() + BUFFER,
            Value::Uuid(id) => id.len() + BUFFER,
        }
    }
}

/// Columns are all optional: what a table forbids to be NULL is none of an archive's business.
pub(crate) fn schema(columns: &[Column]) -> Result<TypePtr, Error> {
    let fields = columns.iter().map(|column| field(column).map(Arc::new)).collect::<Result<_, _>>()?;
    Ok(Arc::new(Type::group_type_builder("rows").with_fields(fields).build()?))
}

fn field(column: &Column) -> Result<Type, Error> {
    let (physical, logical, length) = match column.kind {
        Kind::Bool => (Physical::BOOLEAN, None, -1),
        Kind::Int => (Physical::INT32, None, -1),
        Kind::BigInt => (Physical::INT64, None, -1),
        Kind::Double => (Physical::DOUBLE, None, -1),
        Kind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String), -1),
        Kind::Json => (Physical::BYTE_ARRAY, Some(LogicalType::Json), -1),
        Kind::Time => (Physical::INT64, Some(LogicalType::timestamp(true, TimeUnit::MICROS)), -1),
        Kind::Uuid => (Physical::FIXED_LEN_BYTE_ARRAY, Some(LogicalType::Uuid), 16),
    };
    Ok(Type::primitive_type_builder(&column.name, physical)
        .with_repetition(Repetition::OPTIONAL)
        .with_logical_type(logical)
        .with_length(length)
        .build()?)
}
