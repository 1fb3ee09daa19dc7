//! Rate limits and quotas: what may still be sent, and the refusal where nothing may. Buckets are in shared memory; without
//! `shared_preload_libraries = 'observa'` nothing is limited.

use std::cell::Cell;
use std::net::IpAddr;

use observa_pipeline::batch::Batch;
use observa_pipeline::bucket::{self, Rate, Standing};
use observa_pipeline::slots::{Key, Slots};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::Error;
use crate::home_cache::{self, Limits};
use crate::request;
use crate::settings;
use crate::shared;
use crate::storage;
use crate::usage::{self, Counts};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;

/// Whose bucket it is.
#[derive(Clone, Copy)]
enum Bucket {
    Address = 1,
    ApiKey = 2,
    Tenant = 3,
    Project = 4,
}

/// A limit that is reached.
#[derive(Debug)]
pub struct Over {
    /// As HTTP has it.
    pub code: &'static str,
    /// Short and ASCII: some proxies make it the status line.
    pub message: String,
    pub standing: Standing,
}

impl Over {
    fn rate(what: &str, rate: Rate, standing: Standing) -> Over {
        let window = match rate.window {
            MINUTE => "a minute".to_owned(),
            window => format!("in {} s", window / SECOND),
        };
        let message = format!("the rate limit of {} {what} {window} is reached", rate.most);
        Over { code: "RATE_LIMIT_EXCEEDED", message, standing }
    }

    fn quota(standing: Standing) -> Over {
        let message = format!("the project's quota of {} events a month is used up", standing.limit);
        Over { code: "QUOTA_EXCEEDED", message, standing }
    }

    /// Until its period ends, unless who set it changes it.
    fn budget(until: i64) -> Over {
        let standing = Standing { limit: 0, remaining: 0, next_at: until, full_at: until };
        let message = "the budget that stops the project is used up".to_owned();
        Over { code: "QUOTA_EXCEEDED", message, standing }
    }

    pub fn hint(&self) -> String {
        format!("Try again in {} s.", self.retry_after())
    }

    /// Seconds.
    fn retry_after(&self) -> i64 {
        (self.standing.next_at - storage::now()).div_euclid(SECOND).saturating_add(1).max(1)
    }

    pub fn headers(&self) -> Vec<(&'static str, String)> {
        let mut headers = headers(&self.standing);
        headers.push(("Retry-After", self.retry_after().to_string()));
        headers
    }

    /// As PostgREST's errors look.
    pub fn body(&self) -> Value {
        json!({ "code": self.code, "message": self.message, "details": null, "hint": self.hint() })
    }

    /// The answer of a function that PostgREST calls, and its status: an error of the function would be a 500, since the few that
    /// PostgREST makes another status of can't be raised here.
    pub fn answer(&self) -> Value {
        settings::set_local_text(c"response.status", "429");
        answer_with(self.headers());
        self.body()
    }
}

fn headers(standing: &Standing) -> Vec<(&'static str, String)> {
    vec![
        ("X-RateLimit-Limit", standing.limit.to_string()),
        ("X-RateLimit-Remaining", standing.remaining.to_string()),
        // In seconds since 1970.
        ("X-RateLimit-Reset", (standing.full_at + SECOND - 1).div_euclid(SECOND).to_string()),
    ]
}

