//! Credentials on command lines: `--api-key VALUE`, `mysql -pVALUE`, `curl -u user:VALUE`.

use super::alphabet::{
    CONNECTION, D, DASH, DOT, LETTER, UNDER, USER, VALUE, W, byte_at, byte_before, is, part, run_end,
    run_start, starts_token,
};
use super::assignments::assigned;
use super::cookies;
use super::keywords::{self, Grade};
use super::kinds;
use super::spans::{Proof, Scan, has_word};
use super::values::{self, Written};

const PASSWORD: u16 = kinds::number("password");
const URL_PASSWORD: u16 = kinds::number("url_password");

/// An option of one letter that takes a password, and the commands that have it.
struct Letter {
    letter: u8,
    /// Whether the value follows without a space.
    glued: bool,
    commands: &'static [&'static str],
}

const LETTERS: &[Letter] = &[
    Letter {
        letter: b'p',
        glued: true,
        commands: &["mysql", "mysqldump", "mysqladmin", "mysqlimport", "mysqlsh", "mariadb", "7z", "sshpass"],
    },
    Letter {
        letter: b'p',
        glued: false,
        commands: &["sshpass", "login", "mongo", "mongosh", "mongodump", "mongorestore", "rabbitmqadmin"],
    },
    Letter { letter: b'a', glued: false, commands: &["redis"] },
    Letter { letter: b'k', glued: false, commands: &["openssl"] },
    Letter {
        letter: b'P',
        glued: false,
        commands: &["sqlcmd", "bcp", "zip", "unzip", "mosquitto_pub", "mosquitto_sub"],
    },
    Letter { letter: b'w', glued: false, commands: &["ldapsearch", "ldapadd", "ldapmodify", "ldapwhoami"] },
];

/// How far before its option a command may stand, on the same line.
const LINE: usize = 120;

/// Finds options at every dash that starts a word, `ENV API_KEY value` of a Dockerfile at its V, and `PASSWORD 'value'` and
/// `IDENTIFIED BY 'value'` of SQL at their quote.
pub fn find(scan: &mut Scan<'_>) {
    let text = scan.text;
    for at in memchr::memchr3_iter(b'-', b'V', b'\'', text) {
        match byte_at(text, at) {
            b'-' => {}
            b'V' => {
                environment(scan, at);
                continue;
            }
            _ => {
                sql(scan, at);
                continue;
            }
        }
        if is(byte_before(text, at, 1), DASH | UNDER | DOT) || !starts_token(text, at) {
            continue;
        }
        match byte_at(text, at + 1) {
            b'-' => named(scan, at, at + 2),
            b'b' if byte_at(text, at + 2) == b' ' && has_word(command_before(text, at), &["curl"]) => {
                cookies::pairs(scan, at + 3);
            }
            letter if is(letter, LETTER) => {
                if is(byte_at(text, at + 3), LETTER) {
                    named(scan, at, at + 1);
                }
                short(scan, at, letter);
            }
            _ => {}
        }
    }
}

/// The V of `ENV NAME value`.
fn environment(scan: &mut Scan<'_>, at: usize) {
    let text = scan.text;
    let name = at + 2;
    if byte_at(text, at + 1) != b' ' || part(text, at.saturating_sub(2), at) != b"EN" {
        return;
    }
    let end = run_end(part(text, 0, name + 60), name, W);
    if end > name
        && byte_at(text, end) == b' '
        && let Some(keyword) = keywords::at_end_of(text, end)
        && matches!(keyword.grade, Grade::Password | Grade::Key | Grade::Token)
    {
        assigned(scan, keyword, end, end + 1);
    }
}

/// The quote of `PASSWORD '...'` or `IDENTIFIED BY '...'`.
fn sql(scan: &mut Scan<'_>, quote: usize) {
    let text = scan.text;
    if byte_before(text, quote, 1) != b' ' {
        return;
    }
    let head = part(text, quote.saturating_sub(14), quote - 1);
    let ends = |words: &[u8]| {
        head.len()
            .checked_sub(words.len())
            .and_then(|from| head.get(from..))
            .is_some_and(|tail| tail.eq_ignore_ascii_case(words))
    };
    if !ends(b"password") && !ends(b"identified by") {
        return;
    }
    let value = part(text, quote + 1, quote + 200);
    // The string of a program or of JSON around the statement may end before the value does.
    let ends = |byte: &u8| matches!(byte, b'\'' | b'\n' | b'"' | b'\\');
    let Some(length) = value.iter().position(ends) else { return };
    let closed = value.get(length) == Some(&b'\'');
    let value = value.get(..length).unwrap_or_default();
    if closed && values::is_secret(value, Grade::Password, Written::Plain) {
        scan.add(quote + 1, quote + 1 + length, PASSWORD, Proof::Context);
    }
}

