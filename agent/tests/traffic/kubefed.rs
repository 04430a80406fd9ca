//! The engine `kubefed-v1beta1`: what KubeFed's own controller manager brings into the clusters carries what the
//! agent's own apply does.

use crate::bed::{Bed, CLUSTERS, ZONE, eventually};

#[test]
fn what_kubefed_spreads_carries_the_same_traffic() {
    let bed = Bed::take();
    let mut document = bed.document();
    document["spec"]["target"] = "kubefed-v1beta1".into();
    let host = document["spec"]["dns"]["cluster"].as_str();
    let host = host.unwrap_or(CLUSTERS[0].0).to_owned();
    let kubefed = bed.mesh.start_kubefed(&host).unwrap();
    bed.apply(&document);
    bed.verified(&document);

    for (here, ..) in CLUSTERS {
        let local = bed.call(here, "http://httpbin.default:8000/html");
        assert_eq!(local, ("200".to_owned(), here.to_owned()));
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

    bed.remove(&document);
    for (context, ..) in CLUSTERS {
        eventually("KubeFed has taken all of it back", || {
            let kinds = "virtualservices,serviceentries,destinationrules,gateways.networking.istio.io,deployments";
            let ours = "--selector=app.kubernetes.io/managed-by=fedmesh";
            let left = bed.kubectl(
                context,
                &["get", kinds, "--all-namespaces", ours, "-o=name"],
            );
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
}
