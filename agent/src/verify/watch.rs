//! The samples of one client during a drill, and when they have settled: pure.

use std::time::Duration;

/// Consecutive good answers from the expected clusters, three seconds of them: fewer may be chance where several
/// clusters answer in turn.
const IN_A_ROW: usize = 15;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sample {
    /// Time of sending, since the first request.
    pub(super) at: Duration,
    /// Whether the answer is as expected, from any cluster.
    pub(super) is_good: bool,
    /// The cluster that answered.
    pub(super) answered_by: Option<String>,
}

/// The samples and times of one client.
#[derive(Debug, Clone, Default)]
pub(super) struct Watched {
    /// When the first request was sent.
    pub(super) begin: Option<tokio::time::Instant>,
    /// Ordered by time of sending.
    pub(super) samples: Vec<Sample>,
    /// Index of the first sample after the replicas were restored.
    pub(super) returning_from: usize,
    /// Time until traffic moved.
    pub(super) moved: Option<Duration>,
    /// Time until traffic came back.
    pub(super) returned: Option<Duration>,
}

impl Watched {
    /// Inserts by time of sending, since answers arrive in another order.
    pub(super) fn add(&mut self, sample: Sample) {
        let place = self
            .samples
            .partition_point(|other| other.at <= sample.at)
            .max(self.returning_from.min(self.samples.len()));
        self.samples.insert(place, sample);
    }
}

/// Time from a moment to the start of the last run of good answers from the expected clusters; `None` while the run is
/// too short.
pub(super) fn since_settled(
    samples: &[Sample],
    expected: &[String],
    moment: Duration,
) -> Option<Duration> {
    let is_expected = |sample: &&Sample| {
        sample.is_good
            && sample
                .answered_by
                .as_ref()
                .is_some_and(|cluster| expected.contains(cluster))
    };
    let row: Vec<&Sample> = samples.iter().rev().take_while(is_expected).collect();
    (row.len() >= IN_A_ROW)
        .then(|| row.last().map(|first| first.at.saturating_sub(moment)))
        .flatten()
}

/// Number of requests without a good answer.
pub(super) fn lost(samples: &[Sample]) -> u32 {
    let lost = samples.iter().filter(|sample| !sample.is_good).count();
    u32::try_from(lost).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `n` and `s` are good answers of north and south, `-` is a lost request, `?` an answer without a cluster.
    fn samples(text: &str) -> Vec<Sample> {
        text.chars()
            .zip(0u64..)
            .map(|(c, tick)| Sample {
                at: Duration::from_millis(tick * 200),
                is_good: c != '-',
                answered_by: match c {
                    'n' => Some("north".to_owned()),
                    's' => Some("south".to_owned()),
                    _ => None,
                },
            })
            .collect()
    }

    #[test]
    fn traffic_has_settled_after_some_good_answers_in_a_row() {
        let south = ["south".to_owned()];
        let enough = "s".repeat(IN_A_ROW);
        let nearly = "s".repeat(IN_A_ROW - 1);
        for (text, settled) in [
            (String::new(), None),
            (nearly.clone(), None),
            (enough.clone(), Some(0)),
            (format!("nn-{enough}"), Some(600)),
            (format!("nn-{enough}n"), None),
            (format!("{enough}-{nearly}"), None),
            (format!("nn-{enough}-{enough}"), Some(3800)),
            (format!("{enough}?"), None),
        ] {
            let found = since_settled(&samples(&text), &south, Duration::ZERO);
            assert_eq!(found, settled.map(Duration::from_millis), "{text}");
        }
        let after = Duration::from_millis(400);
        assert_eq!(
            since_settled(&samples(&format!("nn-{enough}")), &south, after),
            Some(Duration::from_millis(200))
        );
        assert_eq!(since_settled(&samples(&enough), &[], Duration::ZERO), None);
        assert_eq!(lost(&samples("nn--s-s?")), 3);
    }

    #[test]
    fn answers_are_kept_in_the_order_of_their_requests() {
        let mut watched = Watched::default();
        let all = samples("n-s");
        for index in [2, 0, 1] {
            watched.add(all[index].clone());
        }
        assert_eq!(watched.samples, all);
    }
}
