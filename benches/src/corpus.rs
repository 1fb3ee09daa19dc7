//! Generated events: the canonical nested form as SDKs send it, traces of calls to models and tools, about 2 kB an event.
//! The same seed gives the same events; only their times are counted back from now, or no partition would take them.

use serde_json::{Value, json};

const SEED: u64 = 0x0b5e_27a0;

/// Milliseconds between two events.
const STEP: i64 = 20;

const MODELS: [(&str, &str); 6] = [
    ("gpt-4o", "openai"),
    ("gpt-4o-mini", "openai"),
    ("claude-sonnet-4-5", "anthropic"),
    ("claude-3-5-haiku-20241022", "anthropic"),
    ("gemini-2.5-flash", "google"),
    ("our-own-llama", "self-hosted"),
];

const ROUTES: [&str; 5] = ["/chat", "/search", "/support/answer", "/summaries", "/agents/plan"];

const TOOLS: [&str; 5] = ["search_orders", "get_weather", "run_sql", "send_invoice", "read_page"];

const WORDS: &str = "the of and to in is you that it he was for on are as with his they at be this from have or by one had \
    not but what all were when we there can an your which their said if do will each about how up out them then she many \
    some so these would other into has more two like him see time could no make than first been its who now people my \
    made over did down only way find use may water long little very after words called just where most know get through \
    back much before go good new write our used me man too any day same right look think also around another came come \
    work three word must because does part even place well such here take why things help put years different away again \
    off went old number great tell men say small every found still between name should home big give air line set own \
    under read last never us left end along while might next sound below saw something thought both few those always \
    looked show large often together asked house don't world going want school important until form food keep children \
    feet land side without boy once animals life enough took sometimes four head above kind began almost live page got \
    earth need far hand high year mother light parts country father let night following picture being study second eyes \
    soon times story boys since white days ever paper hard near sentence better best across during today others however \
    sure means knew it's try told young miles sun ways thing whole hear example heard several change answer room sea \
    against top turned learn point city play toward five using himself usually invoice order customer delivery refund \
    account contract summary table function return value error request response model context answer question deploy";

const SYSTEM: &str = "You are the assistant of a shop for outdoor equipment. Answer in the language of the customer, briefly \
    and politely. Use the tools for orders and stock; never invent a price. If you do not know the answer, say so and hand \
    over to a colleague. Give sizes in centimetres and weights in kilograms.";

struct Writer {
    random: fastrand::Rng,
    words: Vec<&'static str>,
}

/// `count` events, the newest at `newest` (milliseconds since 1970 UTC). `run` keeps the ids of one run apart from
/// another's, where both must be stored.
pub fn events(count: usize, newest: i64, run: u64) -> Vec<String> {
    let mut writer = Writer {
        random: fastrand::Rng::with_seed(SEED ^ run),
        words: WORDS.split_ascii_whitespace().collect(),
    };
    let mut lines = Vec::with_capacity(count + 8);
    let mut at = newest - STEP * count as i64;
    while lines.len() < count {
        for mut event in writer.trace() {
            at += STEP;
            if let Some(object) = event.as_object_mut() {
                object.insert("timestamp".into(), json!(at));
            }
            lines.push(event.to_string());
        }
    }
    lines.truncate(count);
    lines
}

/// Clean prose: nothing in it is to be scrubbed.
pub fn prose(bytes: usize) -> String {
    let mut writer =
        Writer { random: fastrand::Rng::with_seed(SEED), words: WORDS.split_ascii_whitespace().collect() };
    let mut text = String::with_capacity(bytes + 200);
    while text.len() < bytes {
        text.push_str(&writer.sentence());
        text.push_str(if writer.random.u8(..) < 30 { "\n\n" } else { " " });
    }
    text
}

impl Writer {
    /// A question, one or two calls to a model with a tool between them, and the end.
    fn trace(&mut self) -> Vec<Value> {
        let trace_id = self.hex(32);
        let root = self.hex(16);
        let conversation = format!("conv-{}", self.random.u32(..50_000));
        let user = format!("user-{}", self.random.u32(..5_000));
        let route = self.one(&ROUTES);
        let question = self.text(40, 120);
        let envelope = |event_type: &str, span: &str, parent: Option<&str>, attributes: Value| {
            json!({
                "event_type": event_type, "environment": "prod", "trace_id": trace_id, "span_id": span,
                "parent_span_id": parent, "conversation_id": conversation, "session_id": format!("s-{conversation}"),
                "user_id": user, "agent_name": "shop", "version": "2.4.1", "route": route,
                "attributes": { event_type: attributes },
            })
        };
        let mut events = Vec::with_capacity(5);
        let spans: Vec<String> = (0..4).map(|_| self.hex(16)).collect();
        let first = self.llm_call(&question);
        events.push(envelope("llm_call", &spans[0], Some(&root), first));
        if self.random.u8(..) < 150 {
            let tool = self.tool_call();
            events.push(envelope("tool_call", &spans[1], Some(&root), tool));
            let second = self.llm_call(&question);
            events.push(envelope("llm_call", &spans[2], Some(&root), second));
        }
        if self.random.u8(..) < 50 {
            let retrieval = self.retrieval();
            events.push(envelope("retrieval", &spans[3], Some(&root), retrieval));
        }
        if self.random.u8(..) < 60 {
            let outcome = if self.random.u8(..) < 8 { "error" } else { "success" };
            let end = json!({ "total_latency_ms": self.random.u32(300..9_000), "outcome": outcome });
            events.push(envelope("trace_end", &root, None, end));
        }
        events
    }

