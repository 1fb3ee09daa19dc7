//! Looks names up for the client, which connects to the addresses found here and to no others: a name that leads elsewhere a moment
//! later changes nothing.

use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::address::is_public;

pub struct Resolver {
    pub allow_private: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("no address of the host is public")]
pub struct NotPublic;

#[derive(Debug, thiserror::Error)]
#[error("the host is not known")]
pub struct Unknown;

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await.map_err(|_| Unknown)?.collect();
            if found.is_empty() {
                return Err(Unknown.into());
            }
            let allowed: Vec<SocketAddr> =
                found.into_iter().filter(|address| allow_private || is_public(address.ip())).collect();
            if allowed.is_empty() {
                return Err(NotPublic.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}
