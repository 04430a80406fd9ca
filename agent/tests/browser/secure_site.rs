//! A static host with TLS, as browsers require it for a service worker that is not on loopback alone; it can be stopped.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A folder below a path, on a port of its own.
pub(crate) struct SecureSite {
    folder: Arc<PathBuf>,
    tls: TlsAcceptor,
    address: SocketAddr,
    /// What runs while it can be reached.
    tasks: JoinSet<()>,
}

/// The path, so that the page's addresses have to be relative.
const PREFIX: &str = "/tools/fedmesh/";

impl SecureSite {
    pub(crate) async fn serve(folder: &Path) -> Self {
        let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        let mut site = Self {
            folder: Arc::new(folder.to_owned()),
            tls: Arc::new(config).into(),
            address: ([127, 0, 0, 1], 0).into(),
            tasks: JoinSet::new(),
        };
        site.start().await;
        site
    }

    pub(crate) fn url(&self) -> String {
        format!("https://{}{PREFIX}", self.address)
    }

    /// Refuses connections from now on.
    pub(crate) async fn stop(&mut self) {
        self.tasks.shutdown().await;
    }

    /// Accepts connections, on the port that it had before.
    pub(crate) async fn start(&mut self) {
        let tcp = TcpListener::bind(self.address).await.unwrap();
        self.address = tcp.local_addr().unwrap();
        let (shaken, accepted) = mpsc::channel(16);
        self.tasks.spawn(shake_hands(tcp, self.tls.clone(), shaken));
        let listener = Listener {
            accepted,
            address: self.address,
        };
        let router = Router::new().fallback(file).with_state(self.folder.clone());
        self.tasks
            .spawn(async move { axum::serve(listener, router).await.unwrap() });
    }
}

type Connection = (TlsStream<TcpStream>, SocketAddr);

/// Browsers open connections in advance and leave them; none of them keeps the others waiting.
async fn shake_hands(tcp: TcpListener, tls: TlsAcceptor, shaken: mpsc::Sender<Connection>) {
    let mut handshakes = JoinSet::new();
    loop {
        let (stream, address) = tcp.accept().await.unwrap();
        let (tls, shaken) = (tls.clone(), shaken.clone());
        handshakes.spawn(async move {
            if let Ok(stream) = tls.accept(stream).await {
                // The receiver is gone when the site was stopped meanwhile.
                _ = shaken.send((stream, address)).await;
            }
        });
    }
}

struct Listener {
    accepted: mpsc::Receiver<Connection>,
    address: SocketAddr,
}

impl axum::serve::Listener for Listener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> Connection {
        match self.accepted.recv().await {
            Some(connection) => connection,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

async fn file(State(folder): State<Arc<PathBuf>>, uri: Uri) -> Response {
    let name = match uri.path().strip_prefix(PREFIX) {
        Some("") => "index.html",
        Some(name) => name,
        None => return StatusCode::NOT_FOUND.into_response(),
    };
    let kind = match name.rsplit('.').next() {
        Some("html") => "text/html",
        Some("css") => "text/css",
        Some("js" | "mjs") => "text/javascript",
        Some("wasm") => "application/wasm",
        Some("svg") => "image/svg+xml",
        Some("webmanifest") => "application/manifest+json",
        _ => "text/plain",
    };
    match std::fs::read(folder.join(name)) {
        Ok(bytes) => {
            let headers = [
                (header::CONTENT_TYPE, kind),
                // A connection that stays open would outlive the site.
                (header::CONNECTION, "close"),
            ];
            (headers, bytes).into_response()
        }
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
