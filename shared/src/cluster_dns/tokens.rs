//! Words of a Corefile with their positions, as in CoreDNS (`github.com/coredns/caddy`, `caddyfile/lexer.go`): words
//! end at blanks, a word that starts with a quote ends at the next one without a backslash before it, and `#` outside
//! of quotes starts a comment.

/// A word and its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token<'a> {
    /// The word without its quotes.
    pub(super) text: &'a str,
    /// Start in bytes, including its quote.
    pub(super) start: usize,
    /// End in bytes.
    pub(super) end: usize,
    /// Its line, from 1.
    pub(super) line: usize,
    /// Whether it is the first of its line.
    pub(super) first: bool,
}

/// All words of a text.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens: Vec<Token<'_>> = Vec::new();
    let mut line = 1;
    // The line in which the last word ended.
    let mut last_line = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        if c == '\n' {
            line += 1;
        }
        // A byte order mark is not part of the first word.
        if c.is_whitespace() || (start == 0 && c == '\u{feff}') {
            continue;
        }
        if c == '#' {
            while chars.next_if(|(_, c)| *c != '\n').is_some() {}
            continue;
        }
        let begun = line;
        let mut end = start + c.len_utf8();
        let word = if c == '"' {
            let mut escaped = false;
            let mut closed = None;
            for (at, c) in chars.by_ref() {
                end = at + c.len_utf8();
                if c == '\n' {
                    line += 1;
                }
                if escaped {
                    escaped = false;
                } else if c == '\\' {
                    escaped = true;
                } else if c == '"' {
                    closed = Some(at);
                    break;
                }
            }
            &text[start + 1..closed.unwrap_or(end)]
        } else {
            while let Some((at, c)) = chars.next_if(|(_, c)| !c.is_whitespace() && *c != '#') {
                end = at + c.len_utf8();
            }
            &text[start..end]
        };
        tokens.push(Token {
            text: word,
            start,
            end,
            line: begun,
            first: begun != last_line,
        });
        last_line = line;
    }
    tokens
}
