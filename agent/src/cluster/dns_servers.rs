//! The lookup of a cluster's DNS servers.

use futures::future::try_join_all;
use kube::api::ListParams;
use serde_json::Value;
use shared::cluster_dns::{Found, NAMESPACE, services};

use super::connection::Connection;
use super::request::Request;

/// Enough pods to tell: those of one Service run the same servers, but for a rollout.
const PODS: u32 = 20;

/// Finds the servers behind the Services that pods query, and the caches of nodes. The error names the context and says
/// what to do.
pub(super) async fn find(connection: &Connection) -> Result<Found, String> {
    let all = ListParams::default();
    let (listed, daemon_sets) = tokio::try_join!(
        list(connection, "/api/v1", "services", &all),
        list(connection, "/apis/apps/v1", "daemonsets", &all)
    )?;
    let with_pods = services(&listed).into_iter().map(|service| async {
        // An empty selector would select all pods.
        if service.selector.is_empty() {
            return Ok((service, Value::Null));
        }
        let params = ListParams::default().labels(&service.selector).limit(PODS);
        let pods = list(connection, "/api/v1", "pods", &params).await?;
        Ok::<_, String>((service, pods))
    });
    let with_pods = try_join_all(with_pods).await?;
    Ok(Found::new(&with_pods, &daemon_sets))
}

async fn list(
    connection: &Connection,
    version: &str,
    resource: &str,
    params: &ListParams,
) -> Result<Value, String> {
    let path = format!("{version}/namespaces/{NAMESPACE}/{resource}");
    let listed = connection.json(&Request::list(&path, params)).await;
    listed.map_err(|error| error.in_context(connection.context(), &format!("list {resource}")))
}
