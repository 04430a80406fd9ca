//! A connection to one cluster's API server, with a retry policy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use kube::client::Body;
use serde_json::Value;

use super::lease::Lease;
use super::limit;
use super::live;
use super::login::{Credential, LoginTool};
use super::request::Request;
use super::request_error::{RequestError, Status};

/// The first pause before a retry; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause, even if the server requests more: a person is waiting.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// A connection to one cluster. Clones are cheap and share its HTTP connections.
#[derive(Clone)]
pub(crate) struct Connection {
    context: Arc<str>,
    client: kube::Client,
    retry_policy: RetryPolicy,
    guard: Guard,
    login: Option<Arc<LoginTool>>,
    on_wait: Option<OnWait>,
}

/// The check before each request that changes something.
#[derive(Clone)]
enum Guard {
    /// No check: the request changes no object of a mesh, or no other writer is known.
    None,
    /// The Lease must be held.
    Lease(Lease),
    /// The Lease is not held, for this reason.
    Closed(Arc<str>),
}

type OnWait = Arc<dyn Fn(Wait<'_>) + Send + Sync>;

/// The reason why a request takes long.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wait<'a> {
    /// A try failed; the next one follows after this pause.
    Retry(&'a RequestError, Duration),
    /// A login tool has run for this long; the text names the tool and the context.
    Login(Duration, &'a str),
}

/// A retry policy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryPolicy {
    /// Tries, including the first.
    tries: u32,
    /// Deadline of each try.
    deadline: Duration,
    /// Whether a refused connection is retried.
    reconnects: bool,
}

impl RetryPolicy {
    /// For a list of contexts: one that does not answer at once is shown as unreachable.
    pub(crate) const PROBE: Self = Self {
        tries: 1,
        deadline: Duration::from_secs(5),
        reconnects: false,
    };
    /// For a plan: it is safe to fail, and a person is waiting.
    pub(crate) const PLAN: Self = Self {
        tries: 3,
        deadline: Duration::from_secs(15),
        reconnects: false,
    };
    /// For an apply, which should not stop half-way: the pauses between five tries add up to 7 to 11 seconds, long
    /// enough for a server to restart, or to as long as the server requests.
    pub(crate) const APPLY: Self = Self {
        tries: 5,
        deadline: Duration::from_secs(30),
        reconnects: true,
    };
}

impl Connection {
    pub(crate) fn new(context: &str, client: kube::Client, retry_policy: RetryPolicy) -> Self {
        Self {
            context: context.into(),
            client,
            retry_policy,
            guard: Guard::None,
            login: None,
            on_wait: None,
        }
    }

    /// Allows changes only while the Lease is held; an error is the reason why it is not.
    pub(crate) fn guard(&mut self, lease: &Result<Lease, String>) {
        self.guard = match lease {
            Ok(lease) => Guard::Lease(lease.clone()),
            Err(why) => Guard::Closed(why.as_str().into()),
        };
    }

    /// The context in the kubeconfig.
    pub(crate) fn context(&self) -> &str {
        &self.context
    }

    /// The same connection with another retry policy.
    #[must_use]
    pub(crate) fn with_retry_policy(mut self, retry_policy: RetryPolicy) -> Self {
        self.retry_policy = retry_policy;
        self
    }

    /// The same connection with credentials from a login tool.
    #[must_use]
    pub(super) fn with_login_tool(mut self, tool: Arc<LoginTool>) -> Self {
        self.login = Some(tool);
        self
    }

    /// The same connection; it calls `on_wait` before each pause between two tries, and while a login tool takes long.
    #[must_use]
    pub(crate) fn reporting(mut self, on_wait: impl Fn(Wait<'_>) + Send + Sync + 'static) -> Self {
        self.on_wait = Some(Arc::new(on_wait));
        self
    }

    /// Sends a request until it has a final response or the retry policy ends.
    pub(crate) async fn send(&self, request: &Request) -> Result<Bytes, RequestError> {
        let mut pause = FIRST_PAUSE;
        let mut tries = 1;
        loop {
            if request.changes() {
                self.guard.ensure().await?;
            }
            let error = match self.send_once(request).await {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            let connects =
                self.retry_policy.reconnects || !matches!(error, RequestError::NoConnection(_));
            if tries >= self.retry_policy.tries || !error.is_passing() || !connects {
                return Err(error);
            }
            tracing::debug!(context = %self.context, %error, tries, "retrying");
            // Jitter, so that requests that failed together are not retried together.
            let wait = error.retry_after().unwrap_or(pause).min(LONGEST_PAUSE);
            let wait = wait.mul_f64(1.0 + fastrand::f64() / 2.0);
            if let Some(on_wait) = &self.on_wait {
                on_wait(Wait::Retry(&error, wait));
            }
            tokio::time::sleep(wait).await;
            pause *= 2;
            tries += 1;
        }
    }

    /// [`send`](Self::send), with a JSON body.
    pub(crate) async fn json(&self, request: &Request) -> Result<Value, RequestError> {
        let body = self.send(request).await?;
        live::read(&body).map_err(|error| RequestError::Unreadable(error.to_string()))
    }

    /// [`json`](Self::json); `None` if the object does not exist.
    pub(crate) async fn find(&self, request: &Request) -> Result<Option<Value>, RequestError> {
        match self.json(request).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The client, for requests with more than one response.
    pub(crate) fn client(&self) -> kube::Client {
        limit::limited(self.client.clone())
    }

    async fn send_once(&self, request: &Request) -> Result<Bytes, RequestError> {
        // A login may need a person, so the server's deadline does not apply to it.
        let credential = self.log_in().await?;
        let authorization = credential
            .as_ref()
            .and_then(|credential| credential.authorization.clone());
        let deadline = self.retry_policy.deadline;
        let begun = Instant::now();
        let answer = tokio::time::timeout(deadline, self.exchange(request, authorization))
            .await
            .unwrap_or(Err(RequestError::Timeout(deadline)));
        self.log(request, &answer, begun.elapsed());
        if let (Err(error), Some(tool), Some(credential)) = (&answer, &self.login, &credential)
            && error.code() == Some(StatusCode::UNAUTHORIZED)
        {
            tool.refused(credential);
        }
        Ok(answer?.1)
    }

    fn log(
        &self,
        request: &Request,
        answer: &Result<(StatusCode, Bytes), RequestError>,
        took: Duration,
    ) {
        let outcome = match answer {
            Ok((code, _)) | Err(RequestError::Answered { code, .. }) => code.as_str().to_owned(),
            Err(error) => format!("failed ({error})"),
        };
        let Ok(request) = &request.http else { return };
        let (method, path) = (request.method().as_str(), request.uri().to_string());
        crate::logging::request(&self.context, method, &path, &outcome, took);
    }

    /// The credential of the login tool, if the connection has one.
    async fn log_in(&self) -> Result<Option<Arc<Credential>>, RequestError> {
        let Some(tool) = &self.login else {
            return Ok(None);
        };
        let report = |waited| {
            if let Some(on_wait) = &self.on_wait {
                on_wait(Wait::Login(waited, &tool.awaited(&self.context)));
            }
        };
        let credential = tool.credential(report).await;
        credential
            .map(Some)
            .map_err(|error| RequestError::Credentials(error.to_string()))
    }

    async fn exchange(
        &self,
        request: &Request,
        authorization: Option<HeaderValue>,
    ) -> Result<(StatusCode, Bytes), RequestError> {
        let mut outgoing = match &request.http {
            Ok(request) => request.clone().map(Body::from),
            Err(error) => return Err(RequestError::Unreadable(error.to_string())),
        };
        if let Some(authorization) = authorization {
            outgoing.headers_mut().insert(AUTHORIZATION, authorization);
        }
        let response = self
            .client
            .send(outgoing)
            .await
            .map_err(|error| RequestError::of_client(&error))?;
        let (head, body) = response.into_parts();
        if head.status.is_success() {
            return Ok((head.status, limit::read(body, request.limit).await?));
        }
        let body = match limit::read(body, limit::ERROR).await {
            // The status code is enough.
            Err(RequestError::TooLong(_)) => Bytes::new(),
            read => read?,
        };
        Err(RequestError::Answered {
            code: head.status,
            status: Box::new(Status::read(head.status, &body)),
            retry_after: retry_after(&head.headers),
        })
    }
}

impl Guard {
    async fn ensure(&self) -> Result<(), RequestError> {
        match self {
            Self::None => Ok(()),
            Self::Lease(lease) => lease.ensure().await,
            Self::Closed(why) => Err(RequestError::LeaseLost(why.to_string())),
        }
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client holds credentials.
        f.debug_struct("Connection")
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

/// API servers send seconds, never a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .parse()
        .ok()
        .map(Duration::from_secs)
}

#[cfg(test)]
mod tests;
