use proptest::prelude::*;

use super::*;

fn call<'a>(span_id: &'a str, parent: Option<&'a str>, kind: CallKind, has_usage: bool) -> Call<'a> {
    Call {
        trace_id: "t",
        span_id,
        parent_span_id: parent,
        kind,
        has_usage,
        has_content: false,
        response_id: None,
        status: Status::Ok,
    }
}

use CallKind::{Llm, Other, StreamEnd};

#[test]
fn a_wrapper_repeats_its_children_and_is_not_billed() {
    let calls = [
        call("run", None, Other, true),
        call("chat", Some("run"), Llm, true),
        call("http", Some("chat"), Other, false),
        call("sdk", Some("http"), Llm, true),
        call("second", Some("run"), Llm, true),
    ];
    assert_eq!(billable(&calls), [false, false, false, true, true]);
}

#[test]
fn a_call_without_usage_under_one_with_it_is_that_call() {
    let calls = [call("chat", None, Llm, true), call("sdk", Some("chat"), Llm, false)];
    assert_eq!(billable(&calls), [true, false]);
}

#[test]
fn nested_calls_of_which_nothing_is_known_are_one() {
    let calls = [call("predict", None, Llm, false), call("chat", Some("predict"), Llm, false)];
    assert_eq!(billable(&calls), [false, true]);
}

#[test]
fn a_failed_attempt_bills_nothing_and_hides_nothing() {
    let failed = Call { status: Status::Error, ..call("first", Some("chat"), Llm, true) };
    let calls = [call("chat", None, Llm, true), failed];
    assert_eq!(billable(&calls), [true, false]);
}

#[test]
fn of_one_response_the_span_with_usage_counts_across_traces() {
    let with = |id, trace_id, has_usage| Call {
        trace_id,
        response_id: Some("msg_1"),
        ..call(id, None, Llm, has_usage)
    };
    let calls = [with("a", "t1", false), with("b", "t2", true), with("c", "t3", true)];
    assert_eq!(billable(&calls), [false, true, false]);
}

#[test]
fn of_one_response_the_span_that_knows_what_was_said_counts_wherever_it_stands() {
    let of = |id, parent, has_usage, has_content| Call {
        response_id: Some("msg_1"),
        has_content,
        ..call(id, parent, Llm, has_usage)
    };
    let under = [of("library", None, true, true), of("sdk", Some("library"), true, false)];
    assert_eq!(billable(&under), [true, false]);
    let beside = [of("sdk", None, true, false), of("library", None, true, true)];
    assert_eq!(billable(&beside), [false, true]);
    // Without usage there is nothing to bill.
    let streamed = [of("library", None, false, true), of("sdk", Some("library"), true, false)];
    assert_eq!(billable(&streamed), [false, true]);
    let third = [
        of("library", None, true, true),
        Call { has_content: true, ..call("other", None, Llm, false) },
        of("sdk", Some("other"), true, false),
    ];
    assert_eq!(billable(&third), [true, false, false]);
    let wrapped = [
        call("run", None, Llm, true),
        of("library", Some("run"), true, true),
        of("sdk", Some("library"), true, false),
    ];
    assert_eq!(billable(&wrapped), [false, true, false]);
}

#[test]
fn the_end_of_a_stream_is_billed_in_place_of_its_beginning() {
    let calls = [
        call("root", None, Other, false),
        call("chat", Some("root"), Llm, false),
        call("end", Some("root"), StreamEnd, true),
        call("other", Some("root"), Llm, true),
    ];
    assert_eq!(billable(&calls), [false, false, true, true]);
    let under = [call("chat", None, Llm, false), call("end", Some("chat"), StreamEnd, true)];
    assert_eq!(billable(&under), [false, true]);
}

#[test]
fn parents_in_a_circle_or_missing_hurt_nobody() {
    let calls = [
        call("a", Some("b"), Llm, true),
        call("b", Some("a"), Llm, true),
        call("self", Some("self"), Llm, true),
        call("orphan", Some("gone"), Llm, true),
    ];
    assert_eq!(billable(&calls), [true; 4]);
}

#[test]
fn a_hundred_thousand_spans_in_one_line_take_no_time() {
    let ids: Vec<String> = (0..100_000).map(|number| number.to_string()).collect();
    let calls: Vec<Call> = (0..ids.len())
        .map(|at| call(&ids[at], at.checked_sub(1).map(|parent| ids[parent].as_str()), Llm, true))
        .collect();
    let start = std::time::Instant::now();
    let billed = billable(&calls);
    assert_eq!(billed.iter().filter(|billed| **billed).count(), 1);
    assert!(start.elapsed().as_secs() < 2);
}

proptest! {
    #[test]
    fn calls_on_one_line_down_are_one_call(usages in prop::collection::vec(any::<bool>(), 1..20)) {
        let ids: Vec<String> = (0..usages.len()).map(|number| number.to_string()).collect();
        let calls: Vec<Call> = usages.iter().enumerate().map(|(at, usage)| {
            call(&ids[at], at.checked_sub(1).map(|parent| ids[parent].as_str()), Llm, *usage)
        }).collect();
        prop_assert_eq!(billable(&calls).into_iter().filter(|billed| *billed).count(), 1);
    }
}
