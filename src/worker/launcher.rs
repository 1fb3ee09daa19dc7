//! The launcher: one for the server. It finds the databases that have the extension, and sees to it that each has a worker.

use std::collections::HashMap;
use std::time::Duration;

use pgrx::bgworkers::{
    BackgroundWorkerBuilder, BackgroundWorkerStatus, BgWorkerStartTime, DynamicBackgroundWorker,
};
use pgrx::pg_sys;
use pgrx::pg_sys::Oid;
use pgrx::prelude::*;

use crate::shared;
use crate::storage;
use crate::worker::board::{Reason, Role, Worker};
use crate::worker::{ANALYSIS, LAUNCHER, MAINTENANCE, crashes, databases, process};

const SECOND: i64 = 1_000_000;

/// After its own crash.
const RESTART: Duration = Duration::from_secs(5);

/// A worker that ends without a reason comes back after so long, and twice as long each time, unless it had lived for a while.
const RETRY: (i64, i64) = (5 * SECOND, 300 * SECOND);
const LIVED: i64 = 60 * SECOND;

/// A database without the extension is looked into again after so long, and twice as long each time. Whoever runs CREATE EXTENSION
/// says so.
const LOOK_AGAIN: (i64, i64) = (60 * SECOND, 3_600 * SECOND);

/// Between two looks at the list of databases.
const ROUND: i64 = 60 * SECOND;

/// Databases that are looked into at once: hundreds of them must not take every worker process of the server.
const LOOKS: usize = 4;

/// A worker that has not come after so long won't.
const COMES_WITHIN: i64 = 60 * SECOND;

/// A worker that is about to end has ended after so long.
const LEAVES_WITHIN: i64 = 10 * SECOND;

/// What is known of a database, beside whether its worker runs.
#[derive(Default)]
struct Standing {
    /// No worker is started before (microseconds since 1970 UTC).
    next: i64,
    /// The wait that led there.
    wait: i64,
    had_extension: bool,
}

impl Standing {
    /// Waits longer each time, from the first to the second.
    fn wait(&mut self, (first, last): (i64, i64), now: i64) {
        self.wait = self.wait.saturating_mul(2).clamp(first, last);
        self.next = now + self.wait;
    }
}

/// From `_PG_init`, in the postmaster.
pub fn register() {
    BackgroundWorkerBuilder::new(LAUNCHER)
        .set_type(LAUNCHER)
        .set_library("observa")
        .set_function("observa_launcher_main")
        .enable_spi_access()
        // Not on a standby; it starts when that is promoted.
        .set_start_time(BgWorkerStartTime::RecoveryFinished)
        .set_restart_time(Some(RESTART))
        .load();
}

/// Has it look at once.
pub fn wake() {
    process::wake(shared::with_board(|board| board.launcher));
}

#[pg_guard]
#[unsafe(no_mangle)]
pub extern "C-unwind" fn observa_launcher_main(_argument: pg_sys::Datum) {
    process::listen();
    // SAFETY: in a worker's main function; without a database only shared catalogs can be read.
    unsafe { pg_sys::BackgroundWorkerInitializeConnection(std::ptr::null(), std::ptr::null(), 0) };
    process::introduce(LAUNCHER);
    // SAFETY: reads the process' own number.
    shared::with_board(|board| board.launcher = unsafe { pg_sys::MyProcPid });
    let pause = i64::try_from(crashes::pause().as_micros()).unwrap_or_default();
    let mut launcher = Launcher { calm: storage::now() + pause, ..Launcher::default() };
    while !process::is_told_to_end() {
        let wait = launcher.round();
        process::wait(Duration::from_micros(u64::try_from(wait).unwrap_or_default()));
    }
    // Any other code than 0: it is started again, unless the server ends.
    // SAFETY: the end of a worker's main function.
    unsafe { pg_sys::proc_exit(1) };
}

#[derive(Default)]
struct Launcher {
    standings: HashMap<(Oid, Role), Standing>,
    /// No worker is started before: the server has crashed (microseconds since 1970 UTC).
    calm: i64,
    /// What somebody has asked for comes first; when it was (microseconds since 1970 UTC).
    asked: HashMap<Oid, i64>,
    /// Processes that it has started: each has its place until the postmaster has buried it, which is after it has left the board.
    started: Vec<(Oid, Role, DynamicBackgroundWorker)>,
    /// When no worker process was to be had: not before this, and the wait that led there.
    full: Standing,
    /// Nobody is told of it again before.
    full_told: i64,
}

