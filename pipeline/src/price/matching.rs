//! Which names a model may be priced under, the most exact first.
//!
//! A name is only ever shortened by parts that are known not to change the model: who serves it
//! (`azure/`, `models/`, `us.`), and which snapshot (`@20240620`, `-v1:0`, `-2024-08-06`, `-latest`). Each
//! shorter form must then be in the book letter by letter: `gpt-4o-mini` never becomes `gpt-4o`.

use std::borrow::Cow;

use super::provider::normalise_provider;

/// Longer names are no model's; this bounds the work on hostile input.
const MAX_NAME: usize = 300;

/// Regions that stand before a Bedrock model id or, with LiteLLM, before an Azure deployment.
const REGIONS: &[&str] =
    &["us", "eu", "apac", "global", "regional", "jp", "au", "ca", "in", "sa", "me", "af", "us-gov", "ap"];

/// Makers as Bedrock writes them before their models' names.
const BEDROCK_MAKERS: &[&str] = &[
    "ai21",
    "amazon",
    "anthropic",
    "cohere",
    "deepseek",
    "google",
    "meta",
    "minimax",
    "mistral",
    "moonshot",
    "moonshotai",
    "nvidia",
    "openai",
    "qwen",
    "stability",
    "twelvelabs",
    "writer",
    "xai",
    "zai",
];

/// The forms of one model name.
pub(super) struct Names<'a> {
    text: Cow<'a, str>,
    /// Where the name may begin: 0, then behind each part that says who serves it.
    starts: Vec<usize>,
    /// Where a fine-tuned model's name ends and that of its base begins: `ft:base`.
    tuned: Option<Tuned>,
    /// The provider that the name itself carries (`provider/model`), canonical.
    pub(super) provider: Option<Cow<'static, str>>,
}

struct Tuned {
    /// `ft:base`, without organisation, suffix and id.
    own: String,
}

impl<'a> Names<'a> {
    /// Takes a model name apart. `is_known` says whether a canonical provider is in the book.
    pub(super) fn of(model: &'a str, is_known: impl Fn(&str) -> bool) -> Option<Names<'a>> {
        let model = model.trim();
        if model.is_empty() || model.len() > MAX_NAME {
            return None;
        }
        let text: Cow<'a, str> = if model.bytes().any(|byte| byte.is_ascii_uppercase() || !byte.is_ascii()) {
            Cow::Owned(model.to_lowercase())
        } else {
            Cow::Borrowed(model)
        };
        let mut starts = Vec::with_capacity(4);
        starts.push(0);
        let mut provider = None;
        let mut start = 0;
        while let Some(next) = skip_server(text.get(start..).unwrap_or(""), &is_known, &mut provider) {
            start += next;
            starts.push(start);
            if starts.len() > 8 {
                break;
            }
        }
        let tuned = starts.iter().find_map(|start| tuned(text.get(*start..)?));
        Some(Names { text, starts, tuned, provider })
    }

    /// Calls `visit` with each form, the most exact first, until it returns something.
    pub(super) fn find<T>(&self, mut visit: impl FnMut(&str) -> Option<T>) -> Option<T> {
        if let Some(tuned) = &self.tuned {
            if let Some(found) = self.starts.iter().find_map(|start| visit(self.text.get(*start..)?)) {
                return Some(found);
            }
            // Its own price where there is one, else that of the model it was tuned from.
            if let Some(found) = shortened(Cow::Borrowed(&tuned.own), &[0], &mut visit) {
                return Some(found);
            }
            let base = tuned.own.get(3..).unwrap_or("");
            return shortened(Cow::Borrowed(base), &[0], &mut visit);
        }
        shortened(Cow::Borrowed(&self.text), &self.starts, &mut visit)
    }

    /// The whole name as given, lower-cased, and without what says who serves it: what explicit
    /// patterns are matched against.
    pub(super) fn whole(&self) -> impl Iterator<Item = &str> {
        self.starts.iter().filter_map(|start| self.text.get(*start..))
    }
}

/// How many bytes at the beginning say who serves the model.
fn skip_server(
    name: &str,
    is_known: &impl Fn(&str) -> bool,
    provider: &mut Option<Cow<'static, str>>,
) -> Option<usize> {
    if name.starts_with("arn:") || name.starts_with("projects/") || name.starts_with("publishers/") {
        // A cloud's resource name: the model is its last part.
        return name.rfind('/').map(|at| at + 1).filter(|at| *at < name.len());
    }
    if let Some((first, rest)) = name.split_once('/') {
        if rest.is_empty() {
            return None;
        }
        if first == "models" || is_region(first) || matches!(first, "converse" | "invoke" | "responses") {
            return Some(first.len() + 1);
        }
        let canonical = normalise_provider(first)?;
        // A second prefix, as in `openrouter/openai/gpt-4o`, does not change who was paid.
        if !is_known(&canonical) {
            return None;
        }
        if provider.is_none() {
            *provider = Some(Cow::Owned(canonical.into_owned()));
        }
        return Some(first.len() + 1);
    }
    let (first, rest) = name.split_once('.')?;
    let is_server = REGIONS.contains(&first) || BEDROCK_MAKERS.contains(&first);
    (is_server && !rest.is_empty()).then_some(first.len() + 1)
}

