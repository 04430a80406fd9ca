//! The pods of a gateway.

use kube::api::ListParams;
use serde_json::Value;
use shared::gateways::workload::{Labels, Selects, Workload};
use shared::kubernetes::object::Kind;

use super::address::object_at;
use super::connection::Connection;
use super::request::Request;
use super::request_error::RequestError;

/// Enough pods to tell: those of one Service have the same labels, but for a rollout.
const PODS: u32 = 20;

/// The selector of a gateway's Service, if the document's selects none of its pods. Pods are listed only if the Service
/// does not tell; without a Service or without pods there is nothing to compare.
pub(crate) async fn mismatch(
    connection: &Connection,
    workload: &Workload,
) -> Result<Option<Labels>, RequestError> {
    let namespace = workload.namespace.as_str();
    let service = object_at(&Kind::SERVICE, Some(namespace), workload.service.as_str());
    let Some(live) = connection.find(&Request::get(service)).await? else {
        return Ok(None);
    };
    let service = labels(&live["spec"]["selector"]);
    let selects = match workload.by_service(&service) {
        Selects::Unknown if !service.is_empty() => {
            workload.by_pods(&pods(connection, namespace, &service).await?)
        }
        selects => selects,
    };
    Ok((selects == Selects::None).then_some(service))
}

async fn pods(
    connection: &Connection,
    namespace: &str,
    selector: &Labels,
) -> Result<Vec<Labels>, RequestError> {
    let selector: Vec<String> = selector.iter().map(|(a, b)| format!("{a}={b}")).collect();
    let params = ListParams::default()
        .labels(&selector.join(","))
        .limit(PODS);
    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    let pods = connection.json(&Request::list(&pods, &params)).await?;
    let pods = pods["items"].as_array().into_iter().flatten();
    Ok(pods.map(|pod| labels(&pod["metadata"]["labels"])).collect())
}

fn labels(value: &Value) -> Labels {
    let pairs = value.as_object().into_iter().flatten();
    pairs
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}
