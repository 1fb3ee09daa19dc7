use proptest::prelude::*;
use serde_json::json;

use super::*;

const TENT: &str = "The mountain shelter withstands hurricanes and weighs nothing at all.";
const STOVE: &str = "Kerosene burners «illuminate»\nkitchens during winter expeditions.";

fn used(
    prompt: &str,
    question: Option<&str>,
    answer: &str,
    retrieved: &[&str],
) -> Vec<(usize, usize, Option<bool>)> {
    seen(prompt, question, answer, retrieved)
        .iter()
        .map(|seen| (seen.retrieval, seen.place, seen.is_used))
        .collect()
}

#[test]
fn passages_are_read_in_the_shapes_of_sdks_and_vector_stores() {
    for output in [
        json!(["one", "two"]),
        json!([{"content": "one", "id": "d9"}, {"content": "two", "score": 0.1}]),
        json!([{"page_content": "one", "metadata": {"text": "no"}}, {"pageContent": "two"}]),
        json!([{"lc": 1, "kwargs": {"page_content": "one"}}, {"document": {"page_content": "two"}}]),
        json!([{"node": {"text": "one"}, "score": 0.3}, {"node": {"text": "two"}}]),
        json!({"documents": [{"content": "one"}, {"content": "two"}]}),
        json!({"documents": [["one", "two"]], "ids": [["a", "b"]]}),
        json!({"matches": [{"id": "a", "metadata": {"text": "one"}}, {"metadata": {"text": "two"}}]}),
        json!({"result": [{"payload": {"text": "one"}}, {"payload": {"content": "two"}}]}),
        json!({"retrievalResults": [{"content": {"text": "one"}}, {"content": {"text": "two"}}]}),
        json!({"data": [{"content": [{"type": "text", "text": "one"}]}, {"content": [{"type": "text", "text": "two"}]}]}),
    ] {
        assert_eq!(listed(&output.to_string()), ["one", "two"], "{output}");
    }
    assert_eq!(listed("no list"), ["no list"]);
    assert_eq!(listed("[1] no list"), ["[1] no list"]);
    assert_eq!(listed(r#"[{"id": "d1"}, "two"]"#), ["", "two"], "what has no text keeps its place");
}

#[test]
fn a_passage_is_found_as_text_and_in_json_and_takes_its_share() {
    let retrieved = json!([TENT, STOVE]).to_string();
    let nested = json!({"docs": [TENT, STOVE]}).to_string();
    let ascii = nested.replace('«', "\\u00ab").replace('»', "\\u00bb");
    for prompt in [
        format!("{TENT}\n{STOVE}"),
        json!([{"role": "user", "content": format!("{STOVE} {TENT}")}]).to_string(),
        json!([{"role": "user", "content": nested}]).to_string(),
        json!([{"role": "tool", "content": ascii}]).to_string(),
    ] {
        assert_eq!(used(&prompt, None, "", &[&retrieved]).len(), 2, "{prompt}");
    }
    let found = seen(&format!("{TENT}{}", "x".repeat(TENT.len())), None, "", &[TENT]);
    assert_eq!(found[0].share, 0.5);
    // What an application cut off counts as far as it stands there.
    let long = format!("{TENT} {}", "more of it ".repeat(100));
    let prompt = format!("{}{}", &long[..400], "-".repeat(400));
    assert_eq!(seen(&prompt, None, "", &[&long])[0].share, 0.5);
    assert_eq!(seen("nothing of it", None, "", &[TENT, "short"]), []);
}

#[test]
fn a_stretch_of_the_prompt_is_of_one_passage() {
    // A retriever and the store within it tell of the same search.
    let list = json!([TENT, STOVE]).to_string();
    let prompt = format!("{TENT}\n{STOVE}");
    assert_eq!(
        used(&prompt, None, "", &[&list, &list]).iter().map(|seen| seen.0).collect::<Vec<_>>(),
        [1, 1]
    );
    // Passages of one document begin alike: the one that stands there has it.
    let title = "Handbook of the association, chapter on equipment. ".repeat(5);
    let [one, two] = [TENT, STOVE].map(|text| format!("{title}{text}"));
    let both = json!([one, two]).to_string();
    let shares: Vec<f64> =
        seen(&format!("{two}\n{one}"), None, "", &[&both]).iter().map(|seen| seen.share).collect();
    let characters = |text: &str| text.chars().count() as f64;
    let all = characters(&one) + characters(&two) + 1.0;
    assert_eq!(shares, [characters(&one) / all, characters(&two) / all]);
}

#[test]
fn a_passage_is_used_where_the_answer_has_two_words_of_its_own() {
    let question = "Which mountain shelter?";
    let prompt = format!("{TENT}\n{STOVE}\n{question}");
    let list = json!([TENT, STOVE]).to_string();
    let judged = |answer: &str| {
        used(&prompt, Some(question), answer, &[&list]).iter().map(|seen| seen.2).collect::<Vec<_>>()
    };
    let rest = "because several customers recommended buying another product";
    assert_eq!(
        judged(&format!("It withstood a HURRICANE, {rest}")),
        [Some(true), Some(false)],
        "by how words begin"
    );
    assert_eq!(
        judged(&format!("A hurricane, {rest}")),
        [Some(false), Some(false)],
        "one of four tells too little"
    );
    assert_eq!(
        judged(&format!("The mountain shelter, {rest}")),
        [Some(false), Some(false)],
        "words of the question"
    );
    assert_eq!(judged("129 EUR"), [None, None], "an answer with no room for words");
    let answer =
        json!([{"role": "assistant", "content": format!("Hurricanes it withstands, {rest}")}]).to_string();
    assert_eq!(judged(&answer), [Some(true), Some(false)]);
    // The prompt has the passages in what the user said last, or no such thing is known.
    for question in [Some(prompt.as_str()), None] {
        let found = used(&prompt, question, &format!("Hurricanes it withstands, {rest}"), &[&list]);
        assert_eq!(found, [(0, 0, Some(true)), (0, 1, Some(false))]);
    }
}

#[test]
fn of_what_has_no_words_nothing_is_told() {
    let answer = "because several customers recommended buying another product";
    for passage in [
        "1200 1300 1400 1500 1600 1700 1800 1900 2000",
        "帐篷可以抵御飓风，重量非常轻，适合在高山地区使用。厨房里的煤油炉。",
    ] {
        assert_eq!(used(passage, Some("?"), answer, &[passage]), [(0, 0, None)]);
    }
    let russian = "Палатка выдерживает ураганы, весит очень мало и подходит для высокогорья.";
    assert_eq!(used(russian, Some("?"), "Выдержит любой ураган высоко", &[russian]), [(0, 0, Some(true))]);
}

proptest! {
    #[test]
    fn of_any_text_no_more_is_taken_than_there_is(
        prompt in "[ab\\\\\"é\n]{0,400}", passages in prop::collection::vec("[ab\\\\\"é\n]{0,60}", 0..6), answer in ".{0,40}"
    ) {
        let all = format!("{prompt}{}", passages.concat());
        let quoted = json!([{"role": "user", "content": json!(all).to_string()}]).to_string();
        let list = json!(passages).to_string();
        for prompt in [&prompt, &all, &quoted] {
            let found = seen(prompt, None, &answer, &[&list, &list]);
            prop_assert!(found.iter().map(|seen| seen.share).sum::<f64>() <= 1.0 + 1e-9);
        }
    }
}
