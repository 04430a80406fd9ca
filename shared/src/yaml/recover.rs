//! Recovery from errors in a document, so that one run reports all of them.

use std::marker::PhantomData;

use serde::de::DeserializeOwned;
use serde_saphyr::{Location, Spanned};

use super::fault::{About, Fault};
use super::located::{Located, Node, Reader, Source};
use super::{Error, ErrorKind};

/// Limit of errors in one document; each costs a pass.
const MAX_ERRORS: usize = 100;

/// Deserializes a value. Where it does not fit, the result has a value that does, and there is an error, in the order
/// of the document. There is no result if an error cannot be repaired.
pub(super) fn read<T: DeserializeOwned>(
    source: Source<'_>,
    mut value: Located,
) -> (Option<T>, Vec<Error>) {
    let mut errors = Vec::new();
    loop {
        let reader = Reader {
            source,
            value: &value,
        };
        let Fault(fault) = match reader.read(PhantomData) {
            Ok(read) => return (Some(read), errors),
            Err(fault) => fault,
        };
        let repaired = repair(&mut value, &fault);
        // Errors about a replacement are not reported.
        if repaired != Some(Repaired::OurOwn) && (repaired.is_some() || errors.is_empty()) {
            errors.push(fault.error);
        }
        if repaired.is_none() || errors.len() >= MAX_ERRORS {
            return (None, errors);
        }
    }
}

/// The owner of a replaced value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repaired {
    Theirs,
    /// An earlier replacement.
    OurOwn,
}

/// Replaces the value so that this fault does not occur again; `None` if that is impossible.
fn repair(value: &mut Located, fault: &About) -> Option<Repaired> {
    let mut steps = fault.steps.as_slice();
    let key = match steps {
        [key, around @ ..] if fault.is_of_key => {
            steps = around;
            Some(*key)
        }
        _ => None,
    };
    let mut here = value;
    for step in steps.iter().rev() {
        here = match &mut here.value {
            Node::List(items) => items.get_mut(*step)?,
            Node::Map(fields) | Node::Anything(fields) => &mut fields.get_mut(*step)?.1,
            _ => return None,
        };
    }
    let place = here.referenced;
    match (&mut here.value, &fault.error.kind) {
        (Node::Map(fields), _) if fault.is_of_key => {
            fields.remove(key?);
        }
        (Node::Map(fields), ErrorKind::MissingField(field)) => {
            fields.push(anything(field, place, fields));
        }
        (Node::Anything(fields), ErrorKind::MissingField(field)) => {
            fields.push(anything(field, place, fields));
            return Some(Repaired::OurOwn);
        }
        (Node::Anything(_), _) => return None,
        (other, _) => *other = Node::Anything(Vec::new()),
    }
    Some(Repaired::Theirs)
}

/// A field that can be deserialized as any type, at the last of these.
fn anything(
    field: &str,
    map: Location,
    fields: &[(Spanned<String>, Located)],
) -> (Spanned<String>, Located) {
    let place = fields.last().map_or(map, |(key, _)| key.referenced);
    (
        Spanned::new(field.to_owned(), place, place),
        Spanned::new(Node::Anything(Vec::new()), place, place),
    )
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use crate::yaml::{Error, from_str};

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Desired {
        number: u16,
        flag: Option<bool>,
        list: Vec<Desired>,
        kinds: Vec<Kinded>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Kinded {
        kind: Kind,
        on: bool,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    enum Kind {
        A,
        B,
    }

    #[test]
    fn all_errors_are_reported_at_once() {
        let messages = |yaml: &str| -> Vec<String> {
            let errors = from_str::<Desired>(yaml).unwrap_err().into_iter();
            errors
                .map(
                    |Error {
                         path,
                         line,
                         message,
                         ..
                     }| {
                        let words: Vec<&str> = message.split_whitespace().take(3).collect();
                        format!("{} {path}: {}", line.unwrap(), words.join(" "))
                    },
                )
                .collect()
        };
        assert_eq!(
            messages(
                "a: 1\nnumber: x\nb: 2\nflag: maybe\nlist:\n- 7\n- c: 1\n  kinds: [{kind: A, on: true}, {kind: D, d: 1, on: yes}, {on: 1}, {}, {kind: B, on: on}]\n"
            ),
            [
                "1 a: unknown field `a`,",
                "2 number: expected a whole",
                "3 b: unknown field `b`,",
                "4 flag: expected true or",
                "6 list[0]: expected a map,",
                "7 list[1].c: unknown field `c`,",
                "8 list[1].kinds[1].kind: unknown value `D`,",
                "8 list[1].kinds[1].d: unknown field `d`,",
                "8 list[1].kinds[2].on: expected true or",
                "8 list[1].kinds[2]: missing field `kind`",
                "8 list[1].kinds[3]: missing field `kind`",
                "8 list[1].kinds[3]: missing field `on`",
            ]
        );
        // A text that is not a document.
        assert_eq!(messages("[1]"), ["1 : expected a map,"]);
        assert_eq!(messages("{"), ["1 : `{` is not"]);
        // One for each pass, and at most a hundred.
        let many = format!("list:\n{}", "- a: 1\n".repeat(200));
        assert_eq!(messages(&many).len(), 100);
    }
}
