//! Stub domains in the ConfigMaps of clusters' own DNS.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};
use shared::cluster_dns::{Edit, NAMESPACE, Observed, Refusal, StubDomain, forwarding, key};
use shared::mesh::DnsFlavour;

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

#[expect(
    clippy::needless_pass_by_value,
    reason = "the data are written where it is called"
)]
fn map(name: &str, data: Value) -> (String, Value) {
    (
        name.to_owned(),
        json!({ "metadata": { "name": name, "resourceVersion": "7" }, "data": data }),
    )
}

type Result_ = Vec<Result<Edit, Refusal>>;

/// The edits of a DNS with the usual names.
fn edits(
    seen: &BTreeMap<String, Value>,
    flavour: Option<DnsFlavour>,
    mesh: &str,
    stub: Option<StubDomain<'_>>,
) -> Result_ {
    let maps = seen.iter();
    let dns = Observed {
        found: None,
        maps: maps
            .map(|(name, map)| (key(NAMESPACE, name), map.clone()))
            .collect(),
    };
    forwarding(&dns, flavour, mesh, stub).edits
}

fn of(result: &Result_, name: &str) -> Edit {
    let mut edits = result.iter().flatten();
    let found = edits.find(|edit| edit.config_map.name == name);
    found
        .unwrap_or_else(|| panic!("{name}: {result:?}"))
        .clone()
}

/// The ConfigMaps after the edits.
fn done(seen: &BTreeMap<String, Value>, result: &Result_) -> BTreeMap<String, Value> {
    let mut after = seen.clone();
    for edit in result.iter().flatten().filter(|edit| !edit.is_done()) {
        let mut object = edit.object();
        // As the server does with what a merge patch sets to null.
        if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
            annotations.retain(|_, value| !value.is_null());
        }
        after.insert(edit.config_map.name.clone(), object);
    }
    after
}

const COREFILE: &str = ".:53 {\n    reload\n}\n";
const WITH_ADDITIONS: &str = ".:53 {\n    reload\n}\nimport custom/*.server\n";

#[test]
fn each_kind_of_dns_is_told_once_and_forgets_again() {
    let servers = servers();
    let stub_domains = json!({ "stubDomains": "{\"a.example\": [\"10.1.1.1\"]}" });
    for (flavour, seen, expected) in [
        (
            None,
            vec![map("coredns", json!({ "Corefile": COREFILE }))],
            vec!["coredns"],
        ),
        (
            None,
            vec![
                map("coredns", json!({ "Corefile": WITH_ADDITIONS })),
                map("coredns-custom", json!({ "a.server": "a.example {\n}\n" })),
            ],
            vec!["coredns-custom"],
        ),
        (
            None,
            vec![map("coredns", json!({ "Corefile": WITH_ADDITIONS }))],
            vec!["coredns-custom"],
        ),
        (
            None,
            vec![
                map("coredns", json!({ "Corefile": COREFILE })),
                map("node-local-dns", json!({ "Corefile": COREFILE })),
                map("kube-dns", stub_domains.clone()),
            ],
            vec!["coredns", "node-local-dns"],
        ),
        (
            None,
            vec![
                map("kube-dns", stub_domains.clone()),
                map("node-local-dns", json!({ "Corefile": COREFILE })),
            ],
            vec!["kube-dns"],
        ),
        (None, vec![map("kube-dns", Value::Null)], vec!["kube-dns"]),
        (
            Some(DnsFlavour::None),
            vec![map("coredns", json!({ "Corefile": COREFILE }))],
            vec![],
        ),
        (None, vec![], vec![]),
    ] {
        let seen: BTreeMap<String, Value> = seen.into_iter().collect();
        let result = edits(&seen, flavour, "demo", Some(stub(&servers)));
        let changed: Vec<&str> = result
            .iter()
            .map(|edit| edit.as_ref().unwrap())
            .filter(|edit| !edit.is_done())
            .map(|edit| edit.config_map.name.as_str())
            .collect();
        assert_eq!(changed, expected, "{seen:#?}");
        let after = done(&seen, &result);
        let again = edits(&after, flavour, "demo", Some(stub(&servers)));
        assert!(again.iter().flatten().all(Edit::is_done), "{again:#?}");
        let removal = edits(&after, None, "demo", None);
        for (name, map) in done(&after, &removal) {
            let before = seen.get(&name).map_or(json!({}), |map| map["data"].clone());
            // Without any data at all, or with none: to the server it is one.
            let before = if before.is_null() { json!({}) } else { before };
            assert_eq!(map["data"], before, "{name}");
        }
        assert!(
            edits(&seen, flavour, "demo", None).is_empty(),
            "nothing of ours is there"
        );
    }
}

