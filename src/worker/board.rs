//! What launcher, workers and backends tell each other in shared memory. Of fixed size, under one lock, and without a pointer.

use pgrx::pg_sys;
use pgrx::pg_sys::Oid;

/// Workers at once. A server with more databases than that has hardly as many worker processes.
const MOST_WORKERS: usize = 256;

/// Statements at once that need a database without its worker. One more goes without: its worker comes back after seconds.
const MOST_HOLDS: usize = 64;

/// Databases that the launcher is told of between two looks. When there are more, it looks into all.
const MOST_ASKED: usize = 64;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum State {
    Free,
    /// The postmaster was asked for it, and it has yet to find out whether the database has the extension.
    Starting,
    Running,
    /// It has ended, and the launcher has yet to learn why.
    Left,
}

/// What a worker is for: a database has at most one of each.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Runs jobs.
    Maintenance,
    /// Does what waits for the network, so that jobs need not.
    Analysis,
}

/// Why a worker has ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// It was killed, told to end, or failed.
    Ended,
    /// Something needs the database for itself.
    Held,
    NoExtension,
    /// `observa.databases` does not name it any more, or there is nothing for it to do.
    NotKept,
}

#[derive(Clone, Copy)]
pub struct Worker {
    pub database: Oid,
    pub role: Role,
    pub state: State,
    /// 0: not yet.
    pub pid: i32,
    /// When it was asked for (microseconds since 1970 UTC).
    pub since: i64,
    pub reason: Reason,
    /// Its place in the table of jobs. None: it waits.
    pub job: Option<u8>,
    /// Of a maintenance worker: it has found something to do for one of analysis.
    wants_analysis: bool,
}

/// A process that needs a database without a worker.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hold {
    pub database: Oid,
    pub pid: i32,
}

pub struct Board {
    /// 0: none runs.
    pub launcher: i32,
    workers: [Worker; MOST_WORKERS],
    holds: [Option<Hold>; MOST_HOLDS],
    asked: [Option<Oid>; MOST_ASKED],
    asked_all: bool,
}

impl Worker {
    const NONE: Worker = Worker {
        database: pg_sys::InvalidOid,
        role: Role::Maintenance,
        state: State::Free,
        pid: 0,
        since: 0,
        reason: Reason::Ended,
        job: None,
        wants_analysis: false,
    };

    fn is_alive(&self) -> bool {
        matches!(self.state, State::Starting | State::Running)
    }
}

impl Board {
    pub const EMPTY: Board = Board {
        launcher: 0,
        workers: [Worker::NONE; MOST_WORKERS],
        holds: [None; MOST_HOLDS],
        asked: [None; MOST_ASKED],
        asked_all: false,
    };

    fn worker(&mut self, database: Oid, role: Role) -> Option<&mut Worker> {
        let is_it = |worker: &Worker| worker.is_alive() && worker.database == database && worker.role == role;
        self.workers.iter_mut().find(|worker| is_it(worker))
    }

    /// Whether a database has a worker of a role, or will have one at once.
    pub fn has_worker(&mut self, database: Oid, role: Role) -> bool {
        self.worker(database, role).is_some()
    }

    /// Whether a database has any worker, or will have one at once.
    pub fn has_any_worker(&self, database: Oid) -> bool {
        self.workers.iter().any(|worker| worker.is_alive() && worker.database == database)
    }

    /// Processes of a database's workers: those that are there.
    pub fn pids(&self, database: Oid) -> impl Iterator<Item = i32> {
        let of = move |worker: &&Worker| worker.is_alive() && worker.database == database && worker.pid != 0;
        self.workers.iter().filter(of).map(|worker| worker.pid)
    }

    /// The job that a database's worker runs, with its process. None: there is no worker.
    pub fn job(&mut self, database: Oid) -> Option<(i32, Option<u8>)> {
        let worker = self.worker(database, Role::Maintenance).filter(|worker| worker.pid != 0)?;
        Some((worker.pid, worker.job))
    }

    /// Whether a database has a worker of a role that has found the extension.
    pub fn is_settled(&mut self, database: Oid, role: Role) -> bool {
        self.worker(database, role).is_some_and(|worker| worker.state == State::Running)
    }

    /// Whether a database's maintenance has something to do for a worker of analysis.
    pub fn wants_analysis(&mut self, database: Oid) -> bool {
        self.worker(database, Role::Maintenance).is_some_and(|worker| worker.wants_analysis)
    }

    /// What a maintenance worker has found; whether that is news.
    pub fn want_analysis(&mut self, pid: i32, wants: bool) -> bool {
        self.of_process(pid)
            .is_some_and(|worker| std::mem::replace(&mut worker.wants_analysis, wants) != wants)
    }

