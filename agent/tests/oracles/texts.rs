//! What kubectl reads of YAML that we wrote: exactly the JSON that was meant.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value, json};
use shared::bundle::document;
use shared::kubernetes::object::{Kind, Object};
use testbed::{Options, Testbed};

use crate::runs::generated;
use crate::say;

/// What a YAML 1.1 reader takes for a boolean, a number, a date, nothing, or a part of YAML itself.
const TRAPS: &[&str] = &[
    "",
    "~",
    "null",
    "Null",
    "NULL",
    "y",
    "Y",
    "n",
    "N",
    "yes",
    "Yes",
    "YES",
    "no",
    "No",
    "on",
    "On",
    "OFF",
    "off",
    "true",
    "True",
    "FALSE",
    "0",
    "1",
    "-1",
    "+1",
    "0x1f",
    "0X1F",
    "0o17",
    "0744",
    "09",
    "0b11",
    "1_000",
    "1e3",
    "1E+3",
    "1.",
    ".5",
    "-.5",
    ".inf",
    "-.INF",
    "+.inf",
    ".nan",
    ".NaN",
    "12:30:45",
    "190:20:30",
    "1:20",
    "2026-01-02",
    "2026-01-02T03:04:05Z",
    "2026-1-2 3:4:5",
    "-",
    "--",
    "---",
    "--- a",
    "...",
    "- a",
    "-a",
    "a: b",
    "a:",
    ":",
    ": a",
    "a #b",
    "#a",
    "&a",
    "*a",
    "!a",
    "!!str a",
    "|",
    "|-",
    ">",
    ">-",
    "%a",
    "@a",
    "`a",
    "'a",
    "'a'",
    "\"a",
    "\"a\"",
    "{a}",
    "{}",
    "[a]",
    "[]",
    ",a",
    "?",
    "? a",
    "=",
    "<<",
    "\\",
    "\\n",
    "\\x41",
    "a\\",
    " ",
    " a",
    "a ",
    "\t",
    "\ta",
    "a\t",
    "a\tb",
    "a\nb",
    "a\n",
    "a\n\n",
    "\na",
    "\n",
    "\r",
    "a\r\nb",
    " a\n  b\n",
    "a\n b",
    "a: b\nc: d\n",
    "# a\nb",
    "---\na",
    "a\n---\nb",
    "a\n...\n",
    "\u{0}",
    "\u{1}",
    "\u{7}",
    "\u{8}",
    "\u{1b}",
    "\u{1f}",
    "\u{7f}",
    "\u{80}",
    "\u{85}",
    "\u{9f}",
    "\u{a0}",
    "\u{ad}",
    "\u{200b}",
    "\u{2028}",
    "\u{2029}",
    "\u{202e}",
    "\u{e000}",
    "\u{fdd0}",
    "\u{feff}",
    "a\u{feff}",
    "\u{fffd}",
    "\u{fffe}",
    "\u{ffff}",
    "ä",
    "e\u{301}",
    "😀",
    "\u{1f469}\u{200d}\u{1f680}",
    "\u{10ffff}",
];

/// Texts of all kinds, long ones and those with several lines too.
fn texts() -> BoxedStrategy<String> {
    let any = "(?s).{0,40}";
    let plain = r"[ -~]{0,60}";
    let trap = select(TRAPS.to_vec()).prop_map(str::to_owned);
    let line = prop_oneof![
        trap.clone(),
        Just(String::new()),
        plain.boxed(),
        " {1,4}[a-z#:-]{1,8} {0,2}".boxed()
    ];
    let lines = vec(line, 1..8).prop_map(|lines| lines.join("\n"));
    let long = (plain, 1..200_usize).prop_map(|(text, times)| text.repeat(times));
    prop_oneof![3 => trap, 3 => any, 2 => plain, 3 => lines, 1 => long, 1 => "[0-9a-fxo_.:eE+-]{1,10}"].boxed()
}

fn config_map(name: usize, data: &Value, annotations: &Value) -> Object {
    let object = Object::new(
        Kind {
            kind: "ConfigMap".into(),
            plural: "configmaps".into(),
            ..Kind::SERVICE_ACCOUNT
        },
        Some("texts"),
        format!("texts-{name}"),
        json!({ "data": data }),
    );
    Object {
        annotations: serde_json::from_value(annotations.clone()).unwrap(),
        ..object
    }
}

#[test]
fn kubectl_reads_what_was_meant() {
    let mut objects = vec![config_map(
        0,
        &TRAPS
            .iter()
            .enumerate()
            .map(|(index, text)| (format!("k{index}"), json!(text)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        &json!({}),
    )];
    // Keys may be traps as well: `no`, `1e3`, `0x1f`.
    let key = || {
        prop_oneof![
            "[a-zA-Z0-9._-]{1,12}",
            select(vec!["no", "Yes", "1e3", "0x1f", "1_0", ".5", "-"]).prop_map(str::to_owned)
        ]
    };
    let maps = (
        btree_map(key(), texts(), 1..12),
        btree_map(r"example\.com/[a-z]{1,8}", texts(), 0..4),
    );
    for (data, annotations) in generated(&maps, 400, 4000) {
        objects.push(config_map(objects.len(), &json!(data), &json!(annotations)));
    }
    let bed = Testbed::start(Options {
        crds: Vec::new(),
        ..Options::with_clusters(1)
    })
    .unwrap();
    let documents: Vec<String> = objects.iter().map(document).collect();
    let read = bed
        .kubectl_with_input(
            "cluster1",
            &[
                "create",
                "--dry-run=client",
                "--validate=false",
                "-o",
                "json",
                "-f",
                "-",
            ],
            &documents.join("---\n"),
        )
        .unwrap();
    let read: Vec<Value> = serde_json::Deserializer::from_str(&read)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    let read: Vec<Value> = match read.as_slice() {
        [list] if list["kind"] == "List" => list["items"].as_array().unwrap().clone(),
        _ => read,
    };
    assert_eq!(read.len(), objects.len());
    let mut texts = 0;
    for (read, object) in read.iter().zip(&objects) {
        let meant = object.to_json();
        for (field, value) in [
            ("data", &meant["data"]),
            ("annotations", &meant["metadata"]["annotations"]),
        ] {
            let read = if field == "data" {
                &read["data"]
            } else {
                &read["metadata"]["annotations"]
            };
            for (key, text) in value.as_object().into_iter().flatten() {
                texts += 1;
                assert_eq!(read[key], *text, "{key}\n{}", document(object));
            }
            let count = |value: &Value| value.as_object().map_or(0, serde_json::Map::len);
            assert_eq!(count(read), count(value), "{}", document(object));
        }
    }
    say(&format!(
        "{texts} texts in {} objects read as they were meant",
        objects.len()
    ));
}
