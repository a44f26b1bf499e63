//! Colours, fonts and spacing: everything that makes a view look like the others.

use std::sync::Arc;

use eframe::egui::{
    self, Color32, CornerRadius, FontData, FontDefinitions, FontFamily, FontId, Margin, Stroke,
    TextStyle, Vec2, Visuals,
};
use serde::{Deserialize, Serialize};

/// Which colours the window has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Look {
    /// As the system has it.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
    /// White on black, with every edge drawn.
    HighContrast,
}

impl Look {
    /// All of them, in the order of menus.
    pub const ALL: [Self; 4] = [Self::System, Self::Light, Self::Dark, Self::HighContrast];

    /// Its name in menus.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "As the system",
            Self::Light => "Light",
            Self::Dark => "Dark",
            Self::HighContrast => "High contrast",
        }
    }
}

/// The colours that egui's own visuals do not name.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Palette {
    /// Behind panels and bars.
    pub chrome: Color32,
    /// Behind text and data.
    pub surface: Color32,
    /// Edges between them.
    pub line: Color32,
    /// Text.
    pub ink: Color32,
    /// Text that is second.
    pub soft: Color32,
    /// The one colour that means "this, here".
    pub accent: Color32,
    /// Behind what is chosen.
    pub accent_soft: Color32,
    /// On top of `accent`.
    pub on_accent: Color32,
    /// What went wrong.
    pub bad: Color32,
    /// What should be known.
    pub warn: Color32,
    /// What went well.
    pub good: Color32,
    /// The strongest end of heat; weaker values are it with less alpha.
    pub heat: Color32,
    /// Behind hits of a search.
    pub hit: Color32,
    /// Lines under spans of a kind, told apart also by their pattern.
    pub kinds: [Color32; 6],
    /// Of classes of points, told apart also by their shape.
    pub classes: [Color32; 10],
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

const LIGHT: Palette = Palette {
    chrome: rgb(0xF3_F5_F6),
    surface: rgb(0xFF_FF_FF),
    line: rgb(0xD9_DE_E2),
    ink: rgb(0x1C_25_2C),
    soft: rgb(0x59_66_70),
    accent: rgb(0x0B_6E_78),
    accent_soft: rgb(0xD3_EC_EE),
    on_accent: rgb(0xFF_FF_FF),
    bad: rgb(0xB4_23_18),
    warn: rgb(0x8A_5A_00),
    good: rgb(0x1E_6B_3A),
    heat: rgb(0xE0_7A_0C),
    hit: rgb(0xFF_E5_8F),
    // Okabe and Ito (2008), darkened where they would be faint on white.
    kinds: [
        rgb(0x00_72_B2),
        rgb(0xB3_4A_00),
        rgb(0x00_7A_5A),
        rgb(0xA0_4E_7F),
        rgb(0x8A_6D_00),
        rgb(0x2B_7F_B8),
    ],
    // After Okabe and Ito (2008) and Tol (2021), for eyes that tell some hues apart badly.
    classes: [
        rgb(0x00_72_B2),
        rgb(0xC6_53_00),
        rgb(0x00_80_5D),
        rgb(0xAA_44_99),
        rgb(0x7A_6A_00),
        rgb(0x88_22_55),
        rgb(0x3A_86_B0),
        rgb(0x11_77_33),
        rgb(0xCC_55_66),
        rgb(0x33_22_88),
    ],
};

const DARK: Palette = Palette {
    chrome: rgb(0x17_1B_1F),
    surface: rgb(0x1E_23_28),
    line: rgb(0x33_3B_43),
    ink: rgb(0xE4_E9_ED),
    soft: rgb(0x9C_A9_B4),
    accent: rgb(0x4C_C3_CE),
    accent_soft: rgb(0x1D_45_4B),
    on_accent: rgb(0x0B_1A_1C),
    bad: rgb(0xFF_8F_82),
    warn: rgb(0xF0_C0_5A),
    good: rgb(0x7B_D3_9A),
    heat: rgb(0xA6_50_0A),
    hit: rgb(0x6B_57_12),
    kinds: [
        rgb(0x56_B4_E9),
        rgb(0xF0_8A_4B),
        rgb(0x3F_C7_9A),
        rgb(0xDE_95_BE),
        rgb(0xE6_D0_4A),
        rgb(0x8F_C9_F0),
    ],
    classes: [
        rgb(0x56_B4_E9),
        rgb(0xF0_8A_4B),
        rgb(0x3F_C7_9A),
        rgb(0xDE_8F_D8),
        rgb(0xE6_D0_4A),
        rgb(0xFF_7E_9D),
        rgb(0x9F_E0_F2),
        rgb(0x8D_B9_5A),
        rgb(0xFF_B9_A8),
        rgb(0xA9_9B_FF),
    ],
};

