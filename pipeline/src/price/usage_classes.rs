//! Usage as a JSON object of its disjoint classes: what a stored event keeps where its columns, which hold totals, do not
//! say all that was priced.

use serde_json::{Map, Value};

use super::rates::{ServiceTier, TokenClass};
use super::usage::Usage;

const TIER: &str = "service_tier";

impl Usage {
    /// Whether both are priced alike: the same classes and tier, whatever totals were reported beside.
    pub fn is_priced_as(&self, other: &Usage) -> bool {
        self.classes() == other.classes()
            && (self.cache_read_audio, self.cache_read_image)
                == (other.cache_read_audio, other.cache_read_image)
            && self.service_tier == other.service_tier
    }

    /// The known classes under their names ([`TokenClass::name`]), the parts of cached input, and `service_tier`.
    pub fn to_classes(&self) -> Value {
        let parts = [
            (TokenClass::CacheReadAudio, self.cache_read_audio),
            (TokenClass::CacheReadImage, self.cache_read_image),
        ];
        let counts = self.classes().into_iter().chain(parts);
        let mut json: Map<String, Value> = counts
            .filter_map(|(class, count)| Some((class.name().to_owned(), Value::from(count?))))
            .collect();
        if let Some(tier) = self.service_tier {
            json.insert(TIER.to_owned(), Value::from(tier.name()));
        }
        Value::Object(json)
    }

    /// Reads what [`Usage::to_classes`] wrote. `None`: it is not that.
    pub fn from_classes(classes: &Value) -> Option<Usage> {
        let object = classes.as_object()?;
        let mut usage = Usage::default();
        for (key, value) in object {
            if key == TIER {
                usage.service_tier = ServiceTier::parse(value.as_str()?);
                continue;
            }
            let (class, _, _) = TokenClass::ALL.iter().find(|(_, name, _)| name == key)?;
            *usage.count_mut(*class) = Some(value.as_u64()?);
        }
        Some(usage)
    }

    fn count_mut(&mut self, class: TokenClass) -> &mut Option<u64> {
        match class {
            TokenClass::InputUncached => &mut self.input_uncached,
            TokenClass::CacheRead => &mut self.cache_read,
            TokenClass::CacheWrite5m => &mut self.cache_write_5m,
            TokenClass::CacheWrite1h => &mut self.cache_write_1h,
            TokenClass::InputAudio => &mut self.input_audio,
            TokenClass::InputImage => &mut self.input_image,
            TokenClass::OutputText => &mut self.output_text,
            TokenClass::Reasoning => &mut self.reasoning,
            TokenClass::OutputAudio => &mut self.output_audio,
            TokenClass::OutputImage => &mut self.output_image,
            TokenClass::CacheReadAudio => &mut self.cache_read_audio,
            TokenClass::CacheReadImage => &mut self.cache_read_image,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_class_and_the_tier_survive_the_way_to_json_and_back() {
        let mut usage = Usage { service_tier: Some(ServiceTier::Flex), ..Usage::default() };
        for ((class, _, _), count) in TokenClass::ALL.into_iter().zip(1..) {
            *usage.count_mut(class) = Some(count);
        }
        let json = usage.to_classes();
        assert_eq!(json["cache_read_image"], json!(12));
        assert_eq!(Usage::from_classes(&json), Some(usage));
    }

    #[test]
    fn what_is_no_usage_is_none() {
        for json in [json!(null), json!({"input": 1}), json!({"reasoning": -1}), json!({"service_tier": 5})] {
            assert_eq!(Usage::from_classes(&json), None, "{json}");
        }
    }
}
