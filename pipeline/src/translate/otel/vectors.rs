//! Embedding vectors: how many, of how many dimensions. Their numbers say nothing to anyone and are not kept.

use std::borrow::Cow;

use crate::decode::otlp::{Attributes, Value};
use crate::event::Content;
use crate::translate::json::{self, Object};
use crate::translate::otel::filling::Filling;
use crate::translate::otel::written::{Fate, Members};

impl<'l> Filling<'l, '_> {
    /// OpenInference's `embedding.embeddings.N.embedding.text` and `.vector`.
    pub(super) fn embeddings(&mut self, attributes: &'l Attributes<'l>, hits: &[(u16, usize)], own: bool) {
        let mut texts = Vec::new();
        for (_, place) in hits {
            let Some((key, value)) = attributes.get(*place) else { continue };
            if key.ends_with(".vector") {
                self.vector(value, *place, own);
            } else if key.ends_with(".text") {
                texts.push((*place, value));
            }
        }
        if self.event.input.is_some() || texts.is_empty() {
            return;
        }
        let mut list = String::from("[");
        for (place, value) in texts {
            if list.len() > 1 {
                list.push(',');
            }
            value.write(&mut list);
            if let Some(fate) = self.fates.get_mut(place).filter(|_| own) {
                *fate = Fate::Moved;
            }
        }
        list.push(']');
        self.event.input = Some(Content::Json(Cow::Owned(list)));
        if own {
            self.content_from.push(Cow::Borrowed("embedding.embeddings.*.embedding.text"));
        }
    }

    /// Of a vector, or a list of vectors, which may be JSON texts, only the sizes stay.
    pub(super) fn vector(&mut self, value: &Value, place: usize, own: bool) {
        let Some(text) = value.text() else { return };
        if self.is_size(&text) {
            return;
        }
        let elements = json::elements(&text).unwrap_or_default();
        let first = elements.first().map(|raw| json::string(raw).unwrap_or(Cow::Borrowed(raw)));
        let (vectors, dimensions) = match first.filter(|first| first.trim_start().starts_with('[')) {
            Some(first) => (elements.len(), json::elements(&first).map_or(0, |numbers| numbers.len())),
            None => (1, elements.len()),
        };
        let dimensions = i64::try_from(dimensions).unwrap_or_default();
        self.event.facts.vector_length = Some(dimensions).filter(|dimensions| *dimensions > 0);
        if let Some(fate) = self.fates.get_mut(place).filter(|_| own) {
            *fate = Fate::Replaced(format!("{{\"vectors\":{vectors},\"dimensions\":{dimensions}}}"));
        }
    }

    /// A provider's answer to a request for embeddings: `{"data": [{"embedding": [...]}]}`, or of any other shape.
    pub(super) fn vector_answer(&mut self, value: &Value, place: usize, own: bool) {
        let Some(text) = value.text() else { return };
        if self.is_size(&text) {
            return;
        }
        let object = Object::parse(&text).unwrap_or_default();
        let vectors = ["data", "embeddings"]
            .iter()
            .find_map(|key| json::elements(object.get(key)?))
            .unwrap_or_default();
        let first = vectors
            .first()
            .map(|raw| Object::parse(raw).ok().and_then(|one| one.get("embedding")).unwrap_or(raw));
        let dimensions = first.and_then(json::elements).map_or(0, |numbers| numbers.len());
        if dimensions > 0 {
            self.event.facts.vector_length = i64::try_from(dimensions).ok();
        }
        let mut short = Members::with_capacity(128);
        short.key("vectors").push_str(&vectors.len().to_string());
        short.key("dimensions").push_str(&dimensions.to_string());
        // The rest of the answer is small, and a later translator may want it.
        for key in ["id", "model", "usage"] {
            if let Some(raw) = object.get(key) {
                short.key(key).push_str(raw);
            }
        }
        let short = short.finish();
        if let Some(fate) = self.fates.get_mut(place).filter(|_| own) {
            *fate = Fate::Replaced(short);
        }
    }

    /// What stands in the place of vectors that were stored before.
    fn is_size(&mut self, text: &str) -> bool {
        let object = Object::parse(text).unwrap_or_default();
        let (Some(_), Some(dimensions)) = (object.get("vectors"), object.get("dimensions")) else {
            return false;
        };
        self.event.facts.vector_length = dimensions.parse().ok().filter(|dimensions| *dimensions > 0);
        true
    }
}
