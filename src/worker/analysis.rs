//! The worker of one database that waits for the network: it sends notifications, and asks judges. Jobs run elsewhere, so that none of them
//! holds it up, and it holds up none.

use std::time::Duration;

use pgrx::pg_sys;
use pgrx::prelude::*;

use crate::analysis;
use crate::error::Error;
use crate::jobs::ledger;
use crate::shared;
use crate::storage;
use crate::worker::board::{Reason, Role};
use crate::worker::judges::Judges;
use crate::worker::post::Post;
use crate::worker::{ANALYSIS, databases, launcher, process};

/// The longest wait between two looks at whether it is still needed.
const LOOK: Duration = Duration::from_secs(1);

/// After a failure.
const RETRY: Duration = Duration::from_secs(5);

#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn observa_analysis_main(database: pg_sys::Datum) {
    process::run(database, Role::Analysis, ANALYSIS, keep);
}

/// Whether there is something for such a worker: endpoints to ask, or webhooks to send to. In a transaction.
pub fn is_needed() -> Result<bool, Error> {
    if storage::relation("webhooks").is_none() {
        return Ok(false);
    }
    let has_webhooks = || Spi::get_one::<bool>("SELECT EXISTS (SELECT FROM observa_internal.webhooks w)");
    Ok(analysis::settings::is_on() || has_webhooks()? == Some(true))
}

fn keep() -> Reason {
    let mut post = Post::new();
    let mut judges = Judges::new();
    loop {
        let wait = match process::transaction(look) {
            Ok(Err(reason)) => return reason,
            Ok(Ok(false)) => LOOK,
            Ok(Ok(true)) => LOOK.min(post.exchange()).min(judges.exchange()),
            Err(failure) => {
                pgrx::warning!("observa: analysis failed: {}", failure.text());
                RETRY
            }
        };
        process::show(false, &format!("{ANALYSIS}: {}", judges.shown()));
        process::wait(wait);
        if process::is_told_to_end() {
            process::undisturbed(|| judges.give_back());
            return Reason::Ended;
        }
    }
}

/// Whether it may work now. Err: it is to leave.
fn look() -> Result<bool, Reason> {
    // SAFETY: a look-up in a catalog.
    if unsafe { pg_sys::get_extension_oid(c"observa".as_ptr(), true) } == pg_sys::InvalidOid {
        return Err(Reason::NoExtension);
    }
    if shared::with_board(|board| board.settle(process::own_pid())) == Some(true) {
        launcher::wake();
    }
    if !databases::is_own_kept() || !crate::error::or_raise(is_needed()) {
        return Err(Reason::NotKept);
    }
    Ok(crate::error::or_raise(ledger::may_work()))
}
