//! Recognizes the output of an earlier `render`, so that no other file is overwritten.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use shared::Mesh;
use shared::bundle::{MESH_FILE, WRITTEN_BY, read_zip};
use shared::kubernetes::ownership::{MANAGED_BY, MANAGED_BY_LABEL};

/// Most bytes of an archive that is read as a bundle.
const MAX_BYTES: u64 = 256 * 1024 * 1024;

/// Whether a document has the fixed form of documents in bundles, so that no comment is lost when it is replaced.
pub(super) fn is_rendered_document(bytes: &[u8]) -> bool {
    let text = std::str::from_utf8(bytes).ok();
    text.is_some_and(|text| Mesh::read(text).is_ok_and(|mesh| mesh.to_yaml() == text))
}

/// Whether every object of a file has fedmesh's label, or the file has fedmesh's heading. The document beside it
/// cannot decide this, since it may have been edited in place.
pub(super) fn is_rendered_manifest(path: &str, bytes: &[u8]) -> bool {
    let label = format!("{MANAGED_BY_LABEL}: {MANAGED_BY}");
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let is_labelled = |document: &str| document.lines().any(|line| line.trim() == label);
    Path::new(path).extension() == Some("yaml".as_ref())
        && (text.starts_with(WRITTEN_BY) || text.split("---\n").all(is_labelled))
}

/// Whether a file is a zip archive that `render` wrote.
pub(super) fn is_rendered_zip(path: &Path) -> io::Result<bool> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Ok(false);
    }
    let Ok(files) = read_zip(&bytes) else {
        return Ok(false);
    };
    let is_ours = |(path, text): &(String, String)| {
        if path == MESH_FILE {
            is_rendered_document(text.as_bytes())
        } else {
            is_rendered_manifest(path, text.as_bytes())
        }
    };
    let has_document = files.iter().any(|(path, _)| path == MESH_FILE);
    Ok(has_document && files.len() > 1 && files.iter().all(is_ours))
}

#[cfg(test)]
mod tests {
    use documents::{bundle, examples, with_target};
    use shared::bundle::MESH_FILE;
    use shared::facts::Facts;
    use shared::mesh::Target;

    use super::{is_rendered_document, is_rendered_manifest};

    /// A file that is not recognized would make the next `render` into the folder fail.
    #[test]
    fn every_file_of_every_engine_is_recognized() {
        let mut count = 0;
        for mesh in examples().values() {
            for target in Target::all() {
                let mesh = with_target(mesh, target);
                let checked = shared::check(&mesh, &Facts::default());
                if checked.resolved.is_none() {
                    continue;
                }
                for (path, text) in bundle(&mesh, &Facts::default()).files() {
                    let is_published = if path == MESH_FILE {
                        is_rendered_document(text.as_bytes())
                    } else {
                        is_rendered_manifest(path, text.as_bytes())
                    };
                    assert!(is_published, "{target:?} {path}\n{text}");
                    count += 1;
                }
            }
        }
        assert!(count > 100, "{count}");
    }

    #[test]
    fn files_of_others_are_not_recognized() {
        let mesh = examples().remove("walkthrough.yaml").unwrap().to_yaml();
        for text in [
            format!("# ours\n{mesh}"),
            mesh.replace("fedmesh.dev/v1alpha1", "kuma.io/v1alpha1"),
            format!("{mesh}\n"),
            String::new(),
        ] {
            assert!(!is_rendered_document(text.as_bytes()), "{text}");
        }
        let ours = "metadata:\n  labels:\n    app.kubernetes.io/managed-by: fedmesh\n";
        assert!(is_rendered_manifest("a.yaml", ours.as_bytes()));
        for text in [
            format!("{ours}---\nkind: Secret\n"),
            "kind: Secret\n".to_owned(),
            String::new(),
        ] {
            assert!(!is_rendered_manifest("a.yaml", text.as_bytes()), "{text}");
        }
        assert!(!is_rendered_manifest("notes.txt", ours.as_bytes()));
    }
}
