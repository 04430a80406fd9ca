use std::collections::BTreeSet;

use super::{
    GatewayKind, Gateways, Known, LastKnown, Observation, ObservedGateway, Timestamp, publish,
};

const THEN: &str = "2026-05-04T09:12:31Z";
const NOW: &str = "2026-05-05T00:00:00Z";

fn at(text: &str) -> Timestamp {
    Timestamp::new(text).unwrap()
}

/// Notation in tables: `given`, `away`, or an address (`-` for none), with `!` if no pod is ready.
fn observation(text: &str) -> Observation {
    match text {
        "given" => Observation::Given,
        "away" => Observation::Unknown("no answer".to_owned()),
        _ => {
            let address = text.trim_end_matches('!');
            let addresses = if address == "-" {
                vec![]
            } else {
                vec![address.to_owned()]
            };
            Observation::Found {
                addresses,
                is_ready: text.ends_with('!').then_some(false),
            }
        }
    }
}

fn observed(kind: GatewayKind, observations: &str) -> Vec<ObservedGateway> {
    let names = ["a", "b", "c"].into_iter();
    names
        .zip(observations.split(' '))
        .map(|(cluster, text)| ObservedGateway {
            cluster: cluster.to_owned(),
            kind,
            observation: observation(text),
        })
        .collect()
}

/// `-` for a gateway that had no address, `?` for one that was never seen.
fn last_known(addresses: &str) -> LastKnown {
    let names = ["a", "b", "c"].into_iter();
    let known = names
        .zip(addresses.split(' '))
        .filter(|(_, text)| *text != "?");
    LastKnown {
        recorded: Some(at(THEN)),
        gateways: known
            .map(|(name, text)| {
                let addresses = if text == "-" {
                    vec![]
                } else {
                    vec![text.to_owned()]
                };
                (name.to_owned(), Known::new(addresses, &at(THEN)))
            })
            .collect(),
        ..LastKnown::default()
    }
}

/// The published addresses: `-` for none, `?` if they are unknown or the document's.
fn texts(gateways: &Gateways) -> String {
    let all: Vec<&str> = gateways
        .0
        .iter()
        .map(|gateway| match gateway.publication.addresses() {
            None => "?",
            Some([]) => "-",
            Some(addresses) => addresses[0].as_str(),
        })
        .collect();
    all.join(" ")
}

fn check(observations: &str, known: &str, withdrawn: &str, expected: &str) -> Gateways {
    let withdrawn: BTreeSet<String> = withdrawn.split_whitespace().map(str::to_owned).collect();
    let observed = observed(GatewayKind::Ingress, observations);
    let gateways = publish(&observed, &last_known(known), &withdrawn, &at(NOW));
    assert_eq!(
        texts(&gateways),
        expected,
        "{observations} after {known} without {withdrawn:?}"
    );
    gateways
}

#[test]
fn publication_of_addresses() {
    for (observations, known, expected) in [
        // Observed addresses are published, whatever was known.
        ("1.1.1.1 2.2.2.2", "? ?", "1.1.1.1 2.2.2.2"),
        ("1.1.1.1 2.2.2.2", "9.9.9.9 -", "1.1.1.1 2.2.2.2"),
        // A cluster that cannot be queried keeps its last known state, including a missing address.
        ("1.1.1.1 away", "1.1.1.1 2.2.2.2", "1.1.1.1 2.2.2.2"),
        ("1.1.1.1 away", "1.1.1.1 -", "1.1.1.1 -"),
        ("1.1.1.1 away", "1.1.1.1 ?", "1.1.1.1 ?"),
        ("away away", "1.1.1.1 2.2.2.2", "1.1.1.1 2.2.2.2"),
        ("given away", "? 2.2.2.2", "? 2.2.2.2"),
        // One of several that loses its address is withdrawn.
        ("1.1.1.1 -", "1.1.1.1 2.2.2.2", "1.1.1.1 -"),
        ("away -", "1.1.1.1 2.2.2.2", "1.1.1.1 -"),
        ("given -", "? 2.2.2.2", "? -"),
        // If all lose them, or the last one does, they stay.
        ("- -", "1.1.1.1 2.2.2.2", "1.1.1.1 2.2.2.2"),
        ("- -", "- 2.2.2.2", "- 2.2.2.2"),
        ("- away", "1.1.1.1 -", "1.1.1.1 -"),
        ("- away", "1.1.1.1 ?", "1.1.1.1 ?"),
        ("- -", "? ?", "- -"),
        // Unready pods withdraw an address, unless all are unready.
        ("1.1.1.1! 2.2.2.2", "1.1.1.1 2.2.2.2", "- 2.2.2.2"),
        ("1.1.1.1! given", "1.1.1.1 ?", "- ?"),
        ("1.1.1.1! away", "1.1.1.1 2.2.2.2", "- 2.2.2.2"),
        ("1.1.1.1! away", "? ?", "- ?"),
        ("1.1.1.1! 2.2.2.2!", "? ?", "1.1.1.1 2.2.2.2"),
        // The last ready one loses its address.
        ("1.1.1.1! -", "- 2.2.2.2", "- 2.2.2.2"),
    ] {
        check(observations, known, "", expected);
    }
}

