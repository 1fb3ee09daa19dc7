//! Who serves a model, told from its name, for spans that name a framework where the provider belongs; and which model it
//! is, for spans that say so in their own name alone.

use crate::price::normalise_provider;

/// How the names of models begin that one provider alone gives them. A name that several hosts use is not here.
#[rustfmt::skip]
const MODELS: &[(&str, &[&str])] = &[
    ("openai", &["gpt-3", "gpt-4", "gpt-5", "chatgpt-", "o1", "o3", "o4-", "text-embedding-3-", "text-embedding-ada-", "dall-e-", "codex-"]),
    ("anthropic", &["claude-"]),
    ("gcp.gemini", &["gemini-"]),
    ("aws.bedrock", &[
        "anthropic.", "us.anthropic.", "eu.anthropic.", "apac.anthropic.", "jp.anthropic.", "au.anthropic.", "global.anthropic.",
        "amazon.", "us.amazon.", "eu.amazon.", "apac.amazon.", "global.amazon.", "meta.", "us.meta.", "eu.meta.", "cohere.",
        "mistral.", "us.mistral.", "eu.mistral.", "ai21.", "us.deepseek.", "arn:aws:bedrock:",
    ]),
    ("mistral_ai", &["mistral-large", "mistral-medium", "mistral-small", "ministral-", "codestral-", "magistral-", "pixtral-large"]),
    ("cohere", &["command-r", "command-a", "embed-english-", "embed-multilingual-", "embed-v4"]),
    ("x_ai", &["grok-"]),
    ("deepseek", &["deepseek-chat", "deepseek-reasoner"]),
    ("perplexity", &["sonar"]),
];

/// The provider of a model, which may stand before it as in `openai/gpt-4o`. None: several may serve it.
pub fn maker_of(model: &str) -> Option<&'static str> {
    let before = model.split_once('/').and_then(|(before, _)| normalise_provider(before));
    let named = before.and_then(|before| MODELS.iter().find(|(provider, _)| *provider == before));
    if let Some((provider, _)) = named {
        return Some(provider);
    }
    let begins =
        |start: &&str| model.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start));
    MODELS.iter().find(|(_, starts)| starts.iter().any(begins)).map(|(provider, _)| *provider)
}

/// How OpenTelemetry names the span of a call: the operation, and then the model.
const OPERATIONS: [&str; 4] = ["chat ", "text_completion ", "generate_content ", "embeddings "];

/// The model that a span's name ends with, for calls that fail before their library has written more.
pub fn model_in_name(name: &str) -> Option<&str> {
    let model = OPERATIONS.iter().find_map(|operation| name.strip_prefix(operation))?;
    (!model.is_empty() && !model.contains(' ')).then_some(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_name_tells_its_provider_only_where_no_other_serves_it() {
        let known = [
            ("gpt-4o", Some("openai")),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", Some("aws.bedrock")),
            ("Claude-3-haiku", Some("anthropic")),
            ("bedrock/us.anthropic.claude-sonnet-4-5", Some("aws.bedrock")),
            ("meta-llama/Llama-3.3-70B", None),
            ("gpt-oss-120b", None),
            ("llama-3.3-70b", None),
            ("", None),
        ];
        for (model, provider) in known {
            assert_eq!(maker_of(model), provider, "{model}");
        }
    }

    #[test]
    fn the_name_of_a_call_has_its_model() {
        assert_eq!(model_in_name("chat claude-sonnet-4-5"), Some("claude-sonnet-4-5"));
        for other in ["chat", "chat ", "chat with a friend", "POST"] {
            assert_eq!(model_in_name(other), None, "{other}");
        }
    }

    #[test]
    fn providers_have_their_canonical_names() {
        for (provider, _) in MODELS {
            assert_eq!(normalise_provider(provider).as_deref(), Some(*provider));
        }
    }
}
