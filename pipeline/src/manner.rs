//! How a model answers: how long, in which languages, how often it refuses or is cut off. A model that is exchanged behind the same name, or a
//! prompt that changed, shows there first, and no other model has to be asked.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};
use serde::{Deserialize, Serialize};

use crate::event::Content;
use crate::quality::said;

/// Answers of the present without which nothing is said.
pub const LEAST: i64 = 50;

/// Days of the past with so many answers without which nobody knows how days differ.
pub const LEAST_DAYS: usize = 3;
const OF_A_DAY: i64 = 20;

/// Standard errors that chance is granted.
const CHANCE: f64 = 4.0;

/// Times the furthest of the past days.
const MARGIN: f64 = 1.5;

/// A share has to move by so much at least, and a length by such a factor.
const SHARE: f64 = 0.1;
const FACTOR: f64 = 1.5;

/// Bytes of an answer that are looked at for its language, and characters without which it has none.
const LOOKED_AT: usize = 600;
const LEAST_CHARACTERS: usize = 40;

/// Characters of an answer in which a refusal says so.
const OPENING: usize = 200;

/// Languages of a day that are told apart.
const MOST_LANGUAGES: usize = 12;

/// As `finish_reason` is stored.
const CUT_OFF: [&str; 3] = ["length", "max_tokens", "max_output_tokens"];
const BLOCKED: [&str; 5] = ["content_filter", "refusal", "safety", "blocklist", "prohibited_content"];

static REFUSALS: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let lines = include_str!("../data/refusals.txt").lines().map(str::trim);
    let phrases = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(phrases).ok()
});

/// Of some answers, as it is stored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Manner {
    pub answers: i64,
    /// Of the natural logarithm of the characters, and of its square: lengths are spread over decades.
    pub ln_length: f64,
    pub ln_length_squares: f64,
    pub refusals: i64,
    pub cut_off: i64,
    /// By ISO 639-3 code, of the answers whose language is plain.
    pub languages: BTreeMap<String, i64>,
}

impl Manner {
    /// Output as it is stored. An answer that says nothing, as one that calls a tool, is none.
    pub fn see(&mut self, output: &str, finish_reason: Option<&str>) {
        let output = Content::stored(output);
        let answer = said::answer(&output);
        let answer = answer.trim();
        let reason = finish_reason.unwrap_or_default().to_ascii_lowercase();
        let is_blocked = BLOCKED.contains(&reason.as_str());
        if answer.is_empty() && !is_blocked {
            return;
        }
        self.answers += 1;
        let ln = (answer.chars().count().max(1) as f64).ln();
        self.ln_length += ln;
        self.ln_length_squares += ln * ln;
        self.refusals += i64::from(is_blocked || refuses(answer));
        self.cut_off += i64::from(CUT_OFF.contains(&reason.as_str()));
        if let Some(language) = language(answer) {
            *self.languages.entry(language.to_owned()).or_default() += 1;
        }
    }

    pub fn add(&mut self, other: &Manner) {
        self.answers = self.answers.saturating_add(other.answers);
        self.ln_length += other.ln_length;
        self.ln_length_squares += other.ln_length_squares;
        self.refusals = self.refusals.saturating_add(other.refusals);
        self.cut_off = self.cut_off.saturating_add(other.cut_off);
        for (language, count) in &other.languages {
            let ours = self.languages.entry(language.clone()).or_default();
            *ours = ours.saturating_add(*count);
        }
        while self.languages.len() > MOST_LANGUAGES {
            let rarest = self.languages.iter().min_by_key(|(_, count)| **count).map(|(name, _)| name.clone());
            if let Some(rarest) = rarest {
                self.languages.remove(&rarest);
            }
        }
    }

    /// How many have a language.
    fn in_language(&self) -> i64 {
        self.languages.values().sum()
    }

    fn language(&self, name: &str) -> i64 {
        self.languages.get(name).copied().unwrap_or_default()
    }

    fn mean_ln(&self) -> f64 {
        self.ln_length / self.answers.max(1) as f64
    }

    fn variance_ln(&self) -> f64 {
        (self.ln_length_squares / self.answers.max(1) as f64 - self.mean_ln().powi(2)).max(0.0)
    }
}

