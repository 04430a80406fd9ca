//! The files that differ between two bundles, cluster by cluster, and a text about them for a pull request.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use shared::bundle::{MESH_FILE, Texts};
use shared::kubernetes::diff;

/// The heading of the document itself.
const DOCUMENT: &str = "Document";
/// The heading of files that belong to no single cluster.
pub const COMMON: &str = "All clusters";

/// Bytes of a text for a pull request: GitHub accepts 65,536 characters, and GitLab more.
const MOST_BYTES: usize = 60_000;

/// A comparison that is being made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparing {
    /// The number of parts that are rendered, of both bundles.
    pub done: usize,
    /// The number of all parts.
    pub total: usize,
    /// The changes, once all are rendered.
    pub changes: Option<Changes>,
}

/// All changes; files that are the same are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// The document, the files that belong to no single cluster, and those of each cluster, if they have changes.
    pub groups: Vec<Group>,
}

/// Files that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// The name of the cluster, or another heading.
    pub name: String,
    /// In the order of their paths.
    pub files: Vec<FileChange>,
}

/// A file that differs.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileChange {
    /// Its path in the bundle.
    pub path: String,
    /// The difference.
    pub change: Change,
}

/// How a file differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Change {
    /// Only the later bundle has it.
    Added,
    /// Both have it, with different texts.
    Changed,
    /// Only the earlier bundle has it.
    Removed,
}

impl Change {
    /// In a word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Changed => "changed",
            Self::Removed => "removed",
        }
    }

    const fn symbol(self) -> char {
        match self {
            Self::Added => '+',
            Self::Changed => '~',
            Self::Removed => '−',
        }
    }
}

impl Group {
    /// `1 added, 2 changed`.
    pub fn words(&self) -> String {
        let counts = self.counts();
        let words = counts.map(|(change, count)| format!("{count} {}", change.word()));
        words.collect::<Vec<_>>().join(", ")
    }

    /// The same in short: `+1 ~2`.
    pub fn symbols(&self) -> String {
        let counts = self.counts();
        let symbols = counts.map(|(change, count)| format!("{}{count}", change.symbol()));
        symbols.collect::<Vec<_>>().join(" ")
    }

    fn counts(&self) -> impl Iterator<Item = (Change, usize)> {
        let all = [Change::Added, Change::Changed, Change::Removed].into_iter();
        let count = |change| self.files.iter().filter(|one| one.change == change).count();
        all.map(move |change| (change, count(change)))
            .filter(|(_, count)| *count > 0)
    }
}

/// The text of a file before and after; `None` where it does not exist.
type Pair<'a> = (Option<&'a str>, Option<&'a str>);

/// The files of two bundles by the headings of their groups, in the order of the clusters.
struct Pairs<'a> {
    names: Vec<&'a str>,
    files: BTreeMap<&'a str, BTreeMap<&'a str, Pair<'a>>>,
}

impl<'a> Pairs<'a> {
    fn new(before: &'a Texts, after: &'a Texts) -> Self {
        let mut pairs = Self {
            names: vec![DOCUMENT, COMMON],
            files: BTreeMap::new(),
        };
        // Clusters that were removed come last.
        for texts in [after, before] {
            for (name, _) in texts.clusters() {
                if !pairs.names.contains(&name) {
                    pairs.names.push(name);
                }
            }
        }
        pairs.add(after, |pair, text| pair.1 = Some(text));
        pairs.add(before, |pair, text| pair.0 = Some(text));
        pairs
    }

    fn add(&mut self, texts: &'a Texts, set: impl Fn(&mut Pair<'a>, &'a str)) {
        // Paths are listed with their clusters, texts with their paths, in the same order.
        let clusters = texts
            .clusters()
            .flat_map(|(name, paths)| paths.map(move |_| name));
        let common = texts.common().map(|_| COMMON);
        let names = [DOCUMENT].into_iter().chain(common).chain(clusters);
        for (name, (path, text)) in names.zip(texts.files()) {
            let pair = self.files.entry(name).or_default().entry(path).or_default();
            set(pair, text);
        }
    }

