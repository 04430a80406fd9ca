//! The file that a document is read from, so that no output replaces it.

use std::path::Path;

use shared::bundle::MESH_FILE;

/// The identity of the file that a document is read from, by whatever path, link or redirection.
pub(super) struct InputFile(Option<same_file::Handle>);

impl InputFile {
    /// The file of `-f`; in a folder, the document.
    pub(super) fn of(path: &Path) -> Self {
        let handle = if path == Path::new("-") {
            same_file::Handle::stdin()
        } else if path.is_dir() {
            same_file::Handle::from_path(path.join(MESH_FILE))
        } else {
            same_file::Handle::from_path(path)
        };
        // An input that cannot be opened again, such as a named pipe, cannot be overwritten either.
        Self(handle.ok())
    }

    /// Whether the path leads to this file.
    pub(super) fn is(&self, path: &Path) -> bool {
        // Opening anything but a regular file may block.
        let is_file = path.metadata().is_ok_and(|metadata| metadata.is_file());
        is_file
            && same_file::Handle::from_path(path)
                .ok()
                .is_some_and(|one| Some(one) == self.0)
    }
}
