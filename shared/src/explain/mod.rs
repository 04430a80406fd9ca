//! What each finding and each cause of a failed check means, with an example that has it and the same one fixed.
//!
//! The texts are Markdown, one file for each family of codes. `fedmesh-agent explain` prints them, `docs/findings.md` is
//! generated from them, and the page shows them beside findings and causes.

use std::fmt::Write as _;

use strum::VariantNames as _;

use crate::check::code::{self, Code};
use crate::verify::Cause;

/// One section for each code, under the heading `## CODE`, in the order of [`code::ALL`].
const FINDINGS: &[&str] = &[
    include_str!("../../explain/FM01.md"),
    include_str!("../../explain/FM02.md"),
    include_str!("../../explain/FM03.md"),
    include_str!("../../explain/FM04.md"),
    include_str!("../../explain/FM05.md"),
    include_str!("../../explain/FM06.md"),
    include_str!("../../explain/FM07.md"),
    include_str!("../../explain/FM08.md"),
    include_str!("../../explain/FM09.md"),
    include_str!("../../explain/FM10.md"),
    include_str!("../../explain/FM11.md"),
    include_str!("../../explain/FM12.md"),
];
/// One section for each cause, in the order of [`Cause::VARIANTS`].
const CAUSES: &str = include_str!("../../explain/causes.md");
/// The document over which the examples are merged, as JSON Merge Patches (RFC 7386) in YAML.
pub const BASE: &str = include_str!("../../explain/base.yaml");

const FENCE: &str = "```";

/// What a finding or a cause means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Entry {
    /// The code of a finding, such as `FM0401`, or a cause, such as `refused`.
    pub code: &'static str,
    /// The title of a finding; `None` for a cause.
    pub title: Option<&'static str>,
    /// Codes of other tools that cover the same.
    pub peers: &'static [&'static str],
    /// Markdown: paragraphs and fenced examples.
    pub text: &'static str,
}

/// The entry of a finding's code, in upper or lower case, or of a cause.
pub fn entry(code: &str) -> Option<Entry> {
    let is_it = |entry: &Entry| entry.code.eq_ignore_ascii_case(code);
    entries().find(is_it)
}

/// The entries of all findings, then those of all causes.
pub fn entries() -> impl Iterator<Item = Entry> {
    findings().chain(causes())
}

/// The entries of all findings, ascending by code.
pub fn findings() -> impl Iterator<Item = Entry> {
    let sections = FINDINGS.iter().flat_map(|family| sections(family));
    code::ALL.iter().zip(sections).map(|(code, (_, text))| {
        let Code { id, title, peers } = *code;
        Entry {
            code: id,
            title: Some(title),
            peers,
            text,
        }
    })
}

/// The entries of all causes of failed checks.
pub fn causes() -> impl Iterator<Item = Entry> {
    let causes = Cause::VARIANTS.iter().zip(sections(CAUSES));
    causes.map(|(&code, (_, text))| Entry {
        code,
        title: None,
        peers: &[],
        text,
    })
}

/// The headings of a file, each with the text below it. A test compares the headings with the codes.
fn sections(file: &str) -> impl Iterator<Item = (&str, &str)> {
    let sections = file.strip_prefix("## ").into_iter();
    let sections = sections.flat_map(|file| file.split("\n## "));
    sections.map(|section| {
        let (heading, text) = section.split_once('\n').unwrap_or((section, ""));
        (heading, text.trim())
    })
}

/// The text of a code in the file of its family, for programs that load the file when it is needed.
pub fn section<'a>(file: &'a str, code: &str) -> Option<&'a str> {
    sections(file).find_map(|(heading, text)| (heading == code).then_some(text))
}

/// The name of the file with the code of a finding or a cause.
pub fn file(code: &str) -> String {
    match code.get(..4) {
        Some(family) if family.starts_with("FM") => format!("{family}.md"),
        _ => "causes.md".to_owned(),
    }
}

/// A part of an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Block<'a> {
    /// Lines of a paragraph; code is in backquotes.
    Paragraph(&'a str),
    /// An example.
    Example {
        /// What follows the fence, such as `yaml wrong`.
        info: &'a str,
        /// Its lines.
        text: &'a str,
    },
}

/// The parts of the text of an explanation.
pub fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches('\n');
        if rest.is_empty() {
            return None;
        }
        Some(if let Some(fenced) = rest.strip_prefix(FENCE) {
            let (info, lines) = fenced.split_once('\n').unwrap_or((fenced, ""));
            let (text, after) = lines.split_once("\n```").unwrap_or((lines, ""));
            rest = after;
            Block::Example { info, text }
        } else {
            let (paragraph, after) = rest.split_once("\n\n").unwrap_or((rest, ""));
            rest = after;
            Block::Paragraph(paragraph)
        })
    })
}

