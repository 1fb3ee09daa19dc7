//! Counts and sums over events. Tokens and money are those of billable events alone.

use crate::price::Usd;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sums {
    pub events: i64,
    pub errors: i64,
    pub timeouts: i64,
    pub billable: i64,
    /// Billable ones whose cost is known.
    pub priced: i64,
    pub input_tokens: i64,
    pub output_tokens: i64,
    pub cached_input_tokens: i64,
    pub cache_write_tokens: i64,
    pub reasoning_tokens: i64,
    pub total_tokens: i64,
    pub cost_usd: Usd,
}

/// How many of [`Sums`]' fields are counts.
pub const COUNTS: usize = 11;

impl Sums {
    pub fn counts(&self) -> [i64; COUNTS] {
        [
            self.events,
            self.errors,
            self.timeouts,
            self.billable,
            self.priced,
            self.input_tokens,
            self.output_tokens,
            self.cached_input_tokens,
            self.cache_write_tokens,
            self.reasoning_tokens,
            self.total_tokens,
        ]
    }

    pub fn of(counts: [i64; COUNTS], cost_usd: Usd) -> Sums {
        let [
            events,
            errors,
            timeouts,
            billable,
            priced,
            input_tokens,
            output_tokens,
            cached_input_tokens,
            cache_write_tokens,
            reasoning_tokens,
            total_tokens,
        ] = counts;
        Sums {
            events,
            errors,
            timeouts,
            billable,
            priced,
            input_tokens,
            output_tokens,
            cached_input_tokens,
            cache_write_tokens,
            reasoning_tokens,
            total_tokens,
            cost_usd,
        }
    }

    /// What goes over 2^63 stays there: no client's number ends a fold.
    pub fn add(&mut self, other: &Sums) {
        let (ours, theirs) = (self.counts(), other.counts());
        let mut counts = ours;
        for (count, more) in counts.iter_mut().zip(theirs) {
            *count = count.saturating_add(more);
        }
        let cost_usd = std::mem::take(&mut self.cost_usd) + &other.cost_usd;
        *self = Sums::of(counts, cost_usd);
    }

    pub fn negated(&self) -> Sums {
        Sums::of(self.counts().map(i64::saturating_neg), -self.cost_usd.clone())
    }

    pub fn is_zero(&self) -> bool {
        *self == Sums::default()
    }
}

/// Sums of scores of answers, and of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    pub coherence: (f64, i64),
    pub toxicity: (f64, i64),
    pub hallucination_risk: (f64, i64),
}

impl Scores {
    pub fn of(coherence: Option<f64>, toxicity: Option<f64>, hallucination_risk: Option<f64>) -> Scores {
        let one =
            |score: Option<f64>| score.filter(|score| score.is_finite()).map_or((0.0, 0), |score| (score, 1));
        Scores {
            coherence: one(coherence),
            toxicity: one(toxicity),
            hallucination_risk: one(hallucination_risk),
        }
    }

    pub fn parts(&self) -> [(f64, i64); 3] {
        [self.coherence, self.toxicity, self.hallucination_risk]
    }

    pub fn of_parts([coherence, toxicity, hallucination_risk]: [(f64, i64); 3]) -> Scores {
        Scores { coherence, toxicity, hallucination_risk }
    }

    pub fn add(&mut self, other: &Scores) {
        let mut parts = self.parts();
        for (part, (sum, count)) in parts.iter_mut().zip(other.parts()) {
            *part = (part.0 + sum, part.1.saturating_add(count));
        }
        *self = Scores::of_parts(parts);
    }

    pub fn negated(&self) -> Scores {
        Scores::of_parts(self.parts().map(|(sum, count)| (-sum, -count)))
    }
}
