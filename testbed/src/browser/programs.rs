//! Paths of Chromium and its driver.

use std::path::{Path, PathBuf};

/// The browser and the program that drives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs {
    /// Chromium.
    pub chromium: PathBuf,
    /// `ChromeDriver` of the same version.
    pub chromedriver: PathBuf,
}

impl Programs {
    /// `$FEDMESH_CHROMIUM` and `$FEDMESH_CHROMEDRIVER`, else the programs on PATH.
    ///
    /// # Errors
    /// One of them is missing.
    pub fn find() -> Result<Self, ProgramsError> {
        Ok(Self {
            chromium: find(
                "FEDMESH_CHROMIUM",
                &["chromium", "chromium-browser", "google-chrome"],
            )?,
            chromedriver: find("FEDMESH_CHROMEDRIVER", &["chromedriver"])?,
        })
    }
}

/// A browser cannot be found.
#[derive(Debug, thiserror::Error)]
#[error("{}\nhint: {}", self.reason(), self.remedy())]
pub enum ProgramsError {
    /// The program is not on PATH.
    NotFound {
        /// The program.
        name: &'static str,
        /// The variable that can set its path.
        variable: &'static str,
    },
    /// The variable does not point to a file.
    NotAFile {
        /// The variable.
        variable: &'static str,
        /// Its value.
        path: PathBuf,
    },
}

impl ProgramsError {
    /// The error alone.
    pub fn reason(&self) -> String {
        match self {
            Self::NotFound { name, .. } => format!("no {name} on PATH"),
            Self::NotAFile { variable, path } => {
                format!("{variable} names {}, which is not a file", path.display())
            }
        }
    }

    /// How to get the program.
    pub fn remedy(&self) -> String {
        match self {
            Self::NotFound { variable, .. } => format!(
                "install Chromium and ChromeDriver (Debian: apt-get install chromium chromium-driver), or set \
                 {variable}"
            ),
            Self::NotAFile { variable, .. } => format!("unset {variable}"),
        }
    }
}

fn find(variable: &'static str, names: &[&'static str]) -> Result<PathBuf, ProgramsError> {
    let set_by_hand = std::env::var_os(variable).filter(|value| !value.is_empty());
    if let Some(path) = set_by_hand.map(PathBuf::from) {
        return if path.is_file() {
            Ok(path)
        } else {
            Err(ProgramsError::NotAFile { variable, path })
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).collect::<Vec<_>>();
    names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)))
        .find(|candidate| Path::is_file(candidate))
        .ok_or_else(|| ProgramsError::NotFound {
            name: names[0],
            variable,
        })
}
