//! Rates as the JSON object of a row of `observa.model_prices`:
//! `{"input":"0.0000025","output":"0.00001","batch":{"input":...},"above_200000":{"input":...,"batch":{...}}}`.

use serde_json::{Map, Value};

use super::rates::{Rates, ServiceTier, TokenClass};
use super::usd::{Usd, parse_usd};
use crate::translate::json::{self, Object};

/// Names that people use beside the classes' own.
const SHORT_NAMES: [(&str, TokenClass); 3] = [
    ("input", TokenClass::InputUncached),
    ("output", TokenClass::OutputText),
    ("cache_write", TokenClass::CacheWrite5m),
];

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RatesError {
    #[error("rates must be a JSON object of token classes, as {{\"input\": 0.0000025, \"output\": 0.00001}}")]
    NotAnObject,
    #[error(
        "rates has a key that is no token class, tier (batch, flex, priority, fast) or above_<tokens>: {0}"
    )]
    UnknownKey(String),
    #[error("rates.{0} must be USD per token, a number that is not negative")]
    NotARate(String),
}

impl Rates {
    /// Of the object's text: numbers keep all their digits, which a double would round.
    pub fn from_text(rates: &str) -> Result<Rates, RatesError> {
        let mut read = Rates::new();
        fill(&mut read, rates, None, 0)?;
        Ok(read)
    }

    pub fn from_json(rates: &Value) -> Result<Rates, RatesError> {
        Rates::from_text(&rates.to_string())
    }

    /// What [`Rates::from_json`] reads back. Amounts are strings, with all their digits.
    pub fn to_json(&self) -> Value {
        let mut json = Value::Object(Map::new());
        for entry in self.entries() {
            let above = (entry.above > 0).then(|| format!("above_{}", entry.above));
            let mut place = &mut json;
            for key in [above.as_deref(), entry.tier.map(ServiceTier::name)].into_iter().flatten() {
                place = &mut place[key];
            }
            place[entry.class.name()] = Value::from(entry.usd.normalized().to_plain_string());
        }
        json
    }
}

fn fill(rates: &mut Rates, text: &str, tier: Option<ServiceTier>, above: u64) -> Result<(), RatesError> {
    let object = Object::parse(text).map_err(|_| RatesError::NotAnObject)?;
    for (key, value) in &object.0 {
        if let Some(class) = class(key) {
            let usd = rate(value).ok_or_else(|| RatesError::NotARate(key.chars().take(60).collect()))?;
            rates.set(tier, class, above, usd);
        } else if let Some((tier, _)) = ServiceTier::ALL.iter().find(|(_, name)| name == key) {
            fill(rates, value, Some(*tier), above)?;
        } else if let Some(tokens) = key.strip_prefix("above_").and_then(|tokens| tokens.parse().ok()) {
            fill(rates, value, tier, tokens)?;
        } else {
            return Err(RatesError::UnknownKey(key.chars().take(60).collect()));
        }
    }
    Ok(())
}

fn class(key: &str) -> Option<TokenClass> {
    let named = TokenClass::ALL.iter().find(|(_, name, _)| *name == key).map(|(class, _, _)| *class);
    named.or_else(|| SHORT_NAMES.iter().find(|(name, _)| *name == key).map(|(_, class)| *class))
}

fn rate(raw: &str) -> Option<Usd> {
    match json::type_name(raw) {
        "number" => parse_usd(raw),
        "string" => parse_usd(&json::string(raw)?),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn rates_with_tiers_survive_the_way_to_json_and_back() {
        let json = json!({"input": 0.0000025, "output": "0.00001", "batch": {"input": 0.00000125},
                          "above_200000": {"input": 0.000005, "batch": {"input": 0.0000025}}});
        let rates = Rates::from_json(&json).unwrap();
        assert_eq!(Rates::from_json(&rates.to_json()).unwrap(), rates);
        assert_eq!(rates.to_json()["above_200000"]["batch"]["input_uncached"], json!("0.0000025"));
    }

    #[test]
    fn a_number_keeps_all_its_digits() {
        let rates = Rates::from_text(r#"{"batch": {"input": 0.000000123456789012345678901234}}"#).unwrap();
        assert_eq!(rates.to_json(), json!({"batch": {"input_uncached": "0.000000123456789012345678901234"}}));
    }

    #[test]
    fn what_is_no_rate_is_named() {
        for (rates, message) in [
            (json!([]), "rates must be"),
            (json!({"inputs": 1}), "inputs"),
            (json!({"input": -1}), "rates.input"),
            (json!({"batch": {"input": "free"}}), "rates.input"),
        ] {
            assert!(Rates::from_json(&rates).unwrap_err().to_string().contains(message), "{rates}");
        }
    }
}
