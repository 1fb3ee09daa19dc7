//! OpenAI's API, as far as the clients use it.

use axum::body::Body;
use axum::extract::State;
use axum::http::Response;
use serde_json::{Value, json};

use super::{
    Asked, EMBEDDING_MODEL, Memory, OPENAI_MODEL, Scene, Usage, events, json, pieces, scene, think, words,
};

const CREATED: u64 = 1_760_000_000;

pub async fn chat(memory: State<Memory>, asked: Asked) -> Response<Body> {
    let empty = Vec::new();
    let messages = asked["messages"].as_array().unwrap_or(&empty);
    let last = messages.iter().rev().find(|message| message["role"] == "user");
    let has_result = messages.iter().any(|message| message["role"] == "tool");
    let text = last.map(|message| words(&message["content"])).unwrap_or_default();
    let scene = without_cache_writes(scene(&text, has_result));
    let number = think(&memory, OPENAI_MODEL, &scene).await;
    if !scene.status.is_success() {
        return refused(&scene);
    }
    let id = format!("chatcmpl-{number}");
    let finish_reason = if scene.calls_tool { "tool_calls" } else { "stop" };
    if asked["stream"] == true {
        let wants_usage = asked["stream_options"]["include_usage"] == true;
        return events(chunks(&id, &scene, finish_reason, wants_usage));
    }
    let message = json!({
        "role": "assistant", "content": (!scene.calls_tool).then_some(scene.text), "refusal": null,
        "tool_calls": scene.calls_tool.then(|| vec![tool_call(&id)]),
    });
    let body = json!({
        "id": id, "object": "chat.completion", "created": CREATED, "model": OPENAI_MODEL, "system_fingerprint": "fp_1",
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": finish_reason }],
        "usage": usage(&scene.usage), "service_tier": "default",
    });
    json(scene.status, &body)
}

/// It caches by itself, and writing costs nothing.
fn without_cache_writes(mut scene: Scene) -> Scene {
    scene.usage.cache_write = 0;
    scene
}

fn tool_call(id: &str) -> Value {
    let function = json!({ "name": "get_weather", "arguments": "{\"city\":\"Oslo\"}" });
    json!({ "id": format!("call_{id}"), "type": "function", "function": function })
}

fn usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.input, "completion_tokens": usage.output, "total_tokens": usage.input + usage.output,
        "prompt_tokens_details": { "cached_tokens": usage.cached, "audio_tokens": 0 },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning, "audio_tokens": 0,
            "accepted_prediction_tokens": 0, "rejected_prediction_tokens": 0 },
    })
}

fn chunks(id: &str, scene: &Scene, finish_reason: &str, wants_usage: bool) -> Vec<String> {
    let chunk = |choices: Value, usage: Value| {
        let body = json!({
            "id": id, "object": "chat.completion.chunk", "created": CREATED, "model": OPENAI_MODEL,
            "system_fingerprint": "fp_1", "choices": choices, "usage": usage,
        });
        format!("data: {body}\n\n")
    };
    let choice = |delta: Value, finish_reason: Option<&str>| {
        chunk(
            json!([{ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason }]),
            Value::Null,
        )
    };
    let mut all = vec![choice(json!({ "role": "assistant", "content": "" }), None)];
    all.extend(pieces(scene.text).into_iter().map(|piece| choice(json!({ "content": piece }), None)));
    all.push(choice(json!({}), Some(finish_reason)));
    if wants_usage {
        all.push(chunk(json!([]), usage(&scene.usage)));
    }
    all.push("data: [DONE]\n\n".into());
    all
}

fn refused(scene: &Scene) -> Response<Body> {
    let kind = if scene.status.as_u16() == 429 { "rate_limit_error" } else { "invalid_request_error" };
    let message = format!("refused as asked: {}", scene.asked);
    json(scene.status, &json!({ "error": { "message": message, "type": kind, "param": null, "code": kind } }))
}

