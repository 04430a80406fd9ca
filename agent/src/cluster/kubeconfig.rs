//! The kubeconfig: which contexts there are.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use kube::config;

use super::redacted;

/// The merged content of one or several files.
#[derive(Debug, Clone)]
pub(crate) struct Kubeconfig {
    pub(super) content: config::Kubeconfig,
    pub(super) files: Files,
}

/// Where it was read from, as people know it.
#[derive(Debug, Clone)]
pub(super) struct Files(Vec<PathBuf>);

impl std::fmt::Display for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, file) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ", " };
            write!(f, "{separator}{}", file.display())?;
        }
        Ok(())
    }
}

/// There is no kubeconfig, or it cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum KubeconfigError {
    /// No file.
    #[error("there is no kubeconfig at {0}; name one with --kubeconfig or KUBECONFIG")]
    Missing(String),
    /// No home folder either.
    #[error(
        "there is no home folder to find .kube/config in; name a file with --kubeconfig or KUBECONFIG"
    )]
    NoHome,
    /// It is there and not a kubeconfig.
    #[error("{} is not a valid kubeconfig: {reason}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Where in it and why, without a word of its text.
        reason: String,
    },
}

impl Kubeconfig {
    /// Reads a file; `None` for those in `KUBECONFIG`, of which missing ones are passed over as
    /// kubectl does, or else `~/.kube/config`.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self, KubeconfigError> {
        let files = match file {
            Some(file) => vec![file.to_owned()],
            None => default_files()?,
        };
        let mut content = config::Kubeconfig::default();
        let mut read = Vec::new();
        for file in &files {
            let unreadable = |error| KubeconfigError::Unreadable {
                file: file.clone(),
                reason: redacted::of_kubeconfig(&error),
            };
            match config::Kubeconfig::read_from(file) {
                Ok(next) => {
                    content = content.merge(next).map_err(unreadable)?;
                    read.push(file.clone());
                }
                Err(config::KubeconfigError::ReadConfig(error, _))
                    if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(unreadable(error)),
            }
        }
        if read.is_empty() {
            return Err(KubeconfigError::Missing(Files(files).to_string()));
        }
        Ok(Self {
            content,
            files: Files(read),
        })
    }

    /// Of a text that was read by somebody else.
    #[cfg(fuzzing)]
    pub(crate) fn of_content(content: config::Kubeconfig) -> Self {
        Self {
            content,
            files: Files(Vec::new()),
        }
    }

    /// Everything that is said of it without a connection.
    #[cfg(fuzzing)]
    pub(crate) fn describe(&self) {
        for context in self.contexts() {
            _ = self.has(context);
        }
        for cluster in self
            .content
            .clusters
            .iter()
            .filter_map(|one| one.cluster.as_ref())
        {
            let users = self.content.auth_infos.iter();
            for user in users.filter_map(|one| one.auth_info.as_ref()) {
                _ = super::server_url::server_url(cluster, user);
            }
        }
    }

    /// The contexts, in their order, each once.
    pub(crate) fn contexts(&self) -> impl Iterator<Item = &str> {
        let mut seen = BTreeSet::new();
        self.content
            .contexts
            .iter()
            .map(|context| context.name.as_str())
            .filter(move |name| seen.insert(*name))
    }

    /// Whether there is such a context.
    pub(crate) fn has(&self, context: &str) -> bool {
        self.contexts().any(|name| name == context)
    }
}

fn default_files() -> Result<Vec<PathBuf>, KubeconfigError> {
    if let Some(list) = std::env::var_os("KUBECONFIG") {
        let files: Vec<PathBuf> = std::env::split_paths(&list)
            .filter(|file| !file.as_os_str().is_empty())
            .collect();
        if !files.is_empty() {
            return Ok(files);
        }
    }
    let home = std::env::home_dir().ok_or(KubeconfigError::NoHome)?;
    Ok(vec![home.join(".kube/config")])
}
