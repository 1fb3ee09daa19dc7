//! Dead letters: the clean text of lines that ingest could not store, as many as a tenant may have.

use std::sync::Arc;

use observa_pipeline::batch::Rejected;
use observa_pipeline::home::{Home, Homes, Place};
use pgrx::prelude::*;

use crate::columns::{self, RejectedRow, Stamp};
use crate::error::Error;
use crate::identity::Acting;
use crate::ingest::Outcome;
use crate::rows::Rows;
use crate::settings;
use crate::tenants::Directory;

/// What a tenant may still keep. Lines that come at once see the same room: it is a bound on what rubbish costs, not an exact one.
struct Room {
    letters: i64,
    bytes: i64,
}

/// Keeps what was rejected, where the lines say, else for the tenant that the transaction acts for, else for the default one; of how many
/// lines nothing is kept.
pub fn store(outcome: &Outcome, directory: &mut Directory) -> Result<u64, Error> {
    if outcome.rejected.is_empty() {
        return Ok(0);
    }
    let home =
        directory.home(Place::default()).map_err(|reject| Error::Invalid(reject.message.into_owned()))?;
    let stamp = Stamp { batch_id: outcome.batch_id, ..Stamp::now() };
    // Only a superuser's session gets as far as here without acting for a tenant.
    let any_tenant = Acting::current().is_none();
    let home_of = |rejected: &'_ Rejected| Arc::clone(rejected.home.as_ref().unwrap_or(&home));
    let mut letters: Vec<(Arc<Home>, &Rejected)> =
        outcome.rejected.iter().map(|rejected| (home_of(rejected), rejected)).collect();
    letters.sort_by_key(|(home, _)| (home.tenant_id, home.project_id));
    let mut unkept = 0;
    for of_home in letters.chunk_by(|(a, _), (b, _)| a.project_id == b.project_id) {
        let Some((home, _)) = of_home.first() else { continue };
        let acting = Acting::within(home.tenant_id, home.project_id);
        unkept += Acting::during(acting, || {
            let mut room = Room::of_tenant()?;
            let kept: Vec<&(Arc<Home>, &Rejected)> =
                of_home.iter().filter(|(_, rejected)| room.takes(rejected)).collect();
            let rows = kept.iter().map(|(home, rejected)| RejectedRow { rejected, home, any_tenant, stamp });
            insert(rows)?;
            Ok::<_, Error>((of_home.len() - kept.len()) as u64)
        })?;
    }
    Ok(unkept)
}

impl Room {
    /// Of the acting one.
    fn of_tenant() -> Result<Room, Error> {
        let most = settings::max_rejected_events();
        let (letters, bytes) = Spi::get_two_with_args::<i64, i64>(
            include_str!("../sql/ingest/dead_letters.sql"),
            &[most.into()],
        )?;
        Ok(Room {
            letters: most - letters.unwrap_or_default(),
            bytes: settings::max_rejected_bytes() - bytes.unwrap_or_default(),
        })
    }

    fn takes(&mut self, rejected: &Rejected) -> bool {
        let bytes = rejected.text.len() as i64;
        let fits = self.letters > 0 && bytes <= self.bytes;
        if fits {
            self.letters -= 1;
            self.bytes -= bytes;
        }
        fits
    }
}

fn insert<'r>(rows: impl Iterator<Item = RejectedRow<'r>>) -> Result<(), Error> {
    let rows = Rows::new("rejected_events", &columns::rejected(), rows)?;
    rows.run(include_str!("../sql/ingest/rejected_events.sql"), |_| Ok(()))
}
