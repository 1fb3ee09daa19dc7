//! A publication of alerts and signals, for those who follow tables by logical replication, as Supabase's Realtime does.

use std::ffi::CStr;

use pgrx::prelude::*;
use pgrx::spi::quote_identifier;

use crate::error::{Error, or_raise};
use crate::identity;
use crate::storage;

/// Signals by their partitioned table, whatever day a partition is of.
const TABLES: [&str; 2] = ["alerts", "signals"];

#[pg_extern(sql = false)]
fn publish_realtime(publication: &CStr) {
    if !identity::session_is_superuser() {
        Error::SuperuserOnly("observa.publish_realtime()").raise();
    }
    or_raise(publish(&publication.to_string_lossy()));
}

fn publish(publication: &str) -> Result<(), Error> {
    storage::ensure()?;
    let name = quote_identifier(publication);
    let find = "SELECT puballtables OR pubviaroot FROM pg_catalog.pg_publication WHERE pubname = $1";
    let found = Spi::connect(|client| {
        let rows = client.select(find, Some(1), &[publication.into()])?;
        if rows.is_empty() { Ok(None) } else { rows.first().get_one::<bool>() }
    })?;
    match found {
        None => {
            Spi::run(&format!("CREATE PUBLICATION {name} WITH (publish_via_partition_root = true)"))?;
        }
        Some(false) => {
            Spi::run(&format!("ALTER PUBLICATION {name} SET (publish_via_partition_root = true)"))?;
        }
        Some(true) => {}
    }
    for table in TABLES {
        let is_in = Spi::get_one_with_args::<bool>(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_publication p
                              LEFT JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid
                             WHERE p.pubname = $1
                               AND (p.puballtables OR r.prrelid = ('observa_internal.' || $2)::pg_catalog.regclass))",
            &[publication.into(), table.into()],
        )?;
        if is_in != Some(true) {
            Spi::run(&format!("ALTER PUBLICATION {name} ADD TABLE observa_internal.{table}"))?;
        }
    }
    Ok(())
}
