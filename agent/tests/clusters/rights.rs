//! Users with the ClusterRole that is printed, and with less.

use std::time::Duration;

use fedmesh_agent::follow::{FollowOptions, follow};
use fedmesh_agent::lock::LockOptions;
use fedmesh_agent::operation::Planned;
use fedmesh_agent::stop::Stop;
use serde_json::{Value, json};
use shared::access::{self, Command, Need, Needs, denials};
use shared::api::Intent;
use shared::mesh::{Mesh, Target};
use tokio::sync::mpsc::unbounded_channel;

use crate::fixture::{
    CLUSTERS, EAST, Fixture, LoneBed, WEST, blocked, document, make_namespace, shared_bed, steps,
};
use crate::restricted::{Restricted, printed_rules};

/// With ExternalDNS: an account, a role that grants rights, a definition and a namespace.
fn with_external_dns(mesh: &Mesh) -> Mesh {
    let mut json = serde_json::to_value(mesh).unwrap();
    let name = &mesh.metadata.name;
    json["spec"]["dns"]["externalDns"] =
        json!({ "provider": "google", "ownerId": name, "namespace": format!("{name}-dns") });
    Mesh::read(&json.to_string()).unwrap()
}

/// A user of both clusters with exactly the role that is printed for a command.
fn user_of(fixture: &Fixture<'_>, command: Command) -> Restricted {
    let user = format!("{}-{}", fixture.name, command.as_str());
    let rules =
        CLUSTERS.map(|(_, context)| (context, printed_rules(&fixture.mesh, context, command)));
    Restricted::with_rules(fixture, &user, &rules)
}

async fn apply(user: &Restricted, fixture: &Fixture<'_>) {
    let planned = user.plan(fixture, Intent::Apply).await;
    let report = user.carry_out(fixture, planned).await;
    assert!(report.is_success(), "{report:#?}");
    let again = user.plan(fixture, Intent::Apply).await;
    assert!(!again.plan.has_changes(), "{:#?}", again.plan);
}

