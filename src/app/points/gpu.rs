//! Draws all points of a map on the graphics card of the window: `shaders/window/points.wgsl`.
//!
//! What a point is goes there when it changes. A frame sends the part of the map and the colours, and
//! nothing for each point.

use std::sync::Arc;

use eframe::egui::{Color32, Context, Id, PaintCallbackInfo, Rect, Rgba, Shape};
use eframe::egui_wgpu::{Callback, CallbackResources, CallbackTrait, ScreenDescriptor};
use eframe::wgpu::{self, util::DeviceExt as _};

use super::camera::Camera;
use super::classes::{NONE, OTHERS, SLOTS};

/// The text of the shader.
pub const SHADER: &str = include_str!("../../../shaders/window/points.wgsl");

/// Bit of a point that is chosen.
const CHOSEN: u32 = 256;

/// Bytes of a point on the graphics card: its place, and its class with whether it is chosen.
const POINT: usize = 12;

/// Numbers of the shader's `View`.
const VIEW: usize = 8 + 4 * SLOTS + 4;

/// The pixels of the window.
const FORMAT: &str = "format of the window";

/// Remembers what pixels the window has: the shader is made for these.
pub fn remember(ctx: &Context, format: wgpu::TextureFormat) {
    ctx.data_mut(|own| own.insert_temp(Id::unique(FORMAT), format));
}

/// Points as they are drawn: those of a later version take the place of others.
pub struct Drawn {
    bytes: Vec<u8>,
    version: u64,
}

impl Drawn {
    /// Points with their place in the legend and whether they are chosen; those that are not drawn are
    /// left out. What is grey lies below, what is chosen on top.
    pub fn new(
        places: &[[f32; 2]],
        slot: impl Fn(usize) -> usize,
        hidden: &[bool; SLOTS],
        chosen: &[u32],
        version: u64,
    ) -> Self {
        let mut layers: [Vec<u8>; 4] = Default::default();
        let mut next = chosen.iter().peekable();
        for (row, place) in places.iter().enumerate() {
            let is_chosen = next.next_if(|own| **own as usize == row).is_some();
            let slot = slot(row);
            if hidden[slot] {
                continue;
            }
            let layer = match (is_chosen, slot) {
                (true, _) => 3,
                (_, NONE) => 0,
                (_, OTHERS) => 1,
                _ => 2,
            };
            let layer = &mut layers[layer];
            place.iter().for_each(|own| layer.extend(own.to_ne_bytes()));
            let state = slot as u32 | if is_chosen { CHOSEN } else { 0 };
            layer.extend(state.to_ne_bytes());
        }
        Self {
            bytes: layers.concat(),
            version,
        }
    }

    /// How many.
    pub fn count(&self) -> usize {
        self.bytes.len() / POINT
    }
}

/// How points are drawn.
pub struct Style {
    /// The colour of each place in the legend.
    pub colours: [Color32; SLOTS],
    /// Of the line around what is chosen.
    pub edge: Color32,
    /// Half the size of a point, in points of the screen.
    pub radius: f32,
    /// How much of its colour a point that is not chosen keeps.
    pub faint: f32,
}

/// Points in a part of the window, as a shape.
pub fn shape(
    ctx: &Context,
    rect: Rect,
    drawn: &Arc<Drawn>,
    camera: Camera,
    style: &Style,
) -> Shape {
    let format = ctx.data(|own| own.get_temp(Id::unique(FORMAT)));
    let format = format.unwrap_or(wgpu::TextureFormat::Rgba8Unorm);
    let pixels = ctx.pixels_per_point();
    let paint = Paint {
        drawn: Arc::clone(drawn),
        format,
        view: view(rect, camera, style, pixels, format.is_srgb()),
    };
    Shape::Callback(Callback::new_paint_callback(rect, paint))
}

/// The numbers of the shader's `View`.
fn view(rect: Rect, camera: Camera, style: &Style, pixels: f32, linear: bool) -> [f32; VIEW] {
    let size = rect.size();
    // Colours are mixed as egui mixes its own.
    let colour = |own: Color32| match linear {
        true => Rgba::from(own).to_array(),
        false => own.to_array().map(|own| f32::from(own) / 255.0),
    };
    let mut view = [0.0; VIEW];
    view[0..2].copy_from_slice(&camera.centre);
    view[2..4].copy_from_slice(&[2.0 * camera.scale / size.x, 2.0 * camera.scale / size.y]);
    view[4..6].copy_from_slice(&[1.0 / (size.x * pixels), 1.0 / (size.y * pixels)]);
    view[6] = style.radius * pixels;
    view[7] = style.faint;
    for (slot, own) in style.colours.iter().enumerate() {
        view[8 + 4 * slot..][..4].copy_from_slice(&colour(*own));
    }
    view[8 + 4 * SLOTS..].copy_from_slice(&colour(style.edge));
    view
}

struct Paint {
    drawn: Arc<Drawn>,
    format: wgpu::TextureFormat,
    view: [f32; VIEW],
}

/// What lies on the graphics card.
struct Held {
    format: wgpu::TextureFormat,
    pipeline: wgpu::RenderPipeline,
    view: wgpu::Buffer,
    group: wgpu::BindGroup,
    points: Option<wgpu::Buffer>,
    version: u64,
    count: u32,
}

