//! The agent's API, as typed calls. Every failure comes back as a [`Failure`] to be shown.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use shared::api::{ApplyRefused, Clusters, Session};
use shared::check::Finding;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, ReadableStreamDefaultReader, RequestInit, Response};

use crate::answers::{self, Read};
use crate::browser;
use crate::json;
use crate::review::Lines;

/// Why a call did not work, in words for the person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) hint: String,
    pub(crate) findings: Vec<Finding>,
    /// The HTTP status; 0 where there was no answer.
    pub(crate) status: u16,
    /// Why an apply was refused that can be asked for again.
    pub(crate) reason: Option<ApplyRefused>,
}

/// Where an agent is and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Client {
    /// Such as `http://127.0.0.1:7777`.
    pub(crate) address: String,
    pub(crate) token: String,
}

impl Client {
    pub(crate) async fn session(&self) -> Result<Session, Failure> {
        self.get("session", answers::session).await
    }

    pub(crate) async fn clusters(&self) -> Result<Clusters, Failure> {
        self.get("clusters", answers::clusters).await
    }

    /// The events of a run from its first on, each handed to `take`, which says whether it was the
    /// last one to read.
    pub(crate) async fn events<T>(
        &self,
        path: &str,
        reader: fn(&Value) -> Read<T>,
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
                if take(read(&line, reader)?) {
                    // A stream that has ended cannot be cancelled, which is as good.
                    _ = JsFuture::from(events.cancel()).await;
                    return Ok(());
                }
            }
        }
    }

    async fn get<T>(&self, path: &str, reader: fn(&Value) -> Read<T>) -> Result<T, Failure> {
        read(&text(&self.send("GET", path, None).await?).await, reader)
    }

    pub(crate) async fn post<T>(
        &self,
        path: &str,
        body: &Value,
        reader: fn(&Value) -> Read<T>,
    ) -> Result<T, Failure> {
        let body = body.to_string();
        read(
            &text(&self.send("POST", path, Some(&body)).await?).await,
            reader,
        )
    }

    /// Sends something whose answer says nothing but that it was heard.
    pub(crate) async fn tell(&self, path: &str) -> Result<(), Failure> {
        self.send("POST", path, None).await.map(|_| ())
    }

    /// Sends a request and takes every answer but a good one for a failure.
    async fn send(
        &self,
        method: &str,
        path: &str,
        body: Option<&str>,
    ) -> Result<Response, Failure> {
        let url = format!("{}/api/v1/{path}", self.address.trim_end_matches('/'));
        let promise = self.start(method, &url, body).map_err(|error| Failure {
            message: format!(
                "the address {} cannot be asked: {}",
                self.address,
                browser::message(&error)
            ),
            hint: "write the agent's address as it prints it, such as http://127.0.0.1:7777"
                .to_owned(),
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
            message: format!("no agent answers at {}", self.address),
            hint: format!(
                "see that fedmesh-agent serve runs; from another origin it needs --allow-origin {}",
                browser::origin()
            ),
            ..Failure::default()
        }
    }

    fn cut_off(&self) -> Failure {
        Failure {
            message: format!(
                "the connection to the agent at {} was cut off",
                self.address
            ),
            hint: "see that fedmesh-agent serve still runs".to_owned(),
            ..Failure::default()
        }
    }
}

fn read<T>(text: &str, reader: fn(&Value) -> Read<T>) -> Result<T, Failure> {
    let value = json::value(text).map_err(|error| not_understood(&error))?;
    reader(&value).map_err(|error| not_understood(&error))
}

/// What an answer that is an error says.
async fn failure(response: Response) -> Failure {
    let text = text(&response).await;
    let status = response.status();
    match json::value(&text).and_then(|value| answers::error(&value)) {
        Ok(error) => Failure {
            message: error.message,
            hint: error.hint,
            findings: error.findings,
            status,
            reason: error.reason,
        },
        Err(_) => Failure {
            message: format!("the answer was {status} {}", response.status_text()),
            hint: "see that it is fedmesh-agent that answers there".to_owned(),
            status,
            ..Failure::default()
        },
    }
}

async fn text(response: &Response) -> String {
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
        message: format!("the agent's answer is not understood: {error}"),
        hint: "page and agent should be of one version; reload the page".to_owned(),
        ..Failure::default()
    }
}
