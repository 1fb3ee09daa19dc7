//! What is usual for the groups of a tenant's rules. It changes with the hour, and takes hours of four weeks to say: so each backend keeps
//! it, and makes it anew for a few tenants in a run.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use observa_pipeline::rollup::Resolution;
use observa_pipeline::signal::window::Source;
use observa_pipeline::signal::window::edit::Scoped;
use observa_pipeline::signal::window::measure::{Names, Sum, Sums};
use observa_pipeline::signal::window::replay::{Histories, Usuals, hour_of, newest_hour, oldest_hour};
use uuid::Uuid;

use crate::detection::rollup_rows::{Known, Reader, Wants};
use crate::error::Error;

/// What a run may take for it: with some tenants more at each, all have it soon after a start.
const TURN: Duration = Duration::from_millis(300);

/// Hours that are read at once: what they hold together lies in memory.
const HOURS_AT_ONCE: i64 = 24;

/// Tenants that a backend keeps; with more it begins anew.
const MOST_TENANTS: usize = 20_000;

/// An hour later it is still better than nothing.
const GOOD_FOR_HOURS: i64 = 2;

struct Kept {
    hour: i64,
    /// What rules there were.
    rules: Vec<String>,
    usuals: Rc<Usuals>,
}

thread_local! {
    static KEPT: RefCell<HashMap<Uuid, Kept>> = RefCell::default();
}

/// How much time is left for it in a run.
pub struct Turn {
    /// None: as long as it takes.
    left: Option<Duration>,
}

impl Turn {
    pub fn of_a_run(is_asked_for: bool) -> Turn {
        Turn { left: (!is_asked_for).then_some(TURN) }
    }

    /// For the acting tenant. None: its turn comes in a later run.
    pub fn usual(
        &mut self,
        tenant_id: Uuid,
        rules: &[Scoped],
        now: i64,
    ) -> Result<Option<Rc<Usuals>>, Error> {
        let names: Vec<String> = rules.iter().map(signature).collect();
        if names.is_empty() {
            return Ok(Some(Rc::default()));
        }
        let hour = hour_of(now);
        let kept = KEPT.with_borrow(|kept| {
            let kept = kept.get(&tenant_id).filter(|kept| kept.rules == names)?;
            Some((kept.hour, Rc::clone(&kept.usuals)))
        });
        let is_asked_for = self.left.is_none();
        match kept {
            Some((of, usuals)) if of == hour && !is_asked_for => return Ok(Some(usuals)),
            Some((of, usuals)) if self.is_over() && hour - of < GOOD_FOR_HOURS => return Ok(Some(usuals)),
            _ if self.is_over() => return Ok(None),
            _ => {}
        }
        let begun = Instant::now();
        let usuals = Rc::new(histories(rules, now, now, true)?.usual(now));
        self.left = self.left.map(|left| left.saturating_sub(begun.elapsed()));
        KEPT.with_borrow_mut(|kept| {
            if kept.len() >= MOST_TENANTS {
                kept.clear();
            }
            kept.insert(tenant_id, Kept { hour, rules: names, usuals: Rc::clone(&usuals) });
        });
        Ok(Some(usuals))
    }

    fn is_over(&self) -> bool {
        self.left.is_some_and(|left| left.is_zero())
    }
}

/// What makes another history of a rule.
fn signature(scoped: &Scoped) -> String {
    let Scoped { rule, only, except } = scoped;
    format!(
        "{} {:?} {:?} {:?} {} {only:?} {except:?}",
        rule.name, rule.history, rule.filter, rule.group_by, rule.min_samples
    )
}

/// What the acting tenant's rules measured in the hours that are the past at some time from `first` to `last` (microseconds since 1970 UTC).
pub fn histories(rules: &[Scoped], first: i64, last: i64, is_fresh: bool) -> Result<Histories, Error> {
    let mut histories = Histories::default();
    for source in [Source::Series, Source::Totals] {
        let rules: Vec<Scoped> = rules
            .iter()
            .filter(|scoped| scoped.rule.history.is_some() && scoped.rule.source() == source)
            .cloned()
            .collect();
        if rules.is_empty() {
            continue;
        }
        let wants = Wants {
            latencies: rules
                .iter()
                .any(|scoped| scoped.rule.history.is_some_and(|metric| metric.is_latency())),
            users: rules
                .iter()
                .any(|scoped| scoped.rule.metric == observa_pipeline::signal::window::Metric::Users),
        };
        let reader = Reader { wants, seen_since: first.div_euclid(super::DAY) - 1, is_fresh };
        let mut known = Known::default();
        let mut hour = Hour::default();
        let (mut begin, end) = (oldest_hour(first), newest_hour(last) + 1);
        while begin < end {
            let until = (begin + HOURS_AT_ONCE).min(end);
            reader.read(
                &source,
                &[(Resolution::Hour, begin * 60, until * 60)],
                &mut known,
                |names, _, minute, place, row| {
                    if minute != hour.minute {
                        hour.finish(&mut histories, &rules, names);
                        hour.minute = minute;
                    }
                    hour.sums.entry(place).or_insert_with(Sum::default).add_row(&row);
                },
            )?;
            begin = until;
        }
        hour.finish(&mut histories, &rules, &known.names);
    }
    Ok(histories)
}

/// The hour whose rows are read.
#[derive(Default)]
struct Hour {
    minute: i64,
    sums: Sums,
}

impl Hour {
    fn finish(&mut self, histories: &mut Histories, rules: &[Scoped], names: &[Names]) {
        let sums = std::mem::take(&mut self.sums);
        if !sums.is_empty() {
            histories.add(rules, names, self.minute.div_euclid(60), &sums);
        }
    }
}
