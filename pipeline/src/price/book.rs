//! The price book: finds the one price that held for a model at a time.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::breakdown::{self, Breakdown};
use super::builtin;
use super::matching::{Names, without_bedrock_maker};
use super::provider::{fallbacks, is_router, is_seller, maker_rank, normalise_provider};
use super::row::{Pattern, PriceRow, Source};
use super::usage::Usage;
use super::usd::Usd;

/// All prices that somebody may see. Immutable, so threads share it without locks.
pub struct Book {
    /// The sources that have rows, the most binding first. Shared with the books over this one.
    levels: Vec<Arc<Level>>,
}

/// The rows of one source.
struct Level {
    source: Source,
    rows: Vec<PriceRow>,
    /// Rows by exact lower-case name.
    names: HashMap<Box<str>, Vec<u32>>,
    /// Rows with patterns, the most specific first.
    patterns: Vec<u32>,
    providers: HashSet<Box<str>>,
}

/// A price that was found, and the rows that say so.
#[derive(Clone, Copy, Debug)]
pub struct Price<'a> {
    row: &'a PriceRow,
    mapped_by: Option<&'a PriceRow>,
}

/// Whose rows are looked at.
enum Seller<'a> {
    /// Those of one provider.
    Named(Cow<'a, str>),
    /// Nobody was named: those of the maker of the model.
    Maker,
}

impl Book {
    /// The prices that come with Observa. Parsed once in a process, at first use.
    pub fn builtin() -> &'static Book {
        builtin::book()
    }

    /// A book of the given rows, over the built-in one or without it. Rows of any order and source.
    pub fn new(rows: Vec<PriceRow>, with_builtin: bool) -> Book {
        let base = if with_builtin { Book::builtin() } else { &Book { levels: Vec::new() } };
        Book::over(rows, base)
    }

    /// A book of the given rows over another, whose rows bind less. They are shared, not copied: many
    /// tenants have a few prices of their own over thousands that all have in common. A file that the
    /// tenant loaded so beats one that was loaded for everybody.
    pub fn over(rows: Vec<PriceRow>, base: &Book) -> Book {
        let mut by_source: [Vec<PriceRow>; 4] = Default::default();
        for row in rows {
            let [project, tenant, loaded, built_in] = &mut by_source;
            match row.source {
                Source::Project => project.push(row),
                Source::Tenant => tenant.push(row),
                Source::Loaded => loaded.push(row),
                Source::Builtin => built_in.push(row),
            }
        }
        let sources = [Source::Project, Source::Tenant, Source::Loaded, Source::Builtin];
        let levels = sources
            .into_iter()
            .zip(by_source)
            .filter(|(_, rows)| !rows.is_empty())
            .map(|(source, rows)| Arc::new(Level::new(source, rows)))
            .chain(base.levels.iter().cloned())
            .collect();
        Book { levels }
    }

    fn levels(&self) -> impl Iterator<Item = &Level> {
        self.levels.iter().map(Arc::as_ref)
    }

    /// All rows, the most binding source first.
    pub fn rows(&self) -> impl Iterator<Item = &PriceRow> {
        self.levels().flat_map(|level| level.rows.iter())
    }

    /// The price of a model at a time, in microseconds since the Unix epoch. The provider may be in
    /// any spelling and narrows the search; without one, a bare name means the maker of the model.
    /// `None`: no price is known.
    pub fn find(&self, model: &str, provider: Option<&str>, at_micros: i64) -> Option<Price<'_>> {
        self.find_with_level(model, provider, at_micros).map(|(_, price)| price)
    }

    /// Of the prices that a call's names have, what the most binding source says: who sets a price for a
    /// deployment means it whatever the answer calls its model. Within one source the first name counts.
    /// A price of which `read` makes nothing is passed over.
    pub fn first_of<T>(
        &self,
        names: [Option<&str>; 2],
        provider: Option<&str>,
        at_micros: i64,
        read: impl Fn(Price<'_>) -> Option<T>,
    ) -> Option<T> {
        let look = |name: Option<&str>| {
            let (level, price) = self.find_with_level(name?, provider, at_micros)?;
            Some((level, read(price)?))
        };
        let [first, second] = names;
        let is_other = first != second;
        let first = look(first);
        let bound = first.as_ref().map_or(usize::MAX, |(level, _)| *level);
        // What answers is mostly called as it was asked for.
        let second = if bound > 0 && is_other { look(second) } else { None };
        second.filter(|(level, _)| *level < bound).or(first).map(|(_, value)| value)
    }

    fn find_with_level(
        &self,
        model: &str,
        provider: Option<&str>,
        at_micros: i64,
    ) -> Option<(usize, Price<'_>)> {
        let (level, found) = self.find_row(model, provider, at_micros, true)?;
        let Some(target) = &found.maps_to else {
            return Some((level, Price { row: found, mapped_by: None }));
        };
        let (row, mapped_by) = (self.find_row(target, provider, at_micros, false), Some(found));
        // A deployment may be somebody else's than the model it names.
        let (_, row) = row.or_else(|| self.find_row(target, None, at_micros, false))?;
        Some((level, Price { row, mapped_by }))
    }

    /// `mapping`: whether rows that only name another model count. One that names a model is not
    /// followed further, so no chain of them can go in circles.
    fn find_row(
        &self,
        model: &str,
        provider: Option<&str>,
        at_micros: i64,
        mapping: bool,
    ) -> Option<(usize, &PriceRow)> {
        let known = |name: &str| is_seller(name) || self.sells(name);
        let names = Names::of(model, known)?;
        let given = provider.and_then(normalise_provider).filter(|name| known(name));
        let sellers = sellers(given, names.provider.clone());
        let mut levels = self.levels().enumerate();
        levels.find_map(|(at, level)| Some((at, level.find(&names, &sellers, at_micros, mapping)?)))
    }

    fn sells(&self, provider: &str) -> bool {
        self.levels().any(|level| level.providers.contains(provider))
    }

    /// What a call costs, class by class. `None`: no price is known for the model at that time, or
    /// for a class that has tokens, or no usage is known.
    pub fn cost(
        &self,
        model: &str,
        provider: Option<&str>,
        at_micros: i64,
        usage: &Usage,
    ) -> Option<Breakdown> {
        self.find(model, provider, at_micros)?.breakdown(usage)
    }

    /// What a call costs in all: [`Book::cost`] without the explanation, and quicker.
    pub fn total(&self, model: &str, provider: Option<&str>, at_micros: i64, usage: &Usage) -> Option<Usd> {
        self.find(model, provider, at_micros)?.total(usage)
    }

    /// The most input tokens that a request to the model may have; `None` is not known.
    pub fn context_window(&self, model: &str, provider: Option<&str>, at_micros: i64) -> Option<u64> {
        self.find(model, provider, at_micros)?.context_window()
    }
}

