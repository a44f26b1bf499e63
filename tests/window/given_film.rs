//! A film of two notes, with scores and places that are given.

use std::path::PathBuf;
use std::sync::Arc;

use auscult::engine::{
    Film, FilmFrame, FilmNote, FilmProbe, LensSeen, Note, Says, Seen, text_sha256,
};

use super::given::{RUN, STEPS, start};
use crate::common::Numbers;

/// Steps between two frames.
const EVERY: u64 = 20;

/// The film of these notes.
pub fn film(notes: &[Arc<Note>]) -> Film {
    let all = notes.iter().map(|own| FilmNote {
        source: own.source().to_string(),
        sha256: text_sha256(own),
    });
    let steps = (0..=STEPS / EVERY).map(|own| own * EVERY);
    Film {
        run: PathBuf::from(RUN),
        notes: all.collect(),
        frames: steps.map(|step| frame(notes, step)).collect(),
        wrong: Vec::new(),
        explained: [0.61, 0.22],
    }
}

fn frame(notes: &[Arc<Note>], step: u64) -> FilmFrame {
    let probes = notes.iter().enumerate();
    FilmFrame {
        step,
        loss: (step > 0).then(|| 0.12 + 52.0 / (step as f64 + 40.0)),
        probes: probes
            .map(|(number, own)| probe(own, number, step))
            .collect(),
    }
}

fn probe(note: &Note, number: usize, step: u64) -> FilmProbe {
    let learned = step as f32 / (step as f32 + 60.0);
    let mut labels: Vec<(String, f32)> = (start().labels.into_iter().enumerate())
        .map(|(class, label)| {
            let least = 0.3 - 0.05 * class as f32;
            let score = match class == 2 * number {
                true => least + (0.96 - least) * learned,
                false => least - (least - 0.02) * learned,
            };
            (label, score)
        })
        .collect();
    labels.sort_by(|a, b| b.1.total_cmp(&a.1));
    let away = if number == 0 { 1.0 } else { -1.0 };
    let sway = (step / EVERY % 3) as f32 - 1.0;
    FilmProbe {
        note: number,
        place: Some([
            away * (0.1 + 1.4 * learned),
            0.9 * learned * learned - 0.08 * sway,
        ]),
        seen: Ok(Seen {
            read_end: note.text().len(),
            says: Says::Labels { labels },
            lens: lens(note.text(), step),
            vector: Vec::new(),
        }),
        words: Vec::new(),
    }
}

/// What a word of the note looks at.
fn lens(text: &str, step: u64) -> LensSeen {
    let mut numbers = Numbers(step + 11);
    let mut words = Vec::new();
    let mut from = 0;
    for word in text.split_whitespace() {
        let start = from + text[from..].find(word).unwrap_or(0);
        from = start + word.len();
        let value = numbers.below(1000) as f32 / 1000.0;
        words.push((start, from, 0.02 * value * value * value));
    }
    let long = (words.iter()).find(|own| text[own.0..own.1].eq_ignore_ascii_case("complaint"));
    let (start, end) = long.map_or((0, 0), |own| (own.0, own.1));
    LensSeen {
        start,
        end,
        words,
        outside: 0.031,
        hidden: 0.214,
    }
}
