//! The worker that packs archives. A request is a list of `[path, text]` as JSON; the response is bytes, or a text
//! with the error.

use frontend::json;
use wasm_bindgen::JsValue;

fn main() {
    frontend::workers::serve(|files| match pack(files) {
        Ok(bytes) => js_sys::Uint8Array::from(bytes.as_slice()).into(),
        Err(error) => JsValue::from_str(&error),
    });
}

fn pack(files: &str) -> Result<Vec<u8>, String> {
    let files: Vec<(String, String)> = json::read(files)?;
    let files = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()));
    shared::bundle::write_zip(files).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_archive_is_that_of_the_bundle() {
        let mesh = shared::Mesh::read(include_str!("../../../examples/walkthrough.yaml")).unwrap();
        let resolved = shared::check(&mesh, &shared::facts::Facts::default())
            .resolved
            .unwrap();
        let bundle = shared::bundle::Bundle::new(&mesh, &resolved);
        let files: Vec<(&str, &str)> = bundle.files().collect();
        let packed = super::pack(&frontend::json::write(&files)).unwrap();
        assert_eq!(packed, bundle.to_zip().unwrap());
    }
}
