//! The bed: real clusters, what they have in every way, and what is put into them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shared::cluster_dns::{StubDomain, merge};
use shared::defaults::{EXTERNAL_DNS_IMAGE, HTTPBIN_IMAGE, SLEEP_IMAGE};
use shared::kubernetes::object::Object;
use testbed::images::ImageNames;
use testbed::{MeshBed, MeshCluster, MeshOptions, Mtls};

use crate::bare::{Client, Version};
use crate::federation::{
    CONTEXTS, NAMESPACE, ZONE, east_west_gateways_of, gateways_of, region, zone,
};
use crate::ways::{BedContents, Records};

const EAST_WEST_GATEWAY: (&str, &str) = ("istio-system", "istio-eastwestgateway");
/// Requests to an API server at once.
const AT_ONCE: usize = 24;
/// Commands in one update of the zone, which must fit into 64 KB.
const RECORDS_AT_ONCE: usize = 300;

pub(crate) struct Bed {
    pub(crate) mesh: MeshBed,
    runtime: tokio::runtime::Runtime,
    clients: Vec<Client>,
    there: RefCell<There>,
}

/// What is in the bed.
#[derive(Default)]
struct There {
    /// The objects of each cluster, by path.
    objects: Vec<BTreeMap<String, String>>,
    records: Records,
    east_west: Vec<Ipv4Addr>,
}

