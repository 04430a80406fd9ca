//! A signal to stop a run, which then cleans up in the clusters.

use tokio::sync::watch;

/// The receiving side; clones receive the same signal.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// The sending side.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

impl Stop {
    /// A pair of both sides. Dropping the stopper does not stop anything.
    pub fn new() -> (Stopper, Self) {
        let (sender, receiver) = watch::channel(false);
        (Stopper(sender), Self(receiver))
    }

    /// A signal that is never sent.
    pub fn never() -> Self {
        Self::new().1
    }

    /// Whether a stop was requested.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until a stop is requested.
    pub async fn requested(&self) {
        if self.0.clone().wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Stopper {
    /// Requests a stop.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}