fn refuses(answer: &str) -> bool {
    let opening: String = answer.chars().take(OPENING).flat_map(char::to_lowercase).collect();
    REFUSALS.as_ref().is_some_and(|refusals| refusals.is_match(&opening))
}

/// None: it is too short or not plain, as code is.
fn language(answer: &str) -> Option<&'static str> {
    let looked_at = answer.get(..answer.floor_char_boundary(LOOKED_AT))?;
    looked_at.chars().nth(LEAST_CHARACTERS)?;
    whatlang::detect(looked_at).filter(whatlang::Info::is_reliable).map(|info| info.lang().code())
}

/// Something about the answers that is another than it was.
#[derive(Clone, Debug, PartialEq)]
pub struct Shift {
    /// `length`, `refusals`, `cut_off` or `language eng`.
    pub what: String,
    /// `characters` (their geometric mean) or `share of the answers`.
    pub unit: &'static str,
    pub before: f64,
    pub now: f64,
    /// What it passed.
    pub threshold: f64,
}

/// What of the present is further from the past than chance makes numbers as small, than any of the past days was, and than matters. Days are
/// of the past; nothing is said of too few.
pub fn shifts(days: &[Manner], now: &Manner) -> Vec<Shift> {
    let days: Vec<&Manner> = days.iter().filter(|day| day.answers >= OF_A_DAY).collect();
    if now.answers < LEAST || days.len() < LEAST_DAYS {
        return Vec::new();
    }
    let mut past = Manner::default();
    days.iter().for_each(|day| past.add(day));
    let of_answers = |manner: &Manner| manner.answers;
    let mut found: Vec<Option<Shift>> = vec![
        share("refusals", &days, &past, now, &|manner| manner.refusals, &of_answers),
        share("cut_off", &days, &past, now, &|manner| manner.cut_off, &of_answers),
    ];
    let mut languages: Vec<&String> = past.languages.keys().chain(now.languages.keys()).collect();
    languages.sort_unstable();
    languages.dedup();
    for name in languages {
        let what = format!("language {name}");
        found.push(share(&what, &days, &past, now, &|manner| manner.language(name), &Manner::in_language));
    }
    let mut shifts: Vec<Shift> = found.into_iter().flatten().collect();
    let by_numbers = by_numbers(now.answers, past.answers);
    let before = past.mean_ln();
    let furthest = days.iter().map(|day| (day.mean_ln() - before).abs()).fold(0.0, f64::max);
    let spread = past.variance_ln().max(now.variance_ln());
    let limit = FACTOR.ln().max(CHANCE * (spread * by_numbers).sqrt()).max(MARGIN * furthest);
    shifts.extend(moved("length", "characters", before, now.mean_ln(), limit).map(|shift| Shift {
        before: shift.before.exp(),
        now: shift.now.exp(),
        threshold: shift.threshold.exp(),
        ..shift
    }));
    shifts
}

fn by_numbers(now: i64, past: i64) -> f64 {
    1.0 / now.max(1) as f64 + 1.0 / past.max(1) as f64
}

/// Of `part` in `whole`. None: it has not moved, or too few are known.
fn share(
    what: &str,
    days: &[&Manner],
    past: &Manner,
    now: &Manner,
    part: &dyn Fn(&Manner) -> i64,
    whole: &dyn Fn(&Manner) -> i64,
) -> Option<Shift> {
    let of = |manner: &Manner| part(manner) as f64 / whole(manner).max(1) as f64;
    let full: Vec<&&Manner> = days.iter().filter(|day| whole(day) >= OF_A_DAY).collect();
    if whole(now) < LEAST || full.len() < LEAST_DAYS {
        return None;
    }
    let before = of(past);
    let furthest = full.iter().map(|day| (of(day) - before).abs()).fold(0.0, f64::max);
    // As if one more were so: of what never happened nobody knows that it can't.
    let spread = (before * (1.0 - before)).max(1.0 / whole(past) as f64);
    let chance = CHANCE * (spread * by_numbers(whole(now), whole(past))).sqrt();
    moved(what, "share of the answers", before, of(now), SHARE.max(chance).max(MARGIN * furthest))
}

