//! The server that is kept in order, and how it is reached: encrypted where the connection string asks for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use postgres::config::SslMode;
use postgres::{Client, Config, NoTls};
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

/// How long a statement waits for a lock: who comes later waits behind it.
const SESSION: &str = "SET lock_timeout = '2s'; SET default_transaction_isolation = 'read committed'; SET search_path = pg_catalog, pg_temp";

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("can't connect: {0}")]
    Connect(#[from] postgres::Error),
    #[error("the certificates in {} can't be read: {why}", .file.display())]
    Certificates { file: PathBuf, why: String },
    #[error("TLS can't be set up: {0}")]
    Tls(#[from] rustls::Error),
}

#[derive(Clone)]
pub struct Server {
    config: Config,
    /// Whom the server's certificate is to be signed by. None: by one of those that browsers trust.
    authorities: Option<PathBuf>,
}

impl Server {
    /// From a libpq URL or key=value list. With a file of authorities only encrypted connections are made.
    pub fn new(url: &str, authorities: Option<PathBuf>) -> Result<Server, ConnectError> {
        let mut config: Config = url.parse()?;
        config.application_name("observa-worker");
        if authorities.is_some() {
            config.ssl_mode(SslMode::Require);
        }
        Ok(Server { config, authorities })
    }

    pub fn connect(&self) -> Result<Client, ConnectError> {
        let mut client = match self.config.get_ssl_mode() {
            SslMode::Require => self.config.connect(self.tls()?)?,
            // libpq's prefer takes any certificate: that would be encryption that anybody can sit in the middle of.
            _ => self.config.connect(NoTls)?,
        };
        client.batch_execute(SESSION)?;
        Ok(client)
    }

    fn tls(&self) -> Result<MakeRustlsConnect, ConnectError> {
        let roots = match &self.authorities {
            Some(file) => read(file)?,
            None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        };
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(MakeRustlsConnect::new(config))
    }
}

fn read(file: &Path) -> Result<RootCertStore, ConnectError> {
    let unreadable = |why: String| ConnectError::Certificates { file: file.to_owned(), why };
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(file).map_err(|error| unreadable(error.to_string()))?;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| unreadable(error.to_string()))?;
        roots.add(certificate).map_err(|error| unreadable(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(unreadable("there is none in it".into()));
    }
    Ok(roots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_read_is_named() {
        let told = |file: &str| {
            let server = Server::new("host=localhost", Some(file.into())).unwrap();
            assert_eq!(server.config.get_ssl_mode(), SslMode::Require);
            server.connect().err().unwrap().to_string()
        };
        assert!(told("/no/such/file").starts_with("the certificates in /no/such/file can't be read"));
        assert!(told("/dev/null").ends_with("there is none in it"));
        assert!(Server::new("nonsense nonsense", None).is_err());
    }
}
