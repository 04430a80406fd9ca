//! The sample workloads among the Deployments, and the images that are not the pinned ones.

use super::dns;
use super::objects::Object;
use super::world::World;
use crate::mesh::{Images, Sample, Service};
use crate::ownership::{MANAGED_BY, MANAGED_BY_LABEL};
use crate::resolved::{DEFAULT_NAMESPACE, EXTERNAL_DNS_IMAGE, HTTPBIN_IMAGE, SLEEP_IMAGE};

/// The samples that are placed, and images other than the default.
pub(super) fn find(world: &World, services: &[Service]) -> (Vec<Sample>, Option<Images>) {
    let mut images = Images::default();
    let mut samples = Vec::new();
    for sample in Sample::ALL {
        let shared = services.iter().find(|one| one.name == sample.as_str());
        let namespace = shared
            .filter(|_| sample == Sample::Httpbin)
            .and_then(|one| one.namespace.as_deref())
            .unwrap_or(DEFAULT_NAMESPACE);
        let mut deployments = world.of_kind("Deployment");
        let Some((_, object)) = deployments
            .find(|(_, one)| one.name() == sample.as_str() && one.namespace() == namespace)
        else {
            continue;
        };
        samples.push(sample);
        match sample {
            Sample::Httpbin => images.httpbin = image(object, HTTPBIN_IMAGE),
            Sample::Sleep => images.sleep = image(object, SLEEP_IMAGE),
        }
    }
    let mut deployments = dns::deployments(world);
    images.external_dns = deployments
        .next()
        .and_then(|(_, object)| image(object, EXTERNAL_DNS_IMAGE));
    let images = (images != Images::default()).then_some(images);
    (samples, images)
}

/// The image of an object of ours. fedmesh writes ports, commands and flags for one program and its version:
/// the image that others run would not go with them.
fn image(object: &Object, default: &str) -> Option<String> {
    let ours = object.label(MANAGED_BY_LABEL) == Some(MANAGED_BY);
    let image = dns::container(object)["image"].as_str()?;
    (ours && image != default).then(|| image.to_owned())
}

/// The last part of an image's name, without tag and digest.
pub(super) fn program(image: &str) -> &str {
    let name = image.split('@').next().unwrap_or_default();
    let last = name.rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default()
}
