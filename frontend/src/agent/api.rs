//! Typed calls of the agent's API. Every error is a [`Failure`] that the page shows.

use std::io;

use futures::io::AsyncBufReadExt as _;
use futures::stream::{StreamExt as _, TryStreamExt as _};
use gloo::net::http::{Method, RequestBuilder, Response};
use js_sys::Uint8Array;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::api::{ApiError, ApplyRefused, Clusters, Session};
use shared::check::Finding;
use wasm_streams::ReadableStream;
use web_sys::RequestMode;

use crate::browser;

/// Why a call failed, as shown to the user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) hint: String,
    pub(crate) findings: Vec<Finding>,
    /// The HTTP status; 0 without a response.
    pub(crate) status: u16,
    /// Why an apply was refused, if it can be requested again.
    pub(crate) reason: Option<ApplyRefused>,
}

/// The address of an agent, and the token for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Client {
    /// Such as `http://127.0.0.1:7777`.
    pub(crate) address: String,
    pub(crate) token: String,
}

impl Client {
    pub(crate) async fn session(&self) -> Result<Session, Failure> {
        self.get("session").await
    }

    pub(crate) async fn clusters(&self) -> Result<Clusters, Failure> {
        self.get("clusters").await
    }

    /// Passes the events of a run to `take`, starting with the first, until `take` returns `true`.
    pub(crate) async fn events<T: DeserializeOwned>(
        &self,
        path: &str,
        mut take: impl FnMut(T) -> bool,
    ) -> Result<(), Failure> {
        let response = self.send(self.request(Method::GET, path).build()).await?;
        let Some(body) = response.body() else {
            return Err(self.cut_off());
        };
        let pieces = ReadableStream::from_raw(body).into_stream();
        // Dropping the stream cancels the request.
        let bytes = pieces.map(|piece| match piece {
            Ok(piece) => Ok(Uint8Array::new(&piece).to_vec()),
            Err(error) => Err(io::Error::other(browser::message(&error))),
        });
        let mut lines = bytes.into_async_read().lines();
        while let Some(line) = lines.next().await {
            let line = line.map_err(|_| self.cut_off())?;
            if !line.trim().is_empty() && take(read(&line)?) {
                return Ok(());
            }
        }
        Err(self.cut_off())
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        value(&self.send(self.request(Method::GET, path).build()).await?).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        value(
            &self
                .send(self.request(Method::POST, path).json(body))
                .await?,
        )
        .await
    }

    /// Sends a request whose response has no content.
    pub(crate) async fn emit(&self, path: &str) -> Result<(), Failure> {
        self.send(self.request(Method::POST, path).build())
            .await
            .map(|_| ())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/api/v1/{path}", self.address.trim_end_matches('/'));
        RequestBuilder::new(&url)
            .method(method)
            .header("Authorization", &format!("Bearer {}", self.token))
    }

    /// Sends a request; a response without a status of success is an error.
    async fn send(
        &self,
        request: Result<gloo::net::http::Request, gloo::net::Error>,
    ) -> Result<Response, Failure> {
        let request = request.map_err(|error| Failure {
            message: format!("cannot send a request to {}: {error}", self.address),
            hint: "use the address that the agent prints, such as http://127.0.0.1:7777".to_owned(),
            ..Failure::default()
        })?;
        let Ok(response) = request.send().await else {
            return Err(self.unreachable().await);
        };
        if response.ok() {
            Ok(response)
        } else {
            Err(failure(&response).await)
        }
    }

    /// Why there was no response: the browser says the same of an agent that is not there and of one that does not
    /// accept this page.
    async fn unreachable(&self) -> Failure {
        let origin = browser::origin();
        // The browser does not show the response to this page, but tells that there was one. Only a POST has the origin.
        let probe = RequestBuilder::new(&self.address)
            .method(Method::POST)
            .mode(RequestMode::NoCors);
        let (message, hint) = if origin != self.address && probe.send().await.is_ok() {
            (
                format!(
                    "the agent at {} does not accept pages of {origin}",
                    self.address
                ),
                format!(
                    "open the page that the agent serves, or start it with `fedmesh-agent serve --allow-origin {origin}`"
                ),
            )
        } else {
            (
                format!("no agent answers at {}", self.address),
                "start `fedmesh-agent serve`, and use the link that it prints".to_owned(),
            )
        };
        Failure {
            message,
            hint,
            ..Failure::default()
        }
    }

    fn cut_off(&self) -> Failure {
        Failure {
            message: format!("lost the connection to the agent at {}", self.address),
            hint: "check that fedmesh-agent serve is still running".to_owned(),
            ..Failure::default()
        }
    }
}

async fn value<T: DeserializeOwned>(response: &Response) -> Result<T, Failure> {
    read(&response.text().await.unwrap_or_default())
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    serde_json::from_str(text).map_err(|error| Failure {
        message: format!("invalid response from the agent: {error}"),
        hint: "reload the page; page and agent must have the same version".to_owned(),
        ..Failure::default()
    })
}

/// The error in a response.
async fn failure(response: &Response) -> Failure {
    let text = response.text().await.unwrap_or_default();
    let status = response.status();
    match serde_json::from_str::<ApiError>(&text) {
        Ok(error) => Failure {
            message: error.message,
            hint: error.hint,
            findings: error.findings,
            status,
            reason: error.reason,
        },
        Err(_) => Failure {
            message: format!("unexpected response: {status} {}", response.status_text()),
            hint: "check that this is the address of fedmesh-agent".to_owned(),
            status,
            ..Failure::default()
        },
    }
}
