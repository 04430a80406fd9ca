//! The commands that apply a bundle outside of the page: with fedmesh-agent, and with the tools of its engine.

use serde::{Deserialize, Serialize};

use crate::kubernetes::object::Wave;
use crate::text::shell::word;

/// The commands for a bundle, and what they do not do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commands {
    /// In order, but for alternatives, whose titles say so.
    pub steps: Vec<Step>,
    /// A sentence; may be empty.
    pub note: String,
}

/// Commands that are run together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// A few words, such as the name of the cluster.
    pub title: String,
    /// One command a line, quoted for a POSIX shell.
    pub commands: Vec<String>,
}

impl Step {
    pub(super) fn new(title: impl Into<String>, commands: Vec<String>) -> Self {
        Self {
            title: title.into(),
            commands,
        }
    }
}

/// A bundle in a zip archive.
#[derive(Debug)]
pub struct ArchiveFile<'a> {
    /// The name of the file.
    pub name: &'a str,
    /// The digest of the bundle.
    pub digest: String,
    /// The clusters with files, in the order of the document.
    pub clusters: Vec<ClusterFolder<'a>>,
}

/// The folder of a cluster in a bundle.
#[derive(Debug)]
pub struct ClusterFolder<'a> {
    /// The name of the cluster.
    pub name: &'a str,
    /// Its context in the kubeconfig.
    pub context: &'a str,
    /// The paths of its files.
    pub files: Vec<&'a str>,
}

/// Digits of the digest in the name of a folder.
const DIGITS: usize = 8;

impl ArchiveFile<'_> {
    /// The commands for kubectl, cluster by cluster; and before them those for fedmesh-agent, which does it all.
    pub(super) fn kubectl(&self) -> Commands {
        let folder = self.folder();
        let archive = word(self.name);
        let agent =
            ["apply", "verify"].map(|command| format!("fedmesh-agent {command} -f {archive}"));
        let mut steps = vec![
            Step::new("With fedmesh-agent", agent.into()),
            Step::new(
                "Or with kubectl: unpack the archive",
                vec![format!("unzip {archive} -d {folder}")],
            ),
        ];
        let clusters = self.clusters.iter();
        steps.extend(clusters.map(|one| Step::new(one.name, one.kubectl(&folder))));
        Commands {
            steps,
            note: "kubectl removes nothing: objects of an earlier bundle that this one no longer has stay in the \
                   clusters. `fedmesh-agent apply` removes them."
                .to_owned(),
        }
    }

    /// A folder of its own, so that no file of an earlier bundle is applied with it.
    fn folder(&self) -> String {
        let name = self.name.strip_suffix(".zip").unwrap_or(self.name);
        let digits = self.digest.rsplit(':').next().unwrap_or_default();
        let digits = digits.get(..DIGITS).unwrap_or(digits);
        word(&format!("{name}-{digits}")).into_owned()
    }
}

impl ClusterFolder<'_> {
    /// kubectl does not wait for definitions, so those go first.
    fn kubectl(&self, folder: &str) -> Vec<String> {
        let kubectl = format!("kubectl --context {}", word(self.context));
        let files: String = self
            .definitions()
            .map(|path| format!(" -f {folder}/{}", word(path)))
            .collect();
        let mut commands = Vec::new();
        if !files.is_empty() {
            commands.push(format!("{kubectl} apply --server-side{files}"));
            commands.push(format!("{kubectl} wait --for=condition=Established{files}"));
        }
        let own = word(self.name);
        commands.push(format!("{kubectl} apply --server-side -f {folder}/{own}/"));
        commands
    }

    fn definitions(&self) -> impl Iterator<Item = &str> {
        let folder = format!("{}/{}-", self.name, Wave::Definitions.number());
        let files = self.files.iter().copied();
        files.filter(move |path| path.starts_with(&folder))
    }
}
