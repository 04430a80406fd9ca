//! What a search in the manifests found, as a person goes through it: one line after the other, across files.

use super::counts::number;

/// The lines that a search found, in the order of the list of files. A file of which only the path matches counts as one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Hits {
    /// Each file with the number of its lines, at least one, and whether they are lines.
    files: Vec<(String, usize, bool)>,
}

/// A line that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hit<'h> {
    /// Its file.
    pub(crate) path: &'h str,
    /// Its index among the lines of the file that match; `None` if only the path does.
    pub(crate) nth: Option<usize>,
}

impl Hits {
    /// From the path of each file and the number of its lines that match.
    pub(crate) fn new<'f>(files: impl IntoIterator<Item = (&'f str, usize)>) -> Self {
        let files = files.into_iter();
        let files = files.map(|(path, lines)| (path.to_owned(), lines.max(1), lines > 0));
        Self {
            files: files.collect(),
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.files.iter().map(|(_, count, _)| count).sum()
    }

    /// The hit with an index.
    pub(crate) fn at(&self, index: usize) -> Option<Hit<'_>> {
        let mut start = 0;
        for (path, count, is_lines) in &self.files {
            if index < start + count {
                let nth = is_lines.then_some(index - start);
                return Some(Hit { path, nth });
            }
            start += count;
        }
        None
    }

    /// The index of the first hit in a file.
    fn first_in(&self, path: &str) -> Option<usize> {
        let at = self.files.iter().position(|(known, ..)| known == path)?;
        Some(self.files[..at].iter().map(|(_, count, _)| count).sum())
    }

    /// The next hit, or the one before, from the current one or else from the file that is shown; after the last one
    /// follows the first.
    pub(crate) fn next(
        &self,
        current: Option<usize>,
        shown: &str,
        is_forward: bool,
    ) -> Option<usize> {
        let count = self.count();
        let last = count.checked_sub(1)?;
        let Some(current) = current.filter(|index| *index < count) else {
            return Some(self.first_in(shown).unwrap_or(0));
        };
        Some(match (is_forward, current) {
            (true, at) if at == last => 0,
            (true, at) => at + 1,
            (false, 0) => last,
            (false, at) => at - 1,
        })
    }

    /// Where somebody is: `3 of 17 in 5 files`.
    pub(crate) fn words(&self, current: Option<usize>) -> String {
        let count = self.count();
        let files = number(self.files.len(), "file");
        match current.filter(|index| *index < count) {
            _ if count == 0 => "No match".to_owned(),
            Some(index) => format!("{} of {count} in {files}", index + 1),
            None => format!("{} in {files}", matches(count)),
        }
    }
}

fn matches(count: usize) -> String {
    match count {
        1 => "1 match".to_owned(),
        _ => format!("{count} matches"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits() -> Hits {
        Hits::new([("a", 2), ("b", 0), ("c", 3)])
    }

    #[test]
    fn one_hit_follows_another_across_files() {
        let hits = hits();
        let all: Vec<(&str, Option<usize>)> = (0..7)
            .filter_map(|index| hits.at(index))
            .map(|hit| (hit.path, hit.nth))
            .collect();
        let expected = [
            ("a", Some(0)),
            ("a", Some(1)),
            ("b", None),
            ("c", Some(0)),
            ("c", Some(1)),
            ("c", Some(2)),
        ];
        assert_eq!(all, expected);
        assert_eq!(hits.next(None, "c", true), Some(3), "from the shown file");
        assert_eq!(hits.next(None, "elsewhere", false), Some(0));
        assert_eq!(hits.next(Some(1), "a", true), Some(2));
        assert_eq!(hits.next(Some(5), "c", true), Some(0));
        assert_eq!(hits.next(Some(0), "a", false), Some(5));
        assert_eq!(
            hits.next(Some(99), "b", true),
            Some(2),
            "of an earlier search"
        );
        assert_eq!(Hits::default().next(None, "a", true), None);
    }

    #[test]
    fn hits_in_words() {
        let hits = hits();
        assert_eq!(hits.words(None), "6 matches in 3 files");
        assert_eq!(hits.words(Some(2)), "3 of 6 in 3 files");
        assert_eq!(Hits::default().words(Some(2)), "No match");
    }
}
