//! What the provider's answers cost, by the providers' price lists: in billionths of a US dollar a token, of each class.

use observa_tests::provider::{ANTHROPIC_MODEL, Answered, EMBEDDING_MODEL, OPENAI_MODEL, Usage};

/// In billionths of a US dollar. Cached tokens that the client does not tell cost as any input.
pub fn cost(answered: &Answered, tells_cached: bool) -> i64 {
    // USD for a million tokens: gpt-4o-mini 0.15, cached 0.075, output 0.60. claude-sonnet-4-5 3, cached 0.30, written to the
    // cache for 5 minutes 3.75, output 15. text-embedding-3-small 0.02.
    let (input, cached, write, output) = match answered.model.as_str() {
        OPENAI_MODEL => (150, 75, 0, 600),
        ANTHROPIC_MODEL => (3000, 300, 3750, 15000),
        EMBEDDING_MODEL => (20, 0, 0, 0),
        other => panic!("no price of {other}"),
    };
    let mut usage = answered.usage;
    if !tells_cached {
        usage = Usage { cached: 0, cache_write: 0, ..usage };
    }
    let plain = usage.input - usage.cached - usage.cache_write;
    plain * input + usage.cached * cached + usage.cache_write * write + usage.output * output
}
