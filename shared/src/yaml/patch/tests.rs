use proptest::prelude::*;
use serde_json::{Value, json};

fn check(text: &str, change: impl FnOnce(&mut Value), expected: &str) {
    let old: Value = crate::yaml::from_str(text).unwrap();
    let mut new = old.clone();
    change(&mut new);
    let patched = super::patch(text, &old, &new).unwrap();
    assert_eq!(patched, expected);
    let back: Value = crate::yaml::from_str(&patched).unwrap();
    assert_eq!(back, new);
}

const TEXT: &str = "\
# The mesh of the shop.
version: v1   # the format

spec:
  # How names end.
  dns: {suffix: a.b, ttl: 5} # one line
  gateway:

  clusters:
  # In the north.
  - name: c1 # first
    zone: 'z1'
    # of c1
  # In the south.
  -
    name: c2
    zone: \"z2\"
  list: [a, b]
# the end
";

#[test]
fn scalars_keep_their_quotes_and_comments() {
    check(
        TEXT,
        |new| {
            new["version"] = json!("v2");
            new["spec"]["dns"]["ttl"] = json!(60);
            new["spec"]["clusters"][0]["zone"] = json!("it's");
            new["spec"]["clusters"][1]["zone"] = json!("no \"quotes\"");
            new["spec"]["gateway"] = json!("found");
        },
        &TEXT
            .replace("v1 ", "v2 ")
            .replace("ttl: 5", "ttl: 60")
            .replace("'z1'", "'it''s'")
            .replace("\"z2\"", r#""no \"quotes\"""#)
            .replace("gateway:", "gateway: found"),
    );
}

#[test]
fn new_fields_follow_the_one_before() {
    check(
        TEXT,
        |new| {
            new["spec"]["clusters"][0] =
                json!({ "name": "c1", "region": "r", "zone": "z1", "labels": { "a": "b" } });
            new["spec"]["clusters"][1]["zones"] = json!(["x", "w"]);
            new["spec"]["dns"] = json!({ "suffix": "a.b", "levels": ["global"], "ttl": 5 });
        },
        &TEXT
            .replace("suffix: a.b,", "suffix: a.b, levels: [global],")
            .replace("# first\n", "# first\n    region: r\n")
            .replace("# of c1\n", "# of c1\n    labels:\n      a: b\n")
            .replace("\"z2\"\n", "\"z2\"\n    zones:\n    - x\n    - w\n"),
    );
}

#[test]
fn items_move_with_their_comments() {
    check(
        TEXT,
        |new| {
            let clusters = new["spec"]["clusters"].as_array_mut().unwrap();
            clusters.swap(0, 1);
            clusters[1]["zone"] = json!("z3");
            clusters.insert(1, json!({ "name": "c3" }));
            new["spec"]["list"] = json!(["b", "c", "a"]);
        },
        "\
# The mesh of the shop.
version: v1   # the format

spec:
  # How names end.
  dns: {suffix: a.b, ttl: 5} # one line
  gateway:

  clusters:
  # In the south.
  -
    name: c2
    zone: \"z2\"
  - name: c3
  # In the north.
  - name: c1 # first
    zone: 'z3'
    # of c1
  list: [b, c, a]
# the end
",
    );
}

#[test]
fn a_removed_piece_takes_its_comments() {
    check(
        TEXT,
        |new| {
            new["spec"]["clusters"].as_array_mut().unwrap().remove(0);
            new["spec"]["dns"]
                .as_object_mut()
                .unwrap()
                .shift_remove("ttl");
            new["spec"].as_object_mut().unwrap().shift_remove("list");
        },
        "\
# The mesh of the shop.
version: v1   # the format

spec:
  # How names end.
  dns: {suffix: a.b} # one line
  gateway:

  clusters:
  # In the south.
  -
    name: c2
    zone: \"z2\"
# the end
",
    );
}

#[test]
fn a_value_of_another_kind_is_written_anew() {
    check(
        TEXT,
        |new| {
            new["version"] = json!({ "a": [1], "b": {} });
            new["spec"]["dns"] = json!("none");
            new["spec"]["clusters"] = json!([]);
            new["spec"]["list"] = json!([{ "a": "x, y" }]);
        },
        "\
# The mesh of the shop.
version: # the format
  a:
  - 1
  b: {}

spec:
  # How names end.
  dns: none # one line
  gateway:

  clusters: []
  list: [{a: \"x, y\"}]
# the end
",
    );
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (0..300).prop_map(Value::from),
        "[ a-z:#'\"\\-,{\\[*&!|>%@]{0,6}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("[a-e]|x\\.y/z|name", inner, 0..5)
                .prop_map(|fields| fields.into_iter().collect::<Value>()),
        ]
    })
}

