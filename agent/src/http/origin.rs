//! Origins of pages (RFC 6454), as browsers send them.

use std::str::FromStr;

/// An origin such as `https://mesh.example.org` or `http://localhost:8080`, in the form that browsers send. It is
/// compared as text, and never parsed from a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(String);

/// A text that is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not an origin: {reason}\nhint: use scheme://host[:port], such as https://mesh.example.org"
)]
pub struct OriginError {
    text: String,
    reason: &'static str,
}

impl Origin {
    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match fault(text) {
            None => Ok(Self(text.to_owned())),
            Some(reason) => Err(OriginError {
                text: text.to_owned(),
                reason,
            }),
        }
    }
}

fn fault(text: &str) -> Option<&'static str> {
    let Some((scheme, authority)) = text.split_once("://") else {
        return Some("`://` is missing");
    };
    let default_port = match scheme {
        "https" => "443",
        "http" => "80",
        _ => return Some("its scheme is neither http nor https"),
    };
    if let Some(rest) = authority.strip_suffix('/')
        && !rest.contains('/')
    {
        return Some("it ends in a slash, which browsers do not send");
    }
    if authority.contains(['/', '?', '#', '@', '*']) {
        return Some("it contains more than a scheme, a host and a port");
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((address, "")) => (address, None),
            Some((address, port)) if port.starts_with(':') => (address, Some(&port[1..])),
            _ => return Some("its IPv6 address has no closing `]`"),
        },
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let is_ipv6 = authority.starts_with('[');
    if is_ipv6 {
        if host.parse::<std::net::Ipv6Addr>().is_err() {
            return Some("its IPv6 address is invalid");
        }
    } else if host.is_empty()
        || !host
            .bytes()
            .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_'))
    {
        return Some("its host is not a name in lower case");
    }
    match port {
        Some(port) if port == default_port => {
            Some("it contains the default port of its scheme, which browsers leave out")
        }
        Some(port)
            if port.starts_with('0') || port.starts_with('+') || port.parse::<u16>().is_err() =>
        {
            Some("its port is not a number from 1 to 65535")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_origins_as_browsers_send_them_are_accepted() {
        for good in [
            "https://mesh.example.org",
            "http://localhost:8080",
            "https://a.b:8443",
            "http://[::1]:3000",
        ] {
            assert_eq!(
                good.parse::<Origin>()
                    .map(|origin| origin.as_str().to_owned()),
                Ok(good.to_owned())
            );
        }
        for bad in [
            "",
            "*",
            "null",
            "mesh.example.org",
            "https://",
            "https://*",
            "https://*.example.org",
            "https://mesh.example.org/",
            "https://mesh.example.org/page",
            "https://mesh.example.org?x",
            "https://mesh.example.org#x",
            "https://user@mesh.example.org",
            "https://Mesh.example.org",
            "https://mesh.example.org:443",
            "http://mesh.example.org:80",
            "https://mesh.example.org:0",
            "https://mesh.example.org:+1",
            "https://mesh.example.org:99999",
            "https://mesh.example.org:",
            "https://mesh.example.org ",
            "http://[::1",
            "http://[x]:1",
            "file:///tmp",
            "ftp://mesh.example.org",
        ] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }
}
