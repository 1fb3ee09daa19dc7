//! Plans that a backend keeps: planning costs a small batch a quarter of its time.

use std::cell::RefCell;
use std::collections::HashMap;

use pgrx::pg_sys;
use pgrx::spi::{OwnedPreparedStatement, SpiClient, SpiTupleTable};

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
