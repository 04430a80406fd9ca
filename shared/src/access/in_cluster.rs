//! Permissions of each command in one cluster.

use std::collections::BTreeSet;

use super::objects::{
    CONFIG_MAPS, CREATE, ENDPOINT_SLICES, NODES, identity, record, record_and_lease, removal,
    removal_of_record, write,
};
use super::{Command, Need, Needs, Permission};
use crate::cluster_dns;
use crate::defaults::{DEFAULT_GATEWAY_SERVICE, ISTIO_NAMESPACE, MESH_ROOT_CONFIG_MAP};
use crate::gateways::kind::GatewayKind;
use crate::kubernetes::object::{Kind, Object};
use crate::kubernetes::ownership::PARENT_NAMESPACE;
use crate::mesh::{self, Endpoints, Spec, Transport};
use crate::plan::gateway_updates;
use crate::plan::handover;
use crate::render::render_gateway_api;
use crate::resolved::{Cluster, Gateway, Resolved, Service};

/// A cluster of a document, and the objects rendered for it.
pub(super) struct InCluster<'a> {
    pub(super) spec: &'a Spec,
    pub(super) written: &'a mesh::Cluster,
    pub(super) resolved: &'a Resolved,
    pub(super) cluster: &'a Cluster,
    pub(super) mesh: &'a str,
    pub(super) objects: &'a [Object],
}

