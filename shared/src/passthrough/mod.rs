//! Pass-through fields of a document: fields of other APIs, which are rendered unchanged, under their own names.
//!
//! `istio.json` describes each field of Istio's routes and policies once: the kind of its values, the versions of Istio
//! that have it, and how the Gateway API says it. The checks, the JSON Schema, the reference, the import and the tests'
//! generator of documents are derived from it, and `cargo xtask istio` compares it with the schemas of Istio's own
//! kinds. `external_dns.json` has the settings of ExternalDNS for each provider of a zone.

mod kind;
pub(crate) mod numbers;
#[cfg(feature = "schema")]
pub mod reference;

use std::str::FromStr;
use std::sync::LazyLock;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::istio::IstioVersion;

pub use kind::{Kind, PRIME_MAX};

/// An object of another API, or a part of one, as in the document.
pub type IstioFields = Map<String, Value>;

/// A message of an API: an object with fields.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Message {
    /// Where Istio's schema has it, for messages that no field of another message leads to.
    #[serde(default)]
    pub crd: Option<String>,
    /// Sets of fields, each with one field at most.
    #[serde(default)]
    pub at_most_one: Vec<Vec<String>>,
    /// Sets of fields, each with one field at least.
    #[serde(default)]
    pub at_least_one: Vec<Vec<String>>,
    /// The fields that a document may set, in the order of the reference.
    pub fields: IndexMap<String, Field>,
    /// Istio's other fields, each with the reason.
    #[serde(default)]
    pub omitted: IndexMap<String, String>,
}

/// A field of a message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Field {
    /// Its values.
    #[serde(rename = "type")]
    pub shape: Shape,
    /// Oldest version of Istio that is not known to lack it; `None` for all.
    ///
    /// Sources: the references in istio.io/archive/v1.0 and v1.1; `networking/v1alpha3/*.proto` of istio/api for 1.2
    /// (982e5c3888c6), 1.3 (483f2547d882), 1.4 (35e06ef8d838) and 1.5 (228308df3f1b); its CRDs from v1.24 on.
    /// `fault.abort.grpcStatus` exists in older ones too, without effect (pull request 39295 of istio/istio, after the
    /// branch of 1.14).
    #[serde(default)]
    pub since: Option<IstioVersion>,
    /// First version of Istio without it.
    #[serde(default)]
    pub until: Option<IstioVersion>,
    /// [`Field::since`] of single values.
    #[serde(default)]
    pub values_since: IndexMap<String, IstioVersion>,
    /// Which of its values an HTTPRoute of the Gateway API can say.
    #[serde(default)]
    pub http: Option<GatewayValues>,
    /// Oldest version of Istio that reads it in an HTTPRoute.
    #[serde(default)]
    pub http_since: Option<IstioVersion>,
    /// Which of its values a GRPCRoute can say.
    #[serde(default)]
    pub grpc: Option<GatewayValues>,
    /// Whether it is a field of fedmesh, not of Istio.
    #[serde(default)]
    pub own: bool,
    /// Whether fedmesh sets it if it is omitted, although Istio requires it.
    #[serde(default)]
    pub filled: bool,
}

/// The values of a field.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum Shape {
    /// One kind of value.
    Kind(Kind),
    /// One of these texts; `A|B` in a table.
    Choices(Vec<String>),
    /// A message, by its name.
    Message(String),
    /// A list, `[header]`.
    List(Box<Shape>),
    /// Values by any name, `{text}`.
    Map(Box<Shape>),
}

/// Which values of a field the Gateway API can say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum GatewayValues {
    /// All of them.
    Any,
    /// What the fields of its message say.
    Fields,
    /// An exact condition.
    Exact,
    /// A condition that is exact or a regular expression.
    Regex,
    /// A path in normal form.
    Path,
    /// A host name.
    Host,
    /// The path of a gRPC method.
    Method,
    /// The path of a gRPC service.
    Service,
    /// The path of a gRPC method or service.
    Call,
    /// The code of a redirect.
    Code,
}

type Table = IndexMap<String, Message>;

static ISTIO: LazyLock<Table> = LazyLock::new(|| table(include_str!("istio.json")));
static EXTERNAL_DNS: LazyLock<Table> = LazyLock::new(|| table(include_str!("external_dns.json")));

/// A parsed table. Tests read both.
fn table(text: &str) -> Table {
    match serde_json::from_str(text) {
        Ok(table) => table,
        Err(error) => unreachable!("a table of pass-through fields: {error}"),
    }
}

/// Istio's messages with their names, in the order of the reference.
pub fn istio() -> impl Iterator<Item = (&'static str, &'static Message)> {
    ISTIO.iter().map(|(name, message)| (name.as_str(), message))
}

/// A message of Istio. Tests hold that the table has all messages that its fields and the functions below name.
fn message(name: &str) -> &'static Message {
    match ISTIO.get(name) {
        Some(message) => message,
        None => unreachable!("no message {name} in the table of Istio's fields"),
    }
}

/// One of a service's routes: Istio's `HTTPRoute` with shorthand paths, and `to` instead of destinations.
pub fn route() -> &'static Message {
    message("HTTPRoute")
}

/// A subset of a service's pods.
pub fn subset() -> &'static Message {
    message("Subset")
}

