//! A short-lived Job that calls from inside a mesh where no pod can run commands.

use std::time::Duration;

use kube::api::{DeleteParams, ListParams};
use serde_json::{Value, json};
use shared::kubernetes::ownership::{MANAGED_BY, MANAGED_BY_LABEL, MESH_LABEL};
use shared::verify::Cause;
use tokio::time::Instant;

use super::curl::{self, Curl};
use super::probe::ProbeRequest;
use crate::cluster::{Connection, Request};
use crate::stop::Stop;

const CONTAINER: &str = "client";
/// Time to pull the image and start the sidecar.
const START: Duration = Duration::from_secs(90);
/// Interval between two requests for the pod's state.
const PAUSE: Duration = Duration::from_secs(1);
/// Seconds after the Job's end until the cluster deletes it, in case the agent does not.
const TTL: u32 = 60;

/// The configuration of a Job.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// A DNS label.
    pub(super) namespace: String,
    /// An image with curl and a shell.
    pub(super) image: String,
    /// The mesh's name, the value of a label.
    pub(super) mesh: String,
}

/// A finished Job.
pub(super) struct Done {
    /// The log of its container.
    pub(super) log: String,
    /// Its pod.
    pub(super) pod: Value,
}

impl Job {
    /// Runs the probe in a Job, and deletes the Job in any case.
    pub(super) async fn run(
        &self,
        connection: &Connection,
        probe: &ProbeRequest,
        stop: &Stop,
    ) -> Result<Done, Cause> {
        let name = format!("fedmesh-verify-{:08x}", fastrand::u32(..));
        let collection = format!("/apis/batch/v1/namespaces/{}/jobs", self.namespace);
        let count = u32::try_from(probe.urls.len()).unwrap_or(u32::MAX);
        let deadline = START
            + probe.deadline.saturating_mul(count.div_ceil(8))
            + Duration::from_secs(12).saturating_mul(count.div_ceil(8));
        let object = self.object(&name, &script(probe), deadline);
        connection
            .json(&Request::create(&collection, &object))
            .await
            .map_err(|error| {
                Cause::NoClient(error.in_context(connection.context(), "create Job"))
            })?;
        let done = tokio::select! {
            done = self.wait(connection, &name, Instant::now() + deadline) => done,
            () = stop.requested() => Err(Cause::NoClient("stopped".to_owned())),
        };
        let deletion =
            Request::delete(&format!("{collection}/{name}"), &DeleteParams::background());
        if let Err(error) = connection.send(&deletion).await
            && !error.is_not_found()
        {
            tracing::warn!(
                "{}; the cluster deletes it {TTL} s after its end",
                error.in_context(connection.context(), &format!("delete Job {name}"))
            );
        }
        done
    }

    async fn wait(
        &self,
        connection: &Connection,
        name: &str,
        deadline: Instant,
    ) -> Result<Done, Cause> {
        let namespace = &self.namespace;
        let pods = format!("/api/v1/namespaces/{namespace}/pods");
        let params = ListParams::default().labels(&format!("job-name={name}"));
        let list = Request::list(&pods, &params);
        let no_client = |error: &crate::cluster::RequestError, doing| {
            Cause::NoClient(error.in_context(connection.context(), doing))
        };
        let mut waiting = "its pod does not exist yet".to_owned();
        while Instant::now() < deadline {
            let found = connection.json(&list).await;
            let mut found = found.map_err(|error| no_client(&error, "list Pod"))?;
            // The Job's controller may not have created it yet.
            let pod = found
                .pointer_mut("/items/0")
                .map(Value::take)
                .unwrap_or_default();
            let statuses = pod["status"]["containerStatuses"].as_array();
            let state = statuses
                .into_iter()
                .flatten()
                .find(|status| status["name"] == CONTAINER)
                .map(|status| &status["state"]);
            // Its own container, not the pod: a sidecar that is a plain container may keep running.
            if state.is_some_and(|state| state["terminated"].is_object()) {
                let pod_name = pod["metadata"]["name"].as_str().unwrap_or_default();
                let log = format!("{pods}/{pod_name}/log?container={CONTAINER}");
                let log = connection.send(&Request::get(log).taking_text()).await;
                let log = log.map_err(|error| no_client(&error, "get pods/log"))?;
                return Ok(Done {
                    log: String::from_utf8_lossy(&log).into_owned(),
                    pod,
                });
            }
            if let Some(reason) = state.and_then(|state| state["waiting"]["reason"].as_str()) {
                waiting = format!("its pod is waiting: {reason}");
            } else if let Some(phase) = pod["status"]["phase"].as_str() {
                waiting = format!("its pod is {phase}");
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(Cause::NoClient(format!(
            "job {namespace}/{name} did not end in time; {waiting}"
        )))
    }

    fn object(&self, name: &str, script: &str, deadline: Duration) -> Value {
        let labels = json!({
            MANAGED_BY_LABEL: MANAGED_BY,
            MESH_LABEL: self.mesh,
            "app": name,
            "sidecar.istio.io/inject": "true",
        });
        json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": { "name": name, "namespace": self.namespace, "labels": labels },
            "spec": {
                "backoffLimit": 0,
                "activeDeadlineSeconds": deadline.as_secs(),
                "ttlSecondsAfterFinished": TTL,
                "template": {
                    "metadata": { "labels": labels },
                    "spec": {
                        "restartPolicy": "Never",
                        "automountServiceAccountToken": false,
                        "securityContext": {
                            "runAsNonRoot": true,
                            // The user `curl_user` of curl's image.
                            "runAsUser": 100,
                            "seccompProfile": { "type": "RuntimeDefault" },
                        },
                        "containers": [{
                            "name": CONTAINER,
                            "image": self.image,
                            "imagePullPolicy": "IfNotPresent",
                            "command": ["sh", "-c", script],
                            "securityContext": {
                                "allowPrivilegeEscalation": false,
                                "capabilities": { "drop": ["ALL"] },
                            },
                            "resources": {
                                "requests": { "cpu": "10m", "memory": "32Mi" },
                                "limits": { "memory": "128Mi" },
                            },
                        }],
                    },
                },
            },
        })
    }
}

