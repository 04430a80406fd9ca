//! A container image in one file, in the format of `docker save` and `ctr images import`.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tar::Header;

use super::layer::Layer;

/// A program's image: one layer, and its entry point.
#[derive(Debug)]
pub(super) struct Image {
    /// The whole name, as in `docker.io/local/pause:1`.
    pub(super) name: String,
    /// Its files.
    pub(super) layer: Layer,
    /// The command before a container's arguments.
    pub(super) entrypoint: Vec<String>,
    /// The arguments if the container sets none.
    pub(super) arguments: Vec<String>,
    /// Its user, as in `1337:1337`.
    pub(super) user: String,
}

impl Image {
    /// The `config` of an OCI image configuration.
    /// Source: <https://github.com/opencontainers/image-spec/blob/main/config.md>.
    fn config(&self) -> Value {
        json!({
            "Entrypoint": self.entrypoint,
            "Cmd": self.arguments,
            "User": self.user,
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "WorkingDir": "/",
        })
    }

    /// Adds all inputs of the image to `hash`.
    pub(super) fn feed(&self, hash: &mut Sha256) -> io::Result<()> {
        hash.update(&self.name);
        hash.update([0]);
        hash.update(self.config().to_string());
        self.layer.feed(hash)
    }

    /// Writes the image to the file `to`; its layer is a temporary file in the same folder.
    pub(super) fn save(&self, to: &Path) -> io::Result<()> {
        let layer_file = to.with_extension("layer");
        let mut out = Hashed {
            hash: Sha256::new(),
            out: BufWriter::new(File::create(&layer_file)?),
        };
        self.layer.write(&mut out)?;
        let digest = hex::encode(out.hash.finalize());

        let configuration = json!({
            "architecture": architecture(),
            "os": "linux",
            "config": self.config(),
            "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{digest}")] },
        })
        .to_string();
        let configuration_name = format!("{}.json", hex::encode(Sha256::digest(&configuration)));
        let layer_name = format!("{digest}/layer.tar");
        let manifest = json!([{
            "Config": configuration_name,
            "RepoTags": [self.name],
            "Layers": [layer_name],
        }])
        .to_string();

        let mut tar = tar::Builder::new(BufWriter::new(File::create(to)?));
        let layer = File::open(&layer_file)?;
        let length = layer.metadata()?.len();
        tar.append_data(&mut header(length), layer_name, layer)?;
        for (name, text) in [
            (configuration_name.as_str(), &configuration),
            ("manifest.json", &manifest),
        ] {
            tar.append_data(&mut header(text.len() as u64), name, text.as_bytes())?;
        }
        tar.into_inner()?.flush()?;
        std::fs::remove_file(layer_file)
    }
}

fn header(length: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_size(length);
    header
}

/// This machine's architecture in Go's notation, which images use.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// A writer that hashes its output.
struct Hashed<W> {
    hash: Sha256,
    out: W,
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::io::Read;

    use super::*;

    fn image(name: &str) -> Image {
        let mut layer = Layer::default();
        layer.text("etc/motd", "hello\n");
        Image {
            name: name.to_owned(),
            layer,
            entrypoint: vec!["/program".to_owned()],
            arguments: Vec::new(),
            user: "1337:1337".to_owned(),
        }
    }

    #[test]
    fn the_manifest_lists_the_files_with_correct_digests() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("image.tar");
        image("docker.io/local/one:1").save(&file).expect("saved");
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("a folder").count(),
            1,
            "the layer's own file is left behind"
        );

        let mut files = BTreeMap::new();
        let mut archive = tar::Archive::new(File::open(file).expect("a file"));
        for entry in archive.entries().expect("a tar") {
            let mut entry = entry.expect("an entry");
            let name = entry.path().expect("a path").display().to_string();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("its bytes");
            files.insert(name, bytes);
        }
        let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).expect("JSON");
        let manifest = &json(&files["manifest.json"])[0];
        assert_eq!(manifest["RepoTags"], json!(["docker.io/local/one:1"]));
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let configuration = &files[&text(&manifest["Config"])];
        let layer = &files[&text(&manifest["Layers"][0])];
        assert_eq!(
            text(&manifest["Config"]),
            format!("{}.json", hex::encode(Sha256::digest(configuration)))
        );
        let configuration = json(configuration);
        assert_eq!(
            configuration["rootfs"]["diff_ids"],
            json!([format!("sha256:{}", hex::encode(Sha256::digest(layer)))])
        );
        assert_eq!(configuration["config"]["Entrypoint"], json!(["/program"]));
        assert_eq!(configuration["config"]["User"], "1337:1337");
    }

    #[test]
    fn the_key_changes_with_the_name_and_the_start() {
        let key = |image: &Image| {
            let mut hash = Sha256::new();
            image.feed(&mut hash).expect("a key");
            hash.finalize()
        };
        let one = image("one");
        assert_eq!(key(&one), key(&image("one")));
        assert_ne!(key(&one), key(&image("two")));
        let mut started_otherwise = image("one");
        started_otherwise.arguments.push("--help".to_owned());
        assert_ne!(key(&one), key(&started_otherwise));
    }
}