pub async fn responses(memory: State<Memory>, asked: Asked) -> Response<Body> {
    let last = asked["input"].as_array().and_then(|messages| {
        messages
            .iter()
            .rev()
            .find(|message| message["role"] == "user")
            .map(|message| words(&message["content"]))
    });
    let text = last.unwrap_or_else(|| words(&asked["input"]));
    let scene = without_cache_writes(scene(&text, false));
    let number = think(&memory, OPENAI_MODEL, &scene).await;
    if !scene.status.is_success() {
        return refused(&scene);
    }
    let item = format!("msg_{number}");
    let message = json!({
        "type": "message", "id": item, "status": "completed", "role": "assistant",
        "content": [{ "type": "output_text", "text": scene.text, "annotations": [], "logprobs": [] }],
    });
    let Usage { input, output, cached, reasoning, .. } = scene.usage;
    let body = json!({
        "id": format!("resp_{number}"), "object": "response", "created_at": CREATED, "status": "completed",
        "model": OPENAI_MODEL, "output": [message], "error": null, "incomplete_details": null, "instructions": null,
        "metadata": {}, "parallel_tool_calls": true, "temperature": 1.0, "top_p": 1.0, "tools": [], "tool_choice": "auto",
        "usage": { "input_tokens": input, "input_tokens_details": { "cached_tokens": cached }, "output_tokens": output,
            "output_tokens_details": { "reasoning_tokens": reasoning }, "total_tokens": input + output },
    });
    if asked["stream"] == true {
        events(response_events(&body, &item, scene.text))
    } else {
        json(scene.status, &body)
    }
}

fn response_events(done: &Value, item: &str, text: &str) -> Vec<String> {
    let mut begun = done.clone();
    begun["status"] = json!("in_progress");
    begun["output"] = json!([]);
    begun["usage"] = Value::Null;
    let place = json!({ "item_id": item, "output_index": 0, "content_index": 0 });
    let with_place = |mut event: Value| {
        event.as_object_mut().expect("an object").extend(place.as_object().expect("an object").clone());
        event
    };
    let empty_part = json!({ "type": "output_text", "text": "", "annotations": [], "logprobs": [] });
    let empty_item =
        json!({ "type": "message", "id": item, "status": "in_progress", "role": "assistant", "content": [] });
    let mut all = vec![
        json!({ "type": "response.created", "response": begun }),
        json!({ "type": "response.output_item.added", "output_index": 0, "item": empty_item }),
        with_place(json!({ "type": "response.content_part.added", "part": empty_part })),
    ];
    all.extend(pieces(text).into_iter().map(|piece| {
        with_place(json!({ "type": "response.output_text.delta", "delta": piece, "logprobs": [] }))
    }));
    all.push(with_place(json!({ "type": "response.output_text.done", "text": text, "logprobs": [] })));
    all.push(with_place(
        json!({ "type": "response.content_part.done", "part": done["output"][0]["content"][0] }),
    ));
    all.push(json!({ "type": "response.output_item.done", "output_index": 0, "item": done["output"][0] }));
    all.push(json!({ "type": "response.completed", "response": done }));
    let line = |(number, mut event): (usize, Value)| {
        event["sequence_number"] = json!(number);
        format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default())
    };
    all.into_iter().enumerate().map(line).collect()
}

pub async fn embeddings(memory: State<Memory>, asked: Asked) -> Response<Body> {
    let mut scene = scene("embed", false);
    scene.usage = Usage { input: 7, ..Usage::default() };
    think(&memory, EMBEDDING_MODEL, &scene).await;
    let count = asked["input"].as_array().map_or(1, Vec::len);
    // Three zeros: as float32 in base64, or as numbers.
    let vector =
        if asked["encoding_format"] == "base64" { json!("AAAAAAAAAAAAAAAA") } else { json!([0.0, 0.0, 0.0]) };
    let data: Vec<Value> = (0..count)
        .map(|index| json!({ "object": "embedding", "index": index, "embedding": vector }))
        .collect();
    let body = json!({ "object": "list", "data": data, "model": EMBEDDING_MODEL,
        "usage": { "prompt_tokens": 7, "total_tokens": 7 } });
    json(scene.status, &body)
}
