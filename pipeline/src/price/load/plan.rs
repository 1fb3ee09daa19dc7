//! What a load of a price file changes.

use std::collections::{BTreeMap, BTreeSet};

use super::super::row::{DailyWindow, PriceRow};
use super::super::usd::Usd;

/// The outcome of comparing a price file with what was loaded before.
#[derive(Debug, Default)]
pub struct Plan {
    /// The rows to store. Rows of earlier loads stay as they are.
    pub insert: Vec<PriceRow>,
    /// `provider/model` that no earlier load had.
    pub added: Vec<String>,
    /// `provider/model` whose price changed.
    pub changed: Vec<String>,
    /// How many models are as they were.
    pub unchanged: usize,
    /// `provider/model` that earlier loads had and this file has no more; their rows stay.
    pub removed: Vec<String>,
}

type Key = (Option<String>, String);
/// The prices of a model that begin at one time.
type Prices<'a> = Vec<&'a PriceRow>;

/// Compares the rows of a file with those that earlier loads of the same source left.
///
/// A model that nothing else prices (`priced_elsewhere`, asked for models that are new) is valid from
/// always; a new price of a known model from the date that the file gives, else from `at_micros`, the
/// time of the load. So a load changes no price of the past.
pub fn plan(
    existing: &[PriceRow],
    file: Vec<PriceRow>,
    at_micros: i64,
    priced_elsewhere: impl Fn(&PriceRow) -> bool,
) -> Plan {
    let mut before: BTreeMap<Key, BTreeMap<Option<i64>, Prices<'_>>> = BTreeMap::new();
    for row in existing {
        before.entry(key(row)).or_default().entry(row.valid_from).or_default().push(row);
    }
    let mut now: BTreeMap<Key, BTreeMap<Option<i64>, Vec<PriceRow>>> = BTreeMap::new();
    for row in file {
        now.entry(key(&row)).or_default().entry(row.valid_from).or_default().push(row);
    }
    let mut plan = Plan::default();
    for (key, by_start) in &before {
        if !now.contains_key(key) && !by_start.is_empty() {
            plan.removed.push(text(key));
        }
    }
    for (key, by_start) in now {
        let Some(held) = before.get(&key) else {
            let elsewhere = by_start.values().flatten().next().is_some_and(&priced_elsewhere);
            plan.added.push(text(&key));
            for row in by_start.into_values().flatten() {
                let valid_from = row.valid_from.or(elsewhere.then_some(at_micros));
                plan.insert.push(PriceRow { valid_from, ..row });
            }
            continue;
        };
        let mut changed = false;
        for (start, rows) in by_start {
            // What the file says without a date is what holds when it is loaded, unless a dated price
            // of its own holds by then: then it is the price before that one.
            let same = |prices: &Prices<'_>| content(prices.iter().copied()) == content(rows.iter());
            let at = start.unwrap_or(at_micros);
            let known = match start {
                Some(_) => held.get(&start).is_some_and(same),
                None => {
                    held.range(..=Some(at)).next_back().is_some_and(|(_, prices)| same(prices))
                        || held.values().next().is_some_and(same) && held.len() > 1
                }
            };
            if known {
                continue;
            }
            changed = true;
            plan.insert.extend(rows.into_iter().map(|row| PriceRow { valid_from: Some(at), ..row }));
        }
        if changed {
            plan.changed.push(text(&key));
        } else {
            plan.unchanged += 1;
        }
    }
    plan
}

fn key(row: &PriceRow) -> Key {
    (row.provider.clone(), row.model.text().to_owned())
}

fn text((provider, model): &Key) -> String {
    provider.as_ref().map_or_else(|| model.clone(), |provider| format!("{provider}/{model}"))
}

type Content = BTreeSet<(Option<DailyWindow>, Vec<(String, u64, Usd)>, Option<u64>)>;

/// What rows say, whatever their order and ids.
fn content<'a>(rows: impl Iterator<Item = &'a PriceRow>) -> Content {
    rows.map(|row| {
        let rates = row.rates.entries().iter().map(|entry| {
            let tier = entry.tier.map_or("", |tier| tier.name());
            (format!("{tier}.{}", entry.class.name()), entry.above, entry.usd.normalized())
        });
        (row.window, rates.collect(), row.context_window)
    })
    .collect()
}