/// `us`, `global`, and regions of the clouds such as `us-east-1`.
fn is_region(text: &str) -> bool {
    REGIONS.contains(&text)
        || (text.len() > 6
            && text.ends_with(|last: char| last.is_ascii_digit())
            && text.matches('-').count() == 2
            && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-' || byte.is_ascii_digit()))
}

/// Fine-tuned names: OpenAI's `ft:base:organisation:suffix:id`, Azure's `base.ft-id`.
fn tuned(name: &str) -> Option<Tuned> {
    if let Some(rest) = name.strip_prefix("ft:") {
        let base = rest.split(':').next().filter(|base| !base.is_empty())?;
        return Some(Tuned { own: format!("ft:{base}") });
    }
    let (base, id) = name.split_once(".ft-")?;
    (!base.is_empty() && !id.is_empty()).then(|| Tuned { own: format!("ft:{base}") })
}

/// Visits a name in all its beginnings, then with one snapshot part less at its end, and so on.
fn shortened<T>(
    name: Cow<'_, str>,
    starts: &[usize],
    visit: &mut impl FnMut(&str) -> Option<T>,
) -> Option<T> {
    let mut all = |text: &str| {
        starts
            .iter()
            .find_map(|start| text.get(*start..).filter(|text| !text.is_empty()).and_then(&mut *visit))
    };
    let mut end = name.len();
    if let Some(found) = all(&name) {
        return Some(found);
    }
    for _ in 0..6 {
        let current = name.get(..end)?;
        let Some((cut, respelt)) = snapshot(current) else { break };
        if let Some(found) = respelt.and_then(|respelt| all(&respelt)) {
            return Some(found);
        }
        if cut == 0 {
            break;
        }
        end = cut;
        if let Some(found) = all(name.get(..end)?) {
            return Some(found);
        }
    }
    None
}

/// Where the snapshot part at the end of a name begins, and the name with its date spelt the way
/// other providers do: `@20240620` and `-2024-06-20` for `-20240620`.
fn snapshot(name: &str) -> Option<(usize, Option<String>)> {
    if let Some(base) = name.strip_suffix("-latest") {
        return Some((base.len(), None));
    }
    if let Some((base, version)) = name.rsplit_once('@') {
        let plain = version.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'));
        if base.is_empty() || !plain {
            return None;
        }
        return Some((base.len(), is_compact_date(version).then(|| format!("{base}-{version}"))));
    }
    if let Some((base, number)) = name.rsplit_once(':') {
        // Bedrock: `-v1:0`, and `-v1:0:48k` for a context size.
        let digits = number.strip_suffix('k').unwrap_or(number);
        if !base.is_empty() && !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Some((strip_version(base).map_or(base.len(), str::len), None));
        }
    }
    if let Some((at, date)) = tail(name, 8).filter(|(_, date)| is_compact_date(date)) {
        let (year, rest) = date.split_at(4);
        let (month, day) = rest.split_at(2);
        return Some((at, Some(format!("{}-{year}-{month}-{day}", name.get(..at)?))));
    }
    if let Some((at, date)) = tail(name, 10) {
        let compact: String = date.split('-').collect();
        if date.matches('-').count() == 2 && is_compact_date(&compact) {
            return Some((at, Some(format!("{}-{compact}", name.get(..at)?))));
        }
    }
    // Google numbers the snapshots of Gemini: `gemini-1.5-pro-002`.
    if name.starts_with("gemini-") || name.contains("/gemini-") {
        let numbered = tail(name, 3).filter(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()));
        if let Some((at, _)) = numbered {
            return Some((at, None));
        }
    }
    strip_version(name).map(|base| (base.len(), None))
}

/// The last `length` bytes behind a hyphen, and where that hyphen is.
fn tail(name: &str, length: usize) -> Option<(usize, &str)> {
    let at = name.len().checked_sub(length + 1)?;
    let tail = name.get(at..)?.strip_prefix('-')?;
    (at > 0).then_some((at, tail))
}

/// `base-v2` is `base`; only one digit, so that version numbers in names stay.
fn strip_version(name: &str) -> Option<&str> {
    let (base, digit) = name.rsplit_once("-v")?;
    (digit.len() == 1 && digit.bytes().all(|byte| byte.is_ascii_digit()) && !base.is_empty()).then_some(base)
}