const HIGH_CONTRAST: Palette = Palette {
    chrome: rgb(0x00_00_00),
    surface: rgb(0x00_00_00),
    line: rgb(0xFF_FF_FF),
    ink: rgb(0xFF_FF_FF),
    soft: rgb(0xE8_E8_E8),
    accent: rgb(0xFF_E1_00),
    accent_soft: rgb(0x40_39_00),
    on_accent: rgb(0x00_00_00),
    bad: rgb(0xFF_A0_A0),
    warn: rgb(0xFF_D0_70),
    good: rgb(0x90_F0_B0),
    heat: rgb(0xB8_5C_0A),
    hit: rgb(0x66_5A_00),
    kinds: [
        rgb(0x6E_C8_FF),
        rgb(0xFF_9D_5C),
        rgb(0x50_E3_B0),
        rgb(0xFF_A8_D8),
        rgb(0xFF_EB_5A),
        rgb(0xC0_E4_FF),
    ],
    classes: [
        rgb(0x56_B4_E9),
        rgb(0xF0_8A_4B),
        rgb(0x3F_C7_9A),
        rgb(0xDE_8F_D8),
        rgb(0xE6_D0_4A),
        rgb(0xFF_7E_9D),
        rgb(0x9F_E0_F2),
        rgb(0x8D_B9_5A),
        rgb(0xFF_B9_A8),
        rgb(0xA9_9B_FF),
    ],
};

/// Space between things that belong together, in points.
pub const GAP: f32 = 8.0;

/// Space around the content of a panel.
pub const PANEL: i8 = 12;

/// The size of text that is read, in points.
pub const NOTE_SIZE: f32 = 15.0;

/// The name of the font of headings.
const HEADINGS: &str = "headings";

/// The font of headings and of what is emphasised.
pub fn strong(size: f32) -> FontId {
    FontId::new(size, FontFamily::Name(HEADINGS.into()))
}

/// The colours of the window as it is drawn.
pub fn palette(ui: &egui::Ui) -> Palette {
    of_visuals(ui.visuals())
}

/// The same, of visuals that [`apply`] made.
pub fn of_visuals(visuals: &Visuals) -> Palette {
    let all = [LIGHT, DARK, HIGH_CONTRAST];
    let found = all
        .into_iter()
        .find(|own| own.accent == visuals.hyperlink_color);
    found.unwrap_or(match visuals.dark_mode {
        true => DARK,
        false => LIGHT,
    })
}

/// Gives the window its fonts; once is enough.
pub fn fonts(ctx: &egui::Context) {
    let mut fonts = FontDefinitions::default();
    let own: [(&str, &[u8]); 2] = [
        (
            "Inter",
            include_bytes!("../../assets/fonts/Inter-Regular.ttf"),
        ),
        (
            HEADINGS,
            include_bytes!("../../assets/fonts/Inter-SemiBold.ttf"),
        ),
    ];
    for (name, bytes) in own {
        let data = Arc::new(FontData::from_static(bytes));
        fonts.font_data.insert(name.to_owned(), data);
    }
    let proportional = fonts.families.entry(FontFamily::Proportional).or_default();
    proportional.insert(0, "Inter".to_owned());
    let mut headings = proportional.clone();
    headings.insert(0, HEADINGS.to_owned());
    // What the font of code lacks, Greek among it, comes from the other.
    let code = fonts.families.entry(FontFamily::Monospace).or_default();
    code.push("Inter".to_owned());
    let name = FontFamily::Name(HEADINGS.into());
    fonts.families.insert(name, headings);
    ctx.set_fonts(fonts);
}

/// Gives the window its colours and spacing.
pub fn apply(ctx: &egui::Context, look: Look) {
    // What the system wants is not known before the first frame, and may change at any time.
    ctx.set_theme(match look {
        Look::System => egui::ThemePreference::System,
        Look::Light => egui::ThemePreference::Light,
        Look::Dark | Look::HighContrast => egui::ThemePreference::Dark,
    });
    let dark = match look {
        Look::HighContrast => HIGH_CONTRAST,
        _ => DARK,
    };
    style(ctx, egui::Theme::Light, LIGHT);
    style(ctx, egui::Theme::Dark, dark);
}

fn style(ctx: &egui::Context, theme: egui::Theme, palette: Palette) {
    let dark = theme == egui::Theme::Dark;
    ctx.style_mut_of(theme, |style| {
        style.visuals = visuals(&palette, dark);
        style.text_styles = [
            (TextStyle::Small, FontId::proportional(12.0)),
            (TextStyle::Body, FontId::proportional(13.5)),
            (TextStyle::Button, FontId::proportional(13.5)),
            (TextStyle::Monospace, FontId::monospace(12.5)),
            (TextStyle::Heading, strong(18.0)),
        ]
        .into();
        let spacing = &mut style.spacing;
        spacing.item_spacing = Vec2::new(GAP, 6.0);
        spacing.button_padding = Vec2::new(10.0, 5.0);
        spacing.interact_size.y = 26.0;
        spacing.menu_margin = Margin::same(6);
        spacing.window_margin = Margin::same(14);
        spacing.indent = 16.0;
        spacing.scroll = egui::style::ScrollStyle {
            floating: true,
            bar_width: 9.0,
            ..egui::style::ScrollStyle::thin()
        };
        style.interaction.tooltip_delay = 0.4;
        style.animation_time = 0.12;
    });
}

