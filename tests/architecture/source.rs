//! Finds which modules and crates a Rust source names, from its text alone.

use std::collections::BTreeSet;

/// A path as written, made absolute: `crate::…` for this crate, otherwise a crate's name first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPath {
    /// Line of the source, from 1.
    pub line: usize,
    /// `["crate", "model", "Model"]`, `["burn", "tensor", "Tensor"]`; a glob ends in `*`.
    pub segments: Vec<String>,
}

/// Every path that `source`, the text of module `home` (`["notes", "import"]`), names: in `use`
/// trees, in expressions, types and attributes; not in comments or strings.
///
/// Single names without `::` are left out, but for those in `use` and `extern crate`.
pub fn named_paths(source: &str, home: &[&str]) -> Vec<NamedPath> {
    let tokens = tokens(source);
    let mut reader = Reader {
        tokens: &tokens,
        at: 0,
        home: home.iter().map(ToString::to_string).collect(),
        braces: Vec::new(),
        own_modules: BTreeSet::new(),
        found: Vec::new(),
    };
    reader.read();
    let own = reader.own_modules;
    reader.found.retain(|path| !own.contains(&path.segments[0]));
    // `::name` is a crate even where a module has the same name.
    for path in &mut reader.found {
        if path.segments[0] == "::" {
            path.segments.remove(0);
        }
    }
    reader.found
}

struct Token {
    text: String,
    line: usize,
}

struct Reader<'a> {
    tokens: &'a [Token],
    at: usize,
    home: Vec<String>,
    /// One entry per open brace: the module that it opened, if it opened one.
    braces: Vec<Option<String>>,
    /// Modules declared in this file: their names are not crates.
    own_modules: BTreeSet<String>,
    found: Vec<NamedPath>,
}

