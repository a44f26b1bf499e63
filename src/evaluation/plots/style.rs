//! Colours, marks and letters of all plots.

use std::sync::Once;

use plotters::style::{
    Color, FontFamily, FontStyle, FontTransform, IntoFont, RGBColor, TextStyle, register_font,
};

/// The background.
pub(super) const PAPER: RGBColor = RGBColor(255, 255, 255);
/// Text.
pub(super) const INK: RGBColor = RGBColor(31, 41, 51);
/// Text that explains, and lines of axes.
pub(super) const SOFT: RGBColor = RGBColor(97, 110, 124);
/// Lines behind the data.
pub(super) const GRID: RGBColor = RGBColor(228, 231, 235);

/// Colours that also those tell apart who see red and green alike (Okabe and Ito 2008), without the
/// yellow, which paper swallows.
pub(super) const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(70, 70, 70),
];

/// Sizes of letters.
pub(super) const TITLE: f64 = 17.0;
pub(super) const LABEL: f64 = 13.0;
pub(super) const SMALL: f64 = 12.0;

/// The font that comes with the program, so that none of the system is needed.
const ROBOTO: &[u8] = include_bytes!("../../../assets/fonts/Roboto-Regular.ttf");

/// Makes the font known; an SVG names the reader's own sans-serif and is laid out with this one.
pub(super) fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // What comes with the program is a font.
        let known = register_font("sans-serif", FontStyle::Normal, ROBOTO);
        debug_assert!(known.is_ok());
    });
}

/// Text of a size in units.
pub(super) fn text(size: f64, scale: f64, colour: RGBColor) -> TextStyle<'static> {
    (FontFamily::SansSerif, size * scale)
        .into_font()
        .color(&colour)
}

/// The same, from the bottom up.
pub(super) fn upwards(style: &TextStyle<'static>) -> TextStyle<'static> {
    style.transform(FontTransform::Rotate270)
}

/// The blue of a share from 0 to 1, evenly from paper to a dark blue.
pub(super) fn share(share: f64) -> RGBColor {
    const DARK: [f64; 3] = [8.0, 69.0, 124.0];
    let mix = |part: usize| (255.0 + (DARK[part] - 255.0) * share.clamp(0.0, 1.0)).round() as u8;
    RGBColor(mix(0), mix(1), mix(2))
}

/// A text of at most so many characters; what is longer loses its middle.
pub(super) fn shortened(text: &str, most: usize) -> String {
    let letters: Vec<char> = text
        .chars()
        .map(|letter| if letter.is_control() { ' ' } else { letter })
        .collect();
    if letters.len() <= most {
        return letters.into_iter().collect();
    }
    let end = (most - 1) / 3;
    let begin = most - 1 - end;
    let parts = letters[..begin].iter().chain(&['…']);
    parts.chain(&letters[letters.len() - end..]).collect()
}

/// Whether a colour is dark, so that text on it is white.
pub(super) fn is_dark(colour: RGBColor) -> bool {
    let (r, g, b) = colour.rgb();
    0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b) < 140.0
}
