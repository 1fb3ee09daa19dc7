//! What to do about a signal, in a sentence: for whoever is woken by its alert.

/// By what a signal is called.
const BY_NAME: &[(&str, &str)] = &[
    (
        "agent_loop",
        "Look at what the tool answered: mostly it is an error that the model does not understand.",
    ),
    (
        "budget_exceeded",
        "See who spent it by model, user and version; raise the budget, or leave it if it stops calls on purpose.",
    ),
    ("budget_warning", "See who spends it by model, user and version before the budget is used up."),
    (
        "contains_secrets",
        "Replace the credential: it has left your systems. Then find out how it came into the prompt or the answer.",
    ),
    (
        "context_drop",
        "Look at the query and the index: nothing was found for it, so the model answered without sources.",
    ),
    ("context_overflow", "Shorten the history or what is retrieved, or use a model with a greater window."),
    ("error_rate", "Look at error_type of the group's events; after a deploy compare versions."),
    (
        "llm_error",
        "Read the error text: limits want fewer calls or another key, timeouts a look at the provider's status, other errors at the request.",
    ),
    (
        "model_drift",
        "Compare the newest questions with the older ones: people ask something else than before.",
    ),
    ("no_traffic", "Is the application down, or can it not reach Observa? Look at its own log."),
    ("prompt_injection", "Read the event; if a document was the source, find out how it got into the index."),
    ("quota_exceeded", "What comes now is refused: raise the quota of the project, or send less."),
    ("quota_warning", "Raise the quota of the project before it is used up, or send less."),
    ("service_degraded", "Read what it reported: details in observa.service_health."),
    (
        "service_down",
        "Read what it reported, and whether its calls fail, too: observa.service_health and its log.",
    ),
    (
        "service_silent",
        "Does it run, and can it reach Observa? One that is gone for good is told of once: close the alert.",
    ),
    (
        "token_spike",
        "Look at the prompt's length: a history or a document that grows with each turn is the usual cause.",
    ),
    ("tool_error", "Read what the tool answered, and whether its arguments changed with a deploy."),
    (
        "tool_timeout",
        "Look at the tool's own latency; a timeout that is shorter than its usual answer is another cause.",
    ),
    ("traffic_drop", "Compare with the routes that still have traffic: what differs is what is broken."),
    ("user_cost", "Look at what the user asks: abuse, or a client that repeats itself."),
    ("user_requests", "Look at what the user asks: abuse, or a client that repeats itself."),
];

/// By the type of a signal that has no words of its own.
const BY_CATEGORY: &[(&str, &str)] = &[
    ("agent", "Read the trace from its beginning: what did the agent try before?"),
    ("cost", "See by user and version who began to call it, and whether prompts became longer."),
    (
        "error",
        "Read the error text of the sample events, and what they have in common: version, model, tool.",
    ),
    (
        "latency",
        "Is the provider slow, or are prompts and answers longer? Compare ttft_ms and output_tokens with those of an hour ago.",
    ),
    ("quality", "Read the worst answers of the group; what changed: prompt, model, retrieval?"),
    ("retrieval", "Look at the index: is it filled, and made with the model that asks it?"),
    ("security", "Read the event, and find out who sees what is in it."),
    (
        "tokens",
        "Look at the prompt's length: a history or a document that grows with each turn is the usual cause.",
    ),
    ("traffic", "Compare with the same hour of other days, and with what was deployed."),
    ("usage", "See who uses it by model, user and version."),
];

/// A signal's own words, else those of its type. None: it is of a type that somebody else has made up.
pub fn advice(name: &str, category: &str) -> Option<&'static str> {
    let find = |table: &'static [(&str, &str)], key: &str| {
        table.iter().find_map(|(known, advice)| (*known == key).then_some(*advice))
    };
    find(BY_NAME, name).or_else(|| find(BY_CATEGORY, category))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::RULES;
    use crate::signal::window::builtin;

    #[test]
    fn every_rule_that_comes_with_observa_says_what_to_do() {
        for rule in RULES {
            assert!(advice(rule.name, rule.category).is_some(), "{} {}", rule.name, rule.category);
        }
        for rule in builtin::all() {
            assert!(advice(&rule.signal, &rule.category).is_some(), "{} {}", rule.signal, rule.category);
        }
        assert_eq!(advice("own", "custom"), None);
    }
}
