//! What the window takes with a long note and with many: `cargo bench --bench window`.
//!
//! Prints the figures of the stories M1, M2 and M6 to M10 beside their goals; they are read, never
//! asserted. Frames are laid out and tessellated as for a screen, but not sent to a graphics card; those
//! of the map of points are measured once more with a graphics card that draws them.
//! `AUSCULT_DEVICE=gpu` computes elsewhere than on the processor.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark stops at the first surprise"
)]

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use auscult::app::points::command::PointsCommand;
use auscult::app::points::{Wanted, gpu};
use auscult::app::{Action, App, Command, Options, State};
use auscult::engine::{PointUnit, Unit};
use eframe::egui::{self, Context, Event, Modifiers, MouseWheelUnit, Pos2, RawInput, Rect, vec2};
use eframe::egui_wgpu::{
    RenderState, RendererOptions, ScreenDescriptor, WgpuConfiguration, WgpuSetup,
};
use eframe::wgpu;

/// The window with its own clock.
struct Bench {
    ctx: Context,
    app: App,
    frame: u64,
    /// What can draw the frames, if anything can, and whether it is to.
    screen: Option<Screen>,
    drawn: bool,
}

/// A graphics card with something to draw on.
struct Screen {
    state: RenderState,
    target: wgpu::TextureView,
}

impl Screen {
    /// None where there is no graphics card, nor a program that does its work.
    fn open() -> Option<Self> {
        let setup = WgpuSetup::without_display_handle();
        let instance = pollster::block_on(setup.new_instance());
        let config = WgpuConfiguration {
            wgpu_setup: setup,
            ..Default::default()
        };
        let options = RendererOptions::default();
        let state = RenderState::create(&config, &instance, None, options);
        let state = pollster::block_on(state).ok()?;
        let target = state.device.create_texture(&wgpu::TextureDescriptor {
            label: None,
            size: wgpu::Extent3d {
                width: SIZE[0] as u32,
                height: SIZE[1] as u32,
                depth_or_array_layers: 1,
            },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: state.target_format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
            view_formats: &[],
        });
        let target = target.create_view(&wgpu::TextureViewDescriptor::default());
        Some(Self { state, target })
    }

    /// Takes in letters and pictures.
    fn take(&self, textures: &mut egui::TexturesDelta) {
        let mut renderer = self.state.renderer.write();
        for (id, images) in std::mem::take(&mut textures.set) {
            for image in images {
                renderer.update_texture(&self.state.device, &self.state.queue, id, &image);
            }
        }
    }

    /// Draws, and waits until it is drawn.
    fn draw(&self, shapes: &[egui::ClippedPrimitive]) {
        let (device, queue) = (&self.state.device, &self.state.queue);
        let mut renderer = self.state.renderer.write();
        let screen = ScreenDescriptor {
            size_in_pixels: SIZE.map(|own| own as u32),
            pixels_per_point: 1.0,
        };
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let own = renderer.update_buffers(device, queue, &mut encoder, shapes, &screen);
        let load = wgpu::LoadOp::Clear(wgpu::Color::TRANSPARENT);
        let pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &self.target,
                resolve_target: None,
                ops: wgpu::Operations {
                    load,
                    store: wgpu::StoreOp::Store,
                },
                depth_slice: None,
            })],
            ..Default::default()
        });
        renderer.render(&mut pass.forget_lifetime(), shapes, &screen);
        queue.submit(own.into_iter().chain([encoder.finish()]));
        device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    }
}

/// Size of the window, in points.
const SIZE: [f32; 2] = [1280.0, 800.0];

/// Frames that are measured of each movement.
const FRAMES: usize = 240;

/// How long something may take to be on the screen once nothing is computed for it any more.
const LONGEST: Duration = Duration::from_secs(60);

impl Bench {
    fn open(options: Options) -> (Self, Duration) {
        Self::open_on(options, None)
    }

    fn open_on(options: Options, screen: Option<Screen>) -> (Self, Duration) {
        let start = Instant::now();
        let ctx = Context::default();
        if let Some(screen) = &screen {
            gpu::remember(&ctx, screen.state.target_format);
        }
        let app = App::new(&ctx, options);
        let mut own = Self {
            ctx,
            app,
            frame: 0,
            screen,
            drawn: false,
        };
        own.draw(Vec::new());
        (own, start.elapsed())
    }

