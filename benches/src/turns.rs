//! Real text as events, where the folder with it is at hand: one llm_call for each turn of a conversation.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::{Context, Result};
use flate2::read::MultiGzDecoder;
use serde::Deserialize;
use serde_json::json;

/// Milliseconds between two turns.
const STEP: i64 = 20;

#[derive(Deserialize)]
struct Conversation {
    id: String,
    source: String,
    route: String,
    turns: Vec<Turn>,
}

/// Prompt and response; input and output tokens and the model where they are known.
#[derive(Deserialize)]
struct Turn {
    p: String,
    r: String,
    ti: Option<u64>,
    to: Option<u64>,
    m: Option<String>,
}

/// Every turn as an event, the newest at `newest` (milliseconds since 1970 UTC). What the text does not say is left out,
/// but for the model, which an llm_call must have.
pub fn events(path: &Path, newest: i64) -> Result<Vec<String>> {
    let conversations = read(path).with_context(|| format!("reading {}", path.display()))?;
    let count: usize = conversations.iter().map(|conversation| conversation.turns.len()).sum();
    let mut at = newest - STEP * count as i64;
    let mut lines = Vec::with_capacity(count);
    for (place, conversation) in conversations.iter().enumerate() {
        for (index, turn) in conversation.turns.iter().enumerate() {
            at += STEP;
            // Latency is not in the text; about what the answer would take to be written.
            let latency = 300 + turn.r.len() / 4;
            lines.push(
                json!({
                    "event_type": "llm_call", "timestamp": at, "environment": "prod",
                    "trace_id": format!("{}-{place}", conversation.id), "span_id": format!("turn-{index}"),
                    "conversation_id": conversation.id, "session_id": conversation.source,
                    "message_index": index, "route": conversation.route,
                    "attributes": { "llm_call": {
                        "model": turn.m.as_deref().unwrap_or("unknown"), "latency_ms": latency,
                        "input_tokens": turn.ti, "output_tokens": turn.to,
                        "input_messages": [{ "role": "user", "content": turn.p }],
                        "output_messages": [{ "role": "assistant", "content": turn.r }],
                    } },
                })
                .to_string(),
            );
        }
    }
    Ok(lines)
}

/// Prompts, each with its answer.
pub fn texts(path: &Path) -> Result<Vec<(String, String)>> {
    let conversations = read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(conversations.into_iter().flat_map(|all| all.turns).map(|turn| (turn.p, turn.r)).collect())
}

/// Prompts and answers as one text.
pub fn prose(path: &Path, bytes: usize) -> Result<String> {
    let mut text = String::with_capacity(bytes);
    for turn in read(path)?.into_iter().flat_map(|conversation| conversation.turns) {
        if text.len() >= bytes {
            break;
        }
        for part in [&turn.p, &turn.r] {
            text.push_str(part);
            text.push('\n');
        }
    }
    Ok(text)
}

fn read(path: &Path) -> Result<Vec<Conversation>> {
    let lines = BufReader::new(MultiGzDecoder::new(File::open(path)?)).lines();
    lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}
