//! What a bug report needs, and nothing that is a tenant's or a secret.

use observa_pipeline::scrub::Scrubber;
use pgrx::JsonB;
use pgrx::prelude::*;
use serde_json::{Map, Value, json};

use super::{PARTS, sight::Sight, tables};
use crate::error::{Error, or_raise};
use crate::identity;
use crate::shared;
use crate::storage;
use crate::storage_needs::{self, For};
use crate::storage_state;

/// Settings of Observa's whose text is no secret and nobody's name. A URL is shown by its host, of others only that they are set.
const SHOWN: [&str; 8] = [
    "observa.client_address_header",
    "observa.embeddings_model",
    "observa.judge_json_mode",
    "observa.judge_model",
    "observa.jwt_role",
    "observa.payload_retention_days",
    "observa.rejected_events_days",
    "observa.retention_days",
];

/// Libraries that write statements, in which bodies and keys stand, to where Observa can't keep them from.
const WRITE_STATEMENTS: [&str; 3] = ["auto_explain", "pgaudit", "pg_stat_monitor"];

#[pg_extern(sql = false)]
fn diagnostics() -> JsonB {
    if Sight::of_caller() != Sight::Server {
        Error::NoRight("watch the server: members of pg_monitor, and superusers, who act for no tenant")
            .raise();
    }
    JsonB(or_raise(tell()))
}

fn tell() -> Result<Value, Error> {
    let exists = storage::exists();
    let is_whole = exists && storage_needs::missing(For::Everything).is_none();
    // SAFETY: reads whether the server takes writes.
    let in_recovery = unsafe { pg_sys::RecoveryInProgress() };
    let is_superuser = identity::session_is_superuser();
    let mut parts = Map::new();
    for part in PARTS.iter().filter(|part| is_whole || !part.needs_storage) {
        let found = (part.look)()?;
        parts.insert(part.name.to_owned(), json!({ "status": found.status, "message": found.message }));
    }
    let extensions = extensions()?;
    Ok(json!({
        "versions": {
            "extension": extensions.get("observa"),
            "library": env!("CARGO_PKG_VERSION"),
            "postgres": pg_sys::PG_VERSION_STR.to_string_lossy(),
            "built_for": pg_sys::PG_VERSION.to_string_lossy(),
        },
        "standby": in_recovery,
        "preloaded": shared::is_there(),
        "storage": {
            "exists": exists,
            "is_this_librarys": if exists && is_superuser { Some(storage_state::is_known()?) } else { None },
        },
        "checks": parts,
        "settings": settings()?,
        "tables": if exists { tables()? } else { Value::Null },
        "workers": if is_whole { workers()? } else { Value::Null },
        "conflicts": conflicts(&extensions)?,
        "extensions": extensions,
    }))
}

/// Those that are not what they are without anybody's doing. Of PostgreSQL's and others' only numbers, switches and choices: a text
/// may be a connection string.
fn settings() -> Result<Value, Error> {
    let found = Spi::connect(|client| {
        client
            .select(include_str!("../../sql/health/settings.sql"), None, &[])?
            .map(|row| {
                let text = |column| Ok::<_, pgrx::spi::Error>(row.get::<String>(column)?.unwrap_or_default());
                Ok((text(1)?, text(2)?, row.get::<bool>(3)?.unwrap_or_default()))
            })
            .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    let shown = found.into_iter().map(|(name, value, is_text)| {
        let value = if is_text { shown(&name, &value) } else { value };
        (name, Value::String(value))
    });
    Ok(Value::Object(shown.collect()))
}

fn shown(name: &str, value: &str) -> String {
    if value.is_empty() {
        return String::new();
    }
    let shown = match name {
        name if SHOWN.contains(&name) => value,
        name if name.ends_with("_url") => host(value).unwrap_or("(set)"),
        _ => "(set)",
    };
    Scrubber::builtin().scrub(shown).text.into_owned()
}

/// Of a URL, without who asks, path and query.
fn host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    Some(authority.rsplit('@').next().unwrap_or(authority))
}

fn tables() -> Result<Value, Error> {
    let all = tables::all()?.into_iter().map(|table| {
        json!({
            "name": table.name,
            "bytes": table.bytes,
            "rows": table.rows,
            "partitions": table.partitions,
            "first": table.first,
            "last": table.last,
        })
    });
    Ok(all.collect())
}

/// As observa.workers has them; null: the caller may not read that.
fn workers() -> Result<Value, Error> {
    let may_read = "SELECT pg_catalog.has_table_privilege('observa.workers', 'SELECT')";
    if Spi::get_one::<bool>(may_read)? != Some(true) {
        return Ok(Value::Null);
    }
    let found: Option<JsonB> = Spi::get_one(include_str!("../../sql/health/jobs.sql"))?;
    Ok(found.map_or(Value::Null, |found| found.0))
}

fn extensions() -> Result<Map<String, Value>, Error> {
    let all = "SELECT pg_catalog.jsonb_object_agg(extname, extversion) FROM pg_catalog.pg_extension";
    Ok(super::object(Spi::get_one(all)?))
}

/// What does not go well together, in words.
fn conflicts(extensions: &Map<String, Value>) -> Result<Vec<String>, Error> {
    let mut all = Vec::new();
    let installed = extensions.get("observa").and_then(Value::as_str);
    if let Some(installed) = installed.filter(|installed| *installed != env!("CARGO_PKG_VERSION")) {
        let library = env!("CARGO_PKG_VERSION");
        all.push(format!(
            "the library is {library}, the extension {installed}: ALTER EXTENSION observa UPDATE, or a restart where the library is older"
        ));
    }
    let loaded = Spi::connect(|client| {
        client
            .select(
                include_str!("../../sql/health/strangers.sql"),
                None,
                &[WRITE_STATEMENTS.to_vec().into()],
            )?
            .map(|row| {
                Ok((row.get::<String>(1)?.unwrap_or_default(), row.get::<String>(2)?.unwrap_or_default()))
            })
            .collect::<Result<Vec<_>, pgrx::spi::Error>>()
    })?;
    all.extend(loaded.into_iter().map(|(what, name)| match what.as_str() {
        "library" => format!("{name} is loaded, which keeps statements: bodies and keys may stand in them"),
        _ => format!("extension {name} has objects in the schemas of Observa"),
    }));
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::{host, shown};

    #[test]
    fn of_a_url_the_host_is_shown() {
        for (url, expected) in [
            ("https://user:pa55@api.example.com:8443/v1?key=k", "api.example.com:8443"),
            ("http://h?token=t", "h"),
            ("https://a@b@c/x", "c"),
        ] {
            assert_eq!(host(url), Some(expected), "{url}");
        }
        assert_eq!(shown("observa.judge_url", "user:pa55@host"), "(set)");
        assert_eq!(shown("observa.jwt_secret_file", "/etc/secret"), "(set)");
    }
}
