//! One judgement: asked, understood, and once more if it was not.

use std::time::Instant;

use super::call::{Call, Fate, Trouble};
use super::chat::{self, Message, Silence};
use super::gate::Effect;
use super::habits::Habits;
use super::prompt::{self, Prompt};
use super::report::{Report, Stub};
use super::task::{Task, Work};
use super::verdict::{Schema, shortened};

/// Of an answer that could not be understood, in bytes.
const ANSWER_BYTES: usize = 4_096;

/// What calls have led to: for the tasks and for their endpoint.
pub struct Ended {
    pub reports: Vec<Report>,
    /// To be asked again, each alone.
    pub alone: Vec<Task>,
    pub effect: Effect,
    pub habits: Option<Habits>,
}

impl Ended {
    pub fn one(report: Report, effect: Effect) -> Ended {
        Ended { reports: vec![report], alone: Vec::new(), effect, habits: None }
    }
}

/// `task` is a judgement; as anything else it fails.
pub async fn judge(task: Task, mut call: Call) -> Ended {
    let started = Instant::now();
    let stub = Stub::of(&task);
    let mut model = None;
    let decided = decide(&task, &mut call, &mut model).await;
    // What was refused in the end as well was refused for something else.
    let habits = decided.is_ok().then_some(call.habits);
    let (mut report, effect) = match decided {
        Ok(done) => done,
        Err(trouble) => (trouble.report(&stub), trouble.effect),
    };
    report.usage = call.spent.told();
    report.model = model;
    if call.spent.calls > 0 {
        report.latency_ms = started.elapsed().as_secs_f64() * 1e3;
    }
    Ended { habits, ..Ended::one(report, effect) }
}

async fn decide(
    task: &Task,
    call: &mut Call,
    model: &mut Option<String>,
) -> Result<(Report, Effect), Trouble> {
    let stub = Stub::of(task);
    let Work::Judge { evaluator, version, template, variables, schema, max_tokens } = &task.work else {
        return Err(unasked("it is no judgement".into()));
    };
    let checker = Schema::new(schema).map_err(unasked)?;
    let Prompt { system, user, is_truncated } =
        prompt::build(evaluator, *version, template, variables, schema)
            .map_err(|error| unasked(error.to_string()))?;
    let mut messages =
        vec![Message { role: "system", content: system }, Message { role: "user", content: user }];
    let mut is_repair = false;
    loop {
        let body = call.ask(|habits| chat::body(&task.model, &messages, habits, schema, *max_tokens)).await?;
        let reading = chat::read(&body);
        call.spent.add(reading.usage);
        *model = reading.model.or(model.take());
        let answer = match reading.said {
            Ok(answer) => answer,
            Err(Silence::Passing(error)) => return Err(Trouble::passing(error)),
            Err(Silence::Final(error)) => return Ok((stub.failed(error), Effect::Well)),
        };
        let unclear = match checker.read(&answer) {
            Ok(mut verdict) => {
                verdict.flags.extend(is_truncated.then(|| "truncated".to_owned()));
                verdict.flags.extend(is_repair.then(|| "repaired".to_owned()));
                return Ok((Report { verdict: Some(verdict), ..stub.done() }, Effect::Well));
            }
            Err(unclear) => unclear,
        };
        if is_repair {
            let report = Report { answer: Some(kept(&answer)), ..stub.failed(unclear.to_string()) };
            return Ok((report, Effect::Well));
        }
        is_repair = true;
        messages.push(Message { role: "assistant", content: kept(&answer) });
        messages.push(Message {
            role: "user",
            content: format!(
                "That can't be used: {unclear}. Judge the same material again, and answer with the JSON object alone."
            ),
        });
    }
}

/// Nobody was asked.
fn unasked(error: String) -> Trouble {
    Trouble { fate: Fate::Failed, error, effect: Effect::Nothing }
}

fn kept(answer: &str) -> String {
    let mut end = answer.len().min(ANSWER_BYTES);
    while !answer.is_char_boundary(end) {
        end -= 1;
    }
    shortened(answer.get(..end).unwrap_or_default(), ANSWER_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_an_answer_is_text_of_four_kilobytes() {
        let kept = kept(&format!("a\0{}", "ä".repeat(5_000)));
        assert!(kept.len() <= ANSWER_BYTES + 2 && kept.starts_with("a\u{fffd}ä"));
    }
}
