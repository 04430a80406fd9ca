//! The server blocks of a Corefile, parsed as in CoreDNS (`github.com/coredns/caddy`, `caddyfile/parse.go`).

use super::same_name;
use super::tokens::{Token, tokens};

/// A server block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Block<'a> {
    /// Its keys, such as `example.org:53`, with their lines.
    pub(super) keys: Vec<(&'a str, usize)>,
    /// The words between its braces.
    body: Vec<Token<'a>>,
}

/// A Corefile that CoreDNS would not load, or that has no server block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) line: usize,
    pub(super) why: &'static str,
}

/// A parsed Corefile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Corefile<'a> {
    pub(super) blocks: Vec<Block<'a>>,
    /// Imports outside of blocks.
    pub(super) imports: Vec<&'a str>,
}

impl<'a> Corefile<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Fault> {
        let tokens = tokens(text);
        let mut corefile = Self::default();
        let mut at = 0;
        while let Some(&token) = tokens.get(at) {
            if token.first && token.text == "import" {
                let arguments = tokens[at + 1..].iter().take_while(|token| !token.first);
                let count = arguments.clone().count();
                corefile.imports.extend(arguments.map(|token| token.text));
                at += 1 + count;
                continue;
            }
            let (block, next) = Block::parse(&tokens, at)?;
            corefile.blocks.push(block);
            at = next;
        }
        Ok(corefile)
    }

    /// Whether CoreDNS needs a restart to load a change: no block has the plugin `reload`.
    pub(super) fn needs_restart(&self) -> bool {
        let mut blocks = self.blocks.iter().filter(|block| !block.is_snippet());
        !self.blocks.is_empty() && blocks.all(|block| self.arguments(block, "reload").is_empty())
    }

    /// The zones of the plugin `kubernetes`, which has those of its block by default; without the reverse zones.
    pub(super) fn kubernetes(&self) -> Vec<&'a str> {
        let blocks = self.blocks.iter().filter(|block| !block.is_snippet());
        let zones = blocks.flat_map(|block| {
            let uses = self.arguments(block, "kubernetes").into_iter();
            uses.flat_map(|zones| {
                if zones.is_empty() {
                    let keys = block.keys.iter();
                    return keys.map(|(key, _)| Zone::of(key).name).collect();
                }
                zones
            })
        });
        let is_reverse = |zone: &str| zone.contains('/') || zone.rsplit('.').next() == Some("arpa");
        zones
            .map(|zone| zone.strip_suffix('.').unwrap_or(zone))
            .filter(|zone| !is_reverse(zone))
            .collect()
    }

    /// The block that answers for a name: that of the zone, of the closest zone above it, or of all others.
    pub(super) fn closest(&self, name: &str) -> Option<&Block<'a>> {
        let zones = std::iter::successors(Some(name), |zone| Some(zone.split_once('.')?.1));
        zones.chain(["."]).find_map(|zone| {
            let mut blocks = self.blocks.iter();
            blocks.find(|block| {
                let mut keys = block.keys.iter();
                keys.any(|(key, _)| same_name(Zone::of(key).name, zone))
            })
        })
    }

    /// The block for all zones without a block of their own, with its port.
    pub(super) fn root(&self) -> Option<(&Block<'a>, &'a str)> {
        self.blocks.iter().find_map(|block| {
            block.keys.iter().find_map(|(key, _)| {
                let zone = Zone::of(key);
                (zone.name == ".").then_some((block, zone.port))
            })
        })
    }
}

