//! nginx with the file of `examples/`, before a front: an ordinary process of the servers' user, in a folder of its own.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::clients;
use crate::programs::{free_address, is_root, make_folder, user_id};

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/nginx.conf");

/// A running nginx. It ends with the value.
pub struct Nginx {
    pub address: SocketAddr,
    folder: PathBuf,
    process: Child,
}

impl Nginx {
    /// None: there is no nginx, and a note of `tests/clients/install` that there can't be one.
    pub fn before(front: SocketAddr) -> Option<Nginx> {
        let program = find()?;
        let address = free_address();
        let folder =
            std::env::temp_dir().join(format!("observa-nginx-{}-{}", std::process::id(), address.port()));
        make_folder(&folder);
        // Debian's is built to write to /var/lib/nginx.
        let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("    {kind}_temp_path {kind};\n"))
            .concat();
        let conf = format!(
            "daemon off;\npid nginx.pid;\nerror_log error.log;\nworker_processes 1;\nevents {{}}\nhttp {{\n{temporary}    access_log off;\n{}}}\n",
            example(address, front)
        );
        fs::write(folder.join("nginx.conf"), conf).expect("the settings can be written");
        let mut command = Command::new(program);
        command.arg("-p").arg(&folder).args(["-c", "nginx.conf"]).current_dir(&folder);
        let complaints = fs::File::create(folder.join("stderr")).expect("a file");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(complaints);
        if is_root() {
            command.uid(user_id("-u")).gid(user_id("-g"));
        }
        let process = command.spawn().expect("nginx starts");
        let mut nginx = Nginx { address, folder, process };
        nginx.wait();
        Some(nginx)
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn wait(&mut self) {
        let patience = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(self.address).is_err() {
            let ended = self.process.try_wait().expect("its state");
            let log = ["stderr", "error.log"]
                .map(|name| fs::read_to_string(self.folder.join(name)).unwrap_or_default())
                .concat();
            assert!(ended.is_none() && Instant::now() < patience, "nginx does not start: {log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // Not killed: its workers end with it then.
        let _ = Command::new("kill").arg(self.process.id().to_string()).status();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The example's lines marked YOURS, changed as its reader would.
fn example(listen: SocketAddr, front: SocketAddr) -> String {
    let text = fs::read_to_string(EXAMPLE).expect("examples/nginx.conf");
    let changed = text
        .replace("listen 127.0.0.1:8080;", &format!("listen {listen};"))
        .replace("127.0.0.1:3000", &front.to_string());
    assert_eq!(text.lines().filter(|line| line.contains("# YOURS")).count(), 2, "lines to change");
    changed
}

fn find() -> Option<PathBuf> {
    let unpacked = clients::folder().join("nginx/usr/sbin/nginx");
    let installed = ["/usr/sbin/nginx", "/usr/local/sbin/nginx", "/usr/bin/nginx"].map(PathBuf::from);
    let found = [unpacked].into_iter().chain(installed).find(|path| path.exists());
    if found.is_none() {
        clients::require_note("nginx");
    }
    found
}
