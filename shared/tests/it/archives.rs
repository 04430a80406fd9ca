//! Bundles that other programs would read otherwise: archives and streams with more in them than one program sees.

use std::io::{Cursor, Read as _, Write as _};

use documents::{bundle, examples};
use shared::bundle::{Bundle, Carried, read_zip, write_zip};
use shared::facts::Facts;

/// One entry, with everything that an archive says of it.
#[derive(Clone)]
struct Entry {
    name: Vec<u8>,
    /// In the header before the content.
    local_name: Vec<u8>,
    flags: u16,
    method: u16,
    crc: u32,
    size: u32,
    attributes: u32,
    packed: Vec<u8>,
    /// Between the content and what comes next.
    after: Vec<u8>,
    extra: Vec<u8>,
}

fn stored(name: &str, content: &[u8]) -> Entry {
    let mut crc = flate2::Crc::new();
    crc.update(content);
    Entry {
        name: name.into(),
        local_name: name.into(),
        flags: 0,
        method: 0,
        crc: crc.sum(),
        size: content.len().try_into().unwrap(),
        attributes: 0o100_644 << 16,
        packed: content.to_vec(),
        after: Vec::new(),
        extra: Vec::new(),
    }
}

fn deflated(name: &str, content: &[u8]) -> Entry {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(content).unwrap();
    Entry {
        method: 8,
        packed: encoder.finish().unwrap(),
        ..stored(name, content)
    }
}

/// Sizes and checksum after the content, as written by programs that do not know them before.
fn streamed(name: &str, content: &[u8], signature: &[u8]) -> Entry {
    let mut entry = deflated(name, content);
    entry.flags = 8;
    let packed = u32::try_from(entry.packed.len()).unwrap();
    let fields = [entry.crc, packed, entry.size].map(u32::to_le_bytes);
    entry.after = [signature, &fields.concat()].concat();
    entry
}

struct Archive {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

impl Archive {
    fn of(entries: &[Entry]) -> Self {
        let mut archive = Self {
            bytes: Vec::new(),
            directory: Vec::new(),
            count: 0,
        };
        for entry in entries {
            archive.add(entry);
        }
        archive
    }

    fn add(&mut self, entry: &Entry) {
        let offset = self.bytes.len();
        self.local(entry);
        self.list(entry, offset);
    }

    fn local(&mut self, entry: &Entry) {
        let pending = entry.flags & 8 != 0;
        let sizes = |value: u32| if pending { 0 } else { value }.to_le_bytes();
        let packed = u32::try_from(entry.packed.len()).unwrap();
        self.bytes.extend(b"PK\x03\x04\x14\x00");
        for field in [entry.flags, entry.method, 0, 0x21] {
            self.bytes.extend(field.to_le_bytes());
        }
        for field in [entry.crc, packed, entry.size] {
            self.bytes.extend(sizes(field));
        }
        self.bytes.extend(length(&entry.local_name));
        self.bytes.extend(length(&entry.extra));
        self.bytes.extend(&entry.local_name);
        self.bytes.extend(&entry.extra);
        self.bytes.extend(&entry.packed);
        self.bytes.extend(&entry.after);
    }

    fn list(&mut self, entry: &Entry, offset: usize) {
        let packed = u32::try_from(entry.packed.len()).unwrap();
        let offset = u32::try_from(offset).unwrap();
        self.directory.extend(b"PK\x01\x02\x14\x03\x14\x00");
        for field in [entry.flags, entry.method, 0, 0x21] {
            self.directory.extend(field.to_le_bytes());
        }
        for field in [entry.crc, packed, entry.size] {
            self.directory.extend(field.to_le_bytes());
        }
        self.directory.extend(length(&entry.name));
        self.directory.extend(length(&entry.extra));
        self.directory.extend([0; 6]);
        self.directory.extend(entry.attributes.to_le_bytes());
        self.directory.extend(offset.to_le_bytes());
        self.directory.extend(&entry.name);
        self.directory.extend(&entry.extra);
        self.count += 1;
    }

    fn end(&self, start: usize) -> Vec<u8> {
        let mut end = b"PK\x05\x06\0\0\0\0".to_vec();
        end.extend([self.count, self.count].map(u16::to_le_bytes).concat());
        for field in [self.directory.len(), start] {
            end.extend(u32::try_from(field).unwrap().to_le_bytes());
        }
        end.extend([0; 2]);
        end
    }