impl Launcher {
    /// Starts what is to be started; microseconds to the next round.
    fn round(&mut self) -> i64 {
        let now = storage::now();
        self.learn(now);
        let databases = match process::transaction(databases::kept) {
            Ok(databases) => databases,
            Err(failure) => {
                pgrx::warning!("observa: the launcher can't list the databases: {}", failure.text());
                return RETRY.0;
            }
        };
        let mut databases = databases;
        self.standings.retain(|(database, _), _| databases.contains(database));
        self.asked.retain(|database, _| databases.contains(database));
        databases.sort_by_key(|database| !self.asked.contains_key(database));
        let mut next = now + ROUND;
        let mut running = 0;
        for database in databases {
            if shared::with_board(|board| board.has_worker(database, Role::Maintenance)) == Some(true) {
                running += 1;
                self.asked.retain(|asked, at| *asked != database || now - *at < LEAVES_WITHIN);
            }
            let roles = shared::with_board(|board| board.roles_to_start(database)).unwrap_or_default();
            for role in roles.into_iter().flatten() {
                next = next.min(self.try_start(database, role, now));
            }
        }
        process::show(false, &format!("{LAUNCHER}: {running} databases have a worker"));
        next - now
    }

    /// When to try again what could not be started now, or to see what became of it (microseconds since 1970 UTC).
    fn try_start(&mut self, database: Oid, role: Role, now: i64) -> i64 {
        let next =
            self.standings.entry((database, role)).or_default().next.max(self.calm).max(self.full.next);
        if next > now {
            return next;
        }
        if self.looks() < LOOKS && self.start(database, role, now) {
            return now + ROUND;
        }
        // The end of a look wakes the launcher.
        if self.full.next > now { self.full.next } else { now + SECOND }
    }

    /// What has happened since the last round.
    fn learn(&mut self, now: i64) {
        let (asked, all) = shared::with_board(|board| board.take_asked()).unwrap_or_default();
        if all {
            self.standings.clear();
        }
        if !asked.is_empty() {
            self.full.next = now;
        }
        for database in asked {
            self.standings.retain(|(of, _), _| *of != database);
            self.asked.insert(database, now);
        }
        while let Some(left) = shared::with_board(|board| board.take_left(now - COMES_WITHIN)).flatten() {
            self.learn_of(left, now);
        }
        self.started.retain(|(_, _, process)| !matches!(process.pid(), Err(BackgroundWorkerStatus::Stopped)));
        // A holder that was killed released nothing.
        for holder in shared::with_board(|board| board.holders()).unwrap_or_default() {
            if !process::is_alive(holder) {
                shared::with_board(|board| board.release(holder));
            }
        }
    }

    fn learn_of(&mut self, left: Worker, now: i64) {
        let standing = self.standings.entry((left.database, left.role)).or_default();
        match left.reason {
            // Maintenance sees a need that it does not: their settings differ, say, and they may disagree for long.
            Reason::NotKept if left.role == Role::Analysis => {
                if now - left.since > LIVED {
                    standing.wait = 0;
                }
                standing.wait(RETRY, now);
            }
            Reason::Held | Reason::NotKept => *standing = Standing::default(),
            // It had looked before the extension was made anew.
            Reason::NoExtension if self.asked.get(&left.database).is_some_and(|at| *at > left.since) => {
                *standing = Standing::default();
            }
            Reason::NoExtension => {
                if std::mem::take(&mut standing.had_extension) {
                    standing.wait = 0;
                }
                standing.wait(LOOK_AGAIN, now);
            }
            Reason::Ended => {
                if !std::mem::replace(&mut standing.had_extension, true) || now - left.since > LIVED {
                    standing.wait = 0;
                }
                standing.wait(RETRY, now);
            }
        }
    }

    /// How many processes are there that have not found the extension, or not yet.
    fn looks(&self) -> usize {
        let is_settled =
            |database, role| shared::with_board(|board| board.is_settled(database, role)) == Some(true);
        self.started.iter().filter(|(database, role, _)| !is_settled(*database, *role)).count()
    }

    /// False: not now.
    fn start(&mut self, database: Oid, role: Role, now: i64) -> bool {
        if shared::with_board(|board| board.reserve(database, role, now)) != Some(true) {
            return false;
        }
        let (name, function) = match role {
            Role::Maintenance => (MAINTENANCE, "observa_maintenance_main"),
            Role::Analysis => (ANALYSIS, "observa_analysis_main"),
        };
        let started = BackgroundWorkerBuilder::new(name)
            .set_type(name)
            .set_library("observa")
            .set_function(function)
            .enable_spi_access()
            // The launcher starts it again, not the postmaster, which knows no backoff and no DROP EXTENSION.
            .set_restart_time(None)
            .set_argument(Some(pg_sys::Datum::from(database)))
            // SAFETY: reads the process' own number.
            .set_notify_pid(unsafe { pg_sys::MyProcPid })
            .load_dynamic();
        if let Ok(process) = started {
            self.started.push((database, role, process));
            if role == Role::Maintenance {
                self.asked.remove(&database);
            }
            self.full = Standing::default();
            self.full_told = now;
            return true;
        }
        shared::with_board(|board| board.give_back(database, role));
        // Else one will be free at once.
        if self.looks() == 0 {
            if now < self.full_told {
                self.full.next = self.full_told;
                return false;
            }
            self.full.wait(RETRY, now);
            self.full_told = self.full.next;
            pgrx::warning!(
                "observa: no worker process is free for the database with OID {}: raise max_worker_processes; next try in {} s",
                u32::from(database),
                self.full.wait / SECOND
            );
        }
        false
    }
}