    /// Draws a frame, and says how long that took.
    fn draw(&mut self, events: Vec<Event>) -> Duration {
        let start = Instant::now();
        self.frame += 1;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SIZE.into())),
            time: Some(self.frame as f64 / 60.0),
            events,
            ..RawInput::default()
        };
        self.app.advance(&self.ctx);
        let app = &mut self.app;
        let mut output = self.ctx.run_ui(input, |ui| app.draw(ui));
        if let Some(screen) = &self.screen {
            screen.take(&mut output.textures_delta);
        }
        output.textures_delta.clear();
        let shapes = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        match self.screen.as_ref().filter(|_| self.drawn) {
            Some(screen) => screen.draw(&shapes),
            None => drop(std::hint::black_box(shapes)),
        }
        start.elapsed()
    }

    /// Asks for something, and says how long it takes until it is on the screen.
    fn until(&mut self, ask: Option<Command>, so: impl Fn(&State) -> bool) -> Duration {
        let start = Instant::now();
        if let Some(command) = ask {
            self.app.execute(command);
        }
        loop {
            self.draw(Vec::new());
            if so(self.app.state()) {
                self.draw(Vec::new());
                return start.elapsed();
            }
            let state = self.app.state();
            assert!(
                start.elapsed() < LONGEST || !idle(state),
                "nothing runs any more, and what was asked for did not come: {:?}",
                state
                    .messages
                    .all()
                    .next()
                    .map(|own| (&own.title, &own.details))
            );
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    fn act(&mut self, action: Action, so: impl Fn(&State) -> bool) -> Duration {
        self.until(Some(Command::Do(action)), so)
    }

    /// Frames while the wheel turns with the pointer at `at`.
    fn scrolled(&mut self, at: Pos2, lines: f32, modifiers: Modifiers) -> Vec<Duration> {
        self.draw(vec![Event::PointerMoved(at)]);
        let wheel = |back: bool| Event::MouseWheel {
            unit: MouseWheelUnit::Line,
            delta: vec2(0.0, if back { -lines } else { lines }),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Wheel,
            modifiers,
        };
        // To and fro, so that every frame is another one.
        let half = FRAMES / 8;
        let turned = (0..FRAMES).map(|frame| frame / half % 2 == 1);
        let took = turned.map(|back| self.draw(vec![wheel(back)])).collect();
        // What lies under a pointer is looked at before what is chosen.
        self.draw(vec![Event::PointerGone]);
        took
    }
}

/// A figure in a line, as soon as it is there.
fn row(what: &str, found: &str, goal: &str) {
    println!("{what:<58} {found:>24}  {goal}");
}

fn once(what: &str, took: Duration, goal: &str) {
    row(what, &format!("{:.1} ms", milliseconds(took)), goal);
}

fn many(what: &str, mut all: Vec<Duration>, goal: &str) {
    all.sort_unstable();
    let at = |share: f64| milliseconds(all[((all.len() - 1) as f64 * share) as usize]);
    let found = format!("{:.1}, 95 % {:.1} ms", at(0.5), at(0.95));
    row(what, &found, goal);
}

fn milliseconds(own: Duration) -> f64 {
    1000.0 * own.as_secs_f64()
}

fn idle(state: &State) -> bool {
    state.jobs.running().is_empty()
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let options = || Options {
        device: Some(std::env::var("AUSCULT_DEVICE").unwrap_or_else(|_| "cpu".to_owned())),
        settings: Some(folder.path().join("settings")),
        data: Some(folder.path().join("data")),
        ..Options::default()
    };
    row("", "found", "goal");
    long_note(options());
    many_notes(options(), folder.path());
    many_points(options(), folder.path());
}

fn long_note(options: Options) {
    let (mut own, took) = Bench::open(options);
    once("first frame, system's window not counted", took, "2 s");
    own.until(Some(Command::Do(Action::TryDemo)), |state| {
        state.tokens().is_some() && state.predictor.folder().is_some() && idle(state)
    });
    let state = own.app.state();
    let tokens = state.tokens().unwrap().tokens.len();
    let text = state.on_view.as_ref().unwrap().note.text().to_owned();
    let device = state.device.as_ref().unwrap().to_string();
    row("the long note", &format!("{tokens} tokens"), "");
    row("computed on", &device, "");

    let text_at = Pos2::new(600.0, 400.0);
    let frames = own.scrolled(text_at, -3.0, Modifiers::NONE);
    many("M2 a frame while scrolling", frames, "16.7 ms");
    own.act(Action::Predict, idle);
    own.act(Action::TokenIds, idle);
    let results = own.app.state().results().unwrap();
    let spans = results.tags.value.as_ref().map_or(0, |own| own.spans.len());
    let frames = own.scrolled(text_at, 3.0, Modifiers::NONE);
    let what = format!("M2 the same with {spans} spans, all tokens and numbers");
    many(&what, frames, "16.7 ms");
    own.act(Action::TokenIds, idle);
    own.act(Action::Tokens, idle);

    // The lens: one forward pass, then all words are read from what is held of it.
    // One window of them, the first: attention does not go from one window to another.
    own.act(Action::FirstPart, |state| {
        state.tokens().is_some_and(|own| own.windows.len() == 1) && idle(state)
    });
    let tokens = own.app.state().tokens().unwrap().clone();
    let read = tokens.windows[0].clone();
    row("its first part", &format!("{} tokens", read.len()), "");
    let end = tokens.tokens[read.end - 1].end;
    let words = text[..end].match_indices(" the ");
    let words: Vec<usize> = words.map(|own| own.0 + 1).collect();
    let took = own.act(Action::Look, idle);
    once("M6 the first look, with the forward pass", took, "");
    let shows = |byte: usize| {
        move |state: &State| {
            let found = state.results().and_then(|own| own.attention.value.as_ref());
            found.is_some_and(|own| own.chosen.start <= byte && byte < own.chosen.end)
        }
    };
    let first = words[words.len() / 2];
    let took = own.until(Some(Command::Point(first..first + 3)), shows(first));
    once(
        "M6 the first word",
        took,
        "200 ms on the processor, 50 on a GPU",
    );
    own.until(None, idle);
    // Chosen instead of hovered, which takes a pointer; the way to the numbers is the same.
    let others = words.iter().filter(|own| **own != first);
    let others = others.step_by(words.len().div_ceil(40));
    let all = others.map(|&byte| own.until(Some(Command::Point(byte..byte + 3)), shows(byte)));
    let all: Vec<Duration> = all.collect();
    many(
        "M6 another word",
        all,
        "200 ms on the processor, 50 on a GPU",
    );
    own.until(None, idle);

    // The map, once more from nothing: another head.
    let head = |layer: usize, head: usize| {
        move |state: &State| {
            let map = state.results().and_then(|own| own.map.value.as_ref());
            map.is_some_and(|own| (own.of.layer, own.of.head) == (layer, head))
        }
    };
    let took = own.until(Some(Command::Head(0, 1)), head(0, 1));
    once("M7 the whole map of a global head", took, "300 ms");
    let took = own.until(Some(Command::Head(1, 1)), head(1, 1));
    once("M7 the whole map of a local head", took, "300 ms");
    own.until(Some(Command::Head(0, 1)), head(0, 1));
    own.until(None, idle);
    for (times, what) in [(2, "a quarter of the side"), (3, "to single values")] {
        for _ in 0..times {
            own.app.execute(Command::Do(Action::MapIn));
        }
        let took = own.until(None, |state| {
            let (view, results) = (state.map_view(), state.results());
            let part = results.and_then(|own| own.part.value.as_ref());
            part.is_some_and(|own| own.side == view.side() && own.of.head == 1)
        });
        once(&format!("M7 a sharp part, {what}"), took, "100 ms");
    }
    own.until(None, idle);
    let map_at = Pos2::new(1030.0, 640.0);
    let frames = own.scrolled(map_at, 1.0, Modifiers::NONE);
    many("M7 a frame while zooming", frames, "16.7 ms");
    own.act(Action::MapWhole, idle);

    let layers = own.app.state().model.info().unwrap().layers;
    let took = own.act(Action::AllHeads, |state| {
        let heads = state.results().and_then(|own| own.heads.value.as_ref());
        heads.is_some_and(|own| own.layers.len() == layers)
    });
    once("M8 all heads", took, "2 s on a GPU");

    let before = |state: &State| state.results().and_then(|own| own.attention.value.clone());
    for (unit, what) in [(Unit::Sentence, "sentences"), (Unit::Section, "sections")] {
        let mut lens = own.app.state().lens.clone();
        lens.unit = unit;
        let took = own.until(Some(Command::Lens(Box::new(lens))), |state| {
            before(state).is_some_and(|own| own.unit == unit)
        });
        once(&format!("M9 gathered into {what}"), took, "");
    }
    let took = own.act(Action::Rollout, |state| {
        before(state).is_some_and(|own| own.reduction.is_none())
    });
    once("M9 rollout through all layers", took, "");
    own.act(Action::Rollout, idle);
    let took = own.act(Action::Flow, |state| {
        state.results().is_some_and(|own| own.flow.value.is_some())
    });
    let sections = own
        .app
        .state()
        .results()
        .unwrap()
        .flow
        .value
        .clone()
        .unwrap();
    let what = format!(
        "X2 {} sections by sections, in numbers",
        sections.units.len()
    );
    once(&what, took, "");
    let frames = (0..FRAMES).map(|_| own.draw(Vec::new())).collect();
    many("X2 a frame with them", frames, "100 ms");
    let (held, most) = (own.app.state().cached(), own.app.state().cache_limit());
    let found = format!("{} of {} MB", held >> 20, most >> 20);
    row(
        "memory that is held",
        &found,
        "within 10 % of what is allowed",
    );
}

fn many_notes(options: Options, folder: &std::path::Path) {
    let mut lines = String::new();
    for number in 0..10_000 {
        let text =
            format!("Note {number}. Denies chest pain; {number} mg of aspirin daily. ").repeat(20);
        let _ = writeln!(lines, "{{\"id\":\"{number}\",\"text\":\"{text}\"}}");
    }
    let file = folder.join("many.jsonl");
    std::fs::write(&file, lines).unwrap();
    let (mut own, _) = Bench::open(Options {
        notes: vec![folder.join("none.txt")],
        settings: Some(folder.join("settings-of-many")),
        ..options
    });
    own.until(None, idle);
    let took = own.until(Some(Command::Open(vec![file])), |state| {
        state.library.entries().len() == 10_000 && idle(state)
    });
    once("M1 10,000 notes are listed", took, "3 s");
    own.act(Action::Read, idle);
    let frames = own.scrolled(Pos2::new(120.0, 500.0), -3.0, Modifiers::NONE);
    many("M1 a frame while scrolling through them", frames, "16.7 ms");
    let keys = own.app.state().library.entries().iter();
    let keys: Vec<_> = keys.step_by(250).map(|own| own.key).collect();
    let all = keys.iter().map(|&key| {
        own.until(Some(Command::Show(key)), move |state| {
            state.on_view.as_ref().is_some_and(|own| own.key == key)
        })
    });
    let all = all.collect();
    many("M1 one of them is opened", all, "100 ms");
}

/// All bundled codes as points, which are about 100,000.
fn many_points(options: Options, folder: &std::path::Path) {
    let screen = Screen::open();
    let drawn = screen.is_some();
    if let Some(screen) = &screen {
        row(
            "frames are drawn by",
            &screen.state.adapter.get_info().name,
            "",
        );
    }
    let options = Options {
        settings: Some(folder.join("settings-of-points")),
        ..options
    };
    let (mut own, _) = Bench::open_on(options, screen);
    own.until(Some(Command::Do(Action::TryDemo)), |state| {
        state.tokens().is_some() && state.predictor.folder().is_some() && idle(state)
    });
    let want = PointsCommand::Want(Wanted {
        unit: PointUnit::Code,
        codes: usize::MAX,
        ..Wanted::default()
    });
    own.app.execute(Command::Points(want));
    let took = own.act(Action::DrawPoints, |state| state.points.map.value.is_some());
    let count = own.app.state().points.map.value.as_ref().unwrap().count();
    let what = format!("M10 {count} codes are read and placed");
    once(&what, took, "");
    own.app.execute(Command::Do(Action::Stop));
    own.until(None, idle);
    let at = Pos2::new(570.0, 420.0);
    let frames = own.scrolled(at, 1.0, Modifiers::NONE);
    many("M10 a frame while zooming", frames, "16.7 ms");
    own.act(Action::AllPoints, idle);
    let moves = |own: &mut Bench| -> Vec<Duration> {
        let places = (0..FRAMES).map(|frame| frame as f32 / 20.0);
        let around = places.map(|turn| at + 180.0 * egui::Vec2::angled(turn));
        around
            .map(|place| own.draw(vec![Event::PointerMoved(place)]))
            .collect()
    };
    let frames = moves(&mut own);
    many(
        "M10 a frame with the point under the pointer",
        frames,
        "16.7 ms",
    );
    let button = |pressed| Event::PointerButton {
        pos: at,
        button: egui::PointerButton::Primary,
        pressed,
        modifiers: Modifiers::NONE,
    };
    own.draw(vec![Event::PointerMoved(at)]);
    own.draw(vec![button(true)]);
    let frames = moves(&mut own);
    many("M10 a frame while moving", frames, "16.7 ms");
    own.draw(vec![button(false)]);
    own.act(Action::AllPoints, idle);
    if drawn {
        own.drawn = true;
        own.draw(Vec::new());
        let frames = own.scrolled(at, 1.0, Modifiers::NONE);
        many("M10 a frame while zooming, drawn", frames, "16.7 ms");
        own.drawn = false;
    }
    let near = (0..20).map(|number| {
        own.app
            .execute(Command::Points(PointsCommand::At(number * count / 20)));
        let point = number * count / 20;
        own.act(Action::NearPoints, move |state| {
            state
                .points
                .near
                .value
                .as_ref()
                .is_some_and(|own| own.point == point)
        })
    });
    let near = near.collect();
    many("M10 the nearest of a point, all compared", near, "100 ms");
    let took = own.act(Action::ArrangePoints, |state| {
        state.points.arranged.value.is_some()
    });
    once(
        "M10 all are arranged by neighbours, in the background",
        took,
        "",
    );
    let (held, most) = (own.app.state().cached(), own.app.state().cache_limit());
    let found = format!("{} of {} MB", held >> 20, most >> 20);
    row(
        "memory that is held",
        &found,
        "within 10 % of what is allowed",
    );
}
