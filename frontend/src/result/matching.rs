//! Which lines of a text match a search.
//!
//! Upper and lower case are alike, for ASCII letters only: a text then keeps its length, so positions in it stay valid.

use std::ops::Range;

/// Whether a text has another one.
pub fn contains(text: &str, needle: &str) -> bool {
    !occurrences(text, needle).is_empty()
}

/// Where a line has a text, in bytes; nowhere for an empty text.
pub fn occurrences(line: &str, needle: &str) -> Vec<Range<usize>> {
    if needle.is_empty() {
        return Vec::new();
    }
    let needle = needle.to_ascii_lowercase();
    let line = line.to_ascii_lowercase();
    line.match_indices(&needle)
        .map(|(at, found)| at..at + found.len())
        .collect()
}

/// The numbers, from 0, of the lines that have a text.
pub fn matching_lines(text: &str, needle: &str) -> Vec<usize> {
    let mut lines = Vec::new();
    if needle.is_empty() {
        return lines;
    }
    // The whole text at once, since most texts do not have it.
    let needle = needle.to_ascii_lowercase();
    let text = text.to_ascii_lowercase();
    let (mut at, mut line) = (0, 0);
    while let Some(found) = text[at..].find(&needle) {
        let found = at + found;
        line += text[at..found].matches('\n').count();
        lines.push(line);
        let Some(end) = text[found..].find('\n') else {
            break;
        };
        at = found + end + 1;
        line += 1;
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lines_match_whatever_their_case() {
        let text = "kind: Gateway\nname: a\ngateway: Gateway\n\nlast gateway";
        assert_eq!(matching_lines(text, "gateWAY"), [0, 2, 4]);
        assert_eq!(matching_lines(text, "name: a"), [1]);
        assert!(matching_lines(text, "").is_empty());
        assert!(matching_lines(text, "none").is_empty());
        assert_eq!(occurrences("gateway: Gateway", "gateway"), [0..7, 9..16]);
        assert!(occurrences("a", "").is_empty());
        assert!(contains("cluster1/60-HTTPBIN.yaml", "httpbin"));
    }

    proptest! {
        #[test]
        fn the_lines_are_those_with_an_occurrence(text in "[aAbä\n]{0,40}", needle in "[aAbä]{1,3}") {
            let lines: Vec<usize> = text
                .split('\n')
                .enumerate()
                .filter(|(_, line)| contains(line, &needle))
                .map(|(number, _)| number)
                .collect();
            prop_assert_eq!(matching_lines(&text, &needle), lines);
            for line in text.split('\n') {
                for range in occurrences(line, &needle) {
                    prop_assert!(line[range].eq_ignore_ascii_case(&needle));
                }
            }
        }
    }
}
