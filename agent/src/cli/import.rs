//! `import`: the document that would produce manifests that exist.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use shared::import::{Imported, Options, Source, import};

use super::failure::{Exit, Failure};
use super::input;
use super::output::{self, counted};

/// Make a Mesh document from manifests that exist.
///
/// Reads Istio's objects, those by which an engine spreads them, and what Kustomize prints, and writes the
/// document that would produce them to standard output. Nothing outside the files is asked. What could not be carried
/// over, or had to be assumed, is told on standard error with file, object and field; see docs/import.md.
///
/// An object belongs to the cluster that --cluster or a `# cluster: NAME` heading names, else to the one
/// that its folder in DIR is named for, else to cluster1. Where an engine spreads objects, its placements and
/// overrides say which clusters there are.
///
/// Exit codes: 0 the document is written, whatever was told; 1 with --strict, something was told that is
/// more than a hint; 2 there is no document: a file cannot be read, or nothing says the DNS suffix.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent import bundle/ > mesh.yaml                                   a folder for each cluster
  fedmesh-agent import --cluster east=e.yaml --cluster west=w/ > mesh.yaml   files of two clusters
  kustomize build . | fedmesh-agent import - --name shop                     one cluster, by Kustomize
  kubectl get gateways,virtualservices,serviceentries -A -o yaml | fedmesh-agent import -
  fedmesh-agent import manifests/ --strict | fedmesh-agent plan -f -         see what would change")]
pub(super) struct Import {
    /// Files, or folders with them (.yaml, .yml, .json); `-` reads standard input.
    #[arg(value_name = "FILE|DIR", required_unless_present = "cluster")]
    paths: Vec<PathBuf>,

    /// Everything in this file or folder is this cluster's; may be repeated.
    #[arg(long, value_name = "NAME=FILE|DIR", value_parser = in_cluster)]
    cluster: Vec<InCluster>,

    /// The mesh's name, where the manifests have none.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// The DNS suffix, where the manifests do not say it or contradict each other.
    #[arg(long, value_name = "SUFFIX")]
    suffix: Option<String>,

    /// Exit with 1 where something could not be carried over or had to be assumed.
    #[arg(long)]
    strict: bool,

    /// The form of the document.
    #[arg(short, long, alias = "format", value_enum, default_value_t = Form::Yaml, value_name = "FORMAT")]
    output: Form,
}

/// The form of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people, and for every command's `-f`.
    Yaml,
    /// For programs.
    Json,
}

/// The manifests of one cluster.
#[derive(Debug, Clone)]
struct InCluster {
    name: String,
    path: PathBuf,
}

fn in_cluster(text: &str) -> Result<InCluster, String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => Ok(InCluster {
            name: name.to_owned(),
            path: path.into(),
        }),
        _ => Err(
            "write the cluster's name and its file or folder, such as east=manifests/east".into(),
        ),
    }
}

impl Import {
    pub(super) fn is_json(&self) -> bool {
        self.output == Form::Json
    }

    pub(super) fn run(self) -> Result<Exit, Failure> {
        let mut sources = Vec::new();
        for path in &self.paths {
            sources.extend(read(path, None)?);
        }
        for of_cluster in &self.cluster {
            sources.extend(read(&of_cluster.path, Some(&of_cluster.name))?);
        }
        let options = Options {
            name: self.name,
            suffix: self.suffix,
        };
        let imported = import(&sources, &options)?;
        output::findings(&mut output::stderr(), None, &imported.findings)?;
        output::warnings(None, &imported.checks)?;

        let mut stdout = output::data();
        match self.output {
            Form::Yaml => stdout.write_all(imported.mesh.to_yaml().as_bytes())?,
            Form::Json => output::json(&mut stdout, &imported.mesh)?,
        }
        writeln!(output::stderr(), "{}", summary(&imported))?;
        Ok(if self.strict && imported.is_incomplete() {
            Exit::Failed
        } else {
            Exit::Success
        })
    }
}

fn summary(imported: &Imported) -> String {
    let spec = &imported.mesh.spec;
    let lost = if imported.is_incomplete() {
        "see above for what is not as it was"
    } else {
        "nothing was lost"
    };
    format!(
        "{} in {}; {lost}",
        counted(spec.services.len(), "service"),
        counted(spec.clusters.len(), "cluster"),
    )
}

/// The manifests in a file or folder; without a cluster, the folders in it are named for clusters.
fn read(path: &Path, cluster: Option<&str>) -> Result<Vec<Source>, Failure> {
    let texts = input::manifests(path).map_err(Failure::Manifests)?;
    let sources = texts.into_iter().map(|(below, text)| {
        let mut source = Source::in_folder(&below, text);
        source.file = if below.is_empty() {
            input::name(path)
        } else {
            input::name(&path.join(&below))
        };
        if let Some(cluster) = cluster {
            source.cluster = Some(cluster.to_owned());
        }
        source
    });
    Ok(sources.collect())
}
