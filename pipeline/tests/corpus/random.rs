//! A small deterministic source of randomness: the corpus must be the same in every run.

pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// So many characters of the alphabet.
    pub fn of(&mut self, alphabet: &str, length: usize) -> String {
        let bytes = alphabet.as_bytes();
        (0..length).map(|_| bytes[self.below(bytes.len())] as char).collect()
    }

    /// Expands `{AN20}` to 20 random characters of an alphabet, `{AN20-30}` to 20 to 30, `{a|b}` to one of the words.
    pub fn shape(&mut self, shape: &str) -> String {
        let mut out = String::new();
        let mut rest = shape;
        while let Some(open) = rest.find('{') {
            out.push_str(&rest[..open]);
            let close = open + rest[open..].find('}').unwrap();
            let hole = &rest[open + 1..close];
            rest = &rest[close + 1..];
            if hole.contains('|') {
                let words: Vec<&str> = hole.split('|').collect();
                out.push_str(words[self.below(words.len())]);
                continue;
            }
            if hole == "noun" {
                let noun = *self.pick(NOUNS);
                out.push_str(noun);
                continue;
            }
            if hole == "uuid" {
                let uuid =
                    self.shape("{H8}-{H4}-4{H3}-{ab89}{H3}-{H12}".replace("{ab89}", "{a|b|8|9}").as_str());
                out.push_str(&uuid);
                continue;
            }
            let digits = hole.find(|c: char| c.is_ascii_digit()).unwrap();
            let (name, length) = hole.split_at(digits);
            let length = match length.split_once('-') {
                Some((low, high)) => self.between(low.parse().unwrap(), high.parse().unwrap()),
                None => length.parse().unwrap(),
            };
            let part = self.of(alphabet(name), length);
            out.push_str(&part);
        }
        out + rest
    }
}

/// Words that people choose for passphrases.
const NOUNS: &[&str] = &[
    "acorn", "alpaca", "badger", "beetle", "birch", "blanket", "cabbage", "camel", "cedar", "cliff",
    "cobalt", "daisy", "donkey", "eagle", "fiddle", "flute", "gecko", "granite", "hazel", "heron", "horse",
    "jacket", "kayak", "lemon", "lizard", "mango", "marlin", "meadow", "mitten", "nutmeg", "otter", "paddle",
    "parrot", "pebble", "pigeon", "plum", "pumpkin", "quail", "rabbit", "radish", "spoon", "staple", "swan",
    "teapot", "thistle", "turnip", "walrus", "wombat", "yogurt",
];

fn alphabet(name: &str) -> &'static str {
    match name {
        "AN" => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        "LN" => "abcdefghijklmnopqrstuvwxyz0123456789",
        "UN" => "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        "A" => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        "L" => "abcdefghijklmnopqrstuvwxyz",
        "UP" => "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "H" => "0123456789abcdef",
        "HX" => "0123456789ABCDEF",
        "D" => "0123456789",
        "N" => "123456789",
        "U" => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        "W" => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_",
        "B" => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
        "BT" => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        "QT" => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_~.-",
        "UE" => "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=",
        "BECH" => "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
        // A '#' next to an '@' in a URL's password leaves open where the host starts.
        "PWU" => "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!$^*~",
        "PW" => "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789!@#$%^*",
        other => panic!("no alphabet {other}"),
    }
}
