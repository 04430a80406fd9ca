//! Lines of a stream.

/// Splits a stream of bytes into lines, however it is divided into chunks.
#[derive(Debug, Default)]
pub(crate) struct Lines(Vec<u8>);

impl Lines {
    /// Handles a chunk, and returns the lines that it completes.
    pub(crate) fn take(&mut self, piece: &[u8]) -> Vec<String> {
        self.0.extend_from_slice(piece);
        let mut lines = Vec::new();
        while let Some(end) = self.0.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.0.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line).trim().to_owned();
            if !line.is_empty() {
                lines.push(line);
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn chunks_are_joined_to_lines() {
        let mut lines = Lines::default();
        let bytes = "{\"a\":\"ä\"}\n\n{\"b\":1}\n{".as_bytes();
        let whole: Vec<String> = bytes.iter().flat_map(|byte| lines.take(&[*byte])).collect();
        assert_eq!(whole, ["{\"a\":\"ä\"}", "{\"b\":1}"]);
    }
}
