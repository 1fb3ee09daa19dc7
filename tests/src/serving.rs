//! HTTP services of the tests' own, on a free port of localhost.

use std::net::SocketAddr;

use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// A running service. It ends with the value.
pub struct Server {
    pub address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Server {
    pub fn start(app: axum::Router) -> Server {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        runtime.spawn(async move { axum::serve(listener, app).await });
        Server { address, runtime: Some(runtime) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Without waiting: a client may hold its connection open for ever.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
