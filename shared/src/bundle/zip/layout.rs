//! The layout of an archive. Programs read entries in two ways: from the directory at the end, or one after the other
//! from the start. Both read the same entries if the parts follow each other without a gap.

use std::io::{Read, Seek};

use zip::ZipArchive;

use super::{EntryProblem, ZipError};

/// Signatures (APPNOTE.TXT 4.3.7 to 4.3.16).
const DIRECTORY_ENTRY: &[u8] = b"PK\x01\x02";
const END: &[u8] = b"PK\x05\x06";
const LARGE_END: &[u8] = b"PK\x06\x06";
const LARGE_LOCATOR: &[u8] = b"PK\x06\x07";
const DESCRIPTOR: &[u8] = b"PK\x07\x08";

/// The position of an entry.
pub(super) struct Entry {
    /// Its number in the archive.
    pub(super) number: usize,
    /// The range of its content in the archive.
    pub(super) content: std::ops::Range<usize>,
}

/// The entries of an archive, in the order of its directory, if the archive contains nothing else.
pub(super) fn entries<R: Read + Seek>(
    bytes: &[u8],
    archive: &ZipArchive<R>,
) -> Result<Vec<Entry>, ZipError> {
    let directory = usize::try_from(archive.central_directory_start());
    let start = directory.map_err(|_| ZipError::Layout)?;
    let names = directory_names(bytes, start)?;
    let mut places = Vec::new();
    for number in 0..archive.len() {
        let header = archive.by_index_data(number)?.header_start();
        places.push((
            usize::try_from(header).map_err(|_| ZipError::Layout)?,
            number,
        ));
    }
    if names != places.len() {
        return Err(ZipError::Layout);
    }
    places.sort_unstable();
    let mut entries = Vec::new();
    let mut end = 0;
    for (at, (header, number)) in places.iter().enumerate() {
        if *header != end {
            return Err(ZipError::Layout);
        }
        let next = places.get(at + 1).map_or(start, |(header, _)| *header);
        let content = content(bytes, archive, *header, *number, next).ok_or(ZipError::Layout)?;
        entries.push(Entry {
            number: *number,
            content,
        });
        end = next;
    }
    if end != start {
        return Err(ZipError::Layout);
    }
    entries.sort_unstable_by_key(|entry| entry.number);
    Ok(entries)
}

/// The number of entries in the directory, if it ends at the archive's end record and matches it. An entry's name may
/// occur once.
fn directory_names(bytes: &[u8], start: usize) -> Result<usize, ZipError> {
    let mut at = start;
    let mut names = std::collections::BTreeSet::new();
    while bytes
        .get(at..)
        .is_some_and(|rest| rest.starts_with(DIRECTORY_ENTRY))
    {
        let lengths = [28, 30, 32].map(|field| short(bytes, at + field));
        let [Some(name), Some(extra), Some(comment)] = lengths else {
            return Err(ZipError::Layout);
        };
        let text = bytes.get(at + 46..at + 46 + name).ok_or(ZipError::Layout)?;
        if !names.insert(text) {
            let name = String::from_utf8_lossy(text).into_owned();
            let problem = EntryProblem::Repeated;
            return Err(ZipError::Entry { name, problem });
        }
        at += 46 + name + extra + comment;
    }
    let is_end = is_end(bytes, at, names.len(), start);
    is_end.then_some(names.len()).ok_or(ZipError::Layout)
}

/// The range of an entry's content, if only its data descriptor is between it and the next part.
fn content<R: Read + Seek>(
    bytes: &[u8],
    archive: &ZipArchive<R>,
    header: usize,
    number: usize,
    next: usize,
) -> Option<std::ops::Range<usize>> {
    let entry = archive.by_index_data(number).ok()?;
    let start = header + 30 + short(bytes, header + 26)? + short(bytes, header + 28)?;
    let end = start.checked_add(usize::try_from(entry.compressed_size()).ok()?)?;
    let between = bytes.get(end..next)?;
    if !entry.flags().is_using_data_descriptor() {
        return between.is_empty().then_some(start..end);
    }
    // The signature is optional, and sizes are wide in large archives (4.3.9).
    let rest = between.strip_prefix(DESCRIPTOR).unwrap_or(between);
    let (size, packed) = (entry.size(), entry.compressed_size());
    let sizes = rest.strip_prefix(&entry.crc32().to_le_bytes())?;
    let wide = [packed.to_le_bytes(), size.to_le_bytes()].concat();
    let narrow = |size| u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes();
    let narrow = [narrow(packed), narrow(size)].concat();
    (sizes == wide || sizes == narrow).then_some(start..end)
}

/// Whether the rest of an archive is one end record, with its forms for large archives before it (4.3.14 to 4.3.16),
/// that describes the directory correctly. A comment without a signature is not a record.
fn is_end(bytes: &[u8], at: usize, count: usize, start: usize) -> bool {
    // A directory's last entry may claim to be longer than the archive.
    let Some(rest) = bytes.get(at..) else {
        return false;
    };
    let mut rest = Fields(rest);
    let [offset, count, start, size] = [at, count, start, at - start].map(|one| one as u64);
    let is_large = rest.0.starts_with(LARGE_END);
    if is_large {
        let is_as_expected = rest.take(LARGE_END)
            && rest.take(&44_u64.to_le_bytes())
            // The versions of the writer.
            && rest.skip(4)
            && rest.take(&[0; 8])
            && [count, count, size, start].iter().all(|one| rest.take(&one.to_le_bytes()))
            && rest.take(LARGE_LOCATOR)
            && rest.take(&[0; 4])
            && rest.take(&offset.to_le_bytes())
            && rest.take(&1_u32.to_le_bytes());
        if !is_as_expected {
            return false;
        }
    }
    rest.take(END)
        && rest.take(&[0; 4])
        && [count, count]
            .iter()
            .all(|one| rest.take_number(*one, 2, is_large))
        && [size, start]
            .iter()
            .all(|one| rest.take_number(*one, 4, is_large))
        && rest.take_comment()
}

/// The remaining fields of a record.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take(&mut self, expected: &[u8]) -> bool {
        match self.0.strip_prefix(expected) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    fn skip(&mut self, count: usize) -> bool {
        match self.0.get(count..) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// Consumes a number of this width; in a large archive it may be elsewhere.
    fn take_number(&mut self, number: u64, width: usize, is_large: bool) -> bool {
        let (low, high) = (
            &number.to_le_bytes()[..width],
            &number.to_le_bytes()[width..],
        );
        let fits = high.iter().all(|byte| *byte == 0);
        (fits && self.take(low)) || (is_large && self.take(&[0xff; 8][..width]))
    }

    fn take_comment(&mut self) -> bool {
        let length = short(self.0, 0);
        self.skip(2)
            && length == Some(self.0.len())
            && !self.0.windows(END.len()).any(|window| window == END)
    }
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    let field: [u8; 2] = bytes.get(at..at + 2)?.try_into().ok()?;
    Some(u16::from_le_bytes(field).into())
}
