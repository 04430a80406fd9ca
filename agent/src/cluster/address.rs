//! Paths of objects on an API server.

use kube::Resource as _;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use shared::kubernetes::object::{Kind, Object};

/// The path of a kind's objects, in one namespace or, with `None`, in all of them.
pub(crate) fn collection(kind: &Kind, namespace: Option<&str>) -> String {
    let of_kind = GroupVersionKind::gvk(&kind.group, &kind.version, &kind.kind);
    let resource = ApiResource::from_gvk_with_plural(&of_kind, &kind.plural);
    DynamicObject::url_path(&resource, namespace)
}

/// The path of an object.
pub(crate) fn object(object: &Object) -> String {
    object_at(&object.kind, object.namespace.as_deref(), &object.name)
}

/// The path of an object by its name. The caller ensures that the name is safe in a path: those of a checked document
/// and those from an API server are.
pub(crate) fn object_at(kind: &Kind, namespace: Option<&str>, name: &str) -> String {
    format!("{}/{name}", collection(kind, namespace))
}

#[cfg(test)]
mod tests {
    use super::{collection, object_at};
    use shared::kubernetes::object::Kind;

    #[test]
    fn paths_match_the_api() {
        assert_eq!(collection(&Kind::NAMESPACE, None), "/api/v1/namespaces");
        assert_eq!(
            object_at(&Kind::SERVICE, Some("web"), "orders"),
            "/api/v1/namespaces/web/services/orders"
        );
        assert_eq!(
            object_at(
                &Kind::istio("v1", "Gateway", "gateways"),
                Some("istio-system"),
                "fedmesh-demo"
            ),
            "/apis/networking.istio.io/v1/namespaces/istio-system/gateways/fedmesh-demo"
        );
    }
}
