//! What a batch adds, small enough to be one row.

use std::hash::Hash;

use ahash::{AHashMap, AHashSet};
use prost::Message;
use uuid::Uuid;

use super::activity::{Activity, Actor, Lost};
use super::fact::{Fact, Series};
use super::messages::{ActivityEntry, Deltas, Entry, TagEntry, TraceEntry, UserEntry};
use super::sums::{Scores, Sums};
use super::trace::{TraceSummary, Worst};
use crate::distinct::Mark;
use crate::histogram::Latencies;
use crate::identity::Veil;
use crate::price::{Usd, plain};
use crate::tags;

/// Minutes of the buckets that users and tags are counted in.
const HOUR: i64 = 60;

/// Bytes that are no delta.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a delta of the rollups is damaged")]
pub struct Damaged;

/// What one series adds in a minute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Added {
    pub sums: Sums,
    pub scores: Scores,
    /// Microseconds.
    pub latencies: Vec<u64>,
    pub ttfts: Vec<u64>,
    /// Whose events were added.
    pub users: Vec<Mark>,
}

/// What an event adds to its series before names are written.
#[derive(Debug, Default)]
struct Adding<'e> {
    added: Added,
    users: AHashSet<&'e str>,
}

/// A minute, a series, and whether its latencies are taken out.
type Key<'e> = (i64, Series<'e>, bool);

/// What has come of a trace.
#[derive(Clone, Debug, Default)]
struct Traced {
    summary: Option<TraceSummary>,
    /// When the first and the last of what has come or changed began.
    touched: Option<(i64, i64)>,
    changed: bool,
}

impl Traced {
    fn put(&mut self, fact: &Fact, removed: bool) {
        let (since, until) = self.touched.unwrap_or((fact.ts, fact.ts));
        self.touched = Some((since.min(fact.ts), until.max(fact.ts)));
        if removed {
            self.changed = true;
            return;
        }
        let new = TraceSummary::of(fact);
        match &mut self.summary {
            Some(summary) => summary.merge(new),
            None => self.summary = Some(new),
        }
    }
}

/// An hour as the minute that it begins in, a project, an environment, a user.
type UserKey<'e> = (i64, Uuid, &'e str, &'e str);

/// An hour as the minute that it begins in, a project, an environment, a tag, its value.
type TagKey<'e> = (i64, Uuid, &'e str, &'e str, &'e str);

/// What a value of a tag adds in an hour.
#[derive(Debug, Default)]
struct Tagged<'e> {
    sums: Sums,
    users: AHashSet<&'e str>,
}