fn visuals(palette: &Palette, dark: bool) -> Visuals {
    let mut own = match dark {
        true => Visuals::dark(),
        false => Visuals::light(),
    };
    let radius = CornerRadius::same(6);
    own.override_text_color = None;
    own.weak_text_color = Some(palette.soft);
    own.hyperlink_color = palette.accent;
    own.panel_fill = palette.chrome;
    own.window_fill = palette.surface;
    own.window_stroke = Stroke::new(1.0, palette.line);
    own.window_corner_radius = CornerRadius::same(10);
    own.menu_corner_radius = CornerRadius::same(8);
    own.extreme_bg_color = palette.surface;
    own.text_edit_bg_color = Some(palette.surface);
    own.faint_bg_color = mix(palette.chrome, palette.ink, 0.03);
    own.code_bg_color = mix(palette.surface, palette.ink, 0.06);
    own.warn_fg_color = palette.warn;
    own.error_fg_color = palette.bad;
    own.selection.bg_fill = palette.accent_soft;
    own.selection.stroke = Stroke::new(1.5, palette.accent);
    // A cursor that blinks draws the window twice a second for nothing.
    own.text_cursor.blink = false;
    own.disabled_alpha = 0.55;
    let quiet = mix(palette.chrome, palette.ink, 0.05);
    let edge = |share| Stroke::new(1.0, mix(palette.line, palette.ink, share));
    let state = |fill: Color32, weak: Color32, stroke: Stroke| egui::style::WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: weak,
        bg_stroke: stroke,
        corner_radius: radius,
        fg_stroke: Stroke::new(1.0, palette.ink),
        expansion: 0.0,
    };
    let widgets = &mut own.widgets;
    widgets.noninteractive = state(
        palette.chrome,
        palette.chrome,
        Stroke::new(1.0, palette.line),
    );
    widgets.inactive = state(quiet, quiet, edge(0.0));
    widgets.hovered = state(
        mix(quiet, palette.ink, 0.06),
        mix(quiet, palette.ink, 0.06),
        edge(0.35),
    );
    widgets.active = state(
        palette.accent_soft,
        palette.accent_soft,
        Stroke::new(1.5, palette.accent),
    );
    widgets.open = state(
        mix(quiet, palette.ink, 0.06),
        mix(quiet, palette.ink, 0.06),
        edge(0.35),
    );
    own
}

/// A colour between two, `share` of the way from the first.
pub fn mix(from: Color32, to: Color32, share: f32) -> Color32 {
    let channel = |a: u8, b: u8| {
        let (a, b) = (f32::from(a), f32::from(b));
        (a + (b - a) * share.clamp(0.0, 1.0)).round() as u8
    };
    Color32::from_rgb(
        channel(from.r(), to.r()),
        channel(from.g(), to.g()),
        channel(from.b(), to.b()),
    )
}

/// The colour of heat from 0 to 1 on a surface; its lightness falls evenly, so that it can be read
/// without telling hues apart.
pub fn heat(palette: &Palette, value: f32) -> Color32 {
    mix(palette.surface, palette.heat, 0.9 * value.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance, from 0 to 1 (WCAG 2.2).
    fn luminance(colour: Color32) -> f64 {
        let channel = |value: u8| {
            let value = f64::from(value) / 255.0;
            match value <= 0.040_45 {
                true => value / 12.92,
                false => ((value + 0.055) / 1.055).powf(2.4),
            }
        };
        0.2126 * channel(colour.r()) + 0.7152 * channel(colour.g()) + 0.0722 * channel(colour.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    /// WCAG 2.2 asks for 4.5 of text, 3 of what is drawn.
    #[test]
    fn text_can_be_read_on_what_is_behind_it() {
        for own in [LIGHT, DARK, HIGH_CONTRAST] {
            for behind in [own.chrome, own.surface] {
                for text in [own.ink, own.soft, own.accent, own.bad, own.warn, own.good] {
                    let found = contrast(text, behind);
                    assert!(found >= 4.5, "{text:?} on {behind:?}: {found:.2}");
                }
                for line in own.kinds.into_iter().chain(own.classes) {
                    let found = contrast(line, behind);
                    assert!(found >= 3.0, "{line:?} on {behind:?}: {found:.2}");
                }
            }
            for behind in [own.accent_soft, own.hit, heat(&own, 0.5), heat(&own, 1.0)] {
                let found = contrast(own.ink, behind);
                assert!(found >= 4.5, "{behind:?} under text: {found:.2}");
            }
            assert!(contrast(own.on_accent, own.accent) >= 4.5);
        }
    }

    #[test]
    fn more_heat_is_darker_on_light_and_stronger_on_dark() {
        for own in [LIGHT, DARK] {
            let steps: Vec<f64> = (0..=10)
                .map(|step| luminance(heat(&own, step as f32 / 10.0)))
                .collect();
            let rising = own.surface == DARK.surface;
            for pair in steps.windows(2) {
                assert!((pair[1] > pair[0]) == rising, "{steps:?}");
            }
        }
    }
}