/// Whose prices to look at, in this order. A provider that is named narrows: another's price for the
/// same name is not this one's, even where the name begins with its maker (`moonshotai/kimi-k2` at a
/// host). The exceptions are sellers of others' models at the makers' prices, and `openai`, which
/// clients also write for every service that speaks OpenAI's protocol.
fn sellers<'a>(given: Option<Cow<'a, str>>, carried: Option<Cow<'a, str>>) -> Vec<Seller<'a>> {
    let mut sellers = Vec::with_capacity(8);
    let passes_on = given.as_deref().is_none_or(is_router);
    let carried = carried.filter(|_| passes_on || given.as_deref() == Some("openai"));
    let unnamed = passes_on && carried.as_deref().is_none_or(is_router);
    for provider in [given, carried].into_iter().flatten() {
        let others = fallbacks(&provider);
        sellers.push(Seller::Named(provider));
        sellers.extend(others.iter().map(|other| Seller::Named(Cow::Borrowed(*other))));
    }
    if unnamed {
        sellers.push(Seller::Maker);
    }
    sellers
}

impl Level {
    fn new(source: Source, mut rows: Vec<PriceRow>) -> Level {
        let mut level = Level {
            source,
            rows: Vec::new(),
            names: HashMap::with_capacity(rows.len()),
            patterns: Vec::new(),
            providers: HashSet::new(),
        };
        let mut last: (Option<String>, Option<String>) = (None, None);
        for (row, at) in rows.iter_mut().zip(0_u32..) {
            // Rows come grouped by provider, thousands of them: each name is looked at once.
            if row.provider != last.0 {
                last = (row.provider.clone(), row.provider.as_deref().and_then(canonical));
            }
            row.provider.clone_from(&last.1);
            if let Some(provider) = row.provider.as_deref()
                && !level.providers.contains(provider)
            {
                level.providers.insert(provider.into());
            }
            match &row.model {
                Pattern::Exact(name) => {
                    level.names.entry(name.as_str().into()).or_default().push(at);
                    if row.provider.as_deref() == Some("aws.bedrock")
                        && let Some(bare) = without_bedrock_maker(name)
                    {
                        level.names.entry(bare.into()).or_default().push(at);
                    }
                }
                Pattern::Wildcard(_) => level.patterns.push(at),
            }
        }
        let specificity =
            |at: &u32| rows.get(*at as usize).map(|row| std::cmp::Reverse(row.model.specificity()));
        level.patterns.sort_by_key(specificity);
        level.rows = rows;
        level
    }

