//! Opens the window, and opens it again when what draws it is lost.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use eframe::App as _;
use eframe::egui::{Context, Ui, ViewportBuilder, ViewportCommand};
use eframe::egui_wgpu::RenderState;

use super::{App, Options};

/// How often a window is opened again within [`WITHIN`] before the program ends.
const AGAIN: usize = 3;

/// See [`AGAIN`].
const WITHIN: Duration = Duration::from_secs(60);

/// Width and height of a window that was never there before, in points: with its frame it is as high as
/// the smallest screen that is meant.
const SIZE: [f32; 2] = [1280.0, 760.0];

/// Opens the window, and returns when it is closed.
///
/// # Errors
/// When the system gives no window; the sentence says what to try.
pub fn run(options: Options) -> Result<()> {
    run_with(options, |_, _, _| {})
}

/// The same; `each` is called before each frame is drawn. Tests take away in it what draws the window.
///
/// # Errors
/// See [`run`].
pub fn run_with(
    options: Options,
    each: impl FnMut(&mut App, &Context, &eframe::Frame) + 'static,
) -> Result<()> {
    // What a panic says may hold text of a note.
    std::panic::set_hook(Box::new(|info| {
        let place = info
            .location()
            .map_or_else(String::new, ToString::to_string);
        eprintln!("error: Auscult has a bug at {place}; what it was doing is stopped");
    }));
    let kept = Rc::new(RefCell::new(Kept {
        app: None,
        options: Some(options),
        each: Box::new(each),
    }));
    let mut failed: Vec<Instant> = Vec::new();
    let mut empty = false;
    loop {
        let ending = Arc::new(Ending::default());
        let opened = catch_unwind(AssertUnwindSafe(|| open(&kept, &ending)));
        if ending.closed.load(Ordering::SeqCst) {
            return Ok(());
        }
        if let Ok(Err(error)) = opened {
            kept.borrow_mut().end();
            return Err(anyhow!(
                "no window could be opened: {error}; on a machine without a screen the commands work, \
                 see auscult --help"
            ));
        }
        // After a frame that failed, the loop of the system's events may end at once, without a window.
        let lost = ending.is_lost();
        if lost.is_none() && std::mem::replace(&mut empty, true) {
            kept.borrow_mut().end();
            return Err(anyhow!("the system opens no window any more"));
        }
        let Some(lost) = lost else {
            continue;
        };
        empty = false;
        failed.retain(|own| own.elapsed() < WITHIN);
        failed.push(Instant::now());
        if failed.len() > AGAIN {
            kept.borrow_mut().end();
            return Err(anyhow!(
                "the window could not be drawn {} times within a minute; what was open is opened again \
                 next time. Update the driver of the graphics card, or set WGPU_BACKEND=gl",
                failed.len()
            ));
        }
        if let Some(app) = &mut kept.borrow_mut().app {
            app.is_reopened(lost);
        }
    }
}

fn open(kept: &Rc<RefCell<Kept>>, ending: &Arc<Ending>) -> eframe::Result {
    let size = kept.borrow().size().unwrap_or(SIZE);
    let viewport = ViewportBuilder::default()
        .with_title("Auscult")
        .with_app_id("auscult")
        .with_inner_size(size)
        .with_clamp_size_to_monitor_size(true)
        .with_min_inner_size([640.0, 420.0])
        .with_drag_and_drop(true);
    let native = eframe::NativeOptions {
        viewport,
        ..Default::default()
    };
    let (kept, ending) = (Rc::clone(kept), Arc::clone(ending));
    let create: eframe::AppCreator<'_> = Box::new(move |context| {
        if let Some(window) = &context.wgpu_render_state {
            ending.watch(window, &context.egui_ctx);
        }
        kept.borrow_mut().begin(&context.egui_ctx);
        Ok(Box::new(Shell { kept, ending }))
    });
    eframe::run_native("auscult", native, create)
}

