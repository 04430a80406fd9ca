//! An HTTP client that sends finished requests and looks at nothing but the status.

use std::path::Path;
use std::pin::Pin;

use futures::stream::{self, StreamExt as _};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::ConfigExt as _;
use kube::config::{Config, KubeConfigOptions, Kubeconfig};

/// Of HTTP.
#[derive(Clone, Copy)]
pub(crate) enum Version {
    /// A connection for each request that is on its way.
    Http1,
    /// One connection.
    Http2,
}

type Inner = legacy::Client<hyper_rustls::HttpsConnector<HttpConnector>, Full<bytes::Bytes>>;

pub(crate) struct Client {
    inner: Inner,
    server: String,
    authorization: String,
}

impl Client {
    pub(crate) fn new(
        kubeconfig: &Path,
        context: &str,
        version: Version,
    ) -> Pin<Box<dyn Future<Output = Self> + Send>> {
        let kubeconfig = Kubeconfig::read_from(kubeconfig).unwrap();
        let user = format!("{context}-admin");
        let users = serde_json::to_value(&kubeconfig.auth_infos).unwrap();
        let users = users.as_array().unwrap();
        let user = users.iter().find(|one| one["name"] == user).unwrap();
        let authorization = format!("Bearer {}", user["user"]["token"].as_str().unwrap());
        let options = KubeConfigOptions {
            context: Some(context.to_owned()),
            ..KubeConfigOptions::default()
        };
        Box::pin(async move {
            let config = Config::from_custom_kubeconfig(kubeconfig, &options)
                .await
                .unwrap();
            let builder = hyper_rustls::HttpsConnectorBuilder::new()
                .with_tls_config(config.rustls_client_config().unwrap())
                .https_only();
            let connector = match version {
                Version::Http1 => builder.enable_http1().build(),
                Version::Http2 => builder.enable_http2().build(),
            };
            let mut client = legacy::Client::builder(TokioExecutor::new());
            client.http2_only(matches!(version, Version::Http2));
            let server = config
                .cluster_url
                .to_string()
                .trim_end_matches('/')
                .to_owned();
            Self {
                inner: client.build(connector),
                server,
                authorization,
            }
        })
    }

    /// Applies objects, given as path and JSON; how many there were.
    pub(crate) async fn apply_all(&self, bodies: Vec<(String, String)>, at_once: usize) -> usize {
        stream::iter(bodies)
            .map(|(path, body)| async move {
                let query = "fieldManager=bare&fieldValidation=Strict&force=true";
                let patch = http::Request::patch(format!("{}{path}?{query}", self.server))
                    .header("content-type", "application/apply-patch+yaml");
                let (status, answer) = self.send(patch, body).await;
                assert!(status.is_success(), "{path}: {status} {answer}");
            })
            .buffer_unordered(at_once)
            .count()
            .await
    }

    /// Deletes what is there of objects, given as path; how many were asked for.
    pub(crate) async fn delete_all(&self, paths: Vec<String>, at_once: usize) -> usize {
        stream::iter(paths)
            .map(|path| async move {
                let delete = http::Request::delete(format!("{}{path}", self.server));
                let (status, answer) = self.send(delete, String::new()).await;
                let gone = status == http::StatusCode::NOT_FOUND;
                assert!(status.is_success() || gone, "{path}: {status} {answer}");
            })
            .buffer_unordered(at_once)
            .count()
            .await
    }

    /// The status and the text of the answer.
    async fn send(
        &self,
        request: http::request::Builder,
        body: String,
    ) -> (http::StatusCode, String) {
        let request = request.header("authorization", &self.authorization);
        let request = request.body(Full::from(body)).unwrap();
        let response = self.inner.request(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }
}
