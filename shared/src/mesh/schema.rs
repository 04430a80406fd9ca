//! The JSON Schema of the document, for editors and for the reference.
//!
//! Descriptions are the doc comments of the fields. Formats of texts are defined here, with their names in the
//! reference as titles; the rules themselves are in [`crate::check`], and the schema accepts every valid document.

use schemars::generate::SchemaSettings;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde_json::{Value, json};

use super::{BookinfoProgram, Mesh, NameLevel};
use crate::passthrough::{self, Kind, Message, PRIME_MAX, Shape};

/// Keyword of fedmesh for a default that is not a value, such as "what the agent finds".
const DEFAULT_IN_WORDS: &str = "x-default";
/// Keyword of fedmesh for a part that the reference describes as a whole, such as pass-through fields of Istio.
const ISTIO_FIELDS: &str = "x-passed-on";
/// A duration in the syntax of Go and Istio.
const DURATION: &str = "^([0-9]+(\\.[0-9]+)?(h|m|s|ms))+$";

/// The schema in draft 7 of JSON Schema, which editors support.
pub fn schema() -> Value {
    let mut schema = with_defaults_in_words();
    put_in_words(&mut schema);
    schema
}

fn with_defaults_in_words() -> Value {
    SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<Mesh>()
        .to_value()
}

/// Moves fedmesh's keywords into the descriptions, and removes links, which do not work in an editor.
fn put_in_words(value: &mut Value) {
    match value {
        Value::Object(object) => {
            let default = object.remove(DEFAULT_IN_WORDS);
            object.remove(ISTIO_FIELDS);
            if let Some(Value::String(description)) = object.get_mut("description") {
                *description = description.replace('\n', " ");
                while let Some((before, rest)) = description.split_once('[')
                    && let Some((text, rest)) = rest.split_once("](#")
                    && let Some((_, after)) = rest.split_once(')')
                {
                    *description = format!("{before}{text}{after}");
                }
                if let Some(default) = default.as_ref().and_then(Value::as_str) {
                    *description = format!("{description} Default: {default}.");
                }
            }
            object.values_mut().for_each(put_in_words);
        }
        Value::Array(items) => items.iter_mut().for_each(put_in_words),
        _ => {}
    }
}

/// A DNS label (RFC 1123).
pub(super) fn label(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "title": "label", "type": "string",
        "minLength": 1, "maxLength": 63, "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    })
}

/// The name of a mesh: a label with room for a prefix.
pub(super) fn mesh_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "title": "label, at most 55 characters", "type": "string",
        "minLength": 1, "maxLength": crate::kubernetes::ownership::MESH_NAME_MAX,
        "pattern": "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    })
}

/// A host name of one or more labels.
pub(super) fn host_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "title": "host name", "type": "string", "minLength": 1, "maxLength": 253 })
}

/// A rendered kind.
pub(super) fn kind(_: &mut SchemaGenerator) -> Schema {
    let kinds: Vec<&str> = crate::kubernetes::ignore::KINDS
        .iter()
        .map(|(kind, _)| *kind)
        .collect();
    json_schema!({ "title": "kind", "type": "string", "enum": kinds })
}

/// The name of an object of Kubernetes.
pub(super) fn object_name(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "title": "name", "type": "string", "minLength": 1, "maxLength": 253 })
}

/// JSON pointers (RFC 6901).
pub(super) fn pointers(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "title": "list of JSON pointers", "type": "array", "minItems": 1,
        "items": { "title": "JSON pointer", "type": "string", "pattern": "^(/([^/~]|~[01])+)+$" },
    })
}

/// A host name, or `*.` before one.
pub(super) fn host_pattern(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "title": "host name, also with `*.` before it", "type": "string", "minLength": 1, "maxLength": 255,
    })
}

/// A port; 0 is invalid.
pub(super) fn port(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "title": "port", "type": "integer", "minimum": 1, "maximum": 65535 })
}

/// Authorities that sign certificates.
pub(super) fn authority(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "title": "`system` or a path", "type": "string", "pattern": "^(system|/.+)$" })
}

/// Labels of Kubernetes objects.
pub(super) fn labels(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "title": "labels", "type": "object", "additionalProperties": { "type": "string" },
    })
}

