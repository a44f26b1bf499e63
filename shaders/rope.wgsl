// RoPE, in place on q and k of packed qkv, "rotate half" (Su et al. 2021):
// x[m] cos - x[m + D/2] sin, and x[m + D/2] cos + x[m] sin. The gradient turns the other way.
//
// Grid: x = (head, pair) of q and of k, THREADS at a time; y, z = rows, `rows_per_layer` per z.
// One invocation owns four neighbouring pairs of one head of q or k in one row.
//
// qkv       [tokens, 3, heads, HEAD_DIM / 4], in and out; v stays
// cos, sin  [tokens, HEAD_DIM / 8], in

struct Call {
    tokens: u32,
    heads: u32,
    rows_per_layer: u32,
    // 1 forward, -1 backward.
    direction: f32,
}

@group(0) @binding(0) var<storage, read_write> qkv: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> cos_table: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> sin_table: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> call: Call;

// Four pairs each.
const GROUPS: u32 = HEAD_DIM / 8u;
const_assert(HEAD_DIM % 8u == 0u);

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = group.z * call.rows_per_layer + group.y;
    let index = group.x * THREADS + thread;
    if row >= call.tokens || index >= 2u * call.heads * GROUPS {
        return;
    }
    let part_and_head = index / GROUPS;
    let pairs = index % GROUPS;
    let first = (row * 3u * call.heads + part_and_head) * 2u * GROUPS + pairs;
    let second = first + GROUPS;
    let c = cos_table[row * GROUPS + pairs];
    let s = sin_table[row * GROUPS + pairs] * call.direction;
    let a = vec4<f32>(qkv[first]);
    let b = vec4<f32>(qkv[second]);
    qkv[first] = vec4<elem>(a * c - b * s);
    qkv[second] = vec4<elem>(b * c + a * s);
}