#[test]
fn what_others_made_stays_theirs() {
    let servers = vec!["10.0.0.53".to_owned()];
    let theirs = json!({ "stubDomains": "{\"mesh.example.com\": [\"10.0.0.53\"]}" });
    let seen: BTreeMap<String, Value> = [map("kube-dns", theirs)].into();
    let result = edits(&seen, None, "demo", Some(stub(&servers)));
    assert!(of(&result, "kube-dns").is_done(), "{result:?}");
    assert!(edits(&done(&seen, &result), None, "demo", None).is_empty());

    let other = json!({ "stubDomains": "{\"mesh.example.com\": [\"10.9.9.9\"]}" });
    let seen: BTreeMap<String, Value> = [map("kube-dns", other)].into();
    let result = edits(&seen, None, "demo", Some(stub(&servers)));
    assert!(
        result[0]
            .as_ref()
            .unwrap_err()
            .why
            .contains("already has mesh.example.com"),
        "{result:?}"
    );

    let corefile = WITH_ADDITIONS;
    for (text, fine) in [
        ("mesh.example.com {\n    forward . 10.0.0.53\n}\n", true),
        ("mesh.example.com {\n    forward . 10.9.9.9\n}\n", false),
    ] {
        let seen: BTreeMap<String, Value> = [
            map("coredns", json!({ "Corefile": corefile })),
            map("coredns-custom", json!({ "by-hand.server": text })),
        ]
        .into();
        let result = edits(&seen, None, "demo", Some(stub(&servers)));
        match &result[..] {
            [Ok(edit)] => assert!(fine && edit.is_done(), "{edit:?}"),
            [Err(refusal)] => assert!(
                !fine && refusal.why.contains("by-hand.server: line 1"),
                "{refusal:?}"
            ),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn an_edit_is_of_the_very_object_that_was_seen() {
    let servers = servers();
    let seen: BTreeMap<String, Value> = [map(
        "coredns",
        json!({ "Corefile": COREFILE, "other": "kept" }),
    )]
    .into();
    let edit = of(&edits(&seen, None, "demo", Some(stub(&servers))), "coredns");
    let patch = edit.patch().unwrap();
    assert_eq!(patch["metadata"]["resourceVersion"], "7");
    assert_eq!(patch["data"]["other"], "kept");
    assert_eq!(edit.object()["metadata"]["name"], "coredns");
}

#[test]
fn a_change_is_readable_whatever_blanks_there_are() {
    let servers = vec!["10.0.0.53".to_owned()];
    let corefile = ".:53 {  \n\terrors\n\n    reload\n}";
    let seen: BTreeMap<String, Value> = [
        map("coredns", json!({ "Corefile": corefile })),
        map(
            "kube-dns",
            json!({ "upstreamNameservers": "[]", "stubDomains": "{\n  \"a\": []\n}" }),
        ),
    ]
    .into();
    let diff = |flavour, name| {
        let result = edits(&seen, Some(flavour), "demo", Some(stub(&servers)));
        of(&result, name).diff()
    };
    assert_eq!(
        diff(DnsFlavour::CoreDns, "coredns"),
        "@@ -1,4 +1,11 @@
 data.Corefile:
+  # begin fedmesh demo: written by fedmesh, changes are lost
+  mesh.example.com:53 {
+      errors
+      cache 30
+      forward . 10.0.0.53
+  }
+  # end fedmesh demo
   .:53 {\x20\x20
   \terrors
  \x20
"
    );
    assert_eq!(
        diff(DnsFlavour::KubeDns, "kube-dns"),
        "@@ -2,5 +2,8 @@
   []
 data.stubDomains:
   {
+    \"mesh.example.com\": [\"10.0.0.53\"],
     \"a\": []
   }
+annotations.stub-domain.fedmesh.dev/demo:
+  mesh.example.com
"
    );
}

#[test]
fn a_restart_is_needed_in_both_directions() {
    let servers = servers();
    for (corefile, needs_restart) in [(".:53 {\n    errors\n}\n", true), (COREFILE, false)] {
        for name in ["coredns", "coredns-custom"] {
            let import = if name == "coredns" {
                ""
            } else {
                "import custom/*.server\n"
            };
            let main = format!("{corefile}{import}");
            let seen: BTreeMap<String, Value> =
                [map("coredns", json!({ "Corefile": main }))].into();
            let result = edits(&seen, None, "demo", Some(stub(&servers)));
            let restarts = needs_restart.then(|| "deployment/coredns".to_owned());
            assert_eq!(of(&result, name).restarts, restarts, "{main}");
            let removal = of(&edits(&done(&seen, &result), None, "demo", None), name);
            assert!(!removal.is_done());
            assert_eq!(removal.restarts, restarts, "removed: {main}");
        }
    }
}

#[test]
fn additions_are_read_before_one_is_made() {
    let servers = servers();
    let ours = |corefile: &str, key: &str, text: &str| {
        let seen: BTreeMap<String, Value> = [
            map("coredns", json!({ "Corefile": corefile })),
            map("coredns-custom", json!({ key: text })),
        ]
        .into();
        let mut result = edits(&seen, None, "demo", Some(stub(&servers)));
        result.pop().unwrap().map(|edit| {
            edit.object()["data"]["fedmesh-demo.server"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
    };
    for (key, text, why) in [
        (
            "a.server",
            "a.example {\n    errors\n",
            "a.server: line 1: a server block has no closing brace",
        ),
        (
            "a.server",
            "{$ZONE} {\n    errors\n}\n",
            "a.server: line 1: the zone of a server block is a variable",
        ),
        (
            "a.server",
            "MESH.example.com. {\n}\n",
            "a.server: line 1: another server block",
        ),
    ] {
        let refusal = ours(WITH_ADDITIONS, key, text).unwrap_err();
        assert!(refusal.why.contains(why), "{refusal:?}");
    }
    for (key, text) in [
        ("a.server", ""),
        ("a.server", "(common) {\n    errors\n}\n"),
        // For the block of the Corefile, and none of its own.
        ("a.override", "forward . 10.1.1.1 {\n"),
        ("notes", "{"),
    ] {
        let block = ours(WITH_ADDITIONS, key, text).unwrap();
        assert!(block.contains("mesh.example.com:53 {"), "{key}: {block}");
        assert!(!block.contains("bind"), "{block}");
    }
    // A block that is not bound where the others are would not be asked.
    let bound =
        ".:5353 {\n    bind 169.254.20.10 10.96.0.10\n    reload\n}\nimport custom/*.server\n";
    let block = ours(bound, "a.server", "").unwrap();
    assert!(block.contains("mesh.example.com:5353 {"), "{block}");
    assert!(
        block.contains("    bind 169.254.20.10 10.96.0.10\n"),
        "{block}"
    );
}

/// An import that comes later makes the additions the place, in one go.
#[test]
fn a_block_moves_from_the_corefile_to_its_additions() {
    let servers = servers();
    let seen: BTreeMap<String, Value> = [map("coredns", json!({ "Corefile": COREFILE }))].into();
    let mut after = done(&seen, &edits(&seen, None, "demo", Some(stub(&servers))));
    let corefile = after["coredns"]["data"]["Corefile"].as_str().unwrap();
    let corefile = format!("{corefile}import custom/*.server\n");
    after.get_mut("coredns").unwrap()["data"]["Corefile"] = corefile.into();
    let after = done(&after, &edits(&after, None, "demo", Some(stub(&servers))));
    assert_eq!(after["coredns"]["data"]["Corefile"], WITH_ADDITIONS);
    assert!(after["coredns-custom"]["data"]["fedmesh-demo.server"].is_string());
    let again = edits(&after, None, "demo", Some(stub(&servers)));
    assert!(again.iter().flatten().all(Edit::is_done), "{again:#?}");
}

/// kube-dns's `stubDomains`; `None` where the field is not there.
fn stub_domains(text: Option<&str>) -> BTreeMap<String, Value> {
    let data = text.map_or(
        json!({ "other": "kept" }),
        |text| json!({ "other": "kept", "stubDomains": text }),
    );
    [map("kube-dns", data)].into()
}

/// What our entry makes of `stubDomains`; all else stays, it is made once, and goes without a trace.
fn with_entry(text: Option<&str>) -> String {
    let servers = servers();
    let seen = stub_domains(text);
    let after = done(&seen, &edits(&seen, None, "demo", Some(stub(&servers))));
    let again = edits(&after, None, "demo", Some(stub(&servers)));
    assert!(of(&again, "kube-dns").is_done(), "{text:?}: {again:?}");
    // By way of other name servers, and of another zone.
    let other = vec!["10.7.7.7".to_owned()];
    let changed = done(&after, &edits(&after, None, "demo", Some(stub(&other))));
    let elsewhere = StubDomain {
        suffix: "other.example.com",
        ..stub(&other)
    };
    let moved = done(&changed, &edits(&changed, None, "demo", Some(elsewhere)));
    let field = |maps: &BTreeMap<String, Value>| maps["kube-dns"]["data"]["stubDomains"].clone();
    assert!(
        field(&moved)
            .as_str()
            .unwrap()
            .contains("other.example.com")
    );
    for there in [&after, &changed, &moved] {
        let left = done(there, &edits(there, None, "demo", None));
        assert_eq!(
            left["kube-dns"]["data"], seen["kube-dns"]["data"],
            "{text:?}"
        );
        assert_eq!(left["kube-dns"]["metadata"]["annotations"], json!({}));
    }
    field(&after).as_str().unwrap().to_owned()
}

#[test]
fn stub_domains_are_edited_in_place() {
    let entry = r#""mesh.example.com": ["10.0.0.53","[2001:db8::53]:5353"]"#;
    for (before, after) in [
        (None, format!("{{{entry}}}")),
        (Some(""), format!("{{{entry}}}")),
        (Some(" \n"), format!("{{{entry}}}")),
        (Some("{}"), format!("{{{entry}}}")),
        (Some("{ \n}\n"), format!("{{{entry} \n}}\n")),
        (
            Some(r#"{"z.example":["10.1.1.1"],"a.example":[]}"#),
            format!(r#"{{{entry},"z.example":["10.1.1.1"],"a.example":[]}}"#),
        ),
        (
            Some(
                "{\n  \"z.example\" : [ \"10.1.1.1\",\n \"::1\" ] ,\n  \"a\\u002eexample\": []\n}\n",
            ),
            format!(
                "{{\n  {entry},\n  \"z.example\" : [ \"10.1.1.1\",\n \"::1\" ] ,\n  \"a\\u002eexample\": []\n}}\n"
            ),
        ),
    ] {
        assert_eq!(with_entry(before), after);
    }
}

#[test]
fn an_entry_goes_wherever_it_stands() {
    let servers = servers();
    let seen = stub_domains(None);
    let mut there = done(&seen, &edits(&seen, None, "demo", Some(stub(&servers))));
    for (now, left) in [
        (
            r#"{ "mesh.example.com": [], "b": [1, {"}": "]"}] }"#,
            Some(r#"{ "b": [1, {"}": "]"}] }"#),
        ),
        (
            r#"{ "a": [], "mesh.example.com": [], "b": [] }"#,
            Some(r#"{ "a": [], "b": [] }"#),
        ),
        (
            r#"{ "a": [] , "mesh.example.com": [] }"#,
            Some(r#"{ "a": [] }"#),
        ),
        // Taken out by hand, or written anew in other letters: that is theirs.
        (r#"{ "a": [] }"#, Some(r#"{ "a": [] }"#)),
        (
            r#"{ "Mesh.Example.Com": [] }"#,
            Some(r#"{ "Mesh.Example.Com": [] }"#),
        ),
        (r#"{"mesh.example.com": ["10.7.7.7"]}"#, None),
    ] {
        there.get_mut("kube-dns").unwrap()["data"]["stubDomains"] = now.into();
        let after = done(&there, &edits(&there, None, "demo", None));
        let data = &after["kube-dns"]["data"];
        assert_eq!(data["stubDomains"].as_str(), left, "{now}");
    }
    there.get_mut("kube-dns").unwrap()["data"]["stubDomains"] = "[]".into();
    let refused = edits(&there, None, "demo", None);
    let why = &refused[0].as_ref().unwrap_err().why;
    assert!(why.contains("stubDomains is not a JSON object"), "{why}");
}

#[test]
fn zones_are_compared_as_dns_does() {
    let servers = servers();
    let theirs = r#"{"Mesh.Example.COM.": ["[2001:db8::53]:5353", "10.0.0.53:53"]}"#;
    let seen = stub_domains(Some(theirs));
    let result = edits(&seen, None, "demo", Some(stub(&servers)));
    assert!(of(&result, "kube-dns").is_done(), "{result:?}");
    let seen = stub_domains(Some(r#"{"mesh.example.com.": ["10.9.9.9"]}"#));
    let refused = edits(&seen, None, "demo", Some(stub(&servers)));
    let why = &refused[0].as_ref().unwrap_err().why;
    assert!(why.contains("already has mesh.example.com."), "{why}");
}

#[test]
fn the_annotation_takes_the_longest_name_of_a_mesh() {
    let servers = servers();
    let name = "m".repeat(shared::kubernetes::ownership::MESH_NAME_MAX);
    let longest = StubDomain {
        mesh: &name,
        ..stub(&servers)
    };
    let result = edits(&stub_domains(None), None, &name, Some(longest));
    let edit = of(&result, "kube-dns");
    let annotations = edit.after["metadata"]["annotations"].as_object().unwrap();
    let (prefix, rest) = annotations.keys().next().unwrap().split_once('/').unwrap();
    // What API servers take.
    assert!(rest.len() <= 63 && prefix.len() <= 253, "{rest}");
}

proptest! {
    #[test]
    fn whatever_stub_domains_hold_it_comes_back(
        entries in prop::collection::btree_map("[a-d\\\\\"é{}]{0,4}", prop::collection::vec("[0-9.\"{}\\\\,]{0,5}", 0..3), 0..4),
        pretty in prop::bool::ANY,
    ) {
        let text = if pretty {
            serde_json::to_string_pretty(&entries).unwrap()
        } else {
            serde_json::to_string(&entries).unwrap()
        };
        let after: BTreeMap<String, Vec<String>> = serde_json::from_str(&with_entry(Some(&text))).unwrap();
        let mut expected = entries;
        expected.insert("mesh.example.com".to_owned(), servers());
        prop_assert_eq!(after, expected);
    }
}
