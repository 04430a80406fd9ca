//! Escapes control characters in text from outside: documents, file names, clusters, login programs.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Write};

/// Whether a character moves the cursor, starts an escape sequence, changes the direction of text, or is invisible.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A value on one line, with harmful characters escaped as `\n` or `\u{1b}`.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, is_harmful, escape)
}

/// The same for a text of several lines, whose values are printable already.
pub(crate) fn paragraph(text: &str) -> Cow<'_, str> {
    escaped(text, |c| is_harmful(c) && c != '\n', escape)
}

/// Equivalent JSON with harmful characters escaped. Apart from line breaks, they occur in strings only.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    escaped(
        text,
        |c| is_harmful(c) && c != '\n',
        |to, c| {
            for unit in c.encode_utf16(&mut [0; 2]) {
                _ = write!(to, "\\u{unit:04x}");
            }
        },
    )
}

fn escape(to: &mut String, c: char) {
    match c {
        '\n' => to.push_str("\\n"),
        '\r' => to.push_str("\\r"),
        '\t' => to.push_str("\\t"),
        c => to.extend(c.escape_unicode()),
    }
}

fn escaped(
    text: &str,
    is_harmful: impl Fn(char) -> bool,
    escape: impl Fn(&mut String, char),
) -> Cow<'_, str> {
    if !text.contains(&is_harmful) {
        return text.into();
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_harmful(c) {
            escape(&mut safe, c);
        } else {
            safe.push(c);
        }
    }
    safe.into()
}

/// A writer that only passes text, line breaks and styles (SGR, ECMA-48), so that values that were not made
/// [`printable`] cannot control a terminal.
pub(crate) struct Guarded<W> {
    to: W,
    /// Whether line breaks within one write are escaped, as in a log.
    is_line: bool,
}

impl<W: Write> Guarded<W> {
    pub(crate) fn new(to: W) -> Self {
        Self { to, is_line: false }
    }

    /// A writer for logs, which write each line at once.
    pub(crate) fn lines(to: W) -> Self {
        Self { to, is_line: true }
    }

    fn write_text(&mut self, text: &str) -> io::Result<()> {
        let mut text = text;
        while let Some(start) = text.find('\u{1b}') {
            let (before, rest) = text.split_at(start);
            self.write_plain(before)?;
            let length = style(rest).unwrap_or_default();
            self.to.write_all(&rest.as_bytes()[..length])?;
            // Other sequences are escaped with their first character.
            let plain = usize::from(length == 0);
            self.write_plain(&rest[length..length + plain])?;
            text = &rest[length + plain..];
        }
        self.write_plain(text)
    }

    fn write_plain(&mut self, text: &str) -> io::Result<()> {
        let (body, end) = match text.strip_suffix('\n') {
            Some(body) if self.is_line => (printable(body), "\n"),
            _ if self.is_line => (printable(text), ""),
            _ => (paragraph(text), ""),
        };
        self.to.write_all(body.as_bytes())?;
        self.to.write_all(end.as_bytes())
    }
}

/// The length of the style at the start of a text.
fn style(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix("\u{1b}[")?;
    let length = parameters.find(|c: char| !c.is_ascii_digit() && c != ';')?;
    parameters[length..].starts_with('m').then_some(length + 3)
}

impl<W: Write> Write for Guarded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(bytes) {
            Ok(text) => {
                self.write_text(text)?;
                Ok(bytes.len())
            }
            Err(error) if error.valid_up_to() > 0 => self.write(&bytes[..error.valid_up_to()]),
            Err(error) => {
                self.to.write_all("\u{fffd}".as_bytes())?;
                Ok(error.error_len().unwrap_or(bytes.len()))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::{Guarded, json, paragraph, printable};

    const HARMFUL: &str = "a\u{1b}[31mb\r\n\tc\u{9b}\u{202e}\u{200b}\u{feff}\u{e0041}d";

    #[test]
    fn harmful_characters_are_escaped() {
        assert_eq!(
            printable(HARMFUL),
            r"a\u{1b}[31mb\r\n\tc\u{9b}\u{202e}\u{200b}\u{feff}\u{e0041}d"
        );
        assert_eq!(paragraph("a\nb\r"), "a\nb\\r");
        assert_eq!(printable("plain, ä and 😀"), "plain, ä and 😀");
        let text = serde_json::to_string_pretty(&[HARMFUL]).unwrap();
        let safe = json(&text);
        assert!(!safe.contains(|c: char| c != '\n' && super::is_harmful(c)));
        assert_eq!(
            serde_json::from_str::<[String; 1]>(&safe).unwrap(),
            [HARMFUL]
        );
    }

    #[test]
    fn only_text_and_styles_are_passed() {
        let written = |text: &[u8], is_line| {
            let mut to = Guarded {
                to: Vec::new(),
                is_line,
            };
            to.write_all(text).unwrap();
            String::from_utf8(to.to).unwrap()
        };
        assert_eq!(
            written(
                "\u{1b}[1;31merror:\u{1b}[0m a\n\u{1b}[2J\u{1b}]0;x\u{7}\u{1b}".as_bytes(),
                false
            ),
            "\u{1b}[1;31merror:\u{1b}[0m a\n\\u{1b}[2J\\u{1b}]0;x\\u{7}\\u{1b}"
        );
        assert_eq!(written(b"a\nb\n", true), "a\\nb\n");
        assert_eq!(written(b"a\xffb", false), "a\u{fffd}b");
        let mut to = Guarded::new(Vec::new());
        // A character in two writes.
        to.write_all(&"ä".as_bytes()[..1]).unwrap();
        assert!(String::from_utf8(to.to).is_ok());
    }
}
