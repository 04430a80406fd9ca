//! The bundle as one YAML stream. All parts that are not Kubernetes objects are comments, so that kubectl can apply it
//! and a bundle read back still has its document.

use std::fmt::Write as _;

use super::{Bundle, File};

/// The first line of a bundle in one stream.
pub(super) const FIRST_LINE: &str = "# fedmesh bundle";
/// Prefix of each line of the document.
const MESH_PREFIX: &str = "#| ";

pub(super) fn write(bundle: &Bundle) -> String {
    let mut text = head(&bundle.digest, &bundle.mesh_yaml);
    write_files(&mut text, texts(&bundle.common));
    for cluster in &bundle.clusters {
        text.push_str(&write_cluster(&cluster.name, texts(&cluster.files)));
    }
    text
}

pub(super) fn texts(files: &[File]) -> impl Iterator<Item = (&str, &str)> {
    let files = files.iter();
    files.map(|file| (file.path.as_str(), file.text.as_str()))
}

/// The part before the manifests.
pub(super) fn head(digest: &str, mesh_yaml: &str) -> String {
    let mut text = format!("{FIRST_LINE}\n# digest: {digest}\n");
    for line in mesh_yaml.lines() {
        // Writing to a `String` cannot fail, here and below.
        _ = writeln!(text, "{}", format!("{MESH_PREFIX}{line}").trim_end());
    }
    text
}

/// Writes the manifests of a cluster; each file is given as path and text.
pub(super) fn write_cluster<'a>(
    cluster: &str,
    files: impl Iterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut text = format!("# cluster: {cluster}\n");
    write_files(&mut text, files);
    text
}

pub(super) fn write_files<'a>(text: &mut String, files: impl Iterator<Item = (&'a str, &'a str)>) {
    for (path, manifests) in files {
        _ = write!(text, "---\n# file: {path}\n{manifests}");
    }
}

/// The document in a stream, each line and column at its position in the stream, so that all lines have the same
/// indentation; `None` if the stream has none.
pub(super) fn mesh_yaml(text: &str) -> Option<String> {
    let mark = MESH_PREFIX.trim_end();
    let before = text.lines().position(|line| line.starts_with(mark))?;
    let mut mesh = "\n".repeat(before);
    let lines = text.lines().skip(before);
    for line in lines.map_while(|line| line.strip_prefix(mark)) {
        mesh.extend(["  ", line, "\n"]);
    }
    Some(mesh)
}

/// Label of the part before the first file of a stream; no file has such a path.
const HEAD: &str = "(the lines before the first `# file:`)";

/// The parts of a stream in order, each with its file's path; the first is [`HEAD`]. Together they contain every byte
/// of the stream, except the lines with the paths.
pub(super) fn files(text: &str) -> Vec<(String, String)> {
    let mut files = vec![(HEAD.to_owned(), String::new())];
    for line in text.split_inclusive('\n') {
        if let Some(path) = line.strip_prefix("# file: ") {
            files.push((
                path.strip_suffix('\n').unwrap_or(path).to_owned(),
                String::new(),
            ));
        } else if let Some((_, text)) = files.last_mut() {
            text.push_str(line);
        }
    }
    files
}