/// Annotations of Kubernetes objects.
pub(super) fn annotations(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "title": "annotations", "type": "object", "additionalProperties": { "type": "string" },
    })
}

/// Settings of any provider: the check validates them by provider.
pub(super) fn provider_settings(_: &mut SchemaGenerator) -> Schema {
    let mut all = serde_json::Map::new();
    for message in passthrough::all_settings() {
        all.extend(properties(message));
    }
    let mut schema = json_schema!({
        "title": "the provider's settings", "type": "object", "additionalProperties": false,
    });
    schema.insert("properties".into(), all.into());
    schema.insert(ISTIO_FIELDS.into(), true.into());
    schema
}

/// The place of a cluster.
pub(super) fn place(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "title": "region, `region/zone` or `region/zone/cluster`", "type": "string", "minLength": 1 })
}

/// Shares of places, in percent.
pub(super) fn shares(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "title": "percentages by place", "type": "object", "minProperties": 1,
        "additionalProperties": { "type": "integer", "minimum": 1, "maximum": 100 },
    })
}

/// Seconds.
pub(super) fn seconds(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "title": "seconds", "type": "integer", "minimum": 1, "maximum": 2_147_483_647 })
}

/// Istio's version. The reader refuses a number: 1.30 would be 1.3.
pub(super) fn version(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "title": "text", "type": "string", "pattern": "^[0-9]+\\.[0-9]+" })
}

/// A duration in the syntax of Go and Istio.
pub(super) fn duration(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "title": "duration", "type": "string", "pattern": DURATION,
    })
}

/// A status of HTTP.
pub(super) fn status(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "title": "100 to 599", "type": "integer", "minimum": 100, "maximum": 599 })
}

/// An image reference.
pub(super) fn image(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "title": "image", "type": "string", "minLength": 1 })
}

/// Images of the sample bookinfo, by program.
pub(super) fn bookinfo_images(_: &mut SchemaGenerator) -> Schema {
    let image = json!({ "type": "string", "minLength": 1 });
    let images: serde_json::Map<String, Value> = BookinfoProgram::ALL
        .iter()
        .map(|program| (program.as_str().to_owned(), image.clone()))
        .collect();
    let mut schema = json_schema!({
        "title": "images", "type": "object", "additionalProperties": false,
    });
    schema.insert("properties".into(), images.into());
    // All have the same meaning, so the reference has one line for them.
    schema.insert(ISTIO_FIELDS.into(), true.into());
    schema
}

/// Addresses of gateways.
pub(super) fn addresses(_: &mut SchemaGenerator) -> Schema {
    list("IP address or host name")
}

/// Addresses of name servers.
pub(super) fn nameservers(_: &mut SchemaGenerator) -> Schema {
    list("IP address, with a port if it is not 53")
}

/// Addresses of external hosts.
pub(super) fn ranges(_: &mut SchemaGenerator) -> Schema {
    list("IP address, or a range such as `10.0.0.0/8`")
}

/// Names in a certificate.
pub(super) fn names(_: &mut SchemaGenerator) -> Schema {
    list("name")
}

/// Names of clusters.
pub(super) fn clusters(_: &mut SchemaGenerator) -> Schema {
    list("cluster name")
}

/// Zones of a cluster.
pub(super) fn zones(_: &mut SchemaGenerator) -> Schema {
    list("zone")
}

/// Names of namespaces.
pub(super) fn namespaces(_: &mut SchemaGenerator) -> Schema {
    list("namespace")
}

/// Hosts in a Sidecar.
pub(super) fn egress_hosts(_: &mut SchemaGenerator) -> Schema {
    list("`namespace/dnsName`")
}

/// Service accounts of callers.
pub(super) fn service_accounts(_: &mut SchemaGenerator) -> Schema {
    list("service account")
}

/// Levels of published names.
pub(super) fn levels(_: &mut SchemaGenerator) -> Schema {
    let levels = NameLevel::ALL.map(NameLevel::as_str);
    json_schema!({
        "type": "array", "minItems": 1,
        "items": { "title": "`global`, `region`, `zone`, `cluster`", "type": "string", "enum": levels },
    })
}

