//! An event that is being filled, row by row of the table of aliases.

use std::borrow::Cow;

use bigdecimal::Zero;

use crate::decode::otlp::{Attributes, Span, Value};
use crate::event::{Content, Event, Field};
use crate::price::Usd;
use crate::translate::otel::aliases::{self, Alias, Form, Target};
use crate::translate::otel::hits::Hits;
use crate::translate::otel::kind::Kind;
use crate::translate::otel::usage::Reported;
use crate::translate::otel::values::{cost_of_object, is_id, money, parsed, short_text};
use crate::translate::otel::written::Fate;
use crate::translate::otel::{messages, repr, said, stored, unflatten};

pub(super) struct Filling<'l, 's> {
    pub(super) event: Event<'l>,
    pub(super) kind: Kind,
    pub(super) span: &'l Span<'l>,
    pub(super) filled: Vec<Target>,
    pub(super) fates: Vec<Fate>,
    pub(super) content_from: Vec<Cow<'l, str>>,
    /// Of a stored span: its input, its output is in a column already.
    pub(super) held: (bool, bool),
    pub(super) reported: Reported<'s>,
    pub(super) input_cost: Option<Usd>,
    pub(super) output_cost: Option<Usd>,
    pub(super) system: Option<String>,
    pub(super) tool_calls: Option<Content<'l>>,
    pub(super) level: Option<Cow<'l, str>>,
    pub(super) tags: Option<Cow<'l, str>>,
}

impl<'l, 's> Filling<'l, 's> {
    pub(super) fn new(event: Event<'l>, kind: Kind, span: &'l Span<'l>, reported: Reported<'s>) -> Self {
        Filling {
            event,
            kind,
            span,
            filled: Vec::with_capacity(24),
            fates: fates(span),
            content_from: span.moved.clone(),
            held: stored::held(&span.moved),
            reported,
            input_cost: None,
            output_cost: None,
            system: None,
            tool_calls: None,
            level: None,
            tags: None,
        }
    }
}

/// Of a stored span, what is in a column already is not there to be kept.
fn fates(span: &Span) -> Vec<Fate> {
    let fate = |(key, value): &(Cow<str>, Value)| match value {
        Value::Empty if span.moved.contains(key) => Fate::Moved,
        _ => Fate::Kept,
    };
    span.attributes.iter().map(fate).collect()
}

