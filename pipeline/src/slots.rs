//! A table of fixed size for memory that processes share: nothing is allocated, and a look-up touches eight slots, whoever
//! filled the others. What was used least recently of the eight makes room.

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

    /// SplitMix64's finalizer over each half.
    fn hash(self) -> u64 {
        let mix = |value: u64| {
            let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            value ^ (value >> 31)
        };
        mix(mix(mix(self.place) ^ (self.id >> 64) as u64) ^ self.id as u64)
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
    sets: [[Slot<V>; WAYS]; SETS],
}

impl<V: Copy, const SETS: usize> Slots<V, SETS> {
    pub const fn new(empty: V) -> Self {
        Slots { sets: [[Slot { key: Key::NONE, used: 0, value: empty }; WAYS]; SETS] }
    }

    fn set(&mut self, key: Key) -> &mut [Slot<V>] {
        self.sets.get_mut((key.hash() % SETS as u64) as usize).map_or(&mut [], |set| set.as_mut_slice())
    }

    pub fn get(&mut self, key: Key, now: i64) -> Option<&mut V> {
        let slot = self.set(key).iter_mut().find(|slot| slot.key == key)?;
        slot.used = now;
        Some(&mut slot.value)
    }

    /// The key's value, `new` where it has none yet. None: each of its slots holds one that must not go.
    pub fn get_or_insert(
        &mut self,
        key: Key,
        now: i64,
        new: V,
        may_go: impl Fn(&V) -> bool,
    ) -> Option<&mut V> {
        let set = self.set(key);
        let known = set.iter().position(|slot| slot.key == key);
        let place = known.or_else(|| {
            let free = |slot: &Slot<V>| slot.key == Key::NONE || may_go(&slot.value);
            let age = |slot: &Slot<V>| if slot.key == Key::NONE { i64::MIN } else { slot.used };
            (0..set.len())
                .filter(|place| set.get(*place).is_some_and(free))
                .min_by_key(|place| set.get(*place).map(age))
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
        let mut slots = Slots::<u128, 64>::new(0);
        for id in 0..100 {
            *slots.get_or_insert(key(id), 1, 0, |_| true).unwrap() = id + 1;
        }
        let kept = slots.iter().filter(|(key, value)| **value == key.id + 1).count();
        assert_eq!(kept, slots.iter().count());
        assert!(kept > 90, "{kept}");
        assert_eq!(slots.get(Key { place: 2, id: 1 }, 1), None, "the same id elsewhere is another");
    }

    #[test]
    fn the_least_recently_used_makes_room() {
        let mut slots = Slots::<u128, 1>::new(0);
        for id in 1..=8 {
            slots.get_or_insert(key(id), id as i64, id, |_| true);
        }
        slots.get(key(1), 9);
        slots.get_or_insert(key(9), 10, 9, |_| true);
        assert_eq!(slots.get(key(2), 11), None);
        assert_eq!(slots.get(key(1), 11), Some(&mut 1));
        assert_eq!(slots.iter().count(), 8);
    }

    #[test]
    fn what_must_not_go_stays() {
        let mut slots = Slots::<u128, 1>::new(0);
        for id in 1..=8 {
            slots.get_or_insert(key(id), id as i64, id, |_| true);
        }
        assert!(slots.get_or_insert(key(9), 9, 9, |_| false).is_none());
        assert!(slots.get_or_insert(key(9), 9, 9, |value| *value == 5).is_some());
        assert_eq!(slots.get(key(5), 10), None);
    }
}
