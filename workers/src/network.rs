//! What waits for the network, beside the jobs and over a connection of its own: notifications and judges.

use std::time::{Duration, Instant};

use postgres::Client;

use crate::jobs::JobError;
use crate::judges::Judges;
use crate::post::Post;
use crate::server::Server;
use crate::shutdown::Shutdown;

/// Between two looks for what is to be sent, and what became of it.
const POST: Duration = Duration::from_millis(200);

/// Between two looks for answers of judges.
const ON_THE_WAY: Duration = Duration::from_millis(20);

pub struct Network {
    client: Client,
    post: Post,
    judges: Judges,
    next_post: Instant,
}

impl Network {
    pub fn connect(server: &Server) -> Result<Network, JobError> {
        let client = server.connect()?;
        let post = Post::start().map_err(JobError::Thread)?;
        let judges = Judges::start().map_err(JobError::Thread)?;
        Ok(Network { client, post, judges, next_post: Instant::now() })
    }

    /// Until it is told to end: then what has no answer yet is given back, for another worker.
    pub fn keep(mut self, interval: Duration, shutdown: &Shutdown) -> Result<(), JobError> {
        loop {
            if Instant::now() >= self.next_post {
                self.post.exchange(&mut self.client).map_err(JobError::Send)?;
                self.next_post = Instant::now() + POST.min(interval);
            }
            let has_claimed = self.judges.exchange(&mut self.client).map_err(JobError::Judge)?;
            let is_idle = self.post.is_idle() && self.judges.is_idle() && !has_claimed;
            let pause = match (is_idle, self.judges.is_idle()) {
                (true, _) => interval,
                (false, true) => POST,
                (false, false) => ON_THE_WAY,
            };
            if shutdown.within(pause.min(interval)) {
                return self.judges.stop(&mut self.client).map_err(JobError::Judge);
            }
        }
    }
}
