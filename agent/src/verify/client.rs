//! The client in a cluster: a pod to run curl in, or a Job where that cannot be.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use shared::mesh::Sample;
use shared::name::Label;
use shared::resolved::DEFAULT_NAMESPACE;
use shared::verify::{Cause, Reply, Resolution};

use super::curl::{self, Curl, DnsTool, Transfer};
use super::{Stop, job};
use crate::cluster::{self, Connection, ExecError, Ran, Request};

/// Bytes of one command: it becomes part of a URL, and proxies before an API server take no more
/// than 8 KiB of one.
const COMMAND_BYTES: usize = 4 << 10;
/// On top of what the transfers may take: starting the command, and an API server far away.
const EXEC_MARGIN: Duration = Duration::from_secs(15);
/// Bodies of so many answers are fetched; the rest fails in the same way.
const BODIES: usize = 20;
/// Istio's sidecar, as a container or, since Kubernetes 1.29, an init container.
const SIDECAR: &str = "istio-proxy";

/// Which pods are clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSelector {
    /// Their namespace.
    pub namespace: Label,
    /// `key=value,…`
    pub selector: String,
}

impl Default for ClientSelector {
    /// The sample `sleep`.
    fn default() -> Self {
        let name = Sample::Sleep.as_str();
        Self {
            #[expect(clippy::expect_used, reason = "a constant")]
            namespace: Label::new(DEFAULT_NAMESPACE).expect("a label"),
            selector: format!("app={name}"),
        }
    }
}

/// Not `NAMESPACE/SELECTOR`.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not NAMESPACE/SELECTOR, such as sales/app=probe")]
pub struct ClientSelectorError(String);

impl FromStr for ClientSelector {
    type Err = ClientSelectorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ClientSelectorError(text.to_owned());
        let (namespace, selector) = text.split_once('/').ok_or_else(error)?;
        let namespace = Label::new(namespace).map_err(|_| error())?;
        if selector.is_empty() || selector.contains(char::is_whitespace) {
            return Err(error());
        }
        Ok(Self {
            namespace,
            selector: selector.to_owned(),
        })
    }
}

impl fmt::Display for ClientSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.selector)
    }
}

/// What is asked of a client.
#[derive(Debug, Clone)]
pub(super) struct Errand {
    /// Each of another host or port.
    pub(super) urls: Vec<String>,
    /// To be resolved by the cluster's DNS.
    pub(super) names: Vec<String>,
    /// For each transfer.
    pub(super) deadline: Duration,
}

/// What a client brought back.
#[derive(Debug)]
pub(super) struct Brought {
    /// By `host[:port]`.
    pub(super) transfers: BTreeMap<String, Transfer>,
    /// By name; or why DNS could not be asked at all.
    pub(super) names: Result<BTreeMap<String, Resolution>, Cause>,
}

/// A client.
#[derive(Debug, Clone)]
pub(super) struct Client {
    way: Way,
    /// What to call it: `pod namespace/name` or `job in namespace`.
    pub(super) name: String,
    /// What is known of its pod.
    pub(super) traits: Traits,
}

#[derive(Debug, Clone)]
enum Way {
    Pod {
        namespace: String,
        pod: String,
        container: String,
        curl: Curl,
        tool: Option<DnsTool>,
    },
    Job(job::Job),
}

/// What a pod says about itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Traits {
    /// Whether its calls go through the mesh; `None` where nobody knows yet.
    pub(super) sidecar: Option<bool>,
    /// `region/zone` of its node, either part empty where a label is missing; `None` where nobody
    /// may look.
    pub(super) locality: Option<String>,
}

/// How to find or make one.
#[derive(Debug, Clone)]
pub(super) struct Search<'a> {
    pub(super) selector: &'a ClientSelector,
    /// What to make where there is none; `None` where none may be made.
    pub(super) job: Option<job::Job>,
}

