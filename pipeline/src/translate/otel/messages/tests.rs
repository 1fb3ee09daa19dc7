use serde_json::json;

use super::*;

fn parsed(form: Form, text: &str, role: &str) -> serde_json::Value {
    let value = Value::plain(text);
    let read = read(form, &value, role).unwrap();
    match read.content {
        Content::Json(json) => serde_json::from_str(&json).unwrap(),
        Content::Text(text) => json!(text),
    }
}

#[test]
fn a_list_of_messages_stays_as_it_is_byte_for_byte() {
    let text = r#"[ {"role":"user", "parts":[{"type":"text","content":"hi"}]} ]"#;
    let value = Value::plain(text);
    let read = read(Form::Messages, &value, "user").unwrap();
    assert_eq!((read.content, read.whole), (Content::Json(Cow::Borrowed(text)), true));
}

#[test]
fn a_text_is_a_message_of_its_role() {
    assert_eq!(
        parsed(Form::Messages, "hi [there]", "user"),
        json!([{"role": "user", "content": "hi [there]"}])
    );
    assert_eq!(parsed(Form::Text, "hi", "assistant"), json!([{"role": "assistant", "content": "hi"}]));
    assert_eq!(parsed(Form::Messages, r#""[{\"role\":\"user\"}]""#, "user"), json!([{"role": "user"}]));
    assert_eq!(
        parsed(Form::Messages, r#"["a","b"]"#, "user"),
        json!([{"role":"user","content":"a"},{"role":"user","content":"b"}])
    );
}

#[test]
fn the_ai_sdks_prompt_is_messages() {
    let expected = json!([{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]);
    assert_eq!(parsed(Form::AiPrompt, r#"{"system":"be brief","prompt":"hi"}"#, "user"), expected);
    let messages = r#"{"messages":[{"role":"user","content":"hi"}]}"#;
    assert_eq!(parsed(Form::AiPrompt, messages, "user"), json!([{"role": "user", "content": "hi"}]));
}

#[test]
fn answers_of_providers_are_messages() {
    let openai =
        r#"{"id":"x","choices":[{"finish_reason":"stop","message":{"role":"assistant","content":"hi"}}]}"#;
    let expected = json!([{"role": "assistant", "content": "hi", "finish_reason": "stop"}]);
    assert_eq!(parsed(Form::Blob, openai, "assistant"), expected);
    let anthropic =
        r#"{"id":"x","role":"assistant","content":[{"type":"text","text":"hi"}],"stop_reason":"end_turn"}"#;
    let expected = json!([{"role": "assistant", "content": [{"type": "text", "text": "hi"}], "finish_reason": "end_turn"}]);
    assert_eq!(parsed(Form::Blob, anthropic, "assistant"), expected);
    let gemini =
        r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"hi"}]},"finishReason":"STOP"}]}"#;
    let expected = json!([{"role": "model", "parts": [{"text": "hi"}], "finish_reason": "STOP"}]);
    assert_eq!(parsed(Form::Blob, gemini, "assistant"), expected);
    let logfire = r#"{"message":{"role":"assistant","content":"hi"},"usage":{}}"#;
    assert_eq!(parsed(Form::Blob, logfire, "assistant"), json!([{"role": "assistant", "content": "hi"}]));
}

#[test]
fn a_request_gives_its_messages_and_stays_beside_them() {
    let value = Value::plain(r#"{"model":"m","system":"s","messages":[{"role":"user","content":"hi"}]}"#);
    let read = read(Form::Blob, &value, "user").unwrap();
    let expected = json!([{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(read.content.as_str()).unwrap(), expected);
    assert!(!read.whole);
}

#[test]
fn a_text_and_tool_calls_are_one_answer() {
    let (text, calls) =
        (Value::plain("let me look"), Value::plain(r#"[{"toolName":"weather","input":"{}"}]"#));
    let output = read(Form::Text, &text, "assistant").unwrap().content;
    let calls = read(Form::ToolCalls, &calls, "assistant").unwrap().content;
    let joined = with_tool_calls(&output, &calls).unwrap();
    let expected = json!([{"role": "assistant", "content": "let me look", "tool_calls": [{"toolName": "weather", "input": "{}"}]}]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(joined.as_str()).unwrap(), expected);
}

#[test]
fn a_system_prompt_comes_first_and_only_once() {
    let system = || Some(message("system", "parts", r#"[{"type":"text","content":"be brief"}]"#));
    let input = |json: &'static str| Some(Content::Json(Cow::Borrowed(json)));
    let joined = with_system(system(), input(r#"[{"role":"user"}]"#)).unwrap();
    assert!(joined.as_str().starts_with(r#"[{"role":"system","#));
    let already = r#"[{"role":"system"},{"role":"user"}]"#;
    assert_eq!(with_system(system(), input(already)), input(already));
}
