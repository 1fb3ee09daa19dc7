//! Joins LiteLLM's map and the genai-prices data into the listing that Observa carries.
//!
//! cargo run -p observa-pipeline --example compile_prices -- \
//!     litellm.json LITELLM_VERSION genai.json GENAI_VERSION > pipeline/data/prices.txt
//!
//! `pipeline/data/README.md` says where the two files come from and what the rule of the join is.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::sync::Arc;

use observa_pipeline::price::load::genai::{self, Dated, Model};
use observa_pipeline::price::load::litellm;
use observa_pipeline::price::{DailyWindow, PriceRow, Rates, TokenClass, listing};

/// Snapshots that both lists have dropped and that genai-prices' rules still cover by a beginning:
/// provider, model id there, names.
const RETIRED: &[(&str, &str, &[&str])] = &[
    ("anthropic", "claude-2", &["claude-2.0", "claude-2.1"]),
    ("google", "gemini-2.0-flash", &["gemini-2.0-flash-exp", "gemini-2.0-flash-thinking-exp"]),
    (
        "google",
        "gemini-2.5-pro",
        &[
            "gemini-2.5-pro-preview",
            "gemini-2.5-pro-preview-03-25",
            "gemini-2.5-pro-preview-05-06",
            "gemini-2.5-pro-preview-06-05",
        ],
    ),
    (
        "google",
        "gemini-2.5-flash-lite",
        &["gemini-2.5-flash-lite-preview-06-17", "gemini-2.5-flash-lite-preview-09-2025"],
    ),
    (
        "mistral",
        "magistral-medium",
        &["magistral-medium-2506", "magistral-medium-2507", "magistral-medium-2509"],
    ),
    ("mistral", "magistral-small", &["magistral-small-2506", "magistral-small-2507", "magistral-small-2509"]),
    ("mistral", "mixtral-8x7b", &["mixtral-8x7b-instruct"]),
    ("openai", "computer-use", &["computer-use-preview"]),
    ("openai", "gpt-4.5-preview", &["gpt-4.5-preview"]),
    ("openai", "gpt-4o-mini-audio-preview", &["gpt-4o-mini-audio-preview"]),
    ("openai", "gpt-4o-mini-realtime-preview", &["gpt-4o-mini-realtime-preview"]),
    ("openai", "gpt-4o-realtime-preview", &["gpt-4o-realtime-preview"]),
];

/// One line of the listing.
#[derive(Clone)]
struct Price {
    tag: &'static str,
    valid_from: Option<i64>,
    window: Option<DailyWindow>,
    rates: Arc<Rates>,
    context_window: Option<u64>,
}

type Key = (String, String);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [litellm_file, litellm_version, genai_file, genai_version] = arguments.as_slice() else {
        return Err("usage: compile_prices litellm.json VERSION genai.json VERSION".into());
    };
    let mut models = genai::models(&fs::read_to_string(genai_file)?)?;
    for (provider, id, names) in RETIRED {
        let model = models.iter_mut().find(|model| model.provider == *provider && model.id == *id);
        let model = model.ok_or_else(|| {
            format!("genai-prices has no {provider}/{id} any more: keep its prices by hand")
        })?;
        for name in *names {
            if !model.names.iter().any(|known| known == name) {
                model.names.push((*name).to_owned());
            }
        }
    }
    let parsed = litellm::parse(&fs::read_to_string(litellm_file)?, "litellm")?;

    let mut listed: BTreeMap<Key, Vec<PriceRow>> = BTreeMap::new();
    for row in parsed.rows {
        let Some(provider) = row.provider.clone() else { continue };
        listed.entry((provider, row.model.text().to_owned())).or_default().push(row);
    }
    let mut prices: BTreeMap<Key, Vec<Price>> = BTreeMap::new();
    for model in &models {
        for name in &model.names {
            let Some(provider) = genai::canonical(&model.provider, name) else { continue };
            let own = model.prices.iter().map(|dated| dated_price("g", dated, model.context_window));
            prices.entry((provider, name.clone())).or_insert_with(|| own.collect());
        }
    }
    for (key, rows) in listed {
        let joined = join(&key, &rows, &models);
        prices.insert(key, joined);
    }
    prices.retain(|(_, name), prices| !prices.is_empty() && !name.contains(char::is_whitespace));
    print!("{}", header(litellm_version, genai_version));
    print!("{}", listing_of(&prices));
    Ok(())
}

fn dated_price(tag: &'static str, dated: &Dated, context_window: Option<u64>) -> Price {
    Price {
        tag,
        valid_from: dated.valid_from,
        window: dated.window,
        rates: Arc::clone(&dated.rates),
        context_window,
    }
}

