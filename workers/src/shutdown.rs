//! Ends the worker at once when it is told to, also in the middle of a pause.

use std::io;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

pub struct Shutdown {
    told: Receiver<()>,
}

impl Shutdown {
    /// Listens for SIGTERM and SIGINT from now on.
    pub fn listen() -> io::Result<Shutdown> {
        let mut signals = Signals::new([SIGTERM, SIGINT])?;
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            for _ in signals.forever() {
                if tell.send(()).is_err() {
                    return;
                }
            }
        });
        Ok(Shutdown { told })
    }

    /// Waits; true if the worker is to end.
    pub fn within(&self, pause: Duration) -> bool {
        !matches!(self.told.recv_timeout(pause), Err(RecvTimeoutError::Timeout))
    }
}
