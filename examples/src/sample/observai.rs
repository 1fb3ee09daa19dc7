//! The batch of ObservAI's clients: `{"requests":[...]}` with quality scores.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::event::iso;
use crate::{prose, week};

const CATEGORIES: &[&str] =
    &["summarization", "translation", "code_generation", "explanation", "content_creation", "general"];

pub fn batch(requests: usize, until: Timestamp, dice: &mut Dice) -> Value {
    let requests: Vec<Value> = (0..requests).map(|_| request(until, dice)).collect();
    json!({ "batch_id": format!("batch-{}", dice.hex(8)), "requests": requests, "timestamp": iso(until) })
}

fn request(until: Timestamp, dice: &mut Dice) -> Value {
    let (prompt, response) = prose::any(dice);
    let (tokens_in, tokens_out) = (prose::tokens(&prompt) + 40, prose::tokens(&response));
    let failed = dice.one_in(25);
    // A few answers are rude or made up.
    let toxicity = if dice.one_in(50) { 0.88 } else { 0.1 * dice.fraction() };
    let hallucination = if dice.one_in(40) { 0.79 } else { 0.3 * dice.fraction() };
    let mut request = json!({
        "request_id": format!("req-{}", dice.hex(16)),
        "session_id": format!("sess-{}", dice.hex(10)),
        "user_id": format!("user-{}", dice.between(1, 140)),
        "model": dice.pick(&["gpt-4o", "gpt-4o-mini", "claude-3-5-haiku-20241022"]),
        "prompt": prompt,
        "response": response,
        "prompt_category": dice.pick(CATEGORIES),
        "latency_ms": dice.millis(1_000.0, 0.5),
        "tokens_in": tokens_in,
        "tokens_out": tokens_out,
        "tokens_total": tokens_in + tokens_out,
        "coherence_score": rounded(0.7 + 0.3 * dice.fraction()),
        "toxicity_score": rounded(toxicity),
        "hallucination_risk": rounded(hallucination),
        "sentiment_score": rounded(2.0 * dice.fraction() - 1.0),
        "temperature": 0.7,
        "max_tokens": 800,
        "success": !failed,
        "retry_count": u64::from(failed),
        "timestamp": iso(week::moment(until, dice)),
    });
    if failed {
        request["response"] = Value::Null;
        request["tokens_out"] = json!(0);
        request["tokens_total"] = json!(tokens_in);
        request["error_code"] = json!("429");
        request["error_message"] = json!("Rate limit reached");
    }
    request
}

fn rounded(score: f64) -> f64 {
    (score * 1000.0).round() / 1000.0
}