impl Bed {
    pub(crate) fn start() -> Self {
        let options = MeshOptions {
            clusters: (0..CONTEXTS.len())
                .map(|index| MeshCluster {
                    context: CONTEXTS[index].to_owned(),
                    region: region(index),
                    zone: zone(index),
                    domain: MeshCluster::DEFAULT_DOMAIN.to_owned(),
                })
                .collect(),
            zone: ZONE.to_owned(),
            mtls: Mtls::Strict,
            images: ImageNames {
                httpbin: HTTPBIN_IMAGE.to_owned(),
                sleep: SLEEP_IMAGE.to_owned(),
                bookinfo: shared::mesh::BookinfoProgram::ALL
                    .map(|program| (program.image(), program.as_str().to_owned()))
                    .into(),
                external_dns: EXTERNAL_DNS_IMAGE.to_owned(),
            },
        };
        let mesh = MeshBed::start(&options).unwrap_or_else(|error| panic!("{error}"));
        mesh.enter().unwrap();
        // Its threads are in the bed's network, as this one.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let clients = CONTEXTS.map(|context| {
            runtime.block_on(Client::new(mesh.kubeconfig(), context, Version::Http1))
        });
        let bed = Self {
            runtime,
            clients: clients.into(),
            there: RefCell::new(There {
                objects: vec![BTreeMap::new(); CONTEXTS.len()],
                ..There::default()
            }),
            mesh,
        };
        let server = bed.mesh.name_server();
        server.update(&start_of_authority()).unwrap();
        for index in 0..CONTEXTS.len() {
            bed.prepare(index);
        }
        bed
    }

    /// The addresses of gateways, what runs, and the way to the zone.
    fn prepare(&self, index: usize) {
        let context = CONTEXTS[index];
        let addresses = gateways_of(index).into_iter();
        let addresses: Vec<String> = addresses.map(|address| address.to_string()).collect();
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        self.mesh.move_gateway(context, &addresses).unwrap();
        for address in east_west_gateways_of(index) {
            let mut command = self.mesh.node_command(context, "ip").unwrap();
            command.args(["addr", "replace", &format!("{address}/32"), "dev", "eth0"]);
            assert!(command.status().unwrap().success());
        }
        self.refresh_as_usual(context);
        self.apply(context, &workloads());
        self.forward_zone(context);
        self.mesh
            .wait_for_pods(context, (NAMESPACE, "httpbin"))
            .unwrap();
    }

    /// Sidecars look names up as often as by Istio's defaults; the bed's own setting suits tests that are in haste.
    fn refresh_as_usual(&self, context: &str) {
        const IN: [&str; 3] = ["configmap", "istio", "--namespace=istio-system"];
        let template = "--output=go-template={{.data.mesh}}";
        let settings = self.kubectl(context, &[&["get"], &IN[..], &[template]].concat());
        let (fast, usual) = ("dnsRefreshRate: 2s", "dnsRefreshRate: 60s");
        assert!(settings.contains(fast), "{settings}");
        let patch = json!({"data": {"mesh": settings.replace(fast, usual)}}).to_string();
        let patch = ["--type=merge", "--patch", &patch];
        self.kubectl(context, &[&["patch"], &IN[..], &patch].concat());
        self.mesh
            .start_anew(context, ("istio-system", "istiod"))
            .unwrap();
    }

    /// Has the cluster's DNS ask the zone's name server, as fedmesh does it, and keep answers as kubeadm sets it up.
    fn forward_zone(&self, context: &str) {
        let read = ["get", "configmap/coredns", "--namespace=kube-system"];
        let template = "--output=go-template={{.data.Corefile}}";
        let mut corefile = self.kubectl(context, &[&read[..], &[template]].concat());
        for (hasty, usual) in [("ttl 5\n", "ttl 30\n"), ("cache 2\n", "cache 30\n")] {
            assert!(corefile.contains(hasty), "{corefile}");
            corefile = corefile.replace(hasty, usual);
        }
        let stub = StubDomain {
            mesh: "bench",
            suffix: ZONE,
            nameservers: &[self.mesh.name_server().address().to_string()],
        };
        let merged = merge(&corefile, stub).unwrap();
        self.apply(
            context,
            &json!({
                "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": "coredns", "namespace": "kube-system"},
                "data": {"Corefile": merged.text},
            }),
        );
        self.mesh
            .start_anew(context, ("kube-system", "coredns"))
            .unwrap();
    }

    /// The address of a Service of Istio's inside its cluster.
    pub(crate) fn cluster_ip(&self, context: &str, service: &str) -> String {
        let service = format!("service/{service}");
        let get = ["get", &service, "--namespace=istio-system"];
        let address = "--output=jsonpath={.spec.clusterIP}";
        self.kubectl(context, &[&get[..], &[address]].concat())
    }

    pub(crate) fn gateways_inside(&self) -> [IpAddr; CONTEXTS.len()] {
        CONTEXTS.map(|context| {
            let address = self.cluster_ip(context, "istio-ingressgateway");
            address.parse().unwrap()
        })
    }

    pub(crate) fn kubectl(&self, context: &str, arguments: &[&str]) -> String {
        self.mesh
            .kubectl()
            .run(context, arguments)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    pub(crate) fn apply(&self, context: &str, manifest: &Value) {
        let apply = ["apply", "--server-side", "--force-conflicts", "-f", "-"];
        self.mesh
            .kubectl()
            .run_with_input(context, &apply, &manifest.to_string())
            .unwrap_or_else(|error| panic!("{error}"));
    }

    /// Brings the clusters and the zone to what is desired: only what differs is sent.
    pub(crate) fn put(&self, desired: BedContents) {
        let mut there = self.there.borrow_mut();
        self.put_records(&there.records, &desired.records);
        there.records = desired.records;
        for (index, address) in desired.east_west.iter().enumerate() {
            if there.east_west.get(index) != Some(address) {
                let kubectl = self.mesh.kubectl();
                kubectl
                    .publish_addresses(CONTEXTS[index], EAST_WEST_GATEWAY, &[&address.to_string()])
                    .unwrap();
            }
        }
        there.east_west = desired.east_west;
        let both = self
            .clients
            .iter()
            .zip(&there.objects)
            .zip(desired.clusters);
        let puts = both.map(|((client, before), objects)| put_objects(client, before, objects));
        let objects = self.runtime.block_on(futures::future::join_all(puts));
        there.objects = objects;
    }

    fn put_records(&self, before: &Records, after: &Records) {
        let mut commands = Vec::new();
        for (key, set) in before {
            if after.get(key) != Some(set) {
                let (name, kind) = key;
                commands.push(format!("update delete {name}. {kind}"));
            }
        }
        for (key, set) in after {
            if before.get(key) != Some(set) {
                let ((name, kind), (ttl, targets)) = (key, set);
                let adds = targets
                    .iter()
                    .map(|target| format!("update add {name}. {ttl} {kind} {target}"));
                commands.extend(adds);
            }
        }
        for commands in commands.chunks(RECORDS_AT_ONCE) {
            let server = self.mesh.name_server();
            server.update(&commands.join("\n")).unwrap();
        }
    }

    /// How many objects are in the first cluster.
    pub(crate) fn object_count(&self) -> usize {
        self.there.borrow().objects[0].len()
    }
}

