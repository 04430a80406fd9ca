//! The DestinationRules of a service: nearest locality first, and away from gateways that fail.
//!
//! One for each name with more than one cluster behind it. Locality failover does nothing without
//! outlier detection, and without `maxEjectionPercent: 100` it stops short of the last endpoint of
//! a locality, so the three always come together; `minHealthPercent: 1` lets calls try everything when
//! all endpoints are out at once, instead of failing until one is let in again. Only gateway errors (502, 503, 504, connections
//! that fail) eject: an application's own 500 is no reason to leave a cluster.

use serde_json::Value;

use super::{Istio, all, export, skeleton};
use crate::object::Object;
use crate::placed::Placed;
use crate::published::fails_over;
use crate::resolved::{ISTIO_NAMESPACE, Resolved, Service};

/// The body of a rule, with fedmesh's own settings and without a host.
pub(crate) fn template() -> Value {
    skeleton(
        r#"{"spec":{"host":"","trafficPolicy":{"connectionPool":{"tcp":{"connectTimeout":"250ms"}},
        "loadBalancer":{"localityLbSetting":{"enabled":true}},
        "outlierDetection":{"consecutive5xxErrors":0,"consecutiveGatewayErrors":1,"interval":"1s",
        "baseEjectionTime":"10s","maxEjectionPercent":100,"minHealthPercent":1}}}}"#,
    )
}

pub(super) fn render(service: &Service, resolved: &Resolved) -> Vec<Placed> {
    service
        .names
        .iter()
        .filter(|name| fails_over(name, &service.names))
        .map(|name| {
            let mut body = template();
            body["spec"]["host"] = name.host.as_str().into();
            for (field, value) in &service.outlier_detection {
                body["spec"]["trafficPolicy"]["outlierDetection"][field] = value.clone();
            }
            export(&mut body, service);
            let object = Object::new(
                Istio(resolved.istio).destination_rule(),
                Some(ISTIO_NAMESPACE),
                name.host.as_str(),
                body,
            );
            Placed::same(object, service.id(), all(resolved))
        })
        .collect()
}
