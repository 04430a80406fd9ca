//! `follow`: keep the DNS records up to date.

use std::time::Duration;

use clap::Args;
use k8s_openapi::jiff::Timestamp;
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::duration::duration;
use super::failure::{Exit, Failure};
use super::lock::Lock;
use super::output::{self, Format};
use super::{Access, Document, OutputFormat, input, interrupt};
use crate::follow::{self, FollowEvent, FollowOptions};
use crate::stop::Stop;

/// Keep the DNS records up to date when gateway addresses change.
///
/// Watches the gateways' Services and endpoints in all clusters. When an address changes, or a gateway has no ready
/// endpoint, it updates the records and changes nothing else. A cluster that cannot be reached keeps its last known
/// addresses. The document must be the one that was applied last. It runs until Ctrl-C or SIGTERM and prints each
/// change to standard output. Exit codes: 0 stopped (with --once: the records are up to date), 1 the records cannot be
/// updated or another document was applied, 2 wrong usage or an unreadable document.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent follow -f mesh.yaml
  fedmesh-agent follow -f mesh.yaml --once              update the records once, as in a cron job
  fedmesh-agent follow -f mesh.yaml -o json | jq -c 'select(.event == \"record\")'
  fedmesh-agent follow -f mesh.yaml --debounce 30s      for addresses that flap")]
pub(super) struct Follow {
    #[command(flatten)]
    document: Document,

    #[command(flatten)]
    access: Access,

    #[command(flatten)]
    lock: Lock,

    #[command(flatten)]
    output: OutputFormat,

    /// Time to wait for further changes after a change.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    debounce: Duration,

    /// Update the records once and exit.
    #[arg(long)]
    once: bool,
}

impl Follow {
    pub(super) fn is_json(&self) -> bool {
        self.output.format == Format::Json
    }

    pub(super) async fn run(self) -> Result<Exit, Failure> {
        let input = input::read(&self.document.path)?;
        let operations = self.access.operations();
        let options = FollowOptions {
            debounce: self.debounce,
            once: self.once,
            lock: self.lock.options(),
        };
        let (stopper, stop) = Stop::new();
        let interrupts = tokio::spawn(interrupt::mind(
            stopper,
            "requests in progress are completed",
        ));
        let (sender, events) = mpsc::unbounded_channel();
        let telling = tokio::spawn(tell(events, self.output.format));
        let result = follow::follow(&operations, &input.mesh, options, &stop, &sender).await;
        drop(sender);
        // The task ends with the sender and cannot fail.
        _ = telling.await;
        interrupts.abort();
        result.map_err(|error| input.failed(error))?;
        Ok(Exit::Success)
    }
}

/// Prints a line for each event. A closed standard output does not stop the updates.
async fn tell(mut events: UnboundedReceiver<FollowEvent>, format: Format) {
    while let Some(event) = events.recv().await {
        let mut stdout = output::stdout();
        _ = match format {
            Format::Text => output::follow::write(&mut stdout, Timestamp::now(), &event),
            Format::Json => output::follow::write_json(&mut stdout, Timestamp::now(), &event),
        };
    }
}
