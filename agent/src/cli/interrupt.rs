//! Ctrl-C, and the request to end that service managers send.

use std::io::Write as _;
use std::time::Duration;

use super::output;
use crate::stop::Stopper;

/// What comes so soon after a signal is the same request: timeout(1) and service managers send theirs to the
/// process and once more to its group.
const SAME_REQUEST: Duration = Duration::from_millis(250);

/// The first Ctrl-C, or a request to end, brings the run to its end; the second stops at once.
/// `then` says what happens until the end.
pub(super) async fn mind(stopper: Stopper, then: &str) {
    interrupted().await;
    stopper.stop();
    _ = writeln!(
        output::stderr(),
        "\nstopping: {then}; press Ctrl-C again to stop at once"
    );
    tokio::time::sleep(SAME_REQUEST).await;
    interrupted().await;
    // As the shell has it for a program ended by SIGINT.
    std::process::exit(130);
}

#[cfg(unix)]
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    match (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) {
        (Ok(mut interrupt), Ok(mut terminate)) => {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        }
        _ => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