/// `--api-key VALUE`, `-storepass VALUE`: a flag whose name starts at `name` and, behind a space, its value.
fn named(scan: &mut Scan<'_>, at: usize, name: usize) {
    let text = scan.text;
    let end = run_end(part(text, 0, at + 60), name, W | DASH);
    if end <= name + 2 || byte_at(text, end) != b' ' || byte_at(text, end + 1) == b'-' {
        return;
    }
    if let Some(keyword) = keywords::at_end_of(text, end)
        && matches!(keyword.grade, Grade::Password | Grade::Key | Grade::Token)
    {
        assigned(scan, keyword, end, end + 1);
    }
}

/// `mysql -pVALUE`, `redis-cli -a VALUE`, `openssl -passin pass:VALUE`.
fn short(scan: &mut Scan<'_>, at: usize, letter: u8) {
    let text = scan.text;
    if part(text, at, at + 5) == b"-pass" {
        let colon = run_end(part(text, 0, at + 12), at + 5, LETTER) + 5;
        let end = run_end(part(text, 0, colon + 200), colon + 1, VALUE);
        if part(text, colon - 5, colon + 1) == b" pass:"
            && values::is_secret(part(text, colon + 1, end), Grade::Password, Written::Plain)
        {
            scan.add(colon + 1, end, PASSWORD, Proof::Context);
        }
        return;
    }
    let glued = byte_at(text, at + 2) != b' ';
    let mut options =
        LETTERS.iter().filter(|option| option.letter == letter && option.glued == glued).peekable();
    if options.peek().is_none() {
        return;
    }
    let command = command_before(text, at);
    if !options.any(|option| has_word(command, option.commands)) {
        return;
    }
    let mut start = at + if glued { 2 } else { 3 };
    let quote = byte_at(text, start);
    let quoted = matches!(quote, b'"' | b'\'');
    start += usize::from(quoted);
    let limit = part(text, 0, start + 200);
    let end = if quoted {
        start
            + part(limit, start, limit.len())
                .iter()
                .take_while(|&&byte| !matches!(byte, b'"' | b'\'' | b'\\' | b'\n'))
                .count()
    } else {
        run_end(limit, start, VALUE)
    };
    let value = part(text, start, end);
    // Ports and counts are what other commands put behind the same letters.
    let port = value.iter().all(|&byte| is(byte, D | DOT) || byte == b':');
    if !port
        && byte_at(value, 0) != b'-'
        && byte_at(value, 0) != b'/'
        && values::is_connection_password(value)
    {
        scan.add(start, end, PASSWORD, Proof::Context);
    }
}

/// The part of the line before an option, from the last command on.
fn command_before(text: &[u8], at: usize) -> &[u8] {
    let line = part(text, at.saturating_sub(LINE), at);
    let start =
        line.iter().rposition(|byte| matches!(byte, b'\n' | b'|' | b';' | b'&')).map_or(0, |end| end + 1);
    line.get(start..).unwrap_or_default()
}

/// The colon of `curl -u user:password`.
pub fn curl_user(scan: &mut Scan<'_>, colon: usize) {
    let text = scan.text;
    let mut at = run_start(text, colon, USER, 80);
    let user = part(text, at, colon);
    let (mut named, mut glued) = (false, false);
    // `--user=name:password` has its equals sign inside the run, `-uname:password` its option.
    if let Some(inline) = user.strip_prefix(b"--user=") {
        at = colon - inline.len();
    } else if let Some(name) = user.strip_prefix(b"-u").filter(|name| !name.is_empty()) {
        glued = true;
        named = has_word(command_before(text, at), &["curl"]);
        at = colon - name.len();
    }
    let quote = byte_before(text, at, 1);
    let quoted = matches!(quote, b'"' | b'\'');
    if quoted {
        at -= 1;
        while byte_before(text, at, 1) == b'\\' {
            at -= 1;
        }
    }
    while byte_before(text, at, 1) == b' ' && at > 0 {
        at -= 1;
    }
    if !glued && matches!(byte_before(text, at, 1), b'u' | b'U' | b'r' | b'=') {
        let before = part(text, at.saturating_sub(12), at);
        named = [&b" -u"[..], b" -U", b"--user", b"--proxy-user", b"--user="]
            .iter()
            .any(|flag| before.ends_with(flag));
    }
    if !named || at == colon {
        return;
    }
    let alphabet = if quoted { CONNECTION } else { VALUE };
    let mut end = run_end(part(text, 0, colon + 600), colon + 1, alphabet);
    if quoted {
        // The quote that opened the pair closes it; anything else may be part of the password.
        let limit = part(text, colon + 1, colon + 600);
        end = limit
            .iter()
            .position(|&byte| byte == quote || byte == b'\\' || byte == b'\n')
            .map_or(end, |stop| colon + 1 + stop);
    }
    let password = part(text, colon + 1, end);
    // `docker run -u 1000:1000`, `-u node:node`: a user and a group.
    let group = password.iter().all(u8::is_ascii_digit) && password.len() < 6
        || has_word(
            command_before(text, at),
            &["docker", "podman", "nerdctl", "kubectl", "compose", "chown", "sudo"],
        );
    if password.len() >= 3
        && !group
        && !values::is_reference(password)
        && !matches!(password.first(), Some(b'/' | b':'))
    {
        scan.add(colon + 1, end, URL_PASSWORD, Proof::Context);
    }
}
