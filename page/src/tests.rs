//! Whatever a text holds, the document stays the one that we wrote.

use std::collections::BTreeSet;

use proptest::prelude::*;
use scraper::{Html, Node, Selector};

use crate::alerts::{Alert, Issue};
use crate::conversations::{Conversation, Message};
use crate::dashboard::{Dashboard, trace_document};
use crate::escape::Foreign;
use crate::failures::{Failures, Kind, Place};
use crate::logs::Line;
use crate::over_time::Bucket;
use crate::overview::{Overview, Totals};
use crate::policy;
use crate::room;
use crate::scope::Scope;
use crate::traces::{Trace, Traces};
use crate::usage::{Usage, Used};
use crate::waterfall::Span;

const HOSTILE: [&str; 9] = [
    "<script>window.canary = 1</script>",
    "\"><img src=x onerror=\"window.canary = 1\">",
    "'><svg onload='window.canary = 1'>",
    "</title></style></script></textarea><script>window.canary = 1</script>",
    "<!--<script>-->]]><!DOCTYPE x>",
    "javascript:window.canary=1//https://evil.example/?q=",
    "&lt;script&gt;&#x3c;b&#x3e;&amp;",
    "\u{202e}txt.exe\u{0}\u{1b}]8;;https://evil.example\u{7}\u{e0041}",
    "</bdi></main></body></html><base href='https://evil.example'><meta http-equiv=refresh content=0>",
];

fn totals(number: f64) -> Totals {
    Totals {
        events: number,
        calls: number,
        failed: 3.0,
        tokens: 12e6,
        cost: Some(1.5),
        unpriced: 2.0,
        p50: Some(820.0),
        p95: Some(2400.0),
        users: Some(7.0),
    }
}

fn trace(id: &str, text: &str) -> Trace {
    let some = || Some(Foreign::from(text));
    let span = |id: &str, parent: Option<Foreign>| Span {
        event_type: text.into(),
        span_id: Some(id.into()),
        parent_span_id: parent,
        name: some(),
        subject: some(),
        status: text.into(),
        error: some(),
        start: 5.0,
        latency: Some(100.0),
        tokens: Some(5.0),
        cost: Some(0.1),
        input: some(),
        output: some(),
    };
    Trace {
        trace_id: id.into(),
        name: some(),
        started_at: "2026-01-01 00:00:00".into(),
        latency: Some(5.0),
        cost: Some(0.25),
        status: text.into(),
        events: 5.0,
        tokens: 3.0,
        models: vec![text.into()],
        user_id: some(),
        spans: vec![span("1", None), span("2", Some("1".into())), span(text, some())],
    }
}

/// A page of which each text is this one.
fn page(text: &str) -> Dashboard {
    let some = || Some(Foreign::from(text));
    let at = || "2026-01-01 00:00".to_owned();
    let used = || Used {
        name: some(),
        calls: 5.0,
        failed: 1.0,
        tokens: 9.0,
        cost: Some(2.0),
        unpriced: 4.0,
        p95: None,
    };
    Dashboard {
        scope: Scope {
            project: some(),
            since: at(),
            until: at(),
            before: at(),
            unit: "hour".into(),
            made_at: at(),
        },
        overview: Overview { now: totals(120.0), before: totals(100.0) },
        buckets: vec![
            Bucket {
                at: at(),
                calls: 5.0,
                errors: 1.0,
                timeouts: 1.0,
                cost: Some(0.1),
                p50: Some(1.0),
                p95: Some(2.0),
                p99: Some(3.0),
            },
            Bucket { at: at(), ..Bucket::default() },
        ],
        usage: Usage {
            since: at(),
            until: at(),
            models: vec![used(), Used::default()],
            routes: vec![used()],
        },
        failures: Failures {
            places: vec![Place {
                event_type: text.into(),
                subject: some(),
                errors: 1.0,
                timeouts: 2.0,
                events: 9.0,
            }],
            kinds: vec![Kind { kind: some(), status: text.into(), count: 2.0, last: at(), trace_id: some() }],
            looked_at: 5000.0,
        },
        alerts: vec![Alert {
            title: text.into(),
            description: some(),
            severity: text.into(),
            status: text.into(),
            occurrences: 2.0,
            last_seen: at(),
            assignee: some(),
            trace_id: some(),
        }],
        issues: vec![Issue {
            title: text.into(),
            subject: some(),
            severity: text.into(),
            state: text.into(),
            count: 2.0,
            users: 1.0,
            last_seen: at(),
            trace_id: Some("elsewhere \"<&".into()),
        }],
        traces: Traces {
            looked_at: 5000.0,
            has_more: true,
            shown: vec![trace(text, text), trace("second", text)],
            slowest: vec![0, 1],
            dearest: vec![1],
        },
        conversations: vec![Conversation {
            id: text.into(),
            user_id: some(),
            last_seen: at(),
            messages: 4.0,
            tokens: 9.0,
            cost: None,
            has_issues: true,
            said: vec![Message { role: text.into(), content: text.into() }],
        }],
        logs: vec![Line {
            at: at(),
            level: text.into(),
            service: some(),
            message: text.into(),
            trace_id: some(),
        }],
    }
}

