//! The ways to reach services of other clusters, each with the objects that it puts into the real clusters.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use clap::ValueEnum;
use serde_json::{Value, json};
use shared::facts::Facts;
use shared::kubernetes::object::{Kind, Object};
use shared::mesh::{Caller, Endpoints, Mesh};
use shared::plan::desired::Desired;
use shared::resolved::published::Level;

use crate::federation::{CONTEXTS, Federation, MOVES, NAMESPACE, Size, ZONE, service};

/// A way to federate services; in the order in which they are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Way {
    /// Not at all: every service in its own cluster only.
    Local,
    /// Istio by hand: a ServiceEntry for each service, with the address of every cluster's gateway.
    Plain,
    /// What fedmesh renders with `endpoints: names`.
    Names,
    /// What fedmesh renders.
    Fedmesh,
    /// The same where only another namespace than the client's calls the services.
    Elsewhere,
    /// Istio's own discovery: every istiod watches every cluster. It stays in the bed, so it is the last.
    Discovery,
}

impl Way {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Plain => "plain",
            Self::Names => "fedmesh, names",
            Self::Fedmesh => "fedmesh",
            Self::Elsewhere => "fedmesh, no caller",
            Self::Discovery => "discovery",
        }
    }

    /// Discovery needs an API server for each cluster.
    pub(crate) fn can(self, size: Size) -> bool {
        self != Self::Discovery || size.clusters == CONTEXTS.len()
    }

    /// What the federation comes to, in this way.
    pub(crate) fn desired(self, federation: &Federation) -> BedContents {
        let mut contents = BedContents::default();
        let services: Vec<Object> = (0..federation.services()).map(local_service).collect();
        contents.add_everywhere(&services);
        let gateways = 0..CONTEXTS.len();
        contents.east_west = gateways.map(|index| federation.east_west(index)).collect();
        match self {
            Self::Local => {}
            Self::Plain => plain(federation, &mut contents),
            Self::Names => {
                let mut mesh = mesh(federation);
                mesh.spec.endpoints = Some(Endpoints::Names);
                fedmesh(&mesh, federation, &mut contents);
            }
            Self::Fedmesh => fedmesh(&mesh(federation), federation, &mut contents),
            Self::Elsewhere => {
                let mut mesh = mesh(federation);
                for service in &mut mesh.spec.services {
                    service.callers = Some(vec![Caller {
                        namespace: Some("callers".to_owned()),
                        ..Caller::default()
                    }]);
                }
                fedmesh(&mesh, federation, &mut contents);
            }
            Self::Discovery => contents.add_everywhere(&[east_west_gateway()]),
        }
        contents
    }

    /// A name of a service by which a client calls it.
    pub(crate) fn url(self, federation: &Federation, index: usize) -> String {
        match self {
            Self::Local | Self::Discovery => {
                format!("http://{}:8000/status/200", local_host(index))
            }
            Self::Plain => format!("http://{}/status/200", plain_host(index)),
            Self::Names | Self::Fedmesh | Self::Elsewhere => {
                published(federation, index, |level| *level == Level::Global)
            }
        }
    }

    /// A name of the first service that leads to the other real cluster, alone or among others.
    pub(crate) fn url_elsewhere(self, federation: &Federation) -> Option<String> {
        match self {
            // No cluster of Envoy's own counts the calls of a client that is no caller.
            Self::Local | Self::Elsewhere => None,
            Self::Plain | Self::Discovery => Some(self.url(federation, 0)),
            Self::Names | Self::Fedmesh => {
                let of = &federation.clusters()[MOVES];
                let is = |level: &Level| matches!(level, Level::Zone { zone, .. } if zone.as_str() == of.zone);
                Some(published(federation, 0, is))
            }
        }
    }
}

/// Record sets of the zone: name and type, with a TTL and the targets.
pub(crate) type Records = BTreeMap<(String, String), (u64, Vec<String>)>;

/// What is to be in the bed; nothing by default.
pub(crate) struct BedContents {
    /// Objects of each real cluster.
    pub(crate) clusters: Vec<Vec<Object>>,
    pub(crate) records: Records,
    /// Addresses that the real clusters' east-west gateways publish; an empty list leaves them as they are.
    pub(crate) east_west: Vec<Ipv4Addr>,
}

impl Default for BedContents {
    fn default() -> Self {
        Self {
            clusters: vec![Vec::new(); CONTEXTS.len()],
            records: Records::new(),
            east_west: Vec::new(),
        }
    }
}

impl BedContents {
    fn add_everywhere(&mut self, objects: &[Object]) {
        for cluster in &mut self.clusters {
            cluster.extend_from_slice(objects);
        }
    }
}

/// One httpbin is behind all of them.
fn local_service(index: usize) -> Object {
    let spec = json!({
        "selector": {"app": "httpbin"},
        "ports": [{"name": "http", "port": 8000, "targetPort": 8080}],
    });
    Object::new(
        Kind::SERVICE,
        Some(NAMESPACE),
        service(index),
        json!({ "spec": spec }),
    )
}

fn local_host(index: usize) -> String {
    format!("{}.{NAMESPACE}.svc.cluster.local", service(index))
}

fn plain_host(index: usize) -> String {
    format!("{}.plain.{ZONE}", service(index))
}

