//! Who is billed for an event, and how much.

use crate::error::{Code, Reject};
use crate::event::{CostSource, Event, Field, MOST_COUNTED, Status, Tokens};
use crate::home::Home;
use crate::price::{Book, ServiceTier, Totals, Usage, Usd};
use crate::translate::json;

/// The attribute that holds the classes of a usage which the columns do not tell apart.
pub const CLASSES: &str = "observa_usage";

/// Fills `billable`, the token classes that only the provider's usage object names, and the cost.
///
/// A successful call to a provider is billable; a failed one bills nothing, and what only repeats its children's usage
/// (an agent, a chain) is no call. What is not billable has no cost, so that sums never count a token twice.
///
/// # Errors
/// Where the usage object has a count that is negative, or more than any call takes.
pub fn bill(event: &mut Event, home: &Home) -> Result<(), Reject> {
    let usage = usage(event)?;
    keep_classes(event, usage.as_ref());
    let repeats = event.repeats || matches!(event.text(Field::ObservationType), Some("agent" | "chain"));
    event.billable = event.event_type.is_provider_call() && event.status == Status::Ok && !repeats;
    event.cost_usd = usage.filter(|_| event.billable).and_then(|usage| cost(event, home, &usage));
    event.cost_source = cost_source(event.cost_usd.is_some(), event.reported_cost_usd.is_some());
    Ok(())
}

/// Another event is billed for the call.
pub fn bill_no_more(event: &mut Event) {
    event.repeats = true;
    event.billable = false;
    event.cost_usd = None;
    event.cost_source = cost_source(false, event.reported_cost_usd.is_some());
}

/// A stored event, as far as its cost goes.
pub struct Stored<'e> {
    /// The model that answered, and the one asked for.
    pub models: [Option<&'e str>; 2],
    pub provider: Option<&'e str>,
    /// Microseconds since 1970 UTC.
    pub at: i64,
    /// As the columns have them: what was written to a cache for an hour is in `cache_write`.
    pub tokens: Tokens,
    /// The attribute [`CLASSES`].
    pub classes: Option<&'e serde_json::Value>,
}

/// What a stored event costs by a book: with the prices that [`bill`] had, what [`bill`] said.
pub fn stored_cost(event: &Stored, book: &Book) -> Option<Usd> {
    let usage = event.classes.and_then(Usage::from_classes).or_else(|| usage_of_columns(&event.tokens))?;
    book.first_of(event.models, event.provider, event.at, |price| price.total(&usage))
}

pub fn cost_source(computed: bool, reported: bool) -> CostSource {
    match (computed, reported) {
        (true, _) => CostSource::Computed,
        (false, true) => CostSource::Reported,
        (false, false) => CostSource::None,
    }
}

/// Tokens that the model takes at once. None: not known, or of no use as those of the input are not.
pub fn context_window(event: &Event, home: &Home) -> Option<i64> {
    event.tokens.input?;
    let provider = event.text(Field::Provider);
    let at = event.ts?;
    let window = home.book.first_of(models(event), provider, at, |price| price.context_window())?;
    i64::try_from(window).ok()
}

fn cost(event: &Event, home: &Home, usage: &Usage) -> Option<Usd> {
    let provider = event.text(Field::Provider);
    let at = event.ts?;
    home.book.first_of(models(event), provider, at, |price| price.total(usage))
}

/// The model that answered is what is paid for; the one asked for may be an alias or a deployment's name.
fn models<'e>(event: &'e Event) -> [Option<&'e str>; 2] {
    [Field::ResponseModel, Field::Model].map(|field| event.text(field))
}

