//! observa.scrub and observa.find_secrets, and a tenant's own patterns.

use observa_pipeline::scrub::{Options, Pattern, Scrubber};
use pgrx::prelude::*;

use crate::audit::Deed;
use crate::error::{Error, or_raise};
use crate::tenants;

#[pg_extern(sql = false)]
fn scrub_text(text: &str) -> String {
    Scrubber::builtin().scrub(text).text.into_owned()
}

/// From text to text: serde_json would round numbers to doubles.
#[pg_extern(sql = false)]
fn scrub_json(document: &str) -> String {
    Scrubber::builtin().scrub_json(document).text.into_owned()
}

/// As what the acting tenant sends is scrubbed.
pub fn as_own(text: &str) -> String {
    let home = tenants::acting_home();
    let scrubber = home.as_ref().map_or(Scrubber::builtin(), |home| &home.scrubber);
    scrubber.scrub(text).text.into_owned()
}

#[pg_extern(sql = false)]
fn find_secrets(
    text: &str,
) -> TableIterator<'static, (name!(kind, String), name!(start, i32), name!(length, i32))> {
    let findings = Scrubber::builtin().find(text);
    let mut counted = 0;
    let mut characters = 0;
    let rows: Vec<_> = findings
        .into_iter()
        .map(|finding| {
            // Findings are sorted: each character is counted once.
            characters += length(text, counted, finding.start);
            let size = length(text, finding.start, finding.end);
            let row = (finding.kind.to_owned(), characters + 1, size);
            characters += size;
            counted = finding.end;
            row
        })
        .collect();
    TableIterator::new(rows)
}

/// Characters between two bytes.
fn length(text: &str, start: usize, end: usize) -> i32 {
    i32::try_from(text.get(start..end).unwrap_or_default().chars().count()).unwrap_or(i32::MAX)
}

#[pg_extern(sql = false)]
fn add_scrub_pattern(tenant: pgrx::Uuid, name: &str, pattern: &str) {
    or_raise(tenants::administer(tenant, &Deed::of("add_scrub_pattern", "pattern", name), || {
        let mut patterns = Spi::connect(|client| {
            let rows =
                client.select("SELECT name, pattern FROM observa_internal.scrub_patterns", None, &[])?;
            rows.map(|row| Ok(row.get::<String>(1)?.zip(row.get::<String>(2)?)))
                .collect::<Result<Vec<_>, pgrx::spi::Error>>()
        })?
        .into_iter()
        .flatten()
        .filter(|(known, _)| known != name)
        .map(|(name, regex)| Pattern { name, regex })
        .collect::<Vec<_>>();
        patterns.push(Pattern { name: name.to_owned(), regex: pattern.to_owned() });
        // All together: that one compiles does not say that they all do.
        Scrubber::new(&Options { emails: true, patterns })
            .map_err(|error| Error::Invalid(error.to_string()))?;
        let args = [tenant.into(), name.into(), pattern.into()];
        Spi::run_with_args(
            "INSERT INTO observa_internal.scrub_patterns (tenant_id, name, pattern) VALUES ($1, $2, $3)
             ON CONFLICT (tenant_id, name) DO UPDATE SET pattern = excluded.pattern",
            &args,
        )?;
        Ok(())
    }));
}

#[pg_extern(sql = false)]
fn remove_scrub_pattern(tenant: pgrx::Uuid, name: &str) {
    or_raise(tenants::administer(tenant, &Deed::of("remove_scrub_pattern", "pattern", name), || {
        let args = [tenant.into(), name.into()];
        Spi::run_with_args(
            "DELETE FROM observa_internal.scrub_patterns WHERE tenant_id = $1 AND name = $2",
            &args,
        )?;
        Ok(())
    }));
}
