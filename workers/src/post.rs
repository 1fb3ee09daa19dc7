//! Sends what is due to webhooks, over the connection that the jobs have: claimed and recorded in transactions of their own, with none
//! open while it is on the way.

use std::io;

use postgres::Client;

use crate::notify::Delivery;
use crate::notify::courier::Courier;

const RECORD: &str =
    "SELECT observa_internal.record_delivery($1::text::uuid, $2::text::uuid, $3::text::uuid, $4, $5, $6, $7)";

pub struct Post {
    courier: Courier,
}

impl Post {
    pub fn start() -> io::Result<Post> {
        Ok(Post { courier: Courier::start()? })
    }

    /// Whether nothing is on the way.
    pub fn is_idle(&self) -> bool {
        self.courier.is_idle()
    }

    /// Records what is back, and sends what is due.
    pub fn exchange(&mut self, client: &mut Client) -> Result<(), postgres::Error> {
        while let Some(report) = self.courier.report() {
            client.query_one(
                RECORD,
                &[
                    &report.tenant_id,
                    &report.id,
                    &report.lease,
                    &report.state,
                    &report.retry_seconds,
                    &report.status,
                    &report.error,
                ],
            )?;
        }
        let free = i32::try_from(self.courier.free()).unwrap_or_default();
        for row in client.query("SELECT observa_internal.claim_notifications($1)", &[&free])? {
            let text: String = row.try_get(0)?;
            if let Ok(delivery) = serde_json::from_str::<Delivery>(&text) {
                self.courier.send(delivery);
            }
        }
        Ok(())
    }
}
