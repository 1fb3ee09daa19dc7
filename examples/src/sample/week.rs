//! A week of visits: when people come, and how their conversations go on.

use jiff::{SignedDuration, Timestamp};

use crate::cast::Route;
use crate::dice::Dice;
use crate::event::{Event, Visit};
use crate::incident::{Incident, Owed};
use crate::scene;

pub const DAYS: i64 = 7;
const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;
/// Two releases in the week: the second one came three days ago.
const RELEASES: [&str; 2] = ["2.3.0", "2.4.0"];

/// A moment of the last seven days; four in five by day, as people sleep. The last half hour stays free, so that no
/// conversation reaches into the future.
pub fn moment(until: Timestamp, dice: &mut Dice) -> Timestamp {
    loop {
        let back = dice.between(30 * MINUTE as u64, (DAYS * DAY) as u64) as i64;
        let at = until - SignedDuration::from_secs(back);
        let hour = at.as_second().rem_euclid(DAY) / (60 * MINUTE);
        if (7..22).contains(&hour) || dice.one_in(5) {
            return at + SignedDuration::from_millis(dice.between(0, 999) as i64);
        }
    }
}

/// Conversations of one tenant until there are `wanted` events.
pub fn conversations(
    tenant: Option<&'static str>,
    routes: &'static [Route],
    wanted: usize,
    until: Timestamp,
    dice: &mut Dice,
) -> Vec<Event> {
    let mut events = Vec::with_capacity(wanted + 32);
    let mut owed = Owed::all();
    while events.len() < wanted {
        let route = dice.pick(routes);
        let mut at = moment(until, dice);
        let new_release = until.duration_since(at).as_secs() < 3 * DAY;
        let mut visit = Visit {
            tenant,
            route: route.path,
            conversation_id: format!("conv-{}", dice.hex(10)),
            session_id: format!("sess-{}", dice.hex(10)),
            user_id: format!("user-{}", dice.between(1, 140)),
            version: RELEASES[usize::from(new_release)],
            message_index: 0,
        };
        for turn in 0..dice.between(1, 3) as u32 {
            visit.message_index = turn;
            let drawn = Incident::happen(route.manner, dice);
            let incident = owed.settle(drawn, route.manner, events.len() > wanted / 2);
            let trace = scene::play(route, visit.clone(), at, incident, dice);
            events.extend(trace);
            at += SignedDuration::from_secs(dice.between(90, 240) as i64);
        }
    }
    events
}
