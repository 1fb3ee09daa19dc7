//! Groups of questions that are as good as the same.

use super::{Vectors, similarity};

#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Those whose vector is near the first one's, which is the first here.
    pub members: Vec<usize>,
    /// Of the one that is least like the first.
    pub least: f32,
}

/// Each vector joins the group whose first one is most similar to it, if that is similar by `threshold` at least, or begins its own. So
/// none is in two groups, and no chain of small steps joins what is far apart.
pub fn group(vectors: &Vectors, threshold: f32, mut pause: impl FnMut()) -> Vec<Group> {
    let mut first = Vectors::default();
    let mut groups: Vec<Group> = Vec::new();
    for (number, vector) in vectors.iter().enumerate() {
        if number % 64 == 0 {
            pause();
        }
        let best = super::clusters::nearest(&first, vector).filter(|(_, similar)| *similar >= threshold);
        match best.and_then(|(place, similar)| groups.get_mut(place).zip(Some(similar))) {
            Some((group, similar)) => {
                group.members.push(number);
                group.least = group.least.min(similar);
            }
            None => {
                first.push(vector);
                groups.push(Group { members: vec![number], least: similarity(vector, vector) });
            }
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::super::tests::near;
    use super::*;

    #[test]
    fn what_is_nearly_the_same_is_one_group() {
        let vectors = near(&[1, 2, 1, 1, 2, 7], 0.05, 1);
        let groups: Vec<Vec<usize>> =
            group(&vectors, 0.97, || ()).into_iter().map(|group| group.members).collect();
        assert_eq!(groups, [vec![0, 2, 3], vec![1, 4], vec![5]]);
    }

    #[test]
    fn a_chain_of_small_steps_joins_nothing_that_is_far_apart() {
        let mut steps = Vectors::default();
        for step in 0..40 {
            let angle = f64::from(step) * 0.05;
            steps.push(&[angle.cos() as f32, angle.sin() as f32]);
        }
        for group in group(&steps, 0.97, || ()) {
            for member in &group.members {
                assert!(similarity(steps.get(group.members[0]), steps.get(*member)) >= 0.97);
            }
            assert!(group.members.len() < 12);
        }
    }
}