async fn remove(user: &Restricted, fixture: &Fixture<'_>) {
    let planned = user.plan(fixture, Intent::Remove).await;
    let report = user.carry_out(fixture, planned).await;
    assert!(report.is_success(), "{report:#?}");
    for (_, context) in CLUSTERS {
        assert_eq!(fixture.ours(context), [].into());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_role_is_enough() {
    let lone = LoneBed::take().await;
    let mut fixture = Fixture::new(lone.bed(), "exact");
    fixture.mesh = with_external_dns(&document(
        "exact",
        &["orders", "stock", "till", "web", "log"],
    ));
    let user = user_of(&fixture, Command::Apply);
    apply(&user, &fixture).await;
    // Others, and fewer.
    fixture.mesh = with_external_dns(&document("exact", &["orders", "stock", "other"]));
    let planned = user.plan(&fixture, Intent::Apply).await;
    let changes = steps(&planned.plan, "sunrise");
    for change in [
        "create VirtualService exact/other",
        "delete VirtualService exact/till",
    ] {
        assert!(changes.contains(&change.to_owned()), "{changes:#?}");
    }
    apply(&user, &fixture).await;

    // Who may only read sees what is there, and is told what an apply would take.
    let reader = user_of(&fixture, Command::Status);
    fixture.mesh.spec.services.pop();
    let planned = reader.plan_until(&fixture, Intent::Apply, |planned| {
        !planned.plan.clusters[1].steps.is_empty()
    });
    let planned = planned.await;
    let denied = planned.plan.clusters[1].error.as_deref().unwrap();
    assert!(
        denied.contains(
            "cannot create, delete, patch virtualservices.networking.istio.io in namespaces exact, istio-system"
        ),
        "{denied}"
    );
    let changes = steps(&planned.plan, "sunrise");
    assert!(
        changes.contains(&"delete VirtualService exact/other".to_owned()),
        "{changes:#?}"
    );
    let status = reader
        .operations()
        .status(&fixture.mesh, Intent::Apply, &fixture.decisions);
    let (status, _) = status.await.unwrap();
    assert!(
        status
            .clusters
            .iter()
            .all(|cluster| cluster.error.is_none()),
        "{status:#?}"
    );
    let before = fixture.ours(EAST);
    blocked(planned);
    let removal = reader.operations().plan(&fixture.mesh, Intent::Remove);
    let removal = removal.await.unwrap();
    let denied = removal.plan.clusters[0].error.as_deref().unwrap();
    for words in [
        "cannot delete secrets \"fedmesh-exact\" in namespace istio-system",
        "cannot delete virtualservices.networking.istio.io in namespaces exact, istio-system",
        "cannot patch namespaces \"exact-dns\"",
        "`fedmesh-agent access -f MESH --command remove --cluster sunset`",
    ] {
        assert!(denied.contains(words), "{words}: {denied}");
    }
    blocked(removal);
    assert_eq!(fixture.ours(EAST), before);

    remove(&user, &fixture).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_role_is_enough_on_a_hub() {
    let lone = LoneBed::take().await;
    let mut fixture = Fixture::new(lone.bed(), "hubbed");
    make_namespace(lone.bed(), WEST, "federation-system");
    fixture.mesh.spec.target = Some(Target::KubefedV1alpha1);
    let user = user_of(&fixture, Command::Apply);
    apply(&user, &fixture).await;
    remove(&user, &fixture).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_printed_role_of_follow_writes_the_records() {
    let fixture = Fixture::new(shared_bed(), "followed");
    fixture.apply().await;
    let records = || -> Vec<String> {
        let ours = fixture.ours(WEST).into_keys();
        ours.filter(|name| name.starts_with("DNSEndpoint "))
            .collect()
    };
    let before = records();
    assert!(!before.is_empty());
    let all = "--selector=fedmesh.dev/mesh=followed";
    fixture.kubectl(WEST, &["delete", "dnsendpoints", "-n=istio-system", all]);
    assert_eq!(records(), [""; 0]);
    let user = user_of(&fixture, Command::Follow);
    let options = FollowOptions {
        debounce: Duration::ZERO,
        once: true,
        lock: LockOptions::default(),
    };
    let (events, _receiver) = unbounded_channel();
    let mut tries = 0;
    // The server learns of the role a little later.
    while let Err(error) = follow(
        user.operations(),
        &fixture.mesh,
        options,
        &Stop::never(),
        &events,
    )
    .await
    {
        tries += 1;
        assert!(tries < 50, "{error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(records(), before);
    fixture.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn identities_are_compared_under_the_printed_role_and_otherwise_it_says_so() {
    let fixture = Fixture::new(shared_bed(), "unidentified");
    fixture.apply().await;
    let not_compared = |planned: &Planned| {
        let findings = planned.findings.iter();
        findings.filter(|one| one.code == "FM0810").count()
    };
    let user = user_of(&fixture, Command::Apply);
    let planned = user.plan(&fixture, Intent::Apply).await;
    assert_eq!(not_compared(&planned), 0, "{:#?}", planned.findings);

    let rules = CLUSTERS.map(|(_, context)| {
        let mut rules = printed_rules(&fixture.mesh, context, Command::Apply);
        let names = rules
            .iter_mut()
            .filter_map(|rule| rule["resourceNames"].as_array_mut());
        for names in names {
            names.retain(|name| name != "kube-system");
        }
        // Without a name it would grant all of them.
        rules.retain(|rule| rule["resourceNames"] != json!([]));
        (context, rules)
    });
    let blind = Restricted::with_rules(&fixture, "unidentified-blind", &rules);
    let planned = blind.plan(&fixture, Intent::Apply).await;
    assert_eq!(
        not_compared(&planned),
        CLUSTERS.len(),
        "{:#?}",
        planned.findings
    );
    fixture.remove().await;
}

/// Whether a rule grants a permission.
fn grants(rule: &Value, permission: &access::Permission) -> bool {
    let has = |field: &str, text: &str| {
        let all = rule[field].as_array().unwrap();
        all.iter().any(|one| one == text)
    };
    let name = permission.name.as_deref();
    has("apiGroups", &permission.group)
        && has("resources", &permission.resource)
        && has("verbs", &permission.verb)
        && (rule["resourceNames"].is_null() || name.is_some_and(|name| has("resourceNames", name)))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_rule_the_plan_says_so() {
    let lone = LoneBed::take().await;
    let mut fixture = Fixture::new(lone.bed(), "minus");
    fixture.mesh = with_external_dns(&fixture.mesh);
    let (resolved, desired) = access::render(&fixture.mesh).unwrap();
    let objects = desired.of(resolved.clusters[0].name.as_str());
    let needs = Needs::new(&fixture.mesh, &resolved, &objects, 0, Command::Apply);
    let rules = printed_rules(&fixture.mesh, WEST, Command::Apply);
    assert!(rules.len() > 12, "{rules:#?}");
    let users: Vec<Restricted> = (0..rules.len())
        .map(|without| {
            let mut rules = rules.clone();
            rules.remove(without);
            let user = format!("minus-{without}");
            Restricted::with_rules(&fixture, &user, &[(WEST, rules)])
        })
        .collect();
    for (rule, user) in rules.iter().zip(users) {
        let needed = needs.iter().filter(|(_, need)| *need != Need::Optional);
        let denied: Vec<_> = needed
            .map(|(permission, _)| permission)
            .filter(|permission| grants(rule, permission))
            .collect();
        let expected = denials(denied.iter().copied());
        let planned = user.plan_until(&fixture, Intent::Apply, |planned| {
            let error = planned.plan.clusters[0].error.as_deref();
            match (denied.is_empty(), error) {
                (true, error) => error.is_none(),
                (false, Some(error)) => error.contains(&format!(": {expected}; ask for")),
                (false, None) => false,
            }
        });
        let planned = planned.await;
        if !denied.is_empty() {
            blocked(planned);
            for (_, context) in CLUSTERS {
                assert_eq!(fixture.ours(context), [].into(), "{expected}");
            }
        }
    }
}
