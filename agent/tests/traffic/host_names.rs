//! Load balancers that have host names: the names of services get the addresses that a name server gives for
//! these, as the agent's machine asks for them.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::bed::{Bed, CLUSTERS, GLOBAL, ZONE, eventually, text};

/// Below the bed's zone, whose name server answers for them.
fn balancer(number: u8) -> String {
    format!("lb-{number}.{ZONE}")
}

/// cluster1 and cluster2 have host names, cluster3 an address.
fn document(bed: &Bed) -> Value {
    let mut document = bed.document();
    document["spec"]["dns"]["resolveHostNames"] = json!(true);
    for (index, number) in [(0, 1), (1, 2)] {
        document["spec"]["clusters"][index]["gateway"]["addresses"] = json!([balancer(number)]);
    }
    document
}

/// The agent on a machine that asks the bed's name server.
fn agent(bed: &Bed, document: &Path, command: &str, more: &[&str]) -> Command {
    let resolver = format!("nameserver {}\n", bed.mesh.name_server().address());
    let file = document.with_file_name("resolv.conf");
    std::fs::write(&file, resolver).unwrap();
    let mount = "mount --bind \"$0\" /etc/resolv.conf && exec \"$@\"";
    let mut agent = bed.mesh.command("unshare");
    agent.args(["--mount", "sh", "-c", mount]).arg(file);
    // Whoever follows says nothing more once this test has failed.
    agent.args(["timeout", "--kill-after=5", "240"]);
    agent.args([env!("CARGO_BIN_EXE_fedmesh-agent"), command, "-f"]);
    agent.arg(document).args(more);
    agent.env("KUBECONFIG", bed.mesh.kubeconfig());
    agent
}

/// Waits until the name server has these records of a name.
fn published(bed: &Bed, name: &str, kind: &str, desired: &[&str]) {
    eventually(&format!("{name} {kind}"), || {
        let seen = bed.mesh.name_server().ask(name, kind).unwrap();
        (seen == desired)
            .then_some(())
            .ok_or_else(|| format!("{seen:?}"))
    });
}

#[test]
#[ignore = "in the long run"]
fn names_get_what_load_balancers_host_names_resolve_to() {
    let bed = Bed::with_usual();
    let [first, second, third] =
        CLUSTERS.map(|(context, ..)| bed.mesh.gateway_address(context).unwrap());
    let (one, two, other) = (balancer(1), balancer(2), format!("edge.{ZONE}"));
    let name_server = bed.mesh.name_server();
    name_server
        .update(&format!(
            "update add {one}. 2 A {first}\nupdate add {one}. 2 AAAA 2001:db8::1\n\
             update add {two}. 2 CNAME {other}.\nupdate add {other}. 2 A {second}"
        ))
        .unwrap();
    let path = bed.write("named", &document(&bed));
    let output = agent(&bed, &path, "apply", &["--yes"]).output().unwrap();
    assert!(output.status.success(), "{}", text(&output));

    let region = format!("httpbin.default.external.svc.us-west2.{ZONE}");
    let zone = format!("httpbin.default.external.svc.us-west2-b.us-west2.{ZONE}");
    published(&bed, GLOBAL, "A", &[&first, &second, &third]);
    published(&bed, GLOBAL, "AAAA", &["2001:db8::1"]);
    published(&bed, &region, "A", &[&first, &second]);
    // Alone it stands as an alias, which stays true by itself.
    published(&bed, &zone, "CNAME", &[&format!("{two}.")]);
    eventually("calls find the load balancer", || {
        let seen = bed.call("cluster1", &format!("http://{zone}/get"));
        let expected = ("200".to_owned(), "cluster2".to_owned());
        (seen == expected)
            .then_some(())
            .ok_or_else(|| format!("{seen:?}"))
    });

    // Another answer, which the next look sees: any change of a gateway brings one about.
    let mut following = agent(&bed, &path, "follow", &["-o", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(following.stdout.take().unwrap()).lines();
    let mut events = lines.map(|line| -> Value { serde_json::from_str(&line.unwrap()).unwrap() });
    let mut next = |what: &str| events.find(|event| event["event"] == what).unwrap();
    next("following");
    name_server
        .update(&format!(
            "update delete {other}. A\nupdate add {other}. 2 A 10.250.1.42\n\
             update add {other}. 2 AAAA 2001:db8::2"
        ))
        .unwrap();
    let looked = [
        "annotate",
        "service/istio-ingressgateway",
        "-n=istio-system",
        "looked=at",
    ];
    bed.kubectl("cluster3", &looked);
    let told = next("hostName");
    assert_eq!(told["host"], two, "{told}");
    assert_eq!(told["before"], json!([second]), "{told}");
    assert_eq!(
        told["after"],
        json!(["10.250.1.42", "2001:db8::2"]),
        "{told}"
    );
    published(&bed, GLOBAL, "A", &[&first, &third, "10.250.1.42"]);
    published(&bed, GLOBAL, "AAAA", &["2001:db8::1", "2001:db8::2"]);
    let pid = following.id().to_string();
    assert!(Command::new("kill").arg(pid).status().unwrap().success());
    assert!(following.wait().unwrap().success());

    bed.kubectl("cluster3", &[&looked[..3], &["looked-"]].concat());
    let names = [one, two, other];
    let gone: Vec<String> = names
        .iter()
        .map(|name| format!("update delete {name}."))
        .collect();
    name_server.update(&gone.join("\n")).unwrap();
    bed.apply(&bed.document());
}
