//! Reads the table of `docs/ARCHITECTURE.md`.

/// One row: a module and what it may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name in `src/`.
    pub module: String,
    /// What it does.
    pub sentence: String,
    /// Modules of this crate; `all above` is written out.
    pub may_use: Vec<String>,
    /// Crates, spelled as in code: `burn_store`.
    pub crates: Vec<String>,
}

/// The rows of the table that starts with `| module |`, from the bottom module up.
///
/// # Errors
/// A sentence about the first row that cannot be read.
pub fn rows(markdown: &str) -> Result<Vec<Row>, String> {
    let table = markdown
        .lines()
        .skip_while(|line| !line.starts_with("| module |"))
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let mut rows: Vec<Row> = Vec::new();
    for line in table {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [module, sentence, may_use, crates] = cells[..] else {
            return Err(format!("a row needs four cells: {line}"));
        };
        let [module] = &names(module)?[..] else {
            return Err(format!(
                "the first cell needs one module in backticks: {line}"
            ));
        };
        let may_use = match may_use {
            "all above" => rows.iter().map(|row| row.module.clone()).collect(),
            list => names(list)?,
        };
        rows.push(Row {
            module: module.clone(),
            sentence: sentence.to_owned(),
            may_use,
            crates: names(crates)?
                .iter()
                .map(|name| name.replace('-', "_"))
                .collect(),
        });
    }
    if rows.is_empty() {
        return Err("no table that starts with `| module |`".to_owned());
    }
    Ok(rows)
}

/// The names of a cell such as `` `a`, `b` ``; none for a dash.
fn names(cell: &str) -> Result<Vec<String>, String> {
    if cell == "–" {
        return Ok(Vec::new());
    }
    cell.split(',')
        .map(|part| {
            let name = part.trim();
            name.strip_prefix('`')
                .and_then(|name| name.strip_suffix('`'))
                .filter(|name| !name.is_empty() && !name.contains('`'))
                .map(str::to_owned)
                .ok_or_else(|| format!("`{name}` is neither a name in backticks nor a dash"))
        })
        .collect()
}

/// The names in a section of a TOML file in the form that Cargo.toml's `[dependencies]` has,
/// spelled as in code.
pub fn section_keys(toml: &str, section: &str) -> Vec<String> {
    let heading = format!("[{section}]");
    toml.lines()
        .skip_while(|line| line.trim() != heading)
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once('='))
        .map(|(key, _)| key.trim().trim_matches('"'))
        .filter(|key| !key.starts_with('#'))
        .map(|key| key.replace('-', "_"))
        .collect()
}

/// The crates that `deny.toml` forbids by name, spelled as on the registry.
pub fn denied_crates(deny: &str) -> Vec<String> {
    deny.lines()
        .skip_while(|line| !line.starts_with("deny = ["))
        .skip(1)
        .take_while(|line| !line.starts_with(']'))
        .filter_map(|line| line.split_once("crate = \"")?.1.split_once('"'))
        .map(|(name, _)| name.to_owned())
        .collect()
}
