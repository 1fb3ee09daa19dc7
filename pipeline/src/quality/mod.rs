//! Scores of an answer where the client sent none: cheap, deterministic heuristics over words, the same for the same texts.
//! What they agree with is measured (`docs/quality.md`); they sort and alarm, they do not judge.

mod category;
mod coherence;
mod entry;
mod grounding;
mod lexicon;
mod reading;
pub(crate) mod said;
mod sentiment;
mod spelling;
mod told;
mod toxicity;

use crate::event::{Content, Event, EventType, Field, Scores};
use reading::{Excerpt, Reading};
use told::Told;

/// Words that are read of an answer, and of a prompt: a bound to what scores cost, whatever is sent.
const ANSWER: Excerpt = Excerpt { first: 32, last: 16 };
const PROMPT: Excerpt = Excerpt { first: 20, last: 8 };

/// None: it can't be said of these texts.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// 0 to 1, 1 is best.
    pub coherence: Option<f64>,
    /// 0 to 1, 1 is worst.
    pub toxicity: Option<f64>,
    /// -1 to 1.
    pub sentiment: Option<f64>,
    /// 0 to 1, 1 is worst.
    pub hallucination_risk: Option<f64>,
    /// One of `summarization`, `translation`, `code_generation`, `explanation`, `content_creation`, `general`.
    pub prompt_category: Option<&'static str>,
}

/// A prompt and its answer, read.
struct Pair<'t, 'p> {
    told: &'t Told<'p>,
    response: &'t str,
    prompt: &'t Reading,
    answer: &'t Reading,
    category: &'static str,
}

/// Of texts.
pub fn judge(prompt: &str, response: &str) -> Quality {
    judge_told(prompt, &Told::text(prompt), response)
}

/// Of messages it is what the user and the model said last.
pub fn judge_contents(input: Option<&Content>, output: Option<&Content>) -> Quality {
    let prompt = input.map(said::question).unwrap_or_default();
    let response = output.map(said::answer).unwrap_or_default();
    judge_told(&prompt, &input.map_or(Told::text(""), Told::content), &response)
}

fn judge_told(prompt: &str, told: &Told, response: &str) -> Quality {
    let asked = Reading::of(prompt, PROMPT);
    let answer = Reading::of(response, ANSWER);
    let category = category::category(&asked, &answer);
    let pair = Pair { told, response, prompt: &asked, answer: &answer, category };
    Quality {
        coherence: coherence::coherence(&pair).map(rounded),
        toxicity: toxicity::toxicity(&answer).map(rounded),
        sentiment: sentiment::sentiment(&answer).map(rounded),
        hallucination_risk: grounding::hallucination_risk(&pair).map(rounded),
        prompt_category: (!asked.words.is_empty()).then_some(category),
    }
}

/// To thousandths: more digits would look like knowledge.
fn rounded(score: f32) -> f64 {
    f64::from((score * 1000.0).round()) / 1000.0
}