/// Finds a client: a ready pod in which commands may be run, else a Job.
pub(super) async fn find(connection: &Connection, search: Search<'_>) -> Result<Client, Cause> {
    let Search { selector, job } = search;
    let namespace = selector.namespace.as_str();
    let as_job = |job: Option<job::Job>, otherwise: Cause| {
        job.ok_or(otherwise).map(|job| Client {
            name: format!("job in {namespace}"),
            way: Way::Job(job),
            traits: Traits::default(),
        })
    };
    let path = format!(
        "/api/v1/namespaces/{namespace}/pods?labelSelector={}",
        percent_encoded(&selector.selector)
    );
    let pods = match connection.json(&Request::get(path)).await {
        Ok(pods) => pods,
        Err(error) if error.code() == Some(StatusCode::FORBIDDEN) => {
            let why = error.in_context(connection.context(), "list Pod");
            return as_job(job, Cause::NoClient(why));
        }
        Err(error) => {
            let why = error.in_context(connection.context(), "list Pod");
            return Err(Cause::NotAsked(why));
        }
    };
    let pods = pods["items"].as_array().map_or(&[][..], Vec::as_slice);
    let Some(pod) = pods.iter().find(|pod| is_ready(pod)) else {
        let why = format!("no pod of {selector} is ready");
        return as_job(job, Cause::NoClient(why));
    };
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let container = first_container(pod);
    let probe = cluster::exec(
        connection,
        namespace,
        name,
        &container,
        &curl::probe(),
        EXEC_MARGIN,
    )
    .await;
    let probe = match probe {
        Ok(ran) => ran,
        Err(error @ ExecError::Forbidden(_)) => {
            return as_job(job, Cause::ExecForbidden(error.to_string()));
        }
        Err(error) => return as_job(job, Cause::NoClient(format!("pod {name}: {error}"))),
    };
    let (curl, tool) = curl::read_probe(&probe.stdout);
    let curl = match (curl, &probe.failure) {
        (Some(curl), _) => curl,
        // Without a shell nothing can be asked; most such images are young.
        (None, Some(_)) => Curl::New,
        (None, None) => {
            let why = format!("container {container} of pod {namespace}/{name} has none");
            return Err(Cause::NoCurl(why));
        }
    };
    Ok(Client {
        name: format!("pod {namespace}/{name}"),
        traits: traits(connection, pod).await,
        way: Way::Pod {
            namespace: namespace.to_owned(),
            pod: name.to_owned(),
            container,
            curl,
            tool,
        },
    })
}

impl Client {
    /// Whether it can be asked again and again.
    pub(super) fn is_pod(&self) -> bool {
        matches!(self.way, Way::Pod { .. })
    }

    /// Runs an errand to its end.
    pub(super) async fn run(
        &mut self,
        connection: &Connection,
        errand: &Errand,
        stop: &Stop,
    ) -> Result<Brought, Cause> {
        let Way::Pod {
            curl: version,
            tool,
            ..
        } = self.way
        else {
            return self.run_job(connection, errand, stop).await;
        };
        let mut transfers = BTreeMap::new();
        for urls in chunks(&errand.urls) {
            let command = curl::transfers(version, &urls, errand.deadline);
            let count = u32::try_from(urls.len()).unwrap_or(u32::MAX);
            let turns = match version {
                Curl::New => count.div_ceil(8),
                Curl::Old => count,
            };
            let ran = self
                .exec(connection, &command, errand.deadline.saturating_mul(turns))
                .await?;
            let read = curl::read_transfers(&ran.stdout, &ran.stderr);
            if read.is_empty() {
                let said = ran.failure.unwrap_or(ran.stderr);
                return Err(Cause::NoCurl(said.trim().to_owned()));
            }
            transfers.extend(read);
        }
        self.add_bodies(connection, errand, &mut transfers).await;
        let names = match tool {
            None => Err(Cause::NoDnsTool),
            Some(tool) => self.names(connection, tool, errand).await,
        };
        Ok(Brought { transfers, names })
    }

    /// Fetches the bodies of answers that are errors, which say why. What does not come is left out.
    async fn add_bodies(
        &self,
        connection: &Connection,
        errand: &Errand,
        transfers: &mut BTreeMap<String, Transfer>,
    ) {
        let is_error = |url: &&String| {
            transfers
                .get(&curl::authority(url))
                .is_some_and(|transfer| {
                    matches!(&transfer.reply, Reply::Answered(answer) if answer.status >= 400)
                })
        };
        let urls: Vec<String> = errand
            .urls
            .iter()
            .filter(is_error)
            .take(BODIES)
            .cloned()
            .collect();
        for urls in chunks(&urls) {
            let command = curl::bodies(&urls, errand.deadline);
            let count = u32::try_from(urls.len()).unwrap_or(u32::MAX);
            let deadline = errand.deadline.saturating_mul(count);
            let Ok(ran) = self.exec(connection, &command, deadline).await else {
                return;
            };
            for (host, text) in curl::read_bodies(&ran.stdout) {
                if let Some(Transfer {
                    reply: Reply::Answered(answer),
                    ..
                }) = transfers.get_mut(&host)
                {
                    answer.body = text;
                }
            }
        }
    }