impl<'a> Block<'a> {
    /// Parses the block that starts with the word at `at`; returns the position after it.
    fn parse(tokens: &[Token<'a>], mut at: usize) -> Result<(Self, usize), Fault> {
        let start = tokens[at];
        let mut keys = Vec::new();
        // After a comma another key follows, also on the next line.
        let mut goes_on = true;
        loop {
            let Some(token) = tokens.get(at) else {
                return Err(Fault {
                    line: start.line,
                    why: "a server block has no braces",
                });
            };
            if token.text == "{" {
                at += 1;
                break;
            }
            if token.text == "}" || (token.first && !goes_on) {
                return Err(Fault {
                    line: token.line,
                    why: "a server block has no opening brace",
                });
            }
            let key = token.text.trim_end_matches(',');
            goes_on = key.len() != token.text.len();
            if !key.is_empty() {
                keys.push((key, token.line));
            }
            at += 1;
        }
        if keys.is_empty() {
            return Err(Fault {
                line: start.line,
                why: "a server block has no zone",
            });
        }
        let mut depth = 1;
        let body_start = at;
        while let Some(token) = tokens.get(at) {
            match token.text {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            at += 1;
            if depth == 0 {
                let body = tokens[body_start..at - 1].to_vec();
                return Ok((Self { keys, body }, at));
            }
        }
        Err(Fault {
            line: start.line,
            why: "a server block has no closing brace",
        })
    }

    /// Whether it is only used by imports.
    fn is_snippet(&self) -> bool {
        self.keys.iter().any(|(key, _)| key.starts_with('('))
    }

    /// The line of the key for a zone on a port.
    pub(super) fn serves(&self, name: &str, port: &str) -> Option<usize> {
        let key = self.keys.iter().find(|(key, _)| {
            let zone = Zone::of(key);
            same_name(zone.name, name) && zone.port == port
        });
        key.map(|(_, line)| *line)
    }

    /// The line of a key whose zone is a variable, which may be any.
    pub(super) fn variable(&self) -> Option<usize> {
        let key = self.keys.iter().find(|(key, _)| key.starts_with('{'));
        key.map(|(_, line)| *line)
    }
}

/// Limit of nested snippets; CoreDNS itself refuses cycles.
const DEEPEST_IMPORT: usize = 8;

impl<'a> Corefile<'a> {
    /// The arguments of each use of a plugin in a block, up to the end of the line or a brace, including uses in
    /// imported snippets.
    pub(super) fn arguments(&self, block: &Block<'a>, plugin: &str) -> Vec<Vec<&'a str>> {
        let mut found = Vec::new();
        self.collect(block, plugin, DEEPEST_IMPORT, &mut found);
        found
    }

    fn collect(
        &self,
        block: &Block<'a>,
        plugin: &str,
        deepest: usize,
        found: &mut Vec<Vec<&'a str>>,
    ) {
        let mut depth = 0;
        for (index, token) in block.body.iter().enumerate() {
            match token.text {
                "{" => depth += 1,
                "}" => depth -= 1,
                text if depth == 0 && token.first => {
                    let rest = block.body[index + 1..].iter();
                    let arguments: Vec<&'a str> = rest
                        .take_while(|next| !next.first && next.text != "{")
                        .map(|next| next.text)
                        .collect();
                    if text == "import" && deepest > 0 {
                        for snippet in arguments.iter().filter_map(|name| self.snippet(name)) {
                            self.collect(snippet, plugin, deepest - 1, found);
                        }
                    } else if text == plugin {
                        found.push(arguments);
                    }
                }
                _ => {}
            }
        }
    }

    fn snippet(&self, name: &str) -> Option<&Block<'a>> {
        self.blocks.iter().find(|block| {
            let mut keys = block.keys.iter();
            keys.any(|(key, _)| {
                key.strip_prefix('(').and_then(|key| key.strip_suffix(')')) == Some(name)
            })
        })
    }
}

/// The zone of a key.
struct Zone<'a> {
    /// Without a final dot, except for the root.
    name: &'a str,
    port: &'a str,
}

/// The port of plain DNS, CoreDNS's default.
pub(super) const DEFAULT_PORT: &str = "53";

impl<'a> Zone<'a> {
    fn of(key: &'a str) -> Self {
        let key = key.strip_prefix("dns://").unwrap_or(key);
        // Any other prefix before `://` is another protocol, with zones of its own.
        let (name, port) = match key.rsplit_once(':') {
            // A variable, which may have a default after another colon: `.:{$PORT:53}`.
            _ if key.contains(":{") => {
                let colon = key.find(":{").unwrap_or_default();
                (&key[..colon], &key[colon + 1..])
            }
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !port.is_empty() => {
                (name, port)
            }
            _ => (key, DEFAULT_PORT),
        };
        let name = match name.strip_suffix('.') {
            Some("") => ".",
            Some(name) => name,
            // `:53` is the root too.
            None if name.is_empty() => ".",
            None => name,
        };
        Self { name, port }
    }
}
