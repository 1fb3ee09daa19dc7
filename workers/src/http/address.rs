//! Where a URL leads to, and whether that is a public place.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

const LONGEST: usize = 2_000;

/// A URL that may be called, as far as its text tells.
#[derive(Debug)]
pub struct Address {
    url: Url,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AddressError {
    #[error("is no URL")]
    NoUrl,
    #[error("is too long")]
    TooLong,
    #[error("must begin with https://")]
    Scheme,
    #[error("must name no user and no password")]
    Credentials,
    #[error("must lead to a public host")]
    NotPublic,
}

impl Address {
    /// A host's name is not looked up.
    pub fn parse(url: &str, allow_private: bool) -> Result<Address, AddressError> {
        if url.len() > LONGEST {
            return Err(AddressError::TooLong);
        }
        let url = Url::parse(url).map_err(|_| AddressError::NoUrl)?;
        if !(url.scheme() == "https" || allow_private && url.scheme() == "http") {
            return Err(AddressError::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(AddressError::NoUrl)?;
        // The parser has turned 0x7f.1 and 2130706433 into 127.0.0.1.
        let number = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
        if !allow_private && number.is_some_and(|address| !is_public(address)) {
            return Err(AddressError::NotPublic);
        }
        Ok(Address { url })
    }

    /// Scheme, host and port: what follows may be a secret.
    pub fn shown(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    pub(super) fn into_url(self) -> Url {
        self.url
    }
}

/// IANA's special-purpose addresses (RFC 6890 and its registry) and multicast; of the rest Azure's host of metadata. The others'
/// (169.254.169.254, 100.100.100.200, 192.0.0.192) lie in these.
const NOT_PUBLIC: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(168, 63, 129, 16), 32),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Global unicast is 2000::/3; what of it is no host: protocols (Teredo, ORCHID), documentation, 6to4.
const GLOBAL_UNICAST: (Ipv6Addr, u32) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
const NOT_PUBLIC_V6: [(Ipv6Addr, u32); 4] = [
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

/// Behind it a gateway finds the IPv4 address of the last four bytes (RFC 6052).
const NAT64: (Ipv6Addr, u32) = (Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);

pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => is_public_v4(mapped),
            None => is_public_v6(address),
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !NOT_PUBLIC.iter().any(|(net, bits)| (address.to_bits() ^ net.to_bits()) >> (32 - bits) == 0)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let is_in = |(net, bits): (Ipv6Addr, u32)| (address.to_bits() ^ net.to_bits()) >> (128 - bits) == 0;
    if is_in(NAT64) {
        let [.., a, b, c, d] = address.octets();
        return is_public_v4(Ipv4Addr::new(a, b, c, d));
    }
    is_in(GLOBAL_UNICAST) && !NOT_PUBLIC_V6.into_iter().any(is_in)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_public() {
        for (address, expected) in [
            ("8.8.8.8", true),
            ("1.1.1.1", true),
            ("172.15.0.1", true),
            ("172.32.0.1", true),
            ("100.63.255.255", true),
            ("100.128.0.0", true),
            ("223.255.255.255", true),
            ("0.0.0.0", false),
            ("10.0.0.1", false),
            ("100.64.0.1", false),
            ("100.100.100.200", false),
            ("127.0.0.1", false),
            ("127.255.255.255", false),
            ("168.63.129.16", false),
            ("168.63.129.17", true),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("172.31.255.255", false),
            ("192.0.0.192", false),
            ("192.168.1.1", false),
            ("198.19.0.1", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("2606:4700:4700::1111", true),
            ("2a00:1450:4001::200e", true),
            ("::", false),
            ("::1", false),
            ("::7f00:1", false),
            ("::ffff:127.0.0.1", false),
            ("::ffff:169.254.169.254", false),
            ("::ffff:8.8.8.8", true),
            ("64:ff9b::8.8.8.8", true),
            ("64:ff9b::10.0.0.1", false),
            ("64:ff9b:1::1", false),
            ("100::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::", false),
            ("fc00::1", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("fec0::1", false),
            ("ff02::1", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn a_url_is_refused_for_what_its_text_says() {
        for (url, expected) in [
            ("https://hooks.example.com/a", Ok("https://hooks.example.com")),
            ("https://hooks.example.com:8443/a?b=c", Ok("https://hooks.example.com:8443")),
            ("https://8.8.8.8/", Ok("https://8.8.8.8")),
            ("http://hooks.example.com/", Err(AddressError::Scheme)),
            ("file:///etc/passwd", Err(AddressError::Scheme)),
            ("gopher://example.com/", Err(AddressError::Scheme)),
            ("https://u:p@example.com/", Err(AddressError::Credentials)),
            ("https://127.0.0.1/", Err(AddressError::NotPublic)),
            ("https://2130706433/", Err(AddressError::NotPublic)),
            ("https://0x7f.1/", Err(AddressError::NotPublic)),
            ("https://0177.0.0.1/", Err(AddressError::NotPublic)),
            ("https://[::1]/", Err(AddressError::NotPublic)),
            ("https://[::ffff:10.0.0.1]/", Err(AddressError::NotPublic)),
            ("https://169.254.169.254/latest/meta-data", Err(AddressError::NotPublic)),
            ("https://", Err(AddressError::NoUrl)),
            ("nonsense", Err(AddressError::NoUrl)),
        ] {
            let shown = Address::parse(url, false).map(|address| address.shown());
            assert_eq!(shown, expected.map(str::to_owned), "{url}");
        }
        assert!(Address::parse("http://127.0.0.1:9/a", true).is_ok());
        let long = format!("https://example.com/{}", "a".repeat(LONGEST));
        assert_eq!(Address::parse(&long, false).err(), Some(AddressError::TooLong));
    }
}
