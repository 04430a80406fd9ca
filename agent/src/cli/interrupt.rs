//! Ctrl-C, and the request to end that service managers send.

use std::io::Write as _;

use super::output;
use crate::signals::Signals;
use crate::stop::Stopper;

/// The first Ctrl-C, or a request to end, brings the run to its end; the second stops at once.
/// `then` says what happens until the end.
pub(super) async fn mind(stopper: Stopper, then: &str) {
    let say = || {
        // There is nobody to tell where this cannot be written.
        _ = writeln!(output::stderr(), "\n{}", notice(then));
    };
    request_stop(stopper, say).await;
}

/// What is said after the first.
pub(super) fn notice(then: &str) -> String {
    format!("stopping: {then}; press Ctrl-C again to stop at once")
}

/// The same, with nothing said but by `say`.
pub(super) async fn request_stop(stopper: Stopper, say: impl FnOnce()) {
    // Where they cannot be taken over, the system ends the program.
    let Ok(mut signals) = Signals::new() else {
        return;
    };
    signals.next().await;
    stopper.stop();
    say();
    signals.next().await;
    end();
}

/// Ends the program at the first. Once they were taken over, the system does it no more.
pub(super) async fn end_at_once() {
    let Ok(mut signals) = Signals::new() else {
        return;
    };
    signals.next().await;
    end();
}

fn end() -> ! {
    crate::cluster::end_login_tools();
    // As the shell has it for a program ended by SIGINT.
    std::process::exit(130);
}
