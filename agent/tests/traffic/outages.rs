//! The model of who answers, and what really answers.

use std::process::Command;

use shared::answers::in_mesh;
use shared::facts::Facts;
use shared::outage::Outage;
use shared::resolved::Resolved;

use crate::bed::{Bed, CLUSTERS, eventually};

fn resolved(bed: &Bed) -> Resolved {
    let mesh = serde_json::from_value(bed.document()).unwrap();
    shared::check(&mesh, &Facts::default()).resolved.unwrap()
}

fn run(mut command: Command) {
    assert!(command.status().unwrap().success());
}

/// Compares every client and name with the model, until they agree.
fn agree(bed: &Bed, resolved: &Resolved, down: &str) {
    let mut outage = Outage::default();
    outage.add(down, resolved).unwrap();
    eventually(down, || {
        for (client, (context, ..)) in CLUSTERS.iter().enumerate() {
            if outage.clusters.contains(&client) {
                continue;
            }
            for name in &resolved.services[0].names {
                let expected: Vec<String> = in_mesh(resolved, client, 0, name, &outage)
                    .by()
                    .iter()
                    .map(|&index| resolved.clusters[index].name.to_string())
                    .collect();
                for _ in 0..3 {
                    let (status, by) = bed.call(context, &format!("http://{}/html", name.host));
                    let answered = status == "200";
                    if answered != !expected.is_empty() || (answered && !expected.contains(&by)) {
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
    let bed = Bed::take();
    let document = bed.document();
    let resolved = resolved(&bed);
    bed.apply(&document);
    bed.verified(&document);

    for (context, region, zone) in CLUSTERS {
        let service = format!("service:httpbin.default@{context}");
        bed.scale(context, ("default", "httpbin"), 0);
        agree(&bed, &resolved, &service);
        bed.scale(context, ("default", "httpbin"), 1);
        bed.verified(&document);

        // One cluster is in each zone: the zone's failure is the cluster's.
        for down in [context.to_owned(), format!("zone:{region}/{zone}")] {
            let mut unplug = bed.mesh.node_command(context, "ip").unwrap();
            unplug.args(["link", "set", "eth0", "down"]);
            run(unplug);
            agree(&bed, &resolved, &down);
            let mut plug = bed.mesh.node_command(context, "sh").unwrap();
            plug.args([
                "-c",
                "ip link set eth0 up && ip route replace default via 10.250.1.1",
            ]);
            run(plug);
            bed.verified(&document);
        }
    }
    bed.remove(&document);
}
