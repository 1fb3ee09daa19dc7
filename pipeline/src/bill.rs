//! Who is billed for an event, and how much.

use crate::event::{CostSource, Event, Field, MOST_COUNTED, Status};
use crate::home::Home;
use crate::price::{ServiceTier, Totals, Usage, Usd};

/// Fills `billable`, the token classes that only the provider's usage object names, and the cost.
///
/// A successful call to a provider is billable; a failed one bills nothing, and what only repeats its children's usage
/// (an agent, a chain) is no call. What is not billable has no cost, so that sums never count a token twice.
pub fn bill(event: &mut Event, home: &Home) {
    let usage = usage(event);
    let repeats = event.repeats || matches!(event.text(Field::ObservationType), Some("agent" | "chain"));
    event.billable = event.event_type.is_provider_call() && event.status == Status::Ok && !repeats;
    event.cost_usd = usage.filter(|_| event.billable).and_then(|usage| cost(event, home, &usage));
    event.cost_source = match (&event.cost_usd, &event.reported_cost_usd) {
        (Some(_), _) => CostSource::Computed,
        (None, Some(_)) => CostSource::Reported,
        (None, None) => CostSource::None,
    };
}

/// Tokens that the model takes at once. None: not known.
pub fn context_window(event: &Event, home: &Home) -> Option<i64> {
    let provider = event.text(Field::Provider);
    let at = event.ts?;
    let window = models(event).find_map(|model| home.book.context_window(model, provider, at))?;
    i64::try_from(window).ok()
}

fn cost(event: &Event, home: &Home, usage: &Usage) -> Option<Usd> {
    let provider = event.text(Field::Provider);
    let at = event.ts?;
    models(event).find_map(|model| home.book.total(model, provider, at, usage))
}

/// The model that answered is what is paid for; the one asked for may be an alias or a deployment's name.
fn models<'e>(event: &'e Event) -> impl Iterator<Item = &'e str> {
    [Field::ResponseModel, Field::Model].into_iter().filter_map(|field| event.text(field))
}

/// The usage of a call: the event's own counts, completed from the provider's usage object if it has one.
fn usage(event: &mut Event) -> Option<Usage> {
    let from_provider = event
        .usage
        .and_then(|raw| serde_json::from_str(raw).ok())
        .and_then(|usage: serde_json::Value| Usage::from_json(&usage).ok());
    let tokens = &mut event.tokens;
    let own = [tokens.input, tokens.output, tokens.total];
    if let Some(usage) = from_provider
        && own.iter().all(Option::is_none)
    {
        let signed = |count: Option<u64>| {
            count.and_then(|count| i64::try_from(count).ok()).filter(|count| *count <= MOST_COUNTED)
        };
        tokens.input = signed(usage.reported_input);
        tokens.output = signed(usage.reported_output);
        tokens.total = signed(usage.reported_total);
        tokens.cached_input = tokens.cached_input.or(signed(usage.cache_read));
        tokens.cache_write = tokens.cache_write.or(signed(usage.cache_write_5m));
        tokens.cache_write_1h = tokens.cache_write_1h.or(signed(usage.cache_write_1h));
        tokens.reasoning = tokens.reasoning.or(signed(usage.reasoning));
        return Some(usage);
    }
    if own.iter().all(Option::is_none) {
        return None;
    }
    let unsigned = |count: Option<i64>| count.and_then(|count| u64::try_from(count).ok());
    Some(Usage::from_totals(&Totals {
        input: unsigned(tokens.input),
        output: unsigned(tokens.output),
        total: unsigned(tokens.total),
        cached_input: unsigned(tokens.cached_input),
        cache_write: unsigned(tokens.cache_write),
        cache_write_1h: unsigned(tokens.cache_write_1h),
        reasoning: unsigned(tokens.reasoning),
        audio_in: unsigned(tokens.audio_input),
        audio_out: unsigned(tokens.audio_output),
        image_in: unsigned(tokens.image_input),
        service_tier: event.service_tier.as_deref().and_then(ServiceTier::parse),
        ..Totals::default()
    }))
}
