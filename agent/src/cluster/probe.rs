//! Reachability, version and locality of clusters.

use std::time::Duration;

use futures::future::join_all;
use http::StatusCode;
use shared::api::Context;
use shared::defaults::{DEFAULT_GATEWAY_SERVICE, ISTIO_NAMESPACE};

use super::connection::RetryPolicy;
use super::gateway::gateway;
use super::kubeconfig::Kubeconfig;
use super::nodes::locality;
use super::request::Request;
use super::request_error::RequestError;

/// Deadline of everything about one context, including its login tool.
const DEADLINE: Duration = Duration::from_secs(8);

/// Probes all contexts at once.
pub(crate) async fn probe(kubeconfig: &Kubeconfig) -> Vec<Context> {
    join_all(kubeconfig.contexts().map(|name| async move {
        tokio::time::timeout(DEADLINE, probe_context(kubeconfig, name))
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", DEADLINE.as_secs())))
            .unwrap_or_else(|error| Context {
                error: Some(error),
                ..unknown(name)
            })
    }))
    .await
}

fn unknown(name: &str) -> Context {
    Context {
        name: name.to_owned(),
        error: None,
        version: None,
        region: None,
        zones: Vec::new(),
        gateway: None,
    }
}

async fn probe_context(kubeconfig: &Kubeconfig, name: &str) -> Result<Context, String> {
    let connection = kubeconfig.connect(name, RetryPolicy::PROBE).await?;
    let version = Request::get("/version");
    let (version, locality, gateway) = tokio::join!(
        connection.json(&version),
        locality(&connection),
        gateway(&connection, ISTIO_NAMESPACE, DEFAULT_GATEWAY_SERVICE),
    );
    let version = version.map_err(|error| error.in_context(name, "get the version"))?;
    let gateway = allowed(gateway).map_err(|error| error.in_context(name, "get Service"))?;
    let (region, zones) = allowed(locality).map_err(|error| error.in_context(name, "list Node"))?;
    Ok(Context {
        version: version["gitVersion"].as_str().map(str::to_owned),
        region,
        zones,
        gateway: gateway.map(|gateway| gateway.addresses),
        ..unknown(name)
    })
}

/// Treats a forbidden response as unknown.
fn allowed<T: Default>(answer: Result<T, RequestError>) -> Result<T, RequestError> {
    match answer {
        Err(error) if error.code() == Some(StatusCode::FORBIDDEN) => Ok(T::default()),
        answer => answer,
    }
}