impl InCluster<'_> {
    /// Adds the permissions of a command.
    pub(super) fn command(&self, command: Command, needs: &mut Needs) {
        if self.resolved.target.is_applied_by_others() && command.is_left_to_others() {
            return;
        }
        match command {
            Command::Status | Command::Plan => self.observe(needs),
            Command::Apply => self.apply(needs),
            Command::Remove => self.remove(needs),
            Command::Follow => self.follow(needs),
            Command::Verify => {
                self.observe(needs);
                self.verify(needs);
            }
            Command::Serve => {
                for command in [Command::Apply, Command::Remove, Command::Verify] {
                    self.command(command, needs);
                }
                let gateway = Permission::of_kind(&Kind::SERVICE, "get");
                let gateway = gateway.within(Some(ISTIO_NAMESPACE));
                needs.add(Need::Optional, gateway.named(DEFAULT_GATEWAY_SERVICE));
            }
        }
    }

    fn observe(&self, needs: &mut Needs) {
        needs.add(Need::Optional, identity());
        needs.add(Need::Always, record(self.mesh, "get"));
        if !self.objects.is_empty() {
            let root = Permission::of_kind(&Kind::NAMESPACE, "get").named(PARENT_NAMESPACE);
            needs.add(Need::Sometimes, root);
        }
        for kind in self.kinds() {
            needs.add(Need::Always, Permission::of_kind(kind, "list"));
        }
        for object in self.objects {
            let (kind, namespace) = (&object.kind, object.namespace.as_deref());
            let get = Permission::of_object(kind, namespace, &object.name, "get");
            needs.add(Need::Sometimes, get);
        }
        for gateway in self.asked_gateways() {
            read_gateway(gateway, &["get"], Need::Optional, needs);
        }
        self.read_cluster_dns(needs);
        needs.add(Need::Optional, Permission::new("", NODES, "list"));
    }

    fn apply(&self, needs: &mut Needs) {
        self.observe(needs);
        for gateway in self.asked_gateways() {
            // Without its addresses, the existing records would be deleted.
            read_gateway(gateway, &["get"], Need::Always, needs);
        }
        for object in self.objects {
            needs.all(Need::Sometimes, write(object, &["patch", CREATE]));
            let (kind, namespace) = (&object.kind, object.namespace.as_deref());
            needs.all(Need::Sometimes, removal(kind, namespace, &object.name));
        }
        if self.resolved.target.is_applied_to_each_cluster() && !self.objects.is_empty() {
            let kind = handover::kind(self.resolved);
            for verb in ["patch", CREATE, "get", "delete"] {
                let route = Permission::of_kind(&kind, verb).within(Some(ISTIO_NAMESPACE));
                needs.add(Need::Sometimes, route);
            }
        }
        let forwards = self.has_private_zone();
        if forwards {
            change_config_maps(needs);
            needs.add(Need::Optional, config_map(CREATE));
        }
        if forwards || !self.objects.is_empty() {
            needs.all(Need::Sometimes, record_and_lease(self.mesh));
            needs.add(Need::Sometimes, record(self.mesh, "delete"));
        }
    }

    fn remove(&self, needs: &mut Needs) {
        needs.add(Need::Optional, identity());
        needs.add(Need::Always, record(self.mesh, "get"));
        needs.all(Need::Sometimes, removal_of_record(self.mesh));
        for kind in self.kinds() {
            needs.add(Need::Sometimes, Permission::of_kind(kind, "list"));
        }
        for object in self.objects {
            let (kind, namespace) = (&object.kind, object.namespace.as_deref());
            needs.all(Need::Sometimes, removal(kind, namespace, &object.name));
            if is_left_without_effect(kind) {
                let patch = Permission::of_object(kind, namespace, &object.name, "patch");
                needs.add(Need::Sometimes, patch);
            }
        }
        self.read_cluster_dns(needs);
        if self.has_private_zone() {
            change_config_maps(needs);
        }
    }

    fn follow(&self, needs: &mut Needs) {
        needs.add(Need::Optional, identity());
        for gateway in self.asked_gateways() {
            read_gateway(gateway, &["get", "list", "watch"], Need::Always, needs);
        }
        let kinds = gateway_updates::kinds(self.resolved);
        let Some(kinds) = kinds.get(self.cluster.name.as_str()) else {
            return;
        };
        let entries = gateway_updates::entries(self.resolved);
        let looks_at_entries = !gateway_updates::resolution(self.resolved).is_empty();
        let is_followed = |object: &&Object| {
            kinds.contains(&object.kind) || (looks_at_entries && object.kind == entries)
        };
        let mut objects = self.objects.iter().filter(is_followed).peekable();
        if objects.peek().is_none() {
            return;
        }
        needs.add(Need::Always, record(self.mesh, "get"));
        needs.all(Need::Sometimes, record_and_lease(self.mesh));
        for kind in kinds {
            for verb in ["list", "watch"] {
                needs.add(Need::Always, Permission::of_kind(kind, verb));
            }
        }
        if looks_at_entries {
            needs.add(Need::Always, Permission::of_kind(&entries, "list"));
        }
        for object in objects {
            let verbs = ["get", "patch", CREATE, "delete"];
            needs.all(Need::Sometimes, write(object, &verbs));
        }
    }

    fn verify(&self, needs: &mut Needs) {
        let any = |kind: &Kind, verb| Permission::of_kind(kind, verb);
        let mut needed = Vec::new();
        for placed in render_gateway_api(self.resolved) {
            needed.push(any(&placed.template.kind, "list"));
        }
        if self.resolved.services.iter().any(Service::is_mutual) {
            let namespace = self.cluster.east_west_gateway.namespace.as_str();
            let root = Permission::new("", CONFIG_MAPS, "get").within(Some(namespace));
            needed.push(root.named(MESH_ROOT_CONFIG_MAP));
        }
        // The pods behind the services, and drills.
        needed.push(any(&Kind::SERVICE, "get"));
        needed.push(Permission::new(
            ENDPOINT_SLICES.0,
            ENDPOINT_SLICES.1,
            "list",
        ));
        needed.extend(["get", "list", "patch"].map(|verb| any(&Kind::DEPLOYMENT, verb)));
        // Probe clients: pods, or a Job. An exec over a WebSocket is authorized as `get` and, since Kubernetes 1.35,
        // as `create` too.
        for (group, resource, verb) in [
            ("", "pods", "list"),
            ("", "pods/exec", "get"),
            ("", "pods/exec", CREATE),
            ("", "pods/log", "get"),
            ("", NODES, "get"),
            ("batch", "jobs", CREATE),
            ("batch", "jobs", "delete"),
        ] {
            needed.push(Permission::new(group, resource, verb));
        }
        needs.all(Need::Optional, needed);
    }

    fn has_private_zone(&self) -> bool {
        !self.resolved.dns.nameservers.is_empty()
    }

    /// The plan reports denials of these, so they are optional here.
    fn read_cluster_dns(&self, needs: &mut Needs) {
        for name in cluster_dns::CONFIG_MAPS {
            needs.add(Need::Optional, config_map("get").named(name));
        }
        if !self.has_private_zone() {
            return;
        }
        for (group, resource) in [("", "services"), ("", "pods"), ("apps", "daemonsets")] {
            let list = Permission::new(group, resource, "list");
            let list = list.within(Some(cluster_dns::NAMESPACE));
            needs.add(Need::Optional, list);
        }
        for name in [cluster_dns::KUBESPRAY_CACHE, cluster_dns::RKE2] {
            needs.add(Need::Optional, config_map("get").named(name));
        }
        let (namespace, name) = cluster_dns::OPENSHIFT;
        let openshift = config_map("get").within(Some(namespace));
        needs.add(Need::Optional, openshift.named(name));
    }

    fn kinds(&self) -> BTreeSet<&Kind> {
        self.objects.iter().map(|object| &object.kind).collect()
    }

    /// The gateways whose addresses are looked up, external or internal.
    fn asked_gateways(&self) -> impl Iterator<Item = &Gateway> {
        let uses = |transport| self.spec.has_transport(transport);
        let asks_inside = self.spec.endpoints() == Endpoints::Addresses;
        let kinds = GatewayKind::ALL.into_iter().filter(move |kind| match kind {
            GatewayKind::Ingress => uses(Transport::Http) || uses(Transport::Tls),
            GatewayKind::EastWest => uses(Transport::Mtls),
        });
        let asked = kinds.filter(move |kind| {
            let is_outside_known = !kind.given(self.written).is_empty();
            let is_inside_known = !asks_inside || kind.given_cluster_ip(self.written).is_some();
            !(is_outside_known && is_inside_known)
        });
        asked.map(|kind| kind.of(self.cluster))
    }
}

