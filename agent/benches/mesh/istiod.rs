//! What an istiod says of itself.

use testbed::MeshBed;

/// Its metrics at one moment, in Prometheus' text format.
pub(crate) struct Metrics(Vec<(String, f64)>);

impl Metrics {
    /// `address` is that of istiod's Service.
    pub(crate) fn read(mesh: &MeshBed, context: &str, address: &str) -> Self {
        let mut command = mesh.node_command(context, "curl").unwrap();
        command.args(["--silent", "--fail", "--max-time", "10"]);
        let output = command
            .arg(format!("http://{address}:15014/metrics"))
            .output();
        let output = output.unwrap();
        assert!(output.status.success(), "no metrics of istiod: {output:?}");
        Self::parse(&String::from_utf8_lossy(&output.stdout))
    }

    fn parse(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let samples = lines.filter_map(|line| {
            let (name, value) = line.rsplit_once(' ')?;
            Some((name.to_owned(), value.parse().ok()?))
        });
        Self(samples.collect())
    }

    /// The sum of all samples of a metric that have a label, such as `type="cds"`; an empty one for all.
    pub(crate) fn sum(&self, metric: &str, label: &str) -> f64 {
        let samples = self.0.iter().filter(|(name, _)| {
            let (name, labels) = name.split_once('{').unwrap_or((name, ""));
            name == metric && labels.contains(label)
        });
        samples.map(|(_, value)| value).sum()
    }
}

/// The time between two moments.
pub(crate) struct Delta<'a> {
    pub(crate) before: &'a Metrics,
    pub(crate) after: &'a Metrics,
}

impl Delta<'_> {
    pub(crate) fn sum(&self, metric: &str, label: &str) -> f64 {
        self.after.sum(metric, label) - self.before.sum(metric, label)
    }

    /// The mean of a histogram, where there was anything.
    pub(crate) fn mean(&self, histogram: &str) -> Option<f64> {
        let count = self.sum(&format!("{histogram}_count"), "");
        (count > 0.0).then(|| self.sum(&format!("{histogram}_sum"), "") / count)
    }
}
