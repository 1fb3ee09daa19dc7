//! Providers: one name for each of their spellings, and who sells whose models.

use std::borrow::Cow;

/// Spellings that are not yet the canonical name once lower-cased, `_`-joined and cut off at their
/// API (`.chat`, `.responses`). The canonical names are OpenTelemetry's where it has one
/// (semantic conventions, `gen_ai.provider.name`), else LiteLLM's.
const SPELLINGS: &[(&str, &str)] = &[
    ("ai21_labs", "ai21"),
    ("amazon", "aws.bedrock"),
    ("amazon_bedrock", "aws.bedrock"),
    ("aws", "aws.bedrock"),
    ("aws_bedrock", "aws.bedrock"),
    ("bedrock", "aws.bedrock"),
    ("bedrock_converse", "aws.bedrock"),
    ("az.ai.inference", "azure.ai.inference"),
    ("az.ai.openai", "azure.ai.openai"),
    ("azure", "azure.ai.openai"),
    ("azure_ai", "azure.ai.inference"),
    ("azure_ai_inference", "azure.ai.inference"),
    ("azure_openai", "azure.ai.openai"),
    ("azure_text", "azure.ai.openai"),
    ("azureopenai", "azure.ai.openai"),
    ("claude", "anthropic"),
    ("codestral", "mistral_ai"),
    ("cohere_chat", "cohere"),
    ("dashscope", "alibaba"),
    ("deep_seek", "deepseek"),
    ("fireworks", "fireworks_ai"),
    ("fireworks_ai_embedding_models", "fireworks_ai"),
    ("gcp", "gcp.gen_ai"),
    ("gcp_gemini", "gcp.gemini"),
    ("gcp_vertex_ai", "gcp.vertex_ai"),
    ("gemini", "gcp.gemini"),
    ("gen_ai", "gcp.gen_ai"),
    ("google", "gcp.gen_ai"),
    ("google_ai", "gcp.gemini"),
    ("google_ai_studio", "gcp.gemini"),
    ("google_genai", "gcp.gen_ai"),
    ("google_generative_ai", "gcp.gemini"),
    ("google_vertex", "gcp.vertex_ai"),
    ("googleai", "gcp.gemini"),
    ("google_vertex_ai", "gcp.vertex_ai"),
    ("google.generative_ai", "gcp.gemini"),
    ("google.vertex", "gcp.vertex_ai"),
    ("grok", "x_ai"),
    ("mistral", "mistral_ai"),
    ("mistralai", "mistral_ai"),
    ("moonshot", "moonshot_ai"),
    ("moonshotai", "moonshot_ai"),
    ("open_ai", "openai"),
    ("open_router", "openrouter"),
    ("perplexity_ai", "perplexity"),
    ("text_completion_codestral", "mistral_ai"),
    ("text_completion_openai", "openai"),
    ("together", "together_ai"),
    ("togetherai", "together_ai"),
    ("vertex", "gcp.vertex_ai"),
    ("vertex_ai", "gcp.vertex_ai"),
    ("vertexai", "gcp.vertex_ai"),
    ("voyage", "voyageai"),
    ("voyage_ai", "voyageai"),
    ("xai", "x_ai"),
    ("zhipu", "zhipuai"),
    ("zhipu_ai", "zhipuai"),
];

/// Frameworks and proxies that instrumentations write where the provider belongs. They sell nothing.
const NOT_PROVIDERS: &[&str] = &[
    "agno",
    "ai_sdk",
    "autogen",
    "crewai",
    "custom",
    "dspy",
    "haystack",
    "langchain",
    "langgraph",
    "litellm",
    "llama_index",
    "llamaindex",
    "logfire",
    "none",
    "null",
    "openai_agent",
    "openai_agents",
    "other",
    "pydantic_ai",
    "semantic_kernel",
    "smolagents",
    "strands",
    "strands_agents",
    "unknown",
    "vercel",
];

/// What clients append to a provider to name its API.
const API_SUFFIXES: &[&str] = &[
    ".chat",
    ".responses",
    ".completion",
    ".completions",
    ".embedding",
    ".embeddings",
    ".messages",
    ".image",
    ".transcription",
    ".speech",
    ".textembedding",
    ".rerank",
];

/// Whose price list holds, in this order, where a provider sells a model that its own list lacks.
const FALLBACKS: &[(&str, &[&str])] = &[
    ("azure.ai.openai", &["azure.ai.inference", "openai", "anthropic", "deepseek", "x_ai", "moonshot_ai"]),
    ("azure.ai.inference", &["azure.ai.openai", "openai", "anthropic", "deepseek", "x_ai", "moonshot_ai"]),
    ("gcp.gen_ai", &["gcp.gemini", "gcp.vertex_ai", "anthropic"]),
    ("gcp.gemini", &["gcp.vertex_ai"]),
    ("gcp.vertex_ai", &["gcp.gemini", "anthropic"]),
];

/// Routers that pass the maker's price on: the maker's name stands in the model's.
const ROUTERS: &[&str] = &["openrouter", "vercel_ai_gateway", "cloudflare_ai_gateway"];

