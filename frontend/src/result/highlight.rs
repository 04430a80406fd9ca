//! Highlights YAML and diffs, as escaped HTML.
//!
//! It supports the YAML that fedmesh writes: one key or list item a line.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::ops::Range;

use super::matching::occurrences;

/// What is marked in a manifest.
#[derive(Debug, Clone, Default)]
pub(crate) struct Marks<'m> {
    /// The lines before the last change, which are not marked as new; `None` if no line is.
    pub(crate) known: Option<BTreeSet<&'m str>>,
    /// The text that is searched for.
    pub(crate) needle: &'m str,
    /// The number of the line that the search is at.
    pub(crate) current: Option<usize>,
}

/// Lines of a manifest as HTML: one `<span class="line">` a line. `first` is the number of the first one in its file, from
/// 0; lines that match have their numbers.
pub(crate) fn yaml<'t>(
    lines: impl Iterator<Item = &'t str>,
    first: usize,
    marks: &Marks<'_>,
) -> String {
    let mut html = String::new();
    for (number, line) in (first..).zip(lines) {
        let found = occurrences(line, marks.needle);
        begin_line(number, line, !found.is_empty(), marks, &mut html);
        let mut writer = Writer {
            html: &mut html,
            found: &found,
            at: 0,
        };
        writer.yaml(line);
        html.push_str("\n</span>");
    }
    html
}

fn begin_line(number: usize, line: &str, is_hit: bool, marks: &Marks<'_>, html: &mut String) {
    html.push_str("<span class=\"line");
    if marks
        .known
        .as_ref()
        .is_some_and(|known| !known.contains(line))
    {
        html.push_str(" new");
    }
    if !is_hit {
        html.push_str("\">");
        return;
    }
    let current = if marks.current == Some(number) {
        " here"
    } else {
        ""
    };
    // Writing to a `String` cannot fail.
    _ = write!(html, " hit{current}\" data-line=\"{number}\">");
}

/// Writes a line as HTML, with the parts of it that were found in `mark` elements.
struct Writer<'w> {
    html: &'w mut String,
    /// What was found, in bytes of the line.
    found: &'w [Range<usize>],
    /// The number of bytes of the line that are written.
    at: usize,
}

impl Writer<'_> {
    fn yaml(&mut self, line: &str) {
        let mut body = line.trim_start();
        self.text(&line[..line.len() - body.len()]);
        if body.starts_with('#') || body == "---" {
            return self.span("comment", body);
        }
        while let Some(rest) = body.strip_prefix("- ") {
            self.span("mark", "-");
            self.text(" ");
            body = rest;
        }
        let Some((key, rest)) = key(body) else {
            return self.scalar(body);
        };
        self.span("key", key);
        self.span("mark", ":");
        let value = rest.trim_start();
        self.text(&rest[..rest.len() - value.len()]);
        self.scalar(value);
    }

    fn scalar(&mut self, text: &str) {
        if !text.is_empty() {
            self.span(class(text), text);
        }
    }

    fn span(&mut self, class: &str, text: &str) {
        self.html.extend(["<span class=\"", class, "\">"]);
        self.text(text);
        self.html.push_str("</span>");
    }

    /// Writes the next part of the line.
    fn text(&mut self, text: &str) {
        let (start, end) = (self.at, self.at + text.len());
        let is_here = |found: &&Range<usize>| found.start < end && found.end > start;
        for found in self.found.iter().filter(is_here) {
            let (from, to) = (found.start.max(start), found.end.min(end));
            escape(&text[self.at - start..from - start], self.html);
            self.html.push_str("<mark>");
            escape(&text[from - start..to - start], self.html);
            self.html.push_str("</mark>");
            self.at = to;
        }
        escape(&text[self.at - start..], self.html);
        self.at = end;
    }
}

/// `key: value` or `key:`, the key quoted or bare.
fn key(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''));
    let from = quote.map_or(Some(0), |quote| text[1..].find(quote).map(|at| at + 2))?;
    let end = from + text[from..].find(':')?;
    let rest = &text[end + 1..];
    (quote.is_none_or(|_| end == from) && (rest.is_empty() || rest.starts_with(' ')))
        .then(|| (&text[..end], rest))
}

fn class(text: &str) -> &'static str {
    if text.starts_with(['"', '\'']) {
        "text"
    } else if text.starts_with('#') {
        "comment"
    } else if matches!(text, "true" | "false" | "null" | "{}" | "[]") || is_number(text) {
        "value"
    } else {
        "plain"
    }
}

fn is_number(text: &str) -> bool {
    text.strip_prefix('-')
        .unwrap_or(text)
        .bytes()
        .all(|b| b.is_ascii_digit() || b == b'.')
}

/// A unified diff as HTML; signs, not colours alone, distinguish the lines.
pub(crate) fn diff(text: &str) -> String {
    let mut html = String::with_capacity(text.len() * 2);
    for line in text.lines() {
        let class = match line.as_bytes().first() {
            Some(b'+') => "added",
            Some(b'-') => "removed",
            Some(b'@') => "hunk",
            _ => "kept",
        };
        span(class, line, &mut html);
    }
    html
}

/// The number of lines that a unified diff adds and removes.
pub(crate) fn diff_count(text: &str) -> (usize, usize) {
    let count = |sign: char| text.lines().filter(|line| line.starts_with(sign)).count();
    (count('+'), count('-'))
}

