//! What is asked of attention, on the command line.

use std::ops::Range;

use clap::ValueEnum;

use crate::engine::{Direction, HeadChoice, LayerChoice, Reduction};

/// Which way to look.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DirectionChoice {
    /// What the chosen tokens look at: their row.
    LooksAt,
    /// What looks at the chosen tokens: their column.
    LookedAtBy,
}

impl From<DirectionChoice> for Direction {
    fn from(choice: DirectionChoice) -> Self {
        match choice {
            DirectionChoice::LooksAt => Self::LooksAt,
            DirectionChoice::LookedAtBy => Self::LookedAtBy,
        }
    }
}

/// How several layers and heads become one value.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ReductionChoice {
    /// The mean over layers and heads.
    Mean,
    /// The largest of them.
    Max,
}

impl From<ReductionChoice> for Reduction {
    fn from(choice: ReductionChoice) -> Self {
        match choice {
            ReductionChoice::Mean => Self::Mean,
            ReductionChoice::Max => Self::Max,
        }
    }
}

pub(super) fn byte_range(text: &str) -> Result<Range<usize>, &'static str> {
    let (start, end) = text
        .split_once("..")
        .ok_or("write two numbers, as in 120..135")?;
    let number = |text: &str| {
        text.trim()
            .parse()
            .map_err(|_| "write two numbers, as in 120..135")
    };
    let range: Range<usize> = number(start)?..number(end)?;
    match range.is_empty() {
        true => Err("the second number has to be larger than the first"),
        false => Ok(range),
    }
}

/// Numbers and ranges of numbers, apart by commas.
fn numbers(text: &str) -> Result<Vec<usize>, &'static str> {
    const RULE: &str = "write numbers and ranges, as in 0,3,5-7";
    let mut found = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<u16>().map_err(|_| RULE);
        let range = number(first)?..=number(last)?;
        if range.is_empty() {
            return Err(RULE);
        }
        found.extend(range.map(usize::from));
    }
    Ok(found)
}

pub(super) fn layers(text: &str) -> Result<LayerChoice, &'static str> {
    Ok(match text {
        "all" => LayerChoice::All,
        "global" => LayerChoice::Global,
        "local" => LayerChoice::Local,
        text => LayerChoice::Only(numbers(text)?),
    })
}

pub(super) fn heads(text: &str) -> Result<HeadChoice, &'static str> {
    Ok(match text {
        "all" => HeadChoice::All,
        text => HeadChoice::Only(numbers(text)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_heads_and_bytes_are_read() {
        assert_eq!(numbers("0,3,5-7"), Ok(vec![0, 3, 5, 6, 7]));
        assert!(numbers("7-5").is_err() && numbers("").is_err() && numbers("a").is_err());
        assert_eq!(layers("global"), Ok(LayerChoice::Global));
        assert_eq!(heads("2"), Ok(HeadChoice::Only(vec![2])));
        assert_eq!(byte_range("3..9"), Ok(3..9));
        assert!(byte_range("9..3").is_err() && byte_range("9").is_err());
    }
}
