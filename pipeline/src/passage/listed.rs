//! Passages in what a retrieval gave, in the shapes in which SDKs and vector stores have it.

use std::borrow::Cow;

use serde_json::Value;

/// Where an object has its list: Haystack and LangChain, Pinecone, Qdrant, LlamaIndex, Bedrock, OpenAI.
const LISTS: [&str; 11] = [
    "documents",
    "matches",
    "results",
    "result",
    "points",
    "hits",
    "nodes",
    "source_nodes",
    "retrievalResults",
    "retrieval_context",
    "data",
];

/// Where a passage has its text.
const TEXTS: [&str; 7] = ["page_content", "pageContent", "content", "text", "document", "passage", "chunk"];

/// What the text may be wrapped in: LlamaIndex's node, LangChain's serialized documents, the metadata of vector stores.
const WRAPPERS: [&str; 7] = ["node", "kwargs", "metadata", "payload", "entity", "fields", "_source"];

/// Objects within objects that are looked into.
const LEVELS: u8 = 4;

/// The passages in their order; one without a text is empty, and keeps its place. What is no list is one passage.
pub fn listed(output: &str) -> Vec<String> {
    let Some(value) = json(output) else { return vec![output.to_owned()] };
    let list = match &value {
        Value::Object(object) => LISTS.iter().find_map(|name| object.get(*name)?.as_array()),
        other => other.as_array(),
    };
    match list.map(Vec::as_slice) {
        // Chroma has a list for each question.
        Some([Value::Array(only)]) => only.iter().map(text).collect(),
        Some(list) => list.iter().map(text).collect(),
        None => vec![text(&value)],
    }
}

fn text(passage: &Value) -> String {
    text_within(passage, LEVELS).unwrap_or_default()
}

fn text_within(value: &Value, levels: u8) -> Option<String> {
    let levels = levels.checked_sub(1)?;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(parts) => {
            let texts: Vec<String> = parts.iter().filter_map(|part| text_within(part, levels)).collect();
            (!texts.is_empty()).then(|| texts.join("\n"))
        }
        Value::Object(object) => {
            TEXTS.iter().chain(&WRAPPERS).find_map(|name| text_within(object.get(*name)?, levels))
        }
        _ => None,
    }
}

/// A text, or the strings of its JSON without keys, each on a line of its own.
pub fn texts(content: &str) -> Cow<'_, str> {
    let Some(value) = json(content) else { return Cow::Borrowed(content) };
    let mut all = String::with_capacity(content.len());
    strings(&value, &mut all);
    Cow::Owned(all)
}

fn strings(value: &Value, to: &mut String) {
    match value {
        Value::String(text) => {
            to.push_str(text);
            to.push('\n');
        }
        Value::Array(elements) => elements.iter().for_each(|element| strings(element, to)),
        Value::Object(members) => members.values().for_each(|member| strings(member, to)),
        _ => {}
    }
}

/// None: it is text.
fn json(content: &str) -> Option<Value> {
    let content = content.trim_start();
    content.starts_with(['[', '{']).then(|| serde_json::from_str(content).ok())?
}