/// A block with a comment above or behind some of its lines.
fn with_comments(block: &str, choices: &[u8]) -> (String, usize) {
    let mut text = String::new();
    let mut count = 0;
    for (line, choice) in block.lines().zip(choices.iter().cycle()) {
        let indent = &line[..line.len() - line.trim_start().len()];
        if choice % 4 == 1 {
            text.extend([indent, "# c", &count.to_string(), "!\n"]);
            count += 1;
        }
        if choice % 8 == 2 {
            text.push('\n');
        }
        text.push_str(line);
        if choice % 4 == 3 {
            text.extend(["  # c", &count.to_string(), "!"]);
            count += 1;
        }
        text.push('\n');
    }
    (text, count)
}

/// The paths of all values inside.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                pointers(field, &format!("{at}/{}", name.replace('/', "~1")), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointers(item, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

/// Changes a value somewhere; `false` if something was removed, with its comments.
fn mutate(value: &mut Value, (which, at, new): (u8, usize, Value)) -> bool {
    let mut all = Vec::new();
    pointers(value, "", &mut all);
    let target = value.pointer_mut(&all[at % all.len()]).unwrap();
    match target {
        Value::Object(fields) => {
            if which == 0 && fields.len() > 1 {
                let name = fields.keys().nth(at % fields.len()).unwrap().clone();
                fields.shift_remove(&name);
                return false;
            }
            if !fields.is_empty() {
                fields.shift_insert(at % fields.len(), format!("n{which}"), new);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let index = at % items.len();
            match which {
                0 if items.len() > 1 => {
                    items.remove(index);
                    return false;
                }
                1 => items.rotate_left(index),
                _ => items.insert(index, new),
            }
        }
        scalar => {
            if !new.is_object() && !new.is_array() && !scalar.is_array() && !scalar.is_object() {
                *scalar = new;
            }
        }
    }
    true
}

proptest! {
    #[test]
    fn any_text_is_patched_or_refused(
        lines in prop::collection::vec("[ \\-]{0,4}[ab:?]{0,3}[ a-c:\\-{}\\[\\],#'\"&*|>!\t]{0,12}", 0..8),
        changes in prop::collection::vec((0..4u8, any::<usize>(), any_value()), 1..4),
    ) {
        let text = lines.join("\n");
        let Ok(old) = crate::yaml::from_str::<Value>(&text) else {
            return Ok(());
        };
        let mut new = old.clone();
        for change in changes {
            mutate(&mut new, change);
        }
        // Some cannot be patched; `Mesh::write_value` reads the result again.
        _ = super::patch(&text, &old, &new);
    }

    #[test]
    fn any_change_keeps_comments_and_gives_the_value(
        fields in prop::collection::btree_map("[a-e]", any_value(), 1..5),
        comments in prop::collection::vec(any::<u8>(), 1..20),
        changes in prop::collection::vec((0..4u8, any::<usize>(), any_value()), 1..4),
    ) {
        let old: Value = fields.into_iter().collect();
        let (text, count) = with_comments(&crate::yaml::to_string(&old).unwrap(), &comments);
        let read: Value = crate::yaml::from_str(&text).unwrap();
        prop_assert_eq!(&read, &old, "{}", text);
        let mut new = old.clone();
        // After several changes, an item without a name may be taken for another one.
        let mut keeps_all = true;
        for (index, change) in changes.into_iter().enumerate() {
            keeps_all &= mutate(&mut new, change) && index == 0;
            let patched = super::patch(&text, &old, &new).unwrap();
            let back: Value = crate::yaml::from_str(&patched)
                .unwrap_or_else(|error| panic!("{error:?}\n{text}\n{new}\n{patched}"));
            prop_assert_eq!(&back, &new, "{}\n{}", text, patched);
            for number in 0..count {
                let times = patched.matches(&format!("# c{number}!")).count();
                prop_assert!(times <= 1, "{}: {} times\n{}\n{}", number, times, text, patched);
                prop_assert!(!keeps_all || times == 1, "{} lost\n{}\n{}\n{}", number, text, new, patched);
            }
        }
    }
}
