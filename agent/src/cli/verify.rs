//! `verify`: check an applied mesh with real traffic.

use std::io::{self, IsTerminal as _, Write as _};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use clap::{Args, ValueEnum};
use shared::api::VerifyEvent;
use shared::verify::{DrillTarget, Outcome, Report};
use tokio::sync::mpsc::{self, UnboundedReceiver};

use super::duration::duration;
use super::failure::{Exit, Failure};
use super::output::{self, counted};
use super::{Access, Document, input, interrupt, question};
use crate::operation::ObservedMesh;
use crate::stop::Stop;
use crate::verify::{self, ClientSelector, InterruptedDrill, VerifyOptions};

/// Check an applied mesh with real traffic.
///
/// Compares the objects in the clusters with the document; resolves every name at the zone's name servers, in every
/// cluster and from here; sends a request for every name to every gateway; and calls every service by every name from a
/// probe client in every cluster. A failed check is reported with its probable cause. In a cluster without a probe
/// client (the sample `sleep`, or --client), a short-lived Job is created and deleted. Exit codes: 0 all checks passed,
/// 1 a check failed, 2 a check could not be made.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent verify -f mesh.yaml
  fedmesh-agent verify -f mesh.yaml --wait 10m                 wait until all checks pass, as after an apply
  fedmesh-agent verify -f mesh.yaml -o junit > report.xml      for CI
  fedmesh-agent verify -f mesh.yaml -o markdown >> summary.md  for a pull request
  fedmesh-agent verify -f mesh.yaml --client sales/app=probe   send requests from a pod of your own with curl
  fedmesh-agent verify -f mesh.yaml --drill orders@north       take a service out of service and check the failover
  fedmesh-agent verify -f mesh.yaml --restore                  clean up after an interrupted drill")]
pub(super) struct Verify {
    #[command(flatten)]
    document: Document,

    #[command(flatten)]
    access: Access,

    /// Output format.
    #[arg(short, long, alias = "format", value_enum, default_value_t = ReportFormat::Text, value_name = "FORMAT")]
    output: ReportFormat,

    /// Timeout of each check, such as 500ms or 10s.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    timeout: Duration,

    /// Retry failed checks until they pass, for at most this time, such as 10m.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    wait: Option<Duration>,

    /// Send requests from a pod with these labels, whose first container has curl [default: the sample sleep,
    /// default/app=sleep].
    #[arg(long, value_name = "NAMESPACE/SELECTOR")]
    client: Option<ClientSelector>,

    /// Do not create a Job in clusters without a probe client.
    #[arg(long)]
    no_job: bool,

    /// Name server for the records, such as 10.0.0.53 or [2001:db8::53]:5353. Repeatable [default: those of the
    /// document, otherwise the zone's own].
    #[arg(long = "name-server", value_name = "ADDRESS[:PORT]", value_parser = name_server)]
    name_servers: Vec<SocketAddr>,

    /// Once all calls succeed, ask for confirmation, scale the Deployments of this service to zero in one cluster
    /// (default: the first that serves it), and check that calls fail over and return. The replicas are restored in any
    /// case.
    #[arg(long, value_name = "SERVICE[@CLUSTER]")]
    drill: Option<DrillTarget>,

    /// Do not ask for confirmation before a drill.
    #[arg(short, long, requires = "drill")]
    yes: bool,

    /// Only restore the replicas of an interrupted drill.
    #[arg(long, conflicts_with_all = ["drill", "wait"])]
    restore: bool,
}

/// The output formats for a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
    /// For CI: JUnit XML.
    Junit,
    /// For a pull request or a ticket.
    Markdown,
}

impl Verify {
    pub(super) fn is_json(&self) -> bool {
        self.output == ReportFormat::Json
    }

