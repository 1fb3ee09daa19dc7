use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::price::Usd;

const HOUR_US: i64 = 60 * MINUTE;

/// Of events of users.
static TAGS: std::sync::LazyLock<Vec<String>> =
    std::sync::LazyLock::new(|| ["customer=acme", "tags=a", "tags=b"].map(str::to_owned).to_vec());

/// What a fact is made of, in a form that a generator gives.
#[derive(Clone, Debug)]
struct Call {
    minute: i64,
    project: u128,
    model: Option<&'static str>,
    status: &'static str,
    billable: bool,
    tokens: i64,
    cents: Option<i64>,
    latency_us: Option<u64>,
    user: Option<&'static str>,
}

impl Call {
    fn fact(&self) -> Fact<'static> {
        let series = Series {
            project_id: Uuid::from_u128(self.project),
            environment: "prod",
            event_type: "llm_call",
            status: self.status,
            provider: None,
            model: self.model,
            route: Some(""),
            tool_name: None,
            version: None,
        };
        let tokens =
            FactTokens { input: Some(self.tokens), total: Some(self.tokens), ..FactTokens::default() };
        let cost = self.cents.map(|cents| Usd::new(cents.into(), 2));
        Fact {
            series,
            ts: self.minute * MINUTE + 59_999_999,
            trace_id: self.user,
            conversation_id: None,
            session_id: self.model,
            user_id: self.user,
            name: None,
            is_root: false,
            agent_name: None,
            input_tokens: Some(self.tokens).filter(|_| self.billable),
            output_tokens: None,
            signals: 0,
            latency_ms: self.latency_us.map(|us| us as f64 / 1000.0),
            ttft_ms: None,
            tags: self.user.map_or(&[], |_| &*TAGS),
            scores: Scores::of(Some(0.5), None, Some(f64::NAN)),
            sums: sums(self.status, self.billable, tokens, cost.as_ref()),
        }
    }
}

fn call() -> impl Strategy<Value = Call> {
    (
        -3_000i64..3_000,
        1u128..3,
        prop_oneof![Just(None), Just(Some("a")), Just(Some("")), Just(Some("b"))],
        prop_oneof![Just("ok"), Just("error"), Just("timeout")],
        any::<bool>(),
        0i64..1_000_000,
        prop::option::of(0i64..1_000),
        prop::option::of(0u64..10_000_000),
        prop_oneof![Just(None), Just(Some("u1")), Just(Some("u2"))],
    )
        .prop_map(|(minute, project, model, status, billable, tokens, cents, latency_us, user)| Call {
            minute,
            project,
            model,
            status,
            billable,
            tokens,
            cents,
            latency_us,
            user,
        })
}

fn bytes(calls: &[Call], removed: bool) -> Vec<u8> {
    let facts: Vec<Fact> = calls.iter().map(Call::fact).collect();
    let mut delta = Delta::default();
    for fact in &facts {
        if removed { delta.remove(fact) } else { delta.add(fact) }
    }
    delta.encode(b"key")
}

/// Bucket, project, model, status: events, errors, timeouts, billable ones, tokens, cents, priced ones and latencies.
type Expected = BTreeMap<(i64, u128, Option<&'static str>, &'static str), [i64; 8]>;

fn expected(calls: &[Call], minutes: i64) -> Expected {
    let mut rows = Expected::new();
    for call in calls {
        let bucket = call.minute.div_euclid(minutes) * minutes * MINUTE;
        let row = rows.entry((bucket, call.project, call.model, call.status)).or_default();
        let billed = i64::from(call.billable);
        let more = [
            1,
            i64::from(call.status == "error"),
            i64::from(call.status == "timeout"),
            billed,
            billed * call.tokens,
            billed * call.cents.unwrap_or(0),
            billed * i64::from(call.cents.is_some()),
            i64::from(call.latency_us.is_some()),
        ];
        row.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
    }
    rows
}

