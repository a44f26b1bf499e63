//! What was painted, as an SVG: text stays text, lines stay lines.

use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use eframe::egui::{
    Color32, ColorImage, FontFamily, Mesh, Pos2, Rect, Shape, Stroke, StrokeKind, TextureId,
    epaint::{PathShape, RectShape, TessellationOptions, Tessellator, TextShape, text::Row},
    pos2,
};

use super::{Painted, Pictures, png};

/// Height of the line under a figure that says where it is from.
const CAPTION: f32 = 22.0;

/// What was painted, on `behind`, with `caption` in a line under it.
///
/// # Errors
/// A sentence, when a picture cannot be written.
pub fn svg(
    painted: &Painted,
    behind: Color32,
    caption: &str,
    ink: Color32,
) -> Result<String, String> {
    let own = painted.rect;
    let (width, height) = (own.width(), own.height() + CAPTION);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"{} {} {width} {height}\">\n",
        own.min.x, own.min.y
    );
    let whole = Rect::from_min_max(own.min, pos2(own.max.x, own.max.y + CAPTION));
    let _ = writeln!(out, "<rect {}{}/>", area(whole), fill(behind));
    let mut drawing = Drawing {
        out,
        pictures: &painted.pictures,
        clips: 0,
    };
    for shape in &painted.shapes {
        let clip = shape.clip_rect.intersect(own);
        if clip.is_positive() && shape.shape.visual_bounding_rect().intersects(clip) {
            drawing.clipped(clip, &shape.shape)?;
        }
    }
    let at = pos2(own.min.x + 12.0, own.max.y + 15.0);
    let mut out = drawing.out;
    let _ = writeln!(
        out,
        "<text x=\"{}\" y=\"{}\" font-family=\"Inter, sans-serif\" font-size=\"11\"{}>{}</text>\n</svg>",
        at.x,
        at.y,
        fill(ink),
        escaped(caption)
    );
    Ok(out)
}

struct Drawing<'a> {
    out: String,
    pictures: &'a Pictures,
    clips: usize,
}

