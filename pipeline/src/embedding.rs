//! What vectors of questions say of traffic: groups, repetitions, what is unlike the rest, and change. All vectors have length 1, so that
//! a product is their similarity; nothing here is left to chance, so that the same rows give the same answer.

mod chance;
pub mod clusters;
pub mod drift;
pub mod duplicates;
pub mod scope;

/// Vectors of the same number of dimensions, one behind the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Vectors {
    /// 0: none has come yet.
    dimensions: usize,
    numbers: Vec<f32>,
}

impl Vectors {
    /// False: it has another number of dimensions than the first one, and is left out.
    pub fn push(&mut self, vector: &[f32]) -> bool {
        if self.dimensions == 0 {
            self.dimensions = vector.len();
        }
        let fits = vector.len() == self.dimensions && !vector.is_empty();
        if fits {
            self.numbers.extend_from_slice(vector);
        }
        fits
    }

    pub fn len(&self) -> usize {
        self.numbers.len().checked_div(self.dimensions).unwrap_or_default()
    }

    pub fn is_empty(&self) -> bool {
        self.numbers.is_empty()
    }

    /// Empty: there is none of this number.
    pub fn get(&self, number: usize) -> &[f32] {
        let start = number.saturating_mul(self.dimensions);
        self.numbers.get(start..start.saturating_add(self.dimensions)).unwrap_or_default()
    }

    pub fn iter(&self) -> impl Iterator<Item = &[f32]> {
        self.numbers.chunks_exact(self.dimensions.max(1))
    }

    /// Their mean. Empty: there are none.
    pub fn mean(&self) -> Vec<f32> {
        mean_of(self.dimensions, self.iter())
    }
}

/// The mean of vectors of so many dimensions.
fn mean_of<'v>(dimensions: usize, vectors: impl Iterator<Item = &'v [f32]>) -> Vec<f32> {
    let mut sum = vec![0.0_f64; dimensions];
    let mut count = 0_u32;
    for vector in vectors {
        for (sum, number) in sum.iter_mut().zip(vector) {
            *sum += f64::from(*number);
        }
        count += 1;
    }
    let count = f64::from(count.max(1));
    #[expect(clippy::cast_possible_truncation, reason = "a mean is as exact as what it is made of")]
    sum.into_iter().map(|sum| (sum / count) as f32).collect()
}

/// With length 1. None: it has no direction, or is no vector.
pub fn normalised(vector: &[f32]) -> Option<Vec<f32>> {
    let length = vector.iter().map(|number| f64::from(*number).powi(2)).sum::<f64>().sqrt();
    if !length.is_finite() || length < 1e-12 {
        return None;
    }
    #[expect(clippy::cast_possible_truncation, reason = "an embedding has no more than seven digits")]
    Some(vector.iter().map(|number| (f64::from(*number) / length) as f32).collect())
}

/// The product: of vectors of length 1 the cosine of their angle, -1 to 1.
pub fn similarity(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 16;
    let (whole_a, whole_b) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest: f32 = whole_a.remainder().iter().zip(whole_b.remainder()).map(|(a, b)| a * b).sum();
    // As many sums as a processor adds at once: a single one would be waited for in each step.
    let mut sums = [0.0_f32; LANES];
    for (a, b) in whole_a.zip(whole_b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + rest
}

/// Euclid's.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum::<f64>().sqrt()
}

/// The least of `values` that so great a share of them does not exceed. None: there are none.
fn quantile(mut values: Vec<f64>, share: f64) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the values' number")]
    let rank = (values.len() as f64 * share).ceil().max(1.0) as usize;
    values.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::chance::Chance;
    use super::*;
    use proptest::prelude::*;

    /// Vectors near axes, as a topic's questions are near each other: `of` says which axis each one is near.
    pub fn near(axes: &[usize], noise: f64, seed: u64) -> Vectors {
        let mut chance = Chance::new(seed);
        let mut vectors = Vectors::default();
        for axis in axes {
            let mut vector: Vec<f32> = (0..32).map(|_| ((chance.share() - 0.5) * noise) as f32).collect();
            vector[*axis] += 1.0;
            vectors.push(&normalised(&vector).unwrap());
        }
        vectors
    }

    #[test]
    fn what_is_no_direction_is_no_vector() {
        assert_eq!(normalised(&[3.0, 4.0]), Some(vec![0.6, 0.8]));
        for none in [&[0.0, 0.0][..], &[], &[f32::NAN, 1.0], &[f32::INFINITY]] {
            assert_eq!(normalised(none), None, "{none:?}");
        }
        let mut vectors = Vectors::default();
        assert!(!vectors.push(&[]) && vectors.push(&[1.0, 0.0]) && !vectors.push(&[1.0]));
        assert_eq!((vectors.len(), vectors.get(0), vectors.get(1)), (1, &[1.0, 0.0][..], &[][..]));
    }

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!(quantile(values.clone(), 0.99), Some(198.0));
        assert_eq!((quantile(values, 0.0), quantile(vec![], 0.5)), (Some(1.0), None));
    }

    proptest! {
        #[test]
        fn a_similarity_is_the_sum_of_products(numbers in proptest::collection::vec((-1.0_f32..1.0, -1.0_f32..1.0), 0..70)) {
            let (a, b): (Vec<f32>, Vec<f32>) = numbers.iter().copied().unzip();
            let expected: f64 = numbers.iter().map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            prop_assert!((f64::from(similarity(&a, &b)) - expected).abs() < 1e-4);
        }
    }
}
