//! Limits of values that are quoted in messages.

use std::borrow::Cow;

/// Longest word that is quoted in full; host names have up to 253 characters.
const WORD: usize = 300;
/// Longest message.
const MESSAGE: usize = 4_000;
/// Longest value of a field that is quoted in full.
const VALUE: usize = 100;
/// Characters that are kept at the start and the end of a longer value.
const HEAD: usize = 60;
const TAIL: usize = 4;

/// A value of a field for a message: `abc…xyz (1000000 characters)`.
pub fn value(text: &str) -> Cow<'_, str> {
    cut(text, VALUE, HEAD, TAIL)
}

/// A message with every word, and the whole, at a readable length.
pub fn message(text: &str) -> Cow<'_, str> {
    if text.len() <= WORD {
        return text.into();
    }
    let has_long_word = text.split_whitespace().any(|word| word.len() > WORD);
    let words: Cow<'_, str> = if has_long_word {
        let pieces = text.split_inclusive(char::is_whitespace);
        let pieces = pieces.map(|piece| {
            let word = piece.trim_end();
            cut(word, WORD, HEAD, TAIL).into_owned() + &piece[word.len()..]
        });
        pieces.collect::<String>().into()
    } else {
        text.into()
    };
    match cut(&words, MESSAGE, MESSAGE / 2, MESSAGE / 8) {
        Cow::Borrowed(_) => words,
        Cow::Owned(text) => text.into(),
    }
}

/// [`message`] of an owned text.
pub fn owned(text: String) -> String {
    let cut = match message(&text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(cut) => Some(cut),
    };
    cut.unwrap_or(text)
}

fn cut(text: &str, most: usize, head: usize, tail: usize) -> Cow<'_, str> {
    // No text has more characters than bytes.
    if text.len() <= most {
        return text.into();
    }
    let count = text.chars().count();
    if count <= most {
        return text.into();
    }
    let head: String = text.chars().take(head).collect();
    let tail: String = text.chars().skip(count - tail).collect();
    format!("{head}…{tail} ({count} characters)").into()
}

#[cfg(test)]
mod tests {
    use super::{message, value};

    #[test]
    fn long_values_are_shortened_with_their_length() {
        assert_eq!(value("short"), "short");
        assert_eq!(value(&"ä".repeat(100)), "ä".repeat(100));
        let long = value(&"ä".repeat(1_000_000)).into_owned();
        assert_eq!(
            long,
            format!("{}…ääää (1000000 characters)", "ä".repeat(60))
        );
    }

    #[test]
    fn a_message_keeps_the_text_around_a_long_value() {
        let name = "x".repeat(1_000);
        let text = message(&format!("name `{name}` is invalid\nfor a label")).into_owned();
        assert!(text.starts_with("name `xxx"), "{text}");
        assert!(
            text.ends_with("…xxx` (1002 characters) is invalid\nfor a label"),
            "{text}"
        );
        let many = "word ".repeat(10_000);
        assert!(message(&many).chars().count() < 3_000);
        let host = format!("host {}", "a".repeat(253));
        assert_eq!(message(&host), host);
    }
}
