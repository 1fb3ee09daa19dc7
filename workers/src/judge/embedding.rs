//! Embeddings: texts that wait for the same model go in one call. https://platform.openai.com/docs/api-reference/embeddings

use std::time::Instant;

use serde_json::{Map, Value, json};

use super::attempt::Ended;
use super::call::{Call, Fate, Trouble};
use super::chat;
use super::gate::Effect;
use super::habits::Habits;
use super::report::{Report, Stub, Usage};
use super::task::{Task, Work};

/// Texts of one call, and their bytes, if they are more than one.
pub const MOST_TEXTS: usize = 64;
pub const MOST_BYTES: usize = 128 * 1_024;

/// Of one text: models take some 8,000 tokens, and refuse what is longer.
const TEXT_BYTES: usize = 24 * 1_024;

/// The part of a task's text that is sent.
pub fn text(task: &Task) -> &str {
    let Work::Embedding { text } = &task.work else { return "" };
    let mut end = text.len().min(TEXT_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// `tasks` are of one model, and not none.
pub async fn embed(tasks: Vec<Task>, mut call: Call) -> Ended {
    let started = Instant::now();
    let model = tasks.first().map(|task| task.model.clone()).unwrap_or_default();
    let dimensions = tasks.first().and_then(|task| task.endpoint.dimensions);
    let answered = call.ask(|habits| body(&model, &tasks, habits, dimensions)).await;
    let read = match answered {
        Ok(answer) => read(&answer, tasks.len(), dimensions),
        Err(trouble) => Reading { usage: Usage::default(), model: None, vectors: Err(trouble) },
    };
    if let Err(Trouble { fate: Fate::Refused, effect, .. }) = &read.vectors
        && tasks.len() > 1
    {
        // One of them may be what it does not take.
        return Ended { reports: Vec::new(), alone: tasks, effect: effect.clone(), habits: None };
    }
    call.spent.add(read.usage);
    let weights: Vec<usize> = tasks.iter().map(|task| text(task).len()).collect();
    let latency_ms = started.elapsed().as_secs_f64() * 1e3;
    let effect = read.vectors.as_ref().err().map_or(Effect::Well, |trouble| trouble.effect.clone());
    let habits = read.vectors.is_ok().then_some(call.habits);
    let mut vectors = read.vectors.map(Vec::into_iter);
    let reports = tasks
        .iter()
        .zip(divide(call.spent, &weights))
        .map(|(task, usage)| {
            let stub = Stub::of(task);
            let report = match &mut vectors {
                Ok(vectors) => Report { embedding: vectors.next(), ..stub.done() },
                Err(trouble) => trouble.report(&stub),
            };
            Report { usage: usage.told(), model: read.model.clone(), latency_ms, ..report }
        })
        .collect();
    Ended { reports, alone: Vec::new(), effect, habits }
}

fn body(model: &str, tasks: &[Task], habits: Habits, dimensions: Option<u32>) -> Vec<u8> {
    let texts: Vec<&str> = tasks.iter().map(text).collect();
    let mut body = json!({"model": model, "input": texts});
    if let Some(dimensions) = dimensions.filter(|_| habits.dimensions) {
        body["dimensions"] = dimensions.into();
    }
    body.to_string().into_bytes()
}

struct Reading {
    usage: Usage,
    model: Option<String>,
    vectors: Result<Vec<Vec<f32>>, Trouble>,
}

fn read(body: &[u8], texts: usize, dimensions: Option<u32>) -> Reading {
    let Ok(answer) = serde_json::from_slice::<Map<String, Value>>(body) else {
        let vectors = Err(Trouble::passing("the answer is no JSON"));
        return Reading { usage: Usage::default(), model: None, vectors };
    };
    let model = answer.get("model").and_then(Value::as_str).filter(|model| !model.is_empty());
    Reading {
        usage: chat::usage(&answer),
        model: model.map(|model| super::verdict::shortened(model, 200)),
        vectors: vectors(&answer, texts, dimensions).map_err(Trouble::passing),
    }
}

/// In the texts' order.
fn vectors(
    answer: &Map<String, Value>,
    texts: usize,
    dimensions: Option<u32>,
) -> Result<Vec<Vec<f32>>, &'static str> {
    const COUNT: &str = "the answer has not one embedding for each text";
    let data = answer.get("data").and_then(Value::as_array).ok_or("the answer has no embeddings")?;
    if data.len() != texts {
        return Err(COUNT);
    }
    let mut found: Vec<Option<Vec<f32>>> = vec![None; texts];
    for one in data {
        let index = one.get("index").and_then(Value::as_u64).and_then(|index| usize::try_from(index).ok());
        let place = index.and_then(|index| found.get_mut(index)).ok_or(COUNT)?;
        let numbers = one.get("embedding").and_then(Value::as_array).ok_or("an embedding is no array")?;
        let vector: Option<Vec<f32>> = numbers.iter().map(finite).collect();
        *place = Some(vector.ok_or("an embedding has something else than numbers")?);
    }
    let found: Vec<Vec<f32>> = found.into_iter().collect::<Option<_>>().ok_or(COUNT)?;
    let expected = match dimensions.and_then(|dimensions| usize::try_from(dimensions).ok()) {
        Some(expected) => expected,
        None => found.first().map_or(0, Vec::len),
    };
    if expected == 0 || found.iter().any(|vector| vector.len() != expected) {
        return Err("an embedding has another number of dimensions");
    }
    Ok(found)
}

#[expect(clippy::cast_possible_truncation, reason = "an embedding has no more than seven digits")]
fn finite(value: &Value) -> Option<f32> {
    value.as_f64().map(|number| number as f32).filter(|number| number.is_finite())
}

/// A call's usage by the length of the texts: the parts make the whole. The call itself is the first one's.
fn divide(whole: Usage, weights: &[usize]) -> Vec<Usage> {
    let all = weights.iter().sum::<usize>().max(1) as i128;
    let (mut weight, mut before) = (0_i128, Usage::default());
    let share =
        |number: i64, weight: i128| i64::try_from(i128::from(number) * weight / all).unwrap_or_default();
    let last = weights.len().saturating_sub(1);
    weights
        .iter()
        .enumerate()
        .map(|(place, own)| {
            weight += *own as i128;
            let upto = if place == last {
                whole
            } else {
                Usage {
                    input: share(whole.input, weight),
                    output: share(whole.output, weight),
                    cached_input: share(whole.cached_input, weight),
                    calls: whole.calls,
                }
            };
            let part = Usage {
                input: upto.input - before.input,
                output: upto.output - before.output,
                cached_input: upto.cached_input - before.cached_input,
                calls: upto.calls - before.calls,
            };
            before = upto;
            part
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(answer: Value, texts: usize, dimensions: Option<u32>) -> Result<Vec<Vec<f32>>, &'static str> {
        vectors(answer.as_object().unwrap(), texts, dimensions)
    }

    #[test]
    fn embeddings_are_matched_by_their_index() {
        let answer =
            json!({"data": [{"index": 1, "embedding": [3, 4.5]}, {"index": 0, "embedding": [1, 2]}]});
        assert_eq!(found(answer.clone(), 2, None), Ok(vec![vec![1.0, 2.0], vec![3.0, 4.5]]));
        assert_eq!(found(answer, 2, Some(2)), Ok(vec![vec![1.0, 2.0], vec![3.0, 4.5]]));
    }

    #[test]
    fn what_is_no_embedding_for_each_text_is_told() {
        let one = |index: usize, embedding: Value| json!({"index": index, "embedding": embedding});
        for (data, dimensions, expected) in [
            (json!([one(0, json!([1]))]), None, "the answer has not one embedding for each text"),
            (
                json!([one(0, json!([1])), one(0, json!([1]))]),
                None,
                "the answer has not one embedding for each text",
            ),
            (
                json!([one(0, json!([1])), one(7, json!([1]))]),
                None,
                "the answer has not one embedding for each text",
            ),
            (
                json!([one(0, json!([1])), one(1, json!([1, 2]))]),
                None,
                "an embedding has another number of dimensions",
            ),
            (
                json!([one(0, json!([])), one(1, json!([]))]),
                None,
                "an embedding has another number of dimensions",
            ),
            (
                json!([one(0, json!([1])), one(1, json!([1]))]),
                Some(2),
                "an embedding has another number of dimensions",
            ),
            (
                json!([one(0, json!([1])), one(1, json!(["1"]))]),
                None,
                "an embedding has something else than numbers",
            ),
            (
                json!([one(0, json!([1])), one(1, json!([1e300]))]),
                None,
                "an embedding has something else than numbers",
            ),
            (json!([one(0, json!([1])), one(1, json!("AACAPw=="))]), None, "an embedding is no array"),
            (json!(null), None, "the answer has no embeddings"),
        ] {
            assert_eq!(found(json!({"data": data}), 2, dimensions), Err(expected), "{data}");
        }
    }

    proptest! {
        #[test]
        fn the_parts_of_a_usage_make_the_whole(
            input in 0_i64..i64::MAX, cached_input in 0_i64..1_000, calls in 1_i32..4,
            weights in proptest::collection::vec(0_usize..1_000_000, 1..64)
        ) {
            let whole = Usage { input, output: 0, cached_input, calls };
            let parts = divide(whole, &weights);
            prop_assert_eq!(parts.len(), weights.len());
            prop_assert!(parts.iter().all(|part| part.input >= 0 && part.cached_input >= 0));
            let sum = parts.iter().fold(Usage::default(), |mut sum, part| { sum.add(*part); sum });
            prop_assert_eq!(sum, whole);
        }
    }
}
