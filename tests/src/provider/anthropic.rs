//! Anthropic's messages. Its input_tokens are those that neither were in the cache nor are written to it.

use axum::body::Body;
use axum::extract::State;
use axum::http::Response;
use serde_json::{Value, json};

use super::{ANTHROPIC_MODEL, Asked, Memory, Scene, Usage, events, json, pieces, scene, think, words};

pub async fn messages(memory: State<Memory>, asked: Asked) -> Response<Body> {
    let empty = Vec::new();
    let messages = asked["messages"].as_array().unwrap_or(&empty);
    let parts = |message: &Value| message["content"].as_array().cloned().unwrap_or_default();
    let is_result = |part: &Value| part["type"] == "tool_result";
    let has_result = messages.iter().any(|message| parts(message).iter().any(is_result));
    let text = |message: &Value| Some(words(&message["content"])).filter(|text| !text.is_empty());
    let last = messages.iter().rev().filter(|message| message["role"] == "user").find_map(text);
    let mut scene = scene(&last.unwrap_or_default(), has_result);
    // It does not count thinking apart.
    scene.usage.reasoning = 0;
    let number = think(&memory, ANTHROPIC_MODEL, &scene).await;
    if !scene.status.is_success() {
        return refused(&scene);
    }
    let stop_reason = if scene.calls_tool { "tool_use" } else { "end_turn" };
    let content = if scene.calls_tool {
        json!({ "type": "tool_use", "id": format!("toolu_{number}"), "name": "get_weather", "input": { "city": "Oslo" } })
    } else {
        json!({ "type": "text", "text": scene.text })
    };
    let mut body = json!({
        "id": format!("msg_{number}"), "type": "message", "role": "assistant", "model": ANTHROPIC_MODEL,
        "content": [content], "stop_reason": stop_reason, "stop_sequence": null, "usage": usage(&scene.usage),
    });
    if asked["stream"] != true {
        return json(scene.status, &body);
    }
    body["content"] = json!([]);
    body["stop_reason"] = Value::Null;
    body["usage"]["output_tokens"] = json!(1);
    events(stream(body, &scene))
}

fn usage(usage: &Usage) -> Value {
    let Usage { input, output, cached, cache_write, .. } = *usage;
    json!({
        "input_tokens": input - cached - cache_write, "output_tokens": output, "cache_read_input_tokens": cached,
        "cache_creation_input_tokens": cache_write, "service_tier": "standard",
        "cache_creation": { "ephemeral_5m_input_tokens": cache_write, "ephemeral_1h_input_tokens": 0 },
    })
}

fn stream(message: Value, scene: &Scene) -> Vec<String> {
    let event =
        |body: Value| format!("event: {}\ndata: {body}\n\n", body["type"].as_str().unwrap_or_default());
    let mut all = vec![
        event(json!({ "type": "message_start", "message": message })),
        event(
            json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } }),
        ),
    ];
    all.extend(pieces(scene.text).into_iter().map(|piece| {
        event(json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": piece } }))
    }));
    all.push(event(json!({ "type": "content_block_stop", "index": 0 })));
    all.push(event(
        json!({ "type": "message_delta", "delta": { "stop_reason": "end_turn", "stop_sequence": null },
        "usage": { "output_tokens": scene.usage.output } }),
    ));
    all.push(event(json!({ "type": "message_stop" })));
    all
}

fn refused(scene: &Scene) -> Response<Body> {
    let kind = if scene.status.as_u16() == 429 { "rate_limit_error" } else { "invalid_request_error" };
    let message = format!("refused as asked: {}", scene.asked);
    json(
        scene.status,
        &json!({ "type": "error", "error": { "type": kind, "message": message }, "request_id": "req_1" }),
    )
}
