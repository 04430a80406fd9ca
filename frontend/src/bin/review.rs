//! The part of the page that plans, applies and verifies, loaded when an agent is connected.

fn main() {
    frontend::start_review();
}
