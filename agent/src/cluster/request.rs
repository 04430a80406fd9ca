//! Requests to an API server, built by kube; the limit of their responses is ours.

use bytes::Bytes;
use http::header::{ACCEPT, HeaderValue};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::core::request::{Error, Request as Builder};
use serde_json::Value;

use super::limit;

/// Metadata, or whole objects from an aggregated API server that cannot leave out the rest.
const METADATA: HeaderValue = HeaderValue::from_static(
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
);
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const TEXT: HeaderValue = HeaderValue::from_static("*/*");

/// A request. A path without a query names an object, or a collection where the function says so; the caller ensures
/// that its names are safe in a path.
#[derive(Debug)]
pub(crate) struct Request {
    /// A request that cannot be built is an error when it is sent.
    pub(super) http: Result<http::Request<Bytes>, Error>,
    /// Limit of the response, in bytes.
    pub(super) limit: usize,
}

impl Request {
    fn new(built: Result<http::Request<Vec<u8>>, Error>) -> Self {
        let request = Self {
            http: built.map(|request| request.map(Bytes::from)),
            limit: limit::OBJECT,
        };
        request.accepting(JSON)
    }

    fn accepting(mut self, media_type: HeaderValue) -> Self {
        if let Ok(request) = &mut self.http {
            request.headers_mut().insert(ACCEPT, media_type);
        }
        self
    }

    /// A GET.
    pub(crate) fn get(path: impl AsRef<str>) -> Self {
        let built = http::Request::get(path.as_ref()).body(Vec::new());
        Self::new(built.map_err(Error::BuildRequest))
    }

    /// A list of the objects of a collection.
    pub(crate) fn list(collection: &str, params: &ListParams) -> Self {
        Self::new(Builder::new(collection).list(params)).of_list()
    }

    /// The response is a list.
    #[must_use]
    pub(crate) fn of_list(mut self) -> Self {
        self.limit = limit::PAGE;
        self
    }

    /// The response has only the metadata of objects.
    #[must_use]
    pub(crate) fn metadata_only(self) -> Self {
        self.accepting(METADATA)
    }

    /// The response is text, such as a log.
    #[must_use]
    pub(crate) fn taking_text(self) -> Self {
        self.accepting(TEXT)
    }

    /// A server-side apply of an object, given as JSON. Unknown fields are errors, and so are conflicts with other
    /// managers, unless the parameters force it.
    pub(crate) fn apply(params: PatchParams, path: &str, object: String) -> Self {
        let mut request = Self::patch(&params.validation_strict(), path, &Patch::Apply(()));
        if let Ok(request) = &mut request.http {
            *request.body_mut() = object.into();
        }
        request
    }

    /// A JSON merge patch (RFC 7386).
    pub(crate) fn merge(params: &PatchParams, path: &str, changes: &Value) -> Self {
        Self::patch(params, path, &Patch::Merge(changes))
    }

    /// A JSON patch (RFC 6902).
    pub(crate) fn json_patch(params: &PatchParams, path: &str, operations: Value) -> Self {
        match serde_json::from_value(operations) {
            Ok(operations) => Self::patch(params, path, &Patch::<()>::Json(operations)),
            Err(error) => Self::new(Err(Error::SerializeBody(error))),
        }
    }

    fn patch<T: serde::Serialize>(params: &PatchParams, path: &str, changes: &Patch<T>) -> Self {
        let (collection, name) = split(path);
        Self::new(Builder::new(collection).patch(name, params, changes))
    }

    /// A POST of a new object to a collection.
    pub(crate) fn create(collection: &str, object: &Value) -> Self {
        Self::create_with(&PostParams::default(), collection, object)
    }

    /// [`Request::create`] with parameters.
    pub(crate) fn create_with(params: &PostParams, collection: &str, object: &Value) -> Self {
        let object = object.to_string().into_bytes();
        Self::new(Builder::new(collection).create(params, object))
    }

    /// A PUT of an existing object.
    pub(crate) fn replace(path: &str, object: &Value) -> Self {
        let (collection, name) = split(path);
        let object = object.to_string().into_bytes();
        Self::new(Builder::new(collection).replace(name, &PostParams::default(), object))
    }

    /// A DELETE.
    pub(crate) fn delete(path: &str, params: &DeleteParams) -> Self {
        let (collection, name) = split(path);
        Self::new(Builder::new(collection).delete(name, params))
    }

    /// Whether the request changes something on the server.
    pub(super) fn changes(&self) -> bool {
        self.http.as_ref().is_ok_and(|request| {
            let query = request.uri().query().unwrap_or_default();
            request.method() != http::Method::GET && !query.contains("dryRun=All")
        })
    }
}

/// The collection and the name of an object. Without a name, the request cannot be built.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or((path, ""))
}
