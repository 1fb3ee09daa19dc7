//! Plans that a backend keeps: planning costs a small batch a quarter of its time.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::CString;

use pgrx::datum::DatumWithOid;
use pgrx::pg_sys;
use pgrx::prelude::*;
use pgrx::spi::{OwnedPreparedStatement, SpiClient, SpiTupleTable};

use crate::error::Error;

thread_local! {
    /// By statement and by the table whose rows it reads: one that was made anew is another table.
    static PLANS: RefCell<HashMap<(&'static str, pg_sys::Oid), OwnedPreparedStatement>> = RefCell::new(HashMap::new());
}

/// Runs a statement over rows of a table that the SPI connection knows under a name, and reads what it returns.
pub fn run<T>(
    client: &mut SpiClient,
    sql: &'static str,
    table: pg_sys::Oid,
    read: impl FnOnce(SpiTupleTable) -> Result<T, pgrx::spi::Error>,
) -> Result<T, pgrx::spi::Error> {
    // Taken out while it runs: a trigger on the table may come here again.
    let kept = PLANS.with_borrow_mut(|plans| plans.remove(&(sql, table)));
    let plan = match kept {
        Some(plan) => plan,
        None => client.prepare_mut(sql, &[])?.keep(),
    };
    let result = client.update(&plan, None, &[]).and_then(read);
    PLANS.with_borrow_mut(|plans| plans.insert((sql, table), plan));
    result
}

/// A row of what [`each`] reads, as long as it is read.
pub struct Found {
    tuple: pg_sys::HeapTuple,
    description: pg_sys::TupleDesc,
}

impl Found {
    /// From 1 on. None: NULL, or there is no such column.
    pub fn get<T: FromDatum>(&self, column: i32) -> Option<T> {
        let mut is_null = true;
        // SAFETY: a row of the statement that is read, and its description; `T` is the column's type, or the caller's mistake that
        // its test shows.
        unsafe {
            let datum = pg_sys::SPI_getbinval(self.tuple, self.description, column, &mut is_null);
            T::from_datum(datum, is_null)
        }
    }
}

/// Runs a statement whose rows, if there are any, nobody reads. It sees what the transaction has written before.
pub fn change(sql: &'static str, arguments: &[DatumWithOid]) -> Result<(), Error> {
    each(sql, arguments, true, |_| ())
}

/// Reads the rows of a statement. `is_fresh`: it sees what the transaction has written before, else what the caller's
/// statement does. As pgrx would do it, the (sub)transaction would get an id, and every snapshot of the server would look at it.
pub fn each(
    sql: &'static str,
    arguments: &[DatumWithOid],
    is_fresh: bool,
    mut read: impl FnMut(&Found),
) -> Result<(), Error> {
    Ok(Spi::connect(|_| {
        let plan = kept(sql, arguments)?;
        let mut values: Vec<pg_sys::Datum> = arguments
            .iter()
            .map(|one| one.datum().map_or(pg_sys::Datum::null(), |datum| datum.sans_lifetime()))
            .collect();
        let nulls: Vec<std::ffi::c_char> = arguments
            .iter()
            .map(|one| if one.datum().is_some() { b' ' } else { b'n' }.cast_signed())
            .collect();
        // SAFETY: connected to SPI; a kept plan with so many arguments, which live through the call.
        let status =
            unsafe { pg_sys::SPI_execute_plan(plan, values.as_mut_ptr(), nulls.as_ptr(), !is_fresh, 0) };
        Spi::check_status(status)?;
        // SAFETY: what the statement returned, until the connection ends.
        let (rows, table) = unsafe { (pg_sys::SPI_processed, pg_sys::SPI_tuptable.as_ref()) };
        let Some(table) = table else { return Ok(()) };
        for row in 0..usize::try_from(rows).unwrap_or_default() {
            pgrx::check_for_interrupts!();
            // SAFETY: there are so many rows.
            let tuple = unsafe { *table.vals.add(row) };
            read(&Found { tuple, description: table.tupdesc });
        }
        Ok::<_, pgrx::spi::Error>(())
    })?)
}

thread_local! {
    /// By statement. They live as long as the backend.
    static READS: RefCell<HashMap<&'static str, pg_sys::SPIPlanPtr>> = RefCell::new(HashMap::new());
}

fn kept(sql: &'static str, arguments: &[DatumWithOid]) -> Result<pg_sys::SPIPlanPtr, pgrx::spi::Error> {
    if let Some(plan) = READS.with_borrow(|plans| plans.get(sql).copied()) {
        return Ok(plan);
    }
    // A text with a NUL in it is no statement.
    let text = CString::new(sql).map_err(|_| pgrx::spi::Error::InvalidPosition)?;
    let mut types: Vec<pg_sys::Oid> = arguments.iter().map(DatumWithOid::oid).collect();
    let count = i32::try_from(types.len()).unwrap_or_default();
    // SAFETY: connected to SPI; a C string, and so many types.
    let plan = unsafe { pg_sys::SPI_prepare(text.as_ptr(), count, types.as_mut_ptr()) };
    if plan.is_null() {
        // SAFETY: SPI's own state.
        Spi::check_status(unsafe { pg_sys::SPI_result })?;
        return Err(pgrx::spi::Error::InvalidPosition);
    }
    // SAFETY: a plan that was just made. 0: it is kept.
    let status = unsafe { pg_sys::SPI_keepplan(plan) };
    if status != 0 {
        Spi::check_status(status)?;
    }
    READS.with_borrow_mut(|plans| plans.insert(sql, plan));
    Ok(plan)
}
