//! Checksums and the judgement whether a value is noise or words.

use sha2::{Digest, Sha256};

use super::alphabet::{AN, D, LETTER, byte_at, held, is};

/// One character over and over, or a documentation filler: no secret.
pub fn is_filler(value: &[u8]) -> bool {
    let looked = value.get(..value.len().min(64)).unwrap_or_default();
    let mut distinct = [false; 128];
    let mut count = 0;
    for &byte in looked {
        if let Some(seen) = distinct.get_mut(usize::from(byte & 127))
            && !*seen
            && is(byte, AN)
        {
            *seen = true;
            count += 1;
        }
    }
    count < 3
}

/// Words, numbers and versions joined by separators: `learn-pipeline-2`, `gpt-4o-mini`. Also what lacks a digit or a letter.
pub fn is_slug(value: &[u8]) -> bool {
    // Noise shows itself early; a longer look would only cost time where every third byte starts a token.
    let looked = value.get(..value.len().min(64)).unwrap_or_default();
    let held = held(looked);
    if held & D == 0 || held & LETTER == 0 {
        return !looked.split(|&byte| !is(byte, AN)).any(is_letter_noise);
    }
    looked.split(|&byte| !is(byte, AN)).all(is_word) || is_filler(looked)
}

/// Letters in a disorder of cases that no camelCase has: one random token in a thousand holds no digit.
fn is_letter_noise(word: &[u8]) -> bool {
    let changes = word
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() != b.is_ascii_lowercase()));
    word.len() >= 16
        && word.iter().all(u8::is_ascii_alphabetic)
        && changes.clone().count() > 0
        && (changes.count() * 3 >= word.len() || super::words::is_random(word))
        && !is_camel(word)
}

/// A part of a slug: a word, a number, or a short mixture of both (`4o`, `v2`, `gpt4`, `x86`).
fn is_word(part: &[u8]) -> bool {
    // Algorithms whose names end in more digits than other words do: `sk-ssh-ed25519-cert-v01`.
    const NAMES: [&[u8]; 3] = [b"ed25519", b"x25519", b"curve25519"];
    let digits = part.iter().filter(|byte| byte.is_ascii_digit()).count();
    if digits == part.len() {
        return part.len() <= 10;
    }
    if part.len() <= 3 {
        return true;
    }
    let letters = part.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (word, number) = part.split_at(letters);
    if NAMES.contains(&part) {
        return true;
    }
    if number.len() > 3 || !number.iter().all(u8::is_ascii_digit) || word.is_empty() {
        return false;
    }
    let tail = word.get(1..).unwrap_or_default();
    tail.iter().all(u8::is_ascii_lowercase) || word.iter().all(u8::is_ascii_uppercase) || is_camel(word)
}

/// CamelCase words: every hump has two letters or more, and one of them a vowel.
pub fn is_camel(word: &[u8]) -> bool {
    let mut hump = 0;
    let mut vowels = 0;
    let mut humps = 0;
    for &byte in word {
        if !byte.is_ascii_alphabetic() {
            return false;
        }
        if byte.is_ascii_uppercase() {
            if humps > 0 && hump < 2 {
                return false;
            }
            hump = 0;
            humps += 1;
        }
        hump += 1;
        vowels += usize::from(matches!(byte.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y'));
    }
    humps <= 1 + word.len() / 4 && vowels * 5 >= word.len()
}

/// A digit, a lower-case and an upper-case letter.
pub fn is_mixed(value: &[u8]) -> bool {
    let looked = value.get(..value.len().min(96)).unwrap_or_default();
    looked.iter().any(u8::is_ascii_digit)
        && looked.iter().any(u8::is_ascii_lowercase)
        && looked.iter().any(u8::is_ascii_uppercase)
        && !is_filler(looked)
}

/// Mixed, and no letter makes up a quarter of it: numbers in base64 are mostly `A`.
pub fn is_dense(value: &[u8]) -> bool {
    let looked = value.get(..value.len().min(96)).unwrap_or_default();
    is_mixed(looked) && looked.iter().filter(|&&byte| byte == b'A').count() * 4 < looked.len()
}

/// Random base64: all three classes, changing class often. Paths and camelCase identifiers change seldom.
pub fn is_base64_noise(value: &[u8]) -> bool {
    let class = |byte: u8| match byte {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    let changes = value.windows(2).filter(|pair| matches!(pair, [a, b] if class(*a) != class(*b))).count();
    is_mixed(value) && changes * 3 >= value.len()
}

/// Luhn's check of cards (ISO/IEC 7812-1), over ASCII digits.
pub fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| {
            let value = u32::from(digit.wrapping_sub(b'0'));
            if place % 2 == 0 { value } else { value / 5 + value * 2 % 10 }
        })
        .sum();
    sum.is_multiple_of(10)
}

/// ISO 7064 mod 97-10, as IBAN uses it: letters count as 10 to 35, the first four characters come last.
pub fn iban_mod97(iban: &[u8]) -> bool {
    let (head, tail) = iban.split_at(iban.len().min(4));
    let rest = tail.iter().chain(head).fold(0u32, |rest, &byte| match byte {
        b'0'..=b'9' => (rest * 10 + u32::from(byte - b'0')) % 97,
        _ => (rest * 100 + u32::from(byte.to_ascii_uppercase().wrapping_sub(b'A')) + 10) % 97,
    });
    rest == 1
}

/// Sum of digits times weights.
fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(&digit, weight)| u32::from(digit.wrapping_sub(b'0')) * weight).sum()
}