fn moved(what: &str, unit: &'static str, before: f64, now: f64, limit: f64) -> Option<Shift> {
    let threshold = if now > before { before + limit } else { before - limit };
    ((now - before).abs() > limit).then(|| Shift { what: what.to_owned(), unit, before, now, threshold })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ENGLISH: &str =
        "The order was sent on Tuesday and will be with you before the end of the week, as you asked.";
    const GERMAN: &str =
        "Die Bestellung wurde am Dienstag verschickt und kommt noch vor dem Ende der Woche bei Ihnen an.";
    const REFUSAL: &str =
        "I'm sorry, but I can't help with that. Please ask something else about your order.";

    fn day(answers: &[(&str, usize)]) -> Manner {
        let mut manner = Manner::default();
        for (answer, times) in answers {
            let mut one = Manner::default();
            one.see(answer, Some("stop"));
            (0..*times).for_each(|_| manner.add(&one));
        }
        manner
    }

    fn what(days: &[Manner], now: &Manner) -> Vec<String> {
        shifts(days, now).into_iter().map(|shift| shift.what).collect()
    }

    fn usual() -> Vec<Manner> {
        (0..5).map(|number| day(&[(ENGLISH, 100), (REFUSAL, number)])).collect()
    }

    #[test]
    fn days_as_those_before_have_not_shifted() {
        assert_eq!(what(&usual(), &day(&[(ENGLISH, 97), (REFUSAL, 3)])), Vec::<String>::new());
    }

    #[test]
    fn another_language_more_refusals_longer_answers_and_more_that_are_cut_off_are_told_of() {
        let german = day(&[(ENGLISH, 30), (GERMAN, 70)]);
        assert_eq!(what(&usual(), &german), ["language deu", "language eng"]);
        assert_eq!(what(&usual(), &day(&[(ENGLISH, 70), (REFUSAL, 30)])), ["refusals"]);
        assert_eq!(what(&usual(), &day(&[(&ENGLISH.repeat(3), 100)])), ["length"]);
        let mut cut = day(&[(ENGLISH, 60)]);
        (0..40).for_each(|_| cut.see(ENGLISH, Some("max_tokens")));
        let shift = &shifts(&usual(), &cut)[0];
        assert_eq!((shift.what.as_str(), shift.before, shift.now), ("cut_off", 0.0, 0.4));
    }

    #[test]
    fn of_few_answers_or_days_nothing_is_said() {
        let german = |times| day(&[(GERMAN, times)]);
        assert_eq!(what(&usual(), &german(49)), Vec::<String>::new());
        assert!(!what(&usual(), &german(50)).is_empty());
        assert_eq!(what(&usual()[..2], &german(100)), Vec::<String>::new());
        let thin: Vec<Manner> = (0..10).map(|_| day(&[(ENGLISH, 19)])).collect();
        assert_eq!(what(&thin, &german(100)), Vec::<String>::new());
    }

    /// Half of the days are German anyway.
    #[test]
    fn what_days_differ_in_is_no_shift() {
        let days: Vec<Manner> = (0..6)
            .map(|number| if number % 2 == 0 { day(&[(ENGLISH, 100)]) } else { day(&[(GERMAN, 100)]) })
            .collect();
        assert_eq!(what(&days, &day(&[(GERMAN, 100)])), Vec::<String>::new());
    }

    #[test]
    fn messages_are_read_for_what_they_say_and_calls_of_tools_are_no_answers() {
        let mut manner = Manner::default();
        manner.see(r#"[{"role":"assistant","content":"Je ne peux pas vous aider avec cela, je suis vraiment navré. Posez-moi une autre question sur votre commande, s’il vous plaît."}]"#, None);
        manner.see(
            r#"[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}]"#,
            Some("tool_calls"),
        );
        manner.see("", Some("content_filter"));
        assert_eq!((manner.answers, manner.refusals), (2, 2));
        assert_eq!(manner.languages.keys().collect::<Vec<_>>(), ["fra"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_answer_can_be_seen_and_what_is_stored_comes_back(answers in prop::collection::vec((".{0,300}", prop::option::of("[a-z_]{0,12}")), 0..20)) {
            let mut manner = Manner::default();
            for (answer, reason) in &answers {
                manner.see(answer, reason.as_deref());
            }
            prop_assert!(manner.answers <= answers.len() as i64 && manner.refusals <= manner.answers);
            let stored = serde_json::to_value(&manner).unwrap();
            prop_assert_eq!(serde_json::from_value::<Manner>(stored).unwrap().answers, manner.answers);
        }
    }
}