/// Its elements with their attributes, in order, without texts and without what differs by an id's hash.
fn skeleton(document: &str) -> Vec<String> {
    let parsed = Html::parse_document(document);
    assert!(parsed.errors.is_empty(), "{:?}", parsed.errors);
    let mut found = Vec::new();
    for node in parsed.tree.nodes() {
        match node.value() {
            Node::Element(element) => {
                let mut attributes: Vec<String> = element
                    .attrs()
                    .map(|(name, value)| {
                        let is_hashed = ["id", "href", "aria-labelledby"].contains(&name);
                        let kept = if is_hashed && (value.contains("t-") || value.contains("trace_id=")) {
                            "…"
                        } else {
                            value
                        };
                        format!("{name}={kept}")
                    })
                    .collect();
                attributes.sort();
                found.push(format!("{} {}", element.name(), attributes.join(" ")));
            }
            Node::Comment(_) | Node::ProcessingInstruction(_) => found.push("a comment".into()),
            _ => {}
        }
    }
    found
}

/// What a script needs to be run is nowhere but in our own element.
fn assert_only_our_script(document: &str) {
    let parsed = Html::parse_document(document);
    let all = |css: &str| -> Vec<String> {
        let selector = Selector::parse(css).expect("a selector");
        parsed.select(&selector).map(|element| element.text().collect()).collect()
    };
    assert_eq!(all("script"), [policy::SCRIPT]);
    assert_eq!(all("style"), [policy::STYLE]);
    assert_eq!(
        all("iframe, object, embed, form, base, img, input, meta[http-equiv=refresh], foreignObject, use")
            .len(),
        0
    );
    for node in parsed.tree.nodes() {
        let Node::Element(element) = node.value() else { continue };
        for (name, value) in element.attrs() {
            assert!(!name.starts_with("on") && name != "style" && name != "src", "{name}");
            if name == "href" {
                let is_ours = value.starts_with('#')
                    || value.starts_with("dashboard_trace?trace_id=")
                    || value == "data:,";
                assert!(is_ours && !value.contains(['"', '<', '>', ' ']), "{value}");
            }
        }
    }
}

#[test]
fn the_document_has_its_landmarks_and_names_for_all_that_needs_one() {
    let document = page("plain").document();
    assert!(document.starts_with("<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta http-equiv=\"Content-Security-Policy\""));
    let parsed = Html::parse_document(&document);
    let select = |css: &str| parsed.select(&Selector::parse(css).expect("a selector")).count();
    for once in [
        "title",
        "main",
        "header",
        "footer",
        "h1",
        "nav[aria-label]",
        "a.skip[href='#page']",
        "meta[name=viewport]",
    ] {
        assert_eq!(select(&format!("{once}:not(svg *)")), 1, "{once}");
    }
    assert_eq!(select("figure.chart > svg"), 4);
    assert_eq!(select("figure.chart > svg[role=img][aria-labelledby] > title[id] + desc[id]"), 4);
    assert_eq!(select("svg:not([role=img]):not([aria-hidden=true])"), 0);
    assert_eq!(
        select("table:not(:has(caption))")
            + select("th:not([scope])")
            + select("tbody tr:not(:has(th[scope=row]))"),
        0
    );
    assert_eq!(select("section:not([aria-labelledby])"), 0);
    // Names of elements are unique, and each link inside leads to one.
    let ids: Vec<&str> =
        parsed.tree.nodes().filter_map(|node| node.value().as_element().and_then(|e| e.attr("id"))).collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len());
    let names = parsed.tree.nodes().filter_map(|node| node.value().as_element());
    let wanted = names
        .flat_map(|e| [e.attr("href").and_then(|href| href.strip_prefix('#')), e.attr("aria-labelledby")]);
    for id in wanted.flatten().flat_map(str::split_whitespace) {
        assert!(unique.contains(id), "{id}");
    }
}

#[test]
fn hostile_texts_leave_the_document_as_it_is() {
    let plain = skeleton(&page("plain").document());
    let plain_trace = skeleton(&trace_document(Some(&trace("plain", "plain"))));
    for text in HOSTILE {
        let document = page(text).document();
        assert_only_our_script(&document);
        assert_eq!(skeleton(&document), plain, "{text}");
        let alone = trace_document(Some(&trace(text, text)));
        assert_only_our_script(&alone);
        assert_eq!(skeleton(&alone), plain_trace, "{text}");
    }
}

