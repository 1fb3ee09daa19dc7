//! A PostgreSQL of the tests' own, over a Unix socket: shared by the tests of a run, or one test's alone.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use postgres::{Client, Config, NoTls};

use crate::programs::{make_folder, program, run, shell_words};

/// For tests only: nothing survives a power cut, and everything of an error is logged.
const CONF: &str = "
listen_addresses = ''
max_connections = 120
fsync = off
full_page_writes = off
shared_buffers = '64MB'
max_wal_size = '2GB'
log_error_verbosity = verbose
log_min_duration_statement = -1
log_statement = none
max_locks_per_transaction = 256
observa.databases = 'none'
";

/// A cluster, reached by a superuser's connection.
pub struct Cluster {
    config: Config,
    /// None: somebody else starts and stops it.
    folder: Option<PathBuf>,
}

impl Cluster {
    /// The cluster that the tests of this run share.
    pub fn shared() -> Cluster {
        if let Ok(url) = std::env::var("OBSERVA_TEST_URL") {
            return Cluster {
                config: url.parse().expect("OBSERVA_TEST_URL is a connection string"),
                folder: None,
            };
        }
        // cargo or nextest: what all tests of a run have in common, whether each has a process of its own or not.
        let runner = std::os::unix::process::parent_id();
        let folder = std::env::temp_dir().join(format!("observa-tests-{runner}"));
        let lock = File::create(std::env::temp_dir().join(format!("observa-tests-{runner}.lock")))
            .expect("a lock file");
        lock.lock().expect("the lock");
        if !folder.join("data/postmaster.pid").exists() {
            let _ = fs::remove_dir_all(&folder);
            start(&folder, "");
            stop_when_gone(runner, &folder);
        }
        Cluster { config: config(&folder), folder: None }
    }

