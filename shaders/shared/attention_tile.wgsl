// Tiles of q, k, v or dO in workgroup memory, and the two products that attention is made of.
//
// A tile is `rows` x HEAD_DIM, as quarters (vec4) of rows. Quarter c of row r lies at
// `slot(r, c)`: the exclusive or spreads the same quarter of neighbouring rows over the banks.
// A block of weights (P or dS) is COLUMNS x ROWS, quarters along the rows, at `weight_slot`.
//
// Of a block of logits, ROWS x COLUMNS, one invocation owns rows `ROW_PART * thread_row()` and
// the next ROW_PART - 1, and columns `thread_column() + n * COLUMN_THREADS`; of a tile of results
// the same rows, and quarters `thread_column() + n * COLUMN_THREADS`.
//
// Where CONTINUED these are not the first columns of their rows, and what is there is added to.
//
// Needs constants CONTINUED, HEAD_DIM, ROWS, COLUMNS, ROW_THREADS, COLUMN_THREADS, SWIZZLE, ROW_SWIZZLE and
// MEMORY (quarters of workgroup memory), and bindings `qkv` and `call`.

// What one workgroup computes: rows of the packed batch that are its own, and those that it
// visits; ends excluded, the window applied.
struct Tile {
    row_begin: u32,
    row_end: u32,
    column_begin: u32,
    column_end: u32,
}

struct Call {
    tokens: u32,
    heads: u32,
    half_window: u32,
    scale: f32,
    tiles: array<Tile>,
}

const QUARTERS: u32 = HEAD_DIM / 4u;
const THREADS: u32 = ROW_THREADS * COLUMN_THREADS;
const ROW_PART: u32 = ROWS / ROW_THREADS;
const ROW_QUARTERS: u32 = ROW_PART / 4u;
const COLUMN_PART: u32 = COLUMNS / COLUMN_THREADS;
const OUT_PART: u32 = QUARTERS / COLUMN_THREADS;

const_assert(HEAD_DIM % 4u == 0u);
const_assert(ROWS % (4u * ROW_THREADS) == 0u);
const_assert(COLUMNS % COLUMN_THREADS == 0u);
const_assert(QUARTERS % COLUMN_THREADS == 0u);
const_assert(QUARTERS % (SWIZZLE + 1u) == 0u);
const_assert((ROWS / 4u) % (ROW_SWIZZLE + 1u) == 0u);

// Stands for minus infinity: finite, so that a row which sees nothing in a block gets weights
// that a later block's rescaling wipes out, and not NaN.
const HIDDEN: f32 = -1e30;

var<workgroup> memory: array<vec4<f32>, MEMORY>;

// ROW_QUARTERS x COLUMN_PART logits of one invocation, quarters along the rows.
alias Block = array<vec4<f32>, ROW_QUARTERS * COLUMN_PART>;
// ROW_PART x OUT_PART results of one invocation, quarters along the head.
alias Results = array<vec4<f32>, ROW_PART * OUT_PART>;
// One number for each row of an invocation.
alias PerRow = array<vec4<f32>, ROW_QUARTERS>;

fn slot(row: u32, quarter: u32) -> u32 {
    return row * QUARTERS + (quarter ^ (row & SWIZZLE));
}

fn weight_slot(column: u32, row_quarter: u32) -> u32 {
    return column * (ROWS / 4u) + (row_quarter ^ (column & ROW_SWIZZLE));
}

// Fills the tile at `base` with `factor` times rows `first..end` of one head of q (part 0),
// k (1) or v (2); rows from `end` on become 0.
fn load_qkv(thread: u32, base: u32, rows: u32, first: u32, end: u32, part: u32, head: u32, factor: f32) {
    for (var index = thread; index < rows * QUARTERS; index += THREADS) {
        let row = index / QUARTERS;
        let quarter = index % QUARTERS;
        var value = vec4<f32>();
        if first + row < end {
            let at = ((first + row) * 3u + part) * call.heads * QUARTERS + head * QUARTERS + quarter;
            value = vec4<f32>(qkv[at]) * factor;
        }
        memory[base + slot(row, quarter)] = value;
    }
}

// rows x columns of `a bᵀ` for the tiles at `a` and `b`. Every kernel computes logits here, in
// one order of summation: the backward pass must see them as the forward pass did.
fn products(a: u32, b: u32, thread_row: u32, thread_column: u32) -> Block {
    var block: Block;
    for (var quarter = 0u; quarter < QUARTERS; quarter++) {
        var columns: array<vec4<f32>, COLUMN_PART>;
        for (var n = 0u; n < COLUMN_PART; n++) {
            columns[n] = memory[b + slot(thread_column + n * COLUMN_THREADS, quarter)];
        }
        for (var m = 0u; m < ROW_QUARTERS; m++) {
            let row = thread_row * ROW_PART + 4u * m;
            let r0 = memory[a + slot(row, quarter)];
            let r1 = memory[a + slot(row + 1u, quarter)];
            let r2 = memory[a + slot(row + 2u, quarter)];
            let r3 = memory[a + slot(row + 3u, quarter)];
            for (var n = 0u; n < COLUMN_PART; n++) {
                let c = columns[n];
                block[m * COLUMN_PART + n] += vec4<f32>(dot(r0, c), dot(r1, c), dot(r2, c), dot(r3, c));
            }
        }
    }
    return block;
}

// Puts a block of weights to the place from which `accumulate` takes it.
fn store_weights(weights: u32, block: ptr<function, Block>, thread_row: u32, thread_column: u32) {
    for (var n = 0u; n < COLUMN_PART; n++) {
        for (var m = 0u; m < ROW_QUARTERS; m++) {
            let at = weight_slot(thread_column + n * COLUMN_THREADS, thread_row * ROW_QUARTERS + m);
            memory[weights + at] = (*block)[m * COLUMN_PART + n];
        }
    }
}

// results += weights · b, for the block at `weights` and the tile at `b`.
fn accumulate(results: ptr<function, Results>, weights: u32, b: u32, thread_row: u32, thread_column: u32) {
    for (var column = 0u; column < COLUMNS; column++) {
        var quarters: array<vec4<f32>, OUT_PART>;
        for (var n = 0u; n < OUT_PART; n++) {
            quarters[n] = memory[b + slot(column, thread_column + n * COLUMN_THREADS)];
        }
        for (var m = 0u; m < ROW_QUARTERS; m++) {
            let w = memory[weights + weight_slot(column, thread_row * ROW_QUARTERS + m)];
            for (var n = 0u; n < OUT_PART; n++) {
                let at = 4u * m * OUT_PART + n;
                (*results)[at] += w.x * quarters[n];
                (*results)[at + OUT_PART] += w.y * quarters[n];
                (*results)[at + 2u * OUT_PART] += w.z * quarters[n];
                (*results)[at + 3u * OUT_PART] += w.w * quarters[n];
            }
        }
    }
}
