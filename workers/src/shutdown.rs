//! Ends the worker at once when it is told to, also in the middle of a pause.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Heard by every thread that has a clone.
#[derive(Clone, Default)]
pub struct Shutdown {
    told: Arc<(Mutex<bool>, Condvar)>,
}

impl Shutdown {
    /// Listens for SIGTERM and SIGINT from now on.
    pub fn listen() -> io::Result<Shutdown> {
        let mut signals = Signals::new([SIGTERM, SIGINT])?;
        let shutdown = Shutdown::default();
        let listening = shutdown.clone();
        std::thread::spawn(move || {
            if signals.forever().next().is_some() {
                listening.tell();
            }
        });
        Ok(shutdown)
    }

    /// As a signal does it.
    pub fn tell(&self) {
        let (told, news) = &*self.told;
        *told.lock().unwrap_or_else(PoisonError::into_inner) = true;
        news.notify_all();
    }

    /// Waits; true if the worker is to end.
    pub fn within(&self, pause: Duration) -> bool {
        let (told, news) = &*self.told;
        let told = told.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = news.wait_timeout_while(told, pause, |told| !*told);
        *waited.unwrap_or_else(PoisonError::into_inner).0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn every_thread_hears_it_amid_its_pause() {
        let shutdown = Shutdown::default();
        assert!(!shutdown.within(Duration::from_millis(1)));
        let waiting: Vec<_> = (0..2)
            .map(|_| {
                let shutdown = shutdown.clone();
                std::thread::spawn(move || shutdown.within(Duration::from_secs(60)))
            })
            .collect();
        let begun = Instant::now();
        shutdown.tell();
        assert!(waiting.into_iter().all(|thread| thread.join().unwrap()));
        assert!(begun.elapsed() < Duration::from_secs(30) && shutdown.within(Duration::ZERO));
    }
}
