//! The reference of the pass-through fields of Istio, in Markdown.

use super::{Field, GatewayValues, Message, Shape, istio};

/// What the page begins with.
const INTRODUCTION: &str = "\
# Fields of Istio

`routes`, `subsets`, `trafficPolicy` and `failover.outlierDetection` of a service contain fields of Istio's own API, \
which are rendered unchanged. This page lists them by Istio's names of their messages: a route is an \
[HTTPRoute](#httproute), a subset a [Subset](#subset). Their meaning is in Istio's references of \
[VirtualService](https://istio.io/latest/docs/reference/config/networking/virtual-service/) and \
[DestinationRule](https://istio.io/latest/docs/reference/config/networking/destination-rule/).

- *Istio*: the versions that have a field, if not all have it. `spec.istio` says which version the clusters run.
- *Gateway API*: the kinds of routes that can say a field, with `spec.gatewayApi`.

";

/// The page: a section for each of Istio's messages.
pub fn markdown() -> String {
    let mut text = INTRODUCTION.to_owned();
    for (name, message) in istio() {
        text.push_str(&section(name, message));
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

fn section(name: &str, message: &Message) -> String {
    let mut lines = vec![
        format!("## {name}\n"),
        "| field | values | Istio | Gateway API |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    for (name, field) in &message.fields {
        lines.push(format!(
            "| `{name}` | {} | {} | {} |",
            values(&field.shape),
            versions(field),
            gateway_api(field)
        ));
    }
    lines.push(String::new());
    for (words, sets) in [
        ("At least one of", &message.at_least_one),
        ("At most one of", &message.at_most_one),
    ] {
        for set in sets {
            lines.push(match &set[..] {
                [one] => format!("`{one}` is required.\n"),
                several => format!("{words} `{}`.\n", several.join("`, `")),
            });
        }
    }
    if !message.omitted.is_empty() {
        lines.push("Istio's other fields:\n".to_owned());
        let omitted = message.omitted.iter();
        lines.extend(omitted.map(|(name, why)| format!("- `{name}`: {why}")));
        lines.push(String::new());
    }
    lines.join("\n") + "\n"
}

fn values(shape: &Shape) -> String {
    match shape {
        Shape::Kind(kind) => kind.expected().to_owned(),
        Shape::Choices(choices) => format!("`{}`", choices.join("`, `")),
        Shape::Message(name) => format!("[{name}](#{})", name.to_ascii_lowercase()),
        Shape::List(of) => format!("list: {}", values(of)),
        Shape::Map(of) => format!("by name: {}", values(of)),
    }
}

fn versions(field: &Field) -> String {
    if field.own {
        return "fedmesh's own".to_owned();
    }
    let values = field.values_since.iter();
    let values = values.map(|(value, since)| format!("`{value}` from {since}"));
    let since = field.since.map(|since| format!("from {since}"));
    let until = field.until.map(|until| format!("before {until}"));
    let all: Vec<String> = since.into_iter().chain(until).chain(values).collect();
    all.join(", ")
}

fn gateway_api(field: &Field) -> String {
    let part = |values: Option<GatewayValues>, kind: &str| {
        let limits = match values? {
            GatewayValues::Any | GatewayValues::Fields => "",
            GatewayValues::Exact => ": `exact`",
            GatewayValues::Regex => ": `exact`, `regex`",
            GatewayValues::Path => ": normalized paths",
            GatewayValues::Host => ": host names",
            GatewayValues::Method => ": `/<service>/<method>`",
            GatewayValues::Service => ": `/<service>/`",
            GatewayValues::Call => ": of a service or a method",
            GatewayValues::Code => ": 301, 302, 303, 307, 308",
        };
        let since = field.http_since.filter(|_| kind == "HTTPRoute");
        let since = since.map_or(String::new(), |since| format!(" from Istio {since}"));
        Some(format!("{kind}{since}{limits}"))
    };
    let parts = [part(field.http, "HTTPRoute"), part(field.grpc, "GRPCRoute")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    parts.join("; ")
}
