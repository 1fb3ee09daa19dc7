//! Where a public key may be used from: what a browser says as `Origin`, against a key's rules.

/// `scheme://host[:port]` as RFC 6454 writes an origin. The scheme's own port may be left out.
struct Origin<'o> {
    scheme: &'o str,
    host: &'o str,
    port: u16,
}

impl<'o> Origin<'o> {
    /// None: it is no origin, or one of a scheme without ports of its own.
    fn parse(text: &'o str) -> Option<Origin<'o>> {
        let (scheme, authority) = text.split_once("://")?;
        let default = match scheme {
            "https" => 443,
            "http" => 80,
            _ => return None,
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !authority.ends_with(']') => {
                (host, port.parse().ok().filter(|port| *port != 0)?)
            }
            _ => (authority, default),
        };
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
        ((1..=LONGEST_HOST).contains(&host.len()) && host.bytes().all(fits)).then_some(Origin {
            scheme,
            host,
            port,
        })
    }
}

/// Of a name in the DNS.
const LONGEST_HOST: usize = 253;

/// A rule in lower case without its `*.`, and whether it had one: then it is for the hosts below.
fn parts(rule: &str) -> (String, bool) {
    let rule = rule.to_ascii_lowercase();
    match rule.split_once("://*.") {
        Some((scheme, rest)) => (format!("{scheme}://{rest}"), true),
        None => (rule, false),
    }
}

/// Whether it is a rule: an origin, `scheme://*.host[:port]` for the subdomains of a host (not the host itself), or `null`.
pub fn is_rule(rule: &str) -> bool {
    rule == "null" || Origin::parse(&parts(rule).0).is_some()
}

/// Whether an origin meets one of the rules. `null`, which any page in a sandbox is, meets only the rule `null`.
pub fn allowed(origin: &str, rules: &[String]) -> bool {
    let origin = origin.to_ascii_lowercase();
    if origin == "null" {
        return rules.iter().any(|rule| rule == "null");
    }
    let Some(asked) = Origin::parse(&origin) else { return false };
    rules.iter().any(|rule| {
        let (rule, is_for_below) = parts(rule);
        let Some(rule) = Origin::parse(&rule) else { return false };
        let is_below =
            |host: &str| host.strip_suffix(rule.host).is_some_and(|sub| sub.len() > 1 && sub.ends_with('.'));
        let is_host = if is_for_below { is_below(asked.host) } else { asked.host == rule.host };
        is_host && asked.scheme == rule.scheme && asked.port == rule.port
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let cases = [
            ("https://app.example.com", "https://app.example.com", true),
            ("https://APP.example.com", "https://app.Example.com:443", true),
            ("http://app.example.com", "https://app.example.com", false),
            ("https://app.example.com:8443", "https://app.example.com", false),
            ("https://example.com", "https://app.example.com", false),
            ("https://evil-example.com", "https://example.com", false),
            ("https://example.com.evil.org", "https://example.com", false),
            ("https://example.com@evil.org", "https://example.com", false),
            ("http://localhost:3000", "http://localhost:3000", true),
            ("http://[::1]:3000", "http://[::1]:3000", true),
            ("https://a.b.example.com", "https://*.example.com", true),
            ("https://example.com", "https://*.example.com", false),
            ("https://evilexample.com", "https://*.example.com", false),
            ("https://.example.com", "https://*.example.com", false),
            ("null", "null", true),
            ("null", "https://*.example.com", false),
            ("https://null", "null", false),
            ("", "null", false),
            ("", "https://example.com", false),
        ];
        for (origin, rule, expected) in cases {
            assert!(is_rule(rule), "{rule}");
            assert_eq!(allowed(origin, &[rule.to_owned()]), expected, "{origin} under {rule}");
        }
        assert!(!allowed("https://example.com", &[]));
    }

    #[test]
    fn what_is_no_origin_is_no_rule() {
        for rule in [
            "",
            "*",
            "https://",
            "example.com",
            "https://*",
            "https://a/b",
            "https://a:0",
            "https://a:99999",
            "ftp://a",
            "https://*.*.a",
            "https://a b",
        ] {
            assert!(!is_rule(rule), "{rule}");
        }
        let host = |length: usize| format!("https://{}", "a".repeat(length));
        assert!(is_rule(&host(253)) && !is_rule(&host(254)), "as long as a name in the DNS");
    }
}
