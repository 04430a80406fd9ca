//! The content and entry point of each image.

use std::path::Path;

use super::archive::Image;
use super::host::{add_libraries, add_programs};
use super::layer::Layer;
use super::{
    COREDNS_IMAGE, ISTIO_HUB, ISTIO_TAG, ImageError, ImageNames, PAUSE_IMAGE, SERVICES_IMAGE,
};
use crate::tools::{
    COREDNS, ENVOY, ENVOY_BOOTSTRAP, EXTERNAL_DNS, HTTPBIN, PAUSE, PILOT_AGENT, PILOT_DISCOVERY,
    SERVICES,
};

/// Programs for interactive shells and scripts in a container.
const SHELL_PROGRAMS: &[&str] = &[
    "basename", "cat", "chmod", "cp", "cut", "date", "dirname", "echo", "env", "false", "find",
    "getent", "grep", "head", "hostname", "id", "ls", "mkdir", "mv", "printenv", "printf", "pwd",
    "readlink", "rm", "sed", "seq", "sleep", "sort", "stat", "tail", "tee", "test", "timeout",
    "touch", "tr", "true", "uname", "uniq", "wc", "whoami", "xargs",
];

/// The user of Istio's own image.
const ISTIO_USER: &str = "1337:1337";

/// All images; programs that are missing in the cache are built first.
pub(super) fn all(names: &ImageNames) -> Result<Vec<Image>, ImageError> {
    let mut images = vec![
        static_program(PAUSE_IMAGE, "/pause", &PAUSE.ensure()?, "65535:65535"),
        static_program(COREDNS_IMAGE, "/coredns", &COREDNS.ensure()?, ""),
        static_program(
            &names.httpbin,
            "/usr/bin/go-httpbin",
            &HTTPBIN.ensure()?,
            "",
        ),
        static_program(
            &names.external_dns,
            "/usr/bin/external-dns",
            &EXTERNAL_DNS.ensure()?,
            "65532:65532",
        ),
        sleep(&names.sleep)?,
        pilot()?,
        proxy()?,
    ];
    images.extend(services(&names.bookinfo)?);
    Ok(images)
}

/// One program under many names: the tests' own services and the programs of bookinfo.
fn services(bookinfo: &[(String, String)]) -> Result<Vec<Image>, ImageError> {
    let program = SERVICES.ensure()?;
    let image = |name: &str, arguments: &[&str]| Image {
        arguments: arguments
            .iter()
            .map(|&argument| argument.to_owned())
            .collect(),
        ..static_program(name, "/usr/bin/services", &program, "65532:65532")
    };
    let mut images = vec![image(SERVICES_IMAGE, &[])];
    images.extend(
        bookinfo
            .iter()
            .map(|(name, program)| image(name, &["bookinfo", program])),
    );
    Ok(images)
}

/// One program that needs no file but the certificate authorities.
fn static_program(name: &str, path: &str, program: &Path, user: &str) -> Image {
    let mut layer = Layer::default();
    add_base(&mut layer);
    layer.executable(path, program);
    Image {
        name: name.to_owned(),
        layer,
        entrypoint: vec![path.to_owned()],
        arguments: Vec::new(),
        user: user.to_owned(),
    }
}

/// Replaces curlimages/curl, with the same user and entry point; curl and the other programs are Debian's.
fn sleep(name: &str) -> Result<Image, ImageError> {
    let mut layer = Layer::default();
    add_base(&mut layer);
    add_shell(&mut layer)?;
    Ok(Image {
        name: name.to_owned(),
        layer,
        entrypoint: vec!["/usr/bin/curl".to_owned()],
        arguments: Vec::new(),
        user: "100:101".to_owned(),
    })
}

fn pilot() -> Result<Image, ImageError> {
    let path = "/usr/local/bin/pilot-discovery";
    let name = format!("{ISTIO_HUB}/pilot:{ISTIO_TAG}");
    Ok(static_program(
        &name,
        path,
        &PILOT_DISCOVERY.ensure()?,
        ISTIO_USER,
    ))
}

