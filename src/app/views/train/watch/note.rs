//! A watched note at a frame: its text with what a word looks at, and what the model says of it.

use std::ops::Range;

use eframe::egui::{self, Id, Rect, RichText, Role, ScrollArea, Ui, UiBuilder, WidgetInfo, pos2};

use super::{Room, bad, map};
use crate::app::state::State;
use crate::app::theme;
use crate::app::widgets::note_text::{Marks, NoteText, Underline};
use crate::app::widgets::parts::{self, Scale};
use crate::engine::{Film, FilmProbe, Says, Seen, SpanSeen, counted};

/// Width of what stands beside the text, and of the map beside that.
const BESIDE: f32 = 230.0;
const MAP: f32 = 190.0;

/// With less room than this the map stands below what is beside the text.
const WIDE: f32 = 700.0;

/// Height of the text where all is scrolled.
const TEXT: f32 = 180.0;

/// Space between both.
const GAP: f32 = 12.0;

/// What is drawn of a note.
#[derive(Default)]
pub struct ProbeView {
    text: NoteText,
    /// The note and the word of it that were shown last: another word is brought into view.
    shown: Option<(usize, Range<usize>)>,
}

impl ProbeView {
    /// Draws the note that is chosen, at this frame, in the rest of the panel.
    pub fn ui(&mut self, ui: &mut Ui, room: Room, film: &Film, place: usize, state: &State) {
        let watching = &state.train.watch;
        let number = watching.note;
        let Some(probe) = film.frames[place].probe(number) else {
            parts::soft(ui, "This note was not watched at this step.");
            map::ui(ui, film, place, number);
            return;
        };
        let seen = match &probe.seen {
            Ok(seen) => seen,
            Err(reason) => {
                bad(ui, reason);
                map::ui(ui, film, place, number);
                return;
            }
        };
        let key = watching.open.get(number).copied().flatten();
        let note = key
            .and_then(|own| state.library.get(own))
            .map(|own| own.note.clone());
        let text = note.as_ref().map(|own| own.text());
        let most = strongest(film, number);
        let rect = ui.available_rect_before_wrap();
        if room == Room::Scrolled {
            let size = egui::vec2(ui.available_width(), TEXT);
            let (own, _) = ui.allocate_exact_size(size, egui::Sense::hover());
            self.text(ui, own, (number, text), seen, most);
            ui.add_space(6.0);
            says(ui, probe, seen, text);
            map::ui(ui, film, place, number);
            lens(ui, seen, text, most);
            return;
        }
        let wide = rect.width() >= WIDE;
        let mut rect = rect;
        let whole = rect;
        if wide {
            let border = rect.max.x - MAP;
            let own = Rect::from_min_max(pos2(border, rect.min.y), rect.max);
            let own = &mut ui.new_child(UiBuilder::new().max_rect(own));
            ScrollArea::vertical()
                .id_salt("map of the note")
                .auto_shrink(false)
                .show(own, |ui| {
                    map::ui(ui, film, place, number);
                    lens(ui, seen, text, most);
                });
            rect.max.x = border - GAP;
        }
        let border = rect.max.x - BESIDE;
        let left = Rect::from_min_max(rect.min, pos2(border - GAP, rect.max.y));
        self.text(ui, left, (number, text), seen, most);
        let right = Rect::from_min_max(pos2(border, rect.min.y), rect.max);
        let mut side = ui.new_child(UiBuilder::new().max_rect(right));
        ScrollArea::vertical()
            .id_salt("beside the note")
            .auto_shrink(false)
            .show(&mut side, |ui| {
                says(ui, probe, seen, text);
                if !wide {
                    map::ui(ui, film, place, number);
                    lens(ui, seen, text, most);
                }
            });
        ui.advance_cursor_after_rect(whole);
    }

    /// The words of the note, if it is open.
    fn text(
        &mut self,
        ui: &mut Ui,
        rect: Rect,
        (number, text): (usize, Option<&str>),
        seen: &Seen,
        most: f32,
    ) {
        let palette = theme::palette(ui);
        ui.painter().rect_filled(rect, 6.0, palette.surface);
        let mut inside = ui.new_child(UiBuilder::new().max_rect(rect));
        let Some(text) = text else {
            inside.add_space(12.0);
            inside.vertical_centered(|ui| {
                ui.label(RichText::new("This note is not open").font(theme::strong(13.0)));
                parts::soft(ui, "Frames hold no text; open its file to see its words.");
            });
            return;
        };
        let tint: Vec<(Range<usize>, f32)> = (seen.lens.words.iter())
            .map(|(start, end, value)| (*start..*end, (value / most).clamp(0.0, 1.0)))
            .collect();
        let lines = match &seen.says {
            Says::Spans { spans } => underlines(spans),
            _ => Vec::new(),
        };
        let read: Vec<Range<usize>> = match seen.read_end < text.len() {
            true => std::iter::once(0..seen.read_end).collect(),
            false => Vec::new(),
        };
        let looks = seen.lens.start..seen.lens.end;
        let marks = Marks {
            chosen: (!looks.is_empty()).then_some(looks),
            marked: match &seen.says {
                Says::Word { start, end, .. } => Some(*start..*end),
                _ => None,
            },
            tint: &tint,
            lines: &lines,
            read: &read,
            ..Marks::default()
        };
        let id = Id::unique(("watched note", number, text.len()));
        let now = Some((number, seen.lens.start..seen.lens.end));
        let reveal = self.shown != now;
        self.shown = now;
        let touched = self.text.show(&mut inside, id, text, &marks, reveal);
        if let Some(byte) = touched.hovered {
            hovered(&inside, byte, seen, &lines);
        }
    }
}

