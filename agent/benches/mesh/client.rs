//! A new pod with a sidecar, and what its Envoy says of itself.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use shared::defaults::SLEEP_IMAGE;
use testbed::RunningPod;

use crate::bed::Bed;
use crate::federation::{CLIENT, NAMESPACE};

/// A client that runs.
pub(crate) struct Client<'a> {
    bed: &'a Bed,
    name: String,
    pod: RunningPod,
    /// From its creation until it was ready.
    pub(crate) ready: Duration,
}

/// How large an Envoy's configuration is.
pub(crate) struct Configuration {
    pub(crate) clusters: usize,
    pub(crate) listeners: usize,
    pub(crate) routes: usize,
    pub(crate) virtual_hosts: usize,
    /// Of `/config_dump` as text.
    pub(crate) bytes: usize,
}

impl<'a> Client<'a> {
    /// Starts one; `None` if it is not ready within a limit. `labels` are added to its own.
    pub(crate) fn start(bed: &'a Bed, name: &str, labels: &Value, limit: Duration) -> Option<Self> {
        let mut all = json!({"app": name, "sidecar.istio.io/inject": "true"});
        for (label, value) in labels.as_object().into_iter().flatten() {
            all[label] = value.clone();
        }
        let manifest = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": NAMESPACE, "labels": all},
            "spec": {
                "terminationGracePeriodSeconds": 1,
                "containers": [{
                    "name": "sleep", "image": SLEEP_IMAGE, "imagePullPolicy": "IfNotPresent",
                    "command": ["/bin/sleep", "infinity"],
                }],
            },
        });
        let start = Instant::now();
        bed.apply(CLIENT, &manifest);
        let wait = ["wait", &format!("pod/{name}"), "--for=condition=Ready"];
        let limit = format!("--timeout={}s", limit.as_secs());
        let namespace = format!("--namespace={NAMESPACE}");
        let arguments = [&wait[..], &[&limit, &namespace]].concat();
        let kubectl = bed.mesh.kubectl();
        let waited = kubectl.attempt(CLIENT, &arguments, "").unwrap();
        let ready = start.elapsed();
        if !waited.status.success() {
            remove(bed, name);
            return None;
        }
        let pod = bed.mesh.pod(CLIENT, (NAMESPACE, &format!("app={name}")));
        Some(Self {
            bed,
            name: name.to_owned(),
            pod: pod.unwrap(),
            ready,
        })
    }

    /// What the administration interface of its Envoy answers.
    fn admin(&self, path: &str) -> String {
        let mut command = self.pod.command("curl");
        command.args(["--silent", "--fail", "--max-time", "60"]);
        let output = command
            .arg(format!("http://127.0.0.1:15000{path}"))
            .output();
        let output = output.unwrap();
        assert!(output.status.success(), "{path}: {}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub(crate) fn configuration(&self) -> Configuration {
        let text = self.admin("/config_dump");
        let dump: Value = serde_json::from_str(&text).unwrap();
        let configs = dump["configs"].as_array().unwrap();
        // Such as all `dynamic_listeners` and `static_listeners`, whichever part they are in.
        let all = |what: &str| {
            let lists = configs.iter().flat_map(|config| {
                let fields = config.as_object().into_iter().flatten();
                let fields = fields.filter(|(field, _)| field.ends_with(what));
                fields.filter_map(|(_, list)| list.as_array())
            });
            lists.flatten().collect::<Vec<_>>()
        };
        let routes = all("route_configs");
        let virtual_hosts = routes.iter().map(|route| {
            let hosts = route["route_config"]["virtual_hosts"].as_array();
            hosts.map_or(0, Vec::len)
        });
        Configuration {
            clusters: all("_clusters").len(),
            listeners: all("_listeners").len(),
            virtual_hosts: virtual_hosts.sum(),
            routes: routes.len(),
            bytes: text.len(),
        }
    }

    /// `/clusters`: a line for each property of each endpoint of each cluster.
    pub(crate) fn clusters(&self) -> String {
        self.admin("/clusters")
    }

    /// Of Envoy's allocator, in bytes.
    pub(crate) fn heap(&self) -> f64 {
        let memory: Value = serde_json::from_str(&self.admin("/memory")).unwrap();
        memory["allocated"].as_str().unwrap().parse().unwrap()
    }

    /// Of all that runs in the pod, in bytes; beside the sidecar that is one `sleep`.
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    pub(crate) fn memory(&self) -> f64 {
        self.pod.memory().unwrap() as f64
    }

    /// UDP datagrams that the pod has sent: DNS queries, as it sends no others.
    pub(crate) fn queries(&self) -> f64 {
        let output = self.pod.command("cat").arg("/proc/net/snmp").output();
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        let mut lines = text.lines().filter_map(|line| line.strip_prefix("Udp: "));
        let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
        let mut fields = names.split(' ').zip(values.split(' '));
        let (_, sent) = fields.find(|(name, _)| *name == "OutDatagrams").unwrap();
        sent.parse().unwrap()
    }

    /// Calls an URL from the pod: how long it took, in seconds, if the answer was 200.
    pub(crate) fn call(&self, url: &str) -> Option<f64> {
        let namespace = format!("--namespace={NAMESPACE}");
        let exec = ["exec", &self.name, &namespace, "--container=sleep", "--"];
        let curl = ["curl", "-s", "-m", "5", "-o", "/dev/null", "-w"];
        let format = ["%{http_code} %{time_total}", url];
        let arguments = [&exec[..], &curl, &format].concat();
        let output = self.bed.mesh.kubectl().attempt(CLIENT, &arguments, "");
        let text = String::from_utf8(output.unwrap().stdout).unwrap();
        let (status, took) = text.split_once(' ')?;
        (status == "200").then(|| took.parse().unwrap())
    }
}

impl Drop for Client<'_> {
    fn drop(&mut self) {
        remove(self.bed, &self.name);
    }
}

fn remove(bed: &Bed, name: &str) {
    let namespace = format!("--namespace={NAMESPACE}");
    let pod = format!("pod/{name}");
    let delete = ["delete", &pod, &namespace, "--wait=false"];
    _ = bed.mesh.kubectl().attempt(CLIENT, &delete, "");
}