fn digit(digits: &[u8], at: usize) -> u32 {
    u32::from(digits.get(at).copied().unwrap_or(b'0').wrapping_sub(b'0'))
}

fn all_same(digits: &[u8]) -> bool {
    digits.windows(2).all(|pair| matches!(pair, [a, b] if a == b))
}

/// NHS number: mod 11 over weights 10 to 2.
pub fn nhs(digits: &[u8]) -> bool {
    let check = 11 - weighted(digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    check != 10 && check % 11 == digit(digits, 9) && !all_same(digits)
}

/// CPF of Brazil: two check digits mod 11.
pub fn cpf(digits: &[u8]) -> bool {
    let check = |weights: &[u32]| match weighted(digits, weights) * 10 % 11 {
        10 => 0,
        check => check,
    };
    check(&[10, 9, 8, 7, 6, 5, 4, 3, 2]) == digit(digits, 9)
        && check(&[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]) == digit(digits, 10)
        && !all_same(digits)
}

/// PESEL of Poland: weights 1, 3, 7, 9.
pub fn pesel(digits: &[u8]) -> bool {
    (10 - weighted(digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3]) % 10) % 10 == digit(digits, 10)
        && !all_same(digits)
}

/// Routing number of the American Bankers Association: weights 3, 7, 1.
pub fn routing(digits: &[u8]) -> bool {
    weighted(digits, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10) && !all_same(digits)
}

/// Social Insurance Number of Canada: Luhn.
pub fn sin(digits: &[u8]) -> bool {
    luhn(digits) && !all_same(digits)
}

/// Aadhaar of India: Verhoeff's check over the dihedral group of order ten.
pub fn verhoeff(digits: &[u8]) -> bool {
    const TURN: [[u8; 10]; 10] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
        [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
        [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
        [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
        [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
        [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
        [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
        [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
        [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
    ];
    const PLACE: [[u8; 10]; 8] = [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
        [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
        [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
        [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
        [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
        [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
        [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
        [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
    ];
    let check = digits.iter().rev().zip(PLACE.iter().cycle()).fold(0u8, |check, (&digit, place)| {
        let placed = byte_at(place, usize::from(digit.wrapping_sub(b'0')));
        TURN.get(usize::from(check)).map_or(0, |turn| byte_at(turn, usize::from(placed)))
    });
    check == 0 && !all_same(digits) && digit(digits, 0) >= 2
}

/// NIF of Spain: the letter is the number mod 23.
pub fn nif(number: &[u8], letter: u8) -> bool {
    let value = number.iter().fold(0u32, |value, &byte| value * 10 + u32::from(byte.wrapping_sub(b'0')));
    b"TRWAGMYFPDXBNJZSQVHLCKE".get((value % 23) as usize) == Some(&letter)
}

/// Base58 with the first four bytes of a double SHA-256 at its end; version byte 0x80 is a private key.
pub fn base58check(text: &[u8]) -> bool {
    const LETTERS: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut bytes = [0u8; 40];
    for byte in text {
        let Some(value) = LETTERS.iter().position(|letter| letter == byte) else { return false };
        let mut carry = value as u32;
        for slot in bytes.iter_mut().rev() {
            carry += u32::from(*slot) * 58;
            *slot = carry as u8;
            carry >>= 8;
        }
        if carry > 0 {
            return false;
        }
    }
    // Version byte, 32 bytes of key, one more for a compressed public key, four of checksum.
    let used = bytes.iter().position(|&byte| byte != 0).map_or(0, |first| bytes.len() - first);
    let Some(payload) = bytes.get(bytes.len() - used..) else { return false };
    if !matches!(used, 37 | 38) || payload.first() != Some(&0x80) {
        return false;
    }
    let (body, sum) = payload.split_at(used - 4);
    Sha256::digest(Sha256::digest(body)).get(..4) == Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values are published examples: card networks' test numbers, the UK's, Brazil's, Poland's and India's
    // sample numbers, the IBAN registry, the Bitcoin wiki.
    #[test]
    fn checksums_accept_published_examples_and_no_neighbour() {
        assert!(luhn(b"4111111111111111") && !luhn(b"4111111111111112"));
        assert!(luhn(b"378282246310005"));
        assert!(iban_mod97(b"GB29NWBK60161331926819") && !iban_mod97(b"GB29NWBK60161331926818"));
        assert!(iban_mod97(b"DE89370400440532013000"));
        assert!(nhs(b"9434765919") && !nhs(b"9434765918"));
        assert!(cpf(b"11144477735") && !cpf(b"11144477736"));
        assert!(pesel(b"44051401359") && !pesel(b"44051401358"));
        assert!(routing(b"021000021") && !routing(b"021000022"));
        assert!(sin(b"046454286") && !sin(b"046454287"));
        assert!(verhoeff(b"234123412346") && !verhoeff(b"234123412347"));
        assert!(nif(b"12345678", b'Z') && !nif(b"12345678", b'A'));
        assert!(base58check(b"5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTJ"));
        assert!(!base58check(b"5HueCGU8rMjxEXxiPuD5BDku4MkFqeZyd4dZ1jvhTVqvbTLvyTK"));
    }

    #[test]
    fn slugs_are_words_and_keys_are_not() {
        for slug in
            ["learn-pipeline-2", "gpt-4o-mini", "createFunction2", "task_notification_v2", "2024-01-31"]
        {
            assert!(is_slug(slug.as_bytes()), "{slug}");
        }
        for key in ["abc123def456ghi789jkl0", "A1b2-C3d4-E5f6g7H8", "test-1234567890abcdef12"] {
            assert!(!is_slug(key.as_bytes()), "{key}");
        }
    }
}
