// The points of a map: a small shape for each, of a colour by its class.
//
// Drawn by the window, not by the kernels: `src/app/points/gpu.rs`.
//
// grid      six vertices (two triangles) for each instance; an instance is a point
// place     of a point, in units of the map; upwards is up
// slot      its place in the legend in the low 8 bits; bit 8: it is chosen
// view      the part of the map on the screen, and the colours: see the Rust struct `View`
//
// Shapes differ as well as colours, for those who cannot tell colours apart: a disc, a square, a
// diamond, a triangle and a cross take turns.

struct View {
    // Clip space = (place - centre) * scale.
    centre: vec2f,
    scale: vec2f,
    // Half the size of a pixel, and of a point's shape, in clip space and in pixels.
    pixel: vec2f,
    radius: f32,
    // How much of its colour a point that is not chosen keeps.
    faint: f32,
    colours: array<vec4f, 12>,
    // Of the line around what is chosen.
    edge: vec4f,
}

@group(0) @binding(0) var<uniform> view: View;

struct Corner {
    @builtin(position) position: vec4f,
    // From the middle of the point, in pixels.
    @location(0) off: vec2f,
    @location(1) @interpolate(flat) slot: u32,
}

const CHOSEN = 256u;
// Room around a shape for its line and its soft edge, in pixels.
const AROUND = 2.0;

@vertex
fn vertex(
    @builtin(vertex_index) number: u32,
    @location(0) place: vec2f,
    @location(1) slot: u32,
) -> Corner {
    let right = number == 1u || number == 2u || number == 4u;
    let upper = number == 2u || number == 4u || number == 5u;
    let side = vec2f(select(-1.0, 1.0, right), select(-1.0, 1.0, upper));
    var corner: Corner;
    corner.off = side * (view.radius + AROUND);
    corner.slot = slot;
    let middle = (place - view.centre) * view.scale;
    corner.position = vec4f(middle + corner.off * view.pixel * 2.0, 0.0, 1.0);
    return corner;
}

// How far outside of a shape of this radius, in pixels; negative inside.
fn outside(shape: u32, off: vec2f, radius: f32) -> f32 {
    let own = abs(off);
    switch shape {
        case 1u: {
            return max(own.x, own.y) - 0.86 * radius;
        }
        case 2u: {
            return (own.x + own.y) * 0.70710678 - 0.8 * radius;
        }
        case 3u: {
            return max(own.x * 0.8660254 + off.y * 0.5, -off.y) - 0.62 * radius;
        }
        case 4u: {
            let arm = max(max(own.x, own.y) - radius, min(own.x, own.y) - 0.36 * radius);
            return arm;
        }
        default: {
            return length(off) - radius;
        }
    }
}

@fragment
fn fragment(corner: Corner) -> @location(0) vec4f {
    let slot = min(corner.slot & 255u, 11u);
    let chosen = (corner.slot & CHOSEN) != 0u;
    let shape = select(slot % 5u, 0u, slot >= 10u);
    let far = outside(shape, corner.off, view.radius);
    let inner = 1.0 - smoothstep(-0.5, 0.5, far);
    var colour = view.colours[slot] * select(view.faint, 1.0, chosen) * inner;
    if chosen {
        let outer = 1.0 - smoothstep(0.5, 1.5, far);
        colour += view.edge * max(outer - inner, 0.0);
    }
    return colour;
}
