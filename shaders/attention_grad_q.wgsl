// Attention, backward, second pass: dQ = scale · dS k, with P = exp(scale · q kᵀ - lse),
// dP = dO vᵀ and dS = P ∘ (dP - delta) (Dao et al. 2022); P is computed again.
//
// Grid: x = tiles of queries, y = heads.
// One workgroup owns ROWS queries of one head and visits their keys COLUMNS at a time.
// One invocation owns a part of each block and of dQ: attention_tile.wgsl.
//
// qkv           [tokens, 3, heads, HEAD_DIM / 4], in
// d_out         [tokens, heads, HEAD_DIM / 4], in
// stats, delta  [2, heads, tokens] and [heads, tokens], in
// d_qkv         [tokens, 3, heads, HEAD_DIM / 4]: the first third is written

@group(0) @binding(0) var<storage, read_write> qkv: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> d_out: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read_write> stats: array<f32>;
@group(0) @binding(3) var<storage, read_write> delta: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_qkv: array<vec4<elem>>;
@group(0) @binding(5) var<storage, read> call: Call;

// Where the tiles lie in workgroup memory.
const Q: u32 = 0u;
const D_OUT: u32 = ROWS * QUARTERS;
const KV: u32 = 2u * ROWS * QUARTERS;
const WEIGHTS: u32 = KV + COLUMNS * QUARTERS;
const_assert(MEMORY == WEIGHTS + COLUMNS * ROWS / 4u);

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let tile = call.tiles[group.x];
    let head = group.y;
    let thread_row = thread / COLUMN_THREADS;
    let thread_column = thread % COLUMN_THREADS;

    var largest: PerRow;
    var log_sum: PerRow;
    var deltas: PerRow;
    for (var m = 0u; m < ROW_QUARTERS; m++) {
        let query = tile.row_begin + thread_row * ROW_PART + 4u * m;
        let k0 = kept(query, tile.row_end, head);
        let k1 = kept(query + 1u, tile.row_end, head);
        let k2 = kept(query + 2u, tile.row_end, head);
        let k3 = kept(query + 3u, tile.row_end, head);
        largest[m] = vec4<f32>(k0.largest, k1.largest, k2.largest, k3.largest);
        log_sum[m] = vec4<f32>(k0.log_sum, k1.log_sum, k2.log_sum, k3.log_sum);
        deltas[m] = vec4<f32>(k0.delta, k1.delta, k2.delta, k3.delta);
    }

    var results: Results;
    load_qkv(thread, Q, ROWS, tile.row_begin, tile.row_end, 0u, head, call.scale);
    load_d_out(thread, D_OUT, ROWS, tile.row_begin, tile.row_end, head);
    for (var key_begin = tile.column_begin; key_begin < tile.column_end; key_begin += COLUMNS) {
        load_qkv(thread, KV, COLUMNS, key_begin, tile.column_end, 2u, head, 1.0);
        workgroupBarrier();
        let d_weights = products(D_OUT, KV, thread_row, thread_column);
        workgroupBarrier();
        // All have read v: k takes its place.
        load_qkv(thread, KV, COLUMNS, key_begin, tile.column_end, 1u, head, 1.0);
        workgroupBarrier();
        var block = products(Q, KV, thread_row, thread_column);
        for (var m = 0u; m < ROW_QUARTERS; m++) {
            let query = tile.row_begin + thread_row * ROW_PART + 4u * m;
            for (var n = 0u; n < COLUMN_PART; n++) {
                let at = m * COLUMN_PART + n;
                let key = key_begin + thread_column + n * COLUMN_THREADS;
                let weights = exp(block[at] - largest[m] - log_sum[m]);
                let seen = vec4<bool>(
                    visible(query, key, call.half_window),
                    visible(query + 1u, key, call.half_window),
                    visible(query + 2u, key, call.half_window),
                    visible(query + 3u, key, call.half_window),
                ) & vec4<bool>(key < tile.column_end);
                block[at] = select(vec4<f32>(), weights * (d_weights[at] - deltas[m]), seen);
            }
        }
        store_weights(WEIGHTS, &block, thread_row, thread_column);
        workgroupBarrier();
        accumulate(&results, WEIGHTS, KV, thread_row, thread_column);
        workgroupBarrier();
    }

    for (var i = 0u; i < ROW_PART; i++) {
        let row = tile.row_begin + thread_row * ROW_PART + i;
        if row < tile.row_end {
            for (var n = 0u; n < OUT_PART; n++) {
                let at = (row * 3u * call.heads + head) * QUARTERS + thread_column + n * COLUMN_THREADS;
                var sum = results[i * OUT_PART + n] * call.scale;
                if CONTINUED {
                    sum += vec4<f32>(d_qkv[at]);
                }
                d_qkv[at] = vec4<elem>(sum);
            }
        }
    }
}
