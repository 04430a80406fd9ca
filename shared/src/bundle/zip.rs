//! Zip archives, in and out.

use std::io::{Cursor, Read, Seek, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// Most files in an archive that is read.
const MAX_FILES: usize = 100_000;
/// Most bytes in all files of an archive that is read, so that a small archive cannot fill the memory.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// An archive that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// Not a zip archive, or a broken one.
    #[error("the zip archive is broken: {0}")]
    Archive(#[from] zip::result::ZipError),
    /// A file in it cannot be read or written.
    #[error("a file in the zip archive cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// More than a bundle can have.
    #[error(
        "the zip archive is too large: at most {MAX_FILES} files and {MAX_BYTES} bytes are read"
    )]
    TooLarge,
    /// A path that leads out of the archive, or is no text.
    #[error("the zip archive has a file with the path {0:?}, which no bundle has")]
    Path(String),
}

/// A zip archive under way; the same files in the same order give the same bytes every time.
pub struct Archive<W: Write + Seek>(ZipWriter<W>);

impl<W: Write + Seek> Archive<W> {
    /// An archive without files.
    pub fn new(to: W) -> Self {
        Self(ZipWriter::new(to))
    }

    /// Adds a file.
    pub fn add(&mut self, path: &str, text: &str) -> Result<(), ZipError> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            // The oldest time that the format has: the archive depends on its contents alone.
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644);
        self.0.start_file(path, options)?;
        Ok(self.0.write_all(text.as_bytes())?)
    }

    /// Adds a file whose text is packed already: the same bytes as by [`Self::add`].
    pub fn copy<R: Read + Seek>(
        &mut self,
        path: &str,
        packed: &mut Packed<R>,
        number: usize,
    ) -> Result<(), ZipError> {
        let text = packed.0.by_index_raw(number)?;
        Ok(self.0.raw_copy_file_rename(text, path)?)
    }

    /// Ends the archive, and gives back what it was written to.
    pub fn finish(self) -> Result<W, ZipError> {
        Ok(self.0.finish()?)
    }
}

/// Packed texts, to be copied into an archive under any number of paths: they are packed once, however
/// many files have them.
pub struct Packed<R>(ZipArchive<R>);

impl<R: Read + Seek> Packed<R> {
    /// The files of an archive, which go by their numbers, from 0.
    pub fn new(archive: R) -> Result<Self, ZipError> {
        Ok(Self(ZipArchive::new(archive)?))
    }
}

/// Files, given as path and text, as one zip archive.
pub fn write<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Vec<u8>, ZipError> {
    let mut archive = Archive::new(Cursor::new(Vec::new()));
    for (path, text) in files {
        archive.add(path, text)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// Whether bytes are those of an archive. Every one starts so (APPNOTE.TXT 4.3.7); no YAML and no JSON does.
pub fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK")
}

/// The files of an archive, path and text.
///
/// # Errors
/// Where it is broken, larger than a bundle can be, or has a file that is no text or leads out of it.
pub fn read(bytes: &[u8]) -> Result<Vec<(String, String)>, ZipError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    if archive.len() > MAX_FILES {
        return Err(ZipError::TooLarge);
    }
    let mut left = MAX_BYTES;
    let mut files = Vec::new();
    for index in 0..archive.len() {
        let file = archive.by_index(index)?;
        if file.is_dir() {
            continue;
        }
        let path = file.name()?.into_owned();
        if file.enclosed_name().is_none() {
            return Err(ZipError::Path(path));
        }
        let mut text = String::new();
        let read = file.take(left + 1).read_to_string(&mut text)?;
        left = left.checked_sub(read as u64).ok_or(ZipError::TooLarge)?;
        files.push((path, text));
    }
    Ok(files)
}
