//! Ctrl-C, and the request to end that service managers send.

use std::io::Write as _;

use super::output;
use crate::signals::Signals;
use crate::stop::Stopper;

/// The first Ctrl-C, or a request to end, brings the run to its end; the second stops at once.
/// `then` says what happens until the end.
pub(super) async fn mind(stopper: Stopper, then: &str) {
    // Where they cannot be taken over, the system ends the program.
    let Ok(mut signals) = Signals::new() else {
        return;
    };
    signals.next().await;
    stopper.stop();
    _ = writeln!(
        output::stderr(),
        "\nstopping: {then}; press Ctrl-C again to stop at once"
    );
    signals.next().await;
    // As the shell has it for a program ended by SIGINT.
    std::process::exit(130);
}
