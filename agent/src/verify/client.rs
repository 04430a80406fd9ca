//! The probe client in a cluster: a pod in which curl runs, or a Job where no pod can be used.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::try_join_all;
use http::StatusCode;
use kube::api::ListParams;
use shared::verify::{Cause, Reply, Resolution};

use super::curl::{self, Curl, DnsTool, Transfer};
use super::job;
use super::pod::{DEFAULT_ACCOUNT, Traits, account, first_container, is_ready, traits};
use super::probe::{ProbeRequest, ProbeResult};
use super::selector::ClientSelector;
use crate::cluster::{self, Connection, ExecError, Ran, Request};
use crate::stop::Stop;

/// Bytes of one command: it is sent in a URL, of which proxies before an API server accept at most 8 KiB.
const COMMAND_BYTES: usize = 4 << 10;
/// Added to the deadline of the transfers: the start of the command, and a distant API server.
const EXEC_MARGIN: Duration = Duration::from_secs(15);
/// Limit of answers whose body is fetched; further ones most likely fail in the same way.
const BODIES: usize = 20;

/// A probe client.
#[derive(Debug, Clone)]
pub(super) struct Client {
    way: Way,
    /// Display name: `pod namespace/name` or `job in namespace`.
    pub(super) name: String,
    /// The namespace of its pod.
    pub(super) namespace: String,
    /// The service account of its pod.
    pub(super) account: String,
    /// Sidecar and locality of its pod, as far as they are known.
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

/// How to find or create a probe client.
#[derive(Debug, Clone)]
pub(super) struct Search<'a> {
    pub(super) selector: &'a ClientSelector,
    /// The Job to create where no pod is found; `None` with `--no-job`.
    pub(super) job: Option<job::Job>,
}