    fn llm_call(&mut self, question: &str) -> Value {
        let (model, provider) = MODELS[self.random.usize(..MODELS.len())];
        let earlier = self.text(20, 60);
        let answer = self.text(60, 220);
        let (input, output) = (self.random.u32(200..4_000), self.random.u32(20..700));
        let slow = self.random.u8(..) < 6;
        json!({
            "model": model, "provider_name": provider, "response_model": model, "operation_name": "chat",
            "input_messages": [
                { "role": "system", "content": SYSTEM },
                { "role": "user", "content": earlier },
                { "role": "user", "content": question },
            ],
            "output_messages": [{ "role": "assistant", "content": answer, "finish_reason": "stop" }],
            "input_tokens": input, "output_tokens": output, "total_tokens": input + output,
            "latency_ms": if slow { self.random.u32(2_100..9_000) } else { self.random.u32(200..1_900) },
            "time_to_first_token_ms": self.random.u32(80..400), "temperature": 0.7, "max_tokens": 1024, "top_p": 1.0,
            "finish_reason": "stop", "response_id": format!("resp-{}", self.hex(24)), "choice_count": 1,
            "server_address": "gateway.internal", "server_port": 443,
        })
    }

    fn tool_call(&mut self) -> Value {
        let failed = self.random.u8(..) < 5;
        let arguments = json!({ "query": self.text(3, 8), "limit": self.random.u8(1..50), "page": 1 });
        json!({
            "tool_name": self.one(&TOOLS), "tool_call_id": format!("call-{}", self.hex(12)), "args": arguments,
            "result_status": if failed { "error" } else { "success" },
            "error_message": failed.then_some("upstream answered 503"),
            "result": { "rows": (0..4).map(|_| json!({
                "id": self.random.u16(..), "title": self.text(4, 9), "in_stock": self.random.bool(),
            })).collect::<Vec<_>>() },
            "latency_ms": self.random.u32(10..900),
        })
    }

    fn retrieval(&mut self) -> Value {
        let ids: Vec<String> = (0..5).map(|_| format!("doc-{}", self.random.u16(..))).collect();
        let scores: Vec<f64> = (0..5).map(|_| f64::from(self.random.u16(..1_000)) / 1_000.0).collect();
        json!({
            "retrieval_context_ids": ids, "similarity_scores": scores, "k": 5, "latency_ms": self.random.u32(5..120),
            "retrieval_context": self.text(80, 200), "embedding_model": "text-embedding-3-small",
        })
    }

    /// Prose of some number of words; every hundredth has something that must not be stored.
    fn text(&mut self, least: usize, most: usize) -> String {
        let wanted = self.random.usize(least..most);
        let mut text = String::with_capacity(wanted * 6);
        let mut words = 0;
        while words < wanted {
            if !text.is_empty() {
                text.push_str(if self.random.u8(..) < 20 { "\n" } else { " " });
            }
            let sentence = self.sentence();
            words += sentence.bytes().filter(|byte| *byte == b' ').count() + 1;
            text.push_str(&sentence);
        }
        match self.random.u8(..) {
            0 => text.push_str(&format!(" Write to {}@example.org.", self.hex(6))),
            1 => text.push_str(&format!(" The key is sk-proj-{}.", self.hex(48))),
            2..60 => text.push_str(&format!(
                " Order {}, {:.2} EUR.",
                self.random.u32(..999_999),
                self.random.f64()
            )),
            _ => {}
        }
        text
    }

    fn sentence(&mut self) -> String {
        let mut sentence = String::with_capacity(80);
        let length = self.random.usize(5..16);
        for index in 0..length {
            let word = self.words[self.random.usize(..self.words.len())];
            match index {
                0 => sentence
                    .extend(word.chars().take(1).flat_map(char::to_uppercase).chain(word.chars().skip(1))),
                _ => sentence.push_str(word),
            }
            sentence.push_str(if index + 1 == length { "." } else { " " });
        }
        sentence
    }

    fn one(&mut self, of: &[&'static str]) -> &'static str {
        of[self.random.usize(..of.len())]
    }

    fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| char::from(b"0123456789abcdef"[self.random.usize(..16)])).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_events_of_about_two_kilobytes() {
        let lines = events(1_000, 1_790_000_000_000, 0);
        assert_eq!(lines, events(1_000, 1_790_000_000_000, 0));
        let mean = lines.iter().map(String::len).sum::<usize>() / lines.len();
        assert!((1_600..2_600).contains(&mean), "{mean}");
    }
}