/// `docs/findings.md`: an index and the section of each finding and cause.
pub fn page() -> String {
    let mut page = include_str!("../../explain/intro.md").to_owned();
    _ = write!(page, "\n{FENCE}yaml\n{BASE}{FENCE}\n");
    page.push_str("\n| code | title |\n|---|---|\n");
    for entry in findings() {
        let (code, title) = (entry.code, entry.title.unwrap_or_default());
        _ = writeln!(page, "| [{code}](#{}) | {title} |", code.to_lowercase());
    }
    page.push_str("\n## Findings\n");
    for entry in findings() {
        _ = write!(page, "\n{}", entry.section());
    }
    page.push_str("\n## Causes of failed checks\n\nCauses of `fedmesh-agent verify` and of the page's verification.\n");
    for entry in causes() {
        _ = write!(page, "\n{}", entry.section());
    }
    page
}

impl Entry {
    /// Text for a terminal: examples are indented, without their fences.
    pub fn plain(&self) -> String {
        let mut plain = self.code.to_owned();
        if let Some(title) = self.title {
            plain.push_str(": ");
            plain.push_str(title);
        }
        plain.push_str("\n\n");
        for (index, block) in blocks(self.text).enumerate() {
            if index > 0 {
                plain.push('\n');
            }
            let (indent, lines) = match block {
                Block::Paragraph(lines) => ("", lines),
                Block::Example { text, .. } => ("    ", text),
            };
            for line in lines.lines() {
                let indent = if line.is_empty() { "" } else { indent };
                _ = writeln!(plain, "{indent}{line}");
            }
        }
        if !self.peers.is_empty() {
            _ = writeln!(plain, "\n{}", self.also());
        }
        plain
    }

    /// Its section in the documentation: Markdown, with a heading that links can name by the code.
    pub fn section(&self) -> String {
        let mut section = format!("### {}\n\n", self.code);
        if let Some(title) = self.title {
            _ = writeln!(section, "**{title}**\n");
        }
        _ = writeln!(section, "{}", self.text);
        if !self.peers.is_empty() {
            _ = writeln!(section, "\n{}", self.also());
        }
        section
    }

    /// Which codes of other tools cover the same.
    fn also(&self) -> String {
        format!(
            "Reported by istioctl analyze (IST) or Kiali (KIA) as {}.",
            self.peers.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::{CAUSES, Entry, FINDINGS, causes, entry, file, findings};
    use crate::check::code;
    use crate::verify::Cause;
    use strum::VariantNames as _;

    fn headings<'a>(files: &[&'a str]) -> Vec<&'a str> {
        let lines = files.iter().flat_map(|file| file.lines());
        lines.filter_map(|line| line.strip_prefix("## ")).collect()
    }

    #[test]
    fn every_finding_has_one_section_in_order() {
        let codes: Vec<&str> = code::ALL.iter().map(|code| code.id).collect();
        assert_eq!(headings(FINDINGS), codes);
        assert_eq!(findings().count(), codes.len());
    }

    #[test]
    fn every_cause_has_one_section_in_order() {
        assert_eq!(headings(&[CAUSES]), Cause::VARIANTS);
        assert_eq!(causes().count(), Cause::VARIANTS.len());
    }

    #[test]
    fn a_code_leads_to_its_file() {
        for (index, text) in FINDINGS.iter().enumerate() {
            for code in headings(&[text]) {
                assert_eq!(file(code), format!("FM{:02}.md", index + 1));
            }
        }
        for code in Cause::VARIANTS {
            assert_eq!(file(code), "causes.md");
        }
    }

    #[test]
    fn entries_are_found_by_code() {
        let found = entry("fm0401").unwrap();
        assert_eq!(
            (found.code, found.title),
            ("FM0401", Some("Port out of range"))
        );
        assert!(found.text.starts_with(char::is_uppercase), "{}", found.text);
        assert_eq!(entry("refused").unwrap().code, "refused");
        assert_eq!(entry("FM9999"), None);
    }

    #[test]
    fn examples_are_indented_on_a_terminal() {
        let entry = Entry {
            code: "FM0000",
            title: None,
            peers: &[],
            text: "Wrong:\n\n```yaml wrong\na: 1\n\nb: 2\n```\n\nRight.",
        };
        assert_eq!(
            entry.plain(),
            "FM0000\n\nWrong:\n\n    a: 1\n\n    b: 2\n\nRight.\n"
        );
    }
}
