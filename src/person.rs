//! A person of whom something is asked: by which ids their rows are found, and what leads to them.

use std::collections::BTreeSet;

use observa_pipeline::event::Field;
use observa_pipeline::identity;
use observa_pipeline::person::{self, Person};
use pgrx::datum::DatumWithOid;
use pgrx::prelude::*;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::error::{Error, or_raise};
use crate::identity::{Acting, sql_uuid, uuid};
use crate::tenants;

/// How far from the person's own events a nameless one may be: a session leads to a trace, and that to a conversation. Each step reads
/// the tenant's events anew.
const MOST_STEPS: usize = 8;

/// A project's id, and what its events say: those of two projects may say the same and mean another.
type OfProject = (Uuid, String);

/// Sessions, conversations and traces of the person's events that name no other user: what else is in them is theirs, too.
#[derive(Default, PartialEq, Eq)]
struct Trail {
    traces: BTreeSet<String>,
    sessions: BTreeSet<OfProject>,
    conversations: BTreeSet<OfProject>,
    /// Traces of theirs that name others: of these only their own spans are theirs.
    shared: BTreeSet<String>,
}

pub struct Subject {
    pub tenant_id: Uuid,
    person: Person,
    /// For the record: it names nobody to who reads it.
    pub pseudonym: String,
    trail: Trail,
}

/// A table's rows of a person. `find` follows theirs.sql and gives time, id and row from a key on.
pub struct Kept {
    pub table: &'static str,
    pub find: &'static str,
    /// What takes keys, the person's id and ':' with the digits of their pseudonyms, and erases.
    pub erase: &'static str,
}

macro_rules! kept {
    ($table:literal) => {
        Kept {
            table: $table,
            find: concat!(
                include_str!("../sql/privacy/theirs.sql"),
                include_str!(concat!("../sql/privacy/find_", $table, ".sql"))
            ),
            erase: include_str!(concat!("../sql/privacy/erase_", $table, ".sql")),
        }
    };
}

pub const EVENTS: Kept = kept!("events");
pub const SIGNALS: Kept = kept!("signals");
pub const ALERTS: Kept = kept!("alerts");
pub const LOGS: Kept = kept!("logs");
pub const SPAN_CONTENTS: Kept = kept!("span_contents");
pub const VERDICTS: Kept = kept!("analysis_results");
pub const EMBEDDINGS: Kept = kept!("embeddings");
pub const JUDGEMENTS: Kept = kept!("analysis_jobs");

/// The table of dead letters, which only their text tells whose they are.
pub const LETTERS: &str = "rejected_events";

/// Dead letters in memory at a time, and bytes of them.
const LETTERS_AT_ONCE: i64 = 1_000;
const LETTER_BYTES: i64 = 16_000_000;

/// Where a page ends, in the order of a table's rows.
#[derive(Clone)]
pub struct Key {
    pub ts: TimestampWithTimeZone,
    pub id: String,
}

impl Key {
    pub fn first() -> Key {
        Key { ts: TimestampWithTimeZone::negative_infinity(), id: String::new() }
    }
}

/// A row of a person, with what is stored if that was asked for.
pub type Row = (Key, Option<Value>);

/// A dead letter of a person.
pub type Letter = (Uuid, Option<Value>);

impl Subject {
    /// `user_id` is as the application writes it. What they leave is not looked for yet.
    pub fn of(tenant_id: Uuid, user_id: &str) -> Result<Subject, Error> {
        let home = Acting::during(Acting::whole(tenant_id), tenants::acting_home);
        let home = home.ok_or_else(|| Error::Invalid(format!("there is no tenant {tenant_id}")))?;
        let scrubber = home.scrubber.of_all_kinds();
        let kind = scrubber.kind_of_identifier(user_id).unwrap_or("user");
        Ok(Subject {
            tenant_id,
            person: Person::new(user_id, &home.pseudonym_key),
            pseudonym: identity::pseudonym(kind, user_id, &home.pseudonym_key),
            trail: Trail::default(),
        })
    }

    /// Follows their events to what names nobody and is theirs alone. Before anything of them is erased.
    pub fn follow(&mut self) -> Result<(), Error> {
        for _ in 0..MOST_STEPS {
            check_for_interrupts!();
            let next = self.next_trail()?;
            if next == self.trail {
                break;
            }
            self.trail = next;
        }
        Ok(())
    }

