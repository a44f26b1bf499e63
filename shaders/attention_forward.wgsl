// Attention, forward: out = softmax(scale · q kᵀ) v, block by block with a running softmax
// (Milakov and Gimelshein 2018, Dao et al. 2022). Hidden pairs are left out; see visible.wgsl.
//
// Grid: x = tiles of queries, y = heads.
// One workgroup owns ROWS queries of one head and visits their keys COLUMNS at a time.
// One invocation owns a part of each block of logits and of the output: attention_tile.wgsl.
//
// qkv    [tokens, 3, heads, HEAD_DIM / 4], in; q and k are rotated already
// out    [tokens, heads, HEAD_DIM / 4]; goes on from what is there if CONTINUED
// stats  [2, heads, tokens], likewise: largest logit of each row; ln of the sum of exp(logit - largest)

@group(0) @binding(0) var<storage, read_write> qkv: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read_write> stats: array<f32>;
@group(0) @binding(3) var<storage, read> call: Call;

// Where the tiles lie in workgroup memory.
const Q: u32 = 0u;
const KV: u32 = ROWS * QUARTERS;
const WEIGHTS: u32 = KV + COLUMNS * QUARTERS;
const_assert(MEMORY == WEIGHTS + COLUMNS * ROWS / 4u);
// The place of the weights holds one maximum per row and invocation before it holds weights.
const_assert(COLUMN_THREADS <= COLUMNS);

// The largest, or the sum, of what the invocations of a row hold.
fn partial_slot(row_quarter: u32, thread_column: u32) -> u32 {
    return WEIGHTS + row_quarter * COLUMN_THREADS + thread_column;
}

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let tile = call.tiles[group.x];
    let head = group.y;
    let thread_row = thread / COLUMN_THREADS;
    let thread_column = thread % COLUMN_THREADS;
    let first_quarter = thread_row * ROW_QUARTERS;

    across_begin(thread);
    var largest: PerRow;
    var sum: PerRow;
    var own: PerRow;
    var results: Results;
    for (var m = 0u; m < ROW_QUARTERS; m++) {
        largest[m] = vec4<f32>(HIDDEN);
    }
    if CONTINUED {
        for (var i = 0u; i < ROW_PART; i++) {
            let row = tile.row_begin + thread_row * ROW_PART + i;
            if row < tile.row_end {
                let before = exp(stats[(call.heads + head) * call.tokens + row]);
                largest[i / 4u][i % 4u] = stats[head * call.tokens + row];
                // All invocations of a row add up their sums: one of them has this.
                sum[i / 4u][i % 4u] = select(0.0, before, thread_column == 0u);
                for (var n = 0u; n < OUT_PART; n++) {
                    let quarter = thread_column + n * COLUMN_THREADS;
                    let at = (row * call.heads + head) * QUARTERS + quarter;
                    results[i * OUT_PART + n] = vec4<f32>(out[at]) * before;
                }
            }
        }
    }

    load_qkv(thread, Q, ROWS, tile.row_begin, tile.row_end, 0u, head, call.scale);
    for (var key_begin = tile.column_begin; key_begin < tile.column_end; key_begin += COLUMNS) {
        load_qkv(thread, KV, COLUMNS, key_begin, tile.column_end, 1u, head, 1.0);
        workgroupBarrier();
        var block = products(Q, KV, thread_row, thread_column);
        for (var m = 0u; m < ROW_QUARTERS; m++) {
            own[m] = vec4<f32>(HIDDEN);
            let query = tile.row_begin + thread_row * ROW_PART + 4u * m;
            for (var n = 0u; n < COLUMN_PART; n++) {
                let key = key_begin + thread_column + n * COLUMN_THREADS;
                let seen = vec4<bool>(
                    visible(query, key, call.half_window),
                    visible(query + 1u, key, call.half_window),
                    visible(query + 2u, key, call.half_window),
                    visible(query + 3u, key, call.half_window),
                ) & vec4<bool>(key < tile.column_end);
                let logits = select(vec4<f32>(HIDDEN), block[m * COLUMN_PART + n], seen);
                block[m * COLUMN_PART + n] = logits;
                own[m] = max(own[m], logits);
            }
            memory[partial_slot(first_quarter + m, thread_column)] = own[m];
        }
        workgroupBarrier();
        // All have read k: v takes its place.
        load_qkv(thread, KV, COLUMNS, key_begin, tile.column_end, 2u, head, 1.0);
        for (var m = 0u; m < ROW_QUARTERS; m++) {
            let all = max(largest[m], across_max(own[m], partial_slot(first_quarter + m, 0u)));
            let rescale = exp(largest[m] - all);
            largest[m] = all;
            sum[m] *= rescale;
            for (var n = 0u; n < COLUMN_PART; n++) {
                let weights = exp(block[m * COLUMN_PART + n] - all);
                block[m * COLUMN_PART + n] = weights;
                sum[m] += weights;
            }
            for (var n = 0u; n < OUT_PART; n++) {
                let at = 4u * m * OUT_PART + n;
                results[at] *= rescale.x;
                results[at + OUT_PART] *= rescale.y;
                results[at + 2u * OUT_PART] *= rescale.z;
                results[at + 3u * OUT_PART] *= rescale.w;
            }
        }
        workgroupBarrier();
        store_weights(WEIGHTS, &block, thread_row, thread_column);
        workgroupBarrier();
        accumulate(&results, WEIGHTS, KV, thread_row, thread_column);
        workgroupBarrier();
    }

    for (var m = 0u; m < ROW_QUARTERS; m++) {
        memory[partial_slot(first_quarter + m, thread_column)] = sum[m];
    }
    workgroupBarrier();
    for (var m = 0u; m < ROW_QUARTERS; m++) {
        let all = across_sum(sum[m], partial_slot(first_quarter + m, 0u));
        let log_sum = log(all);
        for (var i = 0u; i < 4u; i++) {
            let row = tile.row_begin + thread_row * ROW_PART + 4u * m + i;
            if row < tile.row_end {
                for (var n = 0u; n < OUT_PART; n++) {
                    let quarter = thread_column + n * COLUMN_THREADS;
                    let at = (row * call.heads + head) * QUARTERS + quarter;
                    out[at] = vec4<elem>(results[(4u * m + i) * OUT_PART + n] / all[i]);
                }
                if thread_column == 0u {
                    stats[head * call.tokens + row] = largest[m][i];
                    stats[(call.heads + head) * call.tokens + row] = log_sum[i];
                }
            }
        }
    }
}
