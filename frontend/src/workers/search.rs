//! The search in the texts of a bundle: its request and response. The page marks the lines that the worker counts, by the
//! same functions.

use serde::{Deserialize, Serialize};

pub use crate::document::path::is_in;
pub use crate::result::matching::{contains, matching_lines};

/// Files that are found at most.
pub const MOST_FILES: usize = 1000;

/// The files to find.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    /// A part of their paths or of one of their lines; empty for all files.
    pub text: String,
    /// The part of the document that one of their objects derives from, such as `spec.services[0]`.
    pub part: Option<String>,
}

/// Files that were found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    /// In the order of the bundle.
    pub files: Vec<FoundFile>,
    /// The number of the file from which the search goes on; `None` if it is finished.
    pub next: Option<usize>,
    /// Whether all manifests were rendered when they were searched.
    pub is_whole: bool,
}

/// A file that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundFile {
    /// Its path in the bundle.
    pub path: String,
    /// The number of its lines that have the text; 0 if only its path has it.
    pub lines: usize,
}

impl Search {
    /// Whether all files are found.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty() && self.part.is_none()
    }
}

impl Found {
    /// Adds the rest of the files.
    pub fn add(&mut self, more: Self) {
        self.files.extend(more.files);
        self.next = more.next.filter(|_| !self.is_limited());
        self.is_whole = more.is_whole;
    }

    /// Whether there may be more files than those that are listed.
    pub fn is_limited(&self) -> bool {
        self.files.len() >= MOST_FILES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_files_of_several_responses_are_one_list() {
        let file = |number: usize| FoundFile {
            path: number.to_string(),
            lines: 1,
        };
        let mut found = Found::default();
        found.add(Found {
            files: vec![file(1)],
            next: Some(7),
            is_whole: true,
        });
        assert_eq!(found.next, Some(7));
        found.add(Found {
            files: (2..=MOST_FILES).map(file).collect(),
            next: Some(9000),
            is_whole: true,
        });
        assert!(found.is_limited());
        assert_eq!(found.next, None, "more files would not be listed");
    }
}