#[derive(Debug, Default)]
pub struct Delta<'e> {
    entries: AHashMap<Key<'e>, Adding<'e>>,
    users: AHashMap<UserKey<'e>, Sums>,
    tags: AHashMap<TagKey<'e>, Tagged<'e>>,
    activities: AHashMap<(Actor, Uuid, &'e str), Activity>,
    traces: AHashMap<(Uuid, &'e str), Traced>,
}

impl<'e> Delta<'e> {
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.traces.is_empty()
    }

    /// Has a trace computed anew, of which something changed between two times (microseconds since 1970 UTC).
    pub fn touch(&mut self, project_id: Uuid, trace_id: &'e str, (since, until): (i64, i64)) {
        let traced = self.traces.entry((project_id, trace_id)).or_default();
        let (first, last) = traced.touched.unwrap_or((since, until));
        traced.touched = Some((first.min(since), last.max(until)));
        traced.changed = true;
    }

    pub fn add(&mut self, fact: &Fact<'e>) {
        self.put(fact, false);
    }

    /// Takes out what was added before.
    pub fn remove(&mut self, fact: &Fact<'e>) {
        self.put(fact, true);
    }

    fn put(&mut self, fact: &Fact<'e>, removed: bool) {
        let negated = removed.then(|| (fact.sums.negated(), fact.scores.negated()));
        let (sums, scores) =
            negated.as_ref().map_or((&fact.sums, &fact.scores), |(sums, scores)| (sums, scores));
        let adding = self.entries.entry((fact.minute(), fact.series, removed)).or_default();
        // Nobody can be taken out of a sketch.
        let seen = fact.user_id.filter(|_| !removed);
        adding.users.extend(seen);
        let added = &mut adding.added;
        added.sums.add(sums);
        added.scores.add(scores);
        added.latencies.extend(fact.latency_ms.and_then(Latencies::us));
        added.ttfts.extend(fact.ttft_ms.and_then(Latencies::us));
        let hour = fact.minute().div_euclid(HOUR) * HOUR;
        for (tag, value) in fact.tags.iter().filter_map(|pair| tags::split(pair)) {
            let key = (hour, fact.series.project_id, fact.series.environment, tag, value);
            let tagged = self.tags.entry(key).or_default();
            tagged.sums.add(sums);
            tagged.users.extend(seen);
        }
        if let Some(user_id) = fact.user_id {
            let key = (hour, fact.series.project_id, fact.series.environment, user_id);
            self.users.entry(key).or_default().add(sums);
        }
        for actor in Actor::ALL {
            if let Some(id) = actor.id(fact) {
                self.activities.entry((actor, fact.series.project_id, id)).or_default().record(fact, removed);
            }
        }
        if let Some(trace_id) = fact.trace_id {
            self.traces.entry((fact.series.project_id, trace_id)).or_default().put(fact, removed);
        }
    }

    /// With the key that the tenant's people are veiled with where they are only told apart.
    pub fn encode<'s>(&'s self, key: &[u8]) -> Vec<u8>
    where
        'e: 's,
    {
        let veil = Veil::new(key);
        let (mut people, mut known) = (Vec::new(), AHashMap::default());
        let mut places = |users: &AHashSet<&'e str>| -> Vec<u32> {
            let place = |user: &&'e str| {
                *known.entry(*user).or_insert_with(|| {
                    people.push(veil.of(user));
                    u32::try_from(people.len() - 1).unwrap_or(u32::MAX)
                })
            };
            users.iter().map(place).collect()
        };
        let (mut names, mut projects) = (Table::default(), Table::default());
        let entries = self.entries.iter().map(|((minute, series, removed), Adding { added, users })| Entry {
            minute: *minute,
            project: projects.place(series.project_id),
            names: {
                let sure = [series.environment, series.event_type, series.status].map(Some);
                let optional =
                    [series.provider, series.model, series.route, series.tool_name, series.version];
                let all = sure.into_iter().chain(optional);
                all.map(|name| name.map_or(0, |name| names.place(name) + 1)).collect()
            },
            counts: added.sums.counts().to_vec(),
            cost_usd: cost_text(&added.sums.cost_usd),
            latencies: added.latencies.clone(),
            ttfts: added.ttfts.clone(),
            score_sums: added.scores.parts().iter().map(|(sum, _)| *sum).collect(),
            score_counts: added.scores.parts().iter().map(|(_, count)| *count).collect(),
            removed: *removed,
            users: places(users),
        });
        let entries: Vec<Entry> = entries.collect();
        let users = self.users.iter().map(|((minute, project_id, environment, user_id), sums)| UserEntry {
            minute: *minute,
            project: projects.place(*project_id),
            environment: names.place(environment) + 1,
            user: names.place(user_id) + 1,
            counts: sums.counts().to_vec(),
            cost_usd: cost_text(&sums.cost_usd),
        });
        let users: Vec<UserEntry> = users.collect();
        let tags = self.tags.iter().map(|((minute, project_id, environment, tag, value), tagged)| TagEntry {
            minute: *minute,
            project: projects.place(*project_id),
            environment: names.place(environment) + 1,
            tag: names.place(tag) + 1,
            value: names.place(value) + 1,
            counts: tagged.sums.counts().to_vec(),
            cost_usd: cost_text(&tagged.sums.cost_usd),
            users: places(&tagged.users),
        });
        let tags: Vec<TagEntry> = tags.collect();
        let activities = self.activities.iter().map(|((actor, project_id, id), activity)| ActivityEntry {
            actor: *actor as u32,
            project: projects.place(*project_id),
            id: names.place(id) + 1,
            seen: activity.seen.map_or(Vec::new(), |(first, last)| vec![first, last]),
            counts: activity.counts().to_vec(),
            cost_usd: cost_text(&activity.cost_usd),
            user: activity.user_id.as_deref().map_or(0, |user| names.place(user) + 1),
            session: activity.session_id.as_deref().map_or(0, |session| names.place(session) + 1),
            lost_users: activity.lost_user_ids.names().map(|user| names.place(user) + 1).collect(),
            lost_sessions: activity
                .lost_session_ids
                .names()
                .map(|session| names.place(session) + 1)
                .collect(),
        });
        let activities: Vec<ActivityEntry> = activities.collect();
        let mut traces = Vec::with_capacity(self.traces.len());
        for ((project_id, id), traced) in &self.traces {
            let (since, until) = traced.touched.unwrap_or_default();
            let mut place = |name: Option<&'s str>| name.map_or(0, |name| names.place(name) + 1);
            let key = TraceEntry {
                id: place(Some(id)),
                project: projects.place(*project_id),
                since,
                until,
                changed: traced.changed,
                ..TraceEntry::default()
            };
            traces.push(match traced.summary.as_ref().filter(|_| !traced.changed) {
                None => key,
                Some(summary) => TraceEntry {
                    named_by: summary.name.as_ref().map_or(0, |(by, _)| *by),
                    name: place(summary.name.as_ref().map(|(_, name)| name.as_str())),
                    ended_at: summary.ended_at,
                    reported_latency_ms: summary.reported_latency_ms,
                    outcome_at: summary.outcome.as_ref().map_or(0, |(at, _)| *at),
                    outcome: place(summary.outcome.as_ref().map(|(_, status)| status.as_str())),
                    worst: summary.worst as u32,
                    models: summary.models.iter().map(|model| place(Some(model))).collect(),
                    counts: vec![summary.events, summary.priced, summary.signals],
                    input_tokens: summary.input_tokens,
                    output_tokens: summary.output_tokens,
                    cost_usd: cost_text(&summary.cost_usd),
                    user: place(summary.user_id.as_deref()),
                    session: place(summary.session_id.as_deref()),
                    conversation: place(summary.conversation_id.as_deref()),
                    ..key
                },
            });
        }
        Deltas {
            names: names.rows.into_iter().map(str::to_owned).collect(),
            projects: projects.rows.into_iter().map(|id| id.into_bytes().to_vec()).collect(),
            entries,
            users,
            activities,
            traces,
            tags,
            people,
        }
        .encode_to_vec()
    }
}