fn read_gateway(gateway: &Gateway, verbs: &[&'static str], need: Need, needs: &mut Needs) {
    let namespace = Some(gateway.namespace.as_str());
    for verb in verbs {
        let service = Permission::of_kind(&Kind::SERVICE, verb).within(namespace);
        needs.add(need, service.named(gateway.service.as_str()));
        if *verb != "get" {
            let (group, resource) = ENDPOINT_SLICES;
            let slices = Permission::new(group, resource, *verb).within(namespace);
            needs.add(Need::Optional, slices);
        }
    }
    let (group, resource) = ENDPOINT_SLICES;
    let slices = Permission::new(group, resource, "list").within(namespace);
    needs.add(Need::Optional, slices);
}

/// The plan reports denials of these as refused steps, so they are optional here.
fn change_config_maps(needs: &mut Needs) {
    for name in cluster_dns::CONFIG_MAPS {
        needs.add(Need::Optional, config_map("patch").named(name));
    }
    let cache = config_map("patch").named(cluster_dns::KUBESPRAY_CACHE);
    needs.add(Need::Optional, cache);
}

/// A permission on the ConfigMaps of the cluster DNS.
fn config_map(verb: &'static str) -> Permission {
    Permission::new("", CONFIG_MAPS, verb).within(Some(cluster_dns::NAMESPACE))
}

/// Whether rules of a kind are emptied before they are deleted; see [`crate::plan::orphaned`].
fn is_left_without_effect(kind: &Kind) -> bool {
    kind.is_istio("DestinationRule")
}
