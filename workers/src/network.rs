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
    next_post: Instant,
}

impl Network {
    pub fn connect(server: &Server) -> Result<Network, JobError> {
        let client = server.connect()?;
        let post = Post::start().map_err(JobError::Thread)?;
        Ok(Network { client, post, next_post: Instant::now() })
    }

    /// Until it is told to end: then what has no answer yet is given back, for another worker. The judges outlive a connection: what they are
    /// asked is paid for.
    pub fn keep(
        mut self,
        judges: &mut Option<Judges>,
        interval: Duration,
        shutdown: &Shutdown,
    ) -> Result<(), JobError> {
        let asked = match judges.take() {
            Some(judges) => judges,
            None => Judges::start().map_err(JobError::Thread)?,
        };
        let asked = judges.insert(asked);
        loop {
            if Instant::now() >= self.next_post {
                self.post.exchange(&mut self.client).map_err(JobError::Send)?;
                self.next_post = Instant::now() + POST.min(interval);
            }
            let has_claimed = asked.exchange(&mut self.client).map_err(JobError::Judge)?;
            let is_idle = self.post.is_idle() && asked.is_idle() && !has_claimed;
            let pause = match (is_idle, asked.is_idle()) {
                (true, _) => interval,
                (false, true) => POST,
                (false, false) => ON_THE_WAY,
            };
            if shutdown.within(pause.min(interval)) {
                return match judges.take() {
                    Some(judges) => judges.stop(&mut self.client).map_err(JobError::Judge),
                    None => Ok(()),
                };
            }
        }
    }
}
