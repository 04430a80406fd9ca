//! Records that follow gateways, as clients notice.

use std::process::{Command, Stdio};
use std::time::Instant;

use crate::bed::{Bed, ZONE, eventually, text};

#[test]
#[ignore = "in the long run"]
fn a_gateway_that_moves_or_goes_is_followed_by_calls() {
    let bed = Bed::with_usual();
    let document = bed.document();
    let path = bed.write("followed", &document);
    let following = bed
        .mesh
        .command(env!("CARGO_BIN_EXE_fedmesh-agent"))
        .args(["follow", "-f"])
        .arg(path)
        .env("KUBECONFIG", bed.mesh.kubeconfig())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let zone = format!("httpbin.default.external.svc.us-west2-b.us-west2.{ZONE}");
    let url = format!("http://{zone}/html");
    let answers = |what: &str, address: &str, by: &str| {
        let start = Instant::now();
        eventually(what, || {
            let addresses = bed.mesh.name_server().ask(&zone, "A").unwrap();
            let seen = bed.call("cluster1", &url);
            let expected = ("200".to_owned(), by.to_owned());
            (addresses.iter().any(|one| one == address) && seen == expected)
                .then_some(())
                .ok_or_else(|| format!("{addresses:?} {seen:?}"))
        });
        println!("{what}: {:.1} s", start.elapsed().as_secs_f32());
    };
    let usual = bed.mesh.gateway_address("cluster2").unwrap();
    let gateway = ("istio-system", "istio-ingressgateway");

    bed.mesh.move_gateway("cluster2", &["10.250.1.42"]).unwrap();
    answers("cluster2 moves", "10.250.1.42", "cluster2");
    bed.scale("cluster2", gateway, 0);
    // The alias of the region, of which one gateway is left.
    let other = bed.mesh.gateway_address("cluster1").unwrap();
    answers("cluster2 has no gateway", &other, "cluster1");
    bed.scale("cluster2", gateway, 1);
    bed.mesh.move_gateway("cluster2", &[&usual]).unwrap();
    answers("cluster2 is back", &usual, "cluster2");

    let pid = following.id().to_string();
    assert!(Command::new("kill").arg(pid).status().unwrap().success());
    let output = following.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let said = text(&output);
    assert!(
        said.contains(&format!("gateway  cluster2: {usual} → 10.250.1.42")),
        "{said}"
    );
    bed.verified(&document);
}