fn istio(name: &'static str, plural: &'static str, object: &str, spec: &Value) -> Object {
    let kind = Kind::istio("v1", name, plural);
    Object::new(kind, Some(NAMESPACE), object, json!({ "spec": spec }))
}

/// The entries, a record for their names, and what makes gateways take the calls that are tried.
fn plain(federation: &Federation, contents: &mut BedContents) {
    let clusters = federation.clusters();
    let endpoints: Vec<Value> = clusters
        .iter()
        .map(|cluster| {
            json!({
                "address": cluster.address,
                "locality": format!("{}/{}", cluster.region, cluster.zone),
            })
        })
        .collect();
    let called = [0, federation.size.services];
    for index in 0..federation.services() {
        let entry = json!({
            "hosts": [plain_host(index)],
            "location": "MESH_EXTERNAL",
            "ports": [{"number": 80, "name": "http", "protocol": "HTTP"}],
            "resolution": "STATIC",
            "endpoints": endpoints,
        });
        let name = service(index);
        contents.add_everywhere(&[istio("ServiceEntry", "serviceentries", &name, &entry)]);
        if called.contains(&index) {
            contents.add_everywhere(&gateway_for(index));
        }
    }
    let addresses = clusters.iter().map(|cluster| cluster.address.to_string());
    contents.records.insert(
        (format!("*.plain.{ZONE}"), "A".to_owned()),
        (300, addresses.collect()),
    );
}

/// A gateway's way to a service; sidecars see nothing of it.
fn gateway_for(index: usize) -> [Object; 2] {
    let (name, host) = (service(index), plain_host(index));
    let gateway = json!({
        "selector": {"istio": "ingressgateway"},
        "servers": [{"hosts": [host], "port": {"number": 80, "name": "http", "protocol": "HTTP"}}],
    });
    let destination = json!({"host": local_host(index), "port": {"number": 8000}});
    let routes = json!({
        "hosts": [host],
        "gateways": [name],
        "http": [{"route": [{"destination": destination}]}],
    });
    [
        istio("Gateway", "gateways", &name, &gateway),
        istio("VirtualService", "virtualservices", &name, &routes),
    ]
}

/// The gateway by which Istio's discovery leads from one network to another.
fn east_west_gateway() -> Object {
    let port = json!({"number": 15443, "name": "tls", "protocol": "TLS"});
    let server = json!({"hosts": ["*.local"], "port": port, "tls": {"mode": "AUTO_PASSTHROUGH"}});
    let spec = json!({"selector": {"istio": "eastwestgateway"}, "servers": [server]});
    istio("Gateway", "gateways", "cross-network", &spec)
}

/// The document, as a user would write it.
fn mesh(federation: &Federation) -> Mesh {
    let clusters = federation.clusters();
    let clusters = clusters.iter().map(|cluster| {
        json!({
            "name": cluster.name, "region": cluster.region, "zone": cluster.zone,
            "gateway": {"addresses": [cluster.address]},
        })
    });
    let services = (0..federation.services())
        .map(|index| json!({"name": service(index), "namespace": NAMESPACE, "port": 8000}));
    let document = json!({
        "apiVersion": "fedmesh.dev/v1alpha1",
        "kind": "Mesh",
        "metadata": {"name": "bench"},
        "spec": {
            "dns": {"suffix": ZONE},
            "clusters": clusters.collect::<Vec<_>>(),
            "services": services.collect::<Vec<_>>(),
        },
    });
    Mesh::read(&document.to_string()).unwrap()
}

fn published(federation: &Federation, index: usize, is: impl Fn(&Level) -> bool) -> String {
    // The names of a service depend on no other one.
    let mut one = mesh(federation);
    one.spec.services = vec![one.spec.services.swap_remove(index)];
    let resolved = shared::check(&one, &Facts::default()).resolved.unwrap();
    let mut names = resolved.services[0].names.iter();
    let name = names.find(|name| is(&name.level)).unwrap();
    format!("http://{}/status/200", name.host)
}

/// What is rendered for the real clusters. The records go into the zone as ExternalDNS would write them.
fn fedmesh(mesh: &Mesh, federation: &Federation, contents: &mut BedContents) {
    let inside = CONTEXTS.iter().zip(federation.inside);
    let facts = Facts {
        cluster_ips: inside.map(|(name, ip)| ((*name).to_owned(), ip)).collect(),
        ..Facts::default()
    };
    let rendered = Desired::new(shared::check(mesh, &facts).resolved.unwrap());
    for (context, objects) in CONTEXTS.iter().zip(&mut contents.clusters) {
        for object in rendered.of(context) {
            if object.kind == Kind::DNS_ENDPOINT {
                contents.records.extend(records(&object));
            } else if object.kind != Kind::CUSTOM_RESOURCE_DEFINITION {
                objects.push(object);
            }
        }
    }
}

fn records(endpoint: &Object) -> Records {
    let spec = endpoint.body.get("spec").unwrap();
    let sets = spec["endpoints"].as_array().unwrap().iter();
    sets.map(|set| {
        let text = |field: &str| set[field].as_str().unwrap().to_owned();
        let targets = set["targets"].as_array().unwrap().iter();
        let targets = targets.map(|target| target.as_str().unwrap().to_owned());
        (
            (text("dnsName"), text("recordType")),
            (set["recordTTL"].as_u64().unwrap(), targets.collect()),
        )
    })
    .collect()
}