fn cost_text(cost_usd: &Usd) -> String {
    if *cost_usd == Usd::default() { String::new() } else { plain(cost_usd) }
}

/// Values, each once, and their places.
#[derive(Debug)]
struct Table<T> {
    places: AHashMap<T, u32>,
    rows: Vec<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table { places: AHashMap::default(), rows: Vec::new() }
    }
}

impl<T: Copy + Eq + Hash> Table<T> {
    fn place(&mut self, value: T) -> u32 {
        let next = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        let place = *self.places.entry(value).or_insert(next);
        if place == next {
            self.rows.push(value);
        }
        place
    }
}

/// A delta that was read, of which each part still borrows.
pub struct Read(Deltas);

impl Read {
    pub fn decode(bytes: &[u8]) -> Result<Read, Damaged> {
        Deltas::decode(bytes).map(Read).map_err(|_| Damaged)
    }

    fn project(&self, place: u32) -> Result<Uuid, Damaged> {
        let id = self.0.projects.get(place as usize).ok_or(Damaged)?;
        Uuid::from_slice(id).map_err(|_| Damaged)
    }

    /// None: there is none.
    fn name(&self, place: u32) -> Result<Option<&str>, Damaged> {
        let Some(place) = place.checked_sub(1) else { return Ok(None) };
        self.0.names.get(place as usize).map(|name| Some(name.as_str())).ok_or(Damaged)
    }

    fn marks(&self, places: &[u32]) -> Result<Vec<Mark>, Damaged> {
        let mark = |place: &u32| self.0.people.get(*place as usize).map(|person| Mark::of_veiled(*person));
        places.iter().map(|place| mark(place).ok_or(Damaged)).collect()
    }

    /// Minute, series, what it adds, and whether its latencies are taken out.
    pub fn entries(&self) -> impl Iterator<Item = Result<(i64, Series<'_>, Added, bool), Damaged>> {
        self.0.entries.iter().map(|entry| {
            let mut names = [None; 8];
            for (name, place) in names.iter_mut().zip(&entry.names) {
                *name = self.name(*place)?;
            }
            let [environment, event_type, status, provider, model, route, tool_name, version] = names;
            let series = Series {
                project_id: self.project(entry.project)?,
                environment: environment.ok_or(Damaged)?,
                event_type: event_type.ok_or(Damaged)?,
                status: status.ok_or(Damaged)?,
                provider,
                model,
                route,
                tool_name,
                version,
            };
            let mut scores = [(0.0, 0); 3];
            for (score, (sum, count)) in
                scores.iter_mut().zip(entry.score_sums.iter().zip(&entry.score_counts))
            {
                *score = (*sum, *count);
            }
            let added = Added {
                sums: sums(&entry.counts, &entry.cost_usd)?,
                scores: Scores::of_parts(scores),
                latencies: entry.latencies.clone(),
                ttfts: entry.ttfts.clone(),
                users: self.marks(&entry.users)?,
            };
            Ok((entry.minute, series, added, entry.removed))
        })
    }

    /// Minute in which the hour begins, project, environment, user, sums.
    pub fn users(&self) -> impl Iterator<Item = Result<(i64, Uuid, &str, &str, Sums), Damaged>> {
        self.0.users.iter().map(|entry| {
            let environment = self.name(entry.environment)?.ok_or(Damaged)?;
            let user_id = self.name(entry.user)?.ok_or(Damaged)?;
            let sums = sums(&entry.counts, &entry.cost_usd)?;
            Ok((entry.minute, self.project(entry.project)?, environment, user_id, sums))
        })
    }

