//! Types for names that are valid wherever they are used.

use std::fmt;

/// Longest DNS label, in characters (RFC 1123, section 2.1).
pub const LABEL_MAX: usize = 63;
/// Longest host name in text form, in characters (RFC 1123; the wire form has 255 octets).
pub const HOST_NAME_MAX: usize = 253;

/// The reason why a text is not a [`Label`] or [`HostName`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The text is empty.
    #[error("is empty")]
    Empty,
    /// Longer than the limit.
    #[error("is {length} characters long (at most {max})")]
    TooLong {
        /// Characters found.
        length: usize,
        /// Characters allowed.
        max: usize,
    },
    /// A character outside `a-z`, `0-9`, `-` (and `.` between labels).
    #[error("contains {0:?}; lower-case letters, digits and hyphens are allowed")]
    Character(char),
    /// A hyphen at either end of a label.
    #[error("starts or ends with a hyphen")]
    Hyphen,
    /// Two dots in a row, or a dot at either end.
    #[error("has an empty label (a dot at the start or the end, or two in a row)")]
    EmptyLabel,
}

/// One DNS label, such as `httpbin` or `us-west2-a`: 1 to 63 characters of `a-z`, `0-9` and `-`,
/// with no hyphen at either end (RFC 1123; the same rule as Kubernetes' `IsDNS1123Label`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label(String);

impl Label {
    /// Parses a label.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        let length = text.chars().count();
        if length > LABEL_MAX {
            return Err(NameError::TooLong {
                length,
                max: LABEL_MAX,
            });
        }
        if let Some(c) = text
            .chars()
            .find(|c| !matches!(c, 'a'..='z' | '0'..='9' | '-'))
        {
            return Err(NameError::Character(c));
        }
        if text.starts_with('-') || text.ends_with('-') {
            return Err(NameError::Hyphen);
        }
        Ok(Self(text.to_owned()))
    }

    /// The label as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A host name of one or more labels, such as `httpbin.my.dns.zone.name`: at most 253 characters,
/// lower case, no dot at the end (RFC 1123).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostName(String);

impl HostName {
    /// Parses a host name.
    pub fn new(text: &str) -> Result<Self, NameError> {
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        let length = text.chars().count();
        if length > HOST_NAME_MAX {
            return Err(NameError::TooLong {
                length,
                max: HOST_NAME_MAX,
            });
        }
        for label in text.split('.') {
            Label::new(label).map_err(|error| match error {
                NameError::Empty => NameError::EmptyLabel,
                other => other,
            })?;
        }
        Ok(Self(text.to_owned()))
    }

    /// The host name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Number of labels.
    pub fn labels(&self) -> usize {
        self.0.split('.').count()
    }

    /// Whether it is `zone` or a name below it, on a dot boundary.
    pub fn lies_in(&self, zone: &str) -> bool {
        lies_in(&self.0, zone)
    }
}

fn lies_in(host: &str, zone: &str) -> bool {
    host.strip_suffix(zone)
        .is_some_and(|before| before.is_empty() || before.ends_with('.'))
}

/// A host name, or `*.` before one for all names below it, such as `*.example.com`: the form of hosts in a
/// ServiceEntry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostPattern {
    /// Whether it matches the names below `name`, rather than `name`.
    pub is_wildcard: bool,
    /// The name without `*.`.
    pub name: HostName,
}

impl HostPattern {
    /// Parses a pattern.
    pub fn new(text: &str) -> Result<Self, NameError> {
        let below = text.strip_prefix("*.");
        Ok(Self {
            is_wildcard: below.is_some(),
            name: HostName::new(below.unwrap_or(text))?,
        })
    }

    /// Whether the pattern matches `zone` or any name below it.
    pub fn meets(&self, zone: &str) -> bool {
        self.name.lies_in(zone) || self.is_wildcard && lies_in(zone, self.name.as_str())
    }
}

/// The suffix of all hosts of a wildcard such as `*.example.com`, if `host` is one of them. Of several wildcards the
/// one with the longest suffix is the most specific.
pub(crate) fn ending<'a>(wildcard: &'a str, host: &str) -> Option<&'a str> {
    let ending = wildcard.strip_prefix('*')?;
    let head = host.strip_suffix(ending)?;
    (!head.is_empty()).then_some(ending)
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_wildcard { "*." } else { "" })?;
        self.name.fmt(f)
    }
}

impl serde::Serialize for HostName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl serde::Serialize for Label {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels() {
        let long = "a".repeat(63);
        for good in ["a", "1", "us-west2-a", long.as_str()] {
            assert_eq!(Label::new(good).map(|l| l.to_string()), Ok(good.to_owned()));
        }
        for (bad, error) in [
            ("", NameError::Empty),
            ("-a", NameError::Hyphen),
            ("a-", NameError::Hyphen),
            ("A", NameError::Character('A')),
            ("a.b", NameError::Character('.')),
            ("a\n", NameError::Character('\n')),
            ("ä", NameError::Character('ä')),
            (
                &"a".repeat(64),
                NameError::TooLong {
                    length: 64,
                    max: 63,
                },
            ),
        ] {
            assert_eq!(Label::new(bad), Err(error), "{bad:?}");
        }
    }

    #[test]
    fn host_names() {
        assert!(HostName::new("my.dns.zone.name").is_ok());
        for bad in [".a", "a.", "a..b", "", "*.a", "a b"] {
            assert!(HostName::new(bad).is_err(), "{bad:?}");
        }
        let longest = [
            "a".repeat(63),
            "b".repeat(63),
            "c".repeat(63),
            "d".repeat(61),
        ]
        .join(".");
        assert_eq!(longest.len(), HOST_NAME_MAX);
        assert!(HostName::new(&longest).is_ok());
        assert_eq!(
            HostName::new(&format!("{longest}e")),
            Err(NameError::TooLong {
                length: 254,
                max: 253
            })
        );
    }
    #[test]
    fn host_patterns() {
        let meets = |pattern: &str, zone: &str| HostPattern::new(pattern).unwrap().meets(zone);
        assert!(meets("a.b.c", "a.b.c") && meets("a.b.c", "b.c"));
        assert!(!meets("ab.c", "b.c") && !meets("b.c", "a.b.c"));
        assert!(meets("*.c", "b.c") && meets("*.b.c", "b.c") && meets("*.a.b.c", "b.c"));
        assert!(!meets("*.b.c", "xb.c") && !meets("*.d.c", "b.c"));
        assert_eq!(HostPattern::new("*.a").unwrap().to_string(), "*.a");
        for bad in ["", "*", "*.", "a.*", "*a.b", "*.*.b", "A.b"] {
            assert!(HostPattern::new(bad).is_err(), "{bad:?}");
        }
    }
}
