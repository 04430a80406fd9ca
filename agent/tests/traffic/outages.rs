//! The model of who answers, and what really answers.

use std::process::Command;

use serde_json::Value;
use shared::facts::Facts;
use shared::resolved::Resolved;
use shared::traffic::answers::in_mesh;
use shared::traffic::outage::Outage;

use crate::bed::{Bed, CLUSTERS, eventually, is_long_run};

/// Calls of each name from each client.
const TRIES: usize = 3;

pub(crate) fn resolved(document: &Value) -> Resolved {
    let mesh = serde_json::from_value(document.clone()).unwrap();
    shared::check(&mesh, &Facts::default()).resolved.unwrap()
}

fn run(mut command: Command) {
    assert!(command.status().unwrap().success());
}

/// Compares every client and name with the model, until they agree.
pub(crate) fn agree(bed: &Bed, resolved: &Resolved, down: &[&str]) {
    let mut outage = Outage::default();
    for what in down {
        outage.add(what, resolved).unwrap();
    }
    eventually(&down.join(", "), || {
        for (client, (context, ..)) in CLUSTERS.iter().enumerate() {
            if outage.clusters.contains(&client) {
                continue;
            }
            let names = &resolved.services[0].names;
            let urls: Vec<String> = names
                .iter()
                .flat_map(|name| std::iter::repeat_n(format!("http://{}/html", name.host), TRIES))
                .collect();
            let seen = bed.calls(context, &urls);
            for (name, seen) in names.iter().zip(seen.chunks(TRIES)) {
                let expected: Vec<String> = in_mesh(resolved, client, 0, name, &outage)
                    .by()
                    .iter()
                    .map(|&index| resolved.clusters[index].name.to_string())
                    .collect();
                for (status, by) in seen {
                    let answered = status == "200";
                    if answered == expected.is_empty() || (answered && !expected.contains(by)) {
                        return Err(format!(
                            "{context} asks {}: {status} {by:?}, the model says {expected:?}",
                            name.host
                        ));
                    }
                }
            }
        }
        Ok(())
    });
}

#[test]
fn every_single_failure_is_as_the_model_says() {
    let bed = Bed::with_usual();
    let document = bed.document();
    let resolved = resolved(&document);

    let clusters = if is_long_run() {
        &CLUSTERS[..]
    } else {
        println!("left for the long run: failures of cluster2 and cluster3");
        &CLUSTERS[..1]
    };
    for &(context, region, zone) in clusters {
        println!("the service in {context}");
        bed.scale(context, ("default", "httpbin"), 0);
        let service = format!("service:httpbin.default@{context}");
        agree(&bed, &resolved, &[&service]);
        bed.scale(context, ("default", "httpbin"), 1);

        println!("the gateway of {context}, which loses its address");
        let gateway = ("istio-system", "istio-ingressgateway");
        bed.scale(context, gateway, 0);
        bed.mesh.move_gateway(context, &[]).unwrap();
        bed.apply(&document);
        agree(&bed, &resolved, &[&format!("gateway:{context}")]);
        bed.scale(context, gateway, 1);
        let address = bed.mesh.gateway_address(context).unwrap();
        bed.mesh.move_gateway(context, &[&address]).unwrap();
        bed.apply(&document);
        // ExternalDNS runs in one of the clusters: the record has to be back before that one goes.
        bed.verified(&document);

        println!("{context} altogether, which is all of its zone");
        let mut unplug = bed.mesh.node_command(context, "ip").unwrap();
        unplug.args(["link", "set", "eth0", "down"]);
        run(unplug);
        agree(&bed, &resolved, &[&format!("zone:{region}/{zone}")]);
        let mut plug = bed.mesh.node_command(context, "sh").unwrap();
        plug.args([
            "-c",
            "ip link set eth0 up && ip route replace default via 10.250.1.1",
        ]);
        run(plug);
        bed.verified(&document);
    }
}
