//! Highlights YAML and diffs, as escaped HTML.
//!
//! It supports the YAML that fedmesh writes: one key or list item a line.

use std::collections::BTreeSet;

/// A manifest as HTML: one `<span class="line">` a line; lines that are not in `before` are marked.
pub(crate) fn yaml(text: &str, before: Option<&str>) -> String {
    let known = before.map(|before| {
        let mut lines = BTreeSet::new();
        lines.extend(before.lines());
        lines
    });
    let mut html = String::with_capacity(text.len() * 2);
    for line in text.lines() {
        let is_new = known.as_ref().is_some_and(|known| !known.contains(line));
        html.push_str(if is_new {
            r#"<span class="line new">"#
        } else {
            r#"<span class="line">"#
        });
        yaml_line(line, &mut html);
        html.push_str("\n</span>");
    }
    html
}

fn yaml_line(line: &str, html: &mut String) {
    let body = line.trim_start();
    html.push_str(&line[..line.len() - body.len()]);
    if body.starts_with('#') || body == "---" {
        return span("comment", body, html);
    }
    let mut body = body;
    while let Some(rest) = body.strip_prefix("- ") {
        html.push_str(r#"<span class="mark">-</span> "#);
        body = rest;
    }
    match key(body) {
        Some((key, rest)) => {
            span("key", key, html);
            html.push_str(r#"<span class="mark">:</span>"#);
            let value = rest.trim_start();
            html.push_str(&rest[..rest.len() - value.len()]);
            scalar(value, html);
        }
        None => scalar(body, html),
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

fn scalar(text: &str, html: &mut String) {
    if text.is_empty() {
        return;
    }
    let class = if text.starts_with(['"', '\'']) {
        "text"
    } else if text.starts_with('#') {
        "comment"
    } else if matches!(text, "true" | "false" | "null" | "{}" | "[]") || is_number(text) {
        "value"
    } else {
        "plain"
    };
    span(class, text, html);
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
    html.push_str("<span class=\"");
    html.push_str(class);
    html.push_str("\">");
    for c in text.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            _ => html.push(c),
        }
    }
    html.push_str("</span>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let html = yaml(line, None);
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
            for html in [yaml(text, None), diff(text), diff(&format!("+{text}"))] {
                let tags: Vec<&str> = html
                    .split('<')
                    .skip(1)
                    .map(|t| t.split(['>', ' ']).next().unwrap())
                    .collect();
                assert!(
                    tags.iter().all(|tag| matches!(*tag, "span" | "/span")),
                    "{html}"
                );
            }
        }
    }

    #[test]
    fn new_lines_are_marked() {
        let html = yaml("a: 1\nb: 3\n", Some("a: 1\nb: 2\n"));
        assert_eq!(html.matches("line new").count(), 1);
        assert!(!yaml("a: 1\n", None).contains("new"));
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
            for part in yaml(text, None).split('<').skip(1) {
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
