//! Keys of model providers and of the tools around them.

use super::Check::{Dense, NotSlug};
use super::Part::{AtLeast, Between, Exactly, Literal};
use super::{Kind, secret, shape};
use crate::scrub::alphabet::{AN, B, D, DASH, DOT, EQ, H, LETTER, LN, U, W};

pub const KINDS: &[Kind] = &[
    secret(
        "openai_key",
        &[
            shape("sk-proj-", &[AtLeast(U, 20)]).check(NotSlug),
            shape("sk-svcacct-", &[AtLeast(U, 20)]).check(NotSlug),
            shape("sk-admin-", &[AtLeast(U, 20)]).check(NotSlug),
            shape("sk-None-", &[AtLeast(U, 20)]).check(NotSlug),
            // "T3BlbkFJ" is base64 of "OpenAI".
            shape("sk-", &[Exactly(AN, 20), Literal("T3BlbkFJ"), AtLeast(AN, 20)]),
            shape("sk-", &[AtLeast(AN, 32)]).strict().check(NotSlug),
        ],
    ),
    secret("anthropic_key", &[shape("sk-ant-", &[AtLeast(U, 24)]).check(NotSlug)]),
    secret("openrouter_key", &[shape("sk-or-v1-", &[AtLeast(H, 32)])]),
    secret("langfuse_key", &[shape("sk-lf-", &[AtLeast(H | DASH, 32)])]),
    // Every other vendor that took OpenAI's prefix; last, so that the names above win.
    secret("sk_key", &[shape("sk-", &[AtLeast(U, 20)]).strict().check(NotSlug)]),
    secret("google_api_key", &[shape("AIza", &[AtLeast(U, 30)]), shape("AQ.Ab8RN6", &[AtLeast(U, 30)])]),
    secret(
        "google_oauth",
        &[
            shape("GOCSPX-", &[AtLeast(U, 20)]),
            shape("ya29.", &[AtLeast(U | DOT, 20)]),
            shape("1//0", &[AtLeast(U, 24)]).strict().check(NotSlug),
        ],
    ),
    secret("groq_key", &[shape("gsk_", &[AtLeast(AN, 40)])]),
    secret("huggingface_token", &[shape("hf_", &[AtLeast(LETTER, 30)]), shape("hf_", &[AtLeast(AN, 30)])]),
    secret("perplexity_key", &[shape("pplx-", &[AtLeast(AN, 40)])]),
    secret("xai_key", &[shape("xai-", &[AtLeast(AN, 60)])]),
    secret("replicate_token", &[shape("r8_", &[AtLeast(AN, 32)])]),
    secret("nvidia_key", &[shape("nvapi-", &[AtLeast(U, 48)])]),
    secret("cerebras_key", &[shape("csk-", &[AtLeast(LN, 40)])]),
    secret("langsmith_key", &[shape("lsv2_pt_", &[AtLeast(W, 32)]), shape("lsv2_sk_", &[AtLeast(W, 32)])]),
    secret("pinecone_key", &[shape("pcsk_", &[AtLeast(W, 50)])]),
    secret("tavily_key", &[shape("tvly-", &[AtLeast(U, 24)]).check(NotSlug)]),
    secret("together_key", &[shape("tgp_v1_", &[AtLeast(U, 36)])]),
    secret("jina_key", &[shape("jina_", &[AtLeast(AN, 50)])]),
    secret("firecrawl_key", &[shape("fc-", &[Between(H, 32, 32)]).strict()]),
    secret(
        "observa_key",
        &[shape("sk_", &[Between(H, 64, 64)]).strict(), shape("pk_", &[Between(H, 64, 64)]).strict()],
    ),
    secret("elevenlabs_key", &[shape("sk_", &[Between(H, 48, 48)]).strict()]),
    secret("wandb_key", &[shape("wandb_v1_", &[AtLeast(W, 40)])]),
    secret(
        "bedrock_key",
        &[shape("ABSK", &[AtLeast(B | EQ, 100)]), shape("bedrock-api-key-", &[AtLeast(B | EQ, 20)])],
    ),
    secret("posthog_key", &[shape("phx_", &[AtLeast(AN, 36)])]),
    secret("prefect_key", &[shape("pnu_", &[AtLeast(AN, 36)])]),
    secret(
        "notion_token",
        &[
            shape("ntn_", &[Exactly(D, 11), AtLeast(AN, 30)]),
            shape("secret_", &[Between(AN, 43, 43)]).strict().check(Dense),
        ],
    ),
];
