//! Finds texts that are nearly the same, without comparing each with each.
//!
//! MinHash (Broder 1997, "On the resemblance and containment of documents") with bands (Leskovec,
//! Rajaraman and Ullman, "Mining of Massive Datasets", section 3.4).

use std::collections::HashMap;

/// From which share of shingles on, of all that either has, two texts are nearly the same (Jaccard
/// similarity).
pub const SIMILAR: f64 = 0.8;

/// Words of a shingle.
const WORDS: usize = 5;

/// Two texts of similarity s agree in one band at least with probability 1 - (1 - s^5)^20: 99.96 % for
/// 0.8, 5 % for 0.3.
const BANDS: usize = 20;
const ROWS: usize = 5;

/// Notes of one bucket that a text is compared with at most, so that time stays linear where
/// thousands of notes begin with the same form.
const COMPARED: usize = 8;

/// Scrambles a number (the finalizer of splitmix64, Steele, Lea and Flood 2014).
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Hash of a word, the same on every machine (FNV-1a).
fn hash(word: &str) -> u64 {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    mix(word.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}

/// The hashes of a text's runs of five words, each once, sorted; of a shorter text all of it.
pub struct Shingles(Vec<u64>);

impl Shingles {
    /// The shingles of a text.
    pub fn new(text: &str) -> Self {
        let words: Vec<u64> = text.split_whitespace().map(hash).collect();
        let run = |words: &[u64]| {
            words
                .iter()
                .fold(0, |all, word| mix(all ^ word).wrapping_add(1))
        };
        let mut all: Vec<u64> = match words.len() {
            0 => Vec::new(),
            1..WORDS => Vec::from([run(&words)]),
            _ => words.windows(WORDS).map(run).collect(),
        };
        all.sort_unstable();
        all.dedup();
        Self(all)
    }

    /// The hashes, to be kept elsewhere.
    pub fn numbers(&self) -> &[u64] {
        &self.0
    }

    /// Shingles from their [`numbers`](Self::numbers).
    pub fn from_numbers(numbers: Vec<u64>) -> Self {
        Self(numbers)
    }

    /// Jaccard similarity: shared shingles by all shingles of both; 0 for empty texts.
    pub(super) fn similarity(&self, other: &Self) -> f64 {
        let shared = self
            .0
            .iter()
            .filter(|one| other.0.binary_search(one).is_ok());
        let shared = shared.count();
        let all = self.0.len() + other.0.len() - shared;
        match all {
            0 => 0.0,
            all => shared as f64 / all as f64,
        }
    }

    /// One number for each band, of the smallest hashes under that band's functions; `None` for an
    /// empty text.
    pub(super) fn bands(&self) -> Option<Bands> {
        let band = |band| {
            (0..ROWS).fold(0, |all, row| {
                let salt = mix((band * ROWS + row + 1) as u64);
                let least = self.0.iter().map(|shingle| mix(shingle ^ salt)).min();
                mix(all ^ least.unwrap_or_default()).wrapping_add(1)
            })
        };
        (!self.0.is_empty()).then(|| Bands(std::array::from_fn(band)))
    }
}

/// What similar texts have in common with a high probability.
pub(super) struct Bands([u64; BANDS]);

/// Texts by their bands, those only that another text is going to ask for: memory grows with the
/// texts that ask.
#[derive(Default)]
pub(super) struct Sketch {
    buckets: HashMap<(usize, u64), Vec<usize>>,
}

impl Sketch {
    /// Says that a text with these bands is going to ask.
    pub(super) fn expect(&mut self, bands: &Bands) {
        for band in bands.0.into_iter().enumerate() {
            self.buckets.entry(band).or_default();
        }
    }

    /// Keeps a text under a number.
    pub(super) fn add(&mut self, bands: &Bands, number: usize) {
        for band in bands.0.into_iter().enumerate() {
            if let Some(bucket) = self.buckets.get_mut(&band)
                && bucket.len() < COMPARED
            {
                bucket.push(number);
            }
        }
    }

    /// Texts that may be nearly the same as this one, of those for which `is` holds, each once.
    pub(super) fn candidates(&self, bands: &Bands, is: impl Fn(usize) -> bool) -> Vec<usize> {
        let bands = bands.0.into_iter().enumerate();
        let buckets = bands.filter_map(|band| self.buckets.get(&band));
        let mut found: Vec<usize> = buckets.flatten().copied().filter(|one| is(*one)).collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(count: usize, from: usize) -> Vec<String> {
        (from..from + count)
            .map(|word| format!("w{word}"))
            .collect()
    }

    #[test]
    fn similarity_on_paper() {
        let of = |text: &str| Shingles::new(text);
        assert_eq!(of("a b c d e f").similarity(&of("a b c d e f")), 1.0);
        // abcde, bcdef against bcdef, cdefg.
        assert_eq!(of("a b c d e f").similarity(&of("b c d e f g")), 1.0 / 3.0);
        assert_eq!(of("a b").similarity(&of("a b")), 1.0);
        assert_eq!(of("a b").similarity(&of("b a")), 0.0);
        assert_eq!(of("").similarity(&of("")), 0.0);
    }

    /// Texts that differ in one word of 60 (similarity 51/61) are found nearly always; those that
    /// share half are hardly looked at.
    #[test]
    fn similar_texts_meet_and_others_do_not() {
        let (mut met, mut strangers) = (0, 0);
        for round in 0..200 {
            let own = words(60, round * 1000);
            let mut near = own.clone();
            near[30] = "other".to_owned();
            let mut half = own.clone();
            half.truncate(30);
            half.extend(words(30, round * 1000 + 500));
            let (own, near, half) = (own.join(" "), near.join(" "), half.join(" "));
            let (own, near, half) = (
                Shingles::new(&own),
                Shingles::new(&near),
                Shingles::new(&half),
            );
            assert_eq!(own.similarity(&near), 51.0 / 61.0);
            let mut sketch = Sketch::default();
            for other in [&near, &half] {
                sketch.expect(&other.bands().unwrap());
            }
            sketch.add(&own.bands().unwrap(), 7);
            let meets =
                |other: &Shingles| sketch.candidates(&other.bands().unwrap(), |_| true).len();
            met += meets(&near);
            strangers += meets(&half);
        }
        assert!(met >= 198, "{met}");
        assert!(strangers <= 60, "{strangers}");
    }
}
