use proptest::prelude::*;

use super::*;

fn of(names: impl Iterator<Item = u64>) -> Distinct {
    let marks: Vec<Mark> = names.map(|name| Mark::of(&format!("user-{name}"))).collect();
    Distinct::of(&marks).unwrap()
}

/// Three standard errors of 1.04 / sqrt(2^14), as the algorithm's authors give it.
const MOST_OFF: f64 = 3.0 * 1.04 / 128.0;

#[test]
fn counts_are_within_three_standard_errors() {
    for (n, most_off) in [(1, 0.0), (10, 0.0), (1_000, 0.002), (100_000, MOST_OFF), (1_000_000, MOST_OFF)] {
        for seed in 0..5 {
            let count = of((0..n).map(|name| name + seed * 10_000_000)).count();
            let off = (count as f64 / n as f64 - 1.0).abs();
            assert!(off <= most_off, "{n}: {count}");
        }
    }
}

#[test]
fn what_comes_again_counts_once_in_whatever_order() {
    let (all, parts) = (of(0..60_000), [of(40_000..60_000), of(0..30_000), of(20_000..50_000)]);
    let mut merged = parts[0].clone();
    for part in [1, 2, 0, 1] {
        merged.merge(&parts[part]);
    }
    assert_eq!(merged.count(), all.count());
    let mut few = of(0..3);
    few.merge(&of(2..5));
    assert_eq!(few.count(), 5);
    // A large one into a small one, and the other way round.
    let (mut small, mut large) = (of(0..3), of(0..60_000));
    small.merge(&large);
    large.merge(&of(0..3));
    assert_eq!((small.count(), large.count()), (all.count(), all.count()));
}

/// MurmurHash3 x64 128 of `user-1` and `user-2` with the seed 9001, by another implementation of it: what is stored must merge
/// with what any later version makes.
#[test]
fn bytes_are_the_same_in_every_process() {
    assert_eq!(of(1..3).to_bytes(), [2, 1, 7, 14, 3, 8, 2, 8, 118, 66, 44, 6, 139, 174, 234, 7]);
}

#[test]
fn a_sketch_is_as_long_as_it_says() {
    assert_eq!(of(0..1).to_bytes().len(), 12);
    assert_eq!(of(0..100).to_bytes().len(), 12 + 400);
    assert_eq!(of(0..100_000).to_bytes().len(), 40 + 16_384);
}

#[test]
fn a_dense_sketch_whose_registers_changed_is_damaged() {
    let bytes = of(0..50_000).to_bytes();
    for at in [16, 24, 32, 40, 9_000, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        assert_eq!(Distinct::from_bytes(&changed).unwrap_err(), DistinctError::Damaged, "{at}");
    }
    assert!(Distinct::from_bytes(&[&bytes[..], &[0]].concat()).is_err());
    assert!(Distinct::from_bytes(b"").is_err());
}

proptest! {
    #[test]
    fn there_and_back_is_the_same(n in prop_oneof![1u64..20, 1u64..3_000, 1_500u64..1_600]) {
        let distinct = of(0..n);
        let back = Distinct::from_bytes(&distinct.to_bytes()).unwrap();
        prop_assert_eq!(back.count(), distinct.count());
        prop_assert_eq!(back.to_bytes().len(), distinct.to_bytes().len());
    }

    #[test]
    fn any_bytes_are_an_error_or_a_sketch_and_never_a_crash(
        n in prop_oneof![0u64..20, 0u64..3_000],
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        cuts in any::<bool>(),
    ) {
        let mut bytes = if n == 0 { vec![2, 1, 7, 14, 3, 12, 0, 8] } else { of(0..n).to_bytes() };
        for (at, byte) in changes {
            // Mostly the header, where it matters.
            let at = at.index(if byte % 2 == 0 { bytes.len() } else { 12.min(bytes.len()) });
            bytes[at] = byte;
        }
        if cuts {
            bytes.truncate(cut.index(bytes.len()));
        }
        if let Ok(mut distinct) = Distinct::from_bytes(&bytes) {
            prop_assert!(distinct.count() >= 0);
            distinct.merge(&of(0..2_000));
            prop_assert!(distinct.count() >= 1_900);
            Distinct::from_bytes(&distinct.to_bytes()).unwrap();
        }
    }

    #[test]
    fn a_union_is_what_sketches_merged_one_by_one_are(
        parts in prop::collection::vec((0u64..4_000, prop_oneof![1u64..9, 1u64..900, 900u64..4_000]), 1..8),
    ) {
        let sketches: Vec<Distinct> = parts.iter().map(|(first, count)| of(*first..first + count)).collect();
        let mut merged = sketches[0].clone();
        sketches.iter().for_each(|one| merged.merge(one));
        let (mut union, mut halves) = (Union::default(), [Union::default(), Union::default()]);
        for (n, one) in sketches.iter().enumerate() {
            union.merge_bytes(&one.to_bytes()).unwrap();
            halves[n % 2].merge_bytes(&one.to_bytes()).unwrap();
        }
        let bytes = union.sketch().unwrap();
        let back = Distinct::from_bytes(&bytes).unwrap();
        prop_assert_eq!(back.count(), merged.count());
        prop_assert_eq!(union.count(), Ok(merged.count()));
        prop_assert_eq!(bytes.len(), merged.to_bytes().len());
        let [mut both, other] = halves;
        both.merge(&other);
        prop_assert_eq!(both.sketch(), Some(bytes));
        // The library reads what it did not write, and goes on with it.
        let mut more = back;
        more.merge(&of(0..5_000));
        merged.merge(&of(0..5_000));
        prop_assert_eq!(more.count(), merged.count());
    }
}

#[test]
fn a_union_of_nothing_is_no_sketch() {
    assert_eq!(Union::default().sketch(), None);
    let mut union = Union::default();
    union.merge_bytes(&[2, 1, 7, 14, 3, 12, 0, 8]).unwrap();
    assert_eq!((union.sketch(), union.count()), (None, Ok(0)));
    for bytes in
        [&b""[..], b"no sketch", &of(0..5).to_bytes()[..20], &[of(0..5).to_bytes(), vec![0]].concat()]
    {
        assert!(union.merge_bytes(bytes).is_err());
    }
    let mut damaged = of(0..50_000).to_bytes();
    damaged[9_000] ^= 1;
    assert_eq!(union.merge_bytes(&damaged), Err(DistinctError::Damaged));
}
