//! SHA-256 digests in the form that container tools write: `sha256:` and 64 hexadecimal digits.

use sha2::{Digest as _, Sha256};

/// The digest of several parts, each preceded by its length, so that moving a byte from one part to the next changes
/// the digest.
#[derive(Default)]
pub(crate) struct Parts(Sha256);

impl Parts {
    /// Adds a part.
    pub(crate) fn add(&mut self, part: &[u8]) {
        self.0.update((part.len() as u64).to_be_bytes());
        self.0.update(part);
    }

    /// The digest of the added parts.
    pub(crate) fn finish(self) -> String {
        format!("sha256:{}", hex::encode(self.0.finalize()))
    }
}

/// The digest of all given parts; see [`Parts`].
pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> String {
    let mut digest = Parts::default();
    parts.into_iter().for_each(|part| digest.add(part));
    digest.finish()
}

#[cfg(test)]
mod tests {
    #[test]
    fn boundaries_of_parts_count() {
        let digest = |parts: &[&str]| super::of_parts(parts.iter().map(|p| p.as_bytes()));
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_ne!(digest(&["ab"]), digest(&["ab", ""]));
        assert_eq!(digest(&["ab"]).len(), "sha256:".len() + 64);
    }
}
