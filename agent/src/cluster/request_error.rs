//! Errors of requests, with remedies.

use std::error::Error;
use std::io;
use std::time::Duration;

use http::StatusCode;
use serde::Deserialize;
use tokio::time::error::Elapsed;

use shared::text::shell;

/// Characters of a server's message; that of an admission webhook may fill a page.
const MESSAGE: usize = 10_000;

/// A failed request to an API server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RequestError {
    /// The API server returned an error.
    #[error("{}", .status.text())]
    Answered {
        /// The HTTP status.
        code: StatusCode,
        /// The server's message and details.
        status: Box<Status>,
        /// The pause that the server requests.
        retry_after: Option<Duration>,
    },
    /// No connection, so no request was sent.
    #[error("{0}")]
    NoConnection(String),
    /// The server's certificate is not trusted, so no request was sent.
    #[error("{0}")]
    Untrusted(String),
    /// The connection broke after the request may have been sent.
    #[error("the connection was lost: {0}")]
    Lost(String),
    /// No response in time.
    #[error("no answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// The credentials are not available, such as from a login tool.
    #[error("no credentials: {0}")]
    Credentials(String),
    /// The response violates the API.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    /// The response has more bytes than this; the rest was not read.
    #[error("the answer is longer than {} MiB", .0 >> 20)]
    TooLong(usize),
    /// No request was sent, since another writer may be active.
    #[error("{0}; no further changes are made in this cluster")]
    LeaseLost(String),
}

/// `meta/v1` Status, limited to the fields in use.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Status {
    message: String,
    reason: String,
    details: Details,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    /// The resource type, such as `namespaces`.
    kind: String,
    causes: Vec<Cause>,
}

/// One of a Status' causes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Cause {
    /// Such as `FieldManagerConflict`.
    pub(crate) reason: String,
    /// Message for display.
    pub(crate) message: String,
    /// The field, such as `.spec.replicas`.
    pub(crate) field: String,
}

impl Status {
    /// Parses the body of an error; a body that is not a Status becomes the message.
    pub(crate) fn read(code: StatusCode, body: &[u8]) -> Self {
        let mut status = serde_json::from_slice::<Self>(body)
            .ok()
            .filter(|status| !status.message.is_empty() || !status.reason.is_empty())
            .unwrap_or_else(|| Self {
                message: match String::from_utf8_lossy(body).trim() {
                    "" => code.to_string(),
                    text => text.chars().take(500).collect(),
                },
                ..Self::default()
            });
        if let Some((end, _)) = status.message.char_indices().nth(MESSAGE) {
            status.message.truncate(end);
            status.message.push('…');
        }
        status
    }

    fn text(&self) -> &str {
        if self.message.is_empty() {
            &self.reason
        } else {
            &self.message
        }
    }

    pub(crate) fn causes(&self) -> &[Cause] {
        &self.details.causes
    }
}

impl RequestError {
    /// Classifies an error of the HTTP client.
    pub(crate) fn of_client(error: &kube::Error) -> Self {
        let kube::Error::Service(inner) = error else {
            return match error {
                kube::Error::Auth(_) => Self::Credentials(innermost(error)),
                _ => Self::Lost(innermost(error)),
            };
        };
        match inner.downcast_ref::<hyper_util::client::legacy::Error>() {
            Some(client) if client.is_connect() => Self::of_connect(client),
            Some(client) => Self::Lost(innermost(client)),
            None => Self::Credentials(innermost(inner.as_ref())),
        }
    }

    fn of_connect(error: &(dyn Error + 'static)) -> Self {
        match find::<rustls::Error>(error) {
            Some(rustls::Error::InvalidCertificate(_)) => Self::Untrusted(innermost(error)),
            _ if find::<Elapsed>(error).is_some() => {
                Self::NoConnection("no connection in time".to_owned())
            }
            _ => Self::NoConnection(innermost(error)),
        }
    }

    /// The HTTP status, if the server answered.
    pub(crate) fn code(&self) -> Option<StatusCode> {
        match self {
            Self::Answered { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// Whether the object, or its kind, does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        self.code() == Some(StatusCode::NOT_FOUND)
    }

    /// Whether the namespace does not exist.
    pub(crate) fn is_missing_namespace(&self) -> bool {
        matches!(self, Self::Answered { status, .. }
            if self.is_not_found() && status.details.kind == "namespaces")
    }

    /// Whether the server refuses this object, rather than being unable to respond.
    pub(crate) fn is_refusal(&self) -> bool {
        self.code().is_some_and(|code| {
            code.is_client_error()
                && code != StatusCode::UNAUTHORIZED
                && code != StatusCode::TOO_MANY_REQUESTS
        })
    }

    /// Whether only this object is refused, so that requests for others may succeed.
    pub(crate) fn is_of_object(&self) -> bool {
        self.code().is_some_and(|code| {
            !matches!(
                code,
                StatusCode::UNAUTHORIZED
                    | StatusCode::TOO_MANY_REQUESTS
                    | StatusCode::SERVICE_UNAVAILABLE
            )
        })
    }

    /// Whether a retry may succeed a little later. All requests of fedmesh are retryable: an apply and a delete state
    /// the desired result.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Answered { code, .. } => {
                code.is_server_error() || *code == StatusCode::TOO_MANY_REQUESTS
            }
            // A restarting server refuses connections for a while.
            Self::Lost(_) | Self::NoConnection(_) => true,
            Self::Untrusted(_)
            | Self::Timeout(_)
            | Self::Credentials(_)
            | Self::Unreadable(_)
            | Self::TooLong(_)
            | Self::LeaseLost(_) => false,
        }
    }

