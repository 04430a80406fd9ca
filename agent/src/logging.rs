//! Logging to standard error.

use std::io::IsTerminal as _;
use std::time::Duration;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::printable::Guarded;

/// The log target of requests to clusters, which are logged with `--verbose` only.
const REQUESTS: &str = "requests";

/// Starts logging at a level. `verbose` is the number of `--verbose` flags: 1 logs requests to clusters, more raise the
/// level.
///
/// **Invariant**: other crates never log below warnings, since their messages (requests, headers, kubeconfigs) may
/// contain tokens. Their warnings are logged with debug output only, because their errors are returned and reported
/// with a hint.
pub(crate) fn start(level: LevelFilter, verbose: u8) {
    let level = level.max(match verbose {
        0 | 1 => LevelFilter::OFF,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    });
    let requests = if verbose > 0 || level >= LevelFilter::DEBUG {
        LevelFilter::INFO
    } else {
        LevelFilter::OFF
    };
    let others = if level >= LevelFilter::DEBUG {
        LevelFilter::WARN
    } else {
        LevelFilter::OFF
    };
    let targets = Targets::new()
        .with_target(env!("CARGO_CRATE_NAME"), level)
        .with_target(REQUESTS, requests)
        .with_default(others);
    let colours = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(|| Guarded::lines(std::io::stderr()))
        .with_ansi(colours)
        .with_target(false);
    // It fails only if a subscriber exists, as in a test; that one is used then.
    _ = tracing_subscriber::registry()
        .with(targets)
        .with(lines)
        .try_init();
}

/// Logs a request to a cluster and its outcome, but never headers, credentials or bodies.
pub(crate) fn request(context: &str, method: &str, path: &str, outcome: &str, took: Duration) {
    let took = took.as_millis();
    tracing::info!(target: REQUESTS, context, "{method} {path} {outcome} in {took} ms");
}
