//! Reviews whether the user of a context has the permissions that a command needs, before anything is changed.
//!
//! It sends SelfSubjectAccessReviews (`authorization.k8s.io/v1`), which every user may create by default. A review that
//! fails denies nothing: the server refuses the actual request instead.

use std::collections::BTreeSet;

use futures::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use shared::access::{Command, Need, Needs, Permission, denials, to_carry_out};
use shared::kubernetes::object::Object;
use shared::plan::ObservedCluster;

use super::connection::{Connection, RetryPolicy};
use super::request::Request;
use shared::text::shell;

/// Reviews in one cluster at once.
const AT_ONCE: usize = 16;
const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

type NeedsOf = dyn Fn(usize, &[Object]) -> Needs + Send + Sync;

/// A command whose permissions are reviewed.
pub(crate) struct Review {
    command: Command,
    /// By the index of the cluster and the objects for it. Computed only for users who are not administrators.
    needs: Box<NeedsOf>,
}

impl Review {
    pub(crate) fn new(
        command: Command,
        needs: impl Fn(usize, &[Object]) -> Needs + Send + Sync + 'static,
    ) -> Self {
        let needs = Box::new(needs);
        Self { command, needs }
    }
}

/// Denied permissions of a user in one cluster; `None` for administrators and where no review was made.
pub(crate) struct Rights(Option<Limited>);

/// The permissions of a user who is not an administrator.
struct Limited {
    connection: Connection,
    cluster: String,
    command: Command,
    needs: Needs,
    denied: BTreeSet<Permission>,
}

/// Reviews the permissions in one cluster.
pub(crate) async fn rights(
    connection: &Connection,
    review: Option<&Review>,
    cluster: &str,
    index: usize,
    objects: &[Object],
) -> Rights {
    let Some(review) = review else {
        return Rights(None);
    };
    // A slow review must not delay the plan: the requests of the plan report denials too.
    let connection = connection.clone().with_retry_policy(RetryPolicy::PROBE);
    if allows(&connection, &Permission::everything()).await != Some(false) {
        return Rights(None);
    }
    let needs = (review.needs)(index, objects);
    let asked = needs.iter().filter(|(_, need)| *need != Need::Optional);
    let asked = asked.map(|(permission, _)| permission.clone()).collect();
    let denied = denied(&connection, asked).await;
    Rights(Some(Limited {
        connection,
        cluster: cluster.to_owned(),
        command: review.command,
        needs,
        denied,
    }))
}

impl Rights {
    /// The error lists all denied permissions if the command requires one of them in any case.
    pub(crate) fn expect_always(&self) -> Result<(), String> {
        let Some(limited) = &self.0 else {
            return Ok(());
        };
        let mut always = limited.needs.iter();
        if always.any(|(one, need)| need == Need::Always && limited.denied.contains(one)) {
            return Err(limited.text(&limited.denied));
        }
        Ok(())
    }

    /// Adds all denied permissions to an error.
    pub(crate) fn beside(&self, error: String) -> String {
        match &self.0 {
            Some(limited) if !limited.denied.is_empty() => {
                format!("{error}; {}", limited.text(&limited.denied))
            }
            _ => error,
        }
    }

    /// All denied permissions, if carrying out the plan requires one of them.
    pub(crate) async fn denied(
        &self,
        mesh: &str,
        objects: &[Object],
        temporary: &[Object],
        observed: &ObservedCluster,
    ) -> Option<String> {
        let limited = self.0.as_ref()?;
        if !limited.command.carries_out() {
            return None;
        }
        let needed = to_carry_out(mesh, objects, temporary, observed).into_iter();
        let (known, unknown): (BTreeSet<_>, BTreeSet<_>) =
            needed.partition(|one| limited.needs.contains(one));
        let unknown = denied(&limited.connection, unknown).await;
        if unknown.is_empty() && known.is_disjoint(&limited.denied) {
            return None;
        }
        Some(limited.text(&(&limited.denied | &unknown)))
    }
}

impl Limited {
    fn text(&self, denied: &BTreeSet<Permission>) -> String {
        let context = self.connection.context();
        let denials = denials(denied);
        if !denied.iter().all(|one| self.needs.contains(one)) {
            // An earlier document created objects of other kinds, so the role for this one is not enough.
            return format!(
                "context {context}: {denials}; ask for a role that allows it, or use another context"
            );
        }
        let command = match self.command {
            Command::Apply => String::new(),
            other => format!(" --command {}", other.as_str()),
        };
        format!(
            "context {context}: {denials}; ask for the ClusterRole that `fedmesh-agent access -f MESH{command} \
             --cluster {}` prints, or use another context",
            shell::word(&self.cluster)
        )
    }
}

/// The denied permissions. Namespaces are reviewed only if the permission is denied for all of them.
async fn denied(
    connection: &Connection,
    permissions: BTreeSet<Permission>,
) -> BTreeSet<Permission> {
    let (wide, narrow): (BTreeSet<_>, BTreeSet<_>) = permissions
        .into_iter()
        .partition(|one| one.namespace.is_none());
    let unnamed = narrow.iter().filter(|one| one.name.is_none());
    let mut asked = wide.clone();
    asked.extend(unnamed.map(Permission::everywhere));
    let wide_denied = known_denied(connection, asked).await;
    let narrow = narrow
        .into_iter()
        .filter(|one| one.name.is_some() || wide_denied.contains(&one.everywhere()));
    let mut denied = known_denied(connection, narrow.collect()).await;
    denied.extend(wide.intersection(&wide_denied).cloned());
    denied
}

async fn known_denied(
    connection: &Connection,
    permissions: BTreeSet<Permission>,
) -> BTreeSet<Permission> {
    let reviews = permissions.into_iter().map(|one| async move {
        let allowed = allows(connection, &one).await;
        (allowed == Some(false)).then_some(one)
    });
    stream::iter(reviews)
        .buffer_unordered(AT_ONCE)
        .filter_map(std::future::ready)
        .collect()
        .await
}

/// `None` if the review fails.
async fn allows(connection: &Connection, permission: &Permission) -> Option<bool> {
    let request = Request::create(REVIEWS, &review(permission));
    match connection.json(&request).await {
        Ok(answer) => answer["status"]["allowed"].as_bool(),
        Err(error) => {
            tracing::debug!(context = connection.context(), %error, "cannot review permissions");
            None
        }
    }
}

fn review(permission: &Permission) -> Value {
    let (resource, subresource) = permission
        .resource
        .split_once('/')
        .unwrap_or((&permission.resource, ""));
    json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": {
            "group": permission.group,
            "resource": resource,
            "subresource": subresource,
            "verb": permission.verb,
            "namespace": permission.namespace.as_deref().unwrap_or_default(),
            "name": permission.name.as_deref().unwrap_or_default(),
        }},
    })
}