/// The traffic policy of a service's pods, without the fields that the transport between clusters sets.
pub fn traffic_policy() -> &'static Message {
    message("TrafficPolicy")
}

/// Outlier detection.
pub fn outlier_detection() -> &'static Message {
    message("OutlierDetection")
}

/// The settings of ExternalDNS for a zone's provider: `zoneType` of `aws` is its flag `--aws-zone-type`. A list is a
/// flag that can be repeated. `None` for a provider without settings.
///
/// Source: `pkg/apis/externaldns/types.go` of v0.19.0; `etcdUrls` is its environment variable `ETCD_URLS`
/// (`provider/coredns/coredns.go`).
pub fn settings(provider: &str) -> Option<&'static Message> {
    EXTERNAL_DNS.get(settings_of(provider))
}

/// The settings of all providers.
pub fn all_settings() -> impl Iterator<Item = &'static Message> {
    EXTERNAL_DNS.values()
}

/// The settings' key of a provider that shares them with another: the other provider.
pub fn settings_of(provider: &str) -> &str {
    match provider {
        "azure-private-dns" | "azure-dns" => "azure",
        other => other,
    }
}

impl Field {
    /// Whether a version of Istio lacks the field, or its value.
    pub fn is_lacking(&self, istio: IstioVersion, value: &Value) -> bool {
        let value_since = value.as_str().and_then(|text| self.values_since.get(text));
        let since = [self.since.as_ref(), value_since];
        since.into_iter().flatten().any(|since| istio < *since)
            || self.until.is_some_and(|until| istio >= until)
    }
}

impl Shape {
    /// The message of a field whose values are messages, or lists or maps of them.
    pub fn message(&self) -> Option<&'static Message> {
        match self {
            Self::Message(name) => Some(message(name)),
            Self::List(of) | Self::Map(of) => of.message(),
            Self::Kind(_) | Self::Choices(_) => None,
        }
    }
}

impl TryFrom<String> for Shape {
    type Error = strum::ParseError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let inside = |open, close| text.strip_prefix(open)?.strip_suffix(close);
        if let Some(inner) = inside('[', ']') {
            return Ok(Self::List(Box::new(inner.to_owned().try_into()?)));
        }
        if let Some(inner) = inside('{', '}') {
            return Ok(Self::Map(Box::new(inner.to_owned().try_into()?)));
        }
        if text.contains('|') {
            return Ok(Self::Choices(text.split('|').map(str::to_owned).collect()));
        }
        // Messages have upper-case names, and kinds lower-case ones.
        if text.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Ok(Self::Message(text));
        }
        Kind::from_str(&text).map(Self::Kind)
    }
}

/// Calls `f` for a message and for each message in it, with its path, its description and its fields.
pub fn each_message<'a>(
    message: &'static Message,
    given: &'a IstioFields,
    path: &str,
    f: &mut dyn FnMut(&str, &'static Message, &'a IstioFields),
) {
    f(path, message, given);
    for (name, value) in given {
        let inner = message.fields.get(name);
        if let Some(inner) = inner.and_then(|field| field.shape.message()) {
            each_value(value, &format!("{path}.{name}"), &mut |at, value| {
                if let Value::Object(fields) = value {
                    each_message(inner, fields, at, f);
                }
            });
        }
    }
}

/// Calls `f` for the items of a list, or else for the value itself.
fn each_value<'a>(value: &'a Value, path: &str, f: &mut dyn FnMut(&str, &'a Value)) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                f(&format!("{path}[{index}]"), item);
            }
        }
        one => f(path, one),
    }
}

/// Whether a request can have this path.
pub fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// A route for a path; `name` is `exact`, `prefix` or `regex`.
pub fn path_route(name: &str, path: &str) -> IstioFields {
    let mut route = IstioFields::new();
    route.insert(name.to_owned(), path.into());
    route
}

#[cfg(test)]
mod tests {
    use super::{EXTERNAL_DNS, ISTIO, Message, Shape};

    fn shapes(message: &Message) -> impl Iterator<Item = &Shape> {
        message.fields.values().map(|field| &field.shape)
    }

    #[test]
    fn fields_refer_to_messages_that_exist() {
        for shape in ISTIO.values().flat_map(shapes) {
            // It panics without the message.
            shape.message();
        }
        for shape in EXTERNAL_DNS.values().flat_map(shapes) {
            assert!(shape.message().is_none(), "{shape:?}");
        }
        super::route();
        super::subset();
        super::traffic_policy();
        super::outlier_detection();
    }

    #[test]
    fn conflicts_and_values_name_existing_fields() {
        for (name, message) in ISTIO.iter() {
            let sets = message.at_most_one.iter().chain(&message.at_least_one);
            for field in sets.flatten() {
                assert!(message.fields.contains_key(field), "{name}.{field}");
            }
            for field in message.omitted.keys() {
                assert!(!message.fields.contains_key(field), "{name}.{field}");
            }
            for (field, of) in &message.fields {
                let Shape::Choices(choices) = &of.shape else {
                    assert!(of.values_since.is_empty(), "{name}.{field}");
                    continue;
                };
                for value in of.values_since.keys() {
                    assert!(choices.contains(value), "{name}.{field}: {value}");
                }
            }
        }
    }
}
