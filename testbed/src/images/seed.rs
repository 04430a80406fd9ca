//! The seed: all images, imported and unpacked once.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::archive::Image;
use super::{ImageError, ImageNames, recipes};
use crate::cache::{self, make_folder};
use crate::process::{OwnedProcess, ProcessIdentity};

/// Incremented when the layout of the seed changes, which its key does not cover.
const RECIPE: &str = "1";

/// The namespace of images for the kubelet's containerd.
const NAMESPACE: &str = "k8s.io";

const READY_WITHIN: Duration = Duration::from_secs(30);
const ENDS_WITHIN: Duration = Duration::from_secs(10);
const POLL_EVERY: Duration = Duration::from_millis(50);

/// A containerd root folder with every image in it.
#[derive(Debug, Clone, Copy)]
pub struct Seed;

impl Seed {
    /// The seed's folder in the cache, created first if missing: 15 s and 1.1 GB on disk, besides the builds of the
    /// programs. Prints its progress to standard error. The folder must not be written to; see [`crate::images`] for
    /// its use by nodes.
    ///
    /// # Errors
    /// A program is missing or cannot be built, the user is not root, or containerd rejects an image.
    pub fn ensure(names: &ImageNames) -> Result<PathBuf, ImageError> {
        let images = recipes::all(names)?;
        let target = cache::tools()?.join(format!("seed-{}", key(&images)?));
        make_folder(&target, "the images of the pods", |folder| {
            fill(folder, &images)
        })?;
        Ok(target)
    }
}

/// A digest of all inputs of the images.
fn key(images: &[Image]) -> Result<String, ImageError> {
    let mut hash = Sha256::new();
    hash.update(RECIPE);
    for image in images {
        image.feed(&mut hash).map_err(|source| ImageError::Image {
            image: image.name.clone(),
            source,
        })?;
    }
    Ok(hex::encode(&hash.finalize()[..6]))
}

fn fill(folder: &Path, images: &[Image]) -> Result<(), ImageError> {
    if !rustix::process::geteuid().is_root() {
        return Err(ImageError::NotRoot);
    }
    // Next to the seed, so that it is on the same disk.
    let work = tempfile::tempdir_in(folder).map_err(failed("make a folder in", folder))?;
    let containerd = Containerd::start(folder)?;
    for image in images {
        let start = Instant::now();
        let file = work.path().join("image.tar");
        image.save(&file).map_err(|source| ImageError::Image {
            image: image.name.clone(),
            source,
        })?;
        let length = fs::metadata(&file).map_err(failed("read", &file))?.len();
        containerd.ctr(&[
            "images".as_ref(),
            "import".as_ref(),
            "--snapshotter=overlayfs".as_ref(),
            file.as_os_str(),
        ])?;
        eprintln!(
            "made the image {}: {} MB in {:.1} s",
            image.name,
            length / 1_000_000,
            start.elapsed().as_secs_f32()
        );
    }
    containerd.expect_images(images)?;
    containerd.end()
}

/// A containerd that only stores images, for the creation of the seed.
struct Containerd {
    // Dropped in this order: the folder last.
    process: OwnedProcess,
    socket: PathBuf,
    _run: tempfile::TempDir,
}

impl Containerd {
    fn start(root: &Path) -> Result<Self, ImageError> {
        // Not below the root: a socket's path is limited to 107 bytes.
        let run = tempfile::tempdir().map_err(failed("make a folder in", &std::env::temp_dir()))?;
        let socket = run.path().join("containerd.sock");
        let configuration = run.path().join("config.toml");
        fs::write(
            &configuration,
            configuration_text(root, run.path(), &socket),
        )
        .map_err(failed("write", &configuration))?;
        let process = OwnedProcess::start(
            Path::new("containerd"),
            [OsStr::new("--config"), configuration.as_os_str()],
            &[],
            &run.path().join("log"),
        )
        .map_err(failed("run", Path::new("containerd")))?;
        let mut started = Self {
            process,
            socket,
            _run: run,
        };
        let start = Instant::now();
        while started.ctr(&["version".as_ref()]).is_err() {
            let ended = !matches!(started.process.exit_status(), Ok(None));
            if ended || start.elapsed() > READY_WITHIN {
                return Err(started.fault("does not become ready"));
            }
            std::thread::sleep(POLL_EVERY);
        }
        Ok(started)
    }