/// Providers that made the models they sell, so that a bare model name means them, first the most
/// likely. A host of others' models is not among them: who served a bare `llama-3.3-70b` is unknown,
/// and so is its price.
const MAKERS: &[&str] = &[
    "openai",
    "anthropic",
    "gcp.gemini",
    "gcp.vertex_ai",
    "mistral_ai",
    "x_ai",
    "deepseek",
    "cohere",
    "moonshot_ai",
    "zai",
    "zhipuai",
    "minimax",
    "perplexity",
    "voyageai",
    "ai21",
    "meta",
    "aws.bedrock",
    "alibaba",
    "databricks",
    "typesafe",
    "elevenlabs",
    "cursor",
];

/// One name for a provider, whatever a client calls it: `Azure` and `az.ai.openai` are
/// `azure.ai.openai`, `openai.chat` is `openai`, `vertex_ai/gemini` is `gcp.vertex_ai`. `None` where
/// the text names no provider: empty, or a framework such as `langchain`.
pub fn normalise_provider(raw: &str) -> Option<Cow<'_, str>> {
    let raw = raw.trim();
    // Most events carry the canonical name already.
    if is_canonical(raw) {
        return Some(Cow::Borrowed(raw));
    }
    let mut name: String = raw
        .chars()
        .take(128)
        .flat_map(char::to_lowercase)
        .map(|c| if c == '-' || c == ' ' { '_' } else { c })
        .collect();
    if let Some(cut) = name.find('/') {
        name.truncate(cut);
    }
    while let Some(cut) = API_SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix)).map(str::len) {
        name.truncate(cut);
    }
    if let Some(rest) = name.strip_prefix("vertex_ai_") {
        // LiteLLM splits Vertex AI by the maker of the model.
        if rest.ends_with("models") {
            return Some(Cow::Borrowed("gcp.vertex_ai"));
        }
    }
    if name.starts_with("google.vertex") {
        return Some(Cow::Borrowed("gcp.vertex_ai"));
    }
    if let Some((_, canonical)) = SPELLINGS.iter().find(|(spelling, _)| *spelling == name) {
        return Some(Cow::Borrowed(canonical));
    }
    if name.is_empty() || NOT_PROVIDERS.contains(&name.as_str()) {
        return None;
    }
    Some(Cow::Owned(name))
}

fn is_canonical(name: &str) -> bool {
    MAKERS.contains(&name) || FALLBACKS.iter().any(|(provider, _)| *provider == name)
}

/// Whose prices stand in for a canonical provider's own.
pub(super) fn fallbacks(provider: &str) -> &'static [&'static str] {
    FALLBACKS.iter().find(|(name, _)| *name == provider).map_or(&[], |(_, others)| others)
}

/// Whether a canonical provider is one whose name is worth heeding even where the book has no price
/// of its own.
pub(super) fn is_seller(provider: &str) -> bool {
    is_canonical(provider) || is_router(provider)
}

/// Whether a canonical provider routes to others at their price.
pub(super) fn is_router(provider: &str) -> bool {
    ROUTERS.contains(&provider)
}

/// The rank of a maker of models, 0 the first; `None` for hosts of others' models.
pub(super) fn maker_rank(provider: &str) -> Option<usize> {
    MAKERS.iter().position(|maker| *maker == provider)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_provider_is_one_name() {
        for (raw, canonical) in [
            ("openai", Some("openai")),
            ("OpenAI", Some("openai")),
            ("openai.chat", Some("openai")),
            ("openai.responses", Some("openai")),
            ("openai.embedding", Some("openai")),
            ("azure.ai.openai", Some("azure.ai.openai")),
            ("az.ai.openai", Some("azure.ai.openai")),
            ("Azure", Some("azure.ai.openai")),
            ("azure-openai.chat", Some("azure.ai.openai")),
            ("az.ai.inference", Some("azure.ai.inference")),
            ("Anthropic", Some("anthropic")),
            ("anthropic.messages", Some("anthropic")),
            ("gemini", Some("gcp.gemini")),
            ("gcp.gemini", Some("gcp.gemini")),
            ("vertex_ai", Some("gcp.vertex_ai")),
            ("vertex_ai/gemini", Some("gcp.vertex_ai")),
            ("vertex_ai-language-models", Some("gcp.vertex_ai")),
            ("google.vertex.chat", Some("gcp.vertex_ai")),
            ("google.generative-ai", Some("gcp.gemini")),
            ("Google", Some("gcp.gen_ai")),
            ("xai", Some("x_ai")),
            ("x-ai", Some("x_ai")),
            ("aws.bedrock", Some("aws.bedrock")),
            ("AWS", Some("aws.bedrock")),
            ("amazon-bedrock", Some("aws.bedrock")),
            ("MistralAI", Some("mistral_ai")),
            ("moonshot", Some("moonshot_ai")),
            ("My Company", Some("my_company")),
            ("strands-agents", None),
            ("Langchain", None),
            ("  ", None),
        ] {
            assert_eq!(normalise_provider(raw).as_deref(), canonical, "{raw}");
        }
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for (spelling, canonical) in SPELLINGS {
            assert_eq!(normalise_provider(spelling).as_deref(), Some(*canonical));
            assert_eq!(normalise_provider(canonical).as_deref(), Some(*canonical));
        }
        for maker in MAKERS.iter().chain(ROUTERS) {
            assert_eq!(normalise_provider(maker).as_deref(), Some(*maker));
        }
    }
}
