//! Rows of a table that a statement reads as if they were one, `rows`, as a trigger reads its transition table. So
//! `INSERT ... SELECT * FROM rows` writes many in one statement, each copied as seldom as Postgres allows.

use std::ffi::CStr;

use pgrx::pg_sys;
use pgrx::spi::{Spi, SpiTupleTable};
use pgrx::tupdesc::PgTupleDesc;

use crate::error::Error;
use crate::plans;
use crate::storage;

/// What statements call the rows.
const NAME: &CStr = c"rows";

/// Kilobytes that rows may take in memory; more go to a temporary file.
const MOST_MEMORY: i32 = 256 << 10;

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

/// Rows of a table of `observa_internal`, in memory of the current context.
pub struct Rows {
    store: *mut pg_sys::Tuplestorestate,
    table: pg_sys::Oid,
    count: usize,
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
        // SAFETY: it lives in the current context, and is read once from its beginning.
        let store = unsafe { pg_sys::tuplestore_begin_heap(false, false, MOST_MEMORY) };
        let mut count = 0;
        for item in of {
            nulls.fill(true);
            for (column, place) in columns.iter().zip(&places) {
                let (Some(value), Some(place)) = ((column.value)(&item), place) else { continue };
                if let (Some(slot), Some(null)) = (values.get_mut(*place), nulls.get_mut(*place)) {
                    *slot = value;
                    *null = false;
                }
            }
            // SAFETY: as many values and nulls as the descriptor has columns, of their types; they are copied.
            unsafe {
                pg_sys::tuplestore_putvalues(store, descriptor, values.as_mut_ptr(), nulls.as_mut_ptr());
            }
            count += 1;
        }
        Ok(Rows { store, table: relation, count })
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Runs a statement over the rows, and reads what it returns.
    pub fn run<T>(
        &self,
        sql: &'static str,
        read: impl FnOnce(SpiTupleTable) -> Result<T, pgrx::spi::Error>,
    ) -> Result<T, Error> {
        let result = Spi::connect_mut(|client| {
            self.register()?;
            plans::run(client, sql, self.table, read)
        })?;
        Ok(result)
    }

    /// Makes them visible to the statements of this SPI connection.
    fn register(&self) -> Result<(), pgrx::spi::Error> {
        // SAFETY: SPI keeps a pointer to what is made here until the connection ends; it lies in the connection's own memory.
        let answer = unsafe {
            let relation: *mut pg_sys::EphemeralNamedRelationData =
                pg_sys::palloc0(size_of::<pg_sys::EphemeralNamedRelationData>()).cast();
            (*relation).md.name = NAME.as_ptr().cast_mut();
            (*relation).md.reliddesc = self.table;
            (*relation).md.enrtype = pg_sys::EphemeralNameRelationType::ENR_NAMED_TUPLESTORE;
            (*relation).md.enrtuples = self.count as f64;
            (*relation).reldata = self.store.cast();
            pg_sys::SPI_register_relation(relation)
        };
        pgrx::spi::Spi::check_status(answer).map(|_| ())
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        // After an error the store goes with its memory context: to touch it then could fail again.
        if !std::thread::panicking() {
            // SAFETY: ours alone, and no statement reads it any more.
            unsafe { pg_sys::tuplestore_end(self.store) };
        }
    }
}
