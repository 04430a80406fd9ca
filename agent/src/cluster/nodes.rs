//! The regions and zones of nodes.

use std::collections::{BTreeMap, BTreeSet};

use kube::api::ListParams;
use serde::Deserialize;
use shared::traffic::nodes::{REGION_LABEL, ZONE_LABEL};

use super::connection::Connection;
use super::list::List;
use super::request::Request;
use super::request_error::RequestError;

const PATH: &str = "/api/v1/nodes";
/// Enough nodes to name the zones that the document lacks.
const NODES: u32 = 50;

#[derive(Deserialize)]
struct Labelled {
    metadata: Labels,
}

#[derive(Deserialize)]
struct Labels {
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

/// The region of the nodes, if all agree, and their zones, ascending.
pub(super) async fn locality(
    connection: &Connection,
) -> Result<(Option<String>, Vec<String>), RequestError> {
    let mut regions = BTreeSet::new();
    let mut zones = BTreeSet::new();
    let list = List {
        path: PATH.to_owned(),
        label_selector: String::new(),
        metadata_only: true,
    };
    list.read(connection, |node| {
        let mut labels = serde_json::from_str::<Labelled>(node)?.metadata.labels;
        regions.extend(labels.remove(REGION_LABEL));
        zones.extend(labels.remove(ZONE_LABEL));
        Ok(())
    })
    .await?;
    Ok((only(regions), zones.into_iter().collect()))
}

/// The places of nodes that match one of the selectors, as `region/zone`: of the first ones, since a cluster may have
/// thousands.
pub(crate) async fn places(
    connection: &Connection,
    selectors: &[String],
) -> Result<BTreeSet<String>, RequestError> {
    let mut places = BTreeSet::new();
    for selector in selectors {
        let params = ListParams::default().labels(selector).limit(NODES);
        let nodes = connection.json(&Request::list(PATH, &params)).await?;
        for node in nodes["items"].as_array().into_iter().flatten() {
            let labels = &node["metadata"]["labels"];
            let label = |name: &str| labels[name].as_str().unwrap_or("?");
            places.insert(format!("{}/{}", label(REGION_LABEL), label(ZONE_LABEL)));
        }
    }
    Ok(places)
}

fn only(mut values: BTreeSet<String>) -> Option<String> {
    if values.len() == 1 {
        values.pop_first()
    } else {
        None
    }
}
