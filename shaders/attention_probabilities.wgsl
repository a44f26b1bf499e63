// Attention probabilities of a tile, for the views; see probability.wgsl.
//
// Grid: x = keys of the tile, THREADS at a time, y = its queries, z = heads.
// One invocation owns one key of one query and head.
//
// qkv            [tokens, 3, heads, HEAD_DIM / 4], in
// stats          [2, heads, tokens], in
// probabilities  [heads, queries, keys]

struct Call {
    tokens: u32,
    heads: u32,
    half_window: u32,
    scale: f32,
    // Rows of the packed batch, all of one sequence; ends excluded.
    query_begin: u32,
    query_end: u32,
    key_begin: u32,
    key_end: u32,
}

@group(0) @binding(0) var<storage, read_write> qkv: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> stats: array<f32>;
@group(0) @binding(2) var<storage, read_write> probabilities: array<f32>;
@group(0) @binding(3) var<storage, read> call: Call;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let column = group.x * THREADS + thread;
    let key = call.key_begin + column;
    if key >= call.key_end {
        return;
    }
    let queries = call.query_end - call.query_begin;
    let keys = call.key_end - call.key_begin;
    let at = (group.z * queries + group.y) * keys + column;
    probabilities[at] = probability(call.query_begin + group.y, key, group.z);
}
