//! The page.

fn main() {
    frontend::start();
}
