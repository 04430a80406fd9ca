//! The identity of the cluster behind a context.

use shared::kubernetes::object::Kind;

use super::address::object_at;
use super::connection::Connection;
use super::request::Request;
use super::request_error::RequestError;

/// The uid of the namespace `kube-system`, which is unique and constant for a cluster's lifetime (as OpenTelemetry's
/// `k8s.cluster.uid`); `None` if it is not visible.
pub(crate) async fn identity(connection: &Connection) -> Result<Option<String>, RequestError> {
    let request = Request::get(object_at(&Kind::NAMESPACE, None, "kube-system"));
    match connection.find(&request).await {
        Ok(found) => Ok(found
            .as_ref()
            .and_then(|namespace| namespace["metadata"]["uid"].as_str())
            .map(str::to_owned)),
        Err(error) if error.is_refusal() => Ok(None),
        Err(error) => Err(error),
    }
}