/// Finds a client: a ready pod in which commands may run, else a Job.
pub(super) async fn find(connection: &Connection, search: Search<'_>) -> Result<Client, Cause> {
    let Search { selector, job } = search;
    let namespace = selector.namespace.as_str();
    let as_job = |job: Option<job::Job>, otherwise: Cause| {
        job.ok_or(otherwise).map(|job| Client {
            name: format!("job in {namespace}"),
            namespace: namespace.to_owned(),
            account: DEFAULT_ACCOUNT.to_owned(),
            way: Way::Job(job),
            traits: Traits::default(),
        })
    };
    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    let params = ListParams::default().labels(&selector.selector);
    let pods = match connection.json(&Request::list(&pods, &params)).await {
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
        // Without a shell the version is unknown; most such images are recent.
        (None, Some(_)) => Curl::New,
        (None, None) => {
            let why = format!("container {container} of pod {namespace}/{name} has no curl");
            return Err(Cause::NoCurl(why));
        }
    };
    Ok(Client {
        name: format!("pod {namespace}/{name}"),
        namespace: namespace.to_owned(),
        account: account(pod),
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
    /// Whether it can send requests repeatedly.
    pub(super) fn is_pod(&self) -> bool {
        matches!(self.way, Way::Pod { .. })
    }

    /// Runs all requests and lookups.
    pub(super) async fn run(
        &mut self,
        connection: &Connection,
        probe: &ProbeRequest,
        stop: &Stop,
    ) -> Result<ProbeResult, Cause> {
        let Way::Pod {
            curl: version,
            tool,
            ..
        } = self.way
        else {
            return self.run_job(connection, probe, stop).await;
        };
        // A connection without requests lasts its whole deadline, and so does a query without an answer.
        let groups = curl::by_scheme(&probe.urls);
        let transfers = try_join_all(
            groups
                .iter()
                .map(|urls| self.transfers(connection, version, urls, probe.deadline)),
        );
        let names = async {
            match tool {
                None => Err(Cause::NoDnsTool),
                Some(tool) => self.names(connection, tool, probe).await,
            }
        };
        let (transfers, names) = tokio::join!(transfers, names);
        let mut transfers = transfers?.into_iter().flatten().collect();
        self.add_bodies(connection, probe, &mut transfers).await;
        Ok(ProbeResult { transfers, names })
    }

    /// Fetches URLs that have one scheme.
    async fn transfers(
        &self,
        connection: &Connection,
        version: Curl,
        urls: &[String],
        deadline: Duration,
    ) -> Result<BTreeMap<String, Transfer>, Cause> {
        let mut transfers = BTreeMap::new();
        for urls in chunks(urls) {
            let command = curl::transfers(version, &urls, deadline);
            let count = u32::try_from(urls.len()).unwrap_or(u32::MAX);
            let turns = match version {
                Curl::New => count.div_ceil(8),
                Curl::Old => count,
            };
            let ran = self
                .exec(connection, &command, deadline.saturating_mul(turns))
                .await?;
            let read = curl::read_transfers(&ran.stdout, &ran.stderr);
            // Any curl supports HTTP requests; other schemes may be missing.
            if read.is_empty() && urls[0].starts_with("http://") {
                let said = ran.failure.unwrap_or(ran.stderr);
                return Err(Cause::NoCurl(said.trim().to_owned()));
            }
            transfers.extend(read);
        }
        Ok(transfers)
    }

    /// Fetches the bodies of error responses, which hold the reason. A body that fails is left out.
    async fn add_bodies(
        &self,
        connection: &Connection,
        probe: &ProbeRequest,
        transfers: &mut BTreeMap<String, Transfer>,
    ) {
        let is_error = |url: &&String| {
            let transfer = transfers.get(&curl::authority(url));
            // A gRPC error carries its message in a header.
            url.starts_with("http://")
                && transfer.is_some_and(|transfer| {
                    matches!(&transfer.reply, Reply::Answered(answer) if answer.status >= 400)
                })
        };
        let urls: Vec<String> = probe
            .urls
            .iter()
            .filter(is_error)
            .take(BODIES)
            .cloned()
            .collect();
        for urls in chunks(&urls) {
            let command = curl::bodies(&urls, probe.deadline);
            let count = u32::try_from(urls.len()).unwrap_or(u32::MAX);
            let deadline = probe.deadline.saturating_mul(count);
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
        probe: &ProbeRequest,
    ) -> Result<BTreeMap<String, Resolution>, Cause> {
        let mut names = BTreeMap::new();
        for hosts in chunks(&probe.names) {
            let command = curl::names(tool, &hosts);
            let turns = u32::try_from(hosts.len().div_ceil(8)).unwrap_or(u32::MAX);
            // DNS tools have deadlines of their own, about ten seconds.
            let deadline = Duration::from_secs(12).saturating_mul(turns);
            let ran = self.exec(connection, &command, deadline).await?;
            names.extend(curl::read_names(&ran.stdout));
        }
        Ok(names)
    }

    /// Sends one request, as a drill does at each tick; `None` for a Job, which cannot send requests repeatedly.
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
        probe: &ProbeRequest,
        stop: &Stop,
    ) -> Result<ProbeResult, Cause> {
        let Way::Job(job) = &self.way else {
            return Err(Cause::NoClient("there is no Job".to_owned()));
        };
        let done = job.run(connection, probe, stop).await?;
        self.traits = traits(connection, &done.pod).await;
        let transfers = curl::read_transfers(&done.log, "");
        if transfers.is_empty() && !probe.urls.is_empty() {
            let last = done.log.lines().last().unwrap_or_default();
            return Err(Cause::NoCurl(last.to_owned()));
        }
        Ok(ProbeResult {
            transfers,
            names: Ok(curl::read_names(&done.log)),
        })
    }
}

/// As many in each chunk as fit into a command.
fn chunks(all: &[String]) -> Vec<Vec<&str>> {
    let mut chunks: Vec<Vec<&str>> = Vec::new();
    let mut room = 0;
    for text in all {
        // With its option, and escapes in a URL.
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

#[cfg(test)]
mod tests {
    use super::chunks;

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
}