    pub(super) async fn run(self) -> Result<Exit, Failure> {
        if self.drill.is_some() && !self.yes {
            question::needs_terminal(
                "use --yes to confirm the drill, which takes a service out of service for a while",
            )?;
        }
        let input = input::read(&self.document.path)?;
        let operations = self.access.operations();
        let observed = operations
            .observe(&input.mesh)
            .await
            .map_err(|error| input.failed(Failure::Unchecked(error)))?;
        output::warnings(Some(&input.origin), &observed.findings)?;
        if self.restore {
            let left = verify::left_behind(&observed, &input.mesh).await;
            return give_back(&observed, &left).await;
        }
        if let Some(target) = &self.drill
            && !self.yes
        {
            ask(target)?;
        }
        let options = VerifyOptions {
            client: self.client.clone().unwrap_or_default(),
            no_job: self.no_job,
            name_servers: self.name_servers.clone(),
            timeout: self.timeout,
            wait: self.wait.unwrap_or_default(),
            drill: self.drill.clone(),
        };
        let (stopper, stop) = Stop::new();
        let interrupts = tokio::spawn(interrupt::mind(
            stopper,
            "changes in the clusters are undone",
        ));
        let (sender, events) = mpsc::unbounded_channel();
        let telling = tokio::spawn(tell(events));
        let report =
            verify::verify(&operations, &input.mesh, observed, &options, &stop, &sender).await;
        drop(sender);
        // The task ends with the sender and cannot fail.
        _ = telling.await;
        interrupts.abort();
        let report = report.map_err(|error| input.failed(Failure::Unchecked(error)))?;
        self.write(&report)?;
        Ok(match report.outcome() {
            Outcome::Passed => Exit::Success,
            Outcome::Failed => Exit::Failed,
            Outcome::CouldNotCheck => Exit::Usage,
        })
    }

    fn write(&self, report: &Report) -> io::Result<()> {
        let mut stdout = output::stdout();
        match self.output {
            ReportFormat::Text => output::verify::text::write(&mut stdout, report),
            ReportFormat::Json => output::json(&mut stdout, report),
            ReportFormat::Junit => output::verify::junit::write(&mut stdout, report),
            ReportFormat::Markdown => output::verify::markdown::write(&mut stdout, report),
        }
    }
}

async fn give_back(observed: &ObservedMesh, left: &[InterruptedDrill]) -> Result<Exit, Failure> {
    let mut stdout = output::stdout();
    let mut exit = Exit::Success;
    for left in left {
        match verify::restore(observed, left).await {
            Ok(()) => writeln!(stdout, "restored: {}", output::printable(&left.to_string()))?,
            Err(why) => {
                exit = Exit::Failed;
                let text = format!("{left}: {why}");
                writeln!(stdout, "not restored: {}", output::printable(&text))?;
            }
        }
    }
    if left.is_empty() {
        writeln!(stdout, "no drill left a Deployment without replicas")?;
    }
    Ok(exit)
}

fn ask(target: &DrillTarget) -> Result<(), Failure> {
    let place = match &target.cluster {
        Some(cluster) => format!("cluster {cluster}"),
        None => "the first cluster that serves it".to_owned(),
    };
    let question = format!(
        "Scale {} to zero in {place} until the failover is checked?",
        target.service
    );
    question::ask(&output::printable(&question))
}

/// Prints the progress on a terminal; a log contains only the report.
async fn tell(mut events: UnboundedReceiver<VerifyEvent>) {
    let looks = io::stderr().is_terminal();
    while let Some(event) = events.recv().await {
        if looks && let Some(words) = in_words(&event) {
            _ = writeln!(output::stderr(), "{}", output::printable(&words));
        }
    }
}

fn in_words(event: &VerifyEvent) -> Option<String> {
    match event {
        VerifyEvent::Round { checks, open } if *open > 0 => Some(format!(
            "{open} of {} not passing yet",
            counted(*checks, "check")
        )),
        VerifyEvent::Drill {
            service,
            cluster,
            step,
        } => Some(step.words(service, cluster)),
        _ => None,
    }
}

/// Parses an IP address with an optional port (default 53).
fn name_server(text: &str) -> Result<SocketAddr, String> {
    let address = text.parse::<IpAddr>();
    let address = address.map(|address| SocketAddr::new(address, 53));
    address
        .or_else(|_| text.parse())
        .map_err(|_| "use an IP address, or ADDRESS:PORT".to_owned())
}

#[cfg(test)]
mod tests {
    use super::name_server;

    #[test]
    fn name_servers_have_a_port() {
        for (text, address) in [
            ("10.0.0.53", "10.0.0.53:53"),
            ("10.0.0.53:5353", "10.0.0.53:5353"),
            ("2001:db8::53", "[2001:db8::53]:53"),
            ("[2001:db8::53]:5353", "[2001:db8::53]:5353"),
        ] {
            assert_eq!(name_server(text).unwrap().to_string(), address);
        }
        name_server("ns.example.org").unwrap_err();
    }
}