fn found(fold: &Fold, resolution: Resolution) -> BTreeMap<(i64, u128, Option<&str>, &str), [i64; 8]> {
    let rows = fold.rows(resolution);
    rows.into_iter()
        .map(|row| {
            let key = (
                row.bucket,
                row.series.project_id.as_u128(),
                row.series.model.as_deref(),
                row.series.status.as_str(),
            );
            let sums = &row.group.sums;
            let cents = (&sums.cost_usd * Usd::from(100)).to_plain_string();
            let cents = cents.split('.').next().unwrap().parse().unwrap();
            let latencies = row.group.latency().map_or(0, |latency| latency.count() as i64);
            assert_eq!(sums.input_tokens, sums.total_tokens);
            let counts = [
                sums.events,
                sums.errors,
                sums.timeouts,
                sums.billable,
                sums.input_tokens,
                cents,
                sums.priced,
                latencies,
            ];
            (key, counts)
        })
        .collect()
}

proptest! {
    #[test]
    fn any_split_into_batches_adds_up_to_the_same(calls in prop::collection::vec(call(), 0..60), cut in 0usize..60) {
        let cut = cut.min(calls.len());
        let mut fold = Fold::default();
        fold.add(&bytes(&calls[..cut], false)).unwrap();
        fold.add(&bytes(&calls[cut..], false)).unwrap();
        for (resolution, minutes) in [(Resolution::Minute, 1), (Resolution::Hour, 60), (Resolution::Day, 1_440)] {
            prop_assert_eq!(found(&fold, resolution), expected(&calls, minutes));
            let totals = fold.totals(resolution);
            let events: i64 = totals.iter().map(|row| row.group.sums.events).sum();
            prop_assert_eq!(events, calls.len() as i64);
            prop_assert!(totals.iter().all(|row| row.event_type == "llm_call" && row.environment == "prod"));
        }
        let by_user: i64 = fold.users().iter().map(|row| row.sums.events).sum();
        prop_assert_eq!(by_user, calls.iter().filter(|call| call.user.is_some()).count() as i64);
        prop_assert!(fold.users().iter().all(|row| row.bucket.rem_euclid(HOUR_US) == 0));
        let of_tag = |pair: (&str, &str)| -> i64 {
            fold.tags().iter().filter(|row| (row.tag, row.value) == pair).map(|row| row.sums.events).sum()
        };
        for pair in [("customer", "acme"), ("tags", "a"), ("tags", "b")] {
            prop_assert_eq!(of_tag(pair), by_user, "{:?}", pair);
        }
        let users: std::collections::BTreeSet<&str> = calls.iter().filter_map(|call| call.user).collect();
        let mut marks: Option<crate::distinct::Distinct> = None;
        let mut see = |users: Option<crate::distinct::Distinct>| {
            let Some(users) = users else { return };
            match &mut marks {
                Some(marks) => marks.merge(&users),
                None => marks = Some(users),
            }
        };
        fold.totals(Resolution::Hour).iter().for_each(|row| see(row.group.users()));
        fold.tags().iter().for_each(|row| see(row.users()));
        prop_assert_eq!(marks.map_or(0, |marks| marks.count()), users.len() as i64);
    }

    #[test]
    fn what_is_taken_out_leaves_nothing(calls in prop::collection::vec(call(), 0..30)) {
        let mut fold = Fold::default();
        fold.add(&bytes(&calls, false)).unwrap();
        fold.add(&bytes(&calls, true)).unwrap();
        for row in fold.rows(Resolution::Hour) {
            prop_assert!(row.group.sums.is_zero(), "{:?}", row.group.sums);
            let count = |latencies: Option<crate::histogram::Latencies>| latencies.map_or(0, |latencies| latencies.count());
            prop_assert_eq!(count(row.group.latency()), count(row.group.removed_latency()));
        }
        prop_assert!(fold.users().iter().all(|row| row.sums.is_zero()));
        prop_assert!(fold.tags().iter().all(|row| row.sums.is_zero()));
    }

    #[test]
    fn another_price_changes_the_cost_alone(calls in prop::collection::vec(call(), 0..30), more in 1i64..1_000) {
        let dearer: Vec<Call> =
            calls.iter().map(|call| Call { cents: call.cents.map(|cents| cents + more), ..call.clone() }).collect();
        let (facts, new): (Vec<Fact>, Vec<Fact>) =
            (calls.iter().map(Call::fact).collect(), dearer.iter().map(Call::fact).collect());
        let mut delta = Delta::default();
        facts.iter().for_each(|fact| delta.remove(fact));
        new.iter().for_each(|fact| delta.add(fact));
        let mut fold = Fold::default();
        fold.add(&bytes(&calls, false)).unwrap();
        fold.add(&delta.encode(b"key")).unwrap();
        let priced = dearer.iter().filter(|call| call.billable).filter_map(|call| call.cents).sum::<i64>();
        let cents = |usd: Usd| (usd * Usd::from(100)).normalized();
        let of_days: Usd = fold.rows(Resolution::Day).iter().map(|row| row.group.sums.cost_usd.clone()).sum();
        let of_hours: Usd = fold.totals(Resolution::Hour).iter().map(|row| row.group.sums.cost_usd.clone()).sum();
        prop_assert_eq!(cents(of_days), cents(Usd::new(priced.into(), 2)));
        prop_assert_eq!(cents(of_hours), cents(Usd::new(priced.into(), 2)));
        let of = |calls: &[Call], has: fn(&Call) -> bool| -> i64 {
            calls.iter().filter(|call| has(call) && call.billable).filter_map(|call| call.cents).sum()
        };
        let of_users: Usd = fold.users().iter().map(|row| row.sums.cost_usd.clone()).sum();
        prop_assert_eq!(cents(of_users), cents(Usd::new(of(&dearer, |call| call.user.is_some()).into(), 2)));
        for (actor, has) in [(Actor::User, (|call| call.user.is_some()) as fn(&Call) -> bool), (Actor::Session, |call| call.model.is_some())] {
            let rows = fold.activities();
            let rows: Vec<_> = rows.iter().filter(|row| row.actor == actor).collect();
            let cost: Usd = rows.iter().map(|row| row.activity.cost_usd.clone()).sum();
            prop_assert_eq!(cents(cost), cents(Usd::new(of(&dearer, has).into(), 2)));
            let events: i64 = rows.iter().map(|row| row.activity.events).sum();
            prop_assert_eq!(events, calls.iter().filter(|call| has(call)).count() as i64);
        }
        let traces: std::collections::BTreeSet<_> = calls.iter().filter_map(|call| Some((call.project, call.user?))).collect();
        prop_assert_eq!(fold.traces().count(), traces.len());
        prop_assert!(fold.traces().all(|(_, _, change)| change.summary.is_none()), "they have to be computed anew");
    }

    #[test]
    fn damaged_bytes_are_an_error_or_a_delta_and_never_a_crash(calls in prop::collection::vec(call(), 0..10), at: prop::sample::Index, bit in 0u8..8) {
        let mut bytes = bytes(&calls, false);
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
        }
        let mut fold = Fold::default();
        if fold.add(&bytes).is_err() {
            prop_assert!(fold.is_empty());
        }
    }

    #[test]
    fn too_many_series_go_into_one_and_lose_nothing(calls in prop::collection::vec(call(), 1..40)) {
        let mut fold = Fold::default();
        fold.add(&bytes(&calls, false)).unwrap();
        let all: Vec<Uuid> = fold.series().map(|(id, _)| id).collect();
        fold.merge_into_other(&all, |environment| environment == "prod");
        let rows = fold.rows(Resolution::Day);
        prop_assert_eq!(rows.iter().map(|row| row.group.sums.events).sum::<i64>(), calls.len() as i64);
        prop_assert!(rows.iter().all(|row| row.series.model.as_deref().is_none_or(|model| model == "other")));
        prop_assert!(rows.iter().all(|row| row.series.borrowed().id() == row.series_id));
    }
}

#[test]
fn a_series_without_a_name_is_not_the_one_with_an_empty_name() {
    let call = |model| Call {
        minute: 0,
        project: 1,
        model,
        status: "ok",
        billable: true,
        tokens: 1,
        cents: None,
        latency_us: None,
        user: None,
    };
    assert_ne!(call(None).fact().series.id(), call(Some("")).fact().series.id());
}

#[test]
fn buckets_before_1970_begin_before_their_events() {
    assert_eq!(Resolution::Hour.bucket(-1), -HOUR_US);
    assert_eq!(Resolution::Day.bucket(-1_441), -2 * 24 * HOUR_US);
}
