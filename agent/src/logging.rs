//! Logs on standard error.

use std::io::IsTerminal as _;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Starts logging at a level.
///
/// **Invariant**: other crates never log below a warning: what they say there (requests, headers,
/// kubeconfigs) is not ours to vouch for, and tokens must not get into logs. Above that they speak
/// only where details are asked for: their errors come back to us, and we tell them with a remedy.
pub(crate) fn start(level: LevelFilter) {
    let others = if level >= LevelFilter::DEBUG {
        LevelFilter::WARN
    } else {
        LevelFilter::OFF
    };
    let targets = Targets::new()
        .with_target(env!("CARGO_CRATE_NAME"), level)
        .with_default(others);
    let colours = std::io::stderr().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty());
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(colours)
        .with_target(false);
    // Fails only where a subscriber is there already, as in a test; then that one is used.
    _ = tracing_subscriber::registry()
        .with(targets)
        .with(lines)
        .try_init();
}
