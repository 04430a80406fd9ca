//! `render`: write the manifests for every cluster.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{self, Write as _};

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use serde::Serialize;
use serde_json::{Value, json};
use shared::bundle::{Rendered, Texts};
use shared::check::check;
use shared::facts::Facts;
use shared::mesh;
use shared::text::shorten;
use shared::yaml;

use super::Document;
use super::failure::{Exit, Failure};
use super::input;
use super::input_file::InputFile;
use super::output::{self, Target, counted, target};
use crate::operation::is_handed_over;
use crate::public_suffix;

/// Render the manifests for every cluster.
///
/// The same document renders to the same bytes on every machine and in the browser. The output contains the document,
/// as mesh.yaml in a folder or zip archive and in comments of a stream, so that -f of every command accepts it. Gateway
/// addresses come from the document alone; without them, the DNS records that need them are left out with a warning.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  fedmesh-agent render -f mesh.yaml                                       one YAML stream
  fedmesh-agent render -f mesh.yaml --to bundle                           one folder per cluster
  fedmesh-agent render -f mesh.yaml --to bundle.zip                       the same in a zip archive
  fedmesh-agent render -f mesh.yaml --target karmada                      for the engine Karmada
  fedmesh-agent render -f mesh.yaml --cluster cluster1 | kubectl --context cluster1 apply -f -")]
pub(super) struct Render {
    #[command(flatten)]
    document: Document,

    /// Engine that delivers the manifests, instead of the document's.
    #[arg(short, long, value_parser = engine())]
    target: Option<mesh::Target>,

    /// Print the manifests of this cluster only.
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,

    /// Write a bundle to a folder, or to a zip archive if the name ends in .zip, instead of standard output.
    ///
    /// The folder must be new, empty, or an earlier bundle, whose files are replaced or removed. If it contains any
    /// other file, or the document that is read, nothing is written. mesh.yaml is written in a fixed form, without
    /// comments.
    #[arg(
        long,
        value_name = "DIR|FILE.zip",
        default_value = "-",
        hide_default_value = true
    )]
    to: Target,

    /// Output format: yaml or json.
    #[arg(short, long, value_name = "FORMAT", value_parser = format, conflicts_with = "to")]
    output: Option<RenderFormat>,
}

/// The output formats for manifests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RenderFormat {
    /// A stream for kubectl, and for -f of every command.
    Yaml,
    /// A list of the clusters with their objects; with --cluster a List for kubectl.
    Json,
}

/// Parses a format. The error names --to, since `-o` is a path in other programs.
fn format(text: &str) -> Result<RenderFormat, String> {
    match text {
        "yaml" => Ok(RenderFormat::Yaml),
        "json" => Ok(RenderFormat::Json),
        _ => Err(format!(
            "use yaml or json; to write a folder or a zip archive, use --to {}",
            output::printable(&shorten::value(text))
        )),
    }
}

/// The objects of one cluster.
#[derive(Serialize)]
struct OfCluster<'a> {
    cluster: &'a str,
    objects: Vec<Value>,
}

impl Render {
    pub(super) fn is_json(&self) -> bool {
        self.output == Some(RenderFormat::Json)
    }

