//! Figures of panels: what was painted, as an SVG or as pixels.

mod svg;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use eframe::egui::epaint::ClippedShape;
use eframe::egui::{ColorImage, LayerId, Rect, TextureId, Ui};

pub use self::svg::svg;

/// Pictures that are painted by their number; a figure needs the pixels.
pub type Pictures = HashMap<TextureId, Arc<ColorImage>>;

/// What was painted in a part of the window.
pub struct Painted {
    /// The part.
    pub rect: Rect,
    /// What is behind it.
    pub shapes: Vec<ClippedShape>,
    /// The pixels of pictures among the shapes.
    pub pictures: Pictures,
}

/// Shapes that were painted so far in the layer of `ui`.
pub fn count(ui: &Ui) -> usize {
    of_layer(ui, ui.layer_id(), <[ClippedShape]>::len)
}

/// The shapes that were painted in the layer of `ui` since there were `before`.
pub fn since(ui: &Ui, before: usize) -> Vec<ClippedShape> {
    of_layer(ui, ui.layer_id(), |all| {
        all.get(before..).unwrap_or_default().to_vec()
    })
}

fn of_layer<T>(ui: &Ui, layer: LayerId, then: impl FnOnce(&[ClippedShape]) -> T) -> T {
    let all: Vec<ClippedShape> = ui.ctx().graphics(|own| {
        let list = own.get(layer);
        list.map_or_else(Vec::new, |own| own.all_entries().cloned().collect())
    });
    then(&all)
}

/// Whether a figure is to be made of pixels, by the name of its file.
pub fn is_pixels(path: &Path) -> bool {
    path.extension()
        .is_some_and(|own| own.eq_ignore_ascii_case("png"))
}

/// Pixels as a PNG.
///
/// # Errors
/// A sentence, when they cannot be encoded.
pub fn png(image: &ColorImage) -> Result<Vec<u8>, String> {
    let [width, height] = image.size.map(|own| u32::try_from(own).unwrap_or(u32::MAX));
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    let pixels = image.pixels.iter();
    let pixels: Vec<u8> = pixels.flat_map(|own| own.to_srgba_unmultiplied()).collect();
    let wrong = |error: png::EncodingError| format!("the picture cannot be written: {error}");
    let mut writer = encoder.write_header().map_err(wrong)?;
    writer.write_image_data(&pixels).map_err(wrong)?;
    writer.finish().map_err(wrong)?;
    Ok(bytes)
}

/// A part of a picture of the window, the part in points.
pub fn cropped(image: &ColorImage, part: Rect, pixels_per_point: f32) -> ColorImage {
    let [width, height] = image.size;
    let pixel =
        |point: f32, most: usize| ((point * pixels_per_point).round().max(0.0) as usize).min(most);
    let (left, right) = (pixel(part.min.x, width), pixel(part.max.x, width));
    let (top, bottom) = (pixel(part.min.y, height), pixel(part.max.y, height));
    let rows = image
        .pixels
        .chunks_exact(width.max(1))
        .take(bottom)
        .skip(top);
    let pixels = rows.flat_map(|row| row[left..right].iter().copied());
    ColorImage::new([right - left, bottom.saturating_sub(top)], pixels.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{Color32, pos2};

    #[test]
    fn a_part_of_a_picture_is_cut_out_and_written() {
        let grey = |own: usize| Color32::from_gray(own as u8);
        let image = ColorImage::new([6, 4], (0..24).map(grey).collect());
        let part = Rect::from_min_max(pos2(1.0, 0.5), pos2(2.0, 9.0));
        let own = cropped(&image, part, 2.0);
        assert_eq!(own.size, [2, 3]);
        assert_eq!(own.pixels, [8, 9, 14, 15, 20, 21].map(grey));
        let bytes = png(&own).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes))
            .read_info()
            .unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut pixels).unwrap();
        assert_eq!(pixels[4..8], [9, 9, 9, 255]);
    }
}
