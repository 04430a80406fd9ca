//! Zip archives: reading and writing.

mod layout;

use std::io::{Cursor, Read, Seek, Write};

use flate2::bufread::DeflateDecoder;
use zip::read::ZipReadOptions;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::paths::{self, PathError};

/// Limit of files in an archive that is read.
const MAX_FILES: usize = 100_000;
/// The file type in an entry's attributes.
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const DOS_FOLDER: u32 = 0x10;
/// Limit of bytes in all files of an archive that is read, so that a small archive cannot exhaust the memory.
const MAX_BYTES: u64 = 512 * 1024 * 1024;

/// An archive that cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// The text is not a valid zip archive.
    #[error("the zip archive is broken: {0}")]
    Archive(#[from] zip::result::ZipError),
    /// It cannot be written.
    #[error("the zip archive cannot be written: {0}")]
    Io(#[from] std::io::Error),
    /// The archive exceeds the limits.
    #[error(
        "the zip archive is too large: at most {MAX_FILES} files and {MAX_BYTES} bytes are read"
    )]
    TooLarge,
    /// Bytes that belong to no entry, entries that share bytes, or an end record that does not match.
    #[error(
        "the zip archive has bytes outside of its entries, or overlapping entries, which programs read differently"
    )]
    Layout,
    /// An entry that some programs read differently, or not at all.
    #[error("in the zip archive `{}` {problem}", name.escape_debug())]
    Entry {
        /// The entry's name.
        name: String,
        /// The problem.
        problem: EntryProblem,
    },
    /// Invalid paths.
    #[error("in the zip archive {0}")]
    Path(#[from] PathError),
}

/// The reason why an entry of an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum EntryProblem {
    /// Another entry has its name.
    #[error("occurs more than once")]
    Repeated,
    /// Neither a file nor a folder.
    #[error("is a symbolic link or a special file")]
    Special,
    /// A name like `folder/`, with bytes.
    #[error("is a folder with content")]
    FolderWithContent,
    /// It needs a password.
    #[error("is encrypted")]
    Encrypted,
    /// Neither stored nor deflated.
    #[error("is compressed by a method other than deflate")]
    Compression,
    /// The header before the content differs from the archive's directory.
    #[error("has two headers that differ: {0}")]
    Headers(#[source] zip::result::ZipError),
    /// Its size or checksum differs, or there are several compressed streams.
    #[error("has content that does not match its size and checksum")]
    Damaged,
    /// Not UTF-8.
    #[error("is not UTF-8 text")]
    NotText,
    /// A name that is not UTF-8.
    #[error("has a name that is not UTF-8, or a second name")]
    Name,
}

/// A zip archive that is being written; the same files in the same order give the same bytes.
pub struct Archive<W: Write + Seek>(ZipWriter<W>);

impl<W: Write + Seek> Archive<W> {
    /// Creates an archive without files.
    pub fn new(to: W) -> Self {
        Self(ZipWriter::new(to))
    }

    /// Adds a file.
    pub fn add(&mut self, path: &str, text: &str) -> Result<(), ZipError> {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            // The oldest time of the format, so that the archive depends on its contents alone.
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644);
        self.0.start_file(path, options)?;
        Ok(self.0.write_all(text.as_bytes())?)
    }

    /// Adds a file whose text is compressed already: the same bytes as with [`Self::add`].
    pub fn copy<R: Read + Seek>(
        &mut self,
        path: &str,
        packed: &mut Packed<R>,
        number: usize,
    ) -> Result<(), ZipError> {
        let text = packed.0.by_index_raw(number)?;
        Ok(self.0.raw_copy_file_rename(text, path)?)
    }

    /// Finishes the archive, and returns its writer.
    pub fn finish(self) -> Result<W, ZipError> {
        Ok(self.0.finish()?)
    }
}

/// Compressed texts, to copy into an archive under any number of paths: each is compressed once, whatever the number of
/// its files.
pub struct Packed<R>(ZipArchive<R>);

impl<R: Read + Seek> Packed<R> {
    /// The files of an archive, by number from 0.
    pub fn new(archive: R) -> Result<Self, ZipError> {
        Ok(Self(ZipArchive::new(archive)?))
    }
}

