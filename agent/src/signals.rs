//! Signals that stop the program: SIGINT (Ctrl-C), SIGTERM and SIGHUP (a closed terminal).

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A signal this soon after another is ignored, since timeout(1) and service managers signal the process and then its
/// group.
const SAME_REQUEST: Duration = Duration::from_millis(250);

/// The number of handlers.
static HANDLERS: AtomicUsize = AtomicUsize::new(0);

/// Whether a command handles the signals. Otherwise, they end the program.
pub(crate) fn are_handled() -> bool {
    HANDLERS.load(Ordering::Relaxed) > 0
}

/// The signals since its creation.
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    /// `None` if SIGHUP was ignored when the program was started, as `nohup` does.
    #[cfg(unix)]
    hang_up: Option<tokio::signal::unix::Signal>,
    last: Option<Instant>,
    _handler: Handler,
}

/// Counts as one of [`HANDLERS`] until it is dropped.
struct Handler;

impl Handler {
    fn new() -> Self {
        HANDLERS.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        HANDLERS.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Signals {
    /// Handles the signals from now on, instead of the default, which ends the program.
    ///
    /// # Errors
    /// The handlers cannot be installed.
    pub(crate) fn new() -> io::Result<Self> {
        #[cfg(unix)]
        use tokio::signal::unix::{SignalKind, signal};
        let signals = Self {
            #[cfg(unix)]
            terminate: signal(SignalKind::terminate())?,
            #[cfg(unix)]
            interrupt: signal(SignalKind::interrupt())?,
            #[cfg(unix)]
            hang_up: (!ignores_hang_up())
                .then(|| signal(SignalKind::hangup()))
                .transpose()?,
            last: None,
            _handler: Handler::new(),
        };
        Ok(signals)
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) {
        loop {
            self.received().await;
            let now = Instant::now();
            let last = self.last.replace(now);
            if last.is_none_or(|last| now - last >= SAME_REQUEST) {
                return;
            }
        }
    }

    #[cfg(unix)]
    async fn received(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            Some(()) = async { self.hang_up.as_mut()?.recv().await } => {}
        }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, reason = "there is one Ctrl-C for all")]
    async fn received(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Whether SIGHUP was ignored when the program was started.
#[cfg(unix)]
#[expect(
    unsafe_code,
    reason = "no crate reads the action of a signal without changing it"
)]
fn ignores_hang_up() -> bool {
    use std::mem::MaybeUninit;
    use std::sync::OnceLock;

    static IGNORES: OnceLock<bool> = OnceLock::new();
    *IGNORES.get_or_init(|| {
        let mut now = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: without a new action, sigaction(2) only writes the current one to `now`, which is large enough; on
        // failure, it stays zeroed, which is SIG_DFL.
        unsafe {
            libc::sigaction(libc::SIGHUP, std::ptr::null(), now.as_mut_ptr());
            now.assume_init().sa_sigaction == libc::SIG_IGN
        }
    })
}
