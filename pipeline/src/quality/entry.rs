//! How a word is found in the lexicon, and what stands there. The build script writes what this reads, so both have this file.

/// Slots of the table, a power of two: under half of them are taken.
pub const SLOTS: usize = 1 << 14;

/// What a word does in a sentence, or what its place in a prompt says about the task. `data/words.txt` lists the words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Class {
    Function,
    Negation,
    Booster,
    Dampener,
    But,
    SecondPerson,
    Decline,
    Hedge,
    Source,
    Threat,
    Summary,
    Translate,
    Language,
    Code,
    Explain,
    Write,
    Piece,
    Insult,
    Determiner,
    Connective,
    Link,
}

impl Class {
    /// Used by the build script alone.
    #[allow(dead_code)]
    pub const ALL: [(&str, Class); 21] = [
        ("function", Class::Function),
        ("negation", Class::Negation),
        ("booster", Class::Booster),
        ("dampener", Class::Dampener),
        ("but", Class::But),
        ("second_person", Class::SecondPerson),
        ("decline", Class::Decline),
        ("hedge", Class::Hedge),
        ("source", Class::Source),
        ("threat", Class::Threat),
        ("summary", Class::Summary),
        ("translate", Class::Translate),
        ("language", Class::Language),
        ("code", Class::Code),
        ("explain", Class::Explain),
        ("write", Class::Write),
        ("piece", Class::Piece),
        ("insult", Class::Insult),
        ("determiner", Class::Determiner),
        ("connective", Class::Connective),
        ("link", Class::Link),
    ];
}

/// What the lexicon says of a word: 8 bits of valence in tenths, 3 of toxicity, 21 of classes. The default is an unknown word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entry(pub u32);

/// Steps of toxicity: 0 is none, 7 the most.
pub const MOST_TOXIC: u32 = 7;

#[allow(dead_code)]
impl Entry {
    /// VADER's mean of ten people's ratings, -4 to 4. 0: neutral.
    pub fn valence(self) -> f32 {
        f32::from((self.0 & 0xff) as u8 as i8) / 10.0
    }

    /// 0 to 1.
    pub fn toxicity(self) -> f32 {
        ((self.0 >> 8) & MOST_TOXIC) as f32 / MOST_TOXIC as f32
    }

    pub fn is(self, class: Class) -> bool {
        self.0 & Entry::bit(class) != 0
    }

    pub fn with_valence(self, tenths: i8) -> Entry {
        Entry(self.0 & !0xff | u32::from(tenths as u8))
    }

    pub fn with_toxicity(self, step: u32) -> Entry {
        Entry(self.0 & !(MOST_TOXIC << 8) | step.min(MOST_TOXIC) << 8)
    }

    pub fn with(self, class: Class) -> Entry {
        Entry(self.0 | Entry::bit(class))
    }

    /// It says how good or bad the text is, or turns it.
    pub fn has_sentiment(self) -> bool {
        self.0 & (0xff | Entry::bit(Class::But)) != 0
    }

    /// It may be toxic: a negative valence has the highest of its bits.
    pub fn is_harsh(self) -> bool {
        self.0 & (0x80 | MOST_TOXIC << 8 | Entry::bit(Class::Threat) | Entry::bit(Class::Insult)) != 0
    }

    const fn bit(class: Class) -> u32 {
        1 << (11 + class as u32)
    }
}

/// The hash of a word, fed with its bytes in lower case. The inner loop of all reading: eight bytes are mixed at once.
#[derive(Clone, Copy, Default)]
pub struct WordHash {
    mixed: u64,
    packed: u64,
    length: u32,
    /// The first eight bytes, once there are more.
    first: u64,
}

/// Any odd number of 64 bits whose ones and zeroes look random.
const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// Letters by which two forms of a word are taken for one: "deliver", "delivery", "delivered".
const STEM: u32 = 5;

#[allow(dead_code)]
impl WordHash {
    pub const EMPTY: WordHash = WordHash { mixed: 0, packed: 0, length: 0, first: 0 };

    #[inline(always)]
    pub const fn push(&mut self, byte: u8) {
        self.packed = self.packed << 8 | byte as u64;
        self.length += 1;
        if self.length & 7 == 0 {
            self.mix();
        }
    }

    #[inline(always)]
    const fn mix(&mut self) {
        if self.length == 8 {
            self.first = self.packed;
        }
        self.mixed = (self.mixed ^ self.packed).wrapping_mul(MIX).rotate_left(29);
        self.packed = 0;
    }

    #[inline(always)]
    pub const fn finish(self) -> u64 {
        let mixed = (self.mixed ^ self.packed ^ (self.length as u64) << 59).wrapping_mul(MIX);
        (mixed ^ mixed >> 32).wrapping_mul(MIX)
    }

    /// Of the first letters alone.
    #[inline(always)]
    pub fn stem(self) -> u32 {
        let (letters, length) = if self.length < 8 { (self.packed, self.length) } else { (self.first, 8) };
        let stem = letters >> (8 * length.saturating_sub(STEM));
        (stem.wrapping_mul(MIX) >> 32) as u32
    }
}

/// The slot where the search for a word begins, and what tells it from others there, which is never 0. Sixteen bits of it keep the
/// table small enough to stay in the processor's nearest cache; of 22,000 words that are not in it, one is taken for one that is.
#[inline(always)]
pub fn place(hash: u64) -> (usize, u16) {
    ((hash >> 50) as usize % SLOTS, hash as u16 | 1)
}
