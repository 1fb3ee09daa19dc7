//! What is asked for: one of ObservAI's six categories.

use crate::quality::entry::Class;
use crate::quality::reading::Reading;

const GENERAL: &str = "general";

/// Words at the beginning, where most prompts say what they want, and what one of these counts.
const FIRST: usize = 12;
const FIRST_COUNTS: u32 = 3;

/// An answer that is code speaks for a task that has to do with code; so do a program's marks in the prompt.
const CODE_COUNTS: u32 = 4;
const MARKS: usize = 4;

struct Task {
    name: &'static str,
    /// The words that say so, and those that help them.
    verb: Class,
    object: Option<Class>,
}

/// Of equal ones the first wins.
const TASKS: [Task; 5] = [
    Task { name: "translation", verb: Class::Translate, object: Some(Class::Language) },
    Task { name: "summarization", verb: Class::Summary, object: None },
    Task { name: "code_generation", verb: Class::Code, object: None },
    Task { name: "content_creation", verb: Class::Write, object: Some(Class::Piece) },
    Task { name: "explanation", verb: Class::Explain, object: None },
];

pub fn category(prompt: &Reading, answer: &Reading) -> &'static str {
    let mut best = (2, GENERAL);
    for task in &TASKS {
        let score = score(prompt, answer, task);
        if score > best.0 {
            best = (score, task.name);
        }
    }
    best.1
}

fn score(prompt: &Reading, answer: &Reading, task: &Task) -> u32 {
    let (mut verbs, mut objects) = (0, 0);
    if prompt.any.is(task.verb) {
        for (index, word) in prompt.words.iter().enumerate() {
            let counts = if index < FIRST { FIRST_COUNTS } else { 1 };
            if word.is(task.verb) {
                verbs += counts;
            } else if task.object.is_some_and(|object| word.is(object)) {
                objects += counts;
            }
        }
    }
    if task.verb == Class::Code {
        verbs +=
            u32::from(answer.is_code()) * CODE_COUNTS + u32::from(prompt.symbols >= MARKS) * FIRST_COUNTS;
    }
    match task.verb {
        _ if verbs == 0 => 0,
        // "What is your phone number?" asks for no explanation.
        Class::Explain if prompt.any.is(Class::SecondPerson) => verbs.saturating_sub(FIRST_COUNTS),
        Class::Explain => verbs.min(FIRST_COUNTS),
        _ => verbs + objects,
    }
}
