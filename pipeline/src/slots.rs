//! A table of fixed size for memory that processes share: nothing is allocated, and a look-up touches eight slots, whoever
//! filled the others. What is worth least of the eight makes room, and of such the one that was used least recently.

use sha2::{Digest, Sha256};

/// Slots that a key may be in.
const WAYS: usize = 8;

/// A kind of thing in a database, and its id. Compared whole: no two share a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Never 0, which is an empty slot.
    pub place: u64,
    pub id: u128,
}

impl Key {
    const NONE: Key = Key { place: 0, id: 0 };

    /// Who does not know the seed can't tell which keys meet: a fast hash has keys that meet under any seed.
    fn hash(self, seed: u128) -> u64 {
        let digest = Sha256::new()
            .chain_update(seed.to_le_bytes())
            .chain_update(self.place.to_le_bytes())
            .chain_update(self.id.to_le_bytes())
            .finalize();
        digest.iter().take(8).fold(0, |hash, byte| hash << 8 | u64::from(*byte))
    }
}

#[derive(Clone, Copy)]
struct Slot<V> {
    key: Key,
    /// When it was asked for last, in the caller's own clock.
    used: i64,
    value: V,
}

/// `SETS` times eight slots.
pub struct Slots<V, const SETS: usize> {
    /// Of this table alone, and nobody's to know: clients choose keys, as addresses or ids.
    seed: u128,
    sets: [[Slot<V>; WAYS]; SETS],
}

impl<V: Copy, const SETS: usize> Slots<V, SETS> {
    /// `seed` is to be random.
    pub const fn new(empty: V, seed: u128) -> Self {
        Slots { seed, sets: [[Slot { key: Key::NONE, used: 0, value: empty }; WAYS]; SETS] }
    }

    fn set(&mut self, key: Key) -> &mut [Slot<V>] {
        self.sets
            .get_mut((key.hash(self.seed) % SETS as u64) as usize)
            .map_or(&mut [], |set| set.as_mut_slice())
    }

    pub fn get(&mut self, key: Key, now: i64) -> Option<&mut V> {
        let slot = self.set(key).iter_mut().find(|slot| slot.key == key)?;
        slot.used = now;
        Some(&mut slot.value)
    }

    /// The key's value, `new` where it has none yet. `worth` says what is lost with a value, None: it must not go. None: no slot
    /// of the key's has one that may.
    pub fn get_or_insert(
        &mut self,
        key: Key,
        now: i64,
        new: V,
        worth: impl Fn(&V) -> Option<i64>,
    ) -> Option<&mut V> {
        let set = self.set(key);
        let known = set.iter().position(|slot| slot.key == key);
        let place = known.or_else(|| {
            let loss = |slot: &Slot<V>| match slot.key {
                Key::NONE => Some((i64::MIN, i64::MIN)),
                _ => worth(&slot.value).map(|worth| (worth, slot.used)),
            };
            let losses = set.iter().enumerate().filter_map(|(place, slot)| Some((loss(slot)?, place)));
            losses.min().map(|(_, place)| place)
        })?;
        let slot = set.get_mut(place)?;
        if known.is_none() {
            *slot = Slot { key, used: now, value: new };
        }
        slot.used = now;
        Some(&mut slot.value)
    }

    pub fn iter(&self) -> impl Iterator<Item = (Key, &V)> {
        let taken = self.sets.iter().flatten().filter(|slot| slot.key != Key::NONE);
        taken.map(|slot| (slot.key, &slot.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u128) -> Key {
        Key { place: 1, id }
    }

    #[test]
    fn each_key_has_its_own_value() {
        let mut slots = Slots::<u128, 64>::new(0, 1);
        for id in 0..100 {
            *slots.get_or_insert(key(id), 1, 0, |_| Some(0)).unwrap() = id + 1;
        }
        let kept = slots.iter().filter(|(key, value)| **value == key.id + 1).count();
        assert_eq!(kept, slots.iter().count());
        assert!(kept > 90, "{kept}");
        assert_eq!(slots.get(Key { place: 2, id: 1 }, 1), None, "the same id elsewhere is another");
    }

    #[test]
    fn the_least_recently_used_makes_room() {
        let mut slots = Slots::<u128, 1>::new(0, 1);
        for id in 1..=8 {
            slots.get_or_insert(key(id), id as i64, id, |_| Some(0));
        }
        slots.get(key(1), 9);
        slots.get_or_insert(key(9), 10, 9, |_| Some(0));
        assert_eq!(slots.get(key(2), 11), None);
        assert_eq!(slots.get(key(1), 11), Some(&mut 1));
        assert_eq!(slots.iter().count(), 8);
    }

    #[test]
    fn what_is_worth_least_makes_room() {
        let mut slots = Slots::<u128, 1>::new(0, 1);
        for id in 1..=8 {
            slots.get_or_insert(key(id), id as i64, id, |_| Some(0));
        }
        slots.get_or_insert(key(9), 9, 9, |value| Some(if *value == 1 { 0 } else { 7 - *value as i64 }));
        assert_eq!(slots.get(key(8), 10), None, "and not the least recently used");
        assert_eq!(slots.get(key(1), 10), Some(&mut 1));
    }

    /// Nine keys that meet in one table are spread in another: to know them one must know the seed.
    #[test]
    fn keys_that_meet_under_one_seed_do_not_meet_under_another() {
        const SETS: usize = 64;
        let place = |seed: u128, id: u128| key(id).hash(seed) % SETS as u64;
        let first = place(1, 0);
        let meeting: Vec<u128> = (0..).filter(|id| place(1, *id) == first).take(9).collect();
        let mut slots = Slots::<u128, SETS>::new(0, 2);
        for id in &meeting {
            slots.get_or_insert(key(*id), 1, *id, |_| Some(0));
        }
        assert_eq!(meeting.iter().filter(|id| slots.get(key(**id), 2).is_some()).count(), 9);
    }

    #[test]
    fn what_must_not_go_stays() {
        let mut slots = Slots::<u128, 1>::new(0, 1);
        for id in 1..=8 {
            slots.get_or_insert(key(id), id as i64, id, |_| Some(0));
        }
        assert!(slots.get_or_insert(key(9), 9, 9, |_| None).is_none());
        assert!(slots.get_or_insert(key(9), 9, 9, |value| (*value == 5).then_some(0)).is_some());
        assert_eq!(slots.get(key(5), 10), None);
    }
}