/// Routes of a service.
pub(super) fn routes(_: &mut SchemaGenerator) -> Schema {
    let route = istio(passthrough::route(), "a path, or Istio's `HTTPRoute`");
    json_schema!({ "type": "array", "items": route })
}

/// Subsets of a service.
pub(super) fn subsets(_: &mut SchemaGenerator) -> Schema {
    let subset = istio(passthrough::subset(), "Istio's `Subset`");
    json_schema!({ "type": "array", "items": subset })
}

/// Traffic policy of pods.
pub(super) fn traffic_policy(_: &mut SchemaGenerator) -> Schema {
    known(istio(
        passthrough::traffic_policy(),
        "Istio's `TrafficPolicy`",
    ))
}

/// Outlier detection.
pub(super) fn outlier_detection(_: &mut SchemaGenerator) -> Schema {
    known(istio(
        passthrough::outlier_detection(),
        "Istio's `OutlierDetection`",
    ))
}

fn known(schema: Value) -> Schema {
    match schema {
        Value::Object(schema) => schema.into(),
        other => unreachable!("{other} is no schema"),
    }
}

/// The schema of pass-through fields of Istio. The keyword omits their fields from the reference, which has nothing to
/// add to Istio's own.
fn istio(message: &Message, title: &str) -> Value {
    let mut schema = of_message(message);
    schema["title"] = title.into();
    schema[ISTIO_FIELDS] = true.into();
    schema
}

fn of_message(message: &Message) -> Value {
    let mut schema = json!({ "type": "object", "properties": properties(message), "additionalProperties": false });
    let sets = message.at_least_one.iter();
    let required: Vec<&String> = sets.filter(|set| set.len() == 1).flatten().collect();
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

fn properties(message: &Message) -> serde_json::Map<String, Value> {
    let fields = message.fields.iter();
    fields
        .map(|(name, field)| (name.clone(), of_shape(&field.shape)))
        .collect()
}

fn of_shape(shape: &Shape) -> Value {
    match shape {
        Shape::Kind(kind) => of_kind(*kind),
        Shape::Choices(choices) => json!({ "enum": choices }),
        Shape::Message(_) => shape.message().map(of_message).unwrap_or_default(),
        Shape::List(of) => json!({ "type": "array", "items": of_shape(of) }),
        Shape::Map(of) => json!({ "type": "object", "additionalProperties": of_shape(of) }),
    }
}

fn of_kind(kind: Kind) -> Value {
    let condition = |least: u32| {
        let text = json!({ "type": "string", "minLength": 1 });
        json!({
            "type": "object", "properties": { "exact": text, "prefix": text, "regex": text },
            "additionalProperties": false, "minProperties": least, "maxProperties": 1,
        })
    };
    match kind {
        Kind::Text
        | Kind::Regex
        | Kind::Host
        | Kind::Header
        | Kind::HeaderValue
        | Kind::RetryOn
        | Kind::Bytes => json!({ "type": "string", "minLength": 1 }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Count => json!({ "type": "integer", "minimum": 0, "maximum": i32::MAX }),
        Kind::Unsigned => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        Kind::Port => json!({ "type": "integer", "minimum": 1, "maximum": 65535 }),
        Kind::Status => json!({ "type": "integer", "minimum": 200, "maximum": 599 }),
        Kind::AnyStatus => json!({ "type": "integer", "minimum": 100, "maximum": 599 }),
        Kind::Redirection => json!({ "type": "integer", "minimum": 300, "maximum": 399 }),
        Kind::Percent => json!({ "type": "number", "minimum": 0, "maximum": 100 }),
        Kind::Number => json!({ "type": "number", "exclusiveMinimum": 0 }),
        Kind::WholePercent => json!({ "type": "integer", "minimum": 0, "maximum": 100 }),
        Kind::Prime => json!({ "type": "integer", "minimum": 2, "maximum": PRIME_MAX }),
        Kind::Duration | Kind::Seconds => json!({ "type": "string", "pattern": DURATION }),
        Kind::Match => condition(1),
        Kind::Presence => condition(0),
    }
}

/// Arguments of a program.
pub(super) fn arguments(_: &mut SchemaGenerator) -> Schema {
    list("flag")
}

fn list(title: &str) -> Schema {
    json_schema!({
        "type": "array", "items": { "title": title, "type": "string", "minLength": 1 },
    })
}

/// A field of the document in the reference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Its path, such as `spec.clusters[].name`.
    pub path: String,
    /// Its type, in Markdown.
    pub kind: String,
    /// Its default, in Markdown; `required` without one.
    pub default: String,
    /// Its meaning, in Markdown.
    pub meaning: String,
}

/// Every field, in the order of the document.
pub fn fields() -> Vec<Field> {
    let root = with_defaults_in_words();
    let mut fields = Vec::new();
    let mut walk = Walk {
        root: &root,
        fields: &mut fields,
    };
    walk.fields_of(&root, "");
    fields
}

struct Walk<'a> {
    root: &'a Value,
    fields: &'a mut Vec<Field>,
}

