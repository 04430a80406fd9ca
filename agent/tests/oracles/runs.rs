//! How many documents are generated, and from which seed.

use proptest::strategy::{Strategy, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// Values of a strategy: `few` that are the same in every run or, in a long run, `many` new ones.
pub(crate) fn generated<S: Strategy>(strategy: &S, few: usize, many: usize) -> Vec<S::Value> {
    let is_long_run = std::env::var_os("FEDMESH_LONG_RUN").is_some();
    let (mut runner, count) = if is_long_run {
        (TestRunner::new(Config::default()), many)
    } else {
        let seed = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
        (TestRunner::new_with_rng(Config::default(), seed), few)
    };
    let values = (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current());
    values.collect()
}
