//! Who is whose parent among spans that come in any order, some of them missing, some in circles.

use std::collections::HashMap;

pub struct Tree {
    parents: Vec<Option<usize>>,
    leaves_first: Vec<usize>,
}

impl Tree {
    /// Of (trace id, span id, parent's span id); places are theirs in the order given. Of spans with the same id the
    /// first is the parent.
    pub fn new<'a>(spans: impl Iterator<Item = (&'a str, &'a str, Option<&'a str>)> + Clone) -> Tree {
        let mut places: HashMap<(&str, &str), usize, ahash::RandomState> = HashMap::default();
        for (place, (trace, span, _)) in spans.clone().enumerate() {
            places.entry((trace, span)).or_insert(place);
        }
        let parents: Vec<Option<usize>> = spans
            .enumerate()
            .map(|(place, (trace, _, parent))| {
                places.get(&(trace, parent?)).copied().filter(|parent| *parent != place)
            })
            .collect();
        let leaves_first = leaves_first(&parents);
        Tree { parents, leaves_first }
    }

    pub fn parent(&self, place: usize) -> Option<usize> {
        self.parents.get(place).copied().flatten()
    }

    /// Every place after all that lie under it; those in a circle are left out.
    pub fn leaves_first(&self) -> &[usize] {
        &self.leaves_first
    }
}

fn leaves_first(parents: &[Option<usize>]) -> Vec<usize> {
    let mut children = vec![0usize; parents.len()];
    for parent in parents.iter().flatten() {
        if let Some(count) = children.get_mut(*parent) {
            *count += 1;
        }
    }
    let mut order: Vec<usize> =
        children.iter().enumerate().filter(|(_, count)| **count == 0).map(|(place, _)| place).collect();
    let mut next = 0;
    while let Some(&place) = order.get(next) {
        next += 1;
        let Some(parent) = parents.get(place).copied().flatten() else { continue };
        if let Some(count) = children.get_mut(parent) {
            *count -= 1;
            if *count == 0 {
                order.push(parent);
            }
        }
    }
    order
}