    fn finish(self) -> Vec<u8> {
        let start = self.bytes.len();
        let end = self.end(start);
        [self.bytes, self.directory, end].concat()
    }
}

fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap().to_le_bytes()
}

fn zip(entries: &[Entry]) -> Vec<u8> {
    Archive::of(entries).finish()
}

#[track_caller]
fn refused(what: &str, bytes: &[u8], parts: &[&str]) {
    let error = match read_zip(bytes) {
        Err(error) => error.to_string(),
        Ok(files) => panic!("{what} is accepted: {files:?}"),
    };
    for part in parts {
        assert!(error.contains(part), "{what}: no {part:?} in {error:?}");
    }
}

#[test]
fn archives_of_other_programs_are_read() {
    let both = [("a.yaml", "kind: A\n"), ("b/c.yaml", "kind: B\n")]
        .map(|(path, text)| (path.to_owned(), text.to_owned()));
    let folder = Entry {
        attributes: (0o040_755 << 16) | 0x10,
        ..stored("b/", b"")
    };
    // A file without a Unix mode, as from DOS.
    let plain = Entry {
        attributes: 0,
        ..stored("a.yaml", b"kind: A\n")
    };
    for signature in [&b"PK\x07\x08"[..], b""] {
        let streamed = streamed("b/c.yaml", b"kind: B\n", signature);
        for second in [deflated("b/c.yaml", b"kind: B\n"), streamed] {
            let entries = [plain.clone(), folder.clone(), second];
            assert_eq!(read_zip(&zip(&entries)).unwrap(), both);
        }
    }
    // In another order than that of the directory.
    let [first, second] = [plain, stored("b/c.yaml", b"kind: B\n")];
    let mut archive = Archive::of(&[]);
    archive.local(&second);
    let offset = archive.bytes.len();
    archive.local(&first);
    archive.list(&first, offset);
    archive.list(&second, 0);
    assert_eq!(read_zip(&archive.finish()).unwrap(), both);
    // A comment, as `git archive` writes it.
    let mut commented = zip(&[first, second]);
    let at = commented.len() - 2;
    commented[at..].copy_from_slice(&[6, 0]);
    commented.extend(b"commit");
    assert_eq!(read_zip(&commented).unwrap(), both);
}

