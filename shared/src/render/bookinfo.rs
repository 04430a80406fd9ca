//! The sample bookinfo: a page that asks three services, one of which there is in three versions, and the
//! rules that say which versions answer.

use serde_json::{Value, json};

use super::samples::{App, Place};
use super::{Istio, skeleton};
use crate::mesh::{BookinfoProgram, Sample};
use crate::object::Object;
use crate::resolved::{BOOKINFO_PORT, Resolved, local_host};

/// Workloads, then rules.
pub(super) fn objects(place: &Place, resolved: &Resolved) -> Vec<Object> {
    let mut objects = Vec::new();
    let mut last = "";
    for (program, image) in &resolved.images.bookinfo {
        let app = App {
            name: program.service(),
            place,
        };
        let account = format!("bookinfo-{}", app.name);
        if app.name != last {
            last = app.name;
            objects.push(app.account(&account));
            // The page may be shared under other ports; the others have the one by which it calls them.
            let own = [("http".to_owned(), BOOKINFO_PORT)];
            let is_page = Sample::Bookinfo.service() == Some(app.name);
            let ports = if is_page { &place.ports[..] } else { &own };
            objects.push(app.service(ports, &json!("http")));
        }
        objects.push(app.deployment(
            program.as_str(),
            program.version(),
            &json!({ "app": app.name, "version": program.version() }),
            pods(*program, &account, image),
        ));
    }
    for (name, versions) in resolved.bookinfo.iter().flat_map(|routes| routes.rules()) {
        let app = App { name, place };
        objects.extend(rules(&app, versions, resolved));
    }
    objects
}

fn pods(program: BookinfoProgram, account: &str, image: &str) -> Value {
    let mut container = skeleton(
        r#"{"name":"","image":"","imagePullPolicy":"IfNotPresent",
        "ports":[{"name":"http","containerPort":9080}],
        "readinessProbe":{"httpGet":{"path":"/health","port":"http"}}}"#,
    );
    container["name"] = program.service().into();
    container["image"] = image.into();
    // What the programs write to; reviews run in a Java server.
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

/// Who answers pods that call the service by its Kubernetes name. Their names tell them from what a shared
/// service of that name has.
fn rules(app: &App<'_>, versions: &[(&str, u8)], resolved: &Resolved) -> [Object; 2] {
    let host = local_host(app.name, &app.place.namespace);
    let name = format!("bookinfo-{}", app.name);
    let programs = BookinfoProgram::ALL.into_iter();
    let subsets: Vec<Value> = programs
        .filter(|program| program.service() == app.name)
        .map(|program| {
            json!({ "name": program.version(), "labels": { "version": program.version() } })
        })
        .collect();
    let route: Vec<Value> = versions
        .iter()
        .map(|(version, weight)| {
            json!({ "destination": { "host": host, "subset": version }, "weight": weight })
        })
        .collect();
    let istio = Istio(resolved.istio);
    [
        app.object(
            istio.destination_rule(),
            &name,
            json!({ "spec": { "host": host, "subsets": subsets } }),
        ),
        app.object(
            istio.virtual_service(),
            &name,
            json!({ "spec": { "hosts": [host], "http": [{ "route": route }] } }),
        ),
    ]
}
