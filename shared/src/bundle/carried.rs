//! A bundle to read: its document, and the check that its files match the document.

use std::collections::BTreeMap;

use super::{Bundle, MESH_FILE, PathError, ZipError, paths, stream, zip};
use crate::check::check;
use crate::facts::Facts;
use crate::mesh::{Mesh, ReadErrors};

/// A bundle as read, not verified yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    mesh_yaml: String,
    /// Path and text of each file; for a stream in order, its head first.
    files: Vec<(String, String)>,
    /// Whether it was read from one stream.
    is_stream: bool,
}

/// The reason why a bundle cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadBundleError {
    /// The bundle has no Mesh document.
    #[error("it has no Mesh document")]
    NoMesh,
    /// Its Mesh document is invalid.
    #[error("its Mesh document: {0}")]
    Mesh(#[from] ReadErrors),
    /// The archive is invalid.
    #[error(transparent)]
    Zip(#[from] ZipError),
    /// Files or sections with invalid paths.
    #[error("its files have invalid paths: {0}")]
    Path(#[from] PathError),
}

/// A bundle whose files do not match its document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Files with different text.
    pub changed: Vec<String>,
    /// Files that the document renders and the bundle lacks.
    pub missing: Vec<String>,
    /// Files of the bundle that the document does not render.
    pub extra: Vec<String>,
    /// The first file of a stream in the wrong order, if all have the right text.
    pub moved: Vec<String>,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the bundle's files do not match its Mesh document")?;
        for (word, paths) in [
            ("changed", &self.changed),
            ("missing", &self.missing),
            ("extra", &self.extra),
            ("out of order", &self.moved),
        ] {
            for path in paths {
                write!(f, "\n  {word}: {path}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Mismatch {}

impl Carried {
    /// Reads the files of a folder, path → text.
    pub fn from_files(
        files: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ReadBundleError> {
        let files: Vec<(String, String)> = files.into_iter().collect();
        paths::check(files.iter().map(|(path, _)| path.as_str()))?;
        let mesh = files.iter().find(|(path, _)| path == MESH_FILE);
        let (_, mesh_yaml) = mesh.ok_or(ReadBundleError::NoMesh)?;
        Ok(Self {
            mesh_yaml: mesh_yaml.clone(),
            files,
            is_stream: false,
        })
    }

    /// Reads a zip archive.
    pub fn from_zip(bytes: &[u8]) -> Result<Self, ReadBundleError> {
        Self::from_files(zip::read(bytes)?)
    }

    /// Reads one YAML stream.
    pub fn from_stream(text: &str) -> Result<Self, ReadBundleError> {
        let mesh_yaml = stream::mesh_yaml(text).ok_or(ReadBundleError::NoMesh)?;
        let files = stream::files(text);
        paths::check(files.iter().skip(1).map(|(path, _)| path.as_str()))?;
        Ok(Self {
            mesh_yaml,
            files,
            is_stream: true,
        })
    }

    /// Whether a text is a bundle in one stream rather than a document.
    pub fn is_stream(text: &str) -> bool {
        text.starts_with(stream::FIRST_LINE) || text.starts_with("# cluster: ")
    }

    /// The document of the bundle.
    pub fn mesh(&self) -> Result<Mesh, ReadBundleError> {
        Ok(Mesh::read(&self.mesh_yaml)?)
    }

    /// The document's text; for a stream with the stream's lines and columns.
    pub fn mesh_yaml(&self) -> &str {
        &self.mesh_yaml
    }

    /// Verifies that the files match the document. A document with errors renders no files, so every file is then
    /// extra.
    pub fn verify(&self, mesh: &Mesh) -> Result<(), Mismatch> {
        let checked = check(mesh, &Facts::default());
        let bundle = checked
            .resolved
            .map(|resolved| Bundle::new(mesh, &resolved));
        let expected = match &bundle {
            None => Vec::new(),
            Some(bundle) if self.is_stream => stream::files(&bundle.to_stream()),
            Some(bundle) => {
                let files = bundle.files();
                files
                    .map(|(path, text)| (path.to_owned(), text.to_owned()))
                    .collect()
            }
        };
        let mut given = by_path(&self.files);
        let mut mismatch = Mismatch::default();
        for (path, text) in by_path(&expected) {
            match given.remove(path) {
                None => mismatch.missing.push(path.to_owned()),
                Some(theirs) if theirs != text => mismatch.changed.push(path.to_owned()),
                Some(_) => {}
            }
        }
        mismatch.extra = given.into_keys().map(str::to_owned).collect();
        if mismatch == Mismatch::default() && self.is_stream {
            // kubectl applies in this order, in which prerequisites come first.
            let mut pairs = self.files.iter().zip(&expected);
            let first = pairs.find(|(given, expected)| given != expected);
            mismatch
                .moved
                .extend(first.map(|((path, _), _)| path.clone()));
        }
        if mismatch == Mismatch::default() {
            Ok(())
        } else {
            Err(mismatch)
        }
    }
}

fn by_path(files: &[(String, String)]) -> BTreeMap<&str, &str> {
    let files = files.iter();
    files
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect()
}
