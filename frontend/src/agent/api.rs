//! Typed calls of the agent's API. Every error is a [`Failure`] that the page shows.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::api::{ApiError, ApplyRefused, Clusters, Session};
use shared::check::Finding;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, ReadableStreamDefaultReader, RequestInit, Response};

use super::lines::Lines;
use crate::browser;
use crate::json;

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
        let response = self.send("GET", path, None).await?;
        let Some(body) = response.body() else {
            return Err(self.cut_off());
        };
        let events: ReadableStreamDefaultReader = body.get_reader().unchecked_into();
        let mut lines = Lines::default();
        loop {
            let piece = JsFuture::from(events.read())
                .await
                .map_err(|_| self.cut_off())?;
            if js_sys::Reflect::get(&piece, &"done".into()).is_ok_and(|done| done.is_truthy()) {
                return Err(self.cut_off());
            }
            let bytes = js_sys::Reflect::get(&piece, &"value".into()).unwrap_or_default();
            for line in lines.take(&js_sys::Uint8Array::new(&bytes).to_vec()) {
                if take(read(&line)?) {
                    // Cancelling fails only when the stream has ended.
                    _ = JsFuture::from(events.cancel()).await;
                    return Ok(());
                }
            }
        }
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        read(&text(&self.send("GET", path, None).await?).await)
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        let body = json::write(body);
        read(&text(&self.send("POST", path, Some(&body)).await?).await)
    }

    /// Sends a request whose response has no content.
    pub(crate) async fn emit(&self, path: &str) -> Result<(), Failure> {
        self.send("POST", path, None).await.map(|_| ())
    }

    /// Sends a request; a response without a status of success is an error.
    async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&str>,
    ) -> Result<Response, Failure> {
        let url = format!("{}/api/v1/{path}", self.address.trim_end_matches('/'));
        let promise = self.start(method, &url, body).map_err(|error| Failure {
            message: format!(
                "cannot send a request to {}: {}",
                self.address,
                browser::message(&error)
            ),
            hint: "use the address that the agent prints, such as http://127.0.0.1:7777".to_owned(),
            ..Failure::default()
        })?;
        let response = JsFuture::from(promise)
            .await
            .map_err(|_| self.unreachable())?;
        let response: Response = response.unchecked_into();
        if response.ok() {
            Ok(response)
        } else {
            Err(failure(response).await)
        }
    }

    fn start(
        &self,
        method: &str,
        url: &str,
        body: Option<&str>,
    ) -> Result<js_sys::Promise, JsValue> {
        let headers = Headers::new()?;
        headers.set("Authorization", &format!("Bearer {}", self.token))?;
        let init = RequestInit::new();
        init.set_method(method);
        if let Some(body) = body {
            headers.set("Content-Type", "application/json")?;
            init.set_body(&body.into());
        }
        init.set_headers(&headers);
        Ok(browser::window().fetch_with_str_and_init(url, &init))
    }

    fn unreachable(&self) -> Failure {
        Failure {
            message: format!("cannot connect to an agent at {}", self.address),
            hint: format!(
                "start fedmesh-agent serve; a page of another origin needs --allow-origin {}",
                browser::origin()
            ),
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

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    json::read(text).map_err(|error| not_understood(&error))
}

/// The error in a response.
async fn failure(response: Response) -> Failure {
    let text = text(&response).await;
    let status = response.status();
    match json::read::<ApiError>(&text) {
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

pub(crate) async fn text(response: &Response) -> String {
    let Ok(promise) = response.text() else {
        return String::new();
    };
    JsFuture::from(promise)
        .await
        .ok()
        .and_then(|text| text.as_string())
        .unwrap_or_default()
}

fn not_understood(error: &str) -> Failure {
    Failure {
        message: format!("invalid response from the agent: {error}"),
        hint: "reload the page; page and agent must have the same version".to_owned(),
        ..Failure::default()
    }
}
