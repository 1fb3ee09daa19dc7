//! The cost of one call, explained.

use super::rates::{ServiceTier, TokenClass};
use super::row::{PriceRow, Source};
use super::usage::Usage;
use super::usd::Usd;

/// What one class of a call cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub class: TokenClass,
    pub tokens: u64,
    /// USD per token.
    pub rate: Usd,
    /// `tokens` times `rate`, exact.
    pub usd: Usd,
    /// The service tier whose rate was paid; `None` is the standard rate.
    pub tier: Option<ServiceTier>,
    /// The long-context threshold whose rate was paid, in tokens; 0 is the base rate.
    pub above: u64,
}

/// What a call cost, class by class.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breakdown {
    /// [`PriceRow::id`] of the price.
    pub price_id: String,
    pub provider: Option<String>,
    /// The model name or pattern that was priced.
    pub model: String,
    pub source: Source,
    pub source_name: String,
    /// The service tier of the call.
    pub service_tier: Option<ServiceTier>,
    /// One line for each class that is known, and for the parts of cached input priced apart.
    pub lines: Vec<Line>,
    /// The sum of the lines, exact.
    pub total: Usd,
}

/// Calls `line` with each known class of a usage and its rate. `None`: nothing is known of the usage,
/// or a class that has tokens has no price, so that any sum would be too small.
fn each_line<'a>(
    row: &'a PriceRow,
    usage: &Usage,
    mut line: impl FnMut(TokenClass, u64, super::Applied<'a>),
) -> Option<()> {
    if usage.is_unknown() {
        return None;
    }
    let total_input = usage.total_input();
    let mut price = |class, tokens: u64| match row.rates.applied(class, usage.service_tier, total_input) {
        Some(applied) => {
            line(class, tokens, applied);
            Some(())
        }
        None if tokens == 0 => Some(()),
        None => None,
    };
    for (class, tokens) in usage.classes() {
        let Some(mut tokens) = tokens else { continue };
        if class == TokenClass::CacheRead {
            for (part, count) in [
                (TokenClass::CacheReadAudio, usage.cache_read_audio),
                (TokenClass::CacheReadImage, usage.cache_read_image),
            ] {
                let count = count.unwrap_or(0).min(tokens);
                if count > 0 {
                    price(part, count)?;
                    tokens -= count;
                }
            }
        }
        price(class, tokens)?;
    }
    Some(())
}

/// The cost of a usage by a row: cheaper than a whole [`Breakdown`].
pub(super) fn total(row: &PriceRow, usage: &Usage) -> Option<Usd> {
    let mut total = Usd::from(0);
    each_line(row, usage, |_, tokens, applied| {
        if tokens > 0 {
            total += applied.usd * Usd::from(tokens);
        }
    })?;
    Some(total)
}

impl Breakdown {
    pub(super) fn of(row: &PriceRow, usage: &Usage) -> Option<Breakdown> {
        let mut lines = Vec::new();
        each_line(row, usage, |class, tokens, applied| {
            let usd = applied.usd * Usd::from(tokens);
            lines.push(Line {
                class,
                tokens,
                rate: applied.usd.clone(),
                usd,
                tier: applied.tier,
                above: applied.above,
            });
        })?;
        let total = lines.iter().fold(Usd::from(0), |sum, line| sum + &line.usd);
        Some(Breakdown {
            price_id: row.id().into_owned(),
            provider: row.provider.clone(),
            model: row.model.text().to_owned(),
            source: row.source,
            source_name: row.source_name.to_string(),
            service_tier: usage.service_tier,
            lines,
            total,
        })
    }

    /// The tiers that set a rate, such as `batch` or `above_200000`, each once.
    pub fn tier_names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for line in self.lines.iter().filter(|line| line.tokens > 0) {
            let tier = line.tier.map(|tier| tier.name().to_owned());
            let above = (line.above > 0).then(|| format!("above_{}", line.above));
            for name in [tier, above].into_iter().flatten() {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names
    }

    /// As JSON text: `{"total","price_id","provider","model","source","source_name","tier","tiers",
    /// "classes":{class:{"tokens","rate","usd"}}}`, in USD and USD per token. The amounts are JSON
    /// numbers with all their digits, so the text must not pass through a float parser.
    pub fn to_json(&self) -> String {
        let text = |value: &str| serde_json::Value::from(value).to_string();
        let classes: Vec<String> = self
            .lines
            .iter()
            .map(|line| {
                format!(
                    "{}:{{\"tokens\":{},\"rate\":{},\"usd\":{}}}",
                    text(line.class.name()),
                    line.tokens,
                    plain(&line.rate),
                    plain(&line.usd)
                )
            })
            .collect();
        format!(
            "{{\"total\":{},\"price_id\":{},\"provider\":{},\"model\":{},\"source\":{},\"source_name\":{},\
             \"tier\":{},\"tiers\":{},\"classes\":{{{}}}}}",
            plain(&self.total),
            text(&self.price_id),
            self.provider.as_deref().map_or_else(|| "null".to_owned(), text),
            text(&self.model),
            text(self.source.name()),
            text(&self.source_name),
            self.service_tier.map_or_else(|| "null".to_owned(), |tier| text(tier.name())),
            serde_json::Value::from(self.tier_names()),
            classes.join(",")
        )
    }
}

/// All digits, no exponent, no trailing zeros.
fn plain(usd: &Usd) -> String {
    usd.normalized().to_plain_string()
}
