//! The clusters that answer the calls for one service, as the worker sends them for the map.

use serde::{Deserialize, Serialize};
use shared::resolved::Resolved;
use shared::resolved::published::LevelKind;
use shared::traffic::simulate::rows_of;

use super::simulated::{Cell, Look, outage};

/// The calls of all clusters for the global name of a service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// `<name>.<namespace>`.
    pub service: String,
    /// The global name.
    pub host: String,
    /// How calls travel between clusters: a value of `spec.transport`.
    pub transport: String,
    /// The clusters that run it, in the order of the document.
    pub runs_in: Vec<String>,
    /// The clusters that call it, in the order of the document.
    pub clients: Vec<Client>,
}

/// The calls of one cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Client {
    /// The cluster.
    pub cluster: String,
    /// How the answer is displayed.
    pub look: Look,
    /// The clusters that answer, see [`shared::traffic::simulate::AnswerRow::words`].
    pub words: String,
    /// The clusters that answer.
    pub answered_by: Vec<String>,
}

impl Calls {
    /// The calls for a service during an outage, see [`super::simulated::Simulated::new`]. Nothing for a service that
    /// the document does not have.
    pub fn new(resolved: &Resolved, service: &str, down: &[String]) -> Self {
        let Some(index) = resolved.services.iter().position(|one| one.id() == service) else {
            return Self::default();
        };
        let rows = rows_of(resolved, index, &outage(resolved, down));
        let global = rows
            .iter()
            .filter(|row| row.level == LevelKind::Global.as_str());
        let clients = global.clone().filter_map(|row| {
            let Cell { look, words } = row.into();
            Some(Client {
                cluster: row.client.clone()?,
                look,
                words,
                answered_by: row.answered_by.clone(),
            })
        });
        let of = &resolved.services[index];
        let runs_in = of
            .clusters
            .iter()
            .map(|&one| resolved.clusters[one].name.to_string());
        Self {
            service: service.to_owned(),
            host: global
                .clone()
                .next()
                .map(|row| row.host.clone())
                .unwrap_or_default(),
            transport: of.transport.as_str().to_owned(),
            runs_in: runs_in.collect(),
            clients: clients.collect(),
        }
    }

    /// The calls of a cluster, if it calls the service.
    pub(crate) fn of(&self, cluster: &str) -> Option<&Client> {
        self.clients.iter().find(|client| client.cluster == cluster)
    }
}

#[cfg(test)]
mod tests {
    use shared::Mesh;
    use shared::facts::Facts;

    use super::*;

    #[test]
    fn calls_move_when_a_cluster_is_down() {
        let mesh = Mesh::read(include_str!("../../../examples/walkthrough.yaml")).unwrap();
        let resolved = shared::check(&mesh, &Facts::default()).resolved.unwrap();
        let before = Calls::new(&resolved, "httpbin.default", &[]);
        assert_eq!(before.runs_in, ["cluster1", "cluster2"]);
        assert_eq!(before.transport, "http");
        let answers = |calls: &Calls| -> Vec<(Look, Vec<String>)> {
            let clients = calls.clients.iter();
            clients
                .map(|one| (one.look, one.answered_by.clone()))
                .collect()
        };
        let own = |name: &str| (Look::Same, vec![name.to_owned()]);
        assert_eq!(answers(&before), [own("cluster1"), own("cluster2")]);
        let down = ["service:httpbin.default@cluster1".to_owned()];
        let after = Calls::new(&resolved, "httpbin.default", &down);
        let moved = (Look::Changed, vec!["cluster2".to_owned()]);
        assert_eq!(answers(&after), [moved, own("cluster2")]);
        let json = serde_json::to_string(&after).unwrap();
        assert_eq!(serde_json::from_str::<Calls>(&json).unwrap(), after);
        assert_eq!(
            Calls::new(&resolved, "other.default", &[]),
            Calls::default()
        );
    }
}
