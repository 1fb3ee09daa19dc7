//! Planted series: five weeks of a day's and a week's course with noise, and incidents in the last week.

use proptest::prelude::*;

use super::*;
use crate::histogram::Latencies;
use crate::signal::window::measure::Counts;
use crate::signal::window::state::Level;
use crate::signal::window::{Dimension, builtin};

const MINUTE: i64 = 60_000_000;
const WEEKS: i64 = 5;
const END: i64 = WEEKS * 7 * 24 * 60;

/// Random numbers that are the same on every machine (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// What an incident makes of a minute's calls.
#[derive(Clone, Copy)]
struct Incident {
    since: i64,
    until: i64,
    cost: f64,
    errors: f64,
    latency: f64,
    coherence: f64,
}

const NONE: Incident = Incident { since: 0, until: 0, cost: 1.0, errors: 0.02, latency: 1.0, coherence: 0.8 };

fn minute(at: i64, dice: &mut Dice, incident: Option<&Incident>) -> Row {
    let hour = at / 60 % 24;
    let weekend = (at / 1_440 + 3) % 7 >= 5;
    let busy = if weekend { 0.3 } else { 1.0 }
        * (1.0 + 0.8 * ((hour - 14) as f64 / 24.0 * std::f64::consts::TAU).cos());
    let now = incident.unwrap_or(&NONE);
    let mut counts = Counts::default();
    let calls = (10.0 * busy * (0.5 + dice.roll())).round() as i64;
    let mut latency = Latencies::new();
    for _ in 0..calls {
        counts.events += 1;
        counts.bad += i64::from(dice.roll() < now.errors);
        // Dear calls are rare, and much dearer.
        counts.cost_usd += 0.01 * now.cost * (0.2 + (-dice.roll().max(1e-9).ln()).powi(2));
        counts.tokens += 1_000 + (dice.roll() * 2_000.0) as i64;
        latency.record_ms(now.latency * 400.0 * (1.0 + (-dice.roll().max(1e-9).ln())));
        counts.coherence =
            (counts.coherence.0 + now.coherence + 0.2 * (dice.roll() - 0.5), counts.coherence.1 + 1);
    }
    Row { counts, latency: (calls > 0).then(|| latency.to_bytes()), ..Row::default() }
}

fn events(events: i64, bad: i64) -> Row {
    Row { counts: Counts { events, bad, ..Counts::default() }, ..Row::default() }
}

fn names(columns: &[(Dimension, &str)]) -> Names {
    let mut names = Names::default();
    for (dimension, value) in columns {
        names.columns[*dimension as usize] = Some((*value).to_owned());
    }
    names
}

/// A model and route by minutes of the last days, and its history by hours.
fn planted(seed: u64, days: i64, incidents: &[Incident]) -> (Past, Histories, Vec<Scoped>) {
    let mut dice = Dice(seed);
    let series = names(&[
        (Dimension::EventType, "llm_call"),
        (Dimension::Environment, "prod"),
        (Dimension::Model, "m"),
        (Dimension::Route, "/r"),
    ]);
    let rules: Vec<Scoped> = builtin::all()
        .filter(|rule| rule.enabled)
        .map(|rule| Scoped { rule, only: None, except: Vec::new() })
        .collect();
    let mut past = Past { names: vec![series], ..Past::default() };
    let mut histories = Histories::default();
    let mut of_hour = Sum::default();
    for at in 0..END {
        let incident = incidents.iter().find(|incident| (incident.since..incident.until).contains(&at));
        let row = minute(at, &mut dice, incident);
        of_hour.add_row(&row);
        if at >= END - days * 1_440 - 60 {
            past.add(Resolution::Minute, at, 0, row);
        }
        if at % 60 == 59 {
            let sums = Sums::from([(0, std::mem::take(&mut of_hour))]);
            histories.add(&rules, &past.names, at / 60, &sums);
        }
    }
    (past, histories, rules)
}