#[test]
fn an_empty_page_says_so_in_each_section() {
    let document = Dashboard::default().document();
    assert_only_our_script(&document);
    skeleton(&document);
    for said in [
        "No alert is open.",
        "No issue is open.",
        "No traces in this window.",
        "No conversations in this window.",
        "No log lines in this window.",
        "Nothing failed in this window.",
        "Models: none in this window.",
    ] {
        assert!(document.contains(said), "{said}");
    }
    assert!(trace_document(None).contains("There is no such trace."));
}

#[test]
fn a_trace_that_is_shown_is_linked_inside_and_another_one_to_its_own_page() {
    let document = page("plain").document();
    let anchor = Foreign::from("plain").anchor();
    assert!(
        document.contains(&format!("<a href=\"#{anchor}\">"))
            && document.contains(&format!("<section id=\"{anchor}\""))
    );
    assert!(document.contains("href=\"dashboard_trace?trace_id=elsewhere%20%22%3C%26\""));
}

#[test]
fn our_own_files_end_no_element_and_name_no_other_place() {
    for file in [policy::STYLE, policy::SCRIPT] {
        assert!(!file.contains("</") && !file.contains("<!--"));
        assert!(
            !file.contains("://")
                && !file.contains("url(")
                && !file.contains("@import")
                && !file.contains("innerHTML")
        );
    }
    // Where text could pass unescaped: at our two files alone.
    let sources = [
        include_str!("layout.rs"),
        include_str!("alerts.rs"),
        include_str!("chart.rs"),
        include_str!("conversations.rs"),
        include_str!("dashboard.rs"),
        include_str!("escape.rs"),
        include_str!("failures.rs"),
        include_str!("logs.rs"),
        include_str!("over_time.rs"),
        include_str!("overview.rs"),
        include_str!("table.rs"),
        include_str!("traces.rs"),
        include_str!("usage.rs"),
        include_str!("waterfall.rs"),
    ];
    let uses: usize = sources.iter().map(|source| source.matches("PreEscaped(").count()).sum();
    assert_eq!(uses, 2);
}

/// As much as the database tells: `text` is what each of its texts is, `buckets` how many there are.
fn most(text: &str, buckets: usize) -> Dashboard {
    let mut page = page(text);
    page.buckets = (0..buckets).map(|_| page.buckets[0].clone()).collect();
    let spans = |trace: &Trace, many: usize| {
        (0..many).map(|n| Span { span_id: Some(n.to_string().into()), ..trace.spans[0].clone() }).collect()
    };
    let trace = |n: usize| {
        let mut trace = trace(&format!("{n}{text}"), text);
        trace.spans = spans(&trace, 30);
        for span in trace.spans.iter_mut().skip(6) {
            (span.input, span.output) = (None, None);
        }
        Trace { events: 500.0, models: vec![text.into(); 8], ..trace }
    };
    page.traces.shown = (0..12).map(trace).collect();
    (page.traces.slowest, page.traces.dearest) = ((0..6).collect(), (6..12).collect());
    page.alerts = vec![page.alerts[0].clone(); 10];
    page.issues = vec![page.issues[0].clone(); 10];
    page.failures.places = vec![page.failures.places[0].clone(); 10];
    page.failures.kinds = vec![page.failures.kinds[0].clone(); 10];
    page.usage.models = vec![page.usage.models[0].clone(); 10];
    page.usage.routes = page.usage.models.clone();
    page.logs = vec![page.logs[0].clone(); 40];
    let said = vec![page.conversations[0].said[0].clone(); 6];
    page.conversations = (0..8)
        .map(|n| Conversation {
            id: format!("{n}{text}").into(),
            said: said.clone(),
            ..page.conversations[0].clone()
        })
        .collect();
    page
}

#[test]
fn whatever_is_stored_a_page_is_no_larger_than_its_bound_and_says_what_was_cut() {
    // What becomes six bytes; what is four; and what is a text as people write it.
    for text in ["\"".repeat(2_000), "\u{1f600}".repeat(2_000), "a word ".repeat(30), "id".into()] {
        for buckets in [25, 193, 400] {
            let document = most(&text, buckets).document();
            assert!(document.len() <= room::MOST_BYTES, "{} of {buckets}", document.len());
            assert_only_our_script(&document);
            skeleton(&document);
            let is_cut = document.contains("<strong>Cut</strong>");
            assert_eq!(is_cut, text != "id" || buckets == 400, "{} of {buckets}", document.len());
            assert!(
                text != "id"
                    || document.matches("The first 20 of its").count() == if is_cut { 12 } else { 0 }
            );
        }
    }
    // As long as names are where nobody means harm, by the hour over a week.
    let usual = most("gpt-4o-mini", 169).document();
    assert!(!usual.contains("id=\"cut\""), "{}", usual.len());
    // Ids of no end alone.
    let mut page = page("plain");
    page.traces.shown = (0..12).map(|n| trace(&n.to_string(), &"\u{202e}".repeat(90_000))).collect();
    page.scope.project = Some("\"".repeat(90_000).into());
    assert!(page.document().len() <= room::MOST_BYTES);
}

