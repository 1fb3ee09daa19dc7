use std::f64::consts::TAU;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer, V2Serializer};
use proptest::prelude::*;

use super::cells::{CELLS, index, lowest_us};
use super::{HistogramError, Latencies, MAX_COUNT, MAX_US};

/// The crate's own, with our layout: what V2 bytes must be.
fn peer() -> Histogram<u64> {
    Histogram::new_with_bounds(1, MAX_US, 2).unwrap()
}

fn peer_bytes(peer: &Histogram<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    V2Serializer::new().serialize(peer, &mut bytes).unwrap();
    bytes
}

fn of(values: &[u64]) -> Latencies {
    let mut latencies = Latencies::new();
    values.iter().for_each(|us| latencies.record_us(*us));
    latencies
}

/// As percentile_disc: the first value at which the cumulative share is at least `quantile`.
fn exact(sorted: &[f64], quantile: f64) -> f64 {
    let rank = (quantile * sorted.len() as f64).ceil() as usize;
    sorted[rank.max(1) - 1]
}

/// Shares of a distribution to values in ms, by its inverse. A second share makes a normal or a mixture.
type Distribution = fn(f64, f64) -> f64;

const DISTRIBUTIONS: [(&str, Distribution); 5] = [
    ("uniform", |a, _| 0.2 + a * 9_999.8),
    ("exponential", |a, _| 0.2 - 800.0 * (1.0 - a).ln()),
    ("lognormal", |a, b| 0.2 + (7.0 + 1.2 * normal(a, b)).exp()),
    ("bimodal", |a, b| if b < 0.7 { 20.0 + 10.0 * a } else { 4_000.0 + 2_000.0 * a }),
    ("constant with outliers", |a, b| if b < 0.96 { 250.0 } else { 250.0 + 60_000.0 * a }),
];

/// Box and Muller's.
fn normal(a: f64, b: f64) -> f64 {
    (-2.0 * (1.0 - a).ln()).sqrt() * (TAU * b).cos()
}

fn any_latencies() -> impl Strategy<Value = Vec<u64>> {
    let us = prop_oneof![0u64..300, 0u64..5_000_000, any::<u64>().prop_map(|bits| bits >> (bits % 64))];
    prop::collection::vec(us, 0..120)
}

