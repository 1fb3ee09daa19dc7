//! Rows of a table as one array parameter: `INSERT ... SELECT FROM unnest($1::table[])` writes a batch in one statement.

use std::ffi::CStr;

use pgrx::datum::DatumWithOid;
use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::error::Error;
use crate::storage;

/// How a column of a table is filled from a `T`; None is NULL.
pub struct Column<T> {
    pub name: &'static str,
    pub value: fn(&T) -> Option<pg_sys::Datum>,
}

/// Rows of a table of `observa_internal`, as an array of its row type.
pub struct Rows {
    array: pg_sys::Datum,
    array_type: pg_sys::Oid,
}

impl Rows {
    /// A column of the table that `columns` does not name is NULL.
    pub fn new<T>(table: &'static str, columns: &[Column<T>], of: impl Iterator<Item = T>) -> Result<Rows, Error> {
        let relation = storage::relation(table).ok_or(Error::NoStorage)?;
        // SAFETY: the relation exists; the descriptor is copied into the current context and its pin given back.
        let (row_type, descriptor) = unsafe {
            let row_type = pg_sys::get_rel_type_id(relation);
            let pinned = pg_sys::lookup_rowtype_tupdesc(row_type, -1);
            let descriptor = pg_sys::CreateTupleDescCopy(pinned);
            pg_sys::DecrTupleDescRefCount(pinned);
            (row_type, descriptor)
        };
        let places = places(descriptor, columns);
        // SAFETY: Postgres made the descriptor just now.
        let width = usize::try_from(unsafe { (*descriptor).natts }).unwrap_or_default();
        let mut values = vec![pg_sys::Datum::from(0); width];
        let mut nulls = vec![true; width];
        let mut rows: Vec<pg_sys::Datum> = of
            .map(|item| {
                nulls.fill(true);
                for (column, place) in columns.iter().zip(&places) {
                    let (Some(value), Some(place)) = ((column.value)(&item), place) else { continue };
                    if let (Some(slot), Some(null)) = (values.get_mut(*place), nulls.get_mut(*place)) {
                        *slot = value;
                        *null = false;
                    }
                }
                // SAFETY: as many values and nulls as the descriptor has columns, of their types.
                unsafe {
                    let tuple = pg_sys::heap_form_tuple(descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
                    let datum = pg_sys::heap_copy_tuple_as_datum(tuple, descriptor);
                    pg_sys::heap_freetuple(tuple);
                    datum
                }
            })
            .collect();
        // SAFETY: composite values are of variable length, by reference, aligned as double.
        unsafe {
            let count = i32::try_from(rows.len()).unwrap_or(i32::MAX);
            let array = pg_sys::construct_array(rows.as_mut_ptr(), count, row_type, -1, false, b'd' as std::ffi::c_char);
            Ok(Rows { array: pg_sys::Datum::from(array), array_type: pg_sys::get_array_type(row_type) })
        }
    }

    pub fn parameter(&self) -> DatumWithOid<'_> {
        // SAFETY: the datum is an array of that type, alive in the context of the call.
        unsafe { DatumWithOid::new(self.array, self.array_type) }
    }
}

/// Where each column stands in the table. None: this version of the table does not have it.
fn places<T>(descriptor: pg_sys::TupleDesc, columns: &[Column<T>]) -> Vec<Option<usize>> {
    // SAFETY: attributes 0 to natts exist in a descriptor that Postgres made; names are C strings.
    let names: Vec<Vec<u8>> = unsafe {
        (0..(*descriptor).natts)
            .map(|index| {
                let attribute = pg_sys::TupleDescAttr(descriptor, index);
                CStr::from_ptr((*attribute).attname.data.as_ptr()).to_bytes().to_vec()
            })
            .collect()
    };
    columns.iter().map(|column| names.iter().position(|name| name == column.name.as_bytes())).collect()
}