/// What all rules would have raised in the last days: minute, name.
fn raised(seed: u64, days: i64, incidents: &[Incident]) -> Vec<(i64, String)> {
    let (past, histories, rules) = planted(seed, days, incidents);
    let mut raised = Vec::new();
    for scoped in &rules {
        let times = (END - days * 1_440..END).map(|minute| minute * MINUTE + 30_000_000);
        for happened in replay(scoped, &past, &histories, times) {
            if let Act::Raise(level) = happened.act
                && scoped.rule.severity_of(level) > crate::signal::Severity::Low
            {
                raised.push((happened.at / MINUTE, scoped.rule.name.clone()));
            }
        }
    }
    raised
}

#[test]
fn a_clean_week_raises_nothing() {
    for seed in [1, 2, 3] {
        assert_eq!(raised(seed, 7, &[]), [], "seed {seed}");
    }
}

#[test]
fn planted_incidents_are_alerted_in_time_and_nothing_else_is() {
    let at = |day: i64, hour: i64| END - 7 * 1_440 + day * 1_440 + hour * 60;
    let incident = |since, minutes| Incident { since, until: since + minutes, ..NONE };
    let planted = [
        (Incident { errors: 0.5, ..incident(at(0, 10), 20) }, "error_rate_by_model", 10),
        (Incident { latency: 8.0, ..incident(at(1, 12), 40) }, "latency_anomaly", 15),
        (Incident { cost: 30.0, ..incident(at(2, 9), 60) }, "cost_anomaly", 20),
        (Incident { coherence: 0.4, ..incident(at(3, 13), 90) }, "quality_degradation", 60),
        (Incident { errors: 0.4, ..incident(at(4, 15), 30) }, "error_rate_by_model", 15),
    ];
    let incidents: Vec<Incident> = planted.iter().map(|(incident, _, _)| *incident).collect();
    let raised = raised(11, 7, &incidents);
    for (incident, rule, within) in &planted {
        let found = raised
            .iter()
            .find(|(minute, name)| name == rule && (incident.since..incident.until + 5).contains(minute));
        let delay = found.map(|(minute, _)| minute - incident.since);
        assert!(delay.is_some_and(|delay| delay <= *within), "{rule}: {delay:?} in {raised:?}");
    }
    let near = |minute: i64| {
        incidents.iter().any(|incident| (incident.since..incident.until + 120).contains(&minute))
    };
    let others: Vec<_> = raised.iter().filter(|(minute, _)| !near(*minute)).collect();
    assert_eq!(others, Vec::<&(i64, String)>::new());
}

#[test]
fn silence_is_heard_once_the_window_is_over() {
    let rule = crate::signal::window::WindowRule { enabled: true, ..builtin::find("no_traffic").unwrap() };
    let scoped = Scoped { rule, only: None, except: Vec::new() };
    let series = names(&[(Dimension::EventType, "llm_call"), (Dimension::Environment, "prod")]);
    let mut past = Past { names: vec![series], ..Past::default() };
    for minute in (0..100).chain(150..200) {
        past.add(Resolution::Minute, minute, 0, events(5, 0));
    }
    let happened = replay(&scoped, &past, &Histories::default(), (20..200).map(|minute| minute * MINUTE));
    let acts: Vec<(i64, Act)> = happened.iter().map(|found| (found.at / MINUTE, found.act)).collect();
    let alert = Level::Alert;
    assert_eq!(
        acts,
        [(115, Act::Raise(alert)), (130, Act::Repeat(alert)), (145, Act::Repeat(alert)), (156, Act::Resolve)]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]
    #[test]
    fn the_order_of_rows_does_not_matter(order in Just((0_i64..180).collect::<Vec<_>>()).prop_shuffle()) {
        let scoped = Scoped { rule: builtin::find("error_rate_by_model").unwrap(), only: None, except: Vec::new() };
        let series = names(&[(Dimension::EventType, "llm_call"), (Dimension::Model, "m")]);
        let of = |order: &[i64]| {
            let mut past = Past { names: vec![series.clone()], ..Past::default() };
            for minute in order {
                past.add(Resolution::Minute, *minute, 0, events(20, if minute / 30 % 2 == 1 { 9 } else { 0 }));
            }
            let found = replay(&scoped, &past, &Histories::default(), (0..180).map(|minute| minute * MINUTE));
            found.iter().map(|found| (found.at, found.act)).collect::<Vec<_>>()
        };
        let sorted: Vec<i64> = (0..180).collect();
        prop_assert_eq!(of(&order), of(&sorted));
    }
}
