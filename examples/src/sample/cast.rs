//! Who takes part: tenants with their routes, the models they call, and the people who ask.

use crate::dice::Dice;

/// How a route answers: each is a shape of trace.
#[derive(Clone, Copy, PartialEq)]
pub enum Manner {
    Chat,
    Search,
    Agent,
}

pub struct Route {
    pub path: &'static str,
    pub manner: Manner,
    pub models: &'static [Model],
    pub system: &'static str,
}

pub struct Model {
    pub name: &'static str,
    pub provider: &'static str,
    /// Milliseconds to the first token (median), then for each token more.
    pub first_token_ms: f64,
    pub token_ms: f64,
}

const fn model(name: &'static str, provider: &'static str, first_token_ms: f64, token_ms: f64) -> Model {
    Model { name, provider, first_token_ms, token_ms }
}

pub const GPT_4O_MINI: Model = model("gpt-4o-mini", "openai", 310.0, 7.0);
const GPT_4O: Model = model("gpt-4o-2024-08-06", "openai", 420.0, 9.0);
const GPT_4_1: Model = model("gpt-4.1", "openai", 450.0, 9.0);
const HAIKU: Model = model("claude-3-5-haiku-20241022", "anthropic", 380.0, 8.0);
const SONNET: Model = model("claude-sonnet-4-20250514", "anthropic", 700.0, 11.0);
const FLASH: Model = model("gemini-2.5-flash", "google", 260.0, 5.0);
const LLAMA: Model = model("llama-3.3-70b-versatile", "groq", 120.0, 2.5);
const MISTRAL: Model = model("mistral-large-latest", "mistral", 400.0, 10.0);
/// A model of one's own: nobody has a price for it, so its cost is unknown and not zero.
const OWN: Model = model("globex-claims-7b", "vllm", 90.0, 6.0);

/// Priced so that a long call costs over ten dollars.
pub const DEAR: Model = model("o1-pro", "openai", 2800.0, 4.0);
/// With a window that takes a whole book.
pub const WIDE: Model = model("gemini-2.5-pro", "google", 1500.0, 6.0);
pub const EMBEDDER: &str = "text-embedding-3-small";

/// The tenant that a body without `tenant_id` belongs to.
pub const SHOP: &[Route] = &[
    Route {
        path: "/chat/support",
        manner: Manner::Chat,
        models: &[GPT_4O_MINI, GPT_4O_MINI, GPT_4O],
        system: "You answer customers of a bookshop, briefly and kindly.",
    },
    Route {
        path: "/search/answers",
        manner: Manner::Search,
        models: &[FLASH, GPT_4_1],
        system: "Answer from the passages only. Name the passage.",
    },
];

pub const ACME: &[Route] = &[
    Route {
        path: "/agent/travel",
        manner: Manner::Agent,
        models: &[SONNET, HAIKU],
        system: "You plan journeys with the tools you are given.",
    },
    Route {
        path: "/agent/operations",
        manner: Manner::Agent,
        models: &[GPT_4_1, LLAMA],
        system: "You look into incidents. Never change production.",
    },
];

pub const GLOBEX: &[Route] = &[
    Route {
        path: "/claims/questions",
        manner: Manner::Search,
        models: &[OWN, OWN, MISTRAL],
        system: "You explain insurance terms. You give no advice.",
    },
    Route {
        path: "/claims/letters",
        manner: Manner::Chat,
        models: &[HAIKU, OWN],
        system: "You write polite letters in the reader's own language.",
    },
];

pub struct Tool {
    pub name: &'static str,
    pub route: &'static str,
    pub argument: &'static str,
    pub result: &'static str,
    pub median_ms: f64,
}

pub const TOOLS: &[Tool] = &[
    Tool {
        name: "find_trains",
        route: "/agent/travel",
        argument: "to",
        result: "3 connections",
        median_ms: 420.0,
    },
    Tool {
        name: "book_hotel",
        route: "/agent/travel",
        argument: "city",
        result: "held until 18:00",
        median_ms: 950.0,
    },
    Tool {
        name: "get_weather",
        route: "/agent/travel",
        argument: "city",
        result: "14 C, light rain",
        median_ms: 130.0,
    },
    Tool {
        name: "query_logs",
        route: "/agent/operations",
        argument: "service",
        result: "212 lines",
        median_ms: 640.0,
    },
    Tool {
        name: "list_deploys",
        route: "/agent/operations",
        argument: "service",
        result: "2 deploys today",
        median_ms: 210.0,
    },
    Tool {
        name: "read_runbook",
        route: "/agent/operations",
        argument: "service",
        result: "restart, then page the owner",
        median_ms: 90.0,
    },
];

/// The slots of the texts, and what fills them.
const SLOTS: &[(&str, &[&str])] = &[
    ("{city}", &["Lisbon", "Kraków", "Osaka", "Tromsø", "Nairobi", "São Paulo", "Łódź", "Tbilisi"]),
    ("{book}", &["The Left Hand of Darkness", "Middlemarch", "Solaris", "Pedro Páramo", "Kokoro", "Beloved"]),
    ("{day}", &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"]),
    ("{service}", &["checkout", "billing-sync", "search-index", "mail-out", "image-resizer"]),
    ("{amount}", &["18.90", "42.00", "7.50", "129.95", "63.40"]),
    ("{item}", &["bicycle", "laptop", "camera", "wedding ring", "garden shed"]),
];

/// Fills the slots of a text; `{order}` becomes a number of its own.
pub fn fill(text: &str, dice: &mut Dice) -> String {
    let mut filled = text.replace("{order}", &format!("B-{}", dice.between(20_000, 99_999)));
    for &(slot, words) in SLOTS {
        if filled.contains(slot) {
            filled = filled.replace(slot, dice.pick::<&str>(words));
        }
    }
    filled
}

pub fn tools_of(route: &str) -> Vec<&'static Tool> {
    TOOLS.iter().filter(|tool| tool.route == route).collect()
}
