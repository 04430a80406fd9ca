//! Stub domains in Corefiles.

use proptest::prelude::*;
use shared::cluster_dns::{StubDomain, merge, remove};

fn servers() -> Vec<String> {
    vec!["10.0.0.53".to_owned(), "[2001:db8::53]:5353".to_owned()]
}

fn stub(servers: &[String]) -> StubDomain<'_> {
    StubDomain {
        mesh: "demo",
        suffix: "mesh.example.com",
        nameservers: servers,
    }
}

/// What becomes of a Corefile.
enum Becomes {
    /// Our block, whose first line is this one, before all the rest.
    Merged(&'static str),
    /// Nothing: it forwards already.
    Kept,
    /// Refused, with these words.
    Refused(&'static str),
}
use Becomes::{Kept, Merged, Refused};

const USUAL: &str = "mesh.example.com:53 {";

#[test]
fn what_becomes_of_corefiles() {
    let rows: &[(&str, &str, Becomes)] = &[
        (
            "kubeadm",
            ".:53 {\n    errors\n    health {\n       lameduck 5s\n    }\n    ready\n    kubernetes cluster.local in-addr.arpa ip6.arpa {\n       pods insecure\n       fallthrough in-addr.arpa ip6.arpa\n       ttl 30\n    }\n    prometheus :9153\n    forward . /etc/resolv.conf {\n       max_concurrent 1000\n    }\n    cache 30\n    loop\n    reload\n    loadbalance\n}\n",
            Merged(USUAL),
        ),
        (
            "EKS",
            ".:53 {\n    errors\n    health {\n        lameduck 5s\n      }\n    ready\n    kubernetes cluster.local in-addr.arpa ip6.arpa {\n      pods insecure\n      fallthrough in-addr.arpa ip6.arpa\n    }\n    prometheus :9153\n    forward . /etc/resolv.conf\n    cache 30\n    loop\n    reload\n    loadbalance\n}",
            Merged(USUAL),
        ),
        (
            "kind",
            ".:53 {\n    errors\n    health {\n       lameduck 5s\n    }\n    ready\n    kubernetes cluster.local {\n       pods insecure\n    }\n    forward . /etc/resolv.conf\n    reload\n}\n",
            Merged(USUAL),
        ),
        (
            "k3s without additions",
            ".:53 {\n    errors\n    health\n    ready\n    kubernetes cluster.local in-addr.arpa ip6.arpa {\n      pods insecure\n      fallthrough in-addr.arpa ip6.arpa\n    }\n    hosts /etc/coredns/NodeHosts {\n      ttl 60\n      reload 15s\n      fallthrough\n    }\n    prometheus :9153\n    forward . /etc/resolv.conf\n    cache 30\n    loop\n    reload\n    loadbalance\n    import /etc/coredns/custom/*.override\n}\n",
            Merged(USUAL),
        ),
        (
            "OpenShift's port",
            ".:5353 {\n    bufsize 1232\n    errors\n    reload\n}\nhostname.bind:5353 {\n    chaos\n}\n",
            Merged("mesh.example.com:5353 {"),
        ),
        (
            "microk8s",
            ".:53 {\n    errors\n    health {\n      lameduck 5s\n    }\n    ready\n    log . {\n      class error\n    }\n    kubernetes cluster.local in-addr.arpa ip6.arpa {\n      pods insecure\n    }\n    forward . 8.8.8.8 8.8.4.4\n    cache 30\n    reload\n}\n",
            Merged(USUAL),
        ),
        (
            "NodeLocal DNS",
            "cluster.local:53 {\n    errors\n    cache {\n        success 9984 30\n        denial 9984 5\n    }\n    reload\n    bind 169.254.20.10 10.96.0.10\n    forward . __PILLAR__CLUSTER__DNS__ {\n        force_tcp\n    }\n}\n.:53 {\n    errors\n    reload\n    bind 169.254.20.10 10.96.0.10\n    forward . __PILLAR__UPSTREAM__SERVERS__\n}\n",
            Merged(USUAL),
        ),
        (
            "another stub domain",
            "consul.local:53 {\n    errors\n    cache 30\n    forward . 10.150.0.1\n}\n.:53 {\n    reload\n}\n",
            Merged(USUAL),
        ),
        (
            "several keys, over lines",
            "one.example:53,\n  two.example:53 {\n    forward . 10.1.1.1\n}\n. {\n    reload\n}\n",
            Merged(USUAL),
        ),
        (
            "the zone above",
            "example.com {\n    forward . 10.1.1.1\n}\n.:53 {\n    reload\n}\n",
            Merged(USUAL),
        ),
        (
            "a name that only ends so",
            "othermesh.example.com {\n    forward . 10.1.1.1\n}\n. {\n  reload\n}\n",
            Merged(USUAL),
        ),
        (
            "another port",
            "mesh.example.com:8053 {\n    forward . 10.1.1.1\n}\n.:53 {\n    reload\n}\n",
            Merged(USUAL),
        ),
        (
            "DNS over TLS",
            "tls://mesh.example.com {\n    tls cert key\n}\n.:53 {\n    reload\n}\n",
            Merged(USUAL),
        ),
        (
            "comments with braces",
            "# { not a block\n.:53 { # } neither\n    errors # {\n    reload\n}\n",
            Merged(USUAL),
        ),
        (
            "quotes with braces and hashes",
            ".:53 {\n    log . \"{remote} # \\\" }\"\n    reload\n}\n",
            Merged(USUAL),
        ),
        (
            "snippets and imports",
            "(common) {\n    errors\n    reload\n}\nimport zones/*\n.:53 {\n    import common\n    reload\n}\n",
            Merged(USUAL),
        ),
        (
            "variables",
            ".:{$PORT} {\n    forward . {$UPSTREAM}\n    reload\n}\n",
            Merged("mesh.example.com:{$PORT} {"),
        ),
        (
            "Windows' line ends",
            ".:53 {\r\n    errors\r\n    reload\r\n}\r\n",
            Merged(USUAL),
        ),
        (
            "a byte order mark",
            "\u{feff}.:53 {\n    reload\n}\n",
            Merged(USUAL),
        ),
        (
            "a brace on the next line",
            ".:53\n{\n    reload\n}\n",
            Merged(USUAL),
        ),
        ("nothing", "", Refused("it has no server block")),
        (
            "a zone in a variable",
            "{$ZONE}:53 {\n    forward . 10.1.1.1\n}\n.:53 {\n    reload\n}\n",
            Refused("line 1: the zone of a server block is a variable"),
        ),
        (
            "a part of the zone forwarded",
            "mesh.example.com {\n    forward a.example 10.0.0.53 [2001:db8::53]:5353\n}\n",
            Refused("line 1: another server block"),
        ),
        (
            "another mesh's",
            "# begin fedmesh other: written by fedmesh, changes are lost\nother.example:53 {\n    errors\n}\n# end fedmesh other\n.:53 {\n    reload\n}\n",
            Merged(USUAL),
        ),
        (
            "the zone, by hand, elsewhere",
            ".:53 {\n    reload\n}\nMesh.Example.COM.:53 {\n    forward . 10.9.9.9\n}\n",
            Refused("line 4: another server block has mesh.example.com"),
        ),
        (
            "the zone among others",
            "a.example mesh.example.com {\n    forward . 10.9.9.9\n}\n",
            Refused("line 1: another server block"),
        ),
        (
            "the zone, by hand, the same",
            ".:53 {\n    reload\n}\ndns://mesh.example.com {\n    forward . [2001:db8::53]:5353 10.0.0.53:53\n}\n",
            Kept,
        ),
        (
            "a brace too few",
            ".:53 {\n    errors\n    health {\n}\n",
            Refused("line 1: a server block has no closing brace"),
        ),
        (
            "a brace too many",
            ".:53 {\n    errors\n}\n}\n",
            Refused("line 4: a server block has no opening brace"),
        ),
        (
            "no braces at all",
            ".:53\nerrors\nforward . 8.8.8.8\n",
            Refused("line 2: a server block has no opening brace"),
        ),
        (
            "a mark without its end",
            "# begin fedmesh demo: written by fedmesh, changes are lost\n.:53 {\n}\n",
            Refused("line 1: the block of fedmesh has no end"),
        ),
        (
            "a mark without its beginning",
            ".:53 {\n}\n# end fedmesh demo\n",
            Refused("line 3: the block of fedmesh ends without a beginning"),
        ),
    ];
    let servers = servers();
    for (name, corefile, becomes) in rows {
        let merged = merge(corefile, stub(&servers));
        match (becomes, merged) {
            (Refused(words), Err(why)) => assert!(why.contains(words), "{name}: {why}"),
            (Kept, Ok(merged)) => assert_eq!(merged.text, *corefile, "{name}"),
            (Merged(first), Ok(merged)) => {
                assert_eq!(merged.text.lines().nth(1), Some(*first), "{name}");
                assert_ne!(merged.text, *corefile, "{name}");
                check_laws(name, corefile, &merged.text);
            }
            (_, merged) => panic!("{name}: {merged:?}"),
        }
    }
}

/// Everything else stays, doing it again changes nothing, and it can be taken out.
fn check_laws(name: &str, corefile: &str, merged: &str) {
    let servers = servers();
    let text = corefile.strip_prefix('\u{feff}').unwrap_or(corefile);
    assert!(merged.ends_with(text), "{name}: the rest is as it was");
    assert_eq!(
        merge(merged, stub(&servers)).unwrap().text,
        merged,
        "{name}: twice"
    );
    assert_eq!(remove(merged, "demo").unwrap(), corefile, "{name}: back");
    let other = vec!["10.7.7.7".to_owned()];
    let changed = merge(merged, stub(&other)).unwrap().text;
    assert!(changed.contains("forward . 10.7.7.7"), "{name}");
    assert_eq!(
        remove(&changed, "demo").unwrap(),
        corefile,
        "{name}: back after a change"
    );
}

#[test]
fn the_block_is_bound_where_the_others_are() {
    let servers = servers();
    let merged = merge(
        ".:53 {\n    bind 169.254.20.10 10.96.0.10\n    reload\n}\n",
        stub(&servers),
    )
    .unwrap();
    assert_eq!(
        merged.text.lines().take(8).collect::<Vec<_>>(),
        [
            "# begin fedmesh demo: written by fedmesh, changes are lost",
            "mesh.example.com:53 {",
            "    errors",
            "    cache 30",
            "    bind 169.254.20.10 10.96.0.10",
            "    forward . 10.0.0.53 [2001:db8::53]:5353",
            "}",
            "# end fedmesh demo",
        ]
    );
    assert!(!merged.needs_restart);
    let imported = merge(
        "(inner) {\n    bind 10.1.1.2\n}\n(common) {\n    import inner\n    reload\n}\n.:53 {\n    import common\n}\n",
        stub(&servers),
    )
    .unwrap();
    assert!(
        imported.text.contains("    bind 10.1.1.2\n    forward"),
        "{}",
        imported.text
    );
    assert!(!imported.needs_restart);
}

#[test]
fn one_block_that_reloads_is_enough() {
    let servers = servers();
    for (corefile, needs_restart) in [
        (".:53 {\n}\n", true),
        (".:53 {\n    reload\n}\n", false),
        (".:53 {\n}\nother.example {\n    reload 30s\n}\n", false),
        // Nobody imports it.
        ("(common) {\n    reload\n}\n.:53 {\n}\n", true),
    ] {
        let merged = merge(corefile, stub(&servers)).unwrap();
        assert_eq!(merged.needs_restart, needs_restart, "{corefile}");
    }
}

/// Server blocks of every shape that CoreDNS reads.
fn corefiles() -> impl Strategy<Value = String> {
    let key = prop::sample::select(vec![
        ".:53",
        ".",
        ":53",
        "a.example",
        "b.example.:1053",
        "dns://c.example",
        "(snippet)",
        "d.example, e.example",
    ]);
    let line = prop::sample::select(vec![
        "errors",
        "reload",
        "log . \"{ # }\"",
        "# comment { }",
        "forward . 10.1.1.1 {\n  max_fails 3\n  }",
        "bind 10.1.1.2",
        "import common",
        "",
        "\t",
    ]);
    let end = prop::sample::select(vec!["\n", "\r\n", "\n\n", "\n# between\n"]);
    let block = (key, prop::collection::vec(line, 0..5), end)
        .prop_map(|(key, lines, end)| format!("{key} {{\n{}\n}}{end}", lines.join("\n")));
    (prop::collection::vec(block, 1..5), prop::bool::ANY).prop_map(|(blocks, cut)| {
        let mut text = blocks.concat();
        if cut {
            text.truncate(text.trim_end().len());
        }
        text
    })
}

proptest! {
    #[test]
    fn whatever_a_corefile_holds_it_comes_back(corefile in corefiles()) {
        let servers = servers();
        let merged = merge(&corefile, stub(&servers)).unwrap();
        check_laws("generated", &corefile, &merged.text);
    }

    #[test]
    fn any_text_is_merged_or_refused(text in "([ \t\r\n{}#\"\\\\.:,a-z]|import|\u{feff}|é){0,80}") {
        let servers = servers();
        if let Ok(merged) = merge(&text, stub(&servers)) {
            let kept = remove(&text, "demo").unwrap();
            prop_assert_eq!(remove(&merged.text, "demo").unwrap(), kept);
            prop_assert_eq!(merge(&merged.text, stub(&servers)).unwrap().text, merged.text);
        }
    }
}