/// How a window ended.
#[derive(Default)]
struct Ending {
    /// A person closed it.
    closed: AtomicBool,
    /// The graphics card, or its driver, gave up.
    lost: AtomicBool,
    /// What drew it, if it came so far. Without its queue a device tells nothing.
    drawn_by: Mutex<Option<(wgpu::Device, wgpu::Queue)>>,
}

impl Ending {
    /// Whether what drew the window is lost; none if there was no window.
    fn is_lost(&self) -> Option<bool> {
        let own = (self.drawn_by.lock()).unwrap_or_else(PoisonError::into_inner);
        let (device, _) = own.as_ref()?;
        // A loss may be told only once all that was asked of the device has ended.
        let _ = device.poll(wgpu::PollType::Wait {
            submission_index: None,
            timeout: Some(Duration::from_secs(1)),
        });
        Some(self.lost.load(Ordering::SeqCst))
    }

    /// Hears what the driver says of the device that draws.
    fn watch(self: &Arc<Self>, window: &RenderState, ctx: &Context) {
        let device = &window.device;
        let drawn_by = (device.clone(), window.queue.clone());
        *(self.drawn_by.lock()).unwrap_or_else(PoisonError::into_inner) = Some(drawn_by);
        let (own, ctx) = (Arc::downgrade(self), ctx.clone());
        device.set_device_lost_callback(move |_, _| {
            if let Some(own) = own.upgrade() {
                own.lost.store(true, Ordering::SeqCst);
            }
            ctx.request_repaint();
        });
        let own = Arc::downgrade(self);
        // Without a handler wgpu panics. A step that is refused leaves a frame incomplete, nothing more.
        device.on_uncaptured_error(Arc::new(move |error| {
            if let (wgpu::Error::OutOfMemory { .. }, Some(own)) = (error, own.upgrade()) {
                own.lost.store(true, Ordering::SeqCst);
            }
        }));
    }
}

/// What is done before each frame.
type Each = Box<dyn FnMut(&mut App, &Context, &eframe::Frame)>;

/// What outlives a window.
struct Kept {
    app: Option<App>,
    /// Until the first window is there.
    options: Option<Options>,
    each: Each,
}

impl Kept {
    /// Width and height that the window had.
    fn size(&self) -> Option<[f32; 2]> {
        match (&self.app, &self.options) {
            (Some(app), _) => app.state().size,
            (None, Some(options)) => App::last_size(options),
            (None, None) => None,
        }
    }

    fn begin(&mut self, ctx: &Context) {
        match (&mut self.app, self.options.take()) {
            (Some(app), _) => app.move_to(ctx),
            (None, options) => self.app = Some(App::new(ctx, options.unwrap_or_default())),
        }
    }

    /// Saves what would be saved if a person closed the window.
    fn end(&mut self) {
        if let Some(app) = &mut self.app {
            app.on_exit();
        }
    }
}

/// A window with what it shows.
struct Shell {
    kept: Rc<RefCell<Kept>>,
    ending: Arc<Ending>,
}

impl eframe::App for Shell {
    fn logic(&mut self, ctx: &Context, frame: &mut eframe::Frame) {
        if self.ending.lost.load(Ordering::SeqCst) {
            // Nothing can be drawn any more; another window takes the place of this one.
            ctx.send_viewport_cmd(ViewportCommand::Close);
        }
        if let Some(app) = &mut self.kept.borrow_mut().app {
            app.logic(ctx, frame);
        }
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut eframe::Frame) {
        let kept = &mut *self.kept.borrow_mut();
        if let Some(app) = &mut kept.app {
            (kept.each)(app, ui.ctx(), frame);
            app.ui(ui, frame);
        }
    }

    fn on_exit(&mut self) {
        // A window whose frame has failed is not one that a person closed.
        if !self.ending.lost.load(Ordering::SeqCst) && !std::thread::panicking() {
            self.ending.closed.store(true, Ordering::SeqCst);
            self.kept.borrow_mut().end();
        }
    }
}
