//! A bundle that comes back: its document, and the proof that its files are what the document gives.

use std::collections::BTreeMap;

use super::{Bundle, MESH_FILE, ZipError, stream, zip};
use crate::check::check;
use crate::facts::Facts;
use crate::mesh::{Mesh, ReadErrors};

/// A bundle as it was read, nothing proven yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    mesh_yaml: String,
    /// Path → text, the document's file left out.
    files: BTreeMap<String, String>,
    /// The whole stream, where it came as one.
    stream: Option<String>,
}

/// Why a bundle cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadBundleError {
    /// No document in it.
    #[error("there is no Mesh document in it")]
    NoMesh,
    /// The document in it is none.
    #[error("its Mesh document: {0}")]
    Mesh(#[from] ReadErrors),
    /// The archive is broken.
    #[error(transparent)]
    Zip(#[from] ZipError),
}

/// A bundle whose files are not what its document gives.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Files with other text.
    pub changed: Vec<String>,
    /// Files that the document gives and the bundle lacks.
    pub missing: Vec<String>,
    /// Files that the bundle has and the document does not give.
    pub extra: Vec<String>,
}

impl std::fmt::Display for Mismatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the bundle's files are not what its Mesh document gives")?;
        for (word, paths) in [
            ("changed", &self.changed),
            ("missing", &self.missing),
            ("extra", &self.extra),
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
    /// From the files of a folder, path → text.
    pub fn from_files(
        files: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ReadBundleError> {
        let mut files: BTreeMap<String, String> = files.into_iter().collect();
        let mesh_yaml = files.remove(MESH_FILE).ok_or(ReadBundleError::NoMesh)?;
        Ok(Self {
            mesh_yaml,
            files,
            stream: None,
        })
    }

    /// From a zip archive.
    pub fn from_zip(bytes: &[u8]) -> Result<Self, ReadBundleError> {
        Self::from_files(zip::read(bytes)?)
    }

    /// From one YAML stream.
    pub fn from_stream(text: &str) -> Result<Self, ReadBundleError> {
        let mesh_yaml = stream::mesh_yaml(text).ok_or(ReadBundleError::NoMesh)?;
        let files = stream::files(text)
            .into_iter()
            .filter(|(path, _)| path != MESH_FILE)
            .collect();
        Ok(Self {
            mesh_yaml,
            files,
            stream: Some(text.to_owned()),
        })
    }

    /// Whether a text is a bundle in one stream rather than a document.
    pub fn is_stream(text: &str) -> bool {
        text.starts_with(stream::FIRST_LINE) || text.starts_with("# cluster: ")
    }

    /// The document in it.
    pub fn mesh(&self) -> Result<Mesh, ReadBundleError> {
        Ok(Mesh::read(&self.mesh_yaml)?)
    }

    /// Its text; of a stream with the lines and columns that it has there.
    pub fn mesh_yaml(&self) -> &str {
        &self.mesh_yaml
    }

    /// Proves that the files are what the document gives. A document with errors gives no files,
    /// so every file is then extra.
    pub fn verify(&self, mesh: &Mesh) -> Result<(), Mismatch> {
        let checked = check(mesh, &Facts::default());
        let bundle = checked
            .resolved
            .map(|resolved| Bundle::new(mesh, &resolved));
        if let (Some(text), Some(bundle)) = (&self.stream, &bundle)
            && *text == bundle.to_stream()
        {
            return Ok(());
        }
        let expected: BTreeMap<String, String> = match (&bundle, &self.stream) {
            (None, _) => BTreeMap::new(),
            (Some(bundle), Some(_)) => stream::files(&bundle.to_stream()).into_iter().collect(),
            (Some(bundle), None) => bundle
                .files()
                .map(|(p, t)| (p.to_owned(), t.to_owned()))
                .collect(),
        };
        let mut given = self.files.clone();
        let mesh_text = match &self.stream {
            Some(text) => stream::files(text)
                .into_iter()
                .next()
                .map(|(_, text)| text)
                .unwrap_or_default(),
            None => self.mesh_yaml.clone(),
        };
        given.insert(MESH_FILE.to_owned(), mesh_text);

        let mut mismatch = Mismatch::default();
        for (path, text) in &expected {
            match given.remove(path) {
                None => mismatch.missing.push(path.clone()),
                Some(theirs) if theirs != *text => mismatch.changed.push(path.clone()),
                Some(_) => {}
            }
        }
        mismatch.extra = given.into_keys().collect();
        if mismatch == Mismatch::default() {
            Ok(())
        } else {
            Err(mismatch)
        }
    }
}
