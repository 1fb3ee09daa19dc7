//! Statements that need a database for themselves: a resident worker would let them fail. It ends before them, and comes back when
//! they have ended.

use std::ffi::CStr;
use std::panic::AssertUnwindSafe;

use pgrx::pg_sys;
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;

use crate::worker::{holds, wake_at_commit};

type Hook = unsafe extern "C-unwind" fn(
    *mut pg_sys::PlannedStmt,
    *const std::ffi::c_char,
    bool,
    pg_sys::ProcessUtilityContext::Type,
    pg_sys::ParamListInfo,
    *mut pg_sys::QueryEnvironment,
    *mut pg_sys::DestReceiver,
    *mut pg_sys::QueryCompletion,
);

unsafe extern "C-unwind" {
    /// As it is: pgrx' own goes through a guard, which drops what an error says of constraints and positions.
    fn standard_ProcessUtility(
        statement: *mut pg_sys::PlannedStmt,
        text: *const std::ffi::c_char,
        read_only_tree: bool,
        context: pg_sys::ProcessUtilityContext::Type,
        parameters: pg_sys::ParamListInfo,
        environment: *mut pg_sys::QueryEnvironment,
        destination: *mut pg_sys::DestReceiver,
        completion: *mut pg_sys::QueryCompletion,
    );
}

/// Only the postmaster writes it, in _PG_init.
static mut PREVIOUS_HOOK: Option<Hook> = None;

pub fn install() {
    // SAFETY: _PG_init runs once, in the postmaster.
    unsafe {
        PREVIOUS_HOOK = pg_sys::ProcessUtility_hook;
        pg_sys::ProcessUtility_hook = Some(process_utility);
    }
}

/// What a statement means for workers.
enum Meaning {
    Nothing,
    /// There may be something to look into when it has committed.
    News,
    /// It needs this database for itself.
    Needs(Oid),
}

/// Without a guard, and nothing to drop: an error of a statement that is no concern of ours passes as if we were not there.
unsafe extern "C-unwind" fn process_utility(
    statement: *mut pg_sys::PlannedStmt,
    text: *const std::ffi::c_char,
    read_only_tree: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    parameters: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    destination: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    // SAFETY: Postgres' own arguments, passed on as they are.
    unsafe {
        let needed = if is_of_databases(statement) { look_at(statement) } else { pg_sys::InvalidOid };
        if needed == pg_sys::InvalidOid {
            pass_on(
                statement,
                text,
                read_only_tree,
                context,
                parameters,
                environment,
                destination,
                completion,
            );
        } else {
            run_without_worker(
                needed,
                statement,
                text,
                read_only_tree,
                context,
                parameters,
                environment,
                destination,
                completion,
            );
        }
    }
}

unsafe extern "C-unwind" fn pass_on(
    statement: *mut pg_sys::PlannedStmt,
    text: *const std::ffi::c_char,
    read_only_tree: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    parameters: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    destination: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    // SAFETY: Postgres' own arguments, passed on as they are.
    unsafe {
        let run = PREVIOUS_HOOK.unwrap_or(standard_ProcessUtility);
        run(statement, text, read_only_tree, context, parameters, environment, destination, completion);
    }
}

/// Of a statement that [`is_of_databases`]: what is told at its commit, and the database that it needs for itself. InvalidOid: none.
#[pg_guard]
unsafe extern "C-unwind" fn look_at(statement: *mut pg_sys::PlannedStmt) -> Oid {
    // SAFETY: a statement that Postgres is about to run, in a transaction.
    match unsafe { meaning(statement) } {
        Meaning::Nothing => pg_sys::InvalidOid,
        Meaning::News => {
            wake_at_commit();
            pg_sys::InvalidOid
        }
        Meaning::Needs(database) => {
            wake_at_commit();
            database
        }
    }
}

