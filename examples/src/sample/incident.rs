//! What goes wrong in a trace now and then, so that there is something to see.

use crate::cast::Manner;
use crate::dice::Dice;

#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Incident {
    Nothing,
    Credential,
    Contact,
    Injection,
    ProviderError,
    Slow,
    TokenSpike,
    CostSpike,
    Truncated,
    ToolTimeout,
    ToolError,
    Loop,
    NoTools,
    EmptySearch,
    OddEmbedding,
}

/// How many of a thousand traces have it, and the only manner of trace that can.
const RATES: &[(Incident, u64, Option<Manner>)] = &[
    (Incident::Credential, 16, None),
    (Incident::Contact, 30, None),
    (Incident::Injection, 8, None),
    (Incident::ProviderError, 22, None),
    (Incident::Slow, 25, None),
    (Incident::TokenSpike, 4, None),
    (Incident::CostSpike, 3, None),
    (Incident::Truncated, 8, None),
    (Incident::ToolTimeout, 40, Some(Manner::Agent)),
    (Incident::ToolError, 40, Some(Manner::Agent)),
    (Incident::Loop, 25, Some(Manner::Agent)),
    (Incident::NoTools, 20, Some(Manner::Agent)),
    (Incident::EmptySearch, 35, Some(Manner::Search)),
    (Incident::OddEmbedding, 15, Some(Manner::Search)),
];

impl Incident {
    pub fn happen(manner: Manner, dice: &mut Dice) -> Self {
        let mut drawn = dice.between(0, 999);
        for (incident, rate, only) in RATES {
            if only.is_some_and(|only| only != manner) {
                continue;
            }
            if drawn < *rate {
                return *incident;
            }
            drawn -= rate;
        }
        Self::Nothing
    }
}

/// What has not gone wrong yet: a sample shows everything, whatever the dice say.
pub struct Owed(Vec<(Incident, Option<Manner>)>);

impl Owed {
    pub fn all() -> Self {
        Self(RATES.iter().map(|(incident, _, only)| (*incident, *only)).collect())
    }

    /// What was drawn; where that is nothing and it is `late`, one that is still owed.
    pub fn settle(&mut self, drawn: Incident, manner: Manner, late: bool) -> Incident {
        let fits = |(incident, only): &(Incident, Option<Manner>)| {
            if drawn == Incident::Nothing {
                late && only.is_none_or(|only| only == manner)
            } else {
                *incident == drawn
            }
        };
        match self.0.iter().position(fits) {
            Some(place) => self.0.remove(place).0,
            None => drawn,
        }
    }
}
