//! The responses of the worker, as the page reads them.

use frontend::workers::rendering::Manifests;
use frontend::workers::search::Search;
use serde::de::DeserializeOwned;
use shared::bundle::Bundle as All;

use super::*;

fn walkthrough() -> Mesh {
    Mesh::read(include_str!("../../../../examples/walkthrough.yaml")).unwrap()
}

/// The response as the page reads it.
fn ask<T: DeserializeOwned>(form: Form, mesh: &Mesh) -> Result<T, String> {
    ask_of(&mut on(mesh), form)
}

fn on(mesh: &Mesh) -> Work {
    Work {
        document: serde_json::to_value(mesh).unwrap(),
        ..Work::default()
    }
}

/// One part at a time.
fn ask_of<T: DeserializeOwned>(work: &mut Work, form: Form) -> Result<T, String> {
    let json = serde_json::to_string(&work.answer(form, &|| false)).unwrap();
    serde_json::from_str::<Result<T, String>>(&json).unwrap()
}

/// Renders part by part, as the page asks for it.
fn render(work: &mut Work, path: &str) -> (Vec<Option<String>>, Manifests) {
    let mut texts = Vec::new();
    loop {
        let step: Rendering = ask_of(work, Form::Render(Some(path.to_owned()))).unwrap();
        texts.push(step.file.map(|file| file.text));
        assert_eq!(step.done == step.total, step.manifests.is_some());
        if let Some(manifests) = step.manifests {
            return (texts, manifests);
        }
    }
}

#[test]
fn responses_contain_the_bundle() {
    for example in [
        include_str!("../../../../examples/walkthrough.yaml"),
        include_str!("../../../../examples/regional.yaml"),
    ] {
        let mut mesh = Mesh::read(example).unwrap();
        for target in shared::mesh::Target::all() {
            mesh.spec.target = Some(target);
            let Some(resolved) = shared::check(&mesh, &Facts::default()).resolved else {
                continue;
            };
            let bundle = All::new(&mesh, &resolved);
            assert_eq!(ask(Form::Stream, &mesh), Ok(bundle.to_stream()));
            assert_eq!(ask(Form::Document, &mesh), Ok(mesh.to_yaml()));
            let mut work = on(&mesh);
            let (_, manifests) = render(&mut work, MESH_FILE);
            assert_eq!(manifests.digest, bundle.digest);
            let files = manifests.clusters.iter().flat_map(|cluster| &cluster.files);
            let files = manifests.common.iter().chain(files);
            assert!(files.eq(bundle.files().skip(1).map(|(path, _)| path)));
            for (path, text) in bundle.files() {
                let file: FileText = ask_of(&mut work, Form::Text(path.to_owned())).unwrap();
                assert_eq!(file.text, text);
            }
            assert_eq!(
                work.answer(Form::Zip, &|| false),
                Ok(Response::Archive(bundle.to_zip().unwrap()))
            );
        }
    }
}

#[test]
fn the_file_that_is_looked_at_is_rendered_first() {
    let mesh = walkthrough();
    let mut work = on(&mesh);
    let path = "cluster1/60-httpbin.default.yaml";
    let (texts, _) = render(&mut work, path);
    let before = texts.iter().flatten().next().unwrap().clone();
    assert!(texts[0].is_none(), "its part is not known");
    for is_chosen in [false, true] {
        if is_chosen {
            let file: FileText = ask_of(&mut work, Form::Text(path.to_owned())).unwrap();
            assert!(file.text.contains("other.zone"));
        }
        work.document["spec"]["dns"]["suffix"] = "other.zone".into();
        work.bundle = None;
        let first: Rendering = ask_of(&mut work, Form::Render(Some(path.to_owned()))).unwrap();
        let expected = before.replace("my.dns.zone.name", "other.zone");
        let text = first.file.map(|file| file.text);
        assert_eq!(text, Some(expected), "chosen: {is_chosen}");
        assert_eq!(first.done, 1);
        render(&mut work, path);
    }
}

fn search(text: &str, part: Option<&str>) -> Search {
    Search {
        text: text.to_owned(),
        part: part.map(str::to_owned),
    }
}

fn paths(found: &Found) -> Vec<&str> {
    found.files.iter().map(|file| file.path.as_str()).collect()
}

