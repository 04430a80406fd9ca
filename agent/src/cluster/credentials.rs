//! Creates a [`Connection`] from a context of the kubeconfig.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use http::header::AUTHORIZATION;
use kube::client::Body;
use kube::config::{self, AuthInfo, Config};
use tower::BoxError;

use super::authorization::Authorization;
use super::connection::{Connection, RetryPolicy};
use super::kubeconfig::Kubeconfig;
use super::login::{Certificate, Credential, LoginError, LoginTool};
use super::redacted;
use super::server_url::{check_proxy, server_url};
use shared::text::shell;

/// Long enough for another continent and a slow VPN.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

impl Kubeconfig {
    /// Connects to the cluster of a context; the error says what to do. No request is sent yet, but the context's login
    /// tool may run.
    pub(crate) async fn connect(
        &self,
        context: &str,
        retry_policy: RetryPolicy,
    ) -> Result<Connection, String> {
        if !self.has(context) {
            let known: Vec<&str> = self.contexts().collect();
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            return Err(format!(
                "{} has no context {context}; it has {known}; set the cluster's `context`, or add \
                 it to the kubeconfig",
                self.files
            ));
        }
        let mut config = self.config(context).await.map_err(|why| {
            format!(
                "context {context}: its entry in {} cannot be used: {why}",
                self.files
            )
        })?;
        config.connect_timeout = Some(CONNECT_DEADLINE);
        // [`Connection`] retries by itself, since it knows which requests are retryable.
        config.default_retry = false;
        let unusable = |why: String| {
            format!(
                "context {context}: its credentials cannot be used: {why}; check whether `kubectl \
                 --context {} version` works",
                shell::word(context)
            )
        };
        let authorization = Authorization::take(&mut config.auth_info)
            .await
            .map_err(|error| unusable(error.to_string()))?;
        if let Some(tool) = authorization.tool() {
            let credential = log_in(context, tool)
                .await
                .map_err(|error| unusable(error.to_string()))?;
            if let Some(certificate) = &credential.certificate {
                identify_by(&mut config.auth_info, certificate);
            }
        }
        let tool = authorization.tool().cloned();
        let client = client(config, authorization).await.map_err(unusable)?;
        let connection = Connection::new(context, client, retry_policy);
        Ok(match tool {
            Some(tool) => connection.with_login_tool(tool),
            None => connection,
        })
    }

    /// The client's configuration; the error quotes nothing of the entry but names.
    async fn config(&self, context: &str) -> Result<Config, String> {
        let mut entry = self.entry(context);
        let user = entry.auth_infos.first();
        let user = user.and_then(|named| named.auth_info.clone());
        let mut has_proxy = false;
        let cluster = entry.clusters.first_mut();
        if let Some(cluster) = cluster.and_then(|named| named.cluster.as_mut()) {
            let url = server_url(cluster, &user.unwrap_or_default())?;
            cluster.server = Some(url.to_string());
            has_proxy = cluster
                .proxy_url
                .as_ref()
                .is_some_and(|proxy| !proxy.is_empty());
        }
        let options = config::KubeConfigOptions {
            context: Some(context.to_owned()),
            ..Default::default()
        };
        let config = Config::from_custom_kubeconfig(entry, &options).await;
        let mut config = config.map_err(|error| redacted::of_kubeconfig(&error))?;
        if !has_proxy && is_direct(&config) {
            config.proxy_url = None;
        }
        config.proxy_url.as_ref().map_or(Ok(()), check_proxy)?;
        Ok(config)
    }

    /// The kubeconfig with one context only.
    fn entry(&self, context: &str) -> config::Kubeconfig {
        let all = &self.content;
        let named = all.contexts.iter().find(|named| named.name == context);
        let inner = named.and_then(|named| named.context.as_ref());
        let cluster = inner.map(|context| context.cluster.as_str());
        let user = inner.and_then(|context| context.user.as_deref());
        let clusters = all.clusters.iter();
        let users = all.auth_infos.iter();
        config::Kubeconfig {
            contexts: named.cloned().into_iter().collect(),
            clusters: clusters
                .filter(|named| Some(named.name.as_str()) == cluster)
                .take(1)
                .cloned()
                .collect(),
            auth_infos: users
                .filter(|named| Some(named.name.as_str()) == user)
                .take(1)
                .cloned()
                .collect(),
            ..config::Kubeconfig::default()
        }
    }
}

/// The credential of a login tool. One that takes long may wait for a person, in a browser say, so a warning names it.
async fn log_in(context: &str, tool: &Arc<LoginTool>) -> Result<Arc<Credential>, LoginError> {
    let is_published = AtomicBool::new(false);
    tool.credential(|_| {
        if !is_published.swap(true, Ordering::Relaxed) {
            tracing::warn!("{}", tool.awaited(context));
        }
    })
    .await
}

/// Replaces the certificate of the kubeconfig by that of a login tool.
fn identify_by(user: &mut AuthInfo, certificate: &Certificate) {
    user.client_certificate_data = Some(STANDARD.encode(&certificate.certificate));
    user.client_key_data = Some(STANDARD.encode(&certificate.key).into());
}

/// The system's trusted authorities, for clusters without their own. They are read once: reading them for each of a
/// thousand clusters would take half a minute.
fn system_roots() -> &'static [Vec<u8>] {
    static ROOTS: OnceLock<Vec<Vec<u8>>> = OnceLock::new();
    ROOTS.get_or_init(|| {
        let found = rustls_native_certs::load_native_certs();
        for error in found.errors {
            tracing::warn!("a certificate of the system cannot be read: {error}");
        }
        let certificates = found.certs.into_iter();
        certificates.map(|one| one.as_ref().to_vec()).collect()
    })
}

/// A client that adds the `Authorization` header. The error quotes no credential.
async fn client(mut config: Config, authorization: Authorization) -> Result<kube::Client, String> {
    install_cryptography();
    if config.root_cert.is_none() {
        config.root_cert = Some(system_roots().to_vec());
    }
    // It reads files, and must be created inside of the runtime.
    let runtime = tokio::runtime::Handle::current();
    let made = tokio::task::spawn_blocking(move || {
        let _inside = runtime.enter();
        kube::Client::try_from(config)
    });
    let client = match made.await {
        Ok(made) => made.map_err(|error| redacted::of_client(&error))?,
        Err(_) => return Err("they are not valid".to_owned()),
    };
    if matches!(authorization, Authorization::None) {
        return Ok(client);
    }
    let namespace = client.default_namespace().to_owned();
    let authorized = tower::service_fn(move |mut request: Request<Body>| {
        let (client, authorization) = (client.clone(), authorization.clone());
        async move {
            if !request.headers().contains_key(AUTHORIZATION)
                && let Some(header) = authorization.header().await?
            {
                request.headers_mut().insert(AUTHORIZATION, header);
            }
            Ok::<_, BoxError>(client.send(request).await?)
        }
    });
    Ok(kube::Client::new(authorized, namespace))
}

/// Whether a server is exempt from the environment's proxy, as in kubectl (Go's `ProxyFromEnvironment`): loopback
/// always is, and so are the hosts of `NO_PROXY`.
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

/// Selects the cryptography provider, since other crates of a build may add a second one.
fn install_cryptography() {
    // It fails if a provider is installed already, which is fine.
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
