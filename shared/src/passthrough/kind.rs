//! Kinds of values in pass-through fields.

use strum::{EnumString, IntoStaticStr};

/// A kind of value; its name in the tables is in camel case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "camelCase")]
pub enum Kind {
    /// A text that is not empty.
    Text,
    /// `true` or `false`.
    Bool,
    /// A number from 0 to 2,147,483,647.
    Count,
    /// A number from 0 to 4,294,967,295.
    Unsigned,
    /// A port.
    Port,
    /// An HTTP status, 200 to 599.
    Status,
    /// An HTTP status, 100 to 599.
    AnyStatus,
    /// An HTTP redirection status, 300 to 399.
    Redirection,
    /// A number from 0 to 100, also with a fraction; 0, or at least 0.0001.
    Percent,
    /// A number above 0, also with a fraction.
    Number,
    /// A number from 0 to 100, without a fraction.
    WholePercent,
    /// A prime number below 5,000,011, the sizes of Envoy's Maglev tables.
    Prime,
    /// A duration such as `500ms`.
    Duration,
    /// A duration of whole seconds.
    Seconds,
    /// The name of an HTTP header.
    Header,
    /// The value of a header; `%` starts a variable of Envoy, and `%%` is a percent sign.
    HeaderValue,
    /// Retry conditions: Envoy's names, or HTTP statuses.
    RetryOn,
    /// A host name.
    Host,
    /// Bytes in base64.
    Bytes,
    /// A regular expression of RE2.
    Regex,
    /// A condition on a text: one of `exact`, `prefix`, `regex`.
    Match,
    /// The same, or `{}` for presence.
    Presence,
}

/// Largest size of a Maglev table (Istio's `pkg/config/validation`).
pub const PRIME_MAX: u64 = 5_000_010;

impl Kind {
    /// Its values in words, as in "is not a port from 1 to 65535".
    pub fn expected(self) -> &'static str {
        match self {
            Self::Text => "a string, in quotes where YAML reads another type",
            Self::Bool => "true or false",
            Self::Count | Self::Unsigned => "a whole number of at least 0",
            Self::Port => "a port from 1 to 65535",
            Self::Status => "a status from 200 to 599",
            Self::AnyStatus => "a status from 100 to 599",
            Self::Redirection => "a status from 300 to 399",
            Self::Percent => "a number from 0 to 100, in steps of 0.0001",
            Self::Number => "a number above 0",
            Self::WholePercent => "a whole number from 0 to 100",
            Self::Prime => "a prime number below 5,000,011, such as 65537",
            Self::Duration => "a duration such as 500ms or 1m30s",
            Self::Seconds => "a duration of whole seconds such as 30s or 24h",
            Self::Header => "a header name such as x-user",
            Self::HeaderValue => "a string without control characters, with %% for a percent sign",
            Self::RetryOn => {
                "a list of Envoy's retry conditions and HTTP statuses, separated by commas, such as 5xx,reset,409"
            }
            Self::Host => "a host name",
            Self::Bytes => "bytes in base64",
            Self::Regex => "a regular expression in quotes",
            Self::Match | Self::Presence => "one of {exact: …}, {prefix: …} and {regex: …}",
        }
    }
}
