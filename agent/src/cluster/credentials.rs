//! From a context of the kubeconfig to a [`Connection`].

use std::net::IpAddr;
use std::time::Duration;

use kube::config::{self, Config};

use super::connection::{Connection, LOGIN_TAKES_LONG, Patience};
use super::kubeconfig::Kubeconfig;
use super::request_error::innermost;

/// Long enough for another continent and a tired VPN.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

impl Kubeconfig {
    /// A way to the cluster of a context; the error says what to do. Nothing is sent yet, but a
    /// login tool that the context names may run.
    pub(crate) async fn connect(
        &self,
        context: &str,
        patience: Patience,
    ) -> Result<Connection, String> {
        if !self.has(context) {
            let known: Vec<&str> = self.contexts().collect();
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            return Err(format!(
                "{} has no context {context}; it has {known}: set the cluster's `context`, or add \
                 it to the kubeconfig",
                self.files
            ));
        }
        let mut config = self.config(context).await.map_err(|error| {
            format!(
                "context {context}: its entry in {} cannot be used: {error}",
                self.files
            )
        })?;
        config.connect_timeout = Some(CONNECT_DEADLINE);
        // Retrying is ours: only we know what may be repeated and who waits.
        config.default_retry = false;
        if self.proxy_is_from_environment(context) && is_direct(&config) {
            config.proxy_url = None;
        }
        install_cryptography();
        // A login tool runs as a child process that is waited for. The client wants to be made
        // inside the runtime.
        let has_login_tool = config.auth_info.exec.is_some();
        let runtime = tokio::runtime::Handle::current();
        let made = tokio::task::spawn_blocking(move || {
            let _inside = runtime.enter();
            kube::Client::try_from(config)
        });
        let client = explained(context, has_login_tool, made)
            .await
            .map_err(|error| format!("context {context}: the login was broken off: {error}"))?
            .map_err(|error| {
                format!(
                    "context {context}: its credentials cannot be used: {}; see whether `kubectl \
                 --context {context} version` answers",
                    innermost(&error)
                )
            })?;
        let connection = Connection::new(context, client, patience);
        Ok(if has_login_tool {
            connection.with_login_tool()
        } else {
            connection
        })
    }

    async fn config(&self, context: &str) -> Result<Config, config::KubeconfigError> {
        let options = config::KubeConfigOptions {
            context: Some(context.to_owned()),
            ..Default::default()
        };
        Config::from_custom_kubeconfig(self.content.clone(), &options).await
    }

    fn proxy_is_from_environment(&self, context: &str) -> bool {
        let contexts = &self.content.contexts;
        let named = contexts.iter().find(|named| named.name == context);
        let cluster = named
            .and_then(|named| named.context.as_ref())
            .and_then(|context| {
                self.content
                    .clusters
                    .iter()
                    .find(|cluster| cluster.name == context.cluster)
            });
        cluster
            .and_then(|named| named.cluster.as_ref())
            .and_then(|cluster| cluster.proxy_url.as_deref())
            .is_none_or(str::is_empty)
    }
}

/// Waits for a login. A tool that takes long may wait for a person, in a browser say, so it is named.
async fn explained<T>(context: &str, has_login_tool: bool, login: impl Future<Output = T>) -> T {
    let mut login = std::pin::pin!(login);
    if has_login_tool {
        let soon = tokio::time::timeout(LOGIN_TAKES_LONG, &mut login);
        if let Ok(made) = soon.await {
            return made;
        }
        tracing::warn!("waiting for the login tool of context {context}");
    }
    login.await
}

/// Whether a proxy from the environment is not for this server, as kubectl sees it (Go's
/// `ProxyFromEnvironment`): loopback never is, nor what `NO_PROXY` names.
fn is_direct(config: &Config) -> bool {
    let host = config
        .cluster_url
        .host()
        .unwrap_or_default()
        .trim_matches(['[', ']']);
    let is_loopback = host
        .parse::<IpAddr>()
        .is_ok_and(|address| address.is_loopback());
    let exempt = ["NO_PROXY", "no_proxy"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    is_loopback || host == "localhost" || exempt.is_some_and(|exempt| names_host(&exempt, host))
}

fn names_host(exempt: &str, host: &str) -> bool {
    exempt
        .split(',')
        .map(str::trim)
        .filter(|entry| !entry.is_empty())
        .any(|entry| {
            let domain = entry.trim_start_matches("*.").trim_start_matches('.');
            let is_below = host
                .strip_suffix(domain)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
            entry == "*" || is_below
        })
}

/// Says which cryptography to use, since other crates of a build may bring a second one.
fn install_cryptography() {
    // It fails where one is installed already, which is as good.
    let _installed = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod tests {
    use super::names_host;

    #[test]
    fn exemptions_from_the_proxy() {
        for (exempt, host, named) in [
            ("example.com", "api.example.com", true),
            (".example.com", "api.example.com", true),
            ("example.com", "badexample.com", false),
            ("10.0.0.1, *", "anything", true),
            ("", "anything", false),
        ] {
            assert_eq!(names_host(exempt, host), named, "{exempt} {host}");
        }
    }
}
