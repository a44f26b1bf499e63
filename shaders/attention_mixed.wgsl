// Attention probabilities of a tile, all heads of a layer together, added to those of other layers:
// mixed += Σ weight[h] · p[h], or mixed = max(mixed, weight[h] · p[h]); see probability.wgsl.
//
// Grid: x = keys of the tile, THREADS at a time, y = its queries.
// One invocation owns one key of one query and goes through the heads.
//
// qkv    [tokens, 3, heads, HEAD_DIM / 4], in
// stats  [2, heads, tokens], in
// mixed  [queries, keys], changed

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
    // 1 for the largest, 0 for the sum.
    largest: u32,
    // One for each head.
    weights: array<f32>,
}

@group(0) @binding(0) var<storage, read_write> qkv: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> stats: array<f32>;
@group(0) @binding(2) var<storage, read_write> mixed: array<f32>;
@group(0) @binding(3) var<storage, read> call: Call;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let column = group.x * THREADS + thread;
    let query = call.query_begin + group.y;
    let key = call.key_begin + column;
    if key >= call.key_end || query >= call.query_end {
        return;
    }
    let at = group.y * (call.key_end - call.key_begin) + column;
    var value = mixed[at];
    for (var head = 0u; head < call.heads; head++) {
        let weight = call.weights[head];
        if weight != 0.0 {
            let own = weight * probability(query, key, head);
            value = select(value + own, max(value, own), call.largest == 1u);
        }
    }
    mixed[at] = value;
}