/// The usage of a call: the event's own counts, completed from the provider's usage object where the two don't contradict
/// each other.
fn usage(event: &mut Event) -> Result<Option<Usage>, Reject> {
    let object = event.usage.map(usage_of_object).transpose()?.flatten();
    let tier = event.service_tier.as_deref().and_then(ServiceTier::parse);
    let tokens = &mut event.tokens;
    if let Some(usage) = object.filter(|usage| agrees(tokens, usage)) {
        tokens.input = tokens.input.or(signed(usage.reported_input));
        tokens.output = tokens.output.or(signed(usage.reported_output));
        tokens.total = tokens.total.or(signed(usage.reported_total));
        tokens.cached_input = tokens.cached_input.or(signed(usage.cache_read));
        tokens.cache_write = tokens.cache_write.or(signed(usage.cache_write_5m));
        tokens.cache_write_1h = tokens.cache_write_1h.or(signed(usage.cache_write_1h));
        tokens.reasoning = tokens.reasoning.or(signed(usage.reasoning));
        let usage = Usage { service_tier: usage.service_tier.or(tier), ..usage };
        return Ok(Some(usage).filter(|usage| !usage.is_unknown()));
    }
    Ok(usage_of_columns(tokens).map(|usage| Usage { service_tier: tier, ..usage }))
}

/// None: it is no usage that could be read, and stays an attribute.
fn usage_of_object(raw: &str) -> Result<Option<Usage>, Reject> {
    let Ok(object) = serde_json::from_str::<serde_json::Value>(raw) else { return Ok(None) };
    let usage = Usage::from_json(&object);
    let in_range = match &usage {
        Ok(usage) => signed(Some(usage.largest_count())).is_some(),
        Err(error) => !error.is_out_of_range(),
    };
    if in_range {
        return Ok(usage.ok());
    }
    let message = format!("the counts of usage must be between 0 and {MOST_COUNTED}");
    Err(Reject::field(Code::OutOfRange, "usage", message))
}

/// Whether a usage object says nothing else than the event's own counts, where both speak.
fn agrees(own: &Tokens, usage: &Usage) -> bool {
    [
        (own.input, usage.reported_input),
        (own.output, usage.reported_output),
        (own.cached_input, usage.cache_read),
        (own.cache_write, usage.cache_write_5m),
        (own.cache_write_1h, usage.cache_write_1h),
        (own.reasoning, usage.reasoning),
        (own.audio_input, usage.input_audio),
        (own.audio_output, usage.output_audio),
        (own.image_input, usage.input_image),
    ]
    .into_iter()
    .all(|(own, theirs)| own.is_none() || own == signed(theirs))
}

/// A count as a column holds it; one that no sum of a bigint could hold is not known.
fn signed(count: Option<u64>) -> Option<i64> {
    count.and_then(|count| i64::try_from(count).ok()).filter(|count| *count <= MOST_COUNTED)
}

/// The usage that counts say by themselves. None: neither input nor output nor a total is known.
fn usage_of_columns(tokens: &Tokens) -> Option<Usage> {
    if [tokens.input, tokens.output, tokens.total].iter().all(Option::is_none) {
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
        ..Totals::default()
    }))
}

/// Keeps the classes of the usage where the columns would give others, so that the event can be priced again.
fn keep_classes(event: &mut Event, usage: Option<&Usage>) {
    let tokens = &event.tokens;
    let beside = [tokens.cache_write_1h, tokens.audio_input, tokens.audio_output, tokens.image_input];
    let attributes = event.attributes.as_deref().unwrap_or("{}");
    // An attribute of this name that is the client's own must not be taken for ours.
    let claimed = memchr::memmem::find(attributes.as_bytes(), CLASSES.as_bytes()).is_some();
    if event.usage.is_none() && event.service_tier.is_none() && beside.iter().all(Option::is_none) && !claimed
    {
        return;
    }
    let columns = Tokens {
        input: tokens.input,
        output: tokens.output,
        total: event.total_tokens(),
        cached_input: tokens.cached_input,
        cache_write: event.cache_write_tokens(),
        reasoning: tokens.reasoning,
        ..Tokens::default()
    };
    let told = match (usage_of_columns(&columns), usage) {
        (None, None) => true,
        (Some(told), Some(usage)) => told.is_priced_as(usage),
        _ => false,
    };
    if told && !claimed {
        return;
    }
    let classes = usage.map_or_else(|| "null".to_owned(), |usage| usage.to_classes().to_string());
    event.attributes = Some(json::with_member(attributes, CLASSES, &classes));
}

#[cfg(test)]
mod tests;