impl<'a> Walk<'a> {
    fn fields_of(&mut self, object: &'a Value, path: &str) {
        let required = object["required"].as_array();
        for (name, field) in object["properties"].as_object().into_iter().flatten() {
            let dot = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{dot}{name}");
            let is_required = required.is_some_and(|required| required.contains(&json!(name)));
            self.field(&path, field, is_required);
        }
    }

    fn field(&mut self, path: &str, field: &'a Value, is_required: bool) {
        let mut path = path.to_owned();
        let mut kind = self.resolve(field);
        if kind["type"] == "array" {
            path.push_str("[]");
            kind = self.resolve(&kind["items"]);
        }
        let choices: Vec<&Value> = kind["oneOf"].as_array().into_iter().flatten().collect();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let default = if is_required {
            "required".to_owned()
        } else if let Some(words) = field[DEFAULT_IN_WORDS].as_str() {
            words.to_owned()
        } else {
            match &field["default"] {
                Value::Null | Value::Array(_) | Value::Object(_) => "none".to_owned(),
                Value::String(default) => format!("`{default}`"),
                default => default.to_string(),
            }
        };
        let values: Vec<String> = choices
            .iter()
            .filter(|choice| choice["const"].is_string())
            .map(|choice| format!("`{}`", text(&choice["const"])))
            .collect();
        // A field that only groups others has no line of its own.
        let istio_fields = kind[ISTIO_FIELDS] == true;
        let holds = kind["properties"].is_object() && !istio_fields;
        if !holds || field[DEFAULT_IN_WORDS].is_string() {
            let kind = match (&kind["title"], kind["type"].as_str()) {
                _ if !values.is_empty() => values.join(", "),
                (Value::String(title), _) => title.clone(),
                _ if holds || !choices.is_empty() => "object".to_owned(),
                (_, Some("boolean")) => "`true`, `false`".to_owned(),
                (_, Some("integer")) => "number".to_owned(),
                _ if kind["type"][0] == "boolean" => "`true`, `false`".to_owned(),
                _ => "text".to_owned(),
            };
            self.fields.push(Field {
                path: path.clone(),
                kind,
                default,
                meaning: text(&field["description"]).replace('\n', " "),
            });
        }
        if holds {
            self.fields_of(kind, &path);
        }
        for choice in choices {
            // One of several fields; the choice has the description.
            for (name, _) in choice["properties"].as_object().into_iter().flatten() {
                self.fields.push(Field {
                    path: format!("{path}.{name}"),
                    kind: "text".to_owned(),
                    default: "one of them".to_owned(),
                    meaning: text(&choice["description"]).replace('\n', " "),
                });
            }
        }
    }

    /// Follows references, and skips null.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let one_of_them = ["allOf", "anyOf"].iter().find_map(|keyword| {
            let parts = schema[keyword].as_array()?;
            parts.iter().find(|part| part["type"] != "null")
        });
        if let Some(part) = one_of_them {
            return self.resolve(part);
        }
        let reference = schema["$ref"].as_str();
        match reference.and_then(|reference| self.root.pointer(reference.trim_start_matches('#'))) {
            Some(target) => self.resolve(target),
            None => schema,
        }
    }
}
