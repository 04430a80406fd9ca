//! `follow`: keep the records true while gateways change address.

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

/// Keep the DNS records true while gateways change address.
///
/// The gateways' Services and their endpoints are watched in all clusters; when an address changes,
/// or nothing is ready behind it, the records are written anew, and nothing else is. A cluster that
/// does not answer keeps the addresses that were last known. The document has to be the one that
/// was applied last. It runs until Ctrl-C or SIGTERM, and tells each change on standard output.
/// Exit codes: 0 stopped (with --once: the records are true), 1 the records cannot be kept or
/// another document was applied, 2 wrong usage or an unreadable document.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent follow -f mesh.yaml
  fedmesh-agent follow -f mesh.yaml --once              set the records right and end, as in a cron job
  fedmesh-agent follow -f mesh.yaml -o json | jq -c 'select(.event == \"record\")'
  fedmesh-agent follow -f mesh.yaml --debounce 30s      where addresses flap")]
pub(super) struct Follow {
    #[command(flatten)]
    document: Document,

    #[command(flatten)]
    access: Access,

    #[command(flatten)]
    lock: Lock,

    #[command(flatten)]
    output: OutputFormat,

    /// After a change, wait so long for more of them.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    debounce: Duration,

    /// Set the records right and end.
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
        let interrupts = tokio::spawn(interrupt::mind(stopper, "what has begun is finished"));
        let (sender, events) = mpsc::unbounded_channel();
        let telling = tokio::spawn(tell(events, self.output.format));
        let result = follow::follow(&operations, &input.mesh, options, &stop, &sender).await;
        drop(sender);
        // It ends with the sender and cannot fail.
        _ = telling.await;
        interrupts.abort();
        result.map_err(|error| input.failed(error))?;
        Ok(Exit::Success)
    }
}

/// A line for each event. A reader that has gone away does not stop the records.
async fn tell(mut events: UnboundedReceiver<FollowEvent>, format: Format) {
    while let Some(event) = events.recv().await {
        let mut stdout = output::stdout();
        _ = match format {
            Format::Text => output::follow::write(&mut stdout, Timestamp::now(), &event),
            Format::Json => output::follow::write_json(&mut stdout, Timestamp::now(), &event),
        };
    }
}
