//! Limits the number of connections and their idle time.
//!
//! Every user of the machine can connect without a token. If there are too many connections, the oldest one that never
//! sent the token is closed for a new one, since clients send their request at once.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tower::ServiceExt as _;

use super::answer::Refusal;

/// Most connections. A browser opens six per origin, and the page may be open in several tabs.
const MOST: usize = 1024;
/// File descriptors for other work: connections to clusters, kubeconfigs, login programs.
const OTHER_DESCRIPTORS: u64 = 512;
/// Timeout for the head of a request, and between two requests of a connection.
const HEAD: Duration = Duration::from_secs(15);
/// Largest head of a request, in bytes.
const LARGEST_HEAD: usize = 32 * 1024;
/// Delay after a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(50);
/// Shortest time between two log lines about closed connections.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Serves requests until `stop` completes, and completes the requests in progress.
pub(super) async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let open = Arc::new(Open::new(allowed()));
    let graceful = GracefulShutdown::new();
    let mut stop = pin!(stop);
    loop {
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    open.not_accepted(&error).await;
                    continue;
                }
            },
            () = &mut stop => break,
        };
        let (of_connection, router) = (open.admit(), router.clone());
        let served = Arc::clone(&of_connection);
        let answer = service_fn(move |mut request: Request<Incoming>| {
            let (of_connection, router) = (Arc::clone(&served), router.clone());
            async move {
                if of_connection.is_prune_candidate {
                    return Ok::<Response, Infallible>(busy());
                }
                request.extensions_mut().insert(of_connection);
                router.oneshot(request).await
            }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEAD)
            .max_buf_size(LARGEST_HEAD)
            .keep_alive(!of_connection.is_prune_candidate)
            .serve_connection(TokioIo::new(without_delay(stream)), answer);
        let connection = graceful.watch(connection);
        let open = Arc::clone(&open);
        tokio::spawn(async move {
            tokio::select! {
                // The client disconnected or was too slow.
                _ = connection => {}
                () = of_connection.closed.notified() => {}
            }
            open.remove(of_connection.id);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

/// Sets `TCP_NODELAY`, since responses are small.
fn without_delay(stream: TcpStream) -> TcpStream {
    // Without it, responses are only slower.
    _ = stream.set_nodelay(true);
    stream
}

/// The number of connections that the limit of file descriptors allows.
fn allowed() -> usize {
    let limit = rlimit::increase_nofile_limit(MOST as u64 + OTHER_DESCRIPTORS);
    let limit = limit.unwrap_or_else(|error| {
        tracing::warn!("cannot raise the limit of open files: {error}");
        MOST as u64
    });
    let allowed = usize::try_from(limit / 2).unwrap_or(MOST).min(MOST);
    if allowed < MOST {
        tracing::warn!(
            "the limit of open files is {limit} (ulimit -n), so at most {allowed} connections are served at once"
        );
    }
    allowed
}

fn busy() -> Response {
    let message = "the agent has too many connections";
    let hint = "close some programs that use it, then try again";
    Refusal::busy(message, hint).into_response()
}

/// The connection of a request.
#[derive(Debug)]
pub(super) struct OfConnection {
    id: u64,
    has_token: AtomicBool,
    closed: Notify,
    /// Whether the connection exceeds the limit, and its request gets an error response.
    is_prune_candidate: bool,
}

impl OfConnection {
    /// Marks the connection as authenticated by the token.
    pub(super) fn trust(&self) {
        self.has_token.store(true, Ordering::Relaxed);
    }
}

/// The open connections.
struct Open {
    most: usize,
    next: AtomicU64,
    /// Ordered by age.
    all: Mutex<BTreeMap<u64, Arc<OfConnection>>>,
    log: Mutex<Log>,
}

#[derive(Default)]
struct Log {
    last: Option<Instant>,
    closed: usize,
}

impl Open {
    fn new(most: usize) -> Self {
        Self {
            most,
            next: AtomicU64::new(0),
            all: Mutex::default(),
            log: Mutex::default(),
        }
    }

    /// Adds a connection. If there are too many, the oldest one without the token is closed.
    fn admit(&self) -> Arc<OfConnection> {
        let mut all = lock(&self.all);
        let is_full = all.len() >= self.most;
        let is_prune_candidate = is_full && !self.close_one(&mut all);
        let connection = Arc::new(OfConnection {
            id: self.next.fetch_add(1, Ordering::Relaxed),
            has_token: AtomicBool::new(false),
            closed: Notify::new(),
            is_prune_candidate,
        });
        all.insert(connection.id, Arc::clone(&connection));
        connection
    }

    /// Closes the oldest connection without the token. Returns whether there was one.
    fn close_one(&self, all: &mut BTreeMap<u64, Arc<OfConnection>>) -> bool {
        let mut connections = all.values();
        let oldest = connections.find(|one| !one.has_token.load(Ordering::Relaxed));
        let Some(oldest) = oldest.cloned() else {
            return false;
        };
        oldest.closed.notify_one();
        all.remove(&oldest.id);
        self.log_closed();
        true
    }

    fn log_closed(&self) {
        let mut log = lock(&self.log);
        log.closed += 1;
        if log.last.is_none_or(|last| last.elapsed() >= LOG_EVERY) {
            tracing::warn!(
                "{} connections are open, so {} without the token were closed, the oldest first",
                self.most,
                log.closed
            );
            *log = Log {
                last: Some(Instant::now()),
                closed: 0,
            };
        }
    }

    fn remove(&self, id: u64) {
        lock(&self.all).remove(&id);
    }

    /// Waits after a failure to accept: no file descriptor is left, or the client disconnected.
    async fn not_accepted(&self, error: &io::Error) {
        let is_gone = matches!(
            error.kind(),
            io::ErrorKind::ConnectionAborted
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionRefused
        );
        if is_gone {
            return;
        }
        tracing::warn!("cannot accept a connection: {error}");
        self.close_one(&mut lock(&self.all));
        tokio::time::sleep(PAUSE).await;
    }
}

/// Locks a mutex. A panic while it is held cannot leave the content inconsistent.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
