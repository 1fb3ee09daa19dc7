//! What the spans of one call know of each other: two libraries see it, and each misses something.

use std::collections::HashMap;

use crate::event::{Event, Field, Status, Tokens};
use crate::translate::otel::spread::SPREAD;
use crate::translate::otel::twins::CallKind;

/// Scopes whose spans are a provider's SDK's own, one for each request.
const SDKS: [&str; 2] = ["com.anthropic.sdk", "mistralai_sdk"];

/// Candidates that are looked at for each span of an SDK: more don't run at once.
const MOST_AT_ONCE: usize = 256;

/// Clocks of one process may be read in another order than spans begin and end. Microseconds.
const SLACK: i64 = 1_000;

/// Fields of a call that its twin may know better.
const SHARED: [Field; 4] = [Field::Provider, Field::ResponseModel, Field::FinishReason, Field::Model];

type Map<K, V> = HashMap<K, V, ahash::RandomState>;

/// Completes the calls of a batch. `scopes` are the names of the libraries that made them.
pub fn complete(events: &mut [Event], scopes: &[&str]) {
    let names = answers(events, scopes);
    for (place, response_id) in names {
        if let Some(event) = events.get_mut(place) {
            event.set_text(Field::ResponseId, Some(response_id.into()));
        }
    }
    let mut groups: Map<&str, Vec<usize>> = Map::default();
    for (place, event) in events.iter().enumerate().filter(|(_, event)| is_call(event)) {
        if let Some(response_id) = event.text(Field::ResponseId) {
            groups.entry(response_id).or_default().push(place);
        }
    }
    let groups: Vec<Vec<usize>> = groups
        .into_values()
        .filter(|group| group.len() > 1)
        .flat_map(|group| at_once(events, group))
        .collect();
    for group in groups {
        share(events, &group, scopes);
    }
}

/// Parts of a group that ran at the same time: a server that gives every answer the same id makes no twins.
fn at_once(events: &[Event], group: Vec<usize>) -> Vec<Vec<usize>> {
    let mut timed: Vec<((i64, i64), usize)> =
        group.into_iter().filter_map(|place| Some((times(events.get(place)?)?, place))).collect();
    timed.sort_unstable();
    let mut parts: Vec<Vec<usize>> = Vec::new();
    let mut ended = i64::MIN;
    for ((start, end), place) in timed {
        match parts.last_mut().filter(|_| start <= ended.saturating_add(SLACK)) {
            Some(part) => part.push(place),
            None => parts.push(vec![place]),
        }
        ended = ended.max(end);
    }
    parts.retain(|part| part.len() > 1);
    parts
}

fn is_call(event: &Event) -> bool {
    let kind = CallKind::of(event.event_type, event.text(Field::Name));
    kind != CallKind::Other && event.status == Status::Ok
}

fn is_sdk(scopes: &[&str], place: usize) -> bool {
    scopes.get(place).is_some_and(|scope| SDKS.iter().any(|sdk| scope.starts_with(sdk)))
}

/// Start and end in microseconds since 1970 UTC.
fn times(event: &Event) -> Option<(i64, i64)> {
    let start = event.ts?;
    Some((start, start.saturating_add((event.latency_ms? * 1e3) as i64)))
}