/// Writes files, given as path and text, to one zip archive.
pub fn write<'a>(files: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Vec<u8>, ZipError> {
    let mut archive = Archive::new(Cursor::new(Vec::new()));
    for (path, text) in files {
        archive.add(path, text)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// Whether bytes are an archive. Every archive starts with this signature (APPNOTE.TXT 4.3.7); no YAML and no JSON
/// does.
pub fn is_zip(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK")
}

/// Reads the files of an archive, path and text.
///
/// # Errors
/// The archive is invalid, larger than a bundle can be, or another program could read other files: accepted archives
/// are the same for programs that use the archive's directory and for those that read its entries in sequence.
pub fn read(bytes: &[u8]) -> Result<Vec<(String, String)>, ZipError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    if archive.len() > MAX_FILES {
        return Err(ZipError::TooLarge);
    }
    let entries = layout::entries(bytes, &archive)?;
    let sizes = entries
        .iter()
        .map(|entry| archive.by_index_data(entry.number));
    let sizes = sizes.map(|entry| entry.map(|entry| entry.size()));
    let total: zip::result::ZipResult<u64> = sizes
        .reduce(|sum, size| Ok(sum?.saturating_add(size?)))
        .unwrap_or(Ok(0));
    if total? > MAX_BYTES {
        return Err(ZipError::TooLarge);
    }
    let mut files = Vec::new();
    for entry in entries {
        let name = archive.by_index_data(entry.number)?.name_raw().to_vec();
        let file = read_entry(&mut archive, entry.number, &bytes[entry.content]);
        let file = file.map_err(|problem| ZipError::Entry {
            name: String::from_utf8_lossy(&name).into_owned(),
            problem,
        })?;
        files.push(file);
    }
    let named = |(path, text)| match text {
        Some(text) => Ok(Some((path, text))),
        None => check_folder(path).map(|()| None),
    };
    let files: Result<Vec<_>, _> = files
        .into_iter()
        .filter_map(|one| named(one).transpose())
        .collect();
    let files = files?;
    paths::check(
        files
            .iter()
            .map(|(path, _): &(String, String)| path.as_str()),
    )?;
    Ok(files)
}

fn check_folder(path: String) -> Result<(), PathError> {
    if path.strip_suffix('/').is_some_and(paths::is_plain) {
        Ok(())
    } else {
        Err(PathError::NotPlain(path))
    }
}

/// The path of an entry, and its text if it is a file.
fn read_entry<R: Read + Seek>(
    archive: &mut ZipArchive<R>,
    number: usize,
    content: &[u8],
) -> Result<(String, Option<String>), EntryProblem> {
    let broken = EntryProblem::Headers;
    let entry = archive.by_index_data(number).map_err(broken)?;
    if entry.encrypted() || entry.flags().is_encrypted() {
        return Err(EntryProblem::Encrypted);
    }
    let method = entry.compression();
    if ![CompressionMethod::Stored, CompressionMethod::Deflated].contains(&method) {
        return Err(EntryProblem::Compression);
    }
    let (size, crc, is_folder) = (entry.size(), entry.crc32(), entry.is_dir());
    let expected = if is_folder { FOLDER } else { REGULAR };
    // The file type in Unix attributes, which some programs use in archives from any system.
    let kind = (entry.external_attributes() >> 16) & 0o170_000;
    let is_dos_folder = entry.external_attributes() & DOS_FOLDER != 0;
    if (kind != 0 && kind != expected) || (is_dos_folder && !is_folder) {
        return Err(EntryProblem::Special);
    }
    let path = String::from_utf8(entry.name_raw().to_vec()).map_err(|_| EntryProblem::Name)?;
    if entry.name().map_err(broken)? != path {
        return Err(EntryProblem::Name);
    }
    let strict = ZipReadOptions::new().enforce_header_consistency(true);
    archive
        .by_index_with_options(number, strict)
        .map_err(broken)?;
    let content = match method {
        CompressionMethod::Stored => Some(content.to_vec()),
        _ => inflate(content, size),
    };
    let content =
        content.filter(|content| content.len() as u64 == size && checksum(content) == crc);
    let content = content.ok_or(EntryProblem::Damaged)?;
    if is_folder {
        let is_empty = content.is_empty();
        let folder = is_empty.then_some((path, None));
        return folder.ok_or(EntryProblem::FolderWithContent);
    }
    let text = String::from_utf8(content).map_err(|_| EntryProblem::NotText)?;
    Ok((path, Some(text)))
}

/// The content, if it is one compressed stream without trailing bytes: programs that read entries in sequence expect
/// the next one there. At most one byte beyond `size` is inflated.
fn inflate(packed: &[u8], size: u64) -> Option<Vec<u8>> {
    let mut decoder = DeflateDecoder::new(packed);
    let mut content = Vec::new();
    decoder
        .by_ref()
        .take(size.saturating_add(1))
        .read_to_end(&mut content)
        .ok()?;
    (decoder.total_in() == packed.len() as u64).then_some(content)
}

fn checksum(content: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    crc.sum()
}