/// The prices of a name that LiteLLM lists, joined with those of the model that genai-prices has for it.
fn join((provider, name): &Key, rows: &[PriceRow], models: &[Model]) -> Vec<Price> {
    let theirs = |tag| -> Vec<Price> {
        let price = |row: &PriceRow| Price {
            tag,
            valid_from: None,
            window: row.window,
            rates: Arc::clone(&row.rates),
            context_window: row.context_window,
        };
        rows.iter().map(price).collect()
    };
    let sold_here = |model: &&Model| {
        genai::canonical(&model.provider, name).as_ref() == Some(provider)
            || model.provider == "google" && provider == "gcp.vertex_ai"
    };
    let named = models.iter().filter(sold_here).find(|model| model.names.contains(name));
    let Some(model) = named.or_else(|| models.iter().filter(sold_here).find(|model| model.matches(name)))
    else {
        return theirs("l");
    };
    let Some(standard) = rows.iter().find(|row| row.window.is_none()) else { return theirs("l") };
    let context_window = model.context_window.or(standard.context_window);
    let Some(newest) =
        model.prices.iter().filter(|dated| dated.window.is_none()).map(|dated| dated.valid_from).max()
    else {
        return theirs("l");
    };
    if rows.len() > 1 {
        // LiteLLM knows the weekdays of off-peak hours, genai-prices the prices before them.
        let mut prices: Vec<Price> = model
            .prices
            .iter()
            .filter(|dated| dated.valid_from < newest && dated.window.is_none())
            .map(|dated| dated_price("g", dated, context_window))
            .collect();
        prices.extend(theirs("l").into_iter().map(|price| Price { valid_from: newest, ..price }));
        return prices;
    }
    let current =
        model.prices.iter().filter(|dated| dated.window.is_none() && agree(&dated.rates, &standard.rates));
    if current.count() == 0 {
        // They contradict each other. A name that genai-prices lists is priced with its history; one
        // that only a prefix of its rules covers is LiteLLM's.
        if named.is_none() || provider == "gcp.vertex_ai" {
            return theirs("l");
        }
        return model.prices.iter().map(|dated| dated_price("g", dated, context_window)).collect();
    }
    let last =
        model.prices.iter().rev().find(|dated| dated.window.is_none()).map(|dated| Arc::clone(&dated.rates));
    let filled = |dated: &Dated| {
        let mut price = dated_price("g", dated, context_window);
        if dated.window.is_none() && agree(&dated.rates, &standard.rates) {
            price.tag = "gl";
            price.rates = Arc::new(filled(&dated.rates, &standard.rates, last.as_deref()));
        }
        price
    };
    model.prices.iter().map(filled).collect()
}

/// Whether two lists have the same prices for plain input and output, long requests included.
fn agree(left: &Rates, right: &Rates) -> bool {
    let plain = |rates: &Rates| -> BTreeSet<(TokenClass, u64, String)> {
        rates
            .entries()
            .iter()
            .filter(|entry| entry.tier.is_none())
            .filter(|entry| matches!(entry.class, TokenClass::InputUncached | TokenClass::OutputText))
            .map(|entry| (entry.class, entry.above, entry.usd.normalized().to_plain_string()))
            .filter(|(_, _, usd)| usd != "0")
            .collect()
    };
    plain(left) == plain(right)
}

/// A list with what only the other one prices. A standard price that genai-prices has later but not
/// yet was not there; tiers are filled at all times, since the dates of genai-prices' tiers are those
/// on which it began to record them ("earlier batch history is not modelled").
fn filled(own: &Rates, other: &Rates, last: Option<&Rates>) -> Rates {
    let mut rates = own.clone();
    for entry in other.entries() {
        let came_later = entry.tier.is_none() && last.is_some_and(|last| last.has(None, entry.class));
        if !own.has(entry.tier, entry.class) && !came_later {
            rates.set(entry.tier, entry.class, entry.above, entry.usd.clone());
        }
    }
    rates
}

fn header(litellm_version: &str, genai_version: &str) -> String {
    format!(
        "# Prices per million tokens in USD. The form: pipeline/src/price/listing.rs; the making: README.md here.\n\
         # Compiled, not edited: a correction belongs into a rule of compile_prices.rs or into the sources.\n\
         # g: genai-prices {genai_version}, MIT License, (c) Pydantic Services Inc. 2025 to present, \
         https://github.com/pydantic/genai-prices\n\
         # l: LiteLLM {litellm_version}, MIT License, (c) 2023 Berri AI, https://github.com/BerriAI/litellm\n"
    )
}

/// Names of one provider with the same prices share their lines.
fn listing_of(prices: &BTreeMap<Key, Vec<Price>>) -> String {
    let mut by_provider: BTreeMap<&str, BTreeMap<String, BTreeSet<&str>>> = BTreeMap::new();
    for ((provider, name), prices) in prices {
        let lines: String = prices.iter().map(line).collect();
        by_provider.entry(provider).or_default().entry(lines).or_default().insert(name);
    }
    let mut text = String::new();
    for (provider, groups) in by_provider {
        text.push_str(&format!("\n[{provider}]\n"));
        let mut groups: Vec<(BTreeSet<&str>, String)> =
            groups.into_iter().map(|(lines, names)| (names, lines)).collect();
        groups.sort();
        for (names, lines) in groups {
            text.push_str(&names.into_iter().collect::<Vec<_>>().join(" "));
            text.push('\n');
            text.push_str(&lines);
        }
    }
    text
}

fn line(price: &Price) -> String {
    let mut time = price.valid_from.map_or_else(|| "*".to_owned(), date);
    if let Some(window) = price.window {
        let clock = |second: u32| format!("{:02}{:02}", second / 3600, second % 3600 / 60);
        time.push_str(&format!("~{}-{}", clock(window.start), clock(window.end)));
        if window.weekdays != DailyWindow::EVERY_DAY {
            time.push('/');
            time.extend(
                (0..7_u32)
                    .filter(|day| window.weekdays & (1 << day) != 0)
                    .map(|day| (b'1' + day as u8) as char),
            );
        }
    }
    format!(" {} {time}{}\n", price.tag, listing::rates_text(&price.rates, price.context_window))
}

/// A UTC date of midnight in microseconds. Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
fn date(micros: i64) -> String {
    let days = micros.div_euclid(86_400_000_000) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}