/// Headers of PostgREST's answer.
fn answer_with(headers: Vec<(&'static str, String)>) {
    let headers: Vec<Value> = headers.into_iter().map(|(name, value)| json!({ name: value })).collect();
    settings::set_local_text(c"response.headers", &Value::from(headers).to_string());
}

/// The limit that is nearest to its end, of those that hold.
#[derive(Default)]
pub struct Tightest(Option<Standing>);

impl Tightest {
    pub fn see(&mut self, standing: Option<Standing>) {
        let is_tighter = |new: &Standing| self.0.is_none_or(|old| new.share() < old.share());
        if let Some(new) = standing.filter(is_tighter) {
            self.0 = Some(new);
        }
    }

    pub fn join(&mut self, other: Tightest) {
        self.see(other.0);
    }

    /// Tells a client that asks over HTTP.
    pub fn tell(&self) {
        if let Some(standing) = &self.0 {
            answer_with(headers(standing));
        }
    }
}

thread_local! {
    /// Lines that this transaction may still bring whatever is left, as a request that was let in: as many as a body has.
    static LET_IN: Cell<usize> = const { Cell::new(0) };
    static WARNED: Cell<bool> = const { Cell::new(false) };
}

pub fn forget_admission() {
    LET_IN.set(0);
}

/// Whether the transaction may bring one more line as part of a request that was let in.
fn was_let_in() -> bool {
    let left = LET_IN.get();
    LET_IN.set(left.saturating_sub(1));
    left > 0
}

/// Whether limits hold; says so once where one is set that does not.
fn hold() -> bool {
    if !shared::is_there() && !WARNED.replace(true) {
        warn();
    }
    shared::is_there()
}

/// That what is limited is not.
pub fn warn() {
    pgrx::warning!("Observa's limits are off: shared_preload_libraries does not name observa");
}

/// How a bucket stands, or what is refused; takes from it, beyond what there is where it `must`.
fn take(
    key: Key,
    what: &str,
    rate: Rate,
    now: i64,
    count: u64,
    must: bool,
) -> Result<Option<Standing>, Box<Over>> {
    let taken = shared::with_buckets(|buckets| take_of(buckets, key, rate, now, count, must));
    let over = |standing| Box::new(Over::rate(what, rate, standing));
    taken.flatten().transpose().map_err(over)
}

/// Of the slots that a bucket may have, the one that is nearest to full makes room for it: no flood of new ones forgets a debt.
fn take_of<const SETS: usize>(
    buckets: &mut Slots<bucket::Bucket, SETS>,
    key: Key,
    rate: Rate,
    now: i64,
    count: u64,
    must: bool,
) -> Option<Result<Standing, Standing>> {
    let worth = |bucket: &bucket::Bucket| Some(bucket.debt(now));
    let bucket = buckets.get_or_insert(key, now, bucket::Bucket::FULL, worth)?;
    let before = bucket.standing(rate, now);
    if before.is_exhausted() && !must {
        return Some(Err(before));
    }
    bucket.take(rate, now, count);
    Some(Ok(bucket.standing(rate, now)))
}

/// A request from an address; None: of none that is known.
pub fn request_of_address(address: Option<IpAddr>) -> Result<Option<Standing>, Box<Over>> {
    let (Some(rate), Some(address)) = (settings::requests_per_ip(), address) else { return Ok(None) };
    if !hold() {
        return Ok(None);
    }
    let (key, now) = (shared::key(Bucket::Address as u32, address_id(address)), storage::now());
    let taken = shared::with_addresses(|buckets| take_of(buckets, key, rate, now, 1, false));
    let over = |standing| Box::new(Over::rate("requests of one address", rate, standing));
    taken.flatten().transpose().map_err(over)
}

/// Of IPv6 one customer has 64 bits at least.
fn address_id(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => v6.to_bits(),
        IpAddr::V6(v6) => v6.to_bits() >> 64 << 64,
    }
}

/// A request with an API key.
pub fn request_of_key(key_id: Uuid) -> Result<Option<Standing>, Box<Over>> {
    let Some(rate) = settings::requests_per_key().filter(|_| hold()) else { return Ok(None) };
    take(
        shared::key_of(Bucket::ApiKey as u32, key_id),
        "requests of one API key",
        rate,
        storage::now(),
        1,
        false,
    )
}

/// Where a project's events count, and how many may come.
fn events_bucket(tenant_id: Uuid, project_id: Uuid, own: Option<u32>) -> Option<(Key, &'static str, Rate)> {
    let tenant = || shared::key_of(Bucket::Tenant as u32, tenant_id);
    match own {
        None => settings::events_per_minute().map(|rate| (tenant(), "events of one tenant", rate)),
        Some(0) => None,
        Some(most) => {
            let key = shared::key_of(Bucket::Project as u32, project_id);
            Some((key, "events of one project", Rate { most, window: MINUTE }))
        }
    }
}

