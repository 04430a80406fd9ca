//! `import`: create a document from existing manifests.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use shared::import::{Imported, Options, Source, import};

use super::failure::{Exit, Failure};
use super::input;
use super::output::{self, counted};

/// Create a Mesh document from existing manifests.
///
/// Reads Istio objects, the placement and override objects of an engine, and the output of Kustomize, and writes the
/// document that would render them to standard output. It reads nothing but the files. Fields that cannot be imported
/// and assumptions are reported on standard error with file, object and field; see docs/import.md.
///
/// An object belongs to the cluster that --cluster or a `# cluster: NAME` heading names, otherwise to the cluster of
/// its folder's name in DIR, otherwise to cluster1. With the objects of an engine, the clusters are those of its
/// placements and overrides.
///
/// Exit codes: 0 the document was written, with or without findings; 1 with --strict, errors or warnings were reported;
/// 2 no document was written: a file cannot be read, or the DNS suffix is unknown.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent import bundle/ > mesh.yaml                                   a folder for each cluster
  fedmesh-agent import --cluster east=e.yaml --cluster west=w/ > mesh.yaml   files of two clusters
  kustomize build . | fedmesh-agent import - --name shop                     one cluster, by Kustomize
  kubectl get gateways,virtualservices,serviceentries -A -o yaml | fedmesh-agent import -
  fedmesh-agent import manifests/ --strict | fedmesh-agent plan -f -         show what would change")]
pub(super) struct Import {
    /// Files, or folders with files (.yaml, .yml, .json); `-` reads standard input.
    #[arg(value_name = "FILE|DIR", required_unless_present = "cluster")]
    paths: Vec<PathBuf>,

    /// File or folder with the manifests of one cluster. Repeatable.
    #[arg(long, value_name = "NAME=FILE|DIR", value_parser = in_cluster)]
    cluster: Vec<InCluster>,

    /// Name of the mesh, if the manifests do not contain it.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,

    /// DNS suffix, if the manifests do not contain it or disagree.
    #[arg(long, value_name = "SUFFIX")]
    suffix: Option<String>,

    /// Exit with 1 if something could not be imported or had to be assumed.
    #[arg(long)]
    strict: bool,

    /// Output format.
    #[arg(short, long, alias = "format", value_enum, default_value_t = Form::Yaml, value_name = "FORMAT")]
    output: Form,
}

/// The output formats for a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For people, and for -f of every command.
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
            "write the name of the cluster and its file or folder, such as east=manifests/east"
                .into(),
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
        "see above for the differences"
    } else if imported.findings.is_empty() {
        "everything was imported"
    } else {
        "see above for the hints"
    };
    format!(
        "{} in {}; {lost}",
        counted(spec.services.len(), "service"),
        counted(spec.clusters.len(), "cluster"),
    )
}

/// The manifests in a file or folder; without `cluster`, its subfolders have the names of clusters.
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
