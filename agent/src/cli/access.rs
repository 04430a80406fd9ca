//! `access`: print the ClusterRole that a command needs.

use std::io::Write as _;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::Value;
use shared::access::{self, Command, Needs};
use shared::yaml;

use super::failure::{Exit, Failure};
use super::output;
use super::{Document, input};
use crate::operation::{PlanError, engine_of, is_handed_over};

/// Print the ClusterRole that a command needs in each cluster.
///
/// The role grants what the command needs for this document and nothing else. Clusters with the same rules are printed
/// once. Where rules differ, as between the DNS cluster or hub and the others, use --cluster to print the role to
/// apply. Print it again when the document changes; keep the previous role until the change is applied, since it allows
/// pruning of kinds that are no longer in the document.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent access -f mesh.yaml                                              what `apply` needs
  fedmesh-agent access -f mesh.yaml --command verify -o json | jq '.[].clusterRole.rules'
  fedmesh-agent access -f mesh.yaml --cluster cluster1 | kubectl --context cluster1 apply -f -
  kubectl --context cluster1 create clusterrolebinding fedmesh-apply --clusterrole fedmesh-demo-apply --user ci")]
pub(super) struct Access {
    #[command(flatten)]
    document: Document,

    /// Command that the role allows.
    #[arg(long, value_parser = command(), default_value = Command::Apply.as_str())]
    command: Command,

    /// Print the role for this cluster only.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,

    /// Output format.
    #[arg(short, long, alias = "format", value_enum, default_value_t = AccessFormat::Yaml, value_name = "FORMAT")]
    output: AccessFormat,
}

/// The output formats for roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum AccessFormat {
    /// For kubectl.
    #[value(alias = "text")]
    Yaml,
    /// For programs: a list of the roles with the clusters that need each.
    Json,
}

/// A role, and the clusters that need it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Role {
    clusters: Vec<String>,
    cluster_role: Value,
}

impl Access {
    pub(super) fn is_json(&self) -> bool {
        self.output == AccessFormat::Json
    }

    pub(super) fn run(self) -> Result<Exit, Failure> {
        let input = input::read(&self.document.path)?;
        if is_handed_over(&input.mesh) && self.command.is_left_to_others() {
            return Err(input.failed(PlanError::HandedOver(engine_of(&input.mesh))));
        }
        let rendered = access::render(&input.mesh);
        let (resolved, desired) = rendered.map_err(|findings| input.has_errors(findings))?;
        let mut roles: Vec<Role> = Vec::new();
        for (index, cluster) in resolved.clusters.iter().enumerate() {
            let name = cluster.name.to_string();
            if self.cluster.as_ref().is_some_and(|only| *only != name) {
                continue;
            }
            let objects = desired.of(&name);
            let needs = Needs::new(&input.mesh, &resolved, &objects, index, self.command);
            let role = access::cluster_role(resolved.name.as_str(), self.command, &needs);
            let cluster_role = role.to_json();
            let mut known = roles.iter_mut();
            match known.find(|known| known.cluster_role == cluster_role) {
                Some(known) => known.clusters.push(name),
                None => roles.push(Role {
                    clusters: vec![name],
                    cluster_role,
                }),
            }
        }
        if roles.is_empty() {
            let known = resolved.clusters.iter().map(|one| one.name.as_str());
            return Err(Failure::Usage {
                message: format!(
                    "{}: unknown cluster {:?}; known clusters: {}",
                    input.name,
                    self.cluster.unwrap_or_default(),
                    known.collect::<Vec<_>>().join(", ")
                ),
                hint: "set --cluster to one of these names",
            });
        }
        self.write(&roles)?;
        Ok(Exit::Success)
    }

    fn write(&self, roles: &[Role]) -> Result<(), Failure> {
        let mut stdout = output::stdout();
        if self.is_json() {
            output::json(&mut stdout, &roles)?;
            return Ok(());
        }
        for (index, role) in roles.iter().enumerate() {
            if index > 0 {
                writeln!(stdout, "---")?;
            }
            let text = yaml::to_string(&role.cluster_role).map_err(std::io::Error::other)?;
            let clusters = role.clusters.join(", ");
            write!(stdout, "# for {}\n{text}", output::printable(&clusters))?;
        }
        if roles.len() > 1 {
            let hint = output::HINT;
            writeln!(
                output::stderr(),
                "{hint}hint:{hint:#} the clusters need different roles; use --cluster to print the one to apply"
            )?;
        }
        Ok(())
    }
}

fn command() -> impl clap::builder::TypedValueParser<Value = Command> {
    PossibleValuesParser::new(Command::ALL.map(Command::as_str)).map(|text| {
        let mut all = Command::ALL.into_iter();
        // The parser accepts only these values, so the default is never used.
        all.find(|command| command.as_str() == text)
            .unwrap_or(Command::Apply)
    })
}