impl Drawing<'_> {
    fn clipped(&mut self, clip: Rect, shape: &Shape) -> Result<(), String> {
        // Most shapes lie inside of what can be seen.
        if clip.contains_rect(shape.visual_bounding_rect()) {
            return self.shape(shape);
        }
        self.clips += 1;
        let number = self.clips;
        let _ = writeln!(
            self.out,
            "<clipPath id=\"c{number}\"><rect {}/></clipPath>\n<g clip-path=\"url(#c{number})\">",
            area(clip)
        );
        self.shape(shape)?;
        self.out.push_str("</g>\n");
        Ok(())
    }

    fn shape(&mut self, shape: &Shape) -> Result<(), String> {
        match shape {
            Shape::Noop | Shape::Callback(_) => {}
            Shape::Vec(all) => all.iter().try_for_each(|own| self.shape(own))?,
            Shape::Rect(own) => self.rect(own)?,
            Shape::Circle(own) => {
                let (at, radius) = (own.center, own.radius);
                let _ = writeln!(
                    self.out,
                    "<circle cx=\"{}\" cy=\"{}\" r=\"{radius}\"{}{}/>",
                    at.x,
                    at.y,
                    fill(own.fill),
                    line(own.stroke)
                );
            }
            Shape::LineSegment { points, stroke } => {
                let [a, b] = points;
                let _ = writeln!(
                    self.out,
                    "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"{}/>",
                    a.x,
                    a.y,
                    b.x,
                    b.y,
                    line(*stroke)
                );
            }
            Shape::Path(own) => self.path(own),
            Shape::Text(own) => self.text(own),
            Shape::Mesh(mesh) => self.mesh(mesh)?,
            other => {
                // Bands, curves, ellipses: as the window has them, in triangles.
                let options = TessellationOptions {
                    feathering: false,
                    ..TessellationOptions::default()
                };
                let mut tessellator = Tessellator::new(1.0, options, [1, 1], Vec::new());
                let mut mesh = Mesh::default();
                tessellator.tessellate_shape(other.clone(), &mut mesh);
                self.mesh(&mesh)?;
            }
        }
        Ok(())
    }

    fn rect(&mut self, own: &RectShape) -> Result<(), String> {
        if let Some(brush) = &own.brush {
            return self.picture(brush.fill_texture_id, own.rect, brush.uv);
        }
        let by = match own.stroke_kind {
            StrokeKind::Inside => -own.stroke.width / 2.0,
            StrokeKind::Middle => 0.0,
            StrokeKind::Outside => own.stroke.width / 2.0,
        };
        let radius = f32::from(own.corner_radius.nw);
        let round = match radius > 0.0 {
            true => format!(" rx=\"{radius}\""),
            false => String::new(),
        };
        if own.fill != Color32::TRANSPARENT {
            let _ = writeln!(
                self.out,
                "<rect {}{round}{}/>",
                area(own.rect),
                fill(own.fill)
            );
        }
        if own.stroke.width > 0.0 && own.stroke.color != Color32::TRANSPARENT {
            let edge = own.rect.expand(by);
            let _ = writeln!(
                self.out,
                "<rect {}{round} fill=\"none\"{}/>",
                area(edge),
                line(own.stroke)
            );
        }
        Ok(())
    }

    fn path(&mut self, own: &PathShape) {
        let mut points = String::new();
        for (number, point) in own.points.iter().enumerate() {
            let letter = if number == 0 { "M" } else { "L" };
            let _ = write!(points, "{letter}{} {}", point.x, point.y);
        }
        if own.closed {
            points.push('Z');
        }
        let colour = match &own.stroke.color {
            eframe::egui::epaint::ColorMode::Solid(colour) => *colour,
            // A colour that changes along the line; none of ours does.
            eframe::egui::epaint::ColorMode::UV(_) => Color32::GRAY,
        };
        let stroke = Stroke::new(own.stroke.width, colour);
        let _ = writeln!(
            self.out,
            "<path d=\"{points}\"{}{}/>",
            fill(own.fill),
            line(stroke)
        );
    }

    /// Text by rows and colours, each letter at its place.
    fn text(&mut self, own: &TextShape) {
        let job = &own.galley.job;
        let mut letters = job.text.char_indices();
        for placed in &own.galley.rows {
            let row: &Row = &placed.row;
            let mut run: Option<(usize, String, String, Pos2)> = None;
            for glyph in &row.glyphs {
                // A text that was cut short ends in a sign that the text does not have.
                let byte = letters.clone().next().filter(|(_, own)| *own == glyph.chr);
                if byte.is_some() {
                    letters.next();
                }
                let byte = byte.map_or(job.text.len().saturating_sub(1), |(byte, _)| byte);
                let section = job.sections.iter().position(|own| {
                    let range = &own.byte_range;
                    range.start.0 <= byte && byte < range.end.0
                });
                let section = section.unwrap_or(0);
                let at = own.pos + placed.pos.to_vec2() + glyph.pos.to_vec2();
                if run.as_ref().is_none_or(|(number, ..)| *number != section) {
                    if let Some(run) = run.take() {
                        self.run(own, run);
                    }
                    run = Some((section, String::new(), String::new(), at));
                }
                if let Some((_, text, places, _)) = &mut run {
                    text.push(glyph.chr);
                    let _ = write!(places, "{:.2} ", at.x);
                }
            }
            if let Some(run) = run {
                self.run(own, run);
            }
            if placed.ends_with_newline {
                letters.next();
            }
        }
    }

    fn run(&mut self, own: &TextShape, (section, text, places, at): (usize, String, String, Pos2)) {
        if text.trim().is_empty() {
            return;
        }
        let Some(format) = own.galley.job.sections.get(section).map(|own| &own.format) else {
            return;
        };
        let colour = match (own.override_text_color, format.color) {
            (Some(colour), _) => colour,
            (None, Color32::PLACEHOLDER) => own.fallback_color,
            (None, colour) => colour,
        };
        let family = match &format.font_id.family {
            FontFamily::Proportional => "font-family=\"Inter, sans-serif\"",
            FontFamily::Monospace => "font-family=\"Hack, monospace\"",
            FontFamily::Name(_) => "font-family=\"Inter, sans-serif\" font-weight=\"600\"",
        };
        let _ = writeln!(
            self.out,
            "<text xml:space=\"preserve\" y=\"{:.2}\" x=\"{}\" {family} font-size=\"{}\"{}>{}</text>",
            at.y,
            places.trim_end(),
            format.font_id.size,
            fill(colour),
            escaped(&text)
        );
    }

    fn mesh(&mut self, mesh: &Mesh) -> Result<(), String> {
        if let Some(vertices) = mesh
            .vertices
            .get(..4)
            .filter(|_| mesh.texture_id != TextureId::default())
        {
            let rect = Rect::from_points(&[vertices[0].pos, vertices[3].pos]);
            let uv = Rect::from_points(&[vertices[0].uv, vertices[3].uv]);
            return self.picture(mesh.texture_id, rect, uv);
        }
        // Triangles of one colour after the other.
        let mut triangles = mesh.triangles().peekable();
        while let Some(first) = triangles.next() {
            let colour = |own: &[u32; 3]| mesh.vertices[own[0] as usize].color;
            let shared = colour(&first);
            let mut d = String::new();
            let mut next = Some(first);
            while let Some(own) = next {
                let [a, b, c] = own.map(|own| mesh.vertices[own as usize].pos);
                // All turn the same way, so that edges which two share are not seen.
                let turn = (b - a).x * (c - a).y - (b - a).y * (c - a).x;
                let [a, b, c] = if turn < 0.0 { [a, c, b] } else { [a, b, c] };
                let _ = write!(d, "M{} {}L{} {}L{} {}Z", a.x, a.y, b.x, b.y, c.x, c.y);
                next = triangles.next_if(|own| colour(own) == shared);
            }
            let _ = writeln!(self.out, "<path d=\"{d}\"{}/>", fill(shared));
        }
        Ok(())
    }

    fn picture(&mut self, id: TextureId, rect: Rect, uv: Rect) -> Result<(), String> {
        let Some(image) = self.pictures.get(&id) else {
            return Ok(());
        };
        let [width, height] = image.size.map(|own| own as f32);
        // The part of the picture that is shown, in its pixels.
        let part = Rect::from_min_max(
            pos2(uv.min.x * width, uv.min.y * height),
            pos2(uv.max.x * width, uv.max.y * height),
        );
        let own: ColorImage = super::cropped(image, part, 1.0);
        let data = STANDARD.encode(png(&own)?);
        let _ = writeln!(
            self.out,
            "<image {} preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" \
             href=\"data:image/png;base64,{data}\"/>",
            area(rect)
        );
        Ok(())
    }
}

fn area(own: Rect) -> String {
    format!(
        "x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"",
        own.min.x,
        own.min.y,
        own.width().max(0.0),
        own.height().max(0.0)
    )
}

fn paint(kind: &str, colour: Color32) -> String {
    let [red, green, blue, alpha] = colour.to_srgba_unmultiplied();
    match alpha {
        0 => format!(" {kind}=\"none\""),
        255 => format!(" {kind}=\"#{red:02x}{green:02x}{blue:02x}\""),
        _ => format!(
            " {kind}=\"#{red:02x}{green:02x}{blue:02x}\" {kind}-opacity=\"{:.3}\"",
            f32::from(alpha) / 255.0
        ),
    }
}

fn fill(colour: Color32) -> String {
    paint("fill", colour)
}

fn line(own: Stroke) -> String {
    match own.width > 0.0 {
        true => format!(
            "{} stroke-width=\"{}\"",
            paint("stroke", own.color),
            own.width
        ),
        false => String::new(),
    }
}

/// What XML takes, with nothing that it would read as its own.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for own in text.chars() {
        match own {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML 1.0 has no other control characters.
            own if own.is_control() => out.push(' '),
            own => out.push(own),
        }
    }
    out
}