/// A request that brings events of a project, how many is not known yet: let in while anything may come.
pub fn request_with_events(tenant_id: Uuid, project_id: Option<Uuid>) -> Result<Tightest, Box<Over>> {
    let mut tightest = Tightest::default();
    let Some(project_id) = project_id.or_else(|| home_cache::default_project(tenant_id)) else {
        return Ok(tightest);
    };
    let limits = home_cache::limits(tenant_id, project_id);
    let now = storage::now();
    go_on(&limits, now)?;
    if let Some((key, what, rate)) = events_bucket(tenant_id, project_id, limits.events_per_minute)
        && hold()
    {
        tightest.see(take(key, what, rate, now, 0, false)?);
    }
    if let Some(quota) = limits.monthly_events {
        let standing = usage::known_standing(project_id, quota, now);
        if let Some(exhausted) = standing.filter(Standing::is_exhausted) {
            return Err(Box::new(Over::quota(exhausted)));
        }
        tightest.see(standing);
    }
    LET_IN.set(settings::limits().max_batch_events);
    Ok(tightest)
}

/// Unless a budget has stopped the project. It needs no shared memory: maintenance has said so in the project's row.
fn go_on(limits: &Limits, now: i64) -> Result<(), Box<Over>> {
    match limits.stopped_until.filter(|until| now < *until) {
        Some(until) => Err(Box::new(Over::budget(until))),
        None => Ok(()),
    }
}

/// Whose lines of a batch are how many, those that are rejected among them.
fn count(batch: &Batch) -> Counts {
    let mut counts = Counts::new();
    let ready = batch.ready.iter().map(|ready| &ready.home);
    let rejected = batch.rejected.iter().filter_map(|rejected| rejected.home.as_ref());
    let logs = batch.otlp.iter().flat_map(|otlp| &otlp.logs).map(|log| &log.home);
    for home in ready.chain(rejected).chain(logs) {
        *counts.entry((home.tenant_id, home.project_id)).or_default() += 1;
    }
    counts
}

/// Lets a batch in, whole, or refuses it before any of it is stored.
pub fn admit(batch: &Batch, now: i64) -> Result<(), Error> {
    admit_counts(&count(batch), now, false)
}

/// Rows of a view: those of one request were let in together, and an error of its last would be a 500 for all.
pub fn admit_rows(batch: &Batch, now: i64) -> Result<(), Error> {
    admit_counts(&count(batch), now, was_let_in())
}

/// As [`admit_rows`], for a line that is no event.
pub fn admit_line(tenant_id: Uuid, project_id: Uuid, now: i64) -> Result<(), Error> {
    admit_counts(&Counts::from([((tenant_id, project_id), 1)]), now, was_let_in())
}

fn admit_counts(counts: &Counts, now: i64, must: bool) -> Result<(), Error> {
    let mut tightest = Tightest::default();
    for (home, lines) in counts {
        let limits = home_cache::limits(home.0, home.1);
        if !must {
            go_on(&limits, now)?;
        }
        let bucket = events_bucket(home.0, home.1, limits.events_per_minute);
        if (bucket.is_none() && limits.monthly_events.is_none()) || !hold() {
            continue;
        }
        if let Some((key, what, rate)) = bucket {
            tightest.see(take(key, what, rate, now, *lines, must)?);
        }
        if let Some(quota) = limits.monthly_events {
            match usage::take(*home, quota, *lines, now, must)? {
                usage::Answer::Taken(standing) => tightest.see(Some(standing)),
                usage::Answer::Exhausted(standing) => return Err(Box::new(Over::quota(standing)).into()),
            }
        }
    }
    if request::is_over_http() {
        tightest.tell();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_customer_share_a_bucket() {
        let id = |text: &str| address_id(text.parse().unwrap());
        let same = |a: &str, b: &str| id(a) == id(b);
        assert!(same("2001:db8::1", "2001:db8::ffff:2"));
        assert!(!same("2001:db8::1", "2001:db8:0:1::1"));
        assert!(same("192.0.2.1", "::ffff:192.0.2.1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }

    /// Eight buckets to a set, here the only one: whoever has many addresses takes none of them from who is out of tokens.
    #[test]
    fn a_flood_of_new_buckets_forgets_none_that_is_empty() {
        let rate = Rate { most: 10, window: MINUTE };
        let mut buckets = Slots::<bucket::Bucket, 1>::new(bucket::Bucket::FULL, 1);
        let mut take = |id: u128, now: i64, count| {
            take_of(&mut buckets, Key { place: 1, id }, rate, now, count, false).unwrap()
        };
        take(0, 0, 10).unwrap();
        for id in 1..100 {
            take(id, id as i64, 1).unwrap();
        }
        assert!(take(0, 100, 1).is_err());
    }
}
