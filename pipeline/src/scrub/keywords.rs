//! The words that say: what follows is a secret. And how they are read out of a key in any spelling.

use std::sync::LazyLock;

use super::alphabet::{byte_at, byte_before, is};
use super::kinds;

/// What a value must look like for this keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// People choose passwords: anything that is not plainly a word, a type or a reference.
    Password,
    /// Machines make keys: letters and digits in disorder.
    Key,
    /// Like a key, but the word is also about model tokens and page tokens: never digits alone.
    Token,
    /// A scheme and credentials: `Authorization: Bearer ...`.
    Authorization,
    /// A list of `name=value` pairs.
    Cookie,
    /// Docker's base64 of `user:password`.
    DockerAuth,
    /// The value is named elsewhere: `name: DB_PASSWORD, value: ...`.
    Value,
}

/// A row: the end of a key, without separators and in lower case.
pub struct Keyword {
    pub phrase: &'static str,
    pub grade: Grade,
    pub kind: u16,
    /// Whether a word of the key must start where the phrase does: `pass` is no end of `compass`.
    pub whole: bool,
}

const fn word(phrase: &'static str, grade: Grade, kind: &str) -> Keyword {
    Keyword { phrase, grade, kind: kinds::number(kind), whole: true }
}

const fn ending(phrase: &'static str, grade: Grade, kind: &str) -> Keyword {
    Keyword { phrase, grade, kind: kinds::number(kind), whole: false }
}

pub const KEYWORDS: &[Keyword] = &[
    ending("password", Grade::Password, "password"),
    ending("passwd", Grade::Password, "password"),
    ending("requirepass", Grade::Password, "password"),
    ending("passphrase", Grade::Password, "password"),
    ending("passcode", Grade::Password, "password"),
    ending("passwort", Grade::Password, "password"),
    ending("kennwort", Grade::Password, "password"),
    ending("motdepasse", Grade::Password, "password"),
    word("contrasena", Grade::Password, "password"),
    word("senha", Grade::Password, "password"),
    word("pword", Grade::Password, "password"),
    ending("pwd", Grade::Password, "password"),
    ending("storepass", Grade::Password, "password"),
    ending("keypass", Grade::Password, "password"),
    word("pass", Grade::Password, "password"),
    word("psk", Grade::Password, "password"),
    word("pw", Grade::Password, "password"),
    ending("secretaccesskey", Grade::Key, "aws_secret_key"),
    ending("awssecretkey", Grade::Key, "aws_secret_key"),
    ending("sharedaccesskey", Grade::Key, "azure_service_bus_key"),
    ending("accountkey", Grade::Key, "azure_storage_key"),
    ending("storagekey", Grade::Key, "azure_storage_key"),
    ending("secret", Grade::Key, "secret"),
    ending("secretkey", Grade::Key, "secret"),
    ending("secretkeybase", Grade::Key, "secret"),
    ending("privatekey", Grade::Key, "secret"),
    ending("presharedkey", Grade::Key, "secret"),
    ending("signingkey", Grade::Key, "secret"),
    ending("encryptionkey", Grade::Key, "secret"),
    word("hmackey", Grade::Key, "secret"),
    ending("masterkey", Grade::Key, "secret"),
    ending("sessionkey", Grade::Key, "secret"),
    word("credential", Grade::Key, "secret"),
    word("credentials", Grade::Key, "secret"),
    word("creds", Grade::Key, "secret"),
    ending("apikey", Grade::Key, "api_key"),
    word("apikeys", Grade::Key, "api_key"),
    ending("authkey", Grade::Key, "api_key"),
    ending("accesskey", Grade::Key, "api_key"),
    ending("subscriptionkey", Grade::Key, "api_key"),
    ending("applicationkey", Grade::Key, "api_key"),
    word("appkey", Grade::Key, "api_key"),
    word("adminkey", Grade::Key, "api_key"),
    word("globalkey", Grade::Key, "api_key"),
    word("servicekey", Grade::Key, "api_key"),
    word("servicerolekey", Grade::Key, "api_key"),
    word("serverkey", Grade::Key, "api_key"),
    word("consumerkey", Grade::Key, "api_key"),
    word("integrationkey", Grade::Key, "api_key"),
    word("licensekey", Grade::Key, "api_key"),
    word("sdkkey", Grade::Key, "api_key"),
    word("deploykey", Grade::Key, "api_key"),
    word("writekey", Grade::Key, "api_key"),
    word("ingestkey", Grade::Key, "api_key"),
    // A provider's name and `key`: the kinds whose values have no prefix of their own.
    word("openaikey", Grade::Key, "api_key"),
    word("anthropickey", Grade::Key, "api_key"),
    word("azurekey", Grade::Key, "api_key"),
    word("coherekey", Grade::Key, "api_key"),
    word("cokey", Grade::Key, "api_key"),
    word("mistralkey", Grade::Key, "api_key"),
    word("deepgramkey", Grade::Key, "api_key"),
    word("datadogkey", Grade::Key, "api_key"),
    word("ddkey", Grade::Key, "api_key"),
    word("algoliakey", Grade::Key, "api_key"),
    word("fastlykey", Grade::Key, "api_key"),
    word("snykkey", Grade::Key, "api_key"),
    word("oktakey", Grade::Key, "api_key"),
    word("launchdarklykey", Grade::Key, "api_key"),
    word("cloudflarekey", Grade::Key, "api_key"),
    word("wandbkey", Grade::Key, "api_key"),
    word("mailgunkey", Grade::Key, "api_key"),
    word("twiliokey", Grade::Key, "api_key"),
    word("sendgridkey", Grade::Key, "api_key"),
    word("stripekey", Grade::Key, "api_key"),
    word("geminikey", Grade::Key, "api_key"),
    word("groqkey", Grade::Key, "api_key"),
    word("deepseekkey", Grade::Key, "api_key"),
    word("elevenlabskey", Grade::Key, "api_key"),
    word("ethkey", Grade::Key, "api_key"),
    word("walletkey", Grade::Key, "api_key"),
    ending("token", Grade::Token, "token"),
    word("bearer", Grade::Token, "bearer_token"),
    word("jwt", Grade::Token, "token"),
    word("pat", Grade::Token, "token"),
    word("ssws", Grade::Token, "token"),
    ending("authorization", Grade::Authorization, "token"),
    word("cookie", Grade::Cookie, "cookie"),
    word("setcookie", Grade::Cookie, "cookie"),
    word("auth", Grade::DockerAuth, "docker_auth"),
    word("value", Grade::Value, "secret"),
];

