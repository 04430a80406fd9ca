//! The images as they lie unpacked in the seed: every program finds what it needs.
//! Containerd and chroot need root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use testbed::images::{ImageNames, Seed, requirements};

fn names() -> ImageNames {
    ImageNames {
        httpbin: "docker.io/sample/server:9.1".to_owned(),
        sleep: "docker.io/sample/client:9.2".to_owned(),
        bookinfo: ["reviews-v1", "reviews-v2"]
            .map(|program| {
                (
                    format!("docker.io/sample/{program}:9.4"),
                    program.to_owned(),
                )
            })
            .into(),
        external_dns: "registry.example/dns:9.3".to_owned(),
    }
}

/// The one image with this file.
fn root_with(seed: &Path, file: &str) -> PathBuf {
    let snapshots = seed.join("io.containerd.snapshotter.v1.overlayfs/snapshots");
    let mut roots = fs::read_dir(snapshots)
        .expect("snapshots")
        .map(|entry| entry.expect("a snapshot").path().join("fs"))
        .filter(|root| root.join(file).exists());
    let root = roots
        .next()
        .unwrap_or_else(|| panic!("no image with {file}"));
    assert_eq!(roots.next(), None, "two images with {file}");
    root
}

/// What a command prints that sees nothing but the image.
fn inside(root: &Path, command: &[&str]) -> String {
    let output = Command::new("chroot")
        .arg("--userspec=1337:1337")
        .arg(root)
        .args(command)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/sbin:/usr/bin")
        .output()
        .expect("chroot");
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {text}");
    text
}

#[test]
fn every_program_of_the_images_runs_inside_them() {
    for requirement in requirements() {
        assert!(requirement.is_met(), "{requirement:?}");
    }
    let start = Instant::now();
    let seed = Seed::ensure(&names()).unwrap_or_else(|error| panic!("{error}"));
    println!("the seed after {:.1} s", start.elapsed().as_secs_f32());

    let proxy = root_with(&seed, "usr/local/bin/envoy");
    for (command, says) in [
        (["envoy", "--version"], "1.40.0"),
        (["iptables", "--version"], "(nf_tables)"),
        (["iptables-legacy", "--version"], "(legacy)"),
        (["ip6tables-restore", "--version"], "(nf_tables)"),
        (["nft", "--version"], "nftables"),
        (["pilot-agent", "version"], "version"),
    ] {
        let text = inside(&proxy, &command);
        assert!(text.contains(says), "{command:?}: {text}");
    }
    // An extension is loaded: its own help is printed.
    let redirect = inside(&proxy, &["iptables", "-j", "REDIRECT", "--help"]);
    assert!(redirect.contains("--to-ports"), "{redirect}");
    assert!(
        proxy
            .join("var/lib/istio/envoy/envoy_bootstrap_tmpl.json")
            .is_file()
    );

    // The client is like it, without Envoy.
    let snapshots = proxy.parent().and_then(Path::parent).expect("snapshots");
    let client = fs::read_dir(snapshots)
        .expect("snapshots")
        .map(|entry| entry.expect("a snapshot").path().join("fs"))
        .find(|root| root.join("usr/bin/curl").exists() && *root != proxy)
        .expect("the client");
    let script = "id -un && getent passwd 100 && curl --version | head -n 1 && sleep 0 && \
        ls / | wc -l && echo a | grep a | sed s/a/b/";
    let text = inside(&client, &["/bin/sh", "-c", script]);
    assert!(text.starts_with("istio-proxy\ncurl_user:"), "{text}");
    assert!(
        text.contains("curl 7.") || text.contains("curl 8."),
        "{text}"
    );
    assert!(text.ends_with("b\n"), "{text}");

    let server = root_with(&seed, "usr/bin/go-httpbin");
    assert!(!server.join("usr/bin/curl").exists(), "it has only itself");
    let dns = root_with(&seed, "usr/bin/external-dns");
    assert!(inside(&dns, &["external-dns", "--version"]).contains("v0.23.0"));
    assert!(inside(&root_with(&seed, "coredns"), &["/coredns", "-version"]).contains("CoreDNS"));
    inside(
        &root_with(&seed, "usr/local/bin/pilot-discovery"),
        &["pilot-discovery", "version"],
    );
    root_with(&seed, "pause");
    // Many names, one image.
    root_with(&seed, "usr/bin/services");

    let again = Instant::now();
    assert_eq!(Seed::ensure(&names()).expect("the same"), seed);
    println!("asked again: {:.1} s", again.elapsed().as_secs_f32());
}
