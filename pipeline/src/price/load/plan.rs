//! What a load of a price file changes.

use std::collections::{BTreeMap, BTreeSet};

use super::super::row::{DailyWindow, PriceRow};
use super::super::usd::Usd;

/// The outcome of comparing a price file with what was loaded before.
#[derive(Debug, Default)]
pub struct Plan {
    /// The rows to store.
    pub insert: Vec<PriceRow>,
    /// The rows of earlier loads that a newer price follows, by their id, and when it does. All else of
    /// them stays as it is.
    pub end: Vec<(String, i64)>,
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
/// A model's prices by the time from which they hold; those of one time are for different hours.
type Periods<R> = BTreeMap<Option<i64>, Vec<R>>;

/// Compares the rows of a file with those that earlier loads of the same source left.
///
/// A model that nothing else prices (`priced_elsewhere`, asked of new models) is valid from always.
/// Else a price holds from the date that the file gives it, or from `at_micros`, the time of the load,
/// which is what keeps a load from changing any price of the past.
pub fn plan(
    existing: &[PriceRow],
    file: Vec<PriceRow>,
    at_micros: i64,
    priced_elsewhere: impl Fn(&PriceRow) -> bool,
) -> Plan {
    let mut held: BTreeMap<Key, Periods<&PriceRow>> = BTreeMap::new();
    for row in existing {
        held.entry(key(row)).or_default().entry(row.valid_from).or_default().push(row);
    }
    let mut models: BTreeMap<Key, Periods<PriceRow>> = BTreeMap::new();
    for row in file {
        models.entry(key(&row)).or_default().entry(row.valid_from).or_default().push(row);
    }
    let mut plan = Plan {
        removed: held.keys().filter(|key| !models.contains_key(*key)).map(text).collect(),
        ..Plan::default()
    };
    for (key, periods) in models {
        let name = text(&key);
        let inserted = plan.insert.len();
        let Some(held) = held.get(&key) else {
            let elsewhere = periods.values().flatten().next().is_some_and(&priced_elsewhere);
            let first = elsewhere.then(|| undated_start(&periods, at_micros)).flatten();
            for (start, rows) in periods {
                plan.insert
                    .extend(rows.into_iter().map(|row| PriceRow { valid_from: start.or(first), ..row }));
            }
            plan.end_periods(inserted, &Periods::new());
            plan.added.push(name);
            continue;
        };
        let undated = undated_start(&periods, at_micros);
        for (start, rows) in periods {
            let from = start.or(undated);
            // What held until now at that time: the same price again is no news.
            let known = held
                .range(..=from)
                .next_back()
                .is_some_and(|(_, held)| content(held.iter().copied()) == content(rows.iter()));
            let shadowed = start.is_none() && from.is_none();
            if !known && !shadowed {
                plan.insert.extend(rows.into_iter().map(|row| PriceRow { valid_from: from, ..row }));
            }
        }
        if plan.insert.len() > inserted {
            plan.end_periods(inserted, held);
            plan.changed.push(name);
        } else {
            plan.unchanged += 1;
        }
    }
    plan
}

impl Plan {
    /// Each price of a model ends where the next begins. Its new rows are those from `inserted` on.
    fn end_periods(&mut self, inserted: usize, held: &Periods<&PriceRow>) {
        let new = self.insert.get_mut(inserted..).unwrap_or_default();
        let starts: BTreeSet<i64> =
            new.iter().filter_map(|row| row.valid_from).chain(held.keys().flatten().copied()).collect();
        let next =
            |start: Option<i64>| starts.iter().find(|next| start.is_none_or(|at| at < **next)).copied();
        for row in new {
            row.valid_to = next(row.valid_from);
        }
        let ended = held.values().flatten().filter_map(|row| {
            let end = next(row.valid_from).filter(|end| row.valid_to != Some(*end))?;
            Some((row.id.clone(), end))
        });
        self.end.extend(ended);
    }
}

/// When a price without a date begins that does not hold from always: at the load. `None` where a
/// dated price of the file holds by then: it is that one's past, and not to be rewritten.
fn undated_start<R>(periods: &Periods<R>, at_micros: i64) -> Option<i64> {
    let past = periods.keys().flatten().any(|start| *start <= at_micros);
    (!past).then_some(at_micros)
}

fn key(row: &PriceRow) -> Key {
    (row.provider.clone(), row.model.text().to_owned())
}

fn text((provider, model): &Key) -> String {
    provider.as_ref().map_or_else(|| model.clone(), |provider| format!("{provider}/{model}"))
}

/// A row's hours, rates and context window.
type Said = (Option<DailyWindow>, Vec<(String, u64, Usd)>, Option<u64>);

/// What rows say, whatever their order and ids.
fn content<'a>(rows: impl Iterator<Item = &'a PriceRow>) -> BTreeSet<Said> {
    rows.map(|row| {
        let rates = row.rates.entries().iter().map(|entry| {
            let tier = entry.tier.map_or("", |tier| tier.name());
            (format!("{tier}.{}", entry.class.name()), entry.above, entry.usd.normalized())
        });
        (row.window, rates.collect(), row.context_window)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::{Book, Rates, Source, TokenClass, parse_usd};
    use super::*;

    const DAY: i64 = 86_400_000_000;

    fn row(model: &str, usd: &str, valid_from: Option<i64>) -> PriceRow {
        let rates = Rates::new().with(TokenClass::InputUncached, parse_usd(usd).unwrap());
        PriceRow { valid_from, ..PriceRow::new(model, Source::Loaded, rates) }
    }

    /// What the book of all rows ever inserted charges for a token.
    fn price(rows: &[PriceRow], model: &str, at: i64) -> Option<String> {
        let book = Book::new(rows.to_vec(), false);
        let found = book.find(model, None, at)?;
        found.row().rates.get(None, TokenClass::InputUncached, 0).map(Usd::to_plain_string)
    }

    #[test]
    fn a_model_that_nothing_else_prices_is_valid_from_always() {
        let loaded = plan(&[], vec![row("new", "1", None), row("known", "1", None)], 5 * DAY, |row| {
            row.model.matches("known")
        });
        assert_eq!((loaded.added.len(), loaded.changed.len(), loaded.removed.len()), (2, 0, 0));
        assert_eq!(price(&loaded.insert, "new", 0).as_deref(), Some("1"));
        assert_eq!(price(&loaded.insert, "known", 5 * DAY - 1), None);
        assert_eq!(price(&loaded.insert, "known", 5 * DAY).as_deref(), Some("1"));
    }

    #[test]
    fn a_changed_price_holds_from_the_load_and_the_old_one_before() {
        let mut rows = plan(&[], vec![row("m", "1", None)], DAY, |_| false).insert;
        let second = plan(&rows, vec![row("m", "2", None)], 10 * DAY, |_| false);
        assert_eq!(second.changed, ["m"]);
        rows.extend(second.insert);
        let third = plan(&rows, vec![row("m", "1", None)], 20 * DAY, |_| false);
        rows.extend(third.insert);
        for (at, usd) in [(0, "1"), (10 * DAY - 1, "1"), (10 * DAY, "2"), (20 * DAY, "1")] {
            assert_eq!(price(&rows, "m", at).as_deref(), Some(usd), "{at}");
        }
    }

    #[test]
    fn the_same_file_again_changes_nothing() {
        let file = || vec![row("m", "1", None), row("m", "2", Some(3 * DAY)), row("m", "3", Some(30 * DAY))];
        let first = plan(&[], file(), 10 * DAY, |_| false);
        for at in [DAY, 10 * DAY, 40 * DAY] {
            let again = plan(&first.insert, file(), at, |_| false);
            assert_eq!((again.insert.len(), again.unchanged, again.added.len()), (0, 1, 0), "{at}");
        }
    }

    #[test]
    fn what_vanishes_from_the_file_keeps_its_rows() {
        let first = plan(&[], vec![row("old", "1", None)], DAY, |_| false);
        let second = plan(&first.insert, vec![row("new", "1", None)], 2 * DAY, |_| false);
        assert_eq!((second.removed, second.added), (vec!["old".to_owned()], vec!["new".to_owned()]));
        assert_eq!(price(&first.insert, "old", 9 * DAY).as_deref(), Some("1"));
    }

    #[test]
    fn a_price_ends_where_the_next_begins() {
        let mut first =
            plan(&[], vec![row("m", "1", None), row("m", "2", Some(3 * DAY))], DAY, |_| false).insert;
        assert_eq!(first.iter().map(|row| row.valid_to).collect::<Vec<_>>(), [Some(3 * DAY), None]);
        first[1].id = "second".into();
        let again = plan(&first, vec![row("m", "5", Some(9 * DAY))], 10 * DAY, |_| false);
        assert_eq!(again.end, [("second".to_owned(), 9 * DAY)]);
        assert_eq!(again.insert[0].valid_to, None);
    }

    #[test]
    fn a_date_of_the_file_is_heeded_and_its_past_not_rewritten() {
        let mut rows = plan(&[], vec![row("m", "1", None)], DAY, |_| false).insert;
        let dated = vec![row("m", "1.5", None), row("m", "2", Some(5 * DAY))];
        let second = plan(&rows, dated, 10 * DAY, |_| false);
        rows.extend(second.insert);
        for (at, usd) in [(0, "1"), (5 * DAY - 1, "1"), (5 * DAY, "2"), (20 * DAY, "2")] {
            assert_eq!(price(&rows, "m", at).as_deref(), Some(usd), "{at}");
        }
    }
}