#[pg_guard]
#[expect(clippy::too_many_arguments, reason = "the hook's")]
unsafe extern "C-unwind" fn run_without_worker(
    database: Oid,
    statement: *mut pg_sys::PlannedStmt,
    text: *const std::ffi::c_char,
    read_only_tree: bool,
    context: pg_sys::ProcessUtilityContext::Type,
    parameters: pg_sys::ParamListInfo,
    environment: *mut pg_sys::QueryEnvironment,
    destination: *mut pg_sys::DestReceiver,
    completion: *mut pg_sys::QueryCompletion,
) {
    let run = || {
        // SAFETY: as in `pass_on`; the boundary makes a panic of an error, so that nothing here is jumped over.
        unsafe {
            pg_sys::ffi::pg_guard_ffi_boundary(|| {
                pass_on(
                    statement,
                    text,
                    read_only_tree,
                    context,
                    parameters,
                    environment,
                    destination,
                    completion,
                );
            });
        }
    };
    PgTryBuilder::new(AssertUnwindSafe(|| {
        // If it stays, Postgres says who is in the way.
        holds::hold(database);
        holds::during(run);
    }))
    .catch_others(|error| {
        holds::release();
        error.rethrow()
    })
    .catch_rust_panic(|error| {
        holds::release();
        error.rethrow()
    })
    .execute();
}

/// Whether a statement is of a kind that [`meaning`] tells apart.
unsafe fn is_of_databases(statement: *mut pg_sys::PlannedStmt) -> bool {
    use pg_sys::NodeTag::*;
    // SAFETY: Postgres passes a statement with its parse tree.
    let node = unsafe { (*statement).utilityStmt };
    // SAFETY: every node begins with its tag.
    let tag = if node.is_null() { return false } else { unsafe { (*node).type_ } };
    match tag {
        T_DropdbStmt | T_CreatedbStmt | T_AlterDatabaseStmt | T_CreateExtensionStmt => true,
        // SAFETY: the tag says what it is.
        T_RenameStmt => unsafe {
            (*node.cast::<pg_sys::RenameStmt>()).renameType == pg_sys::ObjectType::OBJECT_DATABASE
        },
        // SAFETY: as above.
        T_DropStmt => unsafe {
            (*node.cast::<pg_sys::DropStmt>()).removeType == pg_sys::ObjectType::OBJECT_EXTENSION
        },
        _ => false,
    }
}

/// Of a statement that [`is_of_databases`].
unsafe fn meaning(statement: *mut pg_sys::PlannedStmt) -> Meaning {
    use pg_sys::NodeTag::*;
    // SAFETY: each node is read as what its tag says; its strings are null or C strings that live as long as the tree.
    unsafe {
        let node = (*statement).utilityStmt;
        match (*node).type_ {
            T_DropdbStmt => needs((*node.cast::<pg_sys::DropdbStmt>()).dbname, Meaning::Nothing),
            T_RenameStmt => needs((*node.cast::<pg_sys::RenameStmt>()).subname, Meaning::Nothing),
            T_AlterDatabaseStmt => {
                let alter = &*node.cast::<pg_sys::AlterDatabaseStmt>();
                match option(alter.options, c"tablespace") {
                    Some(_) => needs(alter.dbname, Meaning::Nothing),
                    // It may have become a template, or none.
                    None => Meaning::News,
                }
            }
            T_CreatedbStmt => {
                let create = &*node.cast::<pg_sys::CreatedbStmt>();
                let template = option(create.options, c"template").filter(|option| !(**option).arg.is_null());
                match template {
                    Some(template) => needs(pg_sys::defGetString(template), Meaning::News),
                    None => needs(c"template1".as_ptr(), Meaning::News),
                }
            }
            _ => Meaning::News,
        }
    }
}

unsafe fn option(options: *mut pg_sys::List, name: &CStr) -> Option<*mut pg_sys::DefElem> {
    // SAFETY: a list of the parse tree's, of options with a name each.
    unsafe {
        let options = pgrx::PgList::<pg_sys::DefElem>::from_pg(options);
        options.iter_ptr().find(|option| CStr::from_ptr((**option).defname) == name)
    }
}

/// Only who owns a database may stop its worker: all others are refused by the statement.
unsafe fn needs(name: *const std::ffi::c_char, otherwise: Meaning) -> Meaning {
    if name.is_null() {
        return otherwise;
    }
    // SAFETY: look-ups in catalogs, in a transaction, with a C string.
    unsafe {
        let database = pg_sys::get_database_oid(name, true);
        if database != pg_sys::InvalidOid && owns(database) { Meaning::Needs(database) } else { otherwise }
    }
}

/// Whether the current user owns a database.
unsafe fn owns(database: Oid) -> bool {
    // SAFETY: a look-up in a catalog, in a transaction.
    unsafe {
        #[cfg(feature = "pg15")]
        return pg_sys::pg_database_ownercheck(database, pg_sys::GetUserId());
        #[cfg(not(feature = "pg15"))]
        return pg_sys::object_ownercheck(pg_sys::DatabaseRelationId, database, pg_sys::GetUserId());
    }
}
