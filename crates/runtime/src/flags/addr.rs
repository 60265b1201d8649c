//! Listen addresses as Go writes them: `:8080`, `127.0.0.1:8080`, `localhost:8080`, `[::1]:8080`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Not an address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid listen address {text:?} in --{flag}: expected host:port or :port")]
pub struct InvalidAddr {
    /// The flag it came from, without dashes.
    pub flag: &'static str,
    /// What was written.
    pub text: String,
}

/// Reads a listen address; no host means all of them. Empty and `0` mean none, as in controller-runtime.
///
/// # Errors
/// When there is no port, or the host is neither an IP address nor `localhost`.
pub fn listen_addr(flag: &'static str, text: &str) -> Result<Option<SocketAddr>, InvalidAddr> {
    if text.is_empty() || text == "0" {
        return Ok(None);
    }
    let invalid = || InvalidAddr { flag, text: text.to_owned() };
    let (host, port) = text.rsplit_once(':').ok_or_else(invalid)?;
    let port: u16 = port.parse().map_err(|_| invalid())?;
    let ip = match host.trim_start_matches('[').trim_end_matches(']') {
        // Dual stack: an IPv6 wildcard socket takes IPv4 too; machines without IPv6 are handled where it is bound.
        "" => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        "localhost" => IpAddr::V4(Ipv4Addr::LOCALHOST),
        ip => ip.parse().map_err(|_| invalid())?,
    };
    Ok(Some(SocketAddr::new(ip, port)))
}

/// Whether only this machine can reach the address.
#[must_use]
pub fn is_loopback(addr: &SocketAddr) -> bool {
    addr.ip().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_addresses() {
        for (text, expected) in [
            (":8080", "[::]:8080"),
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("localhost:9", "127.0.0.1:9"),
            ("[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(listen_addr("x", text).unwrap().unwrap().to_string(), expected);
        }
        assert_eq!(listen_addr("x", ""), Ok(None));
        assert_eq!(listen_addr("x", "0"), Ok(None));
        assert!(listen_addr("x", "host").is_err() && listen_addr("x", ":99999").is_err());
    }
}