/// What is under the pointer, in numbers.
fn hovered(ui: &Ui, byte: usize, seen: &Seen, lines: &[Underline]) {
    let mut said: Vec<String> = (lines.iter())
        .filter(|own| own.bytes.contains(&byte))
        .map(|own| own.label.clone())
        .collect();
    let words = &seen.lens.words;
    let place = words.partition_point(|(_, end, _)| *end <= byte);
    if let Some((start, _, value)) = words.get(place)
        && *start <= byte
    {
        said.push(format!("Attention {value:.4}"));
    }
    if said.is_empty() {
        return;
    }
    egui::Tooltip::always_open(
        ui.ctx().clone(),
        ui.layer_id(),
        ui.scope_id().with("watched"),
        egui::PopupAnchor::Pointer,
    )
    .show(|ui| said.into_iter().for_each(|own| drop(ui.label(own))));
}

/// The largest share of attention that a word of the note has in any frame: colours are of one measure
/// in the whole film.
fn strongest(film: &Film, note: usize) -> f32 {
    let seen = film
        .frames
        .iter()
        .filter_map(|own| own.probe(note)?.seen.as_ref().ok());
    let words = seen.flat_map(|own| &own.lens.words);
    words.map(|own| own.2).fold(1e-9, f32::max)
}

fn underlines(spans: &[SpanSeen]) -> Vec<Underline> {
    let mut kinds: Vec<&str> = spans.iter().map(|own| &*own.label).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let lines = spans.iter().map(|own| Underline {
        bytes: own.start..own.end,
        kind: kinds.binary_search(&&*own.label).unwrap_or(0),
        label: format!("{} · score {:.2}", own.label, own.score),
    });
    lines.collect()
}

/// What the colours of the words stand for.
fn lens(ui: &mut Ui, seen: &Seen, text: Option<&str>, most: f32) {
    ui.add_space(6.0);
    parts::heading(ui, "What it looks at");
    let word = text.and_then(|own| own.get(seen.lens.start..seen.lens.end));
    let from = match word {
        _ if seen.lens.start == seen.lens.end => "the first token".to_owned(),
        Some(word) => format!("“{}”", word.trim()),
        None => "the chosen word".to_owned(),
    };
    parts::soft(ui, format!("From {from}, in the mean of the global layers"));
    ui.horizontal(|ui| parts::legend(ui, &format!("{most:.4}"), Scale::Even));
    let apart = seen.lens.hidden + seen.lens.outside;
    let said = format!("{apart:.3} goes to marks and special tokens");
    parts::soft(ui, said);
    ui.add_space(6.0);
}

/// Bars or spans that are drawn at most.
const MOST: usize = 12;

/// What the head of the model says.
fn says(ui: &mut Ui, probe: &FilmProbe, seen: &Seen, text: Option<&str>) {
    let palette = theme::palette(ui);
    let bar = |ui: &mut Ui, share: f32, label: &str, value: String| {
        let own = parts::bar(ui, share, label, &value, palette.accent);
        own.widget_info(|| WidgetInfo::labeled(Role::Label, true, format!("{label}, {value}")));
    };
    match &seen.says {
        Says::Labels { labels } => {
            parts::heading(ui, "Labels");
            for (label, score) in labels.iter().take(MOST) {
                bar(ui, *score, label, format!("score {score:.3}"));
            }
        }
        Says::Spans { spans } => {
            parts::heading(ui, &counted(spans.len(), "span"));
            for own in spans.iter().take(MOST) {
                let words = text.and_then(|text| text.get(own.start..own.end));
                let label = match words {
                    Some(words) => {
                        let words: Vec<&str> = words.split_whitespace().collect();
                        format!("{} · {}", own.label, words.join(" "))
                    }
                    None => own.label.clone(),
                };
                bar(ui, own.score, &label, format!("score {:.3}", own.score));
            }
            if spans.len() > MOST {
                parts::soft(ui, format!("and {} more", spans.len() - MOST));
            }
        }
        Says::Word {
            start,
            end,
            candidates,
        } => {
            let word = text.and_then(|own| own.get(*start..*end));
            let word = word.map(str::trim);
            let said = match word {
                Some(word) => format!("In the place of “{word}”"),
                None => "In the place of a hidden word".to_owned(),
            };
            parts::heading(ui, &said);
            for (own, (_, score)) in probe.words.iter().zip(candidates) {
                let value = format!("probability {score:.3}");
                let right = word.is_some_and(|word| word == own.trim());
                let label = if right {
                    format!("{} ✓", own.trim())
                } else {
                    own.trim().to_owned()
                };
                bar(ui, *score, &label, value);
            }
        }
    }
    ui.add_space(2.0);
}
