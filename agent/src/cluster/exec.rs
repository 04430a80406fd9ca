//! Running a command in a container, as `kubectl exec` does (by WebSocket).

use std::time::Duration;

use http::StatusCode;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::AttachParams;
use kube::client::UpgradeConnectionError;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::connection::Connection;
use super::request_error::{RequestError, innermost};

/// No command of ours writes more; what is beyond is left out.
const OUTPUT_LIMIT: u64 = 8 << 20;
/// The pipes between the socket and us.
const PIPE: usize = 64 << 10;

/// What a command wrote.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ran {
    /// Standard output.
    pub(crate) stdout: String,
    /// Standard error.
    pub(crate) stderr: String,
    /// Why the container runtime could not run it, or how it ended if not well.
    pub(crate) failure: Option<String>,
}

/// Why a command was not run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ExecError {
    /// The role does not allow it.
    #[error("not allowed to create pods/exec in namespace {0}")]
    Forbidden(String),
    /// No end in time.
    #[error("the command did not end within {} s", .0.as_secs())]
    Timeout(Duration),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// Runs a command and waits for its end.
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
        // What came before a break is kept; the status tells of it.
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
        Some(code) => ExecError::Failed(format!("the API server answers {code} to an exec")),
        None => match RequestError::of_client(error) {
            RequestError::Lost(_) => ExecError::Failed(innermost(error)),
            error => ExecError::Failed(error.to_string()),
        },
    }
}
