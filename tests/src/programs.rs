//! PostgreSQL's programs, run as the user that may run them.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

/// The folder of initdb, pg_ctl, pg_dump and the like.
static BIN: LazyLock<PathBuf> = LazyLock::new(|| PathBuf::from(ask_pg_config("--bindir")));

/// What `pg_config` says of the PostgreSQL that the extension is installed in.
pub fn ask_pg_config(what: &str) -> String {
    let config = std::env::var("PGRX_PG_CONFIG_PATH")
        .expect("PGRX_PG_CONFIG_PATH must name the pg_config of the PostgreSQL to test with: source dev/env");
    let answer = Command::new(config).arg(what).output().expect("pg_config runs");
    String::from_utf8(answer.stdout).expect("pg_config answers in UTF-8").trim().to_owned()
}

/// PostgreSQL refuses to run as root.
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").map(|own| own.uid() == 0).unwrap_or(false)
}

/// Who runs the servers.
pub fn user() -> String {
    std::env::var("OBSERVA_PG_USER").unwrap_or_else(|_| "postgres".into())
}

/// A program of PostgreSQL's, as the servers' user.
pub fn program(name: &str) -> Command {
    let path = BIN.join(name);
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", &user(), "--"]).arg(path);
        command
    } else {
        Command::new(path)
    };
    // The servers' user may not enter the folder that the tests run in.
    command
        .current_dir("/")
        .env("LC_ALL", "C")
        .env_remove("PGDATABASE")
        .env_remove("PGHOST")
        .env_remove("PGPORT");
    command
}

/// The same as words for a shell.
pub fn shell_words(name: &str) -> String {
    let path = BIN.join(name);
    let path = path.display();
    if is_root() { format!("runuser -u {} -- '{path}'", user()) } else { format!("'{path}'") }
}

/// Runs to the end; the output, or a panic with what it said.
pub fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// A folder that the servers' user owns. Its path is short: a socket's may have 107 bytes.
pub fn make_folder(path: &Path) {
    std::fs::create_dir_all(path).expect("the folder can be made");
    if is_root() {
        run(Command::new("chown").arg(user()).arg(path));
    }
}

/// Of the servers' user: `-u` its own, `-g` its group's.
pub fn user_id(which: &str) -> u32 {
    let output = run(Command::new("id").args([which, &user()]));
    String::from_utf8_lossy(&output.stdout).trim().parse().expect("a number")
}

pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port")
}
