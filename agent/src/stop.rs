//! A request to come to an end, so that nothing is left behind in a cluster.

use tokio::sync::watch;

/// Hears of it; clones hear of it too.
#[derive(Debug, Clone)]
pub struct Stop(watch::Receiver<bool>);

/// Says it.
#[derive(Debug)]
pub struct Stopper(watch::Sender<bool>);

impl Stop {
    /// A pair. Dropping the stopper without a word asks for nothing.
    pub fn new() -> (Stopper, Self) {
        let (sender, receiver) = watch::channel(false);
        (Stopper(sender), Self(receiver))
    }

    /// For what is never asked to end.
    pub fn never() -> Self {
        Self::new().1
    }

    /// Whether it was asked for.
    pub fn is_requested(&self) -> bool {
        *self.0.borrow()
    }

    /// Comes back when it was asked for, else never.
    pub async fn requested(&self) {
        if self.0.clone().wait_for(|stop| *stop).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Stopper {
    /// Asks for it.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}
