//! Addresses and readiness of a cluster's gateway.

use std::net::IpAddr;

use http::StatusCode;
use serde_json::Value;
use shared::kubernetes::object::Kind;

use super::address::object_at;
use super::connection::Connection;
use super::endpoints::ready_endpoints;
use super::request::Request;
use super::request_error::RequestError;

/// The observed state of a gateway's Service.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Gateway {
    /// Addresses in its status.
    pub(crate) addresses: Vec<String>,
    /// Whether it has ready pods; `None` if unknown.
    pub(crate) is_ready: Option<bool>,
}

/// Reads a gateway's Service; `None` if it does not exist. Both names must be DNS labels.
pub(crate) async fn gateway(
    connection: &Connection,
    namespace: &str,
    service: &str,
) -> Result<Option<Gateway>, RequestError> {
    let request = Request::get(object_at(&Kind::SERVICE, Some(namespace), service));
    let (live, is_ready) = tokio::join!(
        connection.find(&request),
        is_ready(connection, namespace, service)
    );
    let Some(live) = live? else {
        return Ok(None);
    };
    let ingress = live["status"]["loadBalancer"]["ingress"].as_array();
    let address = |entry: &Value| {
        ["ip", "hostname"].iter().find_map(|field| {
            entry[field]
                .as_str()
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        })
    };
    Ok(Some(Gateway {
        addresses: ingress.into_iter().flatten().filter_map(address).collect(),
        is_ready: is_ready?,
    }))
}

/// The cluster IP of a Service; `None` if the Service does not exist or has none. Both names must be DNS labels.
pub(crate) async fn cluster_ip(
    connection: &Connection,
    namespace: &str,
    service: &str,
) -> Result<Option<IpAddr>, RequestError> {
    let request = Request::get(object_at(&Kind::SERVICE, Some(namespace), service));
    let live = connection.find(&request).await?;
    // A headless Service has the value `None`.
    let text = live
        .as_ref()
        .and_then(|live| live["spec"]["clusterIP"].as_str());
    Ok(text.and_then(|text| text.parse().ok()))
}

/// Whether any endpoint of a Service is ready. A Service without slices has no selector, so its backends are outside of
/// the cluster; without the permission to list slices, the result is unknown.
async fn is_ready(
    connection: &Connection,
    namespace: &str,
    service: &str,
) -> Result<Option<bool>, RequestError> {
    match ready_endpoints(connection, namespace, service).await {
        Ok(ready) => Ok(ready.map(|count| count > 0)),
        Err(error) if error.is_not_found() || error.code() == Some(StatusCode::FORBIDDEN) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
