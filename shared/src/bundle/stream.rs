//! The bundle as one YAML stream. Everything that is not a Kubernetes object stands in comments,
//! so that kubectl reads what it knows and a bundle read back still has its document.

use std::fmt::Write as _;

use super::{Bundle, ClusterManifests, File};

/// The first line of a bundle in one stream.
pub(super) const FIRST_LINE: &str = "# fedmesh bundle";
/// Before each line of the document.
const MESH_PREFIX: &str = "#| ";

pub(super) fn write(bundle: &Bundle) -> String {
    let mut text = head(&bundle.digest, &bundle.mesh_yaml);
    write_files(&mut text, &bundle.common);
    for cluster in &bundle.clusters {
        text.push_str(&write_cluster(cluster));
    }
    text
}

/// What comes before the manifests.
pub(super) fn head(digest: &str, mesh_yaml: &str) -> String {
    let mut text = format!("{FIRST_LINE}\n# digest: {digest}\n");
    for line in mesh_yaml.lines() {
        // Writing to a String cannot fail, here and below.
        _ = writeln!(text, "{}", format!("{MESH_PREFIX}{line}").trim_end());
    }
    text
}

pub(super) fn write_cluster(cluster: &ClusterManifests) -> String {
    let mut text = cluster_head(&cluster.name);
    write_files(&mut text, &cluster.files);
    text
}

/// What comes before the manifests of a cluster.
pub(super) fn cluster_head(cluster: &str) -> String {
    format!("# cluster: {cluster}\n")
}

/// What comes before the text of a file.
pub(super) fn file_head(path: &str) -> String {
    format!("---\n# file: {path}\n")
}

fn write_files(text: &mut String, files: &[File]) {
    for file in files {
        text.push_str(&file_head(&file.path));
        text.push_str(&file.text);
    }
}

/// The document in a stream; `None` if it carries none.
pub(super) fn mesh_yaml(text: &str) -> Option<String> {
    let mut lines = text
        .lines()
        .skip_while(|line| !line.starts_with(MESH_PREFIX.trim_end()))
        .peekable();
    lines.peek()?;
    let mut mesh = String::new();
    for line in lines.map_while(|line| line.strip_prefix(MESH_PREFIX.trim_end())) {
        mesh.push_str(line.strip_prefix(' ').unwrap_or(line));
        mesh.push('\n');
    }
    Some(mesh)
}

/// The parts of a stream by the file they belong to; what stands before the first file goes under
/// the name of the document's file.
pub(super) fn files(text: &str) -> Vec<(String, String)> {
    let mut files = vec![(super::MESH_FILE.to_owned(), String::new())];
    for line in text.split_inclusive('\n') {
        if let Some(path) = line.strip_prefix("# file: ") {
            files.push((path.trim_end().to_owned(), String::new()));
        } else if let Some((_, text)) = files.last_mut() {
            text.push_str(line);
        }
    }
    files
}