/// Rows whose phrase ends with a letter, the longest first, for each letter.
struct ByLast<T: 'static>([Vec<&'static T>; 26]);

impl<T> ByLast<T> {
    fn new(rows: &'static [T], phrase: impl Fn(&T) -> &str) -> ByLast<T> {
        let mut by_last = ByLast(std::array::from_fn(|_| Vec::new()));
        for row in rows {
            let last = phrase(row).bytes().last().unwrap_or(b'z');
            if let Some(list) = by_last.0.get_mut(usize::from(last.wrapping_sub(b'a'))) {
                list.push(row);
            }
        }
        for list in &mut by_last.0 {
            list.sort_by_key(|row| std::cmp::Reverse(phrase(row).len()));
        }
        by_last
    }

    fn get(&self, last: u8) -> &[&'static T] {
        self.0.get(usize::from(last.wrapping_sub(b'a'))).map_or(&[], Vec::as_slice)
    }
}

/// The last three letters of all keywords and qualifiers: for each pair of last letters, bits for the one before.
static ENDINGS: LazyLock<[u32; 26 * 26]> = LazyLock::new(|| {
    let mut endings = [0; 26 * 26];
    for phrase in KEYWORDS.iter().map(|row| row.phrase).chain(QUALIFIERS.iter().copied()) {
        let bits = match phrase.as_bytes() {
            [.., third, _, _] => 1 << (third.wrapping_sub(b'a') & 31),
            _ => u32::MAX,
        };
        if let [.., before, last] = phrase.as_bytes()
            && let Some(slot) = endings.get_mut(place(*before) * 26 + place(*last))
        {
            *slot |= bits;
        }
    }
    endings
});

/// A letter's place in the alphabet.
fn place(letter: u8) -> usize {
    usize::from(letter.to_ascii_lowercase().wrapping_sub(b'a'))
}

/// Whether a key that ends before `end` can be of interest: nearly all others are turned away here.
fn may_end(text: &[u8], end: usize) -> bool {
    let (third, before, last) =
        (byte_before(text, end, 3), byte_before(text, end, 2), byte_before(text, end, 1));
    if !last.is_ascii_alphabetic() {
        return true;
    }
    let bits = ENDINGS.get(place(before).min(25) * 26 + place(last)).copied().unwrap_or(0);
    before.is_ascii_alphabetic() && bits & (1 << (third.to_ascii_lowercase().wrapping_sub(b'a') & 31)) != 0
}

