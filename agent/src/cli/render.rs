//! `render`: the manifests of every cluster.

use std::convert::Infallible;
use std::io::{self, Write as _};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use shared::bundle::{Rendered, Texts};
use shared::check::check;
use shared::facts::Facts;
use shared::mesh;

use super::Document;
use super::failure::{Exit, Failure};
use super::input::{self, InputFile};
use super::output::{self, Target, counted, target};
use crate::operation::is_handed_over;
use crate::public_suffix;

/// Write the manifests for every cluster.
///
/// The same document gives the same bytes on every machine and in the browser. What is written
/// carries its document: a folder and a zip archive as mesh.yaml, the stream in comments. `-f` of
/// every command takes it back. Addresses of gateways come from the document alone; where it has
/// none, the DNS records that need them are left out and a warning says so.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent render -f mesh.yaml                                       one YAML stream
  fedmesh-agent render -f mesh.yaml --output bundle                       a folder for each cluster
  fedmesh-agent render -f mesh.yaml --output bundle.zip                   the same in a zip archive
  fedmesh-agent render -f mesh.yaml --target karmada                      for another engine
  fedmesh-agent render -f mesh.yaml --cluster cluster1 | kubectl --context cluster1 apply -f -")]
pub(super) struct Render {
    #[command(flatten)]
    document: Document,

    /// The engine that delivers the manifests, instead of the document's.
    #[arg(short, long, value_parser = engine())]
    target: Option<mesh::Target>,

    /// Print the manifests of this cluster only.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,

    /// `-` for standard output, a file that ends in .zip, or a folder.
    ///
    /// The folder is new, or empty, or an earlier bundle: then files that fedmesh made are replaced,
    /// and those that are no longer needed are removed. Any other file, and the document itself, is
    /// left alone, and nothing is written. mesh.yaml is written in one fixed form, without comments.
    #[arg(short, long, value_name = "-|DIR|FILE.zip", default_value = "-")]
    output: Target,
}

impl Render {
    pub(super) fn run(self) -> Result<Exit, Failure> {
        let input = input::read(&self.document.path)?;
        let mut mesh = input.mesh.clone();
        if self.target.is_some() {
            // Into the document, so that the bundle still proves itself.
            mesh.spec.target = self.target;
        }
        let mut checked = check(&mesh, &Facts::default());
        public_suffix::check(&mesh, &mut checked.findings);
        let Some(resolved) = checked.resolved else {
            return Err(input.has_errors(checked.findings));
        };
        output::warnings(Some(&input.origin), &checked.findings)?;
        if matches!(self.output, Target::Stream) && is_handed_over(&mesh) {
            return Err(Failure::Usage {
                message:
                    "with the engine gitops the manifests are a folder, which kustomize builds"
                        .to_owned(),
                hint: "give --output DIR, or FILE.zip; `kubectl kustomize DIR/clusters/NAME` prints one cluster's",
            });
        }
        let rendered = Rendered::new(&mesh, &resolved);
        let from = InputFile::of(&self.document.path);
        let (path, written) = match (self.cluster, &self.output) {
            (None, Target::Stream) => {
                stream(&rendered)?;
                return Ok(Exit::Success);
            }
            (Some(cluster), Target::Stream) => {
                let texts = texts(&rendered);
                let index = rendered.clusters().position(|known| known == cluster);
                let text = index.map(|index| texts.stream_of(index));
                let Some(text) = text.filter(|text| !text.is_empty()) else {
                    let known: Vec<&str> = rendered
                        .clusters()
                        .enumerate()
                        .filter(|(index, _)| !texts.stream_of(*index).is_empty())
                        .map(|(_, name)| name)
                        .collect();
                    let known = known.join(", ");
                    return Err(Failure::NoSuchCluster {
                        name: input.name,
                        cluster,
                        known,
                    });
                };
                output::stdout().into_inner().write_all(text.as_bytes())?;
                return Ok(Exit::Success);
            }
            (Some(_), Target::Zip(_) | Target::Folder(_)) => {
                return Err(Failure::Usage {
                    message: "--cluster prints one cluster's manifests, and --output wants all of them in a bundle"
                        .to_owned(),
                    hint: "leave one of the two out; in a folder, each cluster has its own folder",
                });
            }
            (None, Target::Zip(path)) => (path, target::write_zip(path, &rendered, &from)?),
            (None, Target::Folder(path)) => (path, target::write_folder(path, &rendered, &from)?),
        };
        writeln!(
            output::stderr(),
            "{}: {} for {}",
            path.display(),
            counted(written.objects, "object"),
            counted(written.clusters.len(), "cluster"),
        )?;
        Ok(Exit::Success)
    }
}

/// The digest comes first, and one cluster after the other, so every text is kept.
fn stream(rendered: &Rendered) -> io::Result<()> {
    let texts = texts(rendered);
    let mut out = output::stdout().into_inner();
    out.write_all(texts.stream_head().as_bytes())?;
    (0..rendered.clusters().len())
        .try_for_each(|index| out.write_all(texts.stream_of(index).as_bytes()))
}

fn texts<'a>(rendered: &'a Rendered) -> Texts<'a> {
    let mut parts = Vec::new();
    let done = output::each_part(
        rendered,
        |part| rendered.files(part),
        |files| {
            parts.push(files);
            Ok::<(), Infallible>(())
        },
    );
    match done {
        Ok(()) => rendered.texts(parts),
    }
}

fn engine() -> impl clap::builder::TypedValueParser<Value = mesh::Target> {
    PossibleValuesParser::new(mesh::Target::ALL.map(mesh::Target::as_str)).map(|text| {
        let named = mesh::Target::ALL
            .into_iter()
            .find(|target| target.as_str() == text);
        // Every possible value is one of them, so the fall-back is never taken.
        named.unwrap_or_default()
    })
}
