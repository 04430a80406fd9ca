//! The page is built into the program: a page built anew, files with new names included, has to
//! build the program anew.

fn main() {
    println!("cargo::rerun-if-changed=../dist");
}