#[test]
fn files_are_found_by_path_text_and_origin() {
    let mut work = on(&walkthrough());
    render(&mut work, MESH_FILE);
    let mut find = |search: Search| {
        // One file at a time, as a slow browser would.
        let mut found = Found::default();
        let mut from = 0;
        loop {
            found.add(ask_of(&mut work, Form::Search(search.clone(), from)).unwrap());
            match found.next {
                None => return found,
                Some(next) => from = next,
            }
        }
    };
    let gateways = find(search("40-GATEWAYS", None));
    let expected = ["cluster1/40-gateways.yaml", "cluster2/40-gateways.yaml"];
    assert_eq!(paths(&gateways), expected);
    assert!(gateways.is_whole && gateways.files.iter().all(|file| file.lines == 0));

    let suffix = find(search("suffix: my.dns.zone.name", None));
    assert_eq!(paths(&suffix), [MESH_FILE]);
    assert_eq!(suffix.files[0].lines, 1);

    let service = find(search("", Some("spec.services[0]")));
    let expected = [
        "cluster1/60-httpbin.default.yaml",
        "cluster2/60-httpbin.default.yaml",
    ];
    assert_eq!(paths(&service), expected);
    let both = find(search("cluster2/", Some("spec.services[0]")));
    assert_eq!(paths(&both), expected[1..]);
    // Of a part that has others in it.
    let dns = find(search("kind: Deployment", Some("spec.dns")));
    assert_eq!(paths(&dns), ["cluster1/50-external-dns.yaml"]);
    assert_eq!(find(search("no such text", None)).files, []);
    assert_eq!(find(search("", Some("spec.services[1]"))).files, []);
}

#[test]
fn a_bundle_that_is_not_whole_is_searched_as_far_as_it_is_rendered() {
    let mut work = on(&walkthrough());
    let first: Rendering = ask_of(&mut work, Form::Render(None)).unwrap();
    assert!(first.manifests.is_none());
    let all = |work: &mut Work| match work.answer(Form::Search(search("demo", None), 0), &|| true) {
        Ok(Response::Found(found)) => found,
        other => panic!("{other:?}"),
    };
    let found = all(&mut work);
    assert!(!found.is_whole && found.next.is_none());
    assert!(paths(&found).contains(&MESH_FILE));
    assert!(!paths(&found).contains(&"cluster2/60-httpbin.default.yaml"));
    render(&mut work, MESH_FILE);
    let found = all(&mut work);
    assert!(found.is_whole);
    assert!(paths(&found).contains(&"cluster2/60-httpbin.default.yaml"));
}

#[test]
fn a_bundle_is_compared_with_that_of_an_earlier_document() {
    let mut work = on(&walkthrough());
    let nothing = ask_of::<Comparing>(&mut work, Form::Compare(None));
    assert_eq!(nothing.unwrap_err(), NOT_COMPARED);
    let before = Arc::new(work.document.clone());
    work.document["spec"]["dns"]["ttl"] = 60.into();
    let mut form = Form::Compare(Some(before));
    let mut last = 0;
    let changes = loop {
        let step: Comparing = ask_of(&mut work, form).unwrap();
        assert!(step.done > last && step.done <= step.total);
        assert_eq!(step.done == step.total, step.changes.is_some());
        last = step.done;
        form = Form::Compare(None);
        if let Some(changes) = step.changes {
            break changes;
        }
    };
    assert_eq!(changes.groups[0].files[0].path, MESH_FILE);
    let diff: String = ask_of(&mut work, Form::Diff(MESH_FILE.to_owned())).unwrap();
    assert!(diff.contains("+    ttl: 60"), "{diff}");
    let since = Form::PullRequest("the download of today".to_owned());
    let text: String = ask_of(&mut work, since).unwrap();
    assert!(text.contains(&diff), "{text}");
}

#[test]
fn commands_are_for_the_archive() {
    let mut work = on(&walkthrough());
    let commands: Commands = ask_of(&mut work, Form::Commands("demo.zip".to_owned())).unwrap();
    assert_eq!(commands.steps.len(), 4);
    assert_eq!(commands.steps[2].title, "cluster1");
}

#[test]
fn the_outage_is_part_of_the_request() {
    let mesh = walkthrough();
    let resolved = shared::check(&mesh, &Facts::default()).resolved.unwrap();
    let down = vec!["service:httpbin.default@cluster1".to_owned()];
    let simulated = Simulated::new(&resolved, &down);
    assert_eq!(ask(Form::Simulated(down), &mesh), Ok(simulated.clone()));
    assert_ne!(simulated, Simulated::new(&resolved, &[]));
}

#[test]
fn a_document_with_errors_is_not_rendered() {
    let mut mesh = walkthrough();
    mesh.spec.dns.suffix.clear();
    for form in [
        Form::Names,
        Form::Render(None),
        Form::Stream,
        Form::Simulated(Vec::new()),
    ] {
        let error = ask::<Manifests>(form, &mesh).unwrap_err();
        assert_eq!(error, "the document has errors");
    }
    assert_eq!(
        on(&mesh).answer(Form::Zip, &|| false),
        Err("the document has errors".to_owned())
    );
    assert_eq!(ask(Form::Document, &mesh), Ok(mesh.to_yaml()));
    let checks: Checks = ask(Form::Checks, &mesh).unwrap();
    assert!(checks.services.is_none() && !checks.findings.is_empty());
}