    async fn names(
        &self,
        connection: &Connection,
        tool: DnsTool,
        errand: &Errand,
    ) -> Result<BTreeMap<String, Resolution>, Cause> {
        let mut names = BTreeMap::new();
        for hosts in chunks(&errand.names) {
            let command = curl::names(tool, &hosts);
            let turns = u32::try_from(hosts.len().div_ceil(8)).unwrap_or(u32::MAX);
            // Programs that ask DNS have deadlines of their own, about ten seconds.
            let deadline = Duration::from_secs(12).saturating_mul(turns);
            let ran = self.exec(connection, &command, deadline).await?;
            names.extend(curl::read_names(&ran.stdout));
        }
        Ok(names)
    }

    /// One request, for as long as a drill takes; `None` for a job, which cannot be asked again and
    /// again.
    pub(super) async fn call(
        &self,
        connection: &Connection,
        url: &str,
        deadline: Duration,
    ) -> Option<Result<Transfer, Cause>> {
        let Way::Pod { curl: version, .. } = &self.way else {
            return None;
        };
        let command = curl::transfers(*version, &[url], deadline);
        Some(match self.exec(connection, &command, deadline).await {
            Ok(ran) => curl::read_transfers(&ran.stdout, &ran.stderr)
                .into_values()
                .next()
                .ok_or(Cause::NoCurl(ran.stderr)),
            Err(cause) => Err(cause),
        })
    }

    async fn exec(
        &self,
        connection: &Connection,
        command: &[String],
        deadline: Duration,
    ) -> Result<Ran, Cause> {
        let Way::Pod {
            namespace,
            pod,
            container,
            ..
        } = &self.way
        else {
            return Ok(Ran::default());
        };
        let deadline = deadline + EXEC_MARGIN;
        cluster::exec(connection, namespace, pod, container, command, deadline)
            .await
            .map_err(|error| match error {
                ExecError::Forbidden(_) => Cause::ExecForbidden(error.to_string()),
                error => Cause::NoClient(format!("pod {namespace}/{pod}: {error}")),
            })
    }

    async fn run_job(
        &mut self,
        connection: &Connection,
        errand: &Errand,
        stop: &Stop,
    ) -> Result<Brought, Cause> {
        let Way::Job(job) = &self.way else {
            return Err(Cause::NoClient("no job".to_owned()));
        };
        let done = job.run(connection, errand, stop).await?;
        self.traits = traits(connection, &done.pod).await;
        let transfers = curl::read_transfers(&done.log, "");
        if transfers.is_empty() && !errand.urls.is_empty() {
            let last = done.log.lines().last().unwrap_or_default();
            return Err(Cause::NoCurl(last.to_owned()));
        }
        Ok(Brought {
            transfers,
            names: Ok(curl::read_names(&done.log)),
        })
    }
}