    fn find(
        &self,
        names: &Names<'_>,
        sellers: &[Seller<'_>],
        at_micros: i64,
        mapping: bool,
    ) -> Option<&PriceRow> {
        let valid = |at: &u32| {
            self.rows
                .get(*at as usize)
                .filter(|row| row.is_valid_at(at_micros) && (mapping || row.maps_to.is_none()))
        };
        for seller in sellers {
            let found = names.find(|name| {
                let rows = self.names.get(name)?.iter().filter_map(valid);
                best(rows.filter_map(|row| Some((self.rank(row, seller)?, row))))
            });
            if found.is_some() {
                return found;
            }
        }
        if self.patterns.is_empty() {
            return None;
        }
        let matching = |seller: &Seller<'_>| {
            let rows = self.patterns.iter().filter_map(valid).filter(|row| self.rank(row, seller).is_some());
            let rows = rows.filter(|row| names.whole().any(|name| row.model.matches(name)));
            let mut rows = rows.peekable();
            let first = rows.peek()?.model.specificity();
            best(rows.take_while(|row| row.model.specificity() == first).map(|row| (0, row)))
        };
        sellers.iter().find_map(matching)
    }

    /// Whether a seller's price may be this row's, and how likely: 0 is the likeliest.
    fn rank(&self, row: &PriceRow, seller: &Seller<'_>) -> Option<usize> {
        match (row.provider.as_deref(), seller) {
            (None, _) => Some(usize::MAX),
            (Some(provider), Seller::Named(name)) => (provider == name).then_some(0),
            // Who writes a row of their own means their own events, also those that name nobody.
            (Some(provider), Seller::Maker) => {
                maker_rank(provider)
                    .or(matches!(self.source, Source::Project | Source::Tenant).then_some(1000))
            }
        }
    }
}

/// A row's provider. A name that is no provider's (`custom`) stays what it is: were it dropped, the row
/// would hold for everybody.
fn canonical(provider: &str) -> Option<String> {
    let provider = provider.trim();
    let canonical = normalise_provider(provider).map_or_else(|| provider.to_lowercase(), Cow::into_owned);
    (!canonical.is_empty()).then_some(canonical)
}

/// Of rows for one name: the likeliest seller, then the newest price, then the one for these hours.
fn best<'a>(rows: impl Iterator<Item = (usize, &'a PriceRow)>) -> Option<&'a PriceRow> {
    rows.min_by(|(left_rank, left), (right_rank, right)| {
        left_rank
            .cmp(right_rank)
            .then(right.valid_from.cmp(&left.valid_from))
            .then(right.window.is_some().cmp(&left.window.is_some()))
    })
    .map(|(_, row)| row)
}

impl<'a> Price<'a> {
    /// The row that holds the rates.
    pub fn row(&self) -> &'a PriceRow {
        self.row
    }

    /// The row that named this model for a deployment, if one did.
    pub fn mapped_by(&self) -> Option<&'a PriceRow> {
        self.mapped_by
    }

    /// What a usage costs, class by class. `None` where a class that has tokens has no price, or
    /// nothing is known of the usage.
    pub fn breakdown(&self, usage: &Usage) -> Option<Breakdown> {
        Breakdown::of(self.row, usage)
    }

    /// What a usage costs in all.
    pub fn total(&self, usage: &Usage) -> Option<Usd> {
        breakdown::total(self.row, usage)
    }

    /// The most input tokens of one request; `None` is not known.
    pub fn context_window(&self) -> Option<u64> {
        self.mapped_by.and_then(|row| row.context_window).or(self.row.context_window)
    }
}

#[cfg(test)]
mod tests;
