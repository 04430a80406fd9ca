//! A file or a folder of a published Go module, pinned by version and checksum.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::ToolError;
use super::go_program::no_go;
use crate::cache::{self, make_folder};

/// A file of a Go module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModuleFile {
    /// The module's path.
    pub module: &'static str,
    /// Its version.
    pub version: &'static str,
    /// Its checksum, as in a go.sum file.
    pub sum: &'static str,
    /// Its path in the module.
    pub path: &'static str,
}

/// The output of `go mod download -json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Download {
    zip: Option<PathBuf>,
    sum: Option<String>,
    error: Option<String>,
}

impl ModuleFile {
    /// The file's path in the cache, fetched first if missing.
    ///
    /// # Errors
    /// Go is missing, the module is not available, or its checksum does not match.
    pub fn ensure(&self) -> Result<PathBuf, ToolError> {
        let name = self.path.rsplit('/').next().unwrap_or(self.path);
        // A module may contain files of one name in several folders.
        let stem = self.path.trim_end_matches(".yaml").replace('/', "-");
        let target = cache::tools()?.join(format!("{stem}-{}", self.version));
        make_folder(&target, &stem, |folder| {
            let text = self.unpacked(|zip| self.unpack(zip))?;
            let copy = folder.join(name);
            std::fs::write(&copy, text).map_err(|source| ToolError::File {
                action: "write",
                path: copy,
                source,
            })
        })?;
        Ok(target.join(name))
    }

    /// The YAML files of a folder, whose path it has, in the cache, with their paths in that folder; ascending.
    ///
    /// # Errors
    /// Those of [`ModuleFile::ensure`].
    pub fn ensure_yaml_files(&self) -> Result<Vec<(String, PathBuf)>, ToolError> {
        let stem = self.path.replace('/', "-");
        let target = cache::tools()?.join(format!("{stem}-folder-{}", self.version));
        make_folder(&target, &stem, |folder| {
            self.unpacked(|zip| self.unpack_yaml_files(zip, folder))
        })?;
        let mut files = Vec::new();
        for entry in walkdir::WalkDir::new(&target).into_iter().flatten() {
            let path = entry.path();
            if is_yaml(path)
                && let Ok(inside) = path.strip_prefix(&target)
            {
                files.push((inside.display().to_string(), path.to_owned()));
            }
        }
        files.sort();
        Ok(files)
    }

    fn unpacked<T>(
        &self,
        unpack: impl FnOnce(&Path) -> Result<T, zip::result::ZipError>,
    ) -> Result<T, ToolError> {
        let zip = self.fetch()?;
        unpack(&zip).map_err(|error| ToolError::ModuleFile {
            module: self.module.to_owned(),
            path: self.path.to_owned(),
            reason: error.to_string(),
        })
    }

    /// The module as a zip archive.
    fn fetch(&self) -> Result<PathBuf, ToolError> {
        // In a folder without a go.mod, so that no module's requirements apply.
        let nowhere = tempfile::tempdir().map_err(|source| ToolError::File {
            action: "make a folder in",
            path: std::env::temp_dir(),
            source,
        })?;
        let output = Command::new("go")
            .args(["mod", "download", "-json"])
            .arg(format!("{}@{}", self.module, self.version))
            .current_dir(nowhere.path())
            .env("GOWORK", "off")
            .output()
            .map_err(|error| no_go(error, self.module))?;
        let download: Download =
            serde_json::from_slice(&output.stdout).map_err(|_not_json| ToolError::Go {
                tool: self.module.to_owned(),
                command: "go mod download".to_owned(),
                output: String::from_utf8_lossy(&output.stderr).into_owned(),
            })?;
        // An error may come with a file: a module that requires a newer Go than this one is fetched and verified
        // nevertheless, and it is not compiled here.
        let (Some(zip), Some(sum)) = (download.zip, download.sum) else {
            return Err(ToolError::Go {
                tool: self.module.to_owned(),
                command: "go mod download".to_owned(),
                output: download.error.unwrap_or_default(),
            });
        };
        if sum != self.sum {
            return Err(ToolError::Checksum {
                module: self.module.to_owned(),
                version: self.version.to_owned(),
                found: sum,
                expected: self.sum.to_owned(),
            });
        }
        Ok(zip)
    }

    fn unpack(&self, zip: &Path) -> Result<Vec<u8>, zip::result::ZipError> {
        let mut archive = zip::ZipArchive::new(File::open(zip)?)?;
        let inside = format!("{}@{}/{}", self.module, self.version, self.path);
        let mut entry = archive.by_name(&inside)?;
        let mut text = Vec::new();
        std::io::copy(&mut entry, &mut text)?;
        Ok(text)
    }

    fn unpack_yaml_files(&self, zip: &Path, folder: &Path) -> Result<(), zip::result::ZipError> {
        let mut archive = zip::ZipArchive::new(File::open(zip)?)?;
        let prefix = format!("{}@{}/{}/", self.module, self.version, self.path);
        for index in 0..archive.len() {
            let mut entry = archive.by_index(index)?;
            let name = entry.name()?.into_owned();
            let Some(inside) = name
                .strip_prefix(&prefix)
                .filter(|one| is_yaml(Path::new(one)))
            else {
                continue;
            };
            let copy = folder.join(inside);
            std::fs::create_dir_all(copy.parent().unwrap_or(folder))?;
            std::io::copy(&mut entry, &mut File::create(copy)?)?;
        }
        Ok(())
    }
}

fn is_yaml(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "yaml")
}
