//! Programs of this machine for an image, with the libraries that they are linked with.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::ImageError;
use super::layer::Layer;

/// Debian's folders of programs. PATH may list them in another order, or omit those for the administrator.
const FOLDERS: [&str; 2] = ["/usr/bin", "/usr/sbin"];

/// A program of this machine by its name.
pub(super) fn program(name: &str) -> Result<PathBuf, ImageError> {
    FOLDERS
        .iter()
        .map(|folder| Path::new(folder).join(name))
        .find(|file| file.is_file())
        .ok_or_else(|| ImageError::NoProgram {
            name: name.to_owned(),
        })
}

/// Adds programs of this machine to `folder` of the image, and their libraries at the paths that they use.
pub(super) fn add_programs(
    layer: &mut Layer,
    folder: &str,
    names: &[&str],
) -> Result<(), ImageError> {
    for name in names {
        let file = program(name)?;
        layer.executable(&format!("{folder}/{name}"), &file);
        add_libraries(layer, &file)?;
    }
    Ok(())
}

/// Adds the libraries of a dynamically linked file to the image.
pub(super) fn add_libraries(layer: &mut Layer, file: &Path) -> Result<(), ImageError> {
    let failed = |reason: String| ImageError::Libraries {
        file: file.to_owned(),
        reason,
    };
    let output = Command::new("ldd")
        .arg(file)
        .env("LC_ALL", "C")
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ));
    }
    for library in libraries(&String::from_utf8_lossy(&output.stdout)).map_err(failed)? {
        layer.executable(&merged(&library), Path::new(&library));
    }
    Ok(())
}

/// The files in the output of `ldd`. Libraries of the kernel have no file.
fn libraries(ldd: &str) -> Result<Vec<String>, String> {
    let mut files = Vec::new();
    for line in ldd.lines().map(str::trim) {
        let (name, found) = line.split_once(" => ").unwrap_or((line, line));
        if found == "not found" {
            return Err(format!("{name} is not on this machine"));
        }
        if found.starts_with('/') {
            let file = found.split_whitespace().next().unwrap_or(found);
            files.push(file.to_owned());
        }
    }
    Ok(files)
}

/// The path in an image, where /lib and /lib64 are links to /usr.
fn merged(path: &str) -> String {
    if path.starts_with("/lib") {
        format!("/usr{path}")
    } else {
        path.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_parsed_from_the_output_of_ldd() {
        let text = "\tlinux-vdso.so.1 (0x00007ffd0c5f2000)\n\
            \tlibmnl.so.0 => /lib/x86_64-linux-gnu/libmnl.so.0 (0x00007f3a)\n\
            \tlibz.so.1 => /usr/lib/libz.so.1 (0x00007f3b)\n\
            \t/lib64/ld-linux-x86-64.so.2 (0x00007f3c)\n";
        let files = libraries(text).expect("all are there");
        assert_eq!(
            files,
            [
                "/lib/x86_64-linux-gnu/libmnl.so.0",
                "/usr/lib/libz.so.1",
                "/lib64/ld-linux-x86-64.so.2"
            ]
        );
        let merged: Vec<_> = files.iter().map(|file| merged(file)).collect();
        assert_eq!(
            merged,
            [
                "/usr/lib/x86_64-linux-gnu/libmnl.so.0",
                "/usr/lib/libz.so.1",
                "/usr/lib64/ld-linux-x86-64.so.2"
            ]
        );
        assert_eq!(libraries("\tstatically linked\n"), Ok(Vec::new()));
    }

    #[test]
    fn a_missing_library_is_reported() {
        let error = libraries("\tliba.so.1 => not found\n").expect_err("it is missing");
        assert!(error.contains("liba.so.1"), "{error}");
    }
}
