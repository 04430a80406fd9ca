//! `serve`: serve the page and the API on this machine.

use clap::Args;

use super::Access;
use super::failure::{Exit, Failure};
use crate::http::{self, ListenAddress, Origin, ServeOptions};

/// Serve the page and its API on this machine.
///
/// Prints a link that contains the access token. Works without a kubeconfig; the page then has no access to clusters.
/// Ctrl-C stops the agent once running applies have ended and verifications have cleaned up: a drill restores the
/// replicas that it scaled down. A second Ctrl-C stops it at once.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent serve --open
  fedmesh-agent serve --listen 127.0.0.1:0                            use any free port
  fedmesh-agent serve --kubeconfig clusters.yaml
  fedmesh-agent serve --allow-origin https://mesh.example.org         allow a page that is hosted there")]
pub(super) struct Serve {
    /// Address to listen on; must be a loopback address.
    #[arg(long, value_name = "ADDRESS:PORT", default_value_t = ListenAddress::DEFAULT)]
    listen: ListenAddress,

    #[command(flatten)]
    access: Access,

    /// Allow the page at this origin (scheme://host[:port]) to use the API. Repeatable.
    #[arg(long = "allow-origin", value_name = "ORIGIN")]
    allow_origins: Vec<Origin>,

    /// Open the page in the browser.
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