#[test]
fn a_trace_of_any_size_is_a_page_of_its_bound() {
    for text in ["\"".repeat(2_000), "a word ".repeat(30), "id".into()] {
        let mut long = trace("id", &text);
        long.spans =
            (0..300).map(|n| Span { span_id: Some(n.to_string().into()), ..long.spans[0].clone() }).collect();
        long.events = 300.0;
        let document = trace_document(Some(&long));
        assert!(document.len() <= room::MOST_BYTES, "{}", document.len());
        assert_only_our_script(&document);
        assert_eq!(document.contains("id=\"cut\""), text.len() > 10, "{}", document.len());
        assert_eq!(
            document.contains("The first 60 of its 300 events."),
            text.len() > 1_000,
            "{}",
            text.len()
        );
    }
}

#[test]
fn conversations_of_two_projects_with_one_id_are_two_elements() {
    let mut two = page("plain");
    two.conversations.push(two.conversations[0].clone());
    let document = two.document();
    let parsed = Html::parse_document(&document);
    let selector = Selector::parse("details[id]").expect("a selector");
    let ids: Vec<&str> = parsed.select(&selector).filter_map(|element| element.attr("id")).collect();
    let unique: BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!((ids.len(), unique.len()), (3, 3));
}

/// Relative luminance and contrast as WCAG 2.2 defines them.
fn contrast(one: &str, other: &str) -> f64 {
    let luminance = |colour: &str| {
        let digits: Vec<char> = colour.trim_start_matches('#').chars().collect();
        let width = digits.len() / 3;
        let channel = |n: usize| {
            let text: String = digits[n * width..(n + 1) * width].iter().collect();
            let value = f64::from(u8::from_str_radix(&text.repeat(2 / width), 16).expect("a colour")) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(0) + 0.7152 * channel(1) + 0.0722 * channel(2)
    };
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    one.max(other) / one.min(other)
}

#[test]
fn letters_and_lines_stand_out_in_light_and_dark() {
    assert!(
        (contrast("#fff", "#000") - 21.0).abs() < 0.01 && (contrast("#777777", "#fff") - 4.48).abs() < 0.01
    );
    let palettes: Vec<&str> =
        policy::STYLE.split(":root {").skip(1).filter_map(|rest| rest.split('}').next()).collect();
    assert_eq!(palettes.len(), 2);
    for palette in palettes {
        let colour = |name: &str| {
            let from = palette.split(&format!("--{name}: ")).nth(1).expect("it is there");
            from.split(';').next().expect("a value").to_owned()
        };
        for letters in ["ink", "pale", "link", "a", "b", "c", "focus"] {
            for ground in ["back", "card"] {
                let found = contrast(&colour(letters), &colour(ground));
                assert!(found >= 4.5, "{letters} on {ground}: {found:.2}");
            }
        }
    }
}

#[test]
fn figures_that_are_none_break_nothing() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, f64::MAX, 0.0] {
        let mut page = page("plain");
        page.buckets =
            vec![Bucket { p50: Some(number), cost: Some(number), errors: number, ..Bucket::default() }];
        page.overview = Overview { now: totals(number), before: totals(number) };
        for span in page.traces.shown.iter_mut().flat_map(|trace| &mut trace.spans) {
            (span.start, span.latency) = (number, Some(number));
        }
        let document = page.document();
        assert_only_our_script(&document);
        let drawn = [" d=\"", " x=\"", " y=\"", " width=\"", " height=\""];
        for part in drawn.iter().flat_map(|attribute| document.split(attribute).skip(1)) {
            let value = part.split('"').next().unwrap_or_default();
            assert!(!value.contains("NaN") && !value.contains("inf") && !value.starts_with('-'), "{value}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_leaves_the_document_as_it_is(text in "[x<>\"'&/=!a-z\\-\\PC\\pC]{1,40}") {
        prop_assume!(!text.trim().is_empty() && text != "ok");
        let document = page(&text).document();
        assert_only_our_script(&document);
        // Of ids: "1" and "2" are spans' own.
        prop_assume!(text != "1" && text != "2" && text != "second");
        prop_assert_eq!(skeleton(&document), skeleton(&page("plain").document()));
    }
}