/// As many in each as a command takes.
fn chunks(all: &[String]) -> Vec<Vec<&str>> {
    let mut chunks: Vec<Vec<&str>> = Vec::new();
    let mut room = 0;
    for text in all {
        // With the option before it, and escapes in a URL.
        let size = text.len() + 60;
        match chunks.last_mut() {
            Some(last) if size <= room => last.push(text),
            _ => {
                chunks.push(vec![text]);
                room = COMMAND_BYTES;
            }
        }
        room = room.saturating_sub(size);
    }
    chunks
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    pod["metadata"]["deletionTimestamp"].is_null()
        && conditions
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// The container that `kubectl exec` would take: the one that is named as the default, else the
/// first that is not Istio's.
fn first_container(pod: &Value) -> String {
    let default = &pod["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"];
    let containers = pod["spec"]["containers"].as_array();
    let mut names = containers
        .into_iter()
        .flatten()
        .filter_map(|container| container["name"].as_str())
        .filter(|name| *name != SIDECAR);
    default
        .as_str()
        .or_else(|| names.next())
        .unwrap_or_default()
        .to_owned()
}

/// What a pod and its node say.
pub(super) async fn traits(connection: &Connection, pod: &Value) -> Traits {
    let has_sidecar = ["containers", "initContainers"].iter().any(|list| {
        let containers = pod["spec"][list].as_array();
        containers
            .into_iter()
            .flatten()
            .any(|container| container["name"] == SIDECAR)
    });
    // In ambient mode the node's own proxy takes the calls.
    let is_ambient = pod["metadata"]["annotations"]["ambient.istio.io/redirection"] == "enabled";
    Traits {
        sidecar: Some(has_sidecar || is_ambient),
        locality: locality(connection, pod).await,
    }
}

/// As Istio finds it (`pilot/pkg/serviceregistry/kube/controller`): a label of the pod, else those
/// of its node.
async fn locality(connection: &Connection, pod: &Value) -> Option<String> {
    if let Some(label) = pod["metadata"]["labels"]["istio-locality"].as_str() {
        let mut parts = label.split(['.', '/']);
        let (region, zone) = (parts.next()?, parts.next().unwrap_or_default());
        return Some(format!("{region}/{zone}"));
    }
    let node = pod["spec"]["nodeName"].as_str()?;
    let request = Request::get(format!("/api/v1/nodes/{node}"));
    let node = connection.json(&request).await.ok()?;
    let label = |names: [&str; 2]| {
        let labels = &node["metadata"]["labels"];
        let found = names.iter().find_map(|name| labels[name].as_str());
        found.unwrap_or_default().to_owned()
    };
    Some(format!(
        "{}/{}",
        label([
            "topology.kubernetes.io/region",
            "failure-domain.beta.kubernetes.io/region"
        ]),
        label([
            "topology.kubernetes.io/zone",
            "failure-domain.beta.kubernetes.io/zone"
        ]),
    ))
}

/// For the query of a URL (RFC 3986, 2.3).
pub(super) fn percent_encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{ClientSelector, chunks, first_container, is_ready, percent_encoded};

    #[test]
    fn selectors_are_read_with_care() {
        let selector: ClientSelector = "sales/app=probe,tier!=web".parse().unwrap();
        assert_eq!(selector.to_string(), "sales/app=probe,tier!=web");
        assert_eq!(ClientSelector::default().to_string(), "default/app=sleep");
        for wrong in [
            "",
            "sales",
            "sales/",
            "../x/app=y",
            "a b/app=y",
            "sales/app in (x)",
        ] {
            wrong.parse::<ClientSelector>().unwrap_err();
        }
        assert_eq!(
            percent_encoded("app=probe,tier!=web&x/y"),
            "app%3Dprobe%2Ctier%21%3Dweb%26x%2Fy"
        );
    }

    #[test]
    fn commands_stay_short() {
        let urls: Vec<String> = (0..100)
            .map(|n| format!("http://n{n}.example.org/html"))
            .collect();
        let chunks = chunks(&urls);
        assert_eq!(chunks.concat(), urls);
        for chunk in &chunks {
            let size: usize = chunk.iter().map(|url| url.len() + 60).sum();
            assert!(size <= 4096, "{size}");
        }
        assert!(chunks.len() < 4, "{}", chunks.len());
        assert!(super::chunks(&[]).is_empty());
    }

    #[test]
    fn pods_are_told_apart() {
        let pod = |condition: &str, deleted: Option<&str>| {
            json!({
                "metadata": { "deletionTimestamp": deleted },
                "spec": { "containers": [{ "name": "istio-proxy" }, { "name": "sleep" }] },
                "status": { "conditions": [{ "type": "Ready", "status": condition }] },
            })
        };
        assert!(is_ready(&pod("True", None)));
        assert!(!is_ready(&pod("False", None)));
        assert!(!is_ready(&pod("True", Some("2026-01-01T00:00:00Z"))));
        assert_eq!(first_container(&pod("True", None)), "sleep");
        let mut named = pod("True", None);
        named["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"] =
            json!("tools");
        assert_eq!(first_container(&named), "tools");
    }
}