/// Ids of answers for calls that name none, from the one that ran around an SDK's span, or in it: a library loses the id of
/// a stream, and some SDKs write none.
fn answers(events: &[Event], scopes: &[&str]) -> Vec<(usize, String)> {
    let mut known: Map<&str, usize> = Map::default();
    let (mut sdk_spans, mut others) = (Vec::new(), Vec::new());
    for (place, event) in events.iter().enumerate().filter(|(_, event)| is_call(event)) {
        let response_id = event.text(Field::ResponseId);
        if let Some(response_id) = response_id {
            *known.entry(response_id).or_default() += 1;
        }
        if let Some(times) = times(event) {
            let list = if is_sdk(scopes, place) { &mut sdk_spans } else { &mut others };
            list.push((times, place, response_id));
        }
    }
    let is_alone = |id: Option<&str>| id.is_none_or(|id| known.get(id) == Some(&1));
    sdk_spans.retain(|(_, _, id)| is_alone(*id));
    others.retain(|(_, _, id)| is_alone(*id));
    others.sort_unstable();
    let mut taken = vec![false; others.len()];
    let mut found = Vec::new();
    for ((start, end), place, id) in sdk_spans {
        let Some(sdk) = events.get(place) else { continue };
        let begun = others.partition_point(|((other, _), _, _)| *other <= start + SLACK);
        // The last that began before it is the nearest around it.
        let around = (begun.saturating_sub(MOST_AT_ONCE)..begun).rev().find(|&at| {
            let Some(&((_, other_end), other, other_id)) = others.get(at) else { return false };
            let free = taken.get(at) == Some(&false) && id.is_some() != other_id.is_some();
            free && other_end + SLACK >= end && events.get(other).is_some_and(|other| may_be(sdk, other))
        });
        if let Some(at) = around
            && let (Some(slot), Some((_, other, other_id))) = (taken.get_mut(at), others.get(at))
        {
            *slot = true;
            let nameless = if id.is_some() { *other } else { place };
            found.extend(id.or(*other_id).map(|id| (nameless, id.to_owned())));
        }
    }
    found
}