    /// The files that differ, group by group.
    fn different(&self) -> impl Iterator<Item = (&'a str, &'a str, Change, Pair<'a>)> + '_ {
        let groups = self.names.iter().filter_map(|name| {
            let files = self.files.get(name)?;
            Some((*name, files))
        });
        groups.flat_map(|(name, files)| {
            files.iter().filter_map(move |(path, pair)| {
                let change = match pair {
                    (None, _) => Change::Added,
                    (_, None) => Change::Removed,
                    (before, after) if before != after => Change::Changed,
                    _ => return None,
                };
                Some((name, *path, change, *pair))
            })
        })
    }
}

/// The changes from one bundle to another.
pub fn between(before: &Texts, after: &Texts) -> Changes {
    let mut groups: Vec<Group> = Vec::new();
    for (name, path, change, _) in Pairs::new(before, after).different() {
        let file = FileChange {
            path: path.to_owned(),
            change,
        };
        match groups.last_mut().filter(|group| group.name == name) {
            Some(group) => group.files.push(file),
            None => groups.push(Group {
                name: name.to_owned(),
                files: vec![file],
            }),
        }
    }
    Changes { groups }
}

/// The difference of a file as a unified diff.
pub fn diff_of(before: &Texts, after: &Texts, path: &str) -> String {
    let text = |texts: &Texts| {
        if path == MESH_FILE {
            return texts.mesh_yaml.clone();
        }
        texts
            .find(path)
            .map(|index| texts.text(index).0.to_owned())
            .unwrap_or_default()
    };
    diff::of_texts(&text(before), &text(after))
}

/// A text for a pull request, as Markdown: the changes of the document, a table of the clusters, and the diff of each
/// file, once for all clusters in which it is the same. `since` names the earlier bundle.
pub fn pull_request(since: &str, before: &Texts, after: &Texts) -> String {
    let pairs = Pairs::new(before, after);
    let mut text = format!("## Changes since {since}\n\n");
    table(&between(before, after), &mut text);
    // The same diff in several clusters is written once.
    let mut diffs: Vec<(String, Vec<&str>)> = Vec::new();
    let mut known: BTreeMap<Pair<'_>, usize> = BTreeMap::new();
    for (_, path, _, pair) in pairs.different() {
        if let Some(index) = known.get(&pair) {
            diffs[*index].1.push(path);
            continue;
        }
        known.insert(pair, diffs.len());
        let (before, after) = (pair.0.unwrap_or_default(), pair.1.unwrap_or_default());
        diffs.push((diff::of_texts(before, after), vec![path]));
    }
    let mut left_out = 0;
    for (diff, paths) in diffs {
        let section = section(&diff, &paths);
        if text.len() + section.len() > MOST_BYTES {
            left_out += paths.len();
        } else {
            text.push_str(&section);
        }
    }
    if left_out > 0 {
        // Writing to a text does not fail.
        _ = writeln!(
            text,
            "{left_out} more files differ; the bundle has them all."
        );
    }
    text
}

fn table(changes: &Changes, text: &mut String) {
    text.push_str("| | files |\n|---|---|\n");
    for group in &changes.groups {
        // Writing to a text does not fail.
        _ = writeln!(text, "| {} | {} |", group.name, group.words());
    }
    text.push('\n');
}

fn section(diff: &str, paths: &[&str]) -> String {
    let words = match paths {
        [one] => (*one).to_owned(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        [] => String::new(),
    };
    // Longer than any fence in the diff.
    let longest = diff.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("<details><summary>{words}</summary>\n\n{fence}diff\n{diff}{fence}\n\n</details>\n\n")
}

#[cfg(test)]
mod tests {
    use shared::bundle::Rendered;
    use shared::facts::Facts;
    use shared::{Mesh, check};

    use super::*;

    fn texts(change: impl FnOnce(&mut Mesh)) -> Texts {
        let mut mesh = Mesh::read(include_str!("../../../examples/three-clusters.yaml")).unwrap();
        change(&mut mesh);
        let resolved = check(&mesh, &Facts::default()).resolved.unwrap();
        let rendered = Rendered::new(&mesh, &resolved);
        rendered.texts(
            rendered
                .parts()
                .into_iter()
                .map(|part| rendered.files(part)),
        )
    }

    #[test]
    fn nothing_differs_from_itself() {
        let texts = texts(|_| ());
        assert_eq!(between(&texts, &texts), Changes::default());
        assert_eq!(diff_of(&texts, &texts, MESH_FILE), "");
    }

    /// Applied to the files of the earlier bundle, the changes give those of the later one.
    #[test]
    fn changes_lead_from_one_bundle_to_the_other() {
        let before = texts(|_| ());
        let after = texts(|mesh| {
            mesh.spec.services[0].name = "renamed".into();
            mesh.spec.dns.ttl = Some(120);
        });
        let changes = between(&before, &after);
        assert_eq!(changes.groups[0].name, DOCUMENT);
        let mut files: BTreeMap<&str, &str> = before.files().collect();
        let later: BTreeMap<&str, &str> = after.files().collect();
        for file in changes.groups.iter().flat_map(|group| &group.files) {
            let path = file.path.as_str();
            let (was, is) = (files.get(path).copied(), later.get(path).copied());
            let expected = match file.change {
                Change::Added => was.is_none() && is.is_some(),
                Change::Changed => was.is_some() && is.is_some() && was != is,
                Change::Removed => was.is_some() && is.is_none(),
            };
            assert!(expected, "{file:?}");
            match is {
                Some(text) => _ = files.insert(path, text),
                None => _ = files.remove(path),
            }
            assert!(!diff_of(&before, &after, path).is_empty(), "{path}");
        }
        assert_eq!(files, later);
        let words = changes.groups.iter().map(Group::words);
        assert!(
            words.clone().any(|words| words.contains("added")),
            "{:?}",
            words.collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_pull_request_has_each_diff_once_and_a_limit() {
        let before = texts(|_| ());
        let after = texts(|mesh| mesh.spec.services[0].name = "renamed".into());
        let text = pull_request("the download of today", &before, &after);
        assert!(text.starts_with("## Changes since the download of today\n"));
        assert!(text.contains("| Document | 1 changed |"), "{text}");
        let mut bodies: Vec<&str> = text.split("diff\n").skip(1).collect();
        let count = bodies.len();
        bodies.sort_unstable();
        bodies.dedup();
        assert_eq!(bodies.len(), count, "a diff is there twice");

        let all = texts(|mesh| {
            let service = mesh.spec.services[0].clone();
            mesh.spec.services = (0..200)
                .map(|index| {
                    let mut service = service.clone();
                    service.name = format!("s-{index}");
                    service.hostname = None;
                    service
                })
                .collect();
        });
        let text = pull_request("the apply of today", &before, &all);
        assert!(text.len() < MOST_BYTES + 200, "{}", text.len());
        assert!(text.contains("more files differ"), "{}", text.len());
    }

    #[test]
    fn no_diff_ends_its_fence() {
        let section = section("+a: ````\n", &["x.yaml"]);
        assert!(section.contains("`````diff\n"), "{section}");
    }
}
