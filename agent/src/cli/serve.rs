//! `serve`: the page and the API, for this machine.

use clap::Args;

use super::Access;
use super::failure::{Exit, Failure};
use crate::http::{self, ListenAddress, Origin, ServeOptions};

/// Serve the page and its API to this machine.
///
/// Prints one link, with a token that only this link has. Works without any kubeconfig; the page
/// then knows no clusters. Ctrl-C stops the agent when applies that run have ended, and verifications
/// were brought to their end: a drill gives back what it took away. A second one stops it at once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent serve --open
  fedmesh-agent serve --listen 127.0.0.1:0                            on any free port
  fedmesh-agent serve --kubeconfig clusters.yaml
  fedmesh-agent serve --allow-origin https://mesh.example.org         for a page hosted there")]
pub(super) struct Serve {
    /// Where to listen; loopback addresses only.
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = ListenAddress::DEFAULT)]
    listen: ListenAddress,

    #[command(flatten)]
    access: Access,

    /// Let the page at this origin (scheme://host[:port]) use the API; may be given several times.
    #[arg(long = "allow-origin", value_name = "ORIGIN")]
    allow_origins: Vec<Origin>,

    /// Start the browser.
    #[arg(long)]
    open: bool,
}

impl Serve {
    pub(super) async fn run(self) -> Result<Exit, Failure> {
        let Self {
            listen,
            access,
            allow_origins,
            open,
        } = self;
        let operations = access.operations();
        http::serve(
            ServeOptions {
                listen,
                allow_origins,
                open,
            },
            operations,
        )
        .await?;
        Ok(Exit::Success)
    }
}
