//! The engine `kubefed-v1beta1`: what KubeFed's own controller manager brings into the clusters carries what the
//! agent's own apply does.

use std::mem::ManuallyDrop;

use crate::bed::{Bed, CLUSTERS, ZONE, eventually, text};

#[test]
#[ignore = "in the long run"]
fn what_kubefed_spreads_carries_the_same_traffic() {
    let bed = Bed::take();
    let mut document = bed.document();
    document["spec"]["target"] = "kubefed-v1beta1".into();
    let host = document["spec"]["dns"]["cluster"].as_str();
    let host = host.unwrap_or(CLUSTERS[0].0).to_owned();
    // Where this test fails it lives on: without it, nothing can take away what is left.
    let kubefed = ManuallyDrop::new(bed.mesh.start_kubefed(&host).unwrap());
    bed.apply(&document);
    for (context, ..) in CLUSTERS {
        eventually("KubeFed has brought it", || {
            let there = ours(&bed, context);
            let is_there = |kind: &str| there.contains(&format!("{kind}."));
            let all = is_there("virtualservice") && is_there("deployment");
            all.then_some(()).ok_or(there)
        });
    }
    bed.verified(&document);

    for (here, ..) in CLUSTERS {
        let (status, _) = bed.call(here, "http://httpbin.default:8000/html");
        assert_eq!(status, "200", "{here}");
        for (there, region, zone) in CLUSTERS {
            let url = format!("http://httpbin.default.external.svc.{zone}.{region}.{ZONE}/html");
            let answer = bed.call(here, &url);
            assert_eq!(
                answer,
                ("200".to_owned(), there.to_owned()),
                "{here}: {url}"
            );
        }
    }

    // It waits a minute for KubeFed, and goes on where it stopped.
    let path = bed.write("mesh", &document);
    eventually("all of it is removed", || {
        let output = bed.agent(&["remove", "--yes", "-f", path.to_str().unwrap()]);
        let removed = output.status.success().then_some(());
        removed.ok_or_else(|| text(&output))
    });
    for (context, ..) in CLUSTERS {
        eventually("KubeFed has taken all of it back", || {
            let left = ours(&bed, context);
            if left.trim().is_empty() {
                return Ok(());
            }
            let log = kubefed.log().unwrap_or_default();
            let end = log.len().saturating_sub(2000);
            Err(format!(
                "{context} still has {left}\n{}",
                log.get(end..).unwrap_or_default()
            ))
        });
    }
    drop(ManuallyDrop::into_inner(kubefed));
}

/// What a cluster has of the mesh.
fn ours(bed: &Bed, context: &str) -> String {
    let kinds =
        "virtualservices,serviceentries,destinationrules,gateways.networking.istio.io,deployments";
    let ours = "--selector=app.kubernetes.io/managed-by=fedmesh";
    bed.kubectl(
        context,
        &["get", kinds, "--all-namespaces", ours, "-o=name"],
    )
}
