//! The address of an API server, parsed as in kubectl.

use http::Uri;
use http::uri::{PathAndQuery, Scheme};
use kube::config::{AuthInfo, Cluster};

/// The URL of a cluster's server. One without a scheme gets `https` if the entry has any TLS setting, else `http`
/// (client-go, `rest/url_utils.go`, `DefaultServerURL` and `defaultServerUrlFor`). The error does not quote it, since
/// it may contain a password.
pub(super) fn server_url(cluster: &Cluster, user: &AuthInfo) -> Result<Uri, &'static str> {
    let server = cluster.server.as_deref().unwrap_or_default().trim();
    if server.is_empty() {
        return Err("its cluster has no server");
    }
    let uri = if server.contains("://") {
        server.parse()
    } else {
        let scheme = if says_tls(cluster, user) {
            "https"
        } else {
            "http"
        };
        format!("{scheme}://{server}").parse()
    };
    let uri: Uri = uri.map_err(|_| "server is not a URL or host:port")?;
    validate(&uri)?;
    Ok(uri)
}

/// Checks whether a proxy's URL is supported. The error does not quote it, since it may contain a password.
pub(super) fn check_proxy(proxy: &Uri) -> Result<(), &'static str> {
    match proxy.scheme_str() {
        Some("http" | "https" | "socks5") if has_port(proxy) => Ok(()),
        _ => Err("proxy-url is not a URL with http, https or socks5"),
    }
}

fn says_tls(cluster: &Cluster, user: &AuthInfo) -> bool {
    let is_set = |field: &Option<String>| field.as_ref().is_some_and(|text| !text.is_empty());
    is_set(&cluster.certificate_authority)
        || is_set(&cluster.certificate_authority_data)
        || is_set(&user.client_certificate)
        || is_set(&user.client_certificate_data)
        || cluster.insecure_skip_tls_verify == Some(true)
}

fn validate(uri: &Uri) -> Result<(), &'static str> {
    if !matches!(uri.scheme(), Some(scheme) if *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS)
    {
        return Err("the scheme of server is not http or https");
    }
    if uri.host().is_none_or(str::is_empty) || !has_port(uri) {
        return Err("server has no valid host and port");
    }
    if uri.path_and_query().and_then(PathAndQuery::query).is_some() {
        return Err("server has a query");
    }
    Ok(())
}

/// Whether the port is valid or missing.
fn has_port(uri: &Uri) -> bool {
    uri.authority().is_some_and(|authority| {
        let after_user = authority.as_str().rsplit('@').next().unwrap_or_default();
        let after_host = after_user.rsplit(']').next().unwrap_or_default();
        match after_host.rsplit_once(':') {
            Some((_, port)) => port.parse::<u16>().is_ok_and(|port| port > 0),
            None => true,
        }
    })
}

#[cfg(test)]
mod tests {
    use kube::config::{AuthInfo, Cluster};

    use super::{check_proxy, server_url};

    fn cluster(server: &str) -> Cluster {
        Cluster {
            server: Some(server.to_owned()),
            ..Cluster::default()
        }
    }

    #[test]
    fn servers_are_parsed_as_in_kubectl() {
        for (server, plain, with_tls) in [
            (
                "127.0.0.1:6443",
                "http://127.0.0.1:6443/",
                "https://127.0.0.1:6443/",
            ),
            ("[::1]:6443", "http://[::1]:6443/", "https://[::1]:6443/"),
            ("localhost", "http://localhost/", "https://localhost/"),
            ("https://[::1]", "https://[::1]/", "https://[::1]/"),
            (
                "https://rancher.example.org/k8s/c-1",
                "https://rancher.example.org/k8s/c-1",
                "https://rancher.example.org/k8s/c-1",
            ),
        ] {
            let user = AuthInfo::default();
            let url = server_url(&cluster(server), &user).unwrap();
            assert_eq!(url.to_string(), plain);
            let trusting = Cluster {
                certificate_authority_data: Some("eA==".to_owned()),
                ..cluster(server)
            };
            assert_eq!(server_url(&trusting, &user).unwrap().to_string(), with_tls);
            let with_key = AuthInfo {
                client_certificate: Some("file".to_owned()),
                ..AuthInfo::default()
            };
            let url = server_url(&cluster(server), &with_key).unwrap();
            assert_eq!(url.to_string(), with_tls);
        }
    }

    #[test]
    fn invalid_servers_are_not_quoted() {
        for server in [
            "",
            " ",
            "ftp://secret.example.org",
            "https://",
            "https://:6443",
            "https://secret.example.org:99999",
            "https://secret.example.org:port",
            "https://secret.example.org?secret=1",
            "https://secret example.org",
            "secret\nsecret",
            "/secret",
            "://secret",
        ] {
            let why = server_url(&cluster(server), &AuthInfo::default()).unwrap_err();
            assert!(!why.contains("secret"), "{server}: {why}");
        }
        assert!(server_url(&Cluster::default(), &AuthInfo::default()).is_err());
    }

    #[test]
    fn proxies() {
        for (proxy, good) in [
            ("http://user:secret@proxy.example.org:3128", true),
            ("socks5://127.0.0.1:1080", true),
            ("proxy.example.org:3128", false),
            ("ftp://proxy.example.org", false),
            ("/secret", false),
        ] {
            assert_eq!(
                check_proxy(&proxy.parse().unwrap()).is_ok(),
                good,
                "{proxy}"
            );
        }
    }
}