/// Eight digits that are a day from 2020 to 2099.
fn is_compact_date(text: &str) -> bool {
    let number = |range| text.get(range).and_then(|part: &str| part.parse::<u32>().ok()).unwrap_or(0);
    text.len() == 8
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && (2020..2100).contains(&number(0..4))
        && (1..=12).contains(&number(4..6))
        && (1..=31).contains(&number(6..8))
}

/// A Bedrock model id without its maker, as some instrumentations report it.
pub(super) fn without_bedrock_maker(name: &str) -> Option<&str> {
    let (first, rest) = name.split_once('.')?;
    (BEDROCK_MAKERS.contains(&first) && !rest.is_empty()).then_some(rest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn forms(model: &str) -> Vec<String> {
        let mut forms = Vec::new();
        if let Some(names) =
            Names::of(model, |provider| ["openai", "openrouter", "aws.bedrock"].contains(&provider))
        {
            let _: Option<()> = names.find(|name| {
                forms.push(name.to_owned());
                None
            });
        }
        forms
    }

    #[test]
    fn forms_go_from_the_exact_name_to_the_plain_one() {
        for (model, expected) in [
            ("gpt-4o-mini", vec!["gpt-4o-mini"]),
            ("GPT-4o", vec!["gpt-4o"]),
            ("openai/gpt-4o", vec!["openai/gpt-4o", "gpt-4o"]),
            ("acme/gpt-4o", vec!["acme/gpt-4o"]),
            ("models/gemini-2.5-pro", vec!["models/gemini-2.5-pro", "gemini-2.5-pro"]),
            ("gpt-4o-2024-08-06", vec!["gpt-4o-2024-08-06", "gpt-4o-20240806", "gpt-4o"]),
            ("gpt-4o-2024-13-06", vec!["gpt-4o-2024-13-06"]),
            ("gpt-4-0613", vec!["gpt-4-0613"]),
            ("gemini-1.5-pro-002", vec!["gemini-1.5-pro-002", "gemini-1.5-pro"]),
            ("text-embedding-ada-002", vec!["text-embedding-ada-002"]),
            ("claude-3-5-haiku-latest", vec!["claude-3-5-haiku-latest", "claude-3-5-haiku"]),
            (
                "claude-opus-4@20250514",
                vec!["claude-opus-4@20250514", "claude-opus-4-20250514", "claude-opus-4"],
            ),
            (
                "us.anthropic.claude-x-20250101-v1:0",
                vec![
                    "us.anthropic.claude-x-20250101-v1:0",
                    "anthropic.claude-x-20250101-v1:0",
                    "claude-x-20250101-v1:0",
                    "us.anthropic.claude-x-20250101",
                    "anthropic.claude-x-20250101",
                    "claude-x-20250101",
                    "us.anthropic.claude-x-2025-01-01",
                    "anthropic.claude-x-2025-01-01",
                    "claude-x-2025-01-01",
                    "us.anthropic.claude-x",
                    "anthropic.claude-x",
                    "claude-x",
                ],
            ),
            (
                "ft:gpt-4o-2024-08-06:acme::AbC",
                vec![
                    "ft:gpt-4o-2024-08-06:acme::abc",
                    "ft:gpt-4o-2024-08-06",
                    "ft:gpt-4o-20240806",
                    "ft:gpt-4o",
                    "gpt-4o-2024-08-06",
                    "gpt-4o-20240806",
                    "gpt-4o",
                ],
            ),
            (
                "gpt-4o-mini-2024-07-18.ft-0123",
                vec![
                    "gpt-4o-mini-2024-07-18.ft-0123",
                    "ft:gpt-4o-mini-2024-07-18",
                    "ft:gpt-4o-mini-20240718",
                    "ft:gpt-4o-mini",
                    "gpt-4o-mini-2024-07-18",
                    "gpt-4o-mini-20240718",
                    "gpt-4o-mini",
                ],
            ),
            ("", vec![]),
        ] {
            assert_eq!(forms(model), expected, "{model}");
        }
    }

    #[test]
    fn the_name_carries_its_provider() {
        let provider = |model| Names::of(model, |name| name == "aws.bedrock").unwrap().provider;
        assert_eq!(provider("bedrock/us-east-1/anthropic.claude-v2").as_deref(), Some("aws.bedrock"));
        assert_eq!(provider("anthropic.claude-v2"), None);
        assert_eq!(provider("meta-llama/llama-3"), None);
    }

    proptest! {
        #[test]
        fn no_name_makes_it_panic_or_empty(model in "\\PC{0,40}|[-@:./a-z0-9]{0,60}") {
            for form in forms(&model) {
                prop_assert!(!form.is_empty());
            }
        }
    }
}
