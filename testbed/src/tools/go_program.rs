//! A program built by Go from sources in testbed/go/.

use std::ffi::OsStr;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest, Sha256};

use super::{PrunedModule, ToolError, source_folder};
use crate::cache::{self, make_folder};

/// A program built by `go build`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GoProgram {
    /// Its name, as in `kubectl`.
    pub name: &'static str,
    /// The Go module's folder, below testbed/.
    pub folder: &'static str,
    /// Its package in the module.
    pub package: &'static str,
    /// Linker flags.
    pub ldflags: &'static str,
    /// Other names of the program, if its behavior depends on its name.
    pub also_known_as: &'static [&'static str],
    /// The Go release that builds it, as in `go1.27.3`, if the one on PATH may be too old; `go` fetches it as a module.
    /// `None` for the one on PATH.
    pub toolchain: Option<&'static str>,
    /// A module of which it needs only a part.
    pub pruned: Option<PrunedModule>,
}

impl GoProgram {
    /// The common settings of most programs.
    pub(super) const PLAIN: Self = Self {
        name: "",
        folder: "",
        package: ".",
        ldflags: "-s -w",
        also_known_as: &[],
        toolchain: None,
        pruned: None,
    };

    /// The program's file, built first if it is not in the cache.
    ///
    /// A build prints that to standard error: the first one takes minutes.
    ///
    /// # Errors
    /// Go is missing, or cannot build the program.
    pub fn ensure(&self) -> Result<PathBuf, ToolError> {
        let target = self.cached()?;
        make_folder(&target, self.name, |folder| self.build_into(folder))?;
        Ok(target.join(self.name))
    }

    /// Whether [`GoProgram::ensure`] has nothing to build.
    ///
    /// # Errors
    /// The sources cannot be read, or Go is missing.
    pub fn is_built(&self) -> Result<bool, ToolError> {
        Ok(self.cached()?.exists())
    }

    /// The file with another of its names.
    ///
    /// # Errors
    /// As [`GoProgram::ensure`].
    pub fn ensure_as(&self, name: &str) -> Result<PathBuf, ToolError> {
        debug_assert!(
            self.also_known_as.contains(&name),
            "{name} is not a name of {self:?}"
        );
        Ok(self.ensure()?.with_file_name(name))
    }

    fn cached(&self) -> Result<PathBuf, ToolError> {
        let key = self.key(&source_folder()?.join(self.folder), &self.go_version()?)?;
        Ok(cache::tools()?.join(format!("{}-{key}", self.name)))
    }

    /// A digest of all inputs of the program.
    fn key(&self, sources: &Path, go_version: &str) -> Result<String, ToolError> {
        let mut files = Vec::new();
        source_files(sources, &mut files)?;
        files.sort();
        let mut hash = Sha256::new();
        for part in [go_version, self.name, self.package, self.ldflags] {
            hash.update(part);
            hash.update([0]);
        }
        let pruned = self.pruned.iter().flat_map(|pruned| pruned.without);
        for name in self.also_known_as.iter().chain(pruned) {
            hash.update(name);
            hash.update([0]);
        }
        for file in files {
            let text = std::fs::read(&file).map_err(|source| ToolError::File {
                action: "read",
                path: file.clone(),
                source,
            })?;
            let relative = file.strip_prefix(sources).unwrap_or(&file);
            hash.update(relative.as_os_str().as_encoded_bytes());
            hash.update([0]);
            hash.update(text.len().to_le_bytes());
            hash.update(text);
        }
        Ok(hex::encode(&hash.finalize()[..6]))
    }

    /// The `go` that builds it.
    fn go(&self) -> Command {
        let mut command = Command::new("go");
        if let Some(toolchain) = self.toolchain {
            command.env("GOTOOLCHAIN", toolchain);
        }
        command
    }

    /// The version of `go`, and its target. A pinned toolchain is not run: that would fetch it.
    fn go_version(&self) -> Result<String, ToolError> {
        let mut command = Command::new("go");
        command.arg("env");
        if self.toolchain.is_none() {
            command.arg("GOVERSION");
        }
        command.args(["GOOS", "GOARCH"]);
        let asked = String::from_utf8_lossy(&run_go(&mut command, self.name)?).into_owned();
        Ok(match self.toolchain {
            Some(toolchain) => format!("{toolchain}\n{asked}"),
            None => asked,
        })
    }

