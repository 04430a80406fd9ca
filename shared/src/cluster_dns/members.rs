//! The members of a JSON object, edited in its text: every other byte stays.

use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::Deserializer;

/// A member of an object.
pub(super) struct Member {
    pub(super) name: String,
    /// Start of its name.
    start: usize,
    pub(super) value: Range<usize>,
}

/// An object and the positions of its members.
pub(super) struct Members<'a> {
    text: &'a str,
    /// Position after the opening brace.
    inside: usize,
    pub(super) all: Vec<Member>,
}

impl<'a> Members<'a> {
    /// Finds the members; an error means that the text is not a JSON object.
    pub(super) fn read(text: &'a str) -> serde_json::Result<Self> {
        // The text is valid from here on, so only positions are searched.
        let _is_object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text)?;
        let inside = text.find('{').map_or(0, |brace| brace + 1);
        let mut all = Vec::new();
        let mut at = inside;
        loop {
            let start = skip(text, at, &[',']);
            let Some(name_end) = end(text, start)? else {
                break;
            };
            let name = serde_json::from_str(&text[start..name_end])?;
            let value = skip(text, name_end, &[':']);
            at = end(text, value)?.unwrap_or(text.len());
            all.push(Member {
                name,
                start,
                value: value..at,
            });
        }
        Ok(Self { text, inside, all })
    }

    /// Inserts a member before the others, in their style.
    pub(super) fn insert(&self, member: &str) -> String {
        let Some(first) = self.all.first() else {
            return self.replace(self.inside..self.inside, member);
        };
        let gap = &self.text[self.inside..first.start];
        self.replace(first.start..first.start, &format!("{member},{gap}"))
    }

    /// Removes one of the members: the inverse of [`insert`](Self::insert).
    pub(super) fn remove(&self, index: usize) -> String {
        let member = &self.all[index];
        let range = match (index.checked_sub(1), self.all.get(index + 1)) {
            (_, Some(next)) => member.start..next.start,
            (Some(before), None) => self.all[before].value.end..member.value.end,
            (None, None) => member.start..member.value.end,
        };
        self.replace(range, "")
    }

    /// Replaces a range, such as a member's value.
    pub(super) fn replace(&self, place: Range<usize>, by: &str) -> String {
        let (before, after) = (&self.text[..place.start], &self.text[place.end..]);
        format!("{before}{by}{after}")
    }
}

/// The next position that is neither blank nor one of these characters.
fn skip(text: &str, at: usize, more: &[char]) -> usize {
    let rest =
        text[at..].trim_start_matches(|c: char| c.is_ascii_whitespace() || more.contains(&c));
    text.len() - rest.len()
}

/// The end of the JSON value that starts here; `None` at a closing brace.
fn end(text: &str, at: usize) -> serde_json::Result<Option<usize>> {
    if text[at..].starts_with('}') {
        return Ok(None);
    }
    let mut values = Deserializer::from_str(&text[at..]).into_iter::<IgnoredAny>();
    values.next().transpose()?;
    Ok(Some(at + values.byte_offset()))
}