impl Held {
    fn new(device: &wgpu::Device, format: wgpu::TextureFormat) -> Self {
        let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some("points"),
            source: wgpu::ShaderSource::Wgsl(SHADER.into()),
        });
        let attributes = wgpu::vertex_attr_array![0 => Float32x2, 1 => Uint32];
        let pipeline = device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some("points"),
            layout: None,
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some("vertex"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                buffers: &[Some(wgpu::VertexBufferLayout {
                    array_stride: POINT as u64,
                    step_mode: wgpu::VertexStepMode::Instance,
                    attributes: &attributes,
                })],
            },
            primitive: wgpu::PrimitiveState::default(),
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some("fragment"),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                targets: &[Some(wgpu::ColorTargetState {
                    format,
                    blend: Some(wgpu::BlendState::PREMULTIPLIED_ALPHA_BLENDING),
                    write_mask: wgpu::ColorWrites::ALL,
                })],
            }),
            multiview_mask: None,
            cache: None,
        });
        let view = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("points: view"),
            size: (VIEW * 4) as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("points"),
            layout: &pipeline.get_bind_group_layout(0),
            entries: &[wgpu::BindGroupEntry {
                binding: 0,
                resource: view.as_entire_binding(),
            }],
        });
        Self {
            format,
            pipeline,
            view,
            group,
            points: None,
            version: 0,
            count: 0,
        }
    }
}

impl CallbackTrait for Paint {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        _: &ScreenDescriptor,
        _: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if resources
            .get::<Held>()
            .is_none_or(|own| own.format != self.format)
        {
            resources.insert(Held::new(device, self.format));
        }
        let Some(held) = resources.get_mut::<Held>() else {
            return Vec::new();
        };
        if held.version != self.drawn.version {
            held.version = self.drawn.version;
            held.count = u32::try_from(self.drawn.count()).unwrap_or(u32::MAX);
            held.points = (held.count > 0).then(|| {
                device.create_buffer_init(&wgpu::util::BufferInitDescriptor {
                    label: Some("points"),
                    contents: &self.drawn.bytes,
                    usage: wgpu::BufferUsages::VERTEX,
                })
            });
        }
        let view: Vec<u8> = self.view.iter().flat_map(|own| own.to_ne_bytes()).collect();
        queue.write_buffer(&held.view, 0, &view);
        Vec::new()
    }

    fn paint(
        &self,
        _: PaintCallbackInfo,
        pass: &mut wgpu::RenderPass<'static>,
        resources: &CallbackResources,
    ) {
        let Some(held) = resources.get::<Held>() else {
            return;
        };
        if let Some(points) = &held.points {
            pass.set_pipeline(&held.pipeline);
            pass.set_bind_group(0, &held.group, &[]);
            pass.set_vertex_buffer(0, points.slice(..));
            pass.draw(0..6, 0..held.count);
        }
    }
}

#[cfg(test)]
mod tests {
    use eframe::egui::{pos2, vec2};

    use super::*;

    #[test]
    fn what_is_hidden_is_left_out_and_what_is_chosen_lies_on_top() {
        let places = [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0], [6.0, 7.0], [8.0, 9.0]];
        let slots = [0, OTHERS, 1, NONE, 0];
        let mut hidden = [false; SLOTS];
        hidden[1] = true;
        let own = Drawn::new(&places, |row| slots[row], &hidden, &[0, 2], 1);
        assert_eq!(own.count(), 4);
        let point = |number: usize| {
            let bytes = &own.bytes[number * POINT..][..POINT];
            let x = f32::from_ne_bytes(bytes[..4].try_into().unwrap());
            (x, u32::from_ne_bytes(bytes[8..].try_into().unwrap()))
        };
        let all: Vec<_> = (0..4).map(point).collect();
        let want = [
            (6.0, NONE as u32),
            (2.0, OTHERS as u32),
            (8.0, 0),
            (0.0, CHOSEN),
        ];
        assert_eq!(all, want);
    }

    #[test]
    fn the_numbers_of_the_view_are_where_the_shader_reads_them() {
        let module = naga::front::wgsl::parse_str(SHADER).unwrap();
        let view = module
            .types
            .iter()
            .find(|(_, own)| own.name.as_deref() == Some("View"));
        let naga::TypeInner::Struct { members, span } = &view.unwrap().1.inner else {
            panic!("View is a struct");
        };
        assert_eq!(*span as usize, 4 * VIEW);
        let offsets: Vec<usize> = members.iter().map(|own| own.offset as usize / 4).collect();
        assert_eq!(offsets, [0, 2, 4, 6, 7, 8, 8 + 4 * SLOTS]);
    }

    #[test]
    fn the_shader_gets_the_same_place_as_the_pointer() {
        let rect = Rect::from_min_size(pos2(30.0, 40.0), vec2(300.0, 200.0));
        let camera = Camera {
            centre: [2.0, -1.0],
            scale: 25.0,
        };
        let style = Style {
            colours: [Color32::RED; SLOTS],
            edge: Color32::BLACK,
            radius: 3.0,
            faint: 1.0,
        };
        let view = view(rect, camera, &style, 2.0, false);
        for place in [[2.0, -1.0], [5.0, 1.5], [-3.0, 0.0]] {
            let clip = [0, 1].map(|axis| (place[axis] - view[axis]) * view[2 + axis]);
            let at = pos2(
                rect.center().x + clip[0] * rect.width() / 2.0,
                rect.center().y - clip[1] * rect.height() / 2.0,
            );
            assert!((at - camera.to_screen(rect, place)).length() < 1e-3);
        }
        // A pixel is two of the 600 parts of clip space at this scale of the screen; half of it is given.
        assert!((view[4] - 1.0 / 600.0).abs() < 1e-7 && view[6] == 6.0);
        assert_eq!(view[8..12], [1.0, 0.0, 0.0, 1.0]);
    }
}