impl<'l> Filling<'l, '_> {
    /// Reads attributes row by row. `own`: they are the span's, whose content need not be kept twice.
    pub(super) fn fill(&mut self, attributes: &'l Attributes<'l>, hits: &Hits, own: bool) {
        let mut rest = hits.aliases.as_slice();
        while let Some((row, place)) = rest.first().copied() {
            let same = rest.iter().take_while(|(other, _)| *other == row).count();
            let (family, after) = rest.split_at(same);
            rest = after;
            let Some(alias) = aliases::alias(row) else { continue };
            if !alias.only.is_empty() && !alias.only.contains(&self.kind) {
                continue;
            }
            match alias.target {
                Target::Input(Form::Indexed) | Target::Output(Form::Indexed) => {
                    self.indexed(alias, attributes, family, own);
                }
                Target::Embeddings => self.embeddings(attributes, family, own),
                _ => {
                    // Of equal keys the last counts.
                    let place = family.last().map_or(place, |(_, last)| *last);
                    let Some((key, value)) = attributes.get(place) else { continue };
                    if !self.is_filled(alias.target) && self.set(alias, key, value, place, own) {
                        self.filled.push(alias.target);
                    }
                }
            }
        }
    }

    fn is_filled(&self, target: Target) -> bool {
        match target {
            Target::Input(_) => self.held.0 || self.event.input.is_some(),
            Target::Output(Form::ToolCalls) => self.tool_calls.is_some(),
            Target::Output(_) => self.held.1 || self.event.output.is_some(),
            Target::Cost | Target::CostUnlessZero | Target::CostObject => {
                self.event.reported_cost_usd.is_some()
            }
            Target::TtftSeconds | Target::TtftMilliseconds | Target::FirstToken => {
                self.event.ttft_ms.is_some()
            }
            // Objects fill what is missing, each a little more.
            Target::Usage | Target::Answer | Target::ProviderMetadata | Target::Metadata | Target::Vector => {
                false
            }
            target => self.filled.contains(&target),
        }
    }

    /// False where the value has no meaning for the target.
    fn set(&mut self, alias: &Alias, key: &'l str, value: &'l Value<'l>, place: usize, own: bool) -> bool {
        match alias.target {
            Target::Text(field) => match short_text(field, value) {
                // An object that names the model may come before.
                Some(text) if self.event.text(field).is_none() => self.event.set_text(field, Some(text)),
                Some(_) => {}
                None => return false,
            },
            Target::Count(which) => return self.reported.count(which, value.number()),
            Target::Usage => {
                let printed = || repr::parse(&value.text()?);
                parsed(value).or_else(printed).into_iter().for_each(|usage| self.reported.object(&usage));
            }
            Target::DisjointUsage => {
                parsed(value).into_iter().for_each(|usage| self.reported.disjoint_object(&usage));
            }
            Target::ProviderMetadata => {
                parsed(value).into_iter().for_each(|metadata| self.reported.provider_metadata(&metadata));
            }
            Target::Answer => self.answer(value),
            Target::TtftSeconds => {
                self.event.ttft_ms = value.number().map(|s| s * 1e3).filter(|ms| *ms >= 0.0)
            }
            Target::TtftMilliseconds => self.event.ttft_ms = value.number().filter(|ms| *ms >= 0.0),
            Target::FirstToken => self.event.ttft_ms = self.since_start(value),
            Target::Cost => self.event.reported_cost_usd = money(value),
            Target::CostUnlessZero => {
                self.event.reported_cost_usd = money(value).filter(|cost| !cost.is_zero());
            }
            Target::CostObject => self.event.reported_cost_usd = cost_of_object(value),
            Target::InputCost => self.input_cost = money(value),
            Target::OutputCost => self.output_cost = money(value),
            Target::System(form) => {
                let Some(read) = messages::read(form, value, "system") else { return false };
                self.system = Some(read.content.as_str().to_owned());
                self.moved(key, place, read.whole && own);
            }
            Target::Input(Form::Events) | Target::Output(Form::Events) => {
                let Some((input, output)) = said::of_events(value) else { return false };
                self.event.input = input.map(|input| Content::Json(Cow::Owned(input)));
                if self.event.output.is_none() {
                    self.event.output = output.map(|output| Content::Json(Cow::Owned(output)));
                }
                self.moved(key, place, own);
            }
            Target::Input(form) => {
                let Some(read) = messages::read(form, value, "user") else { return false };
                self.event.input = Some(read.content);
                self.moved(key, place, read.whole && own);
            }
            // The numbers of a vector say nothing to anyone.
            Target::Output(_) if self.kind == Kind::Embedding => return false,
            Target::Output(form) => {
                let Some(read) = messages::read(form, value, "assistant") else { return false };
                if form == Form::ToolCalls { &mut self.tool_calls } else { &mut self.event.output }
                    .replace(read.content);
                self.moved(key, place, read.whole && own);
            }
            Target::ErrorMessage => self.event.error_message = value.text().filter(|text| !text.is_empty()),
            Target::Level => self.level = value.text(),
            Target::ServiceTier => self.event.service_tier = value.text(),
            Target::Tags => self.tags = value.text(),
            Target::Metadata => self.metadata(value),
            Target::Dimensions => self.event.facts.dimensions = value.number().map(|number| number as i64),
            Target::Vector => self.vector(value, place, own),
            Target::Streaming => self.reported.streaming = value.boolean().unwrap_or_default(),
            Target::Parameters => {
                let model =
                    parsed(value).and_then(|parameters| Some(parameters.get("model")?.as_str()?.to_owned()));
                if self.event.text(Field::Model).is_none() {
                    self.event.set_text(Field::Model, model.filter(|model| is_id(model)).map(Cow::Owned));
                }
            }
            Target::ModelPath => self.model_path(value),
            Target::VectorAnswer => self.vector_answer(value, place, own),
            Target::Embeddings => return false,
        }
        true
    }

    /// Content that is in a column is not kept among the attributes as well; that it was there is.
    fn moved(&mut self, key: &'l str, place: usize, whole: bool) {
        if whole && let Some(fate) = self.fates.get_mut(place) {
            *fate = Fate::Moved;
            self.content_from.push(Cow::Borrowed(key));
        }
    }

    fn indexed(&mut self, alias: &Alias, attributes: &'l Attributes<'l>, hits: &[(u16, usize)], own: bool) {
        let is_input = matches!(alias.target, Target::Input(_));
        let members = || {
            hits.iter().filter_map(|(_, place)| {
                let (key, value) = attributes.get(*place)?;
                Some((key.get(alias.key.len() - 1..)?, value))
            })
        };
        if self.kind == Kind::Retrieval && !is_input {
            self.event.facts.results = i64::try_from(unflatten::length(members().map(|(path, _)| path))).ok();
        }
        if self.is_filled(alias.target) {
            return;
        }
        let role = match self.kind {
            Kind::Retrieval | Kind::VectorDb => None,
            _ => Some(if is_input { "user" } else { "assistant" }),
        };
        let list = Content::Json(Cow::Owned(unflatten::list(members(), role)));
        if is_input { &mut self.event.input } else { &mut self.event.output }.replace(list);
        if own {
            for (_, place) in hits {
                if let Some(fate) = self.fates.get_mut(*place) {
                    *fate = Fate::Moved;
                }
            }
            self.content_from.push(Cow::Borrowed(alias.key));
        }
    }
}