    fn next_trail(&self) -> Result<Trail, Error> {
        const SQL: &str =
            concat!(include_str!("../sql/privacy/theirs.sql"), include_str!("../sql/privacy/trail.sql"));
        let mut trail = Trail::default();
        Spi::connect(|client| {
            for row in client.select(SQL, None, &self.arguments())? {
                let (kind, project, id) =
                    (row.get::<String>(1)?, row.get::<pgrx::Uuid>(2)?.map(uuid), row.get::<String>(3)?);
                let (Some(kind), Some(id)) = (kind, id) else { continue };
                match (kind.as_str(), project) {
                    ("trace", _) => drop(trail.traces.insert(id)),
                    ("session", Some(project)) => drop(trail.sessions.insert((project, id))),
                    ("conversation", Some(project)) => drop(trail.conversations.insert((project, id))),
                    _ => drop(trail.shared.insert(id)),
                }
            }
            Ok::<_, pgrx::spi::Error>(())
        })?;
        trail.shared = trail.shared.difference(&trail.traces).cloned().collect();
        Ok(trail)
    }

    /// As the application writes the person's id, and `:` with the digits of their pseudonyms.
    pub fn ids(&self) -> [&str; 2] {
        [self.person.id(), self.person.hash()]
    }

    /// $1 to $9 of the statements in sql/privacy.
    pub fn arguments<'a>(&self) -> Vec<DatumWithOid<'a>> {
        let texts = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<String>>();
        let split = |set: &BTreeSet<OfProject>| -> (Vec<pgrx::Uuid>, Vec<String>) {
            set.iter().map(|(project, id)| (sql_uuid(*project), id.clone())).unzip()
        };
        let (session_projects, sessions) = split(&self.trail.sessions);
        let (conversation_projects, conversations) = split(&self.trail.conversations);
        // Keys have neither quotation marks nor backslashes.
        let paths: Vec<String> =
            person::user_paths().iter().map(|path| format!("{{\"{}\"}}", path.join("\",\""))).collect();
        vec![
            self.person.id().to_owned().into(),
            self.person.hash().to_owned().into(),
            texts(&self.trail.traces).into(),
            texts(&self.trail.shared).into(),
            session_projects.into(),
            sessions.into(),
            conversation_projects.into(),
            conversations.into(),
            paths.into(),
        ]
    }

    /// The person's rows after a key, at most so many, in the order of their keys.
    pub fn rows(&self, kept: &Kept, after: &Key, most: i64, whole: bool) -> Result<Vec<Row>, Error> {
        check_for_interrupts!();
        let mut arguments = self.arguments();
        arguments.extend([after.ts.into(), after.id.clone().into(), most.into(), whole.into()]);
        let rows = Spi::connect(|client| {
            let rows = client.select(kept.find, None, &arguments)?;
            rows.map(|row| {
                let key = row.get::<TimestampWithTimeZone>(1)?.zip(row.get::<String>(2)?);
                let stored = row.get::<String>(3)?.map(|stored| read(&stored));
                Ok(key.map(|(ts, id)| (Key { ts, id }, stored)))
            })
            .collect::<Result<Vec<_>, pgrx::spi::Error>>()
        })?;
        Ok(rows.into_iter().flatten().collect())
    }

    /// Those of the next dead letters after an id that are the person's, and where these end. None: there are no more.
    pub fn letters(&self, after: Uuid, whole: bool) -> Result<Option<(Uuid, Vec<Letter>)>, Error> {
        check_for_interrupts!();
        let arguments: [DatumWithOid; 4] =
            [sql_uuid(after).into(), LETTERS_AT_ONCE.into(), LETTER_BYTES.into(), whole.into()];
        let (mut last, mut theirs) = (None, Vec::new());
        Spi::connect(|client| {
            for row in client.select(include_str!("../sql/privacy/find_letters.sql"), None, &arguments)? {
                let ids = row.get::<pgrx::Uuid>(1)?.zip(row.get::<pgrx::Uuid>(2)?);
                let (Some((id, project)), Some(body)) = (ids, row.get::<String>(3)?) else { continue };
                last = Some(uuid(id));
                if self.person.is_named_in(&body, |field, id| self.leads_to(uuid(project), field, id)) {
                    theirs.push((uuid(id), row.get::<String>(4)?.map(|stored| read(&stored))));
                }
            }
            Ok::<_, pgrx::spi::Error>(())
        })?;
        Ok(last.map(|last| (last, theirs)))
    }

    fn leads_to(&self, project: Uuid, field: Field, id: &str) -> bool {
        match field {
            Field::TraceId => self.trail.traces.contains(id),
            Field::SessionId => self.trail.sessions.contains(&(project, id.to_owned())),
            Field::ConversationId => self.trail.conversations.contains(&(project, id.to_owned())),
            _ => false,
        }
    }
}

/// A row as it is stored: deeper by its own levels than an event may be, where serde_json alone would stop. `observa.max_depth` bounds it.
fn read(stored: &str) -> Value {
    let mut reader = serde_json::Deserializer::from_str(stored);
    reader.disable_recursion_limit();
    // Left out, an export would lack it.
    or_raise(Value::deserialize(&mut reader).map_err(|_| Error::Invalid("a stored row can't be read".into())))
}
