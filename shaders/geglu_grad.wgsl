// Gradient of geglu.wgsl: da = dOut * b * gelu'(a), db = dOut * gelu(a).
//
// Grid: x = quarters of `d_out`, THREADS at a time, and y = layers of GROUPS_PER_LAYER such.
// One invocation owns one quarter of `d_out` and what depends on it.
//
// x, d_x  [rows, 2 * width / 4] or, without GATED, [rows, width / 4]; x in
// d_out   [rows, width / 4], in

struct Call {
    rows: u32,
    width: u32,
}

@group(0) @binding(0) var<storage, read_write> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> d_out: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read_write> d_x: array<vec4<elem>>;
@group(0) @binding(3) var<storage, read> call: Call;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let index = (group.y * GROUPS_PER_LAYER + group.x) * THREADS + thread;
    let quarters = call.width / 4u;
    if index >= call.rows * quarters {
        return;
    }
    let d = vec4<f32>(d_out[index]);
    if GATED {
        let at = (index / quarters) * 2u * quarters + index % quarters;
        let gate = vec4<f32>(x[at]);
        let value = vec4<f32>(x[at + quarters]);
        d_x[at] = vec4<elem>(d * value * gelu_slope4(gate));
        d_x[at + quarters] = vec4<elem>(d * gelu4(gate));
    } else {
        d_x[index] = vec4<elem>(d * gelu_slope4(vec4<f32>(x[index])));
    }
}
