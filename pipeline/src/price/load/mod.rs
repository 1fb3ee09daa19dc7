//! Reads the two price files that people have, as they are, and says what a load would change.
//!
//! Nothing here touches a database: [`parse`] makes rows of a file, [`plan`] compares them with the
//! rows that earlier loads left and says which to add. Rows are only ever added: stored events were
//! priced by the old ones, and a model that vanishes from a file was still sold at its time.

pub mod genai;
pub mod litellm;
mod plan;

pub use plan::{Plan, plan};

use super::rates::{Rates, TokenClass};
use super::row::PriceRow;
use super::usd::Usd;

/// What a price file holds.
#[derive(Debug, Default)]
pub struct Parsed {
    /// One row for each provider, name and time. Rows of a file have no start unless the file dates
    /// them; [`plan`] gives them one.
    pub rows: Vec<PriceRow>,
    pub source_name: String,
    /// Entries that no tokens can be priced by, with the reason.
    pub skipped: Vec<(String, &'static str)>,
}

/// Why a price file could not be read. The message names what is wrong and where, and never shows a
/// value of the file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    #[error(
        "expected LiteLLM's model_prices_and_context_window.json (an object of models) \
         or genai-prices' data.json (a list of providers)"
    )]
    UnknownShape,
    #[error("the price file is not valid JSON at line {line}, column {column}")]
    NotJson { line: usize, column: usize },
    #[error("the price file is wrong at \"{entry}\", field \"{field}\": expected {expected}")]
    Field { entry: String, field: String, expected: &'static str },
}

/// A field of an entry that can't be what it should.
#[derive(Debug)]
struct BadField {
    field: String,
    expected: &'static str,
}

impl BadField {
    fn new(field: &str, expected: &'static str) -> BadField {
        BadField { field: short(field), expected }
    }

    fn of(self, entry: &str) -> LoadError {
        LoadError::Field { entry: short(entry), field: self.field, expected: self.expected }
    }
}

/// Names in a message: no file can make it endless.
fn short(name: &str) -> String {
    name.chars().take(200).collect()
}

impl LoadError {
    fn at(error: &serde_json::Error) -> LoadError {
        LoadError::NotJson { line: error.line(), column: error.column() }
    }
}

/// The two files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceFile {
    LiteLlm,
    GenaiPrices,
}

impl PriceFile {
    pub const ALL: [PriceFile; 2] = [PriceFile::LiteLlm, PriceFile::GenaiPrices];

    /// The name of the project that publishes it.
    pub fn name(self) -> &'static str {
        match self {
            PriceFile::LiteLlm => "litellm",
            PriceFile::GenaiPrices => "genai-prices",
        }
    }

    /// Recognised by its shape: LiteLLM's map is an object of models, the genai-prices data a list of
    /// providers, or an object that holds it under `providers`.
    pub fn of(text: &str) -> Option<PriceFile> {
        match text.bytes().next()? {
            b'[' => Some(PriceFile::GenaiPrices),
            b'{' if genai::is_wrapped(text) => Some(PriceFile::GenaiPrices),
            b'{' => Some(PriceFile::LiteLlm),
            _ => None,
        }
    }
}

/// Reads either file. Rows carry the name of their source: as given, but one file's own name is not
/// taken for the other.
///
/// # Errors
/// Where the text is no JSON or neither file, or a price in it is none.
pub fn parse(text: &str, source_name: &str) -> Result<Parsed, LoadError> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let file = PriceFile::of(text).ok_or(LoadError::UnknownShape)?;
    let is_a_files = PriceFile::ALL.iter().any(|file| file.name() == source_name);
    let source_name = if is_a_files { file.name() } else { source_name };
    let parsed = match file {
        PriceFile::LiteLlm => litellm::parse(text, source_name),
        PriceFile::GenaiPrices => genai::parse(text, source_name),
    };
    parsed.map(|parsed| Parsed { source_name: source_name.to_owned(), ..parsed })
}

/// Both files leave the output price of models out that bill their input alone (embeddings, rerankers,
/// classifiers), and both projects' own calculations then bill output at nothing. A row says so.
fn state_free_output(rates: &mut Rates) {
    let output = [TokenClass::OutputText, TokenClass::OutputAudio, TokenClass::OutputImage];
    if rates.has(None, TokenClass::InputUncached) && !output.iter().any(|class| rates.has(None, *class)) {
        rates.set(None, TokenClass::OutputText, 0, Usd::from(0));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Book;
    use super::*;

    const LITELLM: &str = r#"{"a/m": {"litellm_provider": "a", "input_cost_per_token": 1e-6,
        "input_cost_per_token_above_200k_tokens": 2e-6, "output_cost_per_token_batches": 3, "tiered_pricing":
        [{"range": [0, 5], "input_cost_per_token": 1}], "off_peak_pricing": {"hours_utc": "10:00-11:00"}}}"#;
    const GENAI: &str = r#"[{"id": "a", "models": [{"id": "m", "match": {"or": [{"equals": "m"}]}, "prices":
        [{"constraint": {"start_date": "2025-01-01"}, "prices": {"input_mtok": {"base": 1, "tiers":
        [{"start": 5, "price": 2}]}}}], "price_variants": [{"when": {"a": "b"}, "prices": {}}]}]}]"#;

    #[test]
    fn both_files_are_told_apart() {
        assert_eq!(parse(LITELLM, "x").unwrap().rows.len(), 2);
        assert_eq!(parse(LITELLM, "genai-prices").unwrap().source_name, "litellm");
        assert_eq!(&*parse(GENAI, "litellm").unwrap().rows[0].source_name, "genai-prices");
        assert_eq!(&*parse(GENAI, "contract").unwrap().rows[0].source_name, "contract");
        assert_eq!(parse(GENAI, "x").unwrap().rows.len(), 1);
        assert_eq!(parse(&format!("\u{feff}\n {GENAI}"), "x").unwrap().rows.len(), 1);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn a_damaged_file_never_panics(
            which: bool, at in any::<prop::sample::Index>(), length in 0_usize..20, put in "[0-9a-z\"{}\\[\\]:,.e+-]{0,12}",
        ) {
            let text = if which { LITELLM } else { GENAI };
            let from = at.index(text.len());
            let to = (from + length).min(text.len());
            let damaged = format!("{}{put}{}", &text[..from], &text[to..]);
            if let Ok(parsed) = parse(&damaged, "x") {
                let _ = Book::new(parsed.rows, false).find("m", Some("a"), 0);
            }
        }
    }
}
