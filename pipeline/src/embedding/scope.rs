//! What is unlike all that is usual.

use super::clusters::{self, nearest};
use super::{Vectors, quantile};

/// Groups of what is usual.
const GROUPS: usize = 16;

/// The share of what is usual that is nearer to it than what is told.
const USUAL: f64 = 0.99;

/// Vectors without which nothing can be said to be usual.
pub const LEAST: usize = 100;

/// What was usual in a time.
pub struct Usual {
    centres: Vectors,
    /// A distance that 99 of 100 do not exceed: 1 less the similarity to the nearest centre.
    pub threshold: f64,
}

impl Usual {
    /// None: of so few nothing is usual. Half of them make the centres and the other half is measured by them: those that a centre was made
    /// of are nearer to it than others of their kind.
    pub fn of(past: &Vectors, pause: impl FnMut()) -> Option<Usual> {
        if past.len() < LEAST {
            return None;
        }
        let (mut makes, mut measured) = (Vectors::default(), Vectors::default());
        for (number, vector) in past.iter().enumerate() {
            let half = if number % 2 == 0 { &mut makes } else { &mut measured };
            half.push(vector);
        }
        let centres = clusters::find(&makes, GROUPS, pause).centres;
        let mut usual = Usual { centres, threshold: 0.0 };
        usual.threshold = quantile(measured.iter().map(|vector| usual.distance(vector)).collect(), USUAL)?;
        Some(usual)
    }

    /// To the nearest centre, 0 to 2.
    pub fn distance(&self, vector: &[f32]) -> f64 {
        let similar = nearest(&self.centres, vector).map_or(-1.0, |(_, similar)| similar);
        (1.0 - f64::from(similar)).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::near;
    use super::*;

    #[test]
    fn what_is_usual_is_seldom_told_and_what_is_not_always() {
        let axes: Vec<usize> = (0..1_000).map(|number| number % 3).collect();
        let usual = Usual::of(&near(&axes, 0.5, 1), || ()).unwrap();
        let told = |vectors: Vectors| {
            vectors.iter().filter(|vector| usual.distance(vector) > usual.threshold).count()
        };
        let of_the_same = told(near(&axes, 0.5, 2));
        assert!(of_the_same < 40, "{of_the_same} of 1,000");
        assert_eq!(told(near(&[9; 100], 0.5, 3)), 100);
    }

    #[test]
    fn of_few_nothing_is_usual() {
        assert!(Usual::of(&near(&[1; 99], 0.5, 1), || ()).is_none());
        assert!(Usual::of(&near(&[1; 100], 0.5, 1), || ()).is_some());
    }
}
