//! Pass-through fields of a document: fields of Istio's own API, and the flags of `ExternalDNS`. They are rendered
//! unchanged, under their own names.
//!
//! Their shapes are data, used by the check and by the JSON Schema. Fields that fedmesh sets itself, such as hosts,
//! gateways and destinations, are not included. Source: `VirtualService` and `DestinationRule` of Istio's
//! `manifests/charts/base/files/crd-all.gen.yaml`.
//!
//! A shape is JSON: an object has the fields that it lists, or any with `*`; a list has items of its only shape; a text
//! is the kind of a value, one of [`KINDS`], or choices separated by `|`.

use serde_json::{Map, Value};

/// An object of Istio's API, or a part of one, as in the document.
pub type IstioFields = Map<String, Value>;

/// A kind of value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A text that is not empty.
    Text,
    /// `true` or `false`.
    Bool,
    /// A number from 0 to 2,147,483,647.
    Count,
    /// A port.
    Port,
    /// An HTTP status, 200 to 599.
    Status,
    /// An HTTP redirection status, 300 to 399.
    Redirection,
    /// A number from 0 to 100, also with a fraction; 0, or at least 0.0001.
    Percent,
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

/// The names of the kinds in shapes.
pub const KINDS: &[(&str, Kind)] = &[
    ("text", Kind::Text),
    ("bool", Kind::Bool),
    ("count", Kind::Count),
    ("port", Kind::Port),
    ("status", Kind::Status),
    ("redirection", Kind::Redirection),
    ("percent", Kind::Percent),
    ("wholePercent", Kind::WholePercent),
    ("prime", Kind::Prime),
    ("duration", Kind::Duration),
    ("seconds", Kind::Seconds),
    ("header", Kind::Header),
    ("headerValue", Kind::HeaderValue),
    ("retryOn", Kind::RetryOn),
    ("host", Kind::Host),
    ("bytes", Kind::Bytes),
    ("regex", Kind::Regex),
    ("match", Kind::Match),
    ("presence", Kind::Presence),
];

/// Largest size of a Maglev table (Istio's `pkg/config/validation`).
pub const PRIME_MAX: u64 = 5_000_010;

/// One of a service's routes: Istio's `HTTPRoute` with shorthand paths, and `to` instead of destinations.
pub const ROUTE: &str = r#"{"exact":"text","prefix":"text","regex":"regex",
"match":[{"uri":"match","ignoreUriCase":"bool","method":"match","scheme":"match","authority":"match",
"headers":{"*":"presence"},"withoutHeaders":{"*":"presence"},"queryParams":{"*":"presence"}}],
"to":[{"subset":"text","service":"text","weight":"count","headers":HEADERS}],
"redirect":{"uri":"text","authority":"text","scheme":"http|https","port":"port","redirectCode":"redirection",
"derivePort":"FROM_PROTOCOL_DEFAULT|FROM_REQUEST_PORT"},
"directResponse":{"status":"status","body":{"string":"text","bytes":"bytes"}},
"rewrite":{"uri":"text","authority":"text","uriRegexRewrite":{"match":"regex","rewrite":"text"}},
"timeout":"duration",
"retries":{"attempts":"count","perTryTimeout":"duration","retryOn":"retryOn","backoff":"duration",
"retryRemoteLocalities":"bool","retryIgnorePreviousHosts":"bool"},
"fault":{"delay":{"fixedDelay":"duration","percentage":{"value":"percent"}},
"abort":{"httpStatus":"status","grpcStatus":"GRPC_STATUS","percentage":{"value":"percent"}}},
"mirror":MIRROR,"mirrorPercentage":{"value":"percent"},
"mirrors":[{"destination":MIRROR,"percentage":{"value":"percent"}}],
"corsPolicy":{"allowOrigins":["match"],"allowMethods":["GET|HEAD|POST|PUT|PATCH|DELETE|CONNECT|OPTIONS|TRACE|*"],
"allowHeaders":["header"],"exposeHeaders":["header"],"maxAge":"seconds","allowCredentials":"bool","unmatchedPreflights":"FORWARD|IGNORE"},
"headers":HEADERS}"#;

/// Istio's `Headers`; `HEADERS` in the other shapes.
const HEADERS: &str = r#"{"request":{"set":{"*":"headerValue"},"add":{"*":"headerValue"},"remove":["header"]},
"response":{"set":{"*":"headerValue"},"add":{"*":"headerValue"},"remove":["header"]}}"#;

/// The destination of mirrored requests: a subset, another host, or both; `MIRROR` in the shapes.
const MIRROR: &str = r#"{"host":"host","subset":"text","port":{"number":"port"}}"#;

/// The names of gRPC's statuses; `GRPC_STATUS` in the shapes.
const GRPC_STATUS: &str = "OK|CANCELLED|UNKNOWN|INVALID_ARGUMENT|DEADLINE_EXCEEDED|NOT_FOUND|ALREADY_EXISTS|\
    PERMISSION_DENIED|RESOURCE_EXHAUSTED|FAILED_PRECONDITION|ABORTED|OUT_OF_RANGE|UNIMPLEMENTED|INTERNAL|\
    UNAVAILABLE|DATA_LOSS|UNAUTHENTICATED";

/// A subset of a service's pods: Istio's `Subset`.
pub const SUBSET: &str = r#"{"name":"text","labels":{"*":"text"},"trafficPolicy":TRAFFIC_POLICY}"#;