proptest! {
    #[test]
    fn quantiles_are_at_most_half_a_percent_off(
        shares in prop::collection::vec((0.0..1.0f64, 0.0..1.0f64), 1..2_000),
    ) {
        for (name, distribution) in DISTRIBUTIONS {
            let mut values: Vec<f64> = shares.iter().map(|(a, b)| distribution(*a, *b)).collect();
            let mut latencies = Latencies::new();
            values.iter().for_each(|ms| latencies.record_ms(*ms));
            values.sort_by(f64::total_cmp);
            for quantile in [0.0, 0.5, 0.9, 0.95, 0.99, 1.0] {
                let (got, want) = (latencies.quantile_ms(quantile).unwrap(), exact(&values, quantile));
                prop_assert!((got / want - 1.0).abs() <= 0.005, "{name} {quantile}: {got}, not {want}");
            }
            let (got, want) = (latencies.mean_ms().unwrap(), values.iter().sum::<f64>() / values.len() as f64);
            prop_assert!((got / want - 1.0).abs() <= 0.005, "mean of {name}: {got}, not {want}");
        }
    }

    #[test]
    fn merging_is_associative_and_commutative(a in any_latencies(), b in any_latencies(), c in any_latencies()) {
        let (left, mut right) = (of(&a), of(&c));
        let mut first = left.clone();
        first.merge(&of(&b));
        first.merge(&of(&c));
        right.merge(&of(&b));
        right.merge(&left);
        let mut read = left;
        read.merge_bytes(&right.to_bytes()).unwrap();
        let all = [a.as_slice(), &b, &c].concat();
        prop_assert_eq!(first.to_bytes(), of(&all).to_bytes());
        prop_assert_eq!(right.to_bytes(), first.to_bytes());
        prop_assert_eq!(read.to_bytes(), of(&[all, a].concat()).to_bytes());
    }

    #[test]
    fn bytes_are_those_of_the_format_and_come_back(values in any_latencies()) {
        let latencies = of(&values);
        let mut peer = peer();
        values.iter().for_each(|us| peer.record((*us).min(MAX_US)).unwrap());
        let bytes = latencies.to_bytes();
        prop_assert_eq!(&bytes, &peer_bytes(&peer));
        let read: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
        prop_assert_eq!(read.len(), values.len() as u64);
        let ours = Latencies::from_bytes(&bytes).unwrap();
        prop_assert_eq!(ours.to_bytes(), bytes);
        prop_assert_eq!(ours.quantile_ms(0.9), latencies.quantile_ms(0.9));
    }

    #[test]
    fn several_quantiles_are_those_that_are_asked_for_by_themselves(values in any_latencies()) {
        let latencies = of(&values);
        let shares = [0.0, 0.5, 0.5, 0.99, 1.0];
        let each = latencies.mean_ms().map(|mean| (mean, shares.map(|share| latencies.quantile_ms(share).unwrap())));
        prop_assert_eq!(latencies.mean_and_quantiles_ms(shares), each);
    }

    #[test]
    fn bytes_that_are_cut_off_or_changed_leave_a_histogram_as_it_was(values in any_latencies(), other in any_latencies(), place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut latencies = of(&values);
        let mut bytes = of(&other).to_bytes();
        *place.get_mut(&mut bytes) = byte;
        let length = bytes.len();
        for bytes in [&bytes, &bytes[..place.index(length)]] {
            let before = latencies.to_bytes();
            match (Latencies::from_bytes(bytes), latencies.merge_bytes(bytes)) {
                (Ok(read), Ok(())) => prop_assert_eq!(latencies.count(), of(&values).count() + read.count()),
                (Err(one), Err(other)) => {
                    prop_assert_eq!(one, other);
                    prop_assert_eq!(latencies.to_bytes(), before);
                }
                (one, other) => prop_assert!(false, "{one:?} {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_taken_out_was_never_there(kept in any_latencies(), removed in any_latencies()) {
        let mut latencies = of(&[kept.as_slice(), &removed].concat());
        removed.iter().for_each(|us| latencies.remove_us(*us));
        prop_assert_eq!(latencies.to_bytes(), of(&kept).to_bytes());
        kept.iter().chain(&removed).for_each(|us| latencies.remove_us(*us));
        prop_assert!(latencies.is_empty());
    }

    #[test]
    fn damaged_bytes_are_a_histogram_or_an_error(
        values in any_latencies(), flips in prop::collection::vec((any::<usize>(), 1u8..), 1..4), cut in any::<usize>(),
    ) {
        let bytes = of(&values).to_bytes();
        prop_assert!(Latencies::from_bytes(&bytes[..cut % bytes.len()]).is_err());
        let mut damaged = bytes;
        for (at, bits) in flips {
            let at = at % damaged.len();
            damaged[at] ^= bits;
        }
        if let Ok(latencies) = Latencies::from_bytes(&damaged) {
            prop_assert!(latencies.count() <= MAX_COUNT);
            prop_assert_eq!(latencies.quantile_ms(0.5).is_some(), !latencies.is_empty());
        }
    }
}

#[test]
fn cells_are_those_of_the_crate() {
    let peer = peer();
    let cells: Vec<u64> = peer.iter_all().take(CELLS).map(|cell| cell.value_iterated_to()).collect();
    assert_eq!(cells.len(), CELLS);
    assert_eq!(cells.last(), Some(&peer.highest_equivalent(MAX_US)));
    for (cell, us) in cells.into_iter().enumerate() {
        assert_eq!((index(us), lowest_us(cell)), (cell, peer.lowest_equivalent(us)));
    }
}

#[test]
fn payloads_that_make_no_histogram_are_refused() {
    let header = &of(&[]).to_bytes()[..40];
    let with = |payload: &[u8]| {
        let mut bytes = header.to_vec();
        bytes[4..8].copy_from_slice(&(payload.len() as u32).to_be_bytes());
        bytes.extend(payload);
        Latencies::from_bytes(&bytes).map(|latencies| latencies.count())
    };
    // One zig-zag coded is 2, a run of i64::MIN cells is all ones, i64::MAX all ones but the lowest, 2^53 bit 54.
    let most = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x20];
    let too_many = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    let longest_run = [0xff; 9];
    for (payload, expected) in [
        (&[2, 4][..], Ok(3)),
        (&[], Ok(0)),
        (&most, Ok(MAX_COUNT)),
        (&too_many, Err(HistogramError::TooMany)),
        (&longest_run, Err(HistogramError::OutOfRange)),
        (&[most.as_slice(), &[2]].concat(), Err(HistogramError::TooMany)),
        (&[0x80], Err(HistogramError::Truncated)),
        (&vec![2; CELLS], Ok(CELLS as u64)),
        (&vec![2; CELLS + 1], Err(HistogramError::OutOfRange)),
    ] {
        assert_eq!(with(payload), expected, "{payload:?}");
    }
}

#[test]
fn histograms_of_another_kind_are_refused() {
    let bytes = of(&[1_000, 2_000_000]).to_bytes();
    // The compressed form's cookie; a normalizing offset; three digits; a highest value of 2^63; a ratio of 2.
    for (at, byte, expected) in [
        (3, 0x04, HistogramError::NotV2),
        (4, 0x7f, HistogramError::WrongLength),
        (11, 1, HistogramError::OtherLayout),
        (15, 3, HistogramError::OtherLayout),
        (24, 0x80, HistogramError::OtherLayout),
        (32, 0x40, HistogramError::OtherLayout),
    ] {
        let mut other = bytes.clone();
        other[at] = byte;
        assert_eq!(Latencies::from_bytes(&other).err(), Some(expected), "byte {at}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(Latencies::from_bytes(&longer).err(), Some(HistogramError::WrongLength));
}

#[test]
fn what_is_no_latency_is_not_recorded_and_the_longest_is_seven_days() {
    let mut latencies = Latencies::new();
    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.001].into_iter().for_each(|ms| latencies.record_ms(ms));
    assert!(latencies.is_empty());
    assert_eq!((latencies.quantile_ms(0.5), latencies.mean_ms()), (None, None));
    latencies.record_ms(f64::MAX);
    let days = latencies.quantile_ms(0.5).unwrap() / 86_400_000.0;
    assert!((days / 7.0 - 1.0).abs() < 0.004, "{days}");
    assert_eq!(latencies.quantile_ms(1.5), None);
    assert_eq!(latencies.quantile_ms(f64::NAN), None);
}

#[test]
fn short_latencies_are_exact_to_the_microsecond() {
    for us in 0..256u32 {
        let mut latencies = Latencies::new();
        latencies.record_ms(f64::from(us) / 1000.0);
        assert_eq!(latencies.quantile_ms(0.5), Some(f64::from(us) / 1000.0));
    }
}

#[test]
fn counts_end_at_the_most_and_never_overflow() {
    let mut latencies = Latencies::new();
    latencies.record_us_n(5_000, u64::MAX);
    latencies.record_us_n(7_000_000, u64::MAX);
    latencies.merge(&latencies.clone());
    latencies.merge_bytes(&latencies.to_bytes()).unwrap();
    assert_eq!((latencies.count(), latencies.quantile_ms(1.0)), (1 << 53, Some(5.008)));
    assert_eq!(Latencies::from_bytes(&latencies.to_bytes()).map(|read| read.count()), Ok(MAX_COUNT));
    latencies.remove_us(5_001);
    assert_eq!(latencies.count(), MAX_COUNT - 1);
}
