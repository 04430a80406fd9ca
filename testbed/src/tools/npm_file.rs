//! A file inside a published npm package, pinned by version and checksum.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha512};

use super::{ToolError, fetched, file_error};
use crate::cache::{self, make_folder};

/// A file in an npm package. Nothing in the package is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NpmFile {
    /// The package's name.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The archive's checksum, as in a lock file: `sha512-…`.
    pub integrity: &'static str,
    /// Its path in the package.
    pub path: &'static str,
}

impl NpmFile {
    /// The file's path in the cache, fetched first if missing.
    ///
    /// # Errors
    /// npm is missing, the package is not available, or its checksum does not match.
    pub fn ensure(&self) -> Result<PathBuf, ToolError> {
        let name = self.path.rsplit('/').next().unwrap_or(self.path);
        let target = cache::tools()?.join(format!("{}-{}", self.package, self.version));
        make_folder(&target, self.package, |folder| {
            eprintln!("fetching {} {} with npm", self.package, self.version);
            let archive = self.fetch(folder)?;
            self.unpack(&archive, &folder.join(name))?;
            fs::remove_file(&archive).map_err(file_error("remove", &archive))
        })?;
        Ok(target.join(name))
    }

    /// Fetches the archive into `folder`.
    fn fetch(&self, folder: &Path) -> Result<PathBuf, ToolError> {
        let output = Command::new("npm")
            .args(["pack", "--silent", "--ignore-scripts"])
            .arg(format!("{}@{}", self.package, self.version))
            .current_dir(folder)
            .output()
            .map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => ToolError::NoNpm {
                    package: self.package.to_owned(),
                },
                _ => file_error("run", Path::new("npm"))(source),
            })?;
        let archive = fetched(folder, "tgz")?;
        let Some(archive) = archive.filter(|_| output.status.success()) else {
            return Err(ToolError::Npm {
                package: self.package.to_owned(),
                output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            });
        };
        let bytes = fs::read(&archive).map_err(file_error("read", &archive))?;
        let found = format!("sha512-{}", STANDARD.encode(Sha512::digest(bytes)));
        if found != self.integrity {
            return Err(ToolError::Checksum {
                module: self.package.to_owned(),
                version: self.version.to_owned(),
                found,
                expected: self.integrity.to_owned(),
            });
        }
        Ok(archive)
    }

    fn unpack(&self, archive: &Path, to: &Path) -> Result<(), ToolError> {
        let missing = |reason: String| ToolError::ModuleFile {
            module: self.package.to_owned(),
            path: self.path.to_owned(),
            reason,
        };
        // Every npm archive has this folder around its files.
        let inside = Path::new("package").join(self.path);
        let unpacked = || -> io::Result<bool> {
            let text = flate2::read::GzDecoder::new(File::open(archive)?);
            for entry in tar::Archive::new(text).entries()? {
                let mut entry = entry?;
                if entry.path()? == inside {
                    io::copy(&mut entry, &mut File::create(to)?)?;
                    return Ok(true);
                }
            }
            Ok(false)
        };
        match unpacked() {
            Ok(true) => Ok(()),
            Ok(false) => Err(missing("the package does not contain it".to_owned())),
            Err(error) => Err(missing(error.to_string())),
        }
    }
}
