//! The members of a JSON object, edited in its text: every byte that is not one of them stays.

use std::ops::Range;

use serde::de::IgnoredAny;
use serde_json::Deserializer;

/// A member of an object.
pub(super) struct Member {
    pub(super) name: String,
    /// Where its name begins.
    start: usize,
    pub(super) value: Range<usize>,
}

/// An object in its text.
pub(super) struct Members<'a> {
    text: &'a str,
    /// Behind the opening brace.
    inside: usize,
    pub(super) all: Vec<Member>,
}

impl<'a> Members<'a> {
    /// Finds them; the error says why it is no JSON object.
    pub(super) fn read(text: &'a str) -> serde_json::Result<Self> {
        // From here on it is known to be one, and only the places are looked for.
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

    /// With a member before the others, in their style.
    pub(super) fn insert(&self, member: &str) -> String {
        let Some(first) = self.all.first() else {
            return self.replace(self.inside..self.inside, member);
        };
        let gap = &self.text[self.inside..first.start];
        self.replace(first.start..first.start, &format!("{member},{gap}"))
    }

    /// Without one of its members: what [`insert`](Self::insert) was given is what is left.
    pub(super) fn remove(&self, index: usize) -> String {
        let member = &self.all[index];
        let range = match (index.checked_sub(1), self.all.get(index + 1)) {
            (_, Some(next)) => member.start..next.start,
            (Some(before), None) => self.all[before].value.end..member.value.end,
            (None, None) => member.start..member.value.end,
        };
        self.replace(range, "")
    }

    /// With another text in a place, such as a member's value.
    pub(super) fn replace(&self, place: Range<usize>, by: &str) -> String {
        let (before, after) = (&self.text[..place.start], &self.text[place.end..]);
        format!("{before}{by}{after}")
    }
}

/// The next place that is neither blank nor one of these.
fn skip(text: &str, at: usize, more: &[char]) -> usize {
    let rest =
        text[at..].trim_start_matches(|c: char| c.is_ascii_whitespace() || more.contains(&c));
    text.len() - rest.len()
}

/// Where the JSON value ends that begins here; `None` at a closing brace.
fn end(text: &str, at: usize) -> serde_json::Result<Option<usize>> {
    if text[at..].starts_with('}') {
        return Ok(None);
    }
    let mut values = Deserializer::from_str(&text[at..]).into_iter::<IgnoredAny>();
    values.next().transpose()?;
    Ok(Some(at + values.byte_offset()))
}
