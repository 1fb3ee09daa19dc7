//! Rows of a table as one array parameter: `INSERT ... SELECT FROM unnest($1::table[])` writes a batch in one statement.

use std::cell::RefCell;
use std::collections::HashMap;

use pgrx::datum::DatumWithOid;
use pgrx::pg_sys::{self, PgOid};
use pgrx::spi::{OwnedPreparedStatement, Spi, SpiTupleTable};
use pgrx::tupdesc::PgTupleDesc;

use crate::error::Error;
use crate::storage;

thread_local! {
    /// Plans of the statements, by their text and the row type that they were made for: planning costs a small batch a
    /// quarter of its time. A table that was made anew has another type.
    static PLANS: RefCell<HashMap<(&'static str, pg_sys::Oid), OwnedPreparedStatement>> = RefCell::new(HashMap::new());
}

/// How a value is taken from a `T`; None is NULL.
pub type Value<T> = fn(&T) -> Option<pg_sys::Datum>;

/// How a column of a table is filled.
pub struct Column<T> {
    pub name: &'static str,
    pub value: Value<T>,
}

/// Runs something whose Postgres memory is freed when it is done. After an error the context stays, to be freed with the
/// transaction: the report of the error is still made in it.
pub fn in_own_memory<T>(run: impl FnOnce() -> T) -> T {
    // SAFETY: a child of the current context, which is current again before the child is deleted; nothing that `run`
    // returns lies in it, as its type says nothing of Postgres.
    unsafe {
        let context = pg_sys::AllocSetContextCreateExtended(
            pg_sys::CurrentMemoryContext,
            c"Observa rows".as_ptr(),
            pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
            pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
        );
        let before = pg_sys::MemoryContextSwitchTo(context);
        let result = run();
        pg_sys::MemoryContextSwitchTo(before);
        pg_sys::MemoryContextDelete(context);
        result
    }
}

/// Rows of a table of `observa_internal`, as an array of its row type.
pub struct Rows {
    array: pg_sys::Datum,
    array_type: pg_sys::Oid,
}

impl Rows {
    /// A column of the table that `columns` does not name is NULL.
    pub fn new<T>(
        table: &'static str,
        columns: &[Column<T>],
        of: impl Iterator<Item = T>,
    ) -> Result<Rows, Error> {
        let relation = storage::relation(table).ok_or(Error::NoStorage)?;
        // SAFETY: a look-up by the relation's oid.
        let row_type = unsafe { pg_sys::get_rel_type_id(relation) };
        let table = PgTupleDesc::for_composite_type_by_oid(row_type).ok_or(Error::NoStorage)?;
        let places: Vec<Option<usize>> = columns
            .iter()
            .map(|column| table.iter().position(|attribute| attribute.name() == column.name))
            .collect();
        let width = table.len();
        let descriptor = table.into_pg();
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
                // SAFETY: as many values and nulls as the descriptor has columns, of their types. A tuple that was formed of
                // values in memory is a composite value as it is.
                unsafe {
                    let tuple = pg_sys::heap_form_tuple(descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
                    pg_sys::Datum::from((*tuple).t_data)
                }
            })
            .collect();
        // SAFETY: composite values are of variable length, by reference, aligned as double.
        unsafe {
            let count = i32::try_from(rows.len()).unwrap_or(i32::MAX);
            let array = pg_sys::construct_array(
                rows.as_mut_ptr(),
                count,
                row_type,
                -1,
                false,
                b'd' as std::ffi::c_char,
            );
            Ok(Rows { array: pg_sys::Datum::from(array), array_type: pg_sys::get_array_type(row_type) })
        }
    }

    /// Runs a statement whose one parameter, $1, are the rows, and reads what it returns.
    pub fn run<T>(
        &self,
        sql: &'static str,
        read: impl FnOnce(SpiTupleTable) -> Result<T, pgrx::spi::Error>,
    ) -> Result<T, Error> {
        // Taken out while it runs: a trigger on the table may come here again.
        let kept = PLANS.with_borrow_mut(|plans| plans.remove(&(sql, self.array_type)));
        let result = Spi::connect_mut(|client| {
            let plan = match kept {
                Some(plan) => plan,
                None => client.prepare_mut(sql, &[PgOid::from(self.array_type)])?.keep(),
            };
            // SAFETY: the datum is an array of that type, alive in the context of the call.
            let rows = unsafe { DatumWithOid::new(self.array, self.array_type) };
            let result = client.update(&plan, None, &[rows]).and_then(read);
            PLANS.with_borrow_mut(|plans| plans.insert((sql, self.array_type), plan));
            result
        })?;
        Ok(result)
    }
}