static KEYWORDS_BY_LAST: LazyLock<ByLast<Keyword>> =
    LazyLock::new(|| ByLast::new(KEYWORDS, |row| row.phrase));
static HARMLESS_BY_LAST: LazyLock<ByLast<&str>> = LazyLock::new(|| ByLast::new(HARMLESS, |row| row));
static QUALIFIERS_BY_LAST: LazyLock<ByLast<&str>> = LazyLock::new(|| ByLast::new(QUALIFIERS, |row| row));

/// Words behind the keyword that change nothing: `API_KEY_PROD`, `passwordValue`, `token_2`.
const QUALIFIERS: &[&str] = &[
    "prod",
    "production",
    "dev",
    "development",
    "test",
    "testing",
    "staging",
    "stage",
    "live",
    "sandbox",
    "value",
    "string",
    "str",
    "plain",
    "plaintext",
    "raw",
    "base64",
    "old",
    "new",
    "current",
    "previous",
    "primary",
    "secondary",
    "backup",
    "default",
    "confirm",
    "confirmation",
    "again",
    "repeat",
    "env",
    "header",
    "v1",
    "v2",
    "local",
];

/// Words before the keyword that make it harmless: `next_page_token`, `public_key`, `max_token`.
const HARMLESS: &[&str] = &[
    "page",
    "nextpage",
    "prevpage",
    "pagination",
    "continuation",
    "next",
    "previous",
    "prev",
    "sync",
    "nextsync",
    "cursor",
    "scroll",
    "public",
    "publishable",
    "max",
    "min",
    "stop",
    "eos",
    "bos",
    "pad",
    "unk",
    "mask",
    "sep",
    "cls",
    "special",
    "cancellation",
    "cancel",
    "idempotency",
    "design",
    "per",
    "each",
    "this",
    "every",
    "first",
    "last",
    "single",
    "input",
    "output",
    "prompt",
    "completion",
    "no",
    "fcm",
    "image",
    "end",
    "start",
    "cache",
    "reset",
    "resume",
    "lock",
    "fencing",
    "concurrency",
    "partition",
    "primary",
    "foreign",
    "sort",
    "change",
    "etag",
];

/// Up to so many bytes of a key are read, from its end.
const LONGEST: usize = 44;

/// A key's letters and digits in reverse, in lower case, and where words start.
struct Reversed {
    letters: [u8; LONGEST],
    /// Whether a word starts at this letter (that is, ends in reverse).
    starts: [bool; LONGEST],
    length: usize,
    /// How many letters stand behind the last space: one name, not words of prose.
    joined: usize,
}

impl Reversed {
    /// Reads `text` backwards from `end` on.
    fn read(text: &[u8], end: usize) -> Reversed {
        let mut key =
            Reversed { letters: [0; LONGEST], starts: [false; LONGEST], length: 0, joined: usize::MAX };
        let mut at = end;
        let mut spaces = 0;
        while key.length < LONGEST && at > 0 {
            let byte = byte_before(text, at, 1);
            if is(byte, super::alphabet::AN) {
                let before = byte_before(text, at, 2);
                let escape = before == b'\\' && matches!(byte, b'n' | b'r' | b't');
                if escape {
                    break;
                }
                let next = byte_at(text, at);
                let camel = byte.is_ascii_uppercase()
                    && (before.is_ascii_lowercase()
                        || before.is_ascii_digit()
                        || (before.is_ascii_uppercase() && next.is_ascii_lowercase() && at < end));
                let start = camel || !is(before, super::alphabet::AN) || follows_escape_letter(text, at);
                if let (Some(letter), Some(mark)) =
                    (key.letters.get_mut(key.length), key.starts.get_mut(key.length))
                {
                    *letter = byte.to_ascii_lowercase();
                    *mark = start;
                }
                key.length += 1;
            } else if byte == b' ' {
                // "Your new API key" is read as far as two spaces back, but not into another sentence.
                spaces += 1;
                key.joined = key.joined.min(key.length);
                if spaces > 3 || !is(byte_before(text, at, 2), super::alphabet::AN) {
                    break;
                }
            } else if !matches!(byte, b'_' | b'-' | b'.') {
                break;
            }
            at -= 1;
        }
        key
    }

    fn letter(&self, at: usize) -> u8 {
        if at < self.length { byte_at(&self.letters, at) } else { 0 }
    }

    fn starts(&self, at: usize) -> bool {
        self.starts.get(at).copied().unwrap_or(false)
    }

