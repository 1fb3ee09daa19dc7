//! How a delta is written: protobuf of our own, read only by the version that writes it or a later one.

use prost::Message;

#[derive(Clone, PartialEq, Message)]
pub struct Deltas {
    /// Names of all entries, each once. 0 in an entry is none, 1 the first.
    #[prost(string, repeated, tag = "1")]
    pub names: Vec<String>,
    /// Ids of projects.
    #[prost(bytes = "vec", repeated, tag = "2")]
    pub projects: Vec<Vec<u8>>,
    #[prost(message, repeated, tag = "3")]
    pub entries: Vec<Entry>,
    #[prost(message, repeated, tag = "4")]
    pub users: Vec<UserEntry>,
    #[prost(message, repeated, tag = "5")]
    pub activities: Vec<ActivityEntry>,
    #[prost(message, repeated, tag = "6")]
    pub traces: Vec<TraceEntry>,
    #[prost(message, repeated, tag = "7")]
    pub tags: Vec<TagEntry>,
    /// Users where they are only told apart, veiled.
    #[prost(fixed32, repeated, tag = "8")]
    pub people: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct Entry {
    /// Since 1970 UTC.
    #[prost(sint64, tag = "1")]
    pub minute: i64,
    #[prost(uint32, tag = "2")]
    pub project: u32,
    /// Environment, event type, status, provider, model, route, tool, version.
    #[prost(uint32, repeated, tag = "3")]
    pub names: Vec<u32>,
    /// In the order of `Sums`.
    #[prost(sint64, repeated, tag = "4")]
    pub counts: Vec<i64>,
    #[prost(string, tag = "5")]
    pub cost_usd: String,
    /// Microseconds, one for each event.
    #[prost(uint64, repeated, tag = "6")]
    pub latencies: Vec<u64>,
    #[prost(uint64, repeated, tag = "7")]
    pub ttfts: Vec<u64>,
    /// Sums of scores, in the order of `Scores`.
    #[prost(double, repeated, tag = "8")]
    pub score_sums: Vec<f64>,
    #[prost(sint64, repeated, tag = "9")]
    pub score_counts: Vec<i64>,
    /// Its latencies are taken out, not added. Its sums have their sign.
    #[prost(bool, tag = "10")]
    pub removed: bool,
    /// Whose events were added, each once: places in `people`.
    #[prost(uint32, repeated, tag = "11")]
    pub users: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct UserEntry {
    /// Minutes since 1970 UTC at which the hour begins.
    #[prost(sint64, tag = "1")]
    pub minute: i64,
    #[prost(uint32, tag = "2")]
    pub project: u32,
    #[prost(uint32, tag = "3")]
    pub environment: u32,
    #[prost(uint32, tag = "4")]
    pub user: u32,
    #[prost(sint64, repeated, tag = "5")]
    pub counts: Vec<i64>,
    #[prost(string, tag = "6")]
    pub cost_usd: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct TagEntry {
    /// Minutes since 1970 UTC at which the hour begins.
    #[prost(sint64, tag = "1")]
    pub minute: i64,
    #[prost(uint32, tag = "2")]
    pub project: u32,
    #[prost(uint32, tag = "3")]
    pub environment: u32,
    #[prost(uint32, tag = "4")]
    pub tag: u32,
    #[prost(uint32, tag = "5")]
    pub value: u32,
    #[prost(sint64, repeated, tag = "6")]
    pub counts: Vec<i64>,
    #[prost(string, tag = "7")]
    pub cost_usd: String,
    /// Whose events were added, each once: places in `people`.
    #[prost(uint32, repeated, tag = "8")]
    pub users: Vec<u32>,
}

#[derive(Clone, PartialEq, Message)]
pub struct ActivityEntry {
    /// Its place in `Actor::ALL`.
    #[prost(uint32, tag = "1")]
    pub actor: u32,
    #[prost(uint32, tag = "2")]
    pub project: u32,
    #[prost(uint32, tag = "3")]
    pub id: u32,
    /// First and last time, in microseconds since 1970 UTC; empty: nothing was added.
    #[prost(sint64, repeated, tag = "4")]
    pub seen: Vec<i64>,
    /// Events, messages, tokens, priced, issues.
    #[prost(sint64, repeated, tag = "5")]
    pub counts: Vec<i64>,
    #[prost(string, tag = "6")]
    pub cost_usd: String,
    #[prost(uint32, tag = "7")]
    pub user: u32,
    #[prost(uint32, tag = "8")]
    pub session: u32,
    #[prost(uint32, repeated, tag = "9")]
    pub lost_users: Vec<u32>,
    #[prost(uint32, repeated, tag = "10")]
    pub lost_sessions: Vec<u32>,
}

/// What a trace adds up to in a batch, or that it has changed.
#[derive(Clone, PartialEq, Message)]
pub struct TraceEntry {
    #[prost(uint32, tag = "1")]
    pub id: u32,
    #[prost(uint32, tag = "2")]
    pub project: u32,
    /// First and last time of what has come or changed, in microseconds since 1970 UTC.
    #[prost(sint64, tag = "3")]
    pub since: i64,
    #[prost(sint64, tag = "4")]
    pub until: i64,
    /// An event was taken out: it has to be computed anew, and what else is here means nothing.
    #[prost(bool, tag = "5")]
    pub changed: bool,
    #[prost(int32, tag = "6")]
    pub named_by: i32,
    #[prost(uint32, tag = "7")]
    pub name: u32,
    #[prost(sint64, tag = "8")]
    pub ended_at: i64,
    #[prost(double, optional, tag = "9")]
    pub reported_latency_ms: Option<f64>,
    #[prost(sint64, tag = "10")]
    pub outcome_at: i64,
    /// 0: no end was reported.
    #[prost(uint32, tag = "11")]
    pub outcome: u32,
    /// Its place in `Worst::ALL`.
    #[prost(uint32, tag = "12")]
    pub worst: u32,
    #[prost(uint32, repeated, tag = "13")]
    pub models: Vec<u32>,
    /// Events, priced, signals.
    #[prost(sint64, repeated, tag = "14")]
    pub counts: Vec<i64>,
    #[prost(sint64, optional, tag = "15")]
    pub input_tokens: Option<i64>,
    #[prost(sint64, optional, tag = "16")]
    pub output_tokens: Option<i64>,
    #[prost(string, tag = "17")]
    pub cost_usd: String,
    #[prost(uint32, tag = "18")]
    pub user: u32,
    #[prost(uint32, tag = "19")]
    pub session: u32,
    #[prost(uint32, tag = "20")]
    pub conversation: u32,
}