/// Wave by wave, as they are rendered; what is there afterwards, by path.
async fn put_objects(
    client: &Client,
    before: &BTreeMap<String, String>,
    mut objects: Vec<Object>,
) -> BTreeMap<String, String> {
    objects.sort_by_key(|object| object.kind.wave.number());
    let mut after = BTreeMap::new();
    for wave in objects.chunk_by(|one, next| one.kind.wave == next.kind.wave) {
        let wave: Vec<_> = wave.iter().map(|one| (path(one), one.to_text())).collect();
        let changed = wave
            .iter()
            .filter(|(path, text)| before.get(path) != Some(text));
        client.apply_all(changed.cloned().collect(), AT_ONCE).await;
        after.extend(wave);
    }
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    // Everything in it would go as well.
    let gone = gone
        .filter(|path| !path.starts_with("/api/v1/namespaces/") || path.matches('/').count() > 4);
    client.delete_all(gone.cloned().collect(), AT_ONCE).await;
    after
}

fn path(object: &Object) -> String {
    let kind = &object.kind;
    let api = if kind.group.is_empty() { "api" } else { "apis" };
    let namespace = object.namespace.as_ref();
    let namespace = namespace.map(|name| format!("/namespaces/{name}"));
    format!(
        "/{api}/{}{}/{}/{}",
        kind.api_version(),
        namespace.unwrap_or_default(),
        kind.plural,
        object.name
    )
}

/// How long resolvers may keep that a name has no record of a type: minutes, as in usual zones.
fn start_of_authority() -> String {
    format!("update add {ZONE}. 300 SOA ns.{ZONE}. admin.{ZONE}. 1000 3600 600 86400 300")
}

/// The namespace, and the one server behind all services.
fn workloads() -> Value {
    let labels = json!({"app": "httpbin"});
    let pod_labels = json!({"app": "httpbin", "sidecar.istio.io/inject": "true"});
    json!({
        "apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
            {
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "httpbin", "namespace": NAMESPACE},
                "spec": {
                    "selector": {"matchLabels": labels},
                    "template": {
                        "metadata": {"labels": pod_labels},
                        "spec": {"containers": [{
                            "name": "httpbin", "image": HTTPBIN_IMAGE, "imagePullPolicy": "IfNotPresent",
                            "readinessProbe": {"httpGet": {"path": "/status/200", "port": 8080}, "periodSeconds": 1},
                        }]},
                    },
                },
            },
        ],
    })
}

/// Repeats until there is something, and says how long it took; `None` after the limit.
pub(crate) fn within<T>(
    limit: Duration,
    mut found: impl FnMut() -> Option<T>,
) -> Option<(T, Duration)> {
    let start = Instant::now();
    loop {
        let asked = Instant::now();
        if let Some(found) = found() {
            return Some((found, start.elapsed()));
        }
        if start.elapsed() > limit {
            return None;
        }
        // What costs much to ask is asked less often, so that the asking is not what is measured.
        std::thread::sleep((asked.elapsed() * 2).max(Duration::from_millis(100)));
    }
}
