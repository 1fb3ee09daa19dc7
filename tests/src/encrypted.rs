//! A server's TLS in front of a Unix socket: answers PostgreSQL's request for encryption with a certificate of its own making, and passes
//! on what comes.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::database::Database;

/// It ends with the value.
pub struct Encrypted {
    pub address: SocketAddr,
    /// Who signed the certificate: itself.
    pub authority: PathBuf,
    sessions: Arc<AtomicUsize>,
    runtime: Option<Runtime>,
}

impl Encrypted {
    pub fn before(db: &Database) -> Encrypted {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .expect("a certificate with its key");
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let authority = std::env::temp_dir().join(format!("observa-authority-{}.pem", address.port()));
        std::fs::write(&authority, cert.pem()).expect("a file");
        let arguments = db.cluster.arguments();
        let [_, host, _, port, ..] = arguments.as_slice() else { panic!("{arguments:?}") };
        let socket = PathBuf::from(host).join(format!(".s.PGSQL.{port}"));
        let sessions = Arc::new(AtomicUsize::new(0));
        let (acceptor, counted) = (TlsAcceptor::from(Arc::new(config)), Arc::clone(&sessions));
        runtime.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (acceptor, socket, counted) = (acceptor.clone(), socket.clone(), Arc::clone(&counted));
                // A client that refuses the certificate leaves.
                tokio::spawn(
                    async move { pass(client, acceptor, socket, &counted).await.unwrap_or_default() },
                );
            }
        });
        Encrypted { address, authority, sessions, runtime: Some(runtime) }
    }

    /// How many clients have taken the certificate.
    pub fn sessions(&self) -> usize {
        self.sessions.load(Ordering::Relaxed)
    }
}

async fn pass(
    mut client: TcpStream,
    acceptor: TlsAcceptor,
    socket: PathBuf,
    counted: &AtomicUsize,
) -> std::io::Result<()> {
    // SSLRequest: its length, and a number.
    let mut request = [0; 8];
    client.read_exact(&mut request).await?;
    if request != [0, 0, 0, 8, 4, 210, 22, 47] {
        return Err(std::io::Error::other("the client asks for no encryption"));
    }
    client.write_all(b"S").await?;
    let mut client = acceptor.accept(client).await?;
    counted.fetch_add(1, Ordering::Relaxed);
    let mut server = UnixStream::connect(socket).await?;
    copy_bidirectional(&mut client, &mut server).await.map(|_| ())
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.authority);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