/// Nothing that both know differs.
fn may_be(sdk: &Event, other: &Event) -> bool {
    let same = |field: Field| match (sdk.text(field), other.text(field)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    let counted = match (sdk.tokens.output, other.tokens.output) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    counted && same(Field::Provider) && same(Field::Model)
}

/// Gives each of the spans of one call what any of them knows.
fn share(events: &mut [Event], group: &[usize], scopes: &[&str]) {
    let members = || group.iter().filter_map(|place| Some((*place, events.get(*place)?)));
    let fullness = |(place, event): &(usize, &Event)| {
        let (input, cache) = fullness(&event.tokens);
        // Of equals the SDK is right: libraries add up what a stream repeats.
        (input, cache, event.tokens.output.is_some(), is_sdk(scopes, *place))
    };
    let Some((_, fullest)) = members().max_by_key(fullness) else { return };
    let fullest = fullest.tokens;
    let first = |field: Field| members().find_map(|(_, event)| event.text(field)).map(str::to_owned);
    let shared: Vec<(Field, String)> =
        SHARED.into_iter().chain(SPREAD).filter_map(|field| Some((field, first(field)?))).collect();
    for place in group {
        let Some(event) = events.get_mut(*place) else { continue };
        let own = event.tokens;
        let (cache_write, cache_write_1h) = writes(&own, &fullest);
        event.tokens = Tokens {
            input: fullest.input.or(own.input),
            output: fullest.output.or(own.output),
            total: fullest
                .total
                .or(own.total.filter(|_| (own.input, own.output) == (fullest.input, fullest.output))),
            cached_input: fullest.cached_input.or(own.cached_input),
            cache_write,
            cache_write_1h,
            reasoning: fullest.reasoning.or(own.reasoning),
            audio_input: fullest.audio_input.or(own.audio_input),
            audio_output: fullest.audio_output.or(own.audio_output),
            image_input: fullest.image_input.or(own.image_input),
        };
        for (field, text) in &shared {
            if event.text(*field).is_none() {
                event.set_text(*field, Some(text.clone().into()));
            }
        }
    }
}

/// What was written to caches: as the fullest says, but divided by their time if any of the two divides it.
fn writes(own: &Tokens, fullest: &Tokens) -> (Option<i64>, Option<i64>) {
    let of = |tokens: &Tokens| (tokens.cache_write, tokens.cache_write_1h);
    let sum = |(short, hour): (Option<i64>, Option<i64>)| short.unwrap_or(0).checked_add(hour.unwrap_or(0));
    let divides = own.cache_write_1h.is_some() && sum(of(own)) == sum(of(fullest));
    if of(fullest) == (None, None) || divides { of(own) } else { of(fullest) }
}

/// Whoever saw more tokens, and more of them in a cache, saw the whole: nobody counts what is not there.
fn fullness(tokens: &Tokens) -> (Option<i64>, i64) {
    let cache = [tokens.cached_input, tokens.cache_write, tokens.cache_write_1h];
    (tokens.input, cache.iter().flatten().fold(0i64, |sum, count| sum.saturating_add(*count)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::EventType;

    fn call(ts: i64, latency_ms: f64, response_id: Option<&str>, tokens: Tokens) -> Event<'static> {
        let mut event = Event::new(1, EventType::LlmCall);
        (event.ts, event.latency_ms, event.tokens) = (Some(ts), Some(latency_ms), tokens);
        event.set_text(Field::ResponseId, response_id.map(|id| id.to_owned().into()));
        event
    }

    fn output(count: i64) -> Tokens {
        Tokens { output: Some(count), ..Tokens::default() }
    }

    #[test]
    fn each_span_of_a_call_knows_what_any_of_them_knows() {
        let whole =
            Tokens { input: Some(900), output: Some(9), cached_input: Some(800), ..Tokens::default() };
        let part = Tokens { input: Some(100), output: Some(9), cached_input: Some(0), ..Tokens::default() };
        let mut events = [call(0, 9.0, Some("msg_1"), whole), call(0, 9.0, Some("msg_1"), part)];
        events[1].set_text(Field::SessionId, Some("s".into()));
        complete(&mut events, &["com.anthropic.sdk.python", "library"]);
        assert_eq!((events[1].tokens, events[0].text(Field::SessionId)), (whole, Some("s")));
    }

    #[test]
    fn of_equals_the_sdk_is_right() {
        let of = |output| Tokens { input: Some(5), output: Some(output), ..Tokens::default() };
        let mut events = [call(0, 9.0, Some("msg_1"), of(11)), call(0, 9.0, Some("msg_1"), of(10))];
        complete(&mut events, &["library", "com.anthropic.sdk.python"]);
        assert_eq!(events.map(|event| event.tokens.output), [Some(10), Some(10)]);
    }

    #[test]
    fn calls_after_one_another_share_nothing_whatever_their_id() {
        let mut events =
            [call(0, 9.0, Some("chatcmpl-1"), output(9)), call(50_000, 9.0, Some("chatcmpl-1"), output(7))];
        complete(&mut events, &["library", "library"]);
        assert_eq!(events.map(|event| event.tokens.output), [Some(9), Some(7)]);
    }

    #[test]
    fn a_call_that_lost_its_id_has_that_of_the_sdks_span_in_it() {
        let scopes = ["library", "library", "com.anthropic.sdk.python", "library"];
        let mut events = [
            call(0, 50.0, None, output(7)),
            call(1_000, 40.0, None, output(9)),
            call(2_000, 30.0, Some("msg_1"), output(7)),
            call(3_000, 5.0, None, output(7)),
        ];
        complete(&mut events, &scopes);
        let ids: Vec<_> = events.iter().map(|event| event.text(Field::ResponseId)).collect();
        assert_eq!(ids, [Some("msg_1"), None, Some("msg_1"), None]);
    }

    #[test]
    fn an_sdks_span_without_an_id_is_of_the_call_around_it() {
        let mut events = [call(0, 50.0, Some("x-1"), output(7)), call(1_000, 40.0, None, output(7))];
        complete(&mut events, &["library", "mistralai_sdk_tracer"]);
        assert_eq!(events[1].text(Field::ResponseId), Some("x-1"));
    }

    #[test]
    fn an_answer_that_another_call_names_is_no_ones_else() {
        let mut events = [
            call(0, 50.0, None, output(7)),
            call(1_000, 30.0, Some("msg_1"), output(7)),
            call(1_000, 30.0, Some("msg_1"), output(7)),
        ];
        complete(&mut events, &["library", "com.anthropic.sdk.python", "library"]);
        assert_eq!(events[0].text(Field::ResponseId), None);
    }
}