    /// Runs containerd's client and returns its output.
    fn ctr(&self, arguments: &[&OsStr]) -> Result<String, ImageError> {
        let output = Command::new("ctr")
            .arg("--address")
            .arg(&self.socket)
            .args(["--namespace", NAMESPACE])
            .args(arguments)
            .output()
            .map_err(failed("run", Path::new("ctr")))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let words = arguments.iter().take(2).map(|word| word.to_string_lossy());
        Err(ImageError::Ctr {
            command: words.collect::<Vec<_>>().join(" "),
            output: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        })
    }

    /// Checks that every image is complete and unpacked.
    fn expect_images(&self, images: &[Image]) -> Result<(), ImageError> {
        let listed = self.ctr(&["images".as_ref(), "check".as_ref()])?;
        let good = usable(&listed);
        for Image { name, .. } in images {
            if !good.contains(&name.as_str()) {
                return Err(ImageError::Ctr {
                    command: "images check".to_owned(),
                    output: format!("{name} is not complete:\n{listed}"),
                });
            }
        }
        Ok(())
    }

    /// Ends it gracefully, so that no file is incomplete.
    fn end(mut self) -> Result<(), ImageError> {
        let ended = |source| failed("end", Path::new("containerd"))(source);
        if let Some(identity) = ProcessIdentity::of(self.process.id()).map_err(ended)? {
            identity.end(false).map_err(ended)?;
        }
        let start = Instant::now();
        while self.process.exit_status().map_err(ended)?.is_none() {
            if start.elapsed() > ENDS_WITHIN {
                return Err(self.fault("does not end"));
            }
            std::thread::sleep(POLL_EVERY);
        }
        Ok(())
    }

    fn fault(&self, what: &'static str) -> ImageError {
        let log = self.process.output().unwrap_or_default();
        let lines: Vec<_> = log.lines().rev().take(20).collect();
        ImageError::Containerd {
            what,
            log: lines.into_iter().rev().collect::<Vec<_>>().join("\n"),
        }
    }
}

/// All files in these folders, and only the plugins for images.
fn configuration_text(root: &Path, run: &Path, socket: &Path) -> String {
    format!(
        "version = 2\n\
         root = \"{}\"\n\
         state = \"{}/state\"\n\
         disabled_plugins = [\n  \
           \"io.containerd.grpc.v1.cri\",\n  \
           \"io.containerd.internal.v1.opt\",\n  \
           \"io.containerd.snapshotter.v1.aufs\",\n  \
           \"io.containerd.snapshotter.v1.btrfs\",\n  \
           \"io.containerd.snapshotter.v1.devmapper\",\n  \
           \"io.containerd.snapshotter.v1.zfs\",\n\
         ]\n\
         [grpc]\n\
         address = \"{}\"\n",
        root.display(),
        run.display(),
        socket.display(),
    )
}

/// The names of the images that `ctr images check` lists as complete and unpacked.
fn usable(listed: &str) -> Vec<&str> {
    // Columns: REF TYPE DIGEST STATUS (in words, with spaces) SIZE UNPACKED.
    listed
        .lines()
        .filter(|line| line.contains(" complete ") && line.trim_end().ends_with("true"))
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

fn failed(action: &'static str, path: &Path) -> impl Fn(std::io::Error) -> ImageError {
    let path = path.to_owned();
    move |source| ImageError::File {
        action,
        path: path.clone(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_complete_and_unpacked_images_are_usable() {
        let listed = "\
REF                     TYPE DIGEST     STATUS          SIZE            UNPACKED
docker.io/local/whole:1 t    sha256:1ab complete (2/2)  1.4 MiB/1.4 MiB true     \n\
docker.io/local/half:1  t    sha256:2cd incomplete (1/2) 1.0 MiB/1.4 MiB true    \n\
docker.io/local/raw:1   t    sha256:3ef complete (2/2)  1.4 MiB/1.4 MiB false    \n";
        assert_eq!(usable(listed), ["docker.io/local/whole:1"]);
    }
}
