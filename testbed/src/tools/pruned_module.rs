//! A Go module without some of its packages, for a program that uses only a part of it, while the rest takes most of
//! the time to compile.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use super::ToolError;
use super::go_program::run_go;

/// A module whose packages are registered in one place each, by import and constructor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrunedModule {
    /// The module's path. Its version is that in the program's go.mod.
    pub module: &'static str,
    /// The files that register the packages, each on lines of their own.
    pub registers: &'static [&'static str],
    /// The packages to omit, by their last path element.
    pub without: &'static [&'static str],
}

/// The output of `go mod download -json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Download {
    dir: PathBuf,
}

impl PrunedModule {
    /// Writes a pruned copy to `folder`, and returns arguments with which `go build` uses it instead of the module.
    /// `go_mod_download` is that command, in `sources`, the program's folder.
    ///
    /// # Errors
    /// The module is not available, does not match go.sum, or cannot be copied.
    pub(super) fn prepare(
        &self,
        mut go_mod_download: Command,
        sources: &Path,
        folder: &Path,
    ) -> Result<OsString, ToolError> {
        go_mod_download.args(["-json", self.module]);
        let printed = run_go(&mut go_mod_download, self.module)?;
        let download: Download =
            serde_json::from_slice(&printed).map_err(|_not_json| ToolError::Go {
                tool: self.module.to_owned(),
                command: "go mod download".to_owned(),
                output: String::from_utf8_lossy(&printed).into_owned(),
            })?;
        let copy = folder.join("module");
        copy_folder(&download.dir, &copy)?;
        for file in self.registers {
            let file = copy.join(file);
            let text = read(&file)?;
            write(&file, &self.prune(&text))?;
        }
        let module_file = folder.join("go.mod");
        let text = read(&sources.join("go.mod"))?;
        let replaced = format!("{text}\nreplace {} => {}\n", self.module, copy.display());
        write(&module_file, &replaced)?;
        write(&folder.join("go.sum"), &read(&sources.join("go.sum"))?)?;
        let mut argument = OsString::from("-modfile=");
        argument.push(module_file);
        Ok(argument)
    }

    /// A file's text without the lines that import a package or call its constructor.
    fn prune(&self, text: &str) -> String {
        text.lines()
            .filter(|line| {
                !self.without.iter().any(|package| {
                    line.trim_end().ends_with(&format!("/{package}\""))
                        || line.contains(&format!(" {package}.New"))
                })
            })
            .flat_map(|line| [line, "\n"])
            .collect()
    }
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), ToolError> {
    let failed = |source| ToolError::File {
        action: "copy",
        path: from.to_owned(),
        source,
    };
    // Go's own copy is read-only.
    let output = Command::new("cp")
        .args(["--recursive", "--no-preserve=mode"])
        .args([from, to])
        .output()
        .map_err(failed)?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(failed(std::io::Error::other(text)));
    }
    Ok(())
}

fn read(path: &Path) -> Result<String, ToolError> {
    std::fs::read_to_string(path).map_err(|source| ToolError::File {
        action: "read",
        path: path.to_owned(),
        source,
    })
}

fn write(path: &Path, text: &str) -> Result<(), ToolError> {
    std::fs::write(path, text).map_err(|source| ToolError::File {
        action: "write",
        path: path.to_owned(),
        source,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_and_constructors_are_removed() {
        let module = PrunedModule {
            module: "example.org/m",
            registers: &["a.go"],
            without: &["aws"],
        };
        let text = "import (\n\t\"m/provider/aws\"\n\t\"m/provider/awssd\"\n)\n\
                    \tm.AWS:   aws.New,\n\tm.AWSSD: awssd.New,\n\tm.Private: aws.NewPrivate,\n";
        assert_eq!(
            module.prune(text),
            "import (\n\t\"m/provider/awssd\"\n)\n\tm.AWSSD: awssd.New,\n"
        );
    }
}