/// Istio's `TrafficPolicy`, without the fields that the transport between clusters sets.
pub const TRAFFIC_POLICY: &str = r#"{"connectionPool":{
"tcp":{"maxConnections":"count","connectTimeout":"duration","idleTimeout":"duration","maxConnectionDuration":"duration",
"tcpKeepalive":{"probes":"count","time":"duration","interval":"duration"}},
"http":{"http1MaxPendingRequests":"count","http2MaxRequests":"count","maxRequestsPerConnection":"count",
"maxRetries":"count","maxConcurrentStreams":"count","idleTimeout":"duration","useClientProtocol":"bool",
"h2UpgradePolicy":"DEFAULT|DO_NOT_UPGRADE|UPGRADE"}},
"loadBalancer":{"simple":"LEAST_REQUEST|ROUND_ROBIN|RANDOM|PASSTHROUGH",
"consistentHash":{"httpHeaderName":"text","httpQueryParameterName":"text","useSourceIp":"bool",
"httpCookie":{"name":"text","path":"text","ttl":"duration"},
"ringHash":{"minimumRingSize":"count"},"maglev":{"tableSize":"prime"}},
"warmup":{"duration":"duration"}},
"outlierDetection":OUTLIER_DETECTION}"#;

/// Istio's `OutlierDetection`.
pub const OUTLIER_DETECTION: &str = r#"{"consecutive5xxErrors":"count","consecutiveGatewayErrors":"count",
"consecutiveLocalOriginFailures":"count","splitExternalLocalOriginErrors":"bool","interval":"duration",
"baseEjectionTime":"duration","maxEjectionPercent":"wholePercent","minHealthPercent":"wholePercent"}"#;

/// The settings of `ExternalDNS` for each provider of a zone: `zoneType` of `aws` is its flag `--aws-zone-type`. A list
/// is a flag that can be repeated. Source: `pkg/apis/externaldns/types.go` of v0.19.0; `etcdUrls` is its environment
/// variable `ETCD_URLS` (`provider/coredns/coredns.go`).
pub const PROVIDERS: &str = r#"{
"google":{"project":"text","zoneVisibility":"public|private","batchChangeSize":"count","batchChangeInterval":"duration"},
"aws":{"zoneType":"public|private","zoneTags":["text"],"assumeRole":"text","assumeRoleExternalId":"text",
"evaluateTargetHealth":"bool","preferCname":"bool","zoneMatchParent":"bool","apiRetries":"count",
"batchChangeSize":"count","batchChangeInterval":"duration","zonesCacheDuration":"duration"},
"azure":{"resourceGroup":"text","subscriptionId":"text","userAssignedIdentityClientId":"text",
"maxretriesCount":"count","zonesCacheDuration":"duration"},
"cloudflare":{"proxied":"bool","dnsRecordsPerPage":"count","regionKey":"text","recordComment":"text"},
"rfc2136":{"host":["text"],"port":"port","zone":["text"],"tsigKeyname":"text",
"tsigSecretAlg":"hmac-sha256|hmac-sha512|hmac-sha384|hmac-sha224|hmac-sha1|hmac-md5","tsigAxfr":"bool",
"insecure":"bool","createPtr":"bool","useTls":"bool","minTtl":"duration","batchChangeSize":"count",
"loadBalancingStrategy":"random|round-robin|disabled"},
"coredns":{"prefix":"text","etcdUrls":["text"]}}"#;

/// The settings' key of a provider that shares them with another: the other provider.
pub fn settings_of(provider: &str) -> &str {
    match provider {
        "azure-private-dns" | "azure-dns" => "azure",
        other => other,
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

/// A parsed shape.
///
/// # Panics
/// One of the constants above is not JSON, which a test rules out.
pub fn shape(text: &str) -> Value {
    let text = text
        .replace("TRAFFIC_POLICY", TRAFFIC_POLICY)
        .replace("OUTLIER_DETECTION", OUTLIER_DETECTION)
        .replace("HEADERS", HEADERS)
        .replace("GRPC_STATUS", GRPC_STATUS)
        .replace("MIRROR", MIRROR);
    match serde_json::from_str(&text) {
        Ok(shape) => shape,
        Err(error) => unreachable!("{error} in {text}"),
    }
}

/// The meaning of a text in a shape: a kind, or else the choices.
pub fn kind(text: &str) -> Result<Kind, std::str::Split<'_, char>> {
    match KINDS.iter().find(|(word, _)| *word == text) {
        Some((_, kind)) => Ok(*kind),
        None => Err(text.split('|')),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    fn every_word(shape: &Value) -> Vec<&str> {
        match shape {
            Value::Object(fields) => fields.values().flat_map(every_word).collect(),
            Value::Array(items) => items.iter().flat_map(every_word).collect(),
            Value::String(word) => vec![word],
            other => panic!("{other} is no shape"),
        }
    }

    #[test]
    fn shapes_consist_of_kinds_and_choices() {
        for text in [
            super::ROUTE,
            super::SUBSET,
            super::TRAFFIC_POLICY,
            super::OUTLIER_DETECTION,
        ] {
            for word in every_word(&super::shape(text)) {
                assert!(super::kind(word).is_ok() || word.contains('|'), "{word}");
            }
        }
    }
}
