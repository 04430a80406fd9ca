//! Reachability, version and locality of clusters.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use http::StatusCode;
use serde::Deserialize;
use shared::api::Context;
use shared::defaults::{DEFAULT_GATEWAY_SERVICE, ISTIO_NAMESPACE};

use super::connection::{Connection, RetryPolicy};
use super::gateway::gateway;
use super::kubeconfig::Kubeconfig;
use super::list::List;
use super::request::Request;
use super::request_error::RequestError;

/// Deadline of everything about one context, including its login tool.
const DEADLINE: Duration = Duration::from_secs(8);
const REGION_LABEL: &str = "topology.kubernetes.io/region";
const ZONE_LABEL: &str = "topology.kubernetes.io/zone";

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
        zone: None,
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
    let (region, zone) = allowed(locality).map_err(|error| error.in_context(name, "list Node"))?;
    Ok(Context {
        version: version["gitVersion"].as_str().map(str::to_owned),
        region,
        zone,
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

#[derive(Deserialize)]
struct Labelled {
    metadata: Labels,
}

#[derive(Deserialize)]
struct Labels {
    #[serde(default)]
    labels: std::collections::BTreeMap<String, String>,
}

/// Region and zone of the nodes, each if all nodes agree.
async fn locality(
    connection: &Connection,
) -> Result<(Option<String>, Option<String>), RequestError> {
    let mut regions = BTreeSet::new();
    let mut zones = BTreeSet::new();
    let list = List {
        path: "/api/v1/nodes".to_owned(),
        label_selector: String::new(),
        metadata_only: true,
    };
    list.read(connection, |node| {
        let mut labels = serde_json::from_str::<Labelled>(node)?.metadata.labels;
        regions.extend(labels.remove(REGION_LABEL));
        zones.extend(labels.remove(ZONE_LABEL));
        Ok(())
    })
    .await?;
    Ok((only(regions), only(zones)))
}

fn only(mut values: BTreeSet<String>) -> Option<String> {
    if values.len() == 1 {
        values.pop_first()
    } else {
        None
    }
}