fn span(class: &str, text: &str, html: &mut String) {
    html.extend(["<span class=\"", class, "\">"]);
    escape(text, html);
    html.push_str("</span>");
}

fn escape(text: &str, html: &mut String) {
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            _ => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(text: &str, marks: &Marks<'_>) -> String {
        yaml(text.lines(), 0, marks)
    }

    fn searched(text: &str, needle: &str) -> String {
        let marks = Marks {
            needle,
            ..Marks::default()
        };
        whole(text, &marks)
    }

    fn check(line: &str, expected: &str) {
        let html = whole(line, &Marks::default());
        let body = html.strip_prefix(r#"<span class="line">"#).unwrap();
        assert_eq!(body.strip_suffix("\n</span>").unwrap(), expected);
    }

    #[test]
    fn keys_and_values_have_different_classes() {
        let mark = r#"<span class="mark">:</span>"#;
        check(
            "  kind: Gateway",
            &format!(
                "  <span class=\"key\">kind</span>{mark} <span class=\"plain\">Gateway</span>"
            ),
        );
        check("spec:", &format!("<span class=\"key\">spec</span>{mark}"));
        check(
            "- 80",
            r#"<span class="mark">-</span> <span class="value">80</span>"#,
        );
        check(
            "- a: \"1\"",
            &format!(
                "<span class=\"mark\">-</span> <span class=\"key\">a</span>{mark} <span class=\"text\">&quot;1&quot;</span>"
            ),
        );
        check("---", r#"<span class="comment">---</span>"#);
        check(
            "- --source=crd",
            r#"<span class="mark">-</span> <span class="plain">--source=crd</span>"#,
        );
        check(
            "image: a.b/c:v1",
            &format!(
                "<span class=\"key\">image</span>{mark} <span class=\"plain\">a.b/c:v1</span>"
            ),
        );
        check(
            "- a.b/c:v1",
            r#"<span class="mark">-</span> <span class="plain">a.b/c:v1</span>"#,
        );
    }

    #[test]
    fn text_is_escaped() {
        for text in [
            "<script>alert(1)</script>",
            "a: </span><img src=x>",
            "- \"<b>\": '&'",
            "# <i>",
        ] {
            // A needle may be a part of a tag or of an escape.
            let searches = ["a", "<", "span", "mark", "lt", "&", "\""];
            let mut all: Vec<String> = searches.map(|needle| searched(text, needle)).into();
            all.extend([searched(text, ""), diff(text), diff(&format!("+{text}"))]);
            for html in all {
                let tags: Vec<&str> = html
                    .split('<')
                    .skip(1)
                    .map(|t| t.split(['>', ' ']).next().unwrap())
                    .collect();
                assert!(
                    tags.iter()
                        .all(|tag| matches!(*tag, "span" | "/span" | "mark" | "/mark")),
                    "{html}"
                );
            }
        }
    }

    #[test]
    fn new_lines_are_marked() {
        let marks = Marks {
            known: Some("a: 1\nb: 2\n".lines().collect()),
            ..Marks::default()
        };
        let html = whole("a: 1\nb: 3\n", &marks);
        assert_eq!(html.matches("line new").count(), 1);
        assert!(!searched("a: 1\n", "").contains("new"));
    }

    #[test]
    fn what_was_found_is_marked() {
        let html = searched("kind: Gateway\nhosts:\n- gateway.a<b>\n", "gateway");
        assert_eq!(html.matches("<mark>").count(), 2);
        assert!(html.contains(r#"<span class="plain"><mark>Gateway</mark></span>"#));
        assert!(html.contains("<mark>gateway</mark>.a&lt;b&gt;"));
        assert!(html.contains(r#"<span class="line hit" data-line="2">"#));
        // Across the parts of a line.
        let html = searched("kind: Gateway", "d: g");
        assert!(html.contains("kin<mark>d</mark></span>"), "{html}");
        assert!(html.contains("<mark>:</mark>") && html.contains("<mark>G</mark>ateway"));
        let marks = Marks {
            needle: "a",
            current: Some(8),
            ..Marks::default()
        };
        let html = yaml("a: 1\na: 2\n".lines(), 7, &marks);
        assert!(html.contains(r#"<span class="line hit" data-line="7">"#));
        assert!(html.contains(r#"<span class="line hit here" data-line="8">"#));
    }

    #[test]
    fn lines_of_a_diff_have_classes() {
        let text = "@@ -1 +1 @@\n a\n-b\n+c\n";
        let html = diff(text);
        for class in ["hunk", "kept", "removed", "added"] {
            assert_eq!(html.matches(&format!("\"{class}\"")).count(), 1);
        }
        assert_eq!(diff_count(text), (1, 1));
    }

    /// The text of the HTML is the manifest: without tags and escapes the two are equal.
    #[test]
    fn the_text_is_the_manifest() {
        let mesh = shared::Mesh::from_value(&crate::document::start::walkthrough()).0;
        let resolved = shared::check(&mesh, &shared::facts::Facts::default())
            .resolved
            .unwrap();
        for (_, text) in shared::bundle::Bundle::new(&mesh, &resolved).files() {
            let mut plain = String::new();
            for part in searched(text, "a").split('<').skip(1) {
                plain.push_str(part.split_once('>').unwrap().1);
            }
            let plain = plain
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&quot;", "\"")
                .replace("&amp;", "&");
            assert_eq!(plain, text);
        }
    }
}
