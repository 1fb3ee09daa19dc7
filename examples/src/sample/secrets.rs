//! Credentials and personal data as people paste them into prompts. All are invented: made here from the dice, in the
//! right shape and with FAKE in them, or the well-known example numbers of their issuers.

use crate::dice::Dice;

const ALPHANUMERIC: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// A question with a credential in it, as a developer would paste one.
pub fn credential(dice: &mut Dice) -> String {
    let body = |dice: &mut Dice, length| dice.letters(length, ALPHANUMERIC);
    match dice.between(0, 7) {
        0 => format!(
            "My key sk-proj-FAKE{}T3BlbkFJ{}, is it still valid? I get 401.",
            body(dice, 54),
            body(dice, 58)
        ),
        1 => {
            format!("export AWS_ACCESS_KEY_ID=AKIAFAKE{} and then? It says denied.", dice.letters(12, BASE32))
        }
        2 => format!("git clone https://ghp_FAKE{}@github.com/example/shop fails", body(dice, 32)),
        3 => format!("curl -H 'Authorization: Bearer FAKE{}7' gives 403", body(dice, 40)),
        4 => format!("postgres://shop:FAKE{}9@db.example.com:5432/orders refuses me", body(dice, 12)),
        5 => format!(
            "Can you read this? eyJGQUtF{}.eyJGQUtF{}.FAKE{}",
            body(dice, 20),
            body(dice, 60),
            body(dice, 38)
        ),
        6 => format!(
            "{{\"slack\":\"xoxb-{}-{}-FAKE{}\"}}",
            dice.between(100_000_000_000, 999_999_999_999),
            dice.between(100_000_000_000, 999_999_999_999),
            body(dice, 20)
        ),
        _ => format!(
            "-----BEGIN PRIVATE KEY-----\nFAKE{}\nFAKE{}\n-----END PRIVATE KEY-----\nWhy is this key refused?",
            body(dice, 60),
            body(dice, 60)
        ),
    }
}

/// A sentence with personal data in it.
pub fn contact(dice: &mut Dice) -> String {
    match dice.between(0, 4) {
        0 | 1 => format!("Please write to reader{}@example.com.", dice.between(10, 99)),
        2 => "My card is 4242 4242 4242 4242, was it charged?".to_owned(),
        3 => format!("Call me at +1 415 555 01{} after six.", dice.between(10, 99)),
        _ => "Please refund to DE89 3704 0044 0532 0130 00.".to_owned(),
    }
}