    pub fn tags(&self) -> impl Iterator<Item = Result<TagRead<'_>, Damaged>> {
        self.0.tags.iter().map(|entry| {
            Ok(TagRead {
                minute: entry.minute,
                project_id: self.project(entry.project)?,
                environment: self.name(entry.environment)?.ok_or(Damaged)?,
                tag: self.name(entry.tag)?.ok_or(Damaged)?,
                value: self.name(entry.value)?.ok_or(Damaged)?,
                sums: sums(&entry.counts, &entry.cost_usd)?,
                users: self.marks(&entry.users)?,
            })
        })
    }

    pub fn activities(&self) -> impl Iterator<Item = Result<(Actor, Uuid, &str, Activity), Damaged>> {
        self.0.activities.iter().map(|entry| {
            let actor = Actor::ALL.get(entry.actor as usize).copied().ok_or(Damaged)?;
            let owned = |place| self.name(place).map(|name| name.map(str::to_owned));
            let seen = match entry.seen.as_slice() {
                [first, last] => Some((*first, *last)),
                _ => None,
            };
            let mut activity = Activity::of_counts(counts(&entry.counts), cost(&entry.cost_usd)?);
            activity.seen = seen;
            activity.user_id = owned(entry.user)?;
            activity.session_id = owned(entry.session)?;
            let all = |places: &[u32]| -> Result<Lost, Damaged> {
                let names = places.iter().filter_map(|place| owned(*place).transpose());
                Ok(Lost::of(names.collect::<Result<Vec<_>, Damaged>>()?.into_iter()))
            };
            activity.lost_user_ids = all(&entry.lost_users)?;
            activity.lost_session_ids = all(&entry.lost_sessions)?;
            Ok((actor, self.project(entry.project)?, self.name(entry.id)?.ok_or(Damaged)?, activity))
        })
    }

    /// Project, trace, what it adds up to unless it is to be computed anew, and when the first and the last of what has come or
    /// changed began.
    pub fn traces(&self) -> impl Iterator<Item = Result<TraceRead<'_>, Damaged>> {
        self.0.traces.iter().map(|entry| {
            let owned = |place| self.name(place).map(|name| name.map(str::to_owned));
            let [events, priced, signals] = counts(&entry.counts);
            let models = entry.models.iter().filter_map(|place| owned(*place).transpose());
            let summary = TraceSummary {
                name: owned(entry.name)?.map(|name| (entry.named_by, name)),
                started_at: entry.since,
                ended_at: entry.ended_at,
                reported_latency_ms: entry.reported_latency_ms,
                outcome: owned(entry.outcome)?.map(|status| (entry.outcome_at, status)),
                worst: Worst::ALL.get(entry.worst as usize).copied().ok_or(Damaged)?,
                models: models.collect::<Result<_, Damaged>>()?,
                events,
                input_tokens: entry.input_tokens,
                output_tokens: entry.output_tokens,
                priced,
                cost_usd: cost(&entry.cost_usd)?,
                signals,
                user_id: owned(entry.user)?,
                session_id: owned(entry.session)?,
                conversation_id: owned(entry.conversation)?,
            };
            Ok(TraceRead {
                project_id: self.project(entry.project)?,
                trace_id: self.name(entry.id)?.ok_or(Damaged)?,
                summary: (!entry.changed).then_some(summary),
                touched: (entry.since, entry.until),
            })
        })
    }
}

/// What a delta says of a value of a tag, in the hour that begins with a minute.
pub struct TagRead<'d> {
    pub minute: i64,
    pub project_id: Uuid,
    pub environment: &'d str,
    pub tag: &'d str,
    pub value: &'d str,
    pub sums: Sums,
    pub users: Vec<Mark>,
}

/// What a delta says of a trace.
pub struct TraceRead<'d> {
    pub project_id: Uuid,
    pub trace_id: &'d str,
    pub summary: Option<TraceSummary>,
    pub touched: (i64, i64),
}

/// Counts that a later version adds are not known here, those that an earlier one lacks are 0.
fn counts<const N: usize>(written: &[i64]) -> [i64; N] {
    let mut counts = [0; N];
    for (count, written) in counts.iter_mut().zip(written) {
        *count = *written;
    }
    counts
}

fn cost(written: &str) -> Result<Usd, Damaged> {
    if written.is_empty() { Ok(Usd::default()) } else { written.parse().map_err(|_| Damaged) }
}

fn sums(written: &[i64], cost_usd: &str) -> Result<Sums, Damaged> {
    Ok(Sums::of(counts(written), cost(cost_usd)?))
}
