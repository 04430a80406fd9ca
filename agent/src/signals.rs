//! Requests to end: Ctrl-C, what service managers send, and a terminal that is closed.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What comes so soon after a signal is the same request: timeout(1) and service managers send theirs to the
/// process and once more to its group.
const SAME_REQUEST: Duration = Duration::from_millis(250);

/// How many parts of the program handle requests to end.
static HANDLERS: AtomicUsize = AtomicUsize::new(0);

/// Whether a command handles requests to end. Where none does, they end the program.
pub(crate) fn are_handled() -> bool {
    HANDLERS.load(Ordering::Relaxed) > 0
}

/// Requests to end, from the moment it is made.
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    /// `None` where whoever started the program wants it to outlive the terminal, as `nohup` does.
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
    /// Takes them over from the system, which would end the program.
    ///
    /// # Errors
    /// The system does not let it.
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

    /// Waits for the next request.
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

/// Whether SIGHUP was ignored before anybody here asked for it.
#[cfg(unix)]
#[expect(
    unsafe_code,
    reason = "no crate tells how a signal is handled without changing it"
)]
fn ignores_hang_up() -> bool {
    use std::mem::MaybeUninit;
    use std::sync::OnceLock;

    static IGNORES: OnceLock<bool> = OnceLock::new();
    *IGNORES.get_or_init(|| {
        let mut now = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: without a new action, sigaction(2) only writes the present one to `now`, which is as large as it
        // has to be; a failure leaves it zeroed, which is SIG_DFL.
        unsafe {
            libc::sigaction(libc::SIGHUP, std::ptr::null(), now.as_mut_ptr());
            now.assume_init().sa_sigaction == libc::SIG_IGN
        }
    })
}
