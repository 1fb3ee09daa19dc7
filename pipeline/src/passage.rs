//! Which retrieved passages stand in a prompt, how much of it they are, and whether the answer has words of them. Words tell only
//! part: where they leave a doubt, a passage counts as used.

mod listed;
mod prompt;
mod words;

use listed::{listed, texts};
use prompt::Prompt;
use words::Words;

/// Passages of one retrieval that are looked at: more are seldom asked for.
pub const MOST: usize = 50;

/// Bytes of a passage below which it may stand in a prompt by chance, and costs next to nothing.
const LEAST: usize = 40;

/// Words of its own below which an answer (`129 EUR`, a tool's arguments) has no room to show what it made use of.
const TELLING: usize = 4;

/// A passage in a prompt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Seen {
    /// Which of the retrievals gave it, from 0 on.
    pub retrieval: usize,
    /// Where it is in what that gave, from 0 on.
    pub place: usize,
    /// Its characters among those of the prompt, from 0 to 1.
    pub share: f64,
    /// The answer has words of it. None: passage or answer have too few words for that to be told.
    pub is_used: Option<bool>,
}

/// The passages of a prompt, of retrievals of which the newest comes last. `question` is what was said last. None: it is not known.
pub fn seen(prompt: &str, question: Option<&str>, answer: &str, retrieved: &[&str]) -> Vec<Seen> {
    let text = texts(prompt);
    let mut prompt = Prompt::new(&text);
    let mut asked = question.map(Prompt::new);
    let mut found = Vec::new();
    // The newest first: where a reranker put a retriever's passages in another order, that is the order of the prompt.
    for (retrieval, output) in retrieved.iter().enumerate().rev() {
        for (place, passage) in listed(output).into_iter().enumerate().take(MOST) {
            let passage = passage.trim();
            if passage.len() < LEAST {
                continue;
            }
            let Some(share) = prompt.take(passage) else { continue };
            if let Some(asked) = &mut asked {
                asked.take(passage);
            }
            found.push((retrieval, place, share, Words::of(passage)));
        }
    }
    if found.is_empty() {
        return Vec::new();
    }
    let asked = asked.map(|asked| asked.rest()).filter(|rest| rest.contains(char::is_alphabetic));
    let question = Words::of(&asked.unwrap_or_else(|| prompt.rest()));
    let answer = Words::of(&texts(answer)).without(&question);
    let judged = found.into_iter().map(|(retrieval, place, share, words)| {
        let own = words.without(&question);
        Seen { retrieval, place, share, is_used: is_used(&own, &answer) }
    });
    judged.collect()
}

/// Two words of the passage's own, one where it has hardly any.
fn is_used(own: &Words, answer: &Words) -> Option<bool> {
    let needed = if own.len() < 4 { 1 } else { 2 };
    match own.common(answer) >= needed {
        _ if own.len() == 0 => None,
        true => Some(true),
        false if answer.len() < TELLING => None,
        false => Some(false),
    }
}

#[cfg(test)]
mod tests;
