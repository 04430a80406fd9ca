//! Runs a command in a container, as `kubectl exec` does (by WebSocket).

use std::time::Duration;

use http::StatusCode;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::AttachParams;
use kube::client::UpgradeConnectionError;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::connection::Connection;
use super::request_error::{RequestError, innermost};

/// No command of fedmesh prints more; further output is dropped.
const OUTPUT_LIMIT: u64 = 8 << 20;
/// Size of the pipes between the socket and the agent.
const PIPE: usize = 64 << 10;

/// The output of a command.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ran {
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
    /// Why the container runtime could not run it, or its exit status if it failed.
    pub(crate) failure: Option<String>,
}

/// The reason why a command did not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecError {
    /// RBAC does not allow it.
    #[error("not allowed to create pods/exec in namespace {0}")]
    Forbidden(String),
    /// The command did not end in time.
    #[error("the command did not end within {} s", .0.as_secs())]
    Timeout(Duration),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// Runs a command and waits until it ends.
pub(crate) async fn exec(
    connection: &Connection,
    namespace: &str,
    pod: &str,
    container: &str,
    command: &[String],
    deadline: Duration,
) -> Result<Ran, ExecError> {
    let pods: Api<Pod> = Api::namespaced(connection.client(), namespace);
    let parameters = AttachParams::default()
        .container(container)
        .stdin(false)
        .max_stdout_buf_size(PIPE)
        .max_stderr_buf_size(PIPE);
    let run = async {
        let mut process = pods
            .exec(pod, command, &parameters)
            .await
            .map_err(|error| failed(&error, namespace))?;
        let status = process.take_status();
        let (stdout, stderr) = tokio::join!(read(process.stdout()), read(process.stderr()));
        let status = match status {
            Some(status) => status.await,
            None => None,
        };
        let failure = status
            .filter(|status| status.status.as_deref() != Some("Success"))
            .map(|status| status.message.unwrap_or_default());
        Ok(Ran {
            stdout,
            stderr,
            failure,
        })
    };
    tokio::time::timeout(deadline, run)
        .await
        .unwrap_or(Err(ExecError::Timeout(deadline)))
}

async fn read(from: Option<impl AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(from) = from {
        // Output before an error is kept; the status reports the error.
        _ = from.take(OUTPUT_LIMIT).read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn failed(error: &kube::Error, namespace: &str) -> ExecError {
    let code = match error {
        kube::Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(code)) => Some(*code),
        kube::Error::Api(status) => StatusCode::from_u16(status.code).ok(),
        _ => None,
    };
    match code {
        Some(StatusCode::FORBIDDEN) => ExecError::Forbidden(namespace.to_owned()),
        Some(code) => ExecError::Failed(format!("the API server returned {code} for the exec")),
        None => match RequestError::of_client(error) {
            RequestError::Lost(_) => ExecError::Failed(innermost(error)),
            error => ExecError::Failed(error.to_string()),
        },
    }
}
