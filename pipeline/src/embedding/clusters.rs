//! Groups of vectors that are near each other: k-means on the sphere, begun as k-means++ does (Arthur and Vassilvitskii, SODA 2007).

use super::chance::Chance;
use super::{Vectors, normalised, similarity};

/// Rounds of one try, after which it is taken as it is.
const ROUNDS: usize = 25;

/// Tries, of which the best is taken: each begins elsewhere.
const TRIES: u64 = 4;

#[derive(Clone, Debug, PartialEq)]
pub struct Clusters {
    /// None is without vectors; the largest comes first.
    pub centres: Vectors,
    /// Of each vector the number of its centre.
    pub places: Vec<usize>,
}

/// At most `k` groups. `pause` is called often, so that whoever waits can be told to end.
pub fn find(vectors: &Vectors, k: usize, mut pause: impl FnMut()) -> Clusters {
    let mut best: Option<(f64, Clusters)> = None;
    for seed in 0..TRIES {
        let (tightness, clusters) = attempt(vectors, k, seed, &mut pause);
        if best.as_ref().is_none_or(|(known, _)| tightness > *known) {
            best = Some((tightness, clusters));
        }
    }
    best.map(|(_, clusters)| by_size(clusters))
        .unwrap_or(Clusters { centres: Vectors::default(), places: Vec::new() })
}

/// The number of the nearest centre, and how similar it is. None: there is no centre.
pub fn nearest(centres: &Vectors, vector: &[f32]) -> Option<(usize, f32)> {
    let similarities = centres.iter().map(|centre| similarity(centre, vector)).enumerate();
    similarities.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

fn attempt(vectors: &Vectors, k: usize, seed: u64, pause: &mut impl FnMut()) -> (f64, Clusters) {
    let mut centres = begin(vectors, k, seed, pause);
    let (mut tightness, mut places) = assign(&centres, vectors, pause);
    for _ in 0..ROUNDS {
        centres = means(vectors, &places, &centres);
        let (next, moved) = assign(&centres, vectors, pause);
        let is_settled = moved == places;
        (tightness, places) = (next, moved);
        if is_settled {
            break;
        }
    }
    (tightness, Clusters { centres, places })
}

/// The first one drawn, each further one where vectors are far from those there are.
fn begin(vectors: &Vectors, k: usize, seed: u64, pause: &mut impl FnMut()) -> Vectors {
    let mut chance = Chance::new(seed);
    let mut centres = Vectors::default();
    let mut far = vec![f32::INFINITY; vectors.len()];
    let mut chosen = chance.below(vectors.len());
    for _ in 0..k.min(vectors.len()) {
        pause();
        let centre = vectors.get(chosen).to_vec();
        centres.push(&centre);
        for (far, vector) in far.iter_mut().zip(vectors.iter()) {
            *far = far.min((1.0 - similarity(&centre, vector)).max(0.0));
        }
        let all: f64 = far.iter().map(|far| f64::from(*far)).sum();
        // What is left is the same as some centre.
        if all < 1e-6 {
            break;
        }
        let mut left = chance.share() * all;
        let past = far.iter().position(|far| {
            left -= f64::from(*far);
            left < 0.0
        });
        chosen = past.unwrap_or(vectors.len() - 1);
    }
    centres
}

/// The sum of similarities, and of each vector its centre.
fn assign(centres: &Vectors, vectors: &Vectors, pause: &mut impl FnMut()) -> (f64, Vec<usize>) {
    let mut tightness = 0.0;
    let places = vectors
        .iter()
        .enumerate()
        .map(|(number, vector)| {
            if number % 256 == 0 {
                pause();
            }
            let (place, similarity) = nearest(centres, vector).unwrap_or_default();
            tightness += f64::from(similarity);
            place
        })
        .collect();
    (tightness, places)
}

/// A centre that has lost all vectors stays where it was.
fn means(vectors: &Vectors, places: &[usize], before: &Vectors) -> Vectors {
    let mut sums: Vec<Vec<f32>> = before.iter().map(|centre| vec![0.0; centre.len()]).collect();
    for (vector, place) in vectors.iter().zip(places) {
        let Some(sum) = sums.get_mut(*place) else { continue };
        for (sum, number) in sum.iter_mut().zip(vector) {
            *sum += number;
        }
    }
    let mut centres = Vectors::default();
    for (sum, before) in sums.iter().zip(before.iter()) {
        centres.push(normalised(sum).as_deref().unwrap_or(before));
    }
    centres
}

/// The largest first, and none that is empty.
fn by_size(clusters: Clusters) -> Clusters {
    let mut sizes = vec![0_usize; clusters.centres.len()];
    for place in &clusters.places {
        if let Some(size) = sizes.get_mut(*place) {
            *size += 1;
        }
    }
    let mut order: Vec<(usize, usize)> =
        sizes.into_iter().enumerate().filter(|(_, size)| *size > 0).collect();
    order.sort_by_key(|(place, size)| (std::cmp::Reverse(*size), *place));
    let mut centres = Vectors::default();
    for (place, _) in &order {
        centres.push(clusters.centres.get(*place));
    }
    let new_place = |old: usize| order.iter().position(|(place, _)| *place == old).unwrap_or_default();
    Clusters { centres, places: clusters.places.iter().map(|place| new_place(*place)).collect() }
}

#[cfg(test)]
mod tests {
    use super::super::tests::near;
    use super::*;

    #[test]
    fn planted_groups_are_found_and_the_same_each_time() {
        let axes: Vec<usize> = (0..300).map(|number| [0, 0, 0, 5, 5, 9][number % 6]).collect();
        let vectors = near(&axes, 0.5, 1);
        let found = find(&vectors, 3, || ());
        assert_eq!(found.centres.len(), 3);
        // The largest comes first.
        let expected: Vec<usize> = axes
            .iter()
            .map(|axis| [(0, 0), (5, 1), (9, 2)].iter().find(|(of, _)| of == axis).unwrap().1)
            .collect();
        assert_eq!(found.places, expected);
        assert_eq!(find(&vectors, 3, || ()), found);
    }

    #[test]
    fn there_are_no_more_groups_than_different_vectors() {
        let same = near(&[3; 50], 0.0, 1);
        assert_eq!(find(&same, 8, || ()).centres.len(), 1);
        let two = near(&[3, 4, 3, 4], 0.0, 1);
        assert_eq!(find(&two, 8, || ()).places.len(), 4);
        assert_eq!(find(&two, 8, || ()).centres.len(), 2);
        assert_eq!(find(&Vectors::default(), 8, || ()).centres.len(), 0);
        assert!(find(&two, 0, || ()).centres.is_empty());
    }
}
