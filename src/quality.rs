//! observa.quality: the scores that ingest gives an answer.

use observa_pipeline::quality;
use pgrx::prelude::*;
use serde_json::json;

#[pg_extern(sql = false)]
fn quality_of(prompt: Option<&str>, response: Option<&str>) -> pgrx::JsonB {
    let prompt = prompt.unwrap_or_default();
    let quality = quality::judge(prompt, response.unwrap_or_default());
    pgrx::JsonB(json!({
        "coherence": quality.coherence,
        "toxicity": quality.toxicity,
        "sentiment": quality.sentiment,
        "hallucination_risk": quality.hallucination_risk,
        "prompt_category": quality.prompt_category,
    }))
}