    /// A cluster for one test alone, with settings of its own (lines of postgresql.conf). It ends with the value.
    pub fn own(name: &str, settings: &str) -> Cluster {
        let folder = std::env::temp_dir().join(format!("observa-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        start(&folder, settings);
        Cluster { config: config(&folder), folder: Some(folder) }
    }

    /// A standby of another cluster of the test's own, which follows it until it is promoted. It ends with the value.
    pub fn standby_of(primary: &Cluster, name: &str) -> Cluster {
        let folder = std::env::temp_dir().join(format!("observa-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        make_folder(&folder);
        let data = folder.join("data");
        run(program("pg_basebackup")
            .args(primary.arguments())
            .args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync", "-D"])
            .arg(&data));
        let conf = data.join("postgresql.conf");
        let written = fs::read_to_string(&conf).expect("the primary's settings");
        let socket = format!("unix_socket_directories = '{}'\n", folder.display());
        fs::write(&conf, format!("{written}\n{socket}")).expect("the settings can be written");
        launch(&folder);
        Cluster { config: config(&folder), folder: Some(folder) }
    }

    /// How to reach a database of it.
    pub fn config(&self, database: &str) -> Config {
        let mut config = self.config.clone();
        config.dbname(database).application_name("observa tests").connect_timeout(Duration::from_secs(10));
        config
    }

    pub fn connect(&self, database: &str) -> Client {
        // A server that is just starting, or has all its connections taken, says so: it will have one soon.
        let patience = Instant::now() + Duration::from_secs(60);
        loop {
            match self.config(database).connect(NoTls) {
                Ok(client) => return client,
                Err(error)
                    if Instant::now() > patience || error.as_db_error().is_some_and(|e| !is_passing(e)) =>
                {
                    panic!("can't connect to {database}: {error:?}")
                }
                Err(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    /// Arguments of psql, pg_dump and pg_restore for it.
    pub fn arguments(&self) -> Vec<String> {
        let mut arguments = Vec::new();
        for host in self.config.get_hosts() {
            match host {
                postgres::config::Host::Tcp(host) => arguments.extend(["-h".into(), host.clone()]),
                postgres::config::Host::Unix(path) => {
                    arguments.extend(["-h".into(), path.display().to_string()])
                }
            }
        }
        if let Some(port) = self.config.get_ports().first() {
            arguments.extend(["-p".into(), port.to_string()]);
        }
        arguments.extend(["-U".into(), self.config.get_user().unwrap_or("postgres").into()]);
        arguments
    }

    fn folder(&self) -> &Path {
        self.folder.as_deref().expect("a cluster of the test's own")
    }

    /// What the server has logged so far. Only of a cluster of the test's own.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.folder().join("log")).expect("the log")).into_owned()
    }

    /// Kills every process of the server at once, as the kernel would without memory.
    pub fn kill(&self) {
        let pid_file =
            fs::read_to_string(self.folder().join("data/postmaster.pid")).expect("a running server");
        let postmaster = pid_file.lines().next().expect("a pid");
        // It must not fork one more that nobody kills: that one would wait for ever for what another held.
        let _ = Command::new("kill").args(["-STOP", postmaster]).status();
        let children =
            fs::read_to_string(format!("/proc/{postmaster}/task/{postmaster}/children")).unwrap_or_default();
        let mut kill = Command::new("kill");
        kill.arg("-9").arg(postmaster).args(children.split_whitespace());
        let _ = kill.status();
        std::thread::sleep(Duration::from_millis(500));
    }

    /// Kills one backend.
    pub fn kill_backend(&self, pid: i32) {
        run(Command::new("kill").arg("-9").arg(pid.to_string()));
    }

    /// Starts it after [`Cluster::kill`].
    pub fn start_again(&self) {
        let patience = Instant::now() + Duration::from_secs(20);
        loop {
            let _ = fs::remove_file(self.folder().join("data/postmaster.pid"));
            let started = launch_command(self.folder()).status();
            if started.is_ok_and(|status| status.success()) {
                return;
            }
            // A killed process may still be leaving, and with it the server's shared memory.
            assert!(Instant::now() < patience, "the server does not start again: {}", self.log());
            std::thread::sleep(Duration::from_millis(500));
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(folder) = &self.folder {
            let _ = program("pg_ctl")
                .args(["-m", "immediate", "-s", "-w", "stop", "-D"])
                .arg(folder.join("data"))
                .output();
            let _ = fs::remove_dir_all(folder);
        }
    }
}

/// The server is starting or recovering (57P03), or has too many clients (53300).
fn is_passing(error: &postgres::error::DbError) -> bool {
    ["57P03", "53300"].contains(&error.code().code())
}

fn config(folder: &Path) -> Config {
    let mut config = Config::new();
    config.host_path(folder).user("postgres");
    config
}

fn start(folder: &Path, settings: &str) {
    make_folder(folder);
    let data = folder.join("data");
    run(program("initdb")
        .args(["-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "-D"])
        .arg(&data));
    let conf = data.join("postgresql.conf");
    let written = fs::read_to_string(&conf).expect("initdb wrote it");
    let socket = format!("unix_socket_directories = '{}'\n", folder.display());
    fs::write(&conf, format!("{written}\n{CONF}\n{socket}{settings}\n"))
        .expect("the settings can be written");
    launch(folder);
}

fn launch(folder: &Path) {
    run(&mut launch_command(folder));
}

fn launch_command(folder: &Path) -> Command {
    let mut start = program("pg_ctl");
    start
        .args(["-s", "-w", "-t", "60", "start", "-D"])
        .arg(folder.join("data"))
        .arg("-l")
        .arg(folder.join("log"));
    start.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    start
}

/// Leaves a process behind that waits for the runner's end, then stops the cluster: no test knows that it is the last.
fn stop_when_gone(runner: u32, folder: &Path) {
    let pg_ctl = shell_words("pg_ctl");
    let folder = folder.display();
    let script = format!(
        "while kill -0 {runner} 2>/dev/null; do sleep 1; done; {pg_ctl} -m immediate -s stop -D {folder}/data; rm -rf {folder} {folder}.lock"
    );
    // In the background of a shell that ends at once: nobody has to wait for it.
    let started = Command::new("setsid")
        .args(["sh", "-c", &format!("({script}) &")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    started.expect("the keeper starts");
}
