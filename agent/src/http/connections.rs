//! Connections: how many there are at once, and how long they may say nothing.
//!
//! Everybody on the machine can connect, also without a token. So a connection that has never shown the token makes
//! room for a new one where there are too many: the oldest first, since whoever has a request sends it at once.

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

/// Connections at once: a browser has six to an origin, and a page of them is open in a few tabs.
const MOST: usize = 1024;
/// Descriptors that other work has: connections to clusters, kubeconfigs, login programs.
const OTHER_DESCRIPTORS: u64 = 512;
/// For the head of a request, and between two of them on one connection.
const HEAD: Duration = Duration::from_secs(15);
/// Largest head of a request, in bytes.
const LARGEST_HEAD: usize = 32 * 1024;
/// When no connection can be accepted, until the next try.
const PAUSE: Duration = Duration::from_millis(50);
/// Between two lines of the log about connections that were closed.
const LOG_EVERY: Duration = Duration::from_secs(10);

/// Answers requests until `stop` comes back and what has begun is answered.
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
                if of_connection.is_surplus {
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
            .keep_alive(!of_connection.is_surplus)
            .serve_connection(TokioIo::new(without_delay(stream)), answer);
        let connection = graceful.watch(connection);
        let open = Arc::clone(&open);
        tokio::spawn(async move {
            tokio::select! {
                // A client that goes away, or is too slow, is no fault of ours.
                _ = connection => {}
                () = of_connection.closed.notified() => {}
            }
            open.remove(of_connection.id);
        });
    }
    drop(listener);
    graceful.shutdown().await;
}

/// Answers are small, and must not wait for more of them.
fn without_delay(stream: TcpStream) -> TcpStream {
    // Without it, answers are only slower.
    _ = stream.set_nodelay(true);
    stream
}

/// As many as there are descriptors for.
fn allowed() -> usize {
    let limit = rlimit::increase_nofile_limit(MOST as u64 + OTHER_DESCRIPTORS);
    let limit = limit.unwrap_or_else(|error| {
        tracing::warn!("the limit of open files cannot be raised: {error}");
        MOST as u64
    });
    let allowed = usize::try_from(limit / 2).unwrap_or(MOST).min(MOST);
    if allowed < MOST {
        tracing::warn!(
            "{limit} files may be open (ulimit -n), so {allowed} connections are served at once"
        );
    }
    allowed
}

fn busy() -> Response {
    let message = "the agent has as many connections as it takes";
    let hint = "close some of the programs that use it, then try again";
    Refusal::busy(message, hint).into_response()
}

/// One connection, as its requests know it.
#[derive(Debug)]
pub(super) struct OfConnection {
    id: u64,
    has_token: AtomicBool,
    closed: Notify,
    /// It is beyond the limit, and its one request is answered with that.
    is_surplus: bool,
}

impl OfConnection {
    /// It has shown the token.
    pub(super) fn trust(&self) {
        self.has_token.store(true, Ordering::Relaxed);
    }
}

/// The connections that are open.
struct Open {
    most: usize,
    next: AtomicU64,
    /// In the order in which they came.
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

    /// Takes one more. Where there are too many, the oldest one without the token is closed.
    fn admit(&self) -> Arc<OfConnection> {
        let mut all = lock(&self.all);
        let is_full = all.len() >= self.most;
        let is_surplus = is_full && !self.close_one(&mut all);
        let connection = Arc::new(OfConnection {
            id: self.next.fetch_add(1, Ordering::Relaxed),
            has_token: AtomicBool::new(false),
            closed: Notify::new(),
            is_surplus,
        });
        all.insert(connection.id, Arc::clone(&connection));
        connection
    }

    /// Closes the oldest connection without the token; whether there was one.
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

    /// The system has no descriptor left, or the client is gone already.
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
        tracing::warn!("a connection cannot be accepted: {error}");
        self.close_one(&mut lock(&self.all));
        tokio::time::sleep(PAUSE).await;
    }
}

/// Nothing between lock and unlock leaves what is inside half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
