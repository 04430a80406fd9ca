//! Points in time, in Kubernetes' format.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A time in UTC to the second (RFC 3339), such as `2026-05-04T09:12:31Z`: 20 characters, which sort by
/// time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Timestamp(String);

/// The text is not a time in this form.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a time such as 2026-05-04T09:12:31Z")]
pub struct InvalidTimestamp(String);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub fn epoch() -> Self {
        Self("1970-01-01T00:00:00Z".to_owned())
    }

    /// Parses a time.
    ///
    /// # Errors
    /// The text has another form.
    pub fn new(text: &str) -> Result<Self, InvalidTimestamp> {
        const FORM: &[u8] = b"0000-00-00T00:00:00Z";
        let is_of_form = text.len() == FORM.len()
            && text.bytes().zip(FORM).all(|(found, form)| match form {
                b'0' => found.is_ascii_digit(),
                _ => found == *form,
            });
        if is_of_form {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidTimestamp(text.to_owned()))
        }
    }
}

impl TryFrom<String> for Timestamp {
    type Error = InvalidTimestamp;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Timestamp;

    #[test]
    fn a_time_in_utc_to_the_second() {
        for (text, is_valid) in [
            ("2026-05-04T09:12:31Z", true),
            ("2026-05-04T09:12:31.5Z", false),
            ("2026-05-04T09:12:31+02:00", false),
            ("2026-05-04 09:12:31Z", false),
            ("yesterday", false),
            ("", false),
        ] {
            assert_eq!(Timestamp::new(text).is_ok(), is_valid, "{text}");
        }
    }
}