    /// The pause that the server requests.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Answered { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The error with its context and a remedy; `doing` is a verb and a kind.
    pub(crate) fn in_context(&self, context: &str, doing: &str) -> String {
        let word = shell::word(context);
        match self {
            Self::Answered { code, .. } if *code == StatusCode::UNAUTHORIZED => format!(
                "context {context}: the cluster does not accept the credentials; log in again and \
                 try `kubectl --context {word} get namespaces`"
            ),
            Self::Answered { code, .. } if *code == StatusCode::FORBIDDEN => format!(
                "context {context}: not allowed to {doing}: {self}; ask for a role that allows it, \
                 which `fedmesh-agent access` prints, or use another context"
            ),
            Self::Untrusted(why) => format!(
                "context {context}: the server's certificate is not trusted: {why}; add the \
                 cluster's current certificate-authority to the kubeconfig"
            ),
            Self::NoConnection(_) | Self::Lost(_) | Self::Timeout(_) => format!(
                "context {context}: the cluster cannot be reached: {self}; check whether \
                 `kubectl --context {word} version` works"
            ),
            Self::Credentials(_) => format!(
                "context {context}: {self}; check whether `kubectl --context {word} version` works"
            ),
            Self::LeaseLost(_) => format!("context {context}: {self}"),
            Self::Answered { .. } | Self::Unreadable(_) | Self::TooLong(_) => {
                format!("context {context}: cannot {doing}: {self}")
            }
        }
    }
}

impl RequestError {
    /// [`in_context`](Self::in_context) for errors of credentials, permissions or the connection, and the server's
    /// message alone if it refuses the object; `doing` is a verb and a kind.
    pub(crate) fn of_object(&self, context: &str, doing: &str) -> String {
        match self {
            Self::Answered { code, .. }
                if *code != StatusCode::UNAUTHORIZED && *code != StatusCode::FORBIDDEN =>
            {
                self.to_string()
            }
            _ => self.in_context(context, doing),
        }
    }
}

/// The innermost error of a chain, which has the reason.
pub(crate) fn innermost(error: &(dyn Error + 'static)) -> String {
    chain(error).last().unwrap_or(error).to_string()
}

/// The first error of a type in a chain.
fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    chain(error).find_map(|one| one.downcast_ref())
}

/// An error and its sources. An I/O error does not return the error that it wraps as its source, but that one's source.
fn chain<'e>(error: &'e (dyn Error + 'static)) -> impl Iterator<Item = &'e (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| {
        match error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use super::{RequestError, Status};
    use http::StatusCode;

    fn answered(code: u16, body: &str) -> RequestError {
        let code = StatusCode::from_u16(code).expect("a status");
        RequestError::Answered {
            code,
            status: Box::new(Status::read(code, body.as_bytes())),
            retry_after: None,
        }
    }

    #[test]
    fn errors_have_the_servers_message() {
        for (code, body, text) in [
            (404, "404 page not found\n", "404 page not found"),
            (500, "", "500 Internal Server Error"),
            (
                409,
                r#"{"kind":"Status","message":"m","reason":"Conflict"}"#,
                "m",
            ),
            (400, "null", "null"),
        ] {
            assert_eq!(answered(code, body).to_string(), text);
        }
    }

    #[test]
    fn the_type_of_an_error_is_found_inside_io_errors() {
        let untrusted = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let wrapped = io::Error::other(io::Error::other(untrusted));
        let error = RequestError::of_connect(&wrapped);
        assert!(matches!(error, RequestError::Untrusted(_)), "{error:?}");
        assert!(error.to_string().contains("UnknownIssuer"), "{error}");
        assert!(!error.is_passing());
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let error = RequestError::of_connect(&refused);
        assert!(matches!(error, RequestError::NoConnection(_)), "{error:?}");
        assert!(error.is_passing());
    }

    #[tokio::test]
    async fn an_elapsed_deadline_is_in_our_words() {
        let never = tokio::time::timeout(Duration::ZERO, std::future::pending::<()>());
        let late = io::Error::new(io::ErrorKind::TimedOut, never.await.unwrap_err());
        let error = RequestError::of_connect(&late);
        assert_eq!(error.to_string(), "no connection in time");
    }

    #[test]
    fn a_missing_namespace_is_no_other_missing_object() {
        for (kind, expected) in [("namespaces", true), ("roles", false)] {
            let body = format!(
                r#"{{"message":"{kind} \"a\" not found","details":{{"name":"a","kind":"{kind}"}}}}"#
            );
            assert_eq!(answered(404, &body).is_missing_namespace(), expected);
        }
    }

    #[test]
    fn passing_errors() {
        for (code, passing) in [
            (429, true),
            (503, true),
            (500, true),
            (409, false),
            (401, false),
        ] {
            assert_eq!(answered(code, "").is_passing(), passing, "{code}");
        }
    }
}