    fn build_into(&self, folder: &Path) -> Result<(), ToolError> {
        eprintln!(
            "building {} with Go; the first time this takes minutes",
            self.name
        );
        let binary = folder.join(self.name);
        let sources = source_folder()?.join(self.folder);
        let go = |arguments: &[&str]| {
            let mut command = self.go();
            command
                .args(arguments)
                .current_dir(&sources)
                .env("CGO_ENABLED", "0")
                .env("GOWORK", "off")
                // Compilers and linkers that run for seconds spend a fifth of them on garbage collection.
                .env("GOGC", "800")
                .env("GOMEMLIMIT", "3GiB");
            command
        };
        let work = tempfile::tempdir().map_err(|source| ToolError::File {
            action: "make a folder in",
            path: std::env::temp_dir(),
            source,
        })?;
        // Go's build cache is keyed by these flags: the same for every program.
        let mut command = go(&["build", "-trimpath", "-buildvcs=false"]);
        command.arg("-gcflags=all=-dwarf=false");
        command.args(["-ldflags", self.ldflags, "-o"]).arg(&binary);
        if let Some(pruned) = &self.pruned {
            let download = go(&["mod", "download"]);
            command.arg(pruned.prepare(download, &sources, work.path())?);
        }
        run_go(command.arg(self.package), self.name)?;
        for name in self.also_known_as {
            let link = folder.join(name);
            symlink(self.name, &link).map_err(|source| ToolError::File {
                action: "write",
                path: link,
                source,
            })?;
        }
        Ok(())
    }
}

/// Runs a `go` command and returns its standard output.
pub(super) fn run_go(command: &mut Command, tool: &str) -> Result<Vec<u8>, ToolError> {
    let output = command.output().map_err(|error| no_go(error, tool))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    let words = command
        .get_args()
        .take(2)
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>();
    Err(ToolError::Go {
        tool: tool.to_owned(),
        command: format!("go {}", words.join(" ")),
        output: text.trim_end().to_owned(),
    })
}

pub(super) fn no_go(error: std::io::Error, tool: &str) -> ToolError {
    if error.kind() == std::io::ErrorKind::NotFound {
        ToolError::NoGo {
            tool: tool.to_owned(),
        }
    } else {
        ToolError::File {
            action: "run",
            path: PathBuf::from("go"),
            source: error,
        }
    }
}

/// Every go.mod, go.sum and *.go below `folder`.
fn source_files(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), ToolError> {
    let failed = |source| ToolError::File {
        action: "read",
        path: folder.to_owned(),
        source,
    };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        if entry.file_type().map_err(failed)?.is_dir() {
            source_files(&path, files)?;
        } else if path
            .extension()
            .is_some_and(|end| end == "go" || end == "mod" || end == "sum")
        {
            files.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{CONTROL_PLANE, ISTIO_CRDS, ISTIOCTL, KUBECTL};
    use super::*;

    fn key_of(files: &[(&str, &str)], program: GoProgram, go: &str) -> String {
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        program.key(folder.path(), go).expect("a key")
    }

    #[test]
    fn the_key_depends_on_every_input_and_nothing_else() {
        let files = [
            ("go.mod", "module m"),
            ("go.sum", "sum"),
            ("cmd/a/main.go", "package main"),
        ];
        let key = key_of(&files, KUBECTL, "go1.26.8");
        let with = |changed: usize, text| {
            let mut files = files;
            files[changed].1 = text;
            key_of(&files, KUBECTL, "go1.26.8")
        };
        assert_eq!(key, with(1, "sum"));
        assert_ne!(key, with(0, "module n"));
        assert_ne!(key, with(1, "other"));
        assert_ne!(key, with(2, "package other"));
        assert_ne!(key, key_of(&files, KUBECTL, "go1.27.0"));
        assert_ne!(key, key_of(&files, CONTROL_PLANE, "go1.26.8"));
        let other_flags = GoProgram {
            ldflags: "-s",
            ..KUBECTL
        };
        assert_ne!(key, key_of(&files, other_flags, "go1.26.8"));
        let mut more = files.to_vec();
        more.push(("notes.txt", "not compiled"));
        assert_eq!(key, key_of(&more, KUBECTL, "go1.26.8"));
        more.push(("cmd/a/more.go", "package main"));
        assert_ne!(key, key_of(&more, KUBECTL, "go1.26.8"));
    }

    #[test]
    fn a_pinned_toolchain_counts_and_not_the_one_on_path() {
        let version = |toolchain| {
            let program = GoProgram {
                toolchain,
                ..KUBECTL
            };
            program.go_version().expect("a version")
        };
        let named = version(Some("go1.27.3"));
        assert!(named.starts_with("go1.27.3\n"), "{named}");
        assert_eq!(named.lines().count(), 3, "and the kind of machine: {named}");
        assert_ne!(version(Some("go1.27.4")), named);
        assert!(version(None).starts_with("go1."));
    }

    #[test]
    fn istioctl_and_the_crds_have_one_version() {
        let file = source_folder()
            .expect("the sources")
            .join(ISTIOCTL.folder)
            .join("go.mod");
        let text = fs::read_to_string(file).expect("go.mod");
        let line = format!("{} {}", ISTIO_CRDS.module, ISTIO_CRDS.version);
        assert!(
            text.contains(&line),
            "go.mod requires another version than {line}"
        );
    }
}