/// The sidecar, the gateway, and the init container that redirects a pod's
/// traffic: pilot-agent is all three, and runs Envoy or iptables.
fn proxy() -> Result<Image, ImageError> {
    let mut layer = Layer::default();
    add_base(&mut layer);
    add_shell(&mut layer)?;
    let envoy = ENVOY.ensure()?;
    layer.executable("/usr/local/bin/envoy", &envoy);
    add_libraries(&mut layer, &envoy)?;
    layer.executable("/usr/local/bin/pilot-agent", &PILOT_AGENT.ensure()?);
    layer.copy(
        "/var/lib/istio/envoy/envoy_bootstrap_tmpl.json",
        &ENVOY_BOOTSTRAP.ensure()?,
    );
    add_iptables(&mut layer)?;
    Ok(Image {
        name: format!("{ISTIO_HUB}/proxyv2:{ISTIO_TAG}"),
        layer,
        entrypoint: vec!["/usr/local/bin/pilot-agent".to_owned()],
        arguments: Vec::new(),
        // The init container sets root itself.
        user: ISTIO_USER.to_owned(),
    })
}

/// The files of every image.
fn add_base(layer: &mut Layer) {
    for folder in ["bin", "sbin", "lib", "lib64"] {
        layer.folder(&format!("usr/{folder}"), 0o755);
        layer.link(folder, &format!("usr/{folder}"));
    }
    layer.folder("root", 0o700);
    layer.folder("run", 0o755);
    layer.folder("tmp", 0o1777);
    layer.folder("var/run", 0o755);
    layer.text(
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/sh\n\
         curl_user:x:100:101:curl:/tmp:/bin/sh\n\
         istio-proxy:x:1337:1337:istio:/tmp:/bin/sh\n\
         nobody:x:65534:65534:nobody:/:/bin/sh\n",
    );
    layer.text(
        "etc/group",
        "root:x:0:\ncurl_group:x:101:\nistio-proxy:x:1337:\nnogroup:x:65534:\n",
    );
    layer.text(
        "etc/nsswitch.conf",
        "passwd: files\ngroup: files\nhosts: files dns\n",
    );
    let authorities = "/etc/ssl/certs/ca-certificates.crt";
    layer.copy(authorities, Path::new(authorities));
}

fn add_shell(layer: &mut Layer) -> Result<(), ImageError> {
    add_programs(layer, "usr/bin", &["dash", "curl"])?;
    add_programs(layer, "usr/bin", SHELL_PROGRAMS)?;
    layer.link("usr/bin/sh", "dash");
    Ok(())
}

/// Both kinds of iptables as in Debian, with nft as the default, and `nft` itself, which Istio can use instead.
fn add_iptables(layer: &mut Layer) -> Result<(), ImageError> {
    let (nft, legacy) = ("xtables-nft-multi", "xtables-legacy-multi");
    add_programs(layer, "usr/sbin", &[nft, legacy, "nft", "ip"])?;
    for family in ["iptables", "ip6tables"] {
        for action in ["", "-save", "-restore"] {
            layer.link(&format!("usr/sbin/{family}{action}"), nft);
            layer.link(&format!("usr/sbin/{family}-nft{action}"), nft);
            layer.link(&format!("usr/sbin/{family}-legacy{action}"), legacy);
        }
    }
    add_extensions(layer)?;
    // nft reads the names of protocols from it.
    layer.copy("/etc/protocols", Path::new("/etc/protocols"));
    Ok(())
}

/// The extensions that iptables loads for each match and target. They need no further library.
fn add_extensions(layer: &mut Layer) -> Result<(), ImageError> {
    let folder = Path::new("/usr/lib")
        .join(format!("{}-linux-gnu", std::env::consts::ARCH))
        .join("xtables");
    let failed = |source| ImageError::File {
        action: "read",
        path: folder.clone(),
        source,
    };
    for entry in std::fs::read_dir(&folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        layer.executable(&path.display().to_string(), &path);
    }
    Ok(())
}
