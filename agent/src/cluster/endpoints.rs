//! Ready endpoints of a Service.

use serde_json::Value;

use super::connection::Connection;
use super::list::List;
use super::request_error::RequestError;

/// The label of an EndpointSlice with the name of its Service.
pub(crate) const SERVICE_NAME_LABEL: &str = "kubernetes.io/service-name";
/// Group, version and kind of the slices.
pub(crate) const ENDPOINT_SLICES: (&str, &str, &str) = ("discovery.k8s.io", "v1", "EndpointSlice");

/// Number of ready endpoints of a Service; `None` if it has no slices. Both names must be DNS labels.
pub(crate) async fn ready_endpoints(
    connection: &Connection,
    namespace: &str,
    service: &str,
) -> Result<Option<usize>, RequestError> {
    let (group, version, _) = ENDPOINT_SLICES;
    let list = List {
        path: format!("/apis/{group}/{version}/namespaces/{namespace}/endpointslices"),
        label_selector: format!("{SERVICE_NAME_LABEL}={service}"),
        metadata_only: false,
    };
    let mut ready = None;
    list.read(connection, |slice| {
        let slice: Value = serde_json::from_str(slice)?;
        let endpoints = slice["endpoints"].as_array().into_iter().flatten();
        // A missing condition means ready (discovery/v1, EndpointConditions).
        let here = endpoints.filter(|endpoint| endpoint["conditions"]["ready"] != false);
        ready = Some(ready.unwrap_or(0) + here.count());
        Ok(())
    })
    .await?;
    Ok(ready)
}