/// Scores a call to a model where the client did not. What it sent stays.
pub fn score(event: &mut Event) {
    let sent = event.facts.scores;
    let is_sent =
        [sent.coherence, sent.toxicity, sent.sentiment, sent.hallucination_risk].iter().all(Option::is_some);
    if event.event_type != EventType::LlmCall || is_sent && event.text(Field::PromptCategory).is_some() {
        return;
    }
    let quality = judge_contents(event.input.as_ref(), event.output.as_ref());
    event.facts.estimated = Scores {
        coherence: quality.coherence,
        toxicity: quality.toxicity,
        sentiment: quality.sentiment,
        hallucination_risk: quality.hallucination_risk,
    };
    event.facts.estimated_category = quality.prompt_category;
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(prompt: &str, response: &str) -> Quality {
        judge(prompt, response)
    }

    #[test]
    fn what_says_nothing_has_no_score() {
        assert_eq!(of("", ""), Quality::default());
        let only_asked = of("Translate this into German", "");
        assert_eq!(only_asked, Quality { prompt_category: Some("translation"), ..Quality::default() });
    }

    #[test]
    fn other_languages_have_no_sentiment_rather_than_a_neutral_one() {
        let german = of(
            "Wie war es?",
            "Das Hotel war wirklich furchtbar und wir kommen ganz sicher nie wieder hierher zurück.",
        );
        assert_eq!((german.sentiment, german.toxicity, german.hallucination_risk), (None, None, None));
        assert_eq!(german.coherence, Some(1.0));
        let short = of("Stimmt das?", "Ja, das stimmt leider.");
        assert_eq!((short.sentiment, short.toxicity, short.hallucination_risk), (None, None, None));
        assert_eq!(of("Wie?", "Übersetze das").prompt_category, Some("general"));
        assert_eq!(of("Übersetze das bitte ins Deutsche", "").prompt_category, Some("translation"));
    }

    #[test]
    fn what_hurts_people_and_what_comforts_them_is_no_threat_and_no_contempt() {
        for text in [
            "Sitting for a long time can hurt your back.",
            "You can kill your session with Ctrl-C",
            "If you train like this, you will beat your personal record.",
            "I am so sorry you have such terrible pain and horrible anxiety, you suffer from a dreadful illness.",
            "You are not pathetic, and this is not awful.",
        ] {
            let toxicity = of("Help me", text).toxicity.unwrap();
            assert!(toxicity < 0.3, "{text}: {toxicity}");
        }
        let contempt =
            of("Help me", "You are awful, terrible, horrible, disgusting and pathetic.").toxicity.unwrap();
        assert!((0.5..0.7).contains(&contempt), "{contempt}");
    }

    #[test]
    fn a_rule_ends_an_answer_and_a_hyphen_breaks_it_off() {
        let coherence = |text: &str| of("How is it?", text).coherence.unwrap();
        assert_eq!(coherence("- one\n- two\n---"), 1.0);
        assert_eq!(coherence("The order was sent. It will be with you on Monday.\n\n---"), 1.0);
        assert!(coherence("The order was sent. It will be with you on Mon-") < 0.7);
    }

    #[test]
    fn negation_and_degree_turn_and_stretch_a_sentiment() {
        let sentiment = |text: &str| of("How was it?", text).sentiment.unwrap();
        assert!(sentiment("It was good.") > 0.3);
        assert!(sentiment("It was very good.") > sentiment("It was good."));
        assert!(sentiment("It was not good.") < 0.0);
        assert!(sentiment("It was good, but the service was terrible.") < 0.0);
        assert_eq!(sentiment("It was on the table."), 0.0);
    }

    #[test]
    fn an_insult_is_toxic_and_a_technical_word_is_not() {
        let toxicity = |text: &str| of("Help me", text).toxicity.unwrap();
        assert!(toxicity("You are a stupid idiot and nobody likes you.") > 0.7);
        assert!(toxicity("I will kill you if you ask that again.") > 0.7);
        assert!(toxicity("This is f*cking useless, you are useless.") > 0.5);
        assert!(toxicity("Kill the process and all of its child processes with this command.") < 0.3);
        assert_eq!(toxicity("The assessment of the class is in the analysis of Scunthorpe."), 0.0);
        assert_eq!(toxicity("The area is A*b, where x and 2*y are its **important** sides."), 0.0);
    }

    #[test]
    fn repetition_mojibake_and_a_broken_end_are_not_coherent() {
        let coherence = |text: &str| of("Tell me about the delivery of my order.", text).coherence.unwrap();
        assert_eq!(
            coherence("The delivery of your order is on its way and will be with you on Monday."),
            1.0
        );
        assert!(coherence(&"The order is on its way. ".repeat(20)) < 0.3);
        assert!(coherence("Your dÃ©livery isnâ€™t lÃ¢te, the ordÃ©r is hÃ©re in our stÃ´re.") < 0.5);
        assert!(
            coherence(
                "The order was sent. It will be delivered on Monday, unless the driver of the truck is"
            ) < 0.7
        );
    }

    #[test]
    fn particulars_that_the_prompt_has_are_no_risk() {
        let prompt = "Our store in Leeds opened in 1987 and has 250 employees. Where is the store?";
        let grounded = of(prompt, "The store is in Leeds, it opened in 1987, and it has 250 employees.");
        let invented = of(
            prompt,
            "The store is in Bristol, according to a 2021 study by Henry Miller, with 4,100 employees.",
        );
        assert!(grounded.hallucination_risk.unwrap() < 0.2);
        assert!(invented.hallucination_risk.unwrap() > 0.6);
        let number =
            |answer: &str| of("The order has the number 1234567.", answer).hallucination_risk.unwrap();
        assert!(number("It is the order 1234599.") > number("It is the order 1234567."));
        assert_eq!(of("", "The store is in Bristol.").hallucination_risk, None);
        let redacted = of("Whose is it?", "It is that of [REDACTED:email] and of [REDACTED:person].");
        assert!(redacted.hallucination_risk.unwrap() < 0.1);
    }

    #[test]
    fn all_of_a_prompt_grounds_an_answer_however_long_it_is() {
        let names: Vec<String> = (0..30).map(|name| format!("Name{name}")).collect();
        let prompt = format!("Who is there? {} {}", "word ".repeat(10_000), names.join(" and "));
        let answer = format!("There are {}.", names.join(" and "));
        assert!(of(&prompt, &answer).hallucination_risk.unwrap() < 0.1);
    }

    #[test]
    fn what_the_system_said_grounds_an_answer() {
        let said = r#"[{"role":"system","content":"The store is in Bristol."},{"role":"user","content":"Where is it?"}]"#;
        let quality = judge_told(
            "Where is it?",
            &Told::content(&Content::Json(said.into())),
            "It is in the city of Bristol.",
        );
        assert!(quality.hallucination_risk.unwrap() < 0.2);
    }

    #[test]
    fn the_last_of_the_messages_is_judged() {
        let input = Content::Json(
            r#"[{"role":"user","content":"Translate this"},{"role":"assistant","content":"What?"},
            {"role":"user","content":[{"type":"text","text":"Summarize the report for me"}]}]"#
                .into(),
        );
        let output = Content::Json(
            r#"[{"role":"assistant","parts":[{"type":"text","content":"It was a great success."}]}]"#.into(),
        );
        let quality = judge_contents(Some(&input), Some(&output));
        assert_eq!(quality.prompt_category, Some("summarization"));
        assert!(quality.sentiment.unwrap() > 0.3);
    }

    /// A word that some score looks for, and a mark behind it.
    fn listed_word() -> impl Strategy<Value = String> {
        let toxic = [
            "idiot",
            "stupid",
            "fuck",
            "shit",
            "great",
            "terrible",
            "f*ck",
            "1d10t",
            "1987",
            "Leeds",
            "[REDACTED:email]",
        ];
        let listed = include_str!("../../data/words.txt").lines().filter(|line| !line.starts_with('#'));
        let words: Vec<&str> =
            listed.flat_map(|line| line.split_ascii_whitespace().skip(1)).chain(toxic).collect();
        let word = proptest::sample::select(words);
        let mark = proptest::sample::select(vec![" ", " ", " ", ". ", "! ", "?\n", ", "]);
        (word, any::<bool>(), mark).prop_map(|(word, shouted, mark)| {
            if shouted { format!("{}{mark}", word.to_uppercase()) } else { format!("{word}{mark}") }
        })
    }

    proptest! {
        #[test]
        fn scores_of_any_texts_are_in_their_range(prompt: String, response: String, words in proptest::collection::vec(listed_word(), 0..200)) {
            for response in [response, words.concat()] {
                let quality = of(&prompt, &response);
                let ranged = [quality.coherence, quality.toxicity, quality.hallucination_risk];
                prop_assert!(ranged.into_iter().flatten().all(|score| (0.0..=1.0).contains(&score)));
                prop_assert!(quality.sentiment.is_none_or(|score| (-1.0..=1.0).contains(&score)));
            }
        }
    }
}