/// Waits for the sidecar, sends the requests and DNS queries, and stops a sidecar that is a plain container.
fn script(probe: &ProbeRequest) -> String {
    let commands: Vec<String> = curl::by_scheme(&probe.urls)
        .iter()
        .map(|urls| {
            let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
            let command = curl::transfers(Curl::New, &urls, probe.deadline);
            let words: Vec<String> = command.iter().map(|word| quoted(word)).collect();
            format!("{} 2>/dev/null", words.join(" "))
        })
        .collect();
    let names: Vec<String> = probe.names.iter().map(|name| quoted(name)).collect();
    let local = "curl -so /dev/null --noproxy '*' --max-time 2";
    format!(
        "i=0; until {local} http://127.0.0.1:15021/healthz/ready || [ $i -ge 30 ]; do i=$((i+1)); sleep 1; done\n\
         {}\n\
         set -- {}\n\
         {}\n\
         {local} -X POST http://127.0.0.1:15020/quitquitquit\n\
         exit 0\n",
        commands.join("\n"),
        names.join(" "),
        curl::names_script_for_any(),
    )
}

/// Quotes one word for a shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Job, quoted, script};
    use crate::verify::curl;
    use crate::verify::probe::ProbeRequest;

    #[test]
    fn the_script_runs_and_its_output_is_parsed() {
        let probe = ProbeRequest {
            urls: vec!["http://127.0.0.1:1/it's".into(), "http://n.invalid/".into()],
            names: vec!["n.invalid".into()],
            deadline: Duration::from_secs(2),
        };
        // Without a sidecar the script would wait for half a minute.
        let script = script(&probe).replace("-ge 30", "-ge 0");
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        let log = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{log}");
        let transfers = curl::read_transfers(&log, "");
        assert_eq!(
            transfers.keys().collect::<Vec<_>>(),
            ["127.0.0.1:1", "n.invalid"],
            "{log}"
        );
        assert!(curl::read_names(&log).contains_key("n.invalid"), "{log}");
    }

    #[test]
    fn the_job_expires_and_has_a_sidecar() {
        let job = Job {
            namespace: "default".into(),
            image: "curl".into(),
            mesh: "shop".into(),
        };
        let object = job.object("fedmesh-verify-1", "true", Duration::from_secs(7));
        let spec = &object["spec"];
        assert_eq!(spec["activeDeadlineSeconds"], 7);
        assert_eq!(spec["ttlSecondsAfterFinished"], 60);
        let labels = &spec["template"]["metadata"]["labels"];
        assert_eq!(labels["sidecar.istio.io/inject"], "true");
        assert_eq!(labels["app.kubernetes.io/managed-by"], "fedmesh");
        assert_eq!(quoted("a'b"), r"'a'\''b'");
    }
}
