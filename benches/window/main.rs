//! What the window takes with a long note and with many: `cargo bench --bench window`.
//!
//! Prints the figures of the stories M1, M2, M6 to M10, M13 and X2 beside their goals; they are read, never
//! asserted. Frames are laid out and tessellated as for a screen, but not sent to a graphics card; those
//! of the map of points are measured once more with a graphics card that draws them.
//! `AUSCULT_DEVICE=gpu` computes elsewhere than on the processor.

#![allow(
    clippy::unwrap_used,
    reason = "a benchmark stops at the first surprise"
)]

mod long_note;
mod many_notes;
mod points;
mod training;

use std::time::{Duration, Instant};

use auscult::app::points::gpu;
use auscult::app::{Action, App, Command, Options, State};
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
    long_note::long_note(options());
    many_notes::many_notes(options(), folder.path());
    many_notes::sections_of_many(options(), folder.path());
    training::while_training(options(), folder.path());
    points::many_points(options(), folder.path());
}