    pub(super) fn run(self) -> Result<Exit, Failure> {
        let input = input::read(&self.document.path)?;
        let mut mesh = input.mesh.clone();
        if self.target.is_some() {
            // The document is changed too, so that the bundle still matches it.
            mesh.spec.target = self.target;
        }
        let mut checked = check(&mesh, &Facts::default());
        public_suffix::check(&mesh, &mut checked.findings);
        let Some(resolved) = checked.resolved else {
            return Err(input.has_errors(checked.findings));
        };
        output::warnings(Some(&input.origin), &checked.findings)?;
        if matches!(self.to, Target::Stream) && is_handed_over(&mesh) {
            return Err(Failure::Usage {
                message: format!(
                    "the engine {} renders a folder for Kustomize, which cannot be printed",
                    resolved.target.as_str()
                ),
                hint: "use --to DIR or FILE.zip; `kubectl kustomize DIR/clusters/NAME` prints those of a cluster",
            });
        }
        let rendered = Rendered::new(&mesh, &resolved);
        if self.is_json() {
            return self.print_json(&input.name, &rendered);
        }
        let from = InputFile::of(&self.document.path);
        let (path, written) = match (self.cluster, &self.to) {
            (None, Target::Stream) => {
                stream(&rendered)?;
                return Ok(Exit::Success);
            }
            (Some(cluster), Target::Stream) => {
                let texts = texts(&rendered);
                let index = rendered.clusters().position(|known| known == cluster);
                let text = index.map(|index| texts.stream_of(index));
                let Some(text) = text.filter(|text| !text.is_empty()) else {
                    let known = rendered
                        .clusters()
                        .enumerate()
                        .filter(|(index, _)| !texts.stream_of(*index).is_empty())
                        .map(|(_, name)| name);
                    return Err(no_such_cluster(&input.name, &cluster, known));
                };
                output::data().write_all(text.as_bytes())?;
                return Ok(Exit::Success);
            }
            (Some(_), Target::Zip(_) | Target::Folder(_)) => {
                return Err(Failure::Usage {
                    message: "--cluster prints the manifests of one cluster, but --to writes those of all clusters"
                        .to_owned(),
                    hint: "remove one of the two options; --to writes one folder per cluster",
                });
            }
            (None, Target::Zip(path)) => (path, target::write_zip(path, &rendered, &from)?),
            (None, Target::Folder(path)) => (path, target::write_folder(path, &rendered, &from)?),
        };
        writeln!(
            output::stderr(),
            "{}: {} for {}",
            input::name(path),
            counted(written.objects, "object"),
            counted(written.clusters.len(), "cluster"),
        )?;
        Ok(Exit::Success)
    }

    fn print_json(&self, name: &str, rendered: &Rendered) -> Result<Exit, Failure> {
        let mut all = objects(rendered)?;
        all.retain(|one| !one.objects.is_empty());
        let Some(cluster) = &self.cluster else {
            output::json(&mut output::stdout(), &all)?;
            return Ok(Exit::Success);
        };
        let Some(one) = all.iter().find(|one| one.cluster == cluster) else {
            let known = all.iter().map(|one| one.cluster);
            return Err(no_such_cluster(name, cluster, known));
        };
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": one.objects });
        output::json(&mut output::stdout(), &list)?;
        Ok(Exit::Success)
    }
}

fn no_such_cluster<'a>(name: &str, cluster: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    Failure::NoSuchCluster {
        name: name.to_owned(),
        cluster: shorten::value(cluster).into_owned(),
        known: known.collect::<Vec<_>>().join(", "),
    }
}

/// The objects of each cluster, in the order in which they are to be applied.
fn objects<'a>(rendered: &'a Rendered<'_>) -> io::Result<Vec<OfCluster<'a>>> {
    let mut files: Vec<BTreeMap<String, Vec<Value>>> = Vec::new();
    files.resize_with(rendered.clusters().len(), BTreeMap::new);
    output::each_part(
        rendered,
        |part| rendered.files(part),
        |written| {
            for file in written {
                let objects = yaml::documents(&file.text).map_err(io::Error::other)?;
                for place in file.places {
                    if let Some(files) = place.cluster.and_then(|index| files.get_mut(index)) {
                        files.insert(place.path, objects.clone());
                    }
                }
            }
            Ok::<(), io::Error>(())
        },
    )?;
    let of_clusters = rendered.clusters().zip(files);
    Ok(of_clusters
        .map(|(cluster, files)| OfCluster {
            cluster,
            objects: files.into_values().flatten().collect(),
        })
        .collect())
}

/// Prints the stream. Its digest comes first and the clusters follow, so all texts are in memory at once.
fn stream(rendered: &Rendered) -> io::Result<()> {
    let texts = texts(rendered);
    let mut out = output::data();
    out.write_all(texts.stream_head().as_bytes())?;
    (0..rendered.clusters().len())
        .try_for_each(|index| out.write_all(texts.stream_of(index).as_bytes()))
}

fn texts(rendered: &Rendered) -> Texts {
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
    PossibleValuesParser::new(mesh::Target::all().map(mesh::Target::as_str)).map(|text| {
        let named = mesh::Target::all().find(|target| target.as_str() == text);
        // The parser accepts only these values, so the default is never used.
        named.unwrap_or_default()
    })
}