/// More files than fit into the numbers of a small archive.
#[test]
fn an_archive_with_many_files_comes_back() {
    let files: Vec<(String, String)> = (0..66_000)
        .map(|n| (format!("c/{n}.yaml"), String::new()))
        .collect();
    let pairs = files.iter().map(|(path, text)| (&**path, &**text));
    let mut bytes = write_zip(pairs).unwrap();
    assert_eq!(read_zip(&bytes).unwrap(), files);
    // Another number of entries in the record for large archives.
    let record = bytes
        .windows(4)
        .rposition(|four| four == b"PK\x06\x06")
        .unwrap();
    bytes[record + 24] ^= 1;
    assert!(read_zip(&bytes).is_err());
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn an_entry_that_programs_read_differently_is_refused_by_name() {
    let mesh = || stored("mesh.yaml", b"kind: Mesh\n");
    let text = b"kind: Secret\n";
    let attributes = |mode: u32| Entry {
        attributes: mode << 16,
        ..stored("x.yaml", b"/etc/passwd")
    };
    let local_name = Entry {
        local_name: b"y.yaml".into(),
        ..stored("x.yaml", text)
    };
    let mut junk_behind_stream = deflated("x.yaml", text);
    junk_behind_stream.packed.extend(b"PK\x03\x04");
    let mut longer = deflated("x.yaml", text);
    longer.size -= 1;
    let mut other_checksum = stored("x.yaml", text);
    other_checksum.crc ^= 1;
    // The extra field with another name (APPNOTE.TXT 4.6.9).
    let mut crc = flate2::Crc::new();
    crc.update(b"x.yaml");
    let second_name = Entry {
        extra: [
            &b"\x75\x70\x0b\x00\x01"[..],
            &crc.sum().to_le_bytes(),
            b"y.yaml",
        ]
        .concat(),
        ..stored("x.yaml", text)
    };
    for (what, entry, part) in [
        (
            "symbolic link",
            attributes(0o120_777),
            "`x.yaml` is a symbolic link",
        ),
        (
            "device",
            attributes(0o020_644),
            "`x.yaml` is a symbolic link or a special file",
        ),
        ("folder by mode", attributes(0o040_755), "`x.yaml` is"),
        ("file by mode", stored("x/", b""), "`x/` is"),
        (
            "folder with content",
            Entry {
                attributes: 0o040_755 << 16,
                ..stored("x/", text)
            },
            "`x/` is a folder with content",
        ),
        (
            "encrypted",
            Entry {
                flags: 1,
                ..stored("x.yaml", text)
            },
            "`x.yaml` is encrypted",
        ),
        (
            "bzip2",
            Entry {
                method: 12,
                ..stored("x.yaml", text)
            },
            "`x.yaml` is compressed by",
        ),
        (
            "other local name",
            local_name,
            "`x.yaml` has two headers that differ",
        ),
        (
            "junk behind the stream",
            junk_behind_stream,
            "`x.yaml` has content that does not match",
        ),
        (
            "longer than it says",
            longer,
            "`x.yaml` has content that does not match",
        ),
        (
            "other checksum",
            other_checksum,
            "`x.yaml` has content that does not match",
        ),
        (
            "second name",
            second_name,
            "`y.yaml` has two headers that differ",
        ),
        (
            "binary",
            stored("x.yaml", b"\xff\xfe"),
            "`x.yaml` is not UTF-8 text",
        ),
        (
            "name in CP437",
            stored_raw(b"\xe9.yaml"),
            "has a name that is not UTF-8",
        ),
        ("the same name", mesh(), "`mesh.yaml` occurs more than once"),
        (
            "another case",
            stored("Mesh.yaml", text),
            "differ only in case",
        ),
        (
            "a dot",
            stored("./mesh.yaml", text),
            "`./mesh.yaml` is not a plain relative path",
        ),
        (
            "absolute",
            stored("/mesh.yaml", text),
            "`/mesh.yaml` is not",
        ),
        (
            "parent",
            stored("a/../../x.yaml", text),
            "`a/../../x.yaml` is not",
        ),
        ("backslash", stored("a\\x.yaml", text), "is not a plain"),
        ("drive", stored("C:x.yaml", text), "`C:x.yaml` is not"),
        ("NUL", stored("x.yaml\0.png", text), "is not a plain"),
        (
            "below a file",
            stored("mesh.yaml/x", text),
            "`mesh.yaml` is a file and a folder",
        ),
        (
            "parent folder",
            Entry {
                attributes: 0,
                ..stored("../", b"")
            },
            "`../` is not",
        ),
    ] {
        refused(what, &zip(&[mesh(), entry.clone()]), &[part]);
        if what != "the same name" {
            refused(what, &zip(&[entry, mesh()]), &[]);
        }
    }
}

fn stored_raw(name: &[u8]) -> Entry {
    Entry {
        name: name.into(),
        local_name: name.into(),
        ..stored("", b"")
    }
}

#[test]
fn bytes_that_not_every_program_sees_are_refused() {
    let one = stored("mesh.yaml", b"kind: Mesh\n");
    let hidden = stored("x.yaml", b"kind: Secret\n");
    let good = zip(std::slice::from_ref(&one));
    assert_eq!(read_zip(&good).unwrap().len(), 1);

    refused("bytes before", &[b"#!/bin/sh\n", &good[..]].concat(), &[]);
    refused("bytes behind", &[&good[..], b"\n"].concat(), &[]);
    refused(
        "an archive behind",
        &[&good[..], &zip(std::slice::from_ref(&hidden))].concat(),
        &[],
    );
    refused(
        "an archive before",
        &[&zip(std::slice::from_ref(&hidden))[..], &good].concat(),
        &[],
    );

    // An entry that the directory does not list: before, between and behind those that it lists.
    for at in 0..3 {
        let mut archive = Archive::of(&[]);
        for (index, entry) in [&one, &deflated("b.yaml", b"kind: B\n")]
            .into_iter()
            .enumerate()
        {
            if index == at {
                archive.local(&hidden);
            }
            archive.add(entry);
        }
        if at == 2 {
            archive.local(&hidden);
        }
        refused(
            "an unlisted entry",
            &archive.finish(),
            &["bytes outside of its entries"],
        );
    }
    // In the place of a data descriptor.
    let mut descriptor = streamed("mesh.yaml", b"kind: Mesh\n", b"PK\x07\x08");
    descriptor.after[4] ^= 1;
    refused("another descriptor", &zip(&[descriptor]), &[]);
    let mut missing = streamed("mesh.yaml", b"kind: Mesh\n", b"");
    missing.after.clear();
    refused("no descriptor", &zip(&[missing]), &[]);
    // The same bytes under two names.
    let mut archive = Archive::of(&[]);
    archive.add(&one);
    archive.list(&one, 0);
    let renamed = archive.directory.len() - 1;
    archive.directory[renamed] = b'x';
    refused("shared bytes", &archive.finish(), &[]);
    // An entry in the content of another.
    let inner = zip(std::slice::from_ref(&hidden));
    let outer = stored("mesh.yaml", &inner);
    let mut archive = Archive::of(&[]);
    archive.add(&outer);
    let within = archive.bytes.len() - inner.len();
    archive.list(&hidden, within);
    refused("nested", &archive.finish(), &[]);

    // Directories and ends that do not fit together.
    let both = Archive::of(&[one.clone(), hidden.clone()]);
    let start = both.bytes.len();
    let whole = [&both.bytes[..], &both.directory].concat();
    let fewer = Archive {
        count: 1,
        bytes: Vec::new(),
        directory: both.directory.clone(),
    };
    refused(
        "fewer entries",
        &[&whole[..], &fewer.end(start)].concat(),
        &[],
    );
    // An entry that the end does not count, and that claims to reach past it.
    let mut beyond = Archive::of(std::slice::from_ref(&one));
    let uncounted = beyond.directory.len();
    beyond.list(&hidden, 0);
    beyond.count = 1;
    beyond.directory[uncounted + 32..uncounted + 34].fill(0xff);
    refused("an entry without an end", &beyond.finish(), &[]);
    let mut size = both.end(start);
    size[12] -= 1;
    refused("a smaller directory", &[&whole[..], &size].concat(), &[]);
    refused(
        "two ends",
        &[&whole[..], &both.end(start), &both.end(start)].concat(),
        &[],
    );
    refused(
        "bytes before the end",
        &[&whole[..], b"....", &both.end(start)].concat(),
        &[],
    );
    let mut comment = both.end(start);
    let length = comment.len() - 2;
    comment[length] = 22;
    comment.extend(both.end(start));
    refused(
        "an end in the comment",
        &[&whole[..], &comment].concat(),
        &[],
    );
    refused("cut off", &good[..good.len() - 1], &[]);
}

#[test]
fn entries_that_lead_out_of_the_bundle_are_refused() {
    for name in [
        "../x.yaml",
        "/x.yaml",
        "a/../../x.yaml",
        "a/./x.yaml",
        "a\\..\\x.yaml",
        "C:x.yaml",
        "a//x.yaml",
    ] {
        let entries = [
            stored("mesh.yaml", b"kind: Mesh\n"),
            stored(name, b"kind: Secret\n"),
        ];
        refused(
            name,
            &zip(&entries),
            &[name.split(['/', '\\']).next().unwrap_or_default()],
        );
        let folder = Entry {
            attributes: (0o040_755 << 16) | 0x10,
            ..stored(&format!("{name}/"), b"")
        };
        refused(name, &zip(&[entries[0].clone(), folder]), &[]);
    }
}

/// What is said of sizes is held against them before and while content is unpacked.
#[test]
fn an_archive_never_unpacks_to_more_than_it_may() {
    let large = deflated("0.yaml", &vec![b'#'; 1 << 20]);
    let declared = (0..9).map(|n| Entry {
        name: format!("{n}.yaml").into(),
        local_name: format!("{n}.yaml").into(),
        size: 64 << 20,
        ..large.clone()
    });
    let declared: Vec<Entry> = declared.collect();
    refused("a bomb", &zip(&declared), &["too large"]);
    refused(
        "as much as may be",
        &zip(&declared[..8]),
        &["`0.yaml` has content that does not match"],
    );
    let small = Entry { size: 10, ..large };
    refused(
        "a bomb that says it is small",
        &zip(&[small]),
        &["`0.yaml` has content that does not match"],
    );
}

/// Whatever single byte is changed, no other files come back.
#[test]
fn a_changed_byte_never_gives_other_files() {
    let files = [
        ("mesh.yaml", "kind: Mesh\n"),
        ("a/10-x.yaml", "kind: Secret\n"),
    ];
    let good = write_zip(files.into_iter()).unwrap();
    let expected = read_zip(&good).unwrap();
    for at in 0..good.len() {
        for bit in 0..8 {
            let mut bytes = good.clone();
            bytes[at] ^= 1 << bit;
            if let Ok(files) = read_zip(&bytes) {
                assert_eq!(files, expected, "bit {bit} of byte {at}");
            }
        }
    }
}

/// A program that goes by entries, one after the other, reads what we read.
#[test]
fn a_bundle_reads_the_same_from_both_ends() {
    let zip = example().to_zip().unwrap();
    let mut from_start = Vec::new();
    let mut reader = Cursor::new(&zip);
    while let Some(mut file) = zip::read::read_zipfile_from_stream(&mut reader).unwrap() {
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        let path = file.name().unwrap().into_owned();
        from_start.push((path, text));
    }
    assert_eq!(read_zip(&zip).unwrap(), from_start);
}

fn example() -> Bundle {
    bundle(
        &examples().remove("walkthrough.yaml").unwrap(),
        &Facts::default(),
    )
}

#[test]
fn a_stream_is_what_its_document_gives_and_nothing_else() {
    let stream = example().to_stream();
    let section = "---\n# file: cluster1/60-gateway.yaml\n";
    let secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: x}\n";
    let (before, rest) = stream.split_once(section).unwrap();
    let (gateway, after) = rest.split_once("---\n# file: ").unwrap();
    let after = format!("---\n# file: {after}");
    let of = |text: &str| -> Result<(), String> {
        let carried = Carried::from_stream(text).map_err(|error| error.to_string())?;
        let mesh = carried.mesh().map_err(|error| error.to_string())?;
        carried.verify(&mesh).map_err(|error| error.to_string())
    };
    assert_eq!(of(&stream), Ok(()));
    let (first, manifests) = stream.split_once("# cluster: ").unwrap();
    let (next, others) = after[4..].split_once("---\n# file: ").unwrap();
    for (what, text, part) in [
        (
            "a section twice, a foreign one first",
            format!("{before}{section}{secret}{section}{gateway}{after}"),
            "`cluster1/60-gateway.yaml` occurs more than once",
        ),
        (
            "a section twice, the same",
            format!("{before}{section}{gateway}{section}{gateway}{after}"),
            "`cluster1/60-gateway.yaml` occurs more than once",
        ),
        (
            "a section in another case",
            stream.replacen(
                section,
                &format!(
                    "{}{secret}{section}",
                    section.to_uppercase().replace("# FILE: ", "# file: ")
                ),
                1,
            ),
            "differ only in case",
        ),
        (
            "a section with a dot",
            stream.replacen(
                section,
                &format!("{}{secret}{section}", section.replace("file: ", "file: ./")),
                1,
            ),
            "`./cluster1/60-gateway.yaml` is not a plain relative path",
        ),
        (
            "a document before all sections",
            format!("{first}{secret}# cluster: {manifests}"),
            "changed: (the lines before the first",
        ),
        (
            "a document between",
            format!("{before}{secret}{section}{gateway}{after}"),
            "changed: cluster1/",
        ),
        (
            "a document behind all sections",
            format!("{stream}{secret}"),
            "changed: cluster2/",
        ),
        (
            "another digest",
            stream.replacen("# digest: ", "# digest: 0", 1),
            "changed: (the lines before the first",
        ),
        (
            "two documents",
            stream.replacen("---\n", "#| kind: Mesh\n---\n", 1),
            "(the lines before the first",
        ),
        (
            "sections in another order",
            format!("{before}---\n{next}{section}{gateway}---\n# file: {others}"),
            "out of order: ",
        ),
        ("lines that end otherwise", stream.replace('\n', "\r\n"), ""),
    ] {
        let refused = of(&text).expect_err(what);
        assert!(refused.contains(part), "{what}: no {part:?} in {refused}");
    }
}

/// Whatever single line is taken out, doubled or moved, the stream is another.
#[test]
fn every_line_of_a_stream_counts() {
    let stream = example().to_stream();
    let lines: Vec<&str> = stream.split_inclusive('\n').collect();
    let is_accepted = |lines: &[&str]| {
        Carried::from_stream(&lines.concat()).is_ok_and(|carried| {
            carried
                .mesh()
                .is_ok_and(|mesh| carried.verify(&mesh).is_ok())
        })
    };
    assert!(is_accepted(&lines));
    for at in (0..lines.len()).step_by(7) {
        let mut without = lines.clone();
        without.remove(at);
        assert!(!is_accepted(&without), "without line {at}");
        let mut doubled = lines.clone();
        doubled.insert(at, lines[at]);
        assert!(!is_accepted(&doubled), "line {at} twice");
    }
}
