//! The codes of diagnoses that come with Auscult: ICD-10-CM, inside of its program.

use std::io::Read;

use flate2::read::GzDecoder;
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

const TABLE: &[u8] = include_bytes!("../../assets/codes/icd10cm.tsv.gz");
const CHAPTERS: &str = include_str!("../../assets/codes/icd10cm-chapters.tsv");

/// How many codes there are.
pub const CODE_COUNT: usize = 98_186;

/// A code of a diagnosis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// With its dot: `E11.9`.
    pub code: String,
    /// What it stands for.
    pub description: String,
    /// Its chapter, a place in the list of `chapters`.
    pub chapter: usize,
}

impl Code {
    /// The text in which Clinical ModernBERT met codes in its pre-training.
    pub fn text(&self) -> String {
        format!("ICD 10 code for {}: {}", self.code, self.description)
    }
}

/// The lines of a table after that of its names, cut at its tabs.
fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = text.lines().skip(1);
    lines.map(|line| line.split('\t').collect())
}

/// The names of the chapters, in order, each with the codes that it has.
pub fn chapters() -> Vec<String> {
    lines(CHAPTERS)
        .filter_map(|line| line.get(1).map(|name| (*name).to_owned()))
        .collect()
}

/// All codes, in their order.
pub fn codes() -> Vec<Code> {
    let mut text = String::new();
    GzDecoder::new(TABLE)
        .read_to_string(&mut text)
        .expect("the bundled table is whole, which a test holds");
    let code = |line: Vec<&str>| match line[..] {
        [code, description, chapter] => Some(Code {
            code: code.to_owned(),
            description: description.to_owned(),
            chapter: chapter.parse::<usize>().ok()?.checked_sub(1)?,
        }),
        _ => None,
    };
    lines(&text).filter_map(code).collect()
}

/// About `most` codes, in their order: as many of each chapter, or all that it has. Chapter 19 has more
/// than half of all codes, so that a plain sample would show little else.
///
/// The same seed gives the same codes. All of them where there are not more than `most`.
pub fn sample(all: Vec<Code>, most: usize, seed: u64) -> Vec<Code> {
    if all.len() <= most {
        return all;
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let chapters = all
        .iter()
        .map(|own| own.chapter)
        .max()
        .map_or(0, |last| last + 1);
    let mut of_chapter: Vec<Vec<usize>> = vec![Vec::new(); chapters];
    for (number, own) in all.iter().enumerate() {
        of_chapter[own.chapter].push(number);
    }
    of_chapter
        .iter_mut()
        .for_each(|own| own.shuffle(&mut random));
    // Small chapters first: what they lack is shared by those that have more.
    of_chapter.sort_by_key(Vec::len);
    let mut taken = vec![false; all.len()];
    let (mut left, mut to_go) = (most, of_chapter.len());
    for own in &of_chapter {
        let share = (left / to_go).min(own.len());
        own[..share].iter().for_each(|&number| taken[number] = true);
        (left, to_go) = (left - share, to_go - 1);
    }
    let own = all.into_iter().zip(taken);
    own.filter_map(|(code, taken)| taken.then_some(code))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        let (codes, chapters) = (codes(), chapters());
        assert_eq!((codes.len(), chapters.len()), (CODE_COUNT, 22));
        assert!(codes.iter().all(|own| own.chapter < chapters.len()));
        let own = codes.iter().find(|own| own.code == "E11.9").unwrap();
        let want = "ICD 10 code for E11.9: Type 2 diabetes mellitus without complications";
        assert_eq!(own.text(), want);
        assert!(chapters[own.chapter].starts_with("Endocrine"));
    }

    #[test]
    fn a_sample_has_as_many_of_each_chapter_and_follows_the_seed() {
        let all = codes();
        let own = sample(all.clone(), 1000, 7);
        let mut counts = [0; 22];
        own.iter().for_each(|own| counts[own.chapter] += 1);
        // The last chapter has five codes; the others share what it lacks.
        assert_eq!((own.len(), counts[21]), (1000, 5));
        assert!(
            counts[..21].iter().all(|&count| (47..=48).contains(&count)),
            "{counts:?}"
        );
        assert!(own.windows(2).all(|pair| pair[0].code != pair[1].code));
        assert_eq!(own, sample(all.clone(), 1000, 7));
        assert_ne!(own, sample(all.clone(), 1000, 8));
        assert_eq!(sample(all.clone(), CODE_COUNT, 7).len(), all.len());
    }
}