    /// Whether the key, from `skip` letters before its end, ends with the phrase.
    fn ends_with(&self, skip: usize, phrase: &str, whole: bool) -> bool {
        let fits = phrase.bytes().rev().enumerate().all(|(at, byte)| self.letter(skip + at) == byte);
        fits && (!whole || self.starts(skip + phrase.len() - 1))
    }
}

/// The second letter of an escape stands before: `\nPASSWORD`.
fn follows_escape_letter(text: &[u8], at: usize) -> bool {
    matches!(byte_before(text, at, 2), b'n' | b'r' | b't') && byte_before(text, at, 3) == b'\\'
}

/// The word for password where it is written with other letters than ASCII's.
const ABROAD: &[&str] = &[
    "密码",
    "密碼",
    "口令",
    "パスワード",
    "暗証番号",
    "비밀번호",
    "암호",
    "пароль",
    "Пароль",
    "contraseña",
    "Contraseña",
    "CONTRASEÑA",
    "hasło",
    "Hasło",
    "şifre",
    "Şifre",
    "mật khẩu",
    "Mật khẩu",
    "पासवर्ड",
    "รหัสผ่าน",
    "كلمة المرور",
    "סיסמה",
    "lösenord",
    "Lösenord",
    "jelszó",
    "Jelszó",
    "κωδικός",
];

fn is_password_abroad(text: &[u8], end: usize) -> bool {
    ABROAD
        .iter()
        .any(|word| super::alphabet::part(text, end.saturating_sub(word.len()), end) == word.as_bytes())
}

/// The keyword at the end of the key that ends at `end`, if there is one.
pub fn at_end_of(text: &[u8], end: usize) -> Option<&'static Keyword> {
    let last = byte_before(text, end, 1);
    if !super::alphabet::part(text, end.saturating_sub(6), end).is_ascii() && is_password_abroad(text, end) {
        return KEYWORDS.iter().find(|keyword| keyword.phrase == "password");
    }
    if !is(last, super::alphabet::AN) {
        return None;
    }
    if !may_end(text, end) {
        return None;
    }
    let key = Reversed::read(text, end);
    let mut skip = 0;
    for _ in 0..3 {
        let last = key.letter(skip);
        let found = KEYWORDS_BY_LAST
            .get(last)
            .iter()
            .find(|keyword| key.ends_with(skip, keyword.phrase, keyword.whole));
        if let Some(keyword) = found {
            let ahead = skip + keyword.phrase.len();
            let harmless =
                HARMLESS_BY_LAST.get(key.letter(ahead)).iter().any(|word| key.ends_with(ahead, word, true));
            // "The first password", "no password": in prose they only make tokens of text out of tokens.
            let counts = keyword.grade == Grade::Token || ahead < key.joined;
            return (!(harmless && counts)).then_some(keyword);
        }
        let digits = (skip..key.length).take_while(|&at| key.letter(at).is_ascii_digit()).count();
        if digits > 0 && digits <= 3 {
            skip += digits;
            continue;
        }
        let qualifier =
            QUALIFIERS_BY_LAST.get(last).iter().find(|qualifier| key.ends_with(skip, qualifier, true))?;
        skip += qualifier.len();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grade(key: &str) -> Option<Grade> {
        at_end_of(key.as_bytes(), key.len()).map(|keyword| keyword.grade)
    }

    #[test]
    fn keywords_are_read_in_every_spelling() {
        for key in [
            "password",
            "DB_PASSWORD",
            "dbPassword",
            "user-password",
            "Password",
            "ADMIN_PASS",
            "pwd",
            "passwordConfirmation",
            "PASSWORD_2",
        ] {
            assert_eq!(grade(key), Some(Grade::Password), "{key}");
        }
        for key in [
            "apiKey",
            "API-KEY",
            "X-Api-Key",
            "api key",
            "OPENAI_API_KEY_PROD",
            "openaiApiKey",
            "clientSecret",
            "cohere_key",
            "APIKey",
            "dd-application-key",
        ] {
            assert_eq!(grade(key), Some(Grade::Key), "{key}");
        }
        for key in ["token", "ACCESS_TOKEN", "refreshToken", "_authToken", "x-auth-token"] {
            assert_eq!(grade(key), Some(Grade::Token), "{key}");
        }
    }

    #[test]
    fn other_keys_are_left_alone() {
        for key in [
            "max_tokens",
            "tokens",
            "nextPageToken",
            "compass",
            "public_key",
            "key",
            "monkey",
            "tokenizer",
            "password_hash",
            "secret_name",
            "role",
            "page_token",
        ] {
            assert_eq!(grade(key), None, "{key}");
        }
    }
}
