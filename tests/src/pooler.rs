//! pgbouncer in transaction mode before a database: an ordinary process of the servers' user, in a folder of its own.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use postgres::{Client, NoTls};

use crate::clients;
use crate::database::Database;
use crate::programs::{free_address, is_root, make_folder, user_id};

/// A running pgbouncer, whose connections to the server are a login's. It ends with the value.
pub struct Pooler {
    address: SocketAddr,
    folder: PathBuf,
    process: Child,
}

impl Pooler {
    /// None: there is no pgbouncer, and a note of `tests/clients/install` that there can't be one.
    pub fn before(db: &Database, login: &str, server_connections: u32) -> Option<Pooler> {
        let program = clients::folder().join("pgbouncer/run");
        if !program.exists() {
            clients::require_note("pgbouncer");
            return None;
        }
        let address = free_address();
        let folder = std::env::temp_dir().join(format!("observa-pooler-{}", address.port()));
        make_folder(&folder);
        let arguments = db.cluster.arguments();
        let [_, host, _, port, ..] = arguments.as_slice() else { panic!("{arguments:?}") };
        let conf = format!(
            "[databases]\npooled = host={host} port={port} dbname={} user={login}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {}\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\nmax_client_conn = 100\n\
             default_pool_size = {server_connections}\nlogfile = log\npidfile = pid\n",
            db.name,
            address.port()
        );
        fs::write(folder.join("conf"), conf).expect("the settings can be written");
        let mut command = Command::new(program);
        command.args(["-q", "conf"]).current_dir(&folder);
        let complaints = fs::File::create(folder.join("stderr")).expect("a file");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(complaints);
        if is_root() {
            command.uid(user_id("-u")).gid(user_id("-g"));
        }
        let process = command.spawn().expect("pgbouncer starts");
        let mut pooler = Pooler { address, folder, process };
        pooler.wait();
        Some(pooler)
    }

    /// A client. Prepared statements are not for it: the next transaction is another connection's.
    pub fn connect(&self) -> Client {
        let mut config = postgres::Config::new();
        config.host("127.0.0.1").port(self.address.port()).user("anybody").dbname("pooled");
        config.connect(NoTls).expect("pgbouncer lets it in")
    }

    fn wait(&mut self) {
        let patience = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(self.address).is_err() {
            let ended = self.process.try_wait().expect("its state");
            let log = ["stderr", "log"]
                .map(|name| fs::read_to_string(self.folder.join(name)).unwrap_or_default())
                .concat();
            assert!(ended.is_none() && Instant::now() < patience, "pgbouncer does not start: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