#[test]
fn only_last_known_addresses_are_withdrawn() {
    for (observations, known, withdrawn, expected) in [
        ("1.1.1.1 away", "1.1.1.1 2.2.2.2", "b", "1.1.1.1 -"),
        ("1.1.1.1 away", "1.1.1.1 2.2.2.2", "a", "1.1.1.1 2.2.2.2"),
        ("1.1.1.1 away", "1.1.1.1 ?", "b", "1.1.1.1 -"),
        ("- -", "1.1.1.1 2.2.2.2", "a", "- 2.2.2.2"),
        ("- -", "1.1.1.1 2.2.2.2", "a b", "- -"),
        ("away away", "1.1.1.1 2.2.2.2", "a b", "- -"),
    ] {
        let gateways = check(observations, known, withdrawn, expected);
        // The record keeps the result.
        let next = publish(
            &observed(GatewayKind::Ingress, observations),
            &gateways.to_record(&at(NOW)),
            &BTreeSet::new(),
            &at(NOW),
        );
        assert_eq!(texts(&next), expected, "{observations} again");
    }
}

#[test]
fn published_addresses_are_recorded_with_their_time() {
    let gateways = check(
        "1.1.1.1 away 3.3.3.3!",
        "1.1.1.1 2.2.2.2 3.3.3.3",
        "",
        "1.1.1.1 2.2.2.2 -",
    );
    let record = gateways.to_record(&at(NOW));
    assert_eq!(record.recorded, Some(at(NOW)));
    let known = |text: &str, time: &str| Known::new(vec![text.to_owned()], &at(time));
    assert_eq!(record.gateways["a"], known("1.1.1.1", NOW));
    assert_eq!(record.gateways["b"], known("2.2.2.2", THEN));
    assert_eq!(record.gateways["c"], Known::new(vec![], &at(NOW)));

    // A cluster that left the document is dropped, and one that was never observed has no entry.
    let gateways = check("away", "? 2.2.2.2", "", "?");
    assert!(gateways.to_record(&at(NOW)).is_empty());
    let gateways = check("given", "? ?", "", "?");
    assert!(gateways.to_record(&at(NOW)).is_empty());
}

#[test]
fn gateways_of_one_kind_decide_nothing_about_the_other() {
    let mut all = observed(GatewayKind::Ingress, "1.1.1.1 2.2.2.2");
    all.extend(observed(GatewayKind::EastWest, "- 4.4.4.4!"));
    let mut known = last_known("- -");
    known.east_west_gateways = last_known("3.3.3.3 4.4.4.4").gateways;
    let gateways = publish(&all, &known, &BTreeSet::new(), &at(NOW));
    assert_eq!(texts(&gateways), "1.1.1.1 2.2.2.2 3.3.3.3 4.4.4.4");
    let facts = gateways.facts();
    assert_eq!(facts.gateways["a"], ["1.1.1.1"]);
    assert_eq!(facts.east_west_gateways["a"], ["3.3.3.3"]);
}

#[test]
fn only_last_known_addresses_are_uncertain() {
    for (observations, known, is_uncertain) in [
        ("1.1.1.1 2.2.2.2", "? ?", false),
        ("1.1.1.1 -", "? ?", false),
        ("1.1.1.1! 2.2.2.2!", "? ?", false),
        ("given given", "? ?", false),
        ("1.1.1.1 away", "? ?", true),
        ("1.1.1.1 away", "? 2.2.2.2", true),
        ("- -", "? ?", true),
        ("- 2.2.2.2!", "? ?", true),
    ] {
        let observed = observed(GatewayKind::Ingress, observations);
        let gateways = publish(&observed, &last_known(known), &BTreeSet::new(), &at(NOW));
        assert_eq!(gateways.are_uncertain(), is_uncertain, "{observations}");
    }
}
