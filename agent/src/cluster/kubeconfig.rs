//! The kubeconfig and its contexts.

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

/// The files that were read, for display.
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
    #[error("there is no kubeconfig at {0}; set --kubeconfig or KUBECONFIG")]
    Missing(String),
    /// There is no home folder either.
    #[error("there is no home folder with a .kube/config; set --kubeconfig or KUBECONFIG")]
    NoHome,
    /// The file is not a kubeconfig.
    #[error("{} is not a valid kubeconfig: {reason}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// Position and reason, without a word of its text.
        reason: String,
    },
}

impl Kubeconfig {
    /// Reads a file; with `None` the files of `KUBECONFIG`, of which missing ones are skipped as in kubectl, or else
    /// `~/.kube/config`.
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

    /// Wraps content that was parsed elsewhere.
    #[cfg(fuzzing)]
    pub(crate) fn of_content(content: config::Kubeconfig) -> Self {
        Self {
            content,
            files: Files(Vec::new()),
        }
    }

    /// Calls every method that needs no connection.
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

    /// The contexts, in order, without duplicates.
    pub(crate) fn contexts(&self) -> impl Iterator<Item = &str> {
        let mut seen = BTreeSet::new();
        self.content
            .contexts
            .iter()
            .map(|context| context.name.as_str())
            .filter(move |name| seen.insert(*name))
    }

    /// Whether the context exists.
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