    /// Workers that a database lacks: one of analysis only where maintenance has something for it.
    pub fn roles_to_start(&mut self, database: Oid) -> [Option<Role>; 2] {
        let lacks = |board: &mut Board, role| (!board.has_worker(database, role)).then_some(role);
        let wants = self.wants_analysis(database);
        [lacks(self, Role::Maintenance), lacks(self, Role::Analysis).filter(|_| wants)]
    }

    /// False: a database can have none now, as it is held, has one, or all places are taken.
    pub fn reserve(&mut self, database: Oid, role: Role, now: i64) -> bool {
        if self.is_held(database) || self.has_worker(database, role) {
            return false;
        }
        let Some(free) = self.workers.iter_mut().find(|worker| worker.state == State::Free) else {
            return false;
        };
        *free = Worker { database, role, state: State::Starting, since: now, ..Worker::NONE };
        true
    }

    /// Takes back what [`Board::reserve`] has given: no process came of it.
    pub fn give_back(&mut self, database: Oid, role: Role) {
        if let Some(worker) = self.worker(database, role).filter(|worker| worker.pid == 0) {
            *worker = Worker::NONE;
        }
    }

    /// A new worker takes its place. False: it must not run.
    pub fn enter(&mut self, database: Oid, role: Role, pid: i32) -> bool {
        let is_held = self.is_held(database);
        match self.worker(database, role).filter(|worker| worker.pid == 0) {
            Some(worker) if is_held => {
                *worker = Worker { state: State::Left, reason: Reason::Held, ..*worker };
                false
            }
            Some(worker) => {
                worker.pid = pid;
                true
            }
            None => false,
        }
    }

    /// A worker has found the extension. True: it had not told so yet.
    pub fn settle(&mut self, pid: i32) -> bool {
        match self.of_process(pid).filter(|worker| worker.state == State::Starting) {
            Some(worker) => {
                worker.state = State::Running;
                true
            }
            None => false,
        }
    }

    /// What a worker says before it ends.
    pub fn explain(&mut self, pid: i32, reason: Reason) {
        if let Some(worker) = self.of_process(pid) {
            worker.reason = reason;
        }
    }

    pub fn tell_job(&mut self, pid: i32, job: Option<u8>) {
        if let Some(worker) = self.of_process(pid) {
            worker.job = job;
        }
    }

    /// At a worker's very end.
    pub fn leave(&mut self, pid: i32) {
        let Some(database) = self.of_process(pid).map(|worker| worker.database) else { return };
        let is_held = self.is_held(database);
        if let Some(worker) = self.of_process(pid) {
            let reason = if is_held { Reason::Held } else { worker.reason };
            *worker = Worker { state: State::Left, pid: 0, reason, ..*worker };
        }
    }

    fn of_process(&mut self, pid: i32) -> Option<&mut Worker> {
        self.workers.iter_mut().find(|worker| worker.is_alive() && worker.pid == pid)
    }

    /// The next worker that has ended, or was asked for before a time and never came; its place is free then.
    pub fn take_left(&mut self, asked_before: i64) -> Option<Worker> {
        let left = self.workers.iter_mut().find(|worker| match worker.state {
            State::Left => true,
            State::Starting => worker.pid == 0 && worker.since < asked_before,
            State::Free | State::Running => false,
        })?;
        Some(std::mem::replace(left, Worker::NONE))
    }

    /// The launcher looks into a database at once, whatever it knows of it.
    pub fn ask(&mut self, database: Oid) {
        if self.asked.contains(&Some(database)) {
            return;
        }
        match self.asked.iter_mut().find(|asked| asked.is_none()) {
            Some(free) => *free = Some(database),
            None => self.asked_all = true,
        }
    }

    /// What was asked for; whether it is all.
    pub fn take_asked(&mut self) -> (Vec<Oid>, bool) {
        let asked = self.asked.iter_mut().filter_map(Option::take).collect();
        (asked, std::mem::take(&mut self.asked_all))
    }

    pub fn is_held(&self, database: Oid) -> bool {
        self.holds.iter().flatten().any(|hold| hold.database == database)
    }

    pub fn hold(&mut self, hold: Hold) {
        if self.holds.contains(&Some(hold)) {
            return;
        }
        if let Some(free) = self.holds.iter_mut().find(|hold| hold.is_none()) {
            *free = Some(hold);
        }
    }

    /// Releases what a process holds; whether it held anything.
    pub fn release(&mut self, pid: i32) -> bool {
        let mut had = false;
        for hold in self.holds.iter_mut().filter(|hold| hold.is_some_and(|hold| hold.pid == pid)) {
            *hold = None;
            had = true;
        }
        had
    }

    /// Processes that hold a database.
    pub fn holders(&self) -> Vec<i32> {
        self.holds.iter().flatten().map(|hold| hold.pid).collect()
    }
}
