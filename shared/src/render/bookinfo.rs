//! The sample bookinfo: a page that calls three services, one of them in three versions, and the rules that select
//! versions.

use serde_json::{Value, json};

use super::app::{App, port};
use super::{Istio, skeleton};
use crate::defaults::BOOKINFO_PORT;
use crate::mesh::BookinfoProgram;
use crate::placed::Placed;
use crate::resolved::Resolved;

const HOST: &[&str] = &["spec", "host"];
const HOSTS: &[&str] = &["spec", "hosts"];
const HTTP: &[&str] = &["spec", "http"];

/// Workloads, then rules. `page` is called from outside, and may be shared under another name and other ports; the
/// others have fixed names and ports.
pub(super) fn render(page: &App<'_>, resolved: &Resolved) -> Vec<Placed> {
    let mut placed = Vec::new();
    let mut last = "";
    for (program, image) in &resolved.images.bookinfo {
        let is_page = program.service() == page.label;
        let app = if is_page {
            *page
        } else {
            part(page, program.service())
        };
        let account = format!("bookinfo-{}", app.label);
        if app.label != last {
            last = program.service();
            placed.push(app.account(&account));
            placed.push(if is_page {
                app.service_of_place()
            } else {
                app.service(&json!([port("http", BOOKINFO_PORT, &json!("http"))]))
            });
        }
        placed.push(app.deployment(
            program.as_str(),
            program.version(),
            &json!({ "app": app.label, "version": program.version() }),
            pods(*program, &account, image),
        ));
    }
    for (name, versions) in resolved.bookinfo.iter().flat_map(|routes| routes.rules()) {
        let app = if *name == page.label {
            *page
        } else {
            part(page, name)
        };
        placed.extend(rules(&app, versions, resolved));
    }
    placed
}

fn part<'a>(page: &App<'a>, name: &'a str) -> App<'a> {
    App {
        label: name,
        name,
        ..*page
    }
}

fn pods(program: BookinfoProgram, account: &str, image: &str) -> Value {
    let mut container = skeleton(
        r#"{"name":"","image":"","imagePullPolicy":"IfNotPresent",
        "ports":[{"name":"http","containerPort":9080}],
        "readinessProbe":{"httpGet":{"path":"/health","port":"http"}}}"#,
    );
    container["name"] = program.service().into();
    container["image"] = image.into();
    // Folders that the programs write to; reviews run in a Java server.
    let folders: &[(&str, &str)] = match program.service() {
        "productpage" => &[("tmp", "/tmp")],
        "reviews" => &[("tmp", "/tmp"), ("wlp-output", "/opt/ibm/wlp/output")],
        _ => &[],
    };
    let mut spec = json!({ "serviceAccountName": account });
    if !folders.is_empty() {
        let mounts = folders.iter();
        container["volumeMounts"] = mounts
            .map(|(name, path)| json!({ "name": name, "mountPath": path }))
            .collect();
        let volumes = folders.iter();
        spec["volumes"] = volumes
            .map(|(name, _)| json!({ "name": name, "emptyDir": {} }))
            .collect();
    }
    if program.service() == "reviews" {
        container["env"] = json!([{ "name": "LOG_DIR", "value": "/tmp/logs" }]);
    }
    spec["containers"] = json!([container]);
    spec
}

/// The rules for pods that call the service by its Kubernetes name. Their names distinguish them from the rules of a
/// shared service of that name.
fn rules(app: &App<'_>, versions: &[(&str, u8)], resolved: &Resolved) -> [Placed; 2] {
    let name = format!("bookinfo-{}", app.label);
    let programs = BookinfoProgram::ALL.into_iter();
    let subsets: Vec<Value> = programs
        .filter(|program| program.service() == app.label)
        .map(|program| {
            json!({ "name": program.version(), "labels": { "version": program.version() } })
        })
        .collect();
    let routes = |host: &str| -> Value {
        let versions = versions.iter();
        let route = versions.map(|(version, weight)| {
            json!({ "destination": { "host": host, "subset": version }, "weight": weight })
        });
        json!([{ "route": route.collect::<Value>() }])
    };
    let istio = Istio(resolved.istio);
    // The host depends on the DNS domain of the cluster.
    let placed = |kind, body, paths: &[&[&'static str]], fields: &dyn Fn(&str) -> Vec<Value>| {
        let clusters = app.place.clusters().into_iter().map(|at| {
            let host = resolved.clusters[at].local_host(app.name, &app.place.namespace);
            (at, fields(&host))
        });
        let template = app.object(kind, &name, body).template;
        Placed::with_fields(template, app.subject, paths, clusters.collect())
    };
    [
        placed(
            istio.destination_rule(),
            json!({ "spec": { "host": "", "subsets": subsets } }),
            &[HOST],
            &|host| vec![host.into()],
        ),
        placed(
            istio.virtual_service(),
            json!({ "spec": { "hosts": [], "http": [] } }),
            &[HOSTS, HTTP],
            &|host| vec![json!([host]), routes(host)],
        ),
    ]
}