impl Reader<'_> {
    fn text(&self, ahead: usize) -> &str {
        self.tokens
            .get(self.at + ahead)
            .map_or("", |token| token.text.as_str())
    }

    fn read(&mut self) {
        while self.at < self.tokens.len() {
            match self.text(0) {
                "{" => self.braces.push(None),
                "}" => {
                    self.braces.pop();
                }
                "mod" if is_word(self.text(1)) => {
                    let name = self.text(1).to_owned();
                    self.own_modules.insert(name.clone());
                    self.at += 1;
                    if self.text(1) == "{" {
                        self.braces.push(Some(name));
                        self.at += 1;
                    }
                }
                "extern" if self.text(1) == "crate" => {
                    self.at += 2;
                    let path = vec!["::".to_owned(), self.text(0).to_owned()];
                    self.keep(path);
                }
                // `use<'a>` in a bound is not an import.
                "use" if self.text(1) != "<" => {
                    self.at += 1;
                    self.use_tree(&[]);
                }
                word if word == "::" || is_word(word) => {
                    self.inline_path();
                    continue;
                }
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Reads one branch of a `use` tree and stops at the `,`, `}` or `;` behind it.
    fn use_tree(&mut self, prefix: &[String]) {
        let mut path = prefix.to_vec();
        loop {
            match self.text(0) {
                "{" => {
                    while !matches!(self.text(0), "}" | "") {
                        self.at += 1;
                        if self.text(0) != "}" {
                            self.use_tree(&path);
                        }
                    }
                    self.at += 1;
                    return;
                }
                "as" => self.at += 1,
                "::" if path.is_empty() => path.push("::".to_owned()),
                "::" => {}
                "," | "}" | ";" | "" => {
                    self.keep(path);
                    return;
                }
                segment => path.push(segment.to_owned()),
            }
            self.at += 1;
        }
    }

    /// Reads `a::b::c`; a lone word is passed over.
    fn inline_path(&mut self) {
        // In `Vec<u8>::new` the path began before the `<`.
        let continues = self.text(0) == "::" && self.at > 0 && self.tokens[self.at - 1].text == ">";
        let mut path = Vec::new();
        if self.text(0) == "::" {
            path.push("::".to_owned());
        } else {
            path.push(self.text(0).to_owned());
            self.at += 1;
        }
        let start = self.at;
        while self.text(0) == "::" && (is_word(self.text(1)) || self.text(1) == "*") {
            path.push(self.text(1).to_owned());
            self.at += 2;
        }
        if self.at == start && path[0] == "::" {
            self.at += 1;
        } else if self.at > start && !continues {
            self.keep(path);
        }
    }

    /// Makes `path` absolute and keeps it.
    fn keep(&mut self, path: Vec<String>) {
        let line = self.tokens[self.at.min(self.tokens.len()) - 1].line;
        let mut here: Vec<String> = self.home.clone();
        here.extend(self.braces.iter().flatten().cloned());
        let mut rest = path.as_slice();
        let mut base: Option<Vec<String>> = None;
        while let Some((first, after)) = rest.split_first() {
            match first.as_str() {
                "crate" => base = Some(Vec::new()),
                "self" => base = base.or(Some(here.clone())),
                "super" => {
                    let mut up = base.unwrap_or(here.clone());
                    up.pop();
                    base = Some(up);
                }
                _ => break,
            }
            rest = after;
        }
        let segments = match base {
            Some(base) => [vec!["crate".to_owned()], base, rest.to_vec()].concat(),
            None => path,
        };
        if !segments.is_empty() {
            self.found.push(NamedPath { line, segments });
        }
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Words, `::`, arrows, and every other character by itself; comments, strings, characters and
/// lifetimes are dropped.
fn tokens(source: &str) -> Vec<Token> {
    let chars: Vec<char> = source.chars().collect();
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let end = match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => find(&chars, at, &['\n']),
            '/' if chars.get(at + 1) == Some(&'*') => block_comment_end(&chars, at),
            '"' => string_end(&chars, at),
            '\'' => quote_end(&chars, at),
            c if c.is_alphanumeric() || c == '_' => {
                let mut end = at;
                while chars
                    .get(end)
                    .is_some_and(|c| c.is_alphanumeric() || *c == '_')
                {
                    end += 1;
                }
                let text: String = chars[at..end].iter().collect();
                match raw_string_end(&chars, &text, end) {
                    Some(end) => end,
                    // `r#name` is the name.
                    None if text == "r" && chars.get(end) == Some(&'#') => end + 1,
                    None => {
                        tokens.push(Token { text, line });
                        end
                    }
                }
            }
            c if c.is_whitespace() => at + 1,
            c => {
                let pair = matches!(
                    (c, chars.get(at + 1)),
                    (':', Some(':')) | ('-' | '=', Some('>'))
                );
                let end = at + 1 + usize::from(pair);
                tokens.push(Token {
                    text: chars[at..end].iter().collect(),
                    line,
                });
                end
            }
        };
        line += chars[at..end].iter().filter(|c| **c == '\n').count();
        at = end;
    }
    tokens
}

/// Index of the first `pattern` from `from` on, or the end.
fn find(chars: &[char], from: usize, pattern: &[char]) -> usize {
    (from..chars.len())
        .find(|&at| chars[at..].starts_with(pattern))
        .unwrap_or(chars.len())
}

/// Block comments nest.
fn block_comment_end(chars: &[char], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0);
    while at < chars.len() {
        if chars[at..].starts_with(&['/', '*']) {
            depth += 1;
            at += 2;
        } else if chars[at..].starts_with(&['*', '/']) {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    chars.len()
}

fn string_end(chars: &[char], from: usize) -> usize {
    let mut at = from + 1;
    while at < chars.len() {
        match chars[at] {
            '\\' => at += 2,
            '"' => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

/// The end of a raw string whose `prefix` (`r`, `br`, `cr`) ends at `from`; `None` if none begins.
fn raw_string_end(chars: &[char], prefix: &str, from: usize) -> Option<usize> {
    let hashes = chars[from..].iter().take_while(|c| **c == '#').count();
    if !matches!(prefix, "r" | "br" | "cr") || chars.get(from + hashes) != Some(&'"') {
        return None;
    }
    let mut close = vec!['"'];
    close.resize(hashes + 1, '#');
    Some((find(chars, from + hashes + 1, &close) + close.len()).min(chars.len()))
}

/// The end of a character literal, or of the quote that begins a lifetime and its name.
fn quote_end(chars: &[char], from: usize) -> usize {
    match chars.get(from + 1) {
        Some('\\') => (find(chars, from + 3, &['\'']) + 1).min(chars.len()),
        _ if chars.get(from + 2) == Some(&'\'') => from + 3,
        _ => {
            let name = chars[from + 1..].iter();
            from + 1
                + name
                    .take_while(|c| c.is_alphanumeric() || **c == '_')
                    .count()
        }
    }
}
