//! The pods of gateways, which Istio selects by labels: those of the document have to match the pods behind the gateway's
//! Service.

use std::collections::BTreeMap;

use super::kind::GatewayKind;
use crate::findings::{Finding, Severity, code};
use crate::name::Label;
use crate::resolved::Resolved;

/// Labels of pods, or a selector of them.
pub type Labels = BTreeMap<String, String>;

/// A label of the gateways that Istio makes for a Gateway of the Gateway API.
const GATEWAY_NAME: &str = "gateway.networking.k8s.io/gateway-name";
/// The label of Istio's own gateways and of its Helm chart, whose values differ.
const ISTIO: &str = "istio";

/// A gateway with the pods that its Gateway object selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Its field of the cluster in the document.
    pub field: &'static str,
    /// Its kind, for display.
    pub what: &'static str,
    /// Its Service.
    pub service: Label,
    /// The namespace of its Service.
    pub namespace: Label,
    /// The labels of its pods in the document.
    pub selector: Labels,
}

/// Whether a selector selects the pods of a gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selects {
    /// It selects some of them.
    Some,
    /// It selects none of them.
    None,
    /// They cannot be known.
    Unknown,
}

/// The gateways of a cluster for which the document renders a Gateway of Istio.
pub fn workloads(resolved: &Resolved, cluster: usize) -> Vec<Workload> {
    let here = &resolved.clusters[cluster];
    // The Gateway API's Gateway refers to the Service, not to pods.
    let selects = |kind: GatewayKind| kind == GatewayKind::EastWest || !resolved.gateway_api;
    let kinds = GatewayKind::ALL.into_iter();
    let kinds = kinds.filter(|kind| selects(*kind) && kind.is_called(resolved, cluster));
    let mut found: Vec<Workload> = kinds
        .map(|kind| {
            let gateway = kind.of(here);
            Workload {
                field: kind.field(),
                what: kind.as_str(),
                service: gateway.service.clone(),
                namespace: gateway.namespace.clone(),
                selector: gateway.selector.clone(),
            }
        })
        .collect();
    let mut hosts = resolved.external.iter();
    let leads_out = hosts.any(|host| host.by_egress_gateway && host.clusters.contains(&cluster));
    if let Some(gateway) = here.egress_gateway.as_ref().filter(|_| leads_out) {
        found.push(Workload {
            field: "egressGateway",
            what: "egress gateway",
            service: gateway.service.clone(),
            namespace: gateway.namespace.clone(),
            selector: gateway.selector.clone(),
        });
    }
    found
}

impl Workload {
    /// Whether its selector selects the pods that the Service selects, as far as the Service says it.
    pub fn by_service(&self, service: &Labels) -> Selects {
        let mut labels = self.selector.iter();
        if labels
            .clone()
            .all(|(name, value)| service.get(name) == Some(value))
        {
            return Selects::Some;
        }
        if labels.any(|(name, value)| service.get(name).is_some_and(|other| other != value)) {
            return Selects::None;
        }
        Selects::Unknown
    }

    /// The same by the labels of the pods behind the Service.
    pub fn by_pods(&self, pods: &[Labels]) -> Selects {
        let has_all = |pod: &Labels| {
            let mut labels = self.selector.iter();
            labels.all(|(name, value)| pod.get(name) == Some(value))
        };
        match pods {
            [] => Selects::Unknown,
            pods if pods.iter().any(has_all) => Selects::Some,
            _ => Selects::None,
        }
    }

    /// That no pod matches, with the selector that would; `service` is that of the gateway's Service.
    pub fn finding(&self, cluster: usize, name: &str, service: &Labels) -> Finding {
        let Self {
            field,
            what,
            namespace,
            ..
        } = self;
        Finding {
            code: code::GATEWAY_SELECTOR.id.to_owned(),
            severity: Severity::Warning,
            path: format!("spec.clusters[{cluster}].{field}.selector"),
            message: format!(
                "no pod of the {what} of cluster `{name}` has the labels {}, so no gateway serves the names",
                in_words(&self.selector)
            ),
            hint: format!(
                "set `selector: {{{}}}`, which the pods behind the Service `{namespace}/{}` have",
                in_words(&suggested(service)),
                self.service
            ),
            fix: None,
        }
    }
}

/// The labels of a Service's selector that tell a gateway from other gateways.
fn suggested(service: &Labels) -> Labels {
    for name in [ISTIO, GATEWAY_NAME] {
        if let Some(value) = service.get(name) {
            return Labels::from([(name.to_owned(), value.clone())]);
        }
    }
    service.clone()
}

fn in_words(labels: &Labels) -> String {
    let labels: Vec<String> = labels
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    labels.join(", ")
}

#[cfg(test)]
mod tests {
    use super::{Labels, Selects, Workload};
    use crate::name::Label;

    fn labels(text: &str) -> Labels {
        let pairs = text
            .split_whitespace()
            .filter_map(|one| one.split_once('='));
        pairs.map(|(a, b)| (a.to_owned(), b.to_owned())).collect()
    }

    fn workload(selector: &str) -> Workload {
        Workload {
            field: "gateway",
            what: "gateway",
            service: Label::new("istio-ingress").unwrap(),
            namespace: Label::new("istio-ingress").unwrap(),
            selector: labels(selector),
        }
    }

    #[test]
    fn a_service_says_which_pods_are_selected() {
        let usual = workload("istio=ingressgateway");
        for (service, expected) in [
            (
                "app=istio-ingressgateway istio=ingressgateway",
                Selects::Some,
            ),
            ("app=istio-ingress istio=ingress", Selects::None),
            (
                "gateway.networking.k8s.io/gateway-name=web",
                Selects::Unknown,
            ),
            ("", Selects::Unknown),
        ] {
            assert_eq!(usual.by_service(&labels(service)), expected, "{service}");
        }
    }

    #[test]
    fn pods_have_more_labels_than_their_service_selects() {
        let usual = workload("istio=ingressgateway");
        let pods = |all: &[&str]| all.iter().map(|one| labels(one)).collect::<Vec<_>>();
        for (given, expected) in [
            (
                pods(&["app=a", "app=a istio=ingressgateway"]),
                Selects::Some,
            ),
            (pods(&["app=a istio=ingress"]), Selects::None),
            (pods(&[]), Selects::Unknown),
        ] {
            assert_eq!(usual.by_pods(&given), expected, "{given:?}");
        }
    }

    #[test]
    fn the_finding_has_the_selector_that_would_match() {
        let usual = workload("istio=ingressgateway");
        for (service, hint) in [
            (
                "app=istio-ingress istio=ingress",
                "`selector: {istio: ingress}`",
            ),
            (
                "gateway.networking.k8s.io/gateway-name=web",
                "`selector: {gateway.networking.k8s.io/gateway-name: web}`",
            ),
            (
                "app=edge tier=front",
                "`selector: {app: edge, tier: front}`",
            ),
        ] {
            let finding = usual.finding(2, "north", &labels(service));
            assert_eq!(finding.path, "spec.clusters[2].gateway.selector");
            assert!(
                finding.message.contains("istio: ingressgateway"),
                "{finding:?}"
            );
            assert!(finding.hint.contains(hint), "{finding:?}");
        }
    }
}
