use std::borrow::Cow;

use serde_json::json;

use super::*;

fn event(attributes: &[(&'static str, &'static str)], said: Said, body: Option<&str>) -> serde_json::Value {
    let attributes =
        attributes.iter().map(|(key, text)| (Cow::Borrowed(*key), Value::plain(*text))).collect();
    serde_json::from_str(&of_event(said, &attributes, body).unwrap()).unwrap()
}

#[test]
fn events_are_messages_of_their_name() {
    let bedrock = [("content", r#"[{"text":"hi"}]"#)];
    let expected = json!([{"role": "user", "content": [{"text": "hi"}]}]);
    assert_eq!(event(&bedrock, Said::Input("user"), None), expected);
    let choice = r#"{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":"hi"}}"#;
    let expected = json!([{"role": "assistant", "content": "hi", "finish_reason": "stop"}]);
    assert_eq!(event(&[("gen_ai.system", "openai")], Said::Output, Some(choice)), expected);
    let strands = [("message", r#"[{"toolUse":{"name":"w"}}]"#), ("finish_reason", "tool_use")];
    let expected =
        json!([{"role": "assistant", "content": [{"toolUse": {"name": "w"}}], "finish_reason": "tool_use"}]);
    assert_eq!(event(&strands, Said::Output, None), expected);
}

#[test]
fn a_list_of_events_is_input_and_output() {
    let value = Value::plain(
        r#"[{"event.name":"gen_ai.user.message","content":"hi","role":"user"},{"event.name":"gen_ai.choice","index":0,"message":{"role":"assistant","content":"yes"}}]"#,
    );
    let (input, output) = of_events(&value).unwrap();
    let input: serde_json::Value = serde_json::from_str(&input.unwrap()).unwrap();
    assert_eq!(input[0]["content"], "hi");
    let output: serde_json::Value = serde_json::from_str(&output.unwrap()).unwrap();
    assert_eq!(output, json!([{"role": "assistant", "content": "yes"}]));
}
