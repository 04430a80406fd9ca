//! Ctrl-C and SIGTERM.

use std::io::Write as _;

use super::output;
use crate::signals::Signals;
use crate::stop::Stopper;

/// Stops the run on the first signal, and ends the program on the second. `then` describes what happens until the
/// run ends.
pub(super) async fn mind(stopper: Stopper, then: &str) {
    let say = || {
        // No way is left to report a failed write.
        _ = writeln!(output::stderr(), "\n{}", notice(then));
    };
    request_stop(stopper, say).await;
}

/// The notice after the first signal.
pub(super) fn notice(then: &str) -> String {
    format!("stopping: {then}; press Ctrl-C again to stop at once")
}

/// The same as [`mind`], with a notice by `say`.
pub(super) async fn request_stop(stopper: Stopper, say: impl FnOnce()) {
    // If the signals cannot be handled, the system ends the program.
    let Ok(mut signals) = Signals::new() else {
        return;
    };
    signals.next().await;
    stopper.stop();
    say();
    signals.next().await;
    end();
}

/// Ends the program on the first signal, which the system no longer does once signals are handled.
pub(super) async fn end_at_once() {
    let Ok(mut signals) = Signals::new() else {
        return;
    };
    signals.next().await;
    end();
}

fn end() -> ! {
    crate::cluster::end_login_tools();
    // 128 + SIGINT, as shells report it.
    std::process::exit(130);
}
