// GeGLU, gelu(a) * b for rows [a | b] (Shazeer 2020), or, without GATED, gelu of every element.
//
// Grid: x = quarters of `out`, THREADS at a time, and y = layers of GROUPS_PER_LAYER such.
// One invocation owns one quarter of `out`.
//
// x    [rows, 2 * width / 4] or, without GATED, [rows, width / 4], in
// out  [rows, width / 4]

struct Call {
    rows: u32,
    width: u32,
}

@group(0) @binding(0) var<storage, read_write> x: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read> call: Call;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let index = (group.y * GROUPS_PER_LAYER + group.x) * THREADS + thread;
    let quarters = call.width / 4u;
    if index >= call.rows * quarters {
        return;
    }
    if GATED {
        let at = (index / quarters) * 2u * quarters + index % quarters;
        let gate = gelu4(vec4<f32>(x[at]));
        out[index] = vec4<elem>(gate * vec4<f32>(x[at + quarters]));
    } else {
        out[index] = vec4<elem>(gelu4(vec4<f32>(x[index])));
    }
}
