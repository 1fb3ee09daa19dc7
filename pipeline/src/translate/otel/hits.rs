//! The attributes of a span that the tables know, and what they say the span is.

use crate::decode::otlp::{Attributes, Span};
use crate::translate::otel::aliases;
use crate::translate::otel::found;
use crate::translate::otel::kind::{Kind, MARKERS, kind_of};
use crate::translate::otel::usage::SdkNames;

pub struct Hits {
    /// (row of the aliases, attribute), in the order of the rows.
    pub aliases: Vec<(u16, usize)>,
    markers: Vec<(u16, usize)>,
    pub sdk_names: SdkNames,
    /// The cache is counted under a name of OpenTelemetry's current conventions.
    pub current_names: bool,
}

impl Hits {
    pub fn find(attributes: &Attributes) -> Hits {
        let mut hits = Hits {
            aliases: Vec::with_capacity(24),
            markers: Vec::with_capacity(8),
            sdk_names: SdkNames::None,
            current_names: false,
        };
        for (place, (key, _)) in attributes.iter().enumerate() {
            if let Some(known) = aliases::known(key) {
                hits.aliases.extend(known.aliases.iter().map(|row| (*row, place)));
                // The marker `name` is the span's own.
                hits.markers.extend(known.markers.iter().filter(|_| key != "name").map(|row| (*row, place)));
            }
            hits.current_names |= key.starts_with("gen_ai.usage.cache_") && key.ends_with(".input_tokens");
            hits.sdk_names = match key.strip_prefix("ai.usage.") {
                Some("promptTokens" | "completionTokens") => SdkNames::Old,
                Some(name) if name.starts_with("inputTokenDetails.") => SdkNames::New,
                Some("inputTokens") if hits.sdk_names == SdkNames::None => SdkNames::NewWithoutDetails,
                _ => hits.sdk_names,
            };
        }
        hits.aliases.sort_unstable();
        hits.markers.sort_unstable();
        hits
    }

    /// What the span is, by the first marker that says it, else by what it found.
    pub fn kind(&self, span: &Span) -> Kind {
        let mut hits = self.markers.iter().peekable();
        for (row, marker) in (0..).zip(MARKERS) {
            let mut values = Vec::new();
            while let Some((_, place)) = hits.next_if(|(hit, _)| *hit <= row) {
                values.push(*place);
            }
            if marker.key == "name"
                && let Some(kind) = kind_of(marker.tests, &span.name)
            {
                return kind;
            }
            let decided = values.into_iter().rev().find_map(|place| {
                let (_, value) = span.attributes.get(place)?;
                kind_of(marker.tests, &value.text().unwrap_or_default())
            });
            if let Some(kind) = decided {
                return kind;
            }
        }
        if span.events.iter().any(found::is_passage) { Kind::VectorDb } else { Kind::Span }
    }
}
