//! JSON request bodies and error responses.

use std::error::Error;
use std::time::Duration;

use axum::Json;
use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::LengthLimitError;
use serde::de::DeserializeOwned;
use shared::api::{ApiError, ApplyRefused};
use shared::check::Finding;
use shared::mesh::Limits;

use crate::lock::LockError;
use crate::operation::PlanError;

/// Largest request body: a document with the other fields of a message.
pub(super) const MAX_BODY: usize = Limits::BYTES + 64 * 1024;

/// Timeout for a request body.
const BODY: Duration = Duration::from_secs(30);

/// An error response.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    error: ApiError,
}

impl Refusal {
    pub(super) fn new(
        status: StatusCode,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let error = ApiError {
            message: message.into(),
            hint: hint.into(),
            findings: Vec::new(),
            reason: None,
        };
        Self { status, error }
    }

    /// The error of an apply that changed nothing.
    pub(super) fn apply(
        reason: ApplyRefused,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let mut refusal = Self::new(StatusCode::CONFLICT, message, hint);
        refusal.error.reason = Some(reason);
        refusal
    }

    /// The error of a document with errors.
    pub(super) fn findings(findings: Vec<Finding>) -> Self {
        let mut refusal = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the document has errors",
            "fix the findings and send it again",
        );
        refusal.error.findings = findings;
        refusal
    }

    /// The error of an unknown path under `/api`.
    pub(super) fn no_such_path() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "unknown path",
            "use the API under /api/v1",
        )
    }

    /// The error of a request that may be retried soon, since others use the resource.
    pub(super) fn busy(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message, hint)
    }

    /// The error of a request whose handler panicked.
    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the agent failed during this request",
            "check the agent's log on its terminal, and report the error",
        )
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.error)).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<PlanError> for Refusal {
    fn from(error: PlanError) -> Self {
        let status = match error {
            PlanError::Findings(findings) => return Self::findings(findings),
            PlanError::NoName | PlanError::HandedOver(_) => StatusCode::UNPROCESSABLE_ENTITY,
            PlanError::Kubeconfig(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        let hint = error.hint();
        Self::new(status, error.to_string(), hint)
    }
}

impl From<LockError> for Refusal {
    fn from(error: LockError) -> Self {
        let status = match error {
            LockError::Kubeconfig(_) => StatusCode::SERVICE_UNAVAILABLE,
            LockError::NoName(_) => StatusCode::UNPROCESSABLE_ENTITY,
            LockError::Held { .. } => {
                return Self::apply(
                    ApplyRefused::Held,
                    format!("nothing was changed: {error}"),
                    "wait until that run has ended, then try again; the Lease of a run that died expires",
                );
            }
        };
        let hint = error.hint();
        Self::new(status, error.to_string(), hint)
    }
}

/// The error of a path that does not support the method.
pub(super) async fn method_not_allowed() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path does not support the request's method",
        "use a method in the response's Allow header",
    )
}

/// A JSON request body.
pub(super) struct Body<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        if !is_json(request.headers()) {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the Content-Type of the request is not `application/json`",
                "send `Content-Type: application/json`",
            ));
        }
        let read = axum::body::to_bytes(request.into_body(), MAX_BODY);
        let bytes = tokio::time::timeout(BODY, read)
            .await
            .map_err(|_| {
                Refusal::new(
                    StatusCode::REQUEST_TIMEOUT,
                    format!("the body did not arrive within {} seconds", BODY.as_secs()),
                    "send it again",
                )
            })?
            .map_err(|error| {
                if error
                    .source()
                    .is_some_and(<dyn Error>::is::<LengthLimitError>)
                {
                    Refusal::new(
                        StatusCode::PAYLOAD_TOO_LARGE,
                        format!("the body is too large (at most {MAX_BODY} bytes)"),
                        format!("send a Mesh document of at most {} bytes", Limits::BYTES),
                    )
                } else {
                    Refusal::new(
                        StatusCode::BAD_REQUEST,
                        "the body is incomplete",
                        "send it again",
                    )
                }
            })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            Refusal::new(
                StatusCode::BAD_REQUEST,
                format!("the body cannot be read: {error}"),
                "reload the page, or update the agent: their versions may differ",
            )
        })
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}
