//! JSON in and out, and answers that are errors.

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

/// Largest body: a document and what goes with it.
pub(super) const MAX_BODY: usize = Limits::BYTES + 64 * 1024;

/// For a body to arrive: the largest one, from this machine.
const BODY: Duration = Duration::from_secs(30);

/// An answer that is an error.
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

    /// Nothing was changed, and an apply can be asked for again.
    pub(super) fn apply(
        reason: ApplyRefused,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let mut refusal = Self::new(StatusCode::CONFLICT, message, hint);
        refusal.error.reason = Some(reason);
        refusal
    }

    /// The document has errors.
    pub(super) fn findings(findings: Vec<Finding>) -> Self {
        let mut refusal = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "the document has errors",
            "mend what the findings name and send it again",
        );
        refusal.error.findings = findings;
        refusal
    }

    /// A path under `/api` that is nothing.
    pub(super) fn no_such_path() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "there is nothing at this path",
            "the API is under /api/v1",
        )
    }

    /// Others have what this needs; it may be tried again soon.
    pub(super) fn busy(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, message, hint)
    }

    /// Something in the agent broke.
    pub(super) fn internal() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the agent stopped in the middle of this request",
            "look at what the agent says on its terminal, and report it",
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
            PlanError::NoName | PlanError::HandedOver => StatusCode::UNPROCESSABLE_ENTITY,
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

/// For a path that is there, but not for this method.
pub(super) async fn method_not_allowed() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "this path does not take this method",
        "the Allow header of this answer names the methods that it takes",
    )
}

/// A body of JSON and nothing else.
pub(super) struct Body<T>(pub(super) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Self::Rejection> {
        if !is_json(request.headers()) {
            return Err(Refusal::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body is not said to be JSON",
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
                        format!("the body has more than {MAX_BODY} bytes"),
                        format!("a Mesh document has at most {} bytes", Limits::BYTES),
                    )
                } else {
                    Refusal::new(
                        StatusCode::BAD_REQUEST,
                        "the body did not arrive whole",
                        "send it again",
                    )
                }
            })?;
        serde_json::from_slice(&bytes).map(Self).map_err(|error| {
            Refusal::new(
                StatusCode::BAD_REQUEST,
                format!("the body cannot be read: {error}"),
                "page and agent may be of different versions; reload the page, or update the agent",
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
