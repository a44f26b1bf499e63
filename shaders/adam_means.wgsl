// The first half of an update (AdamW: Loshchilov and Hutter 2019; StableAdamW: Wortsman et al. 2023, and
// the rule published with Clinical ModernBERT): the means of the gradient and of its square, and for each
// workgroup the two sums that the rule compares.
//
// m = kept m + new g, v = kept v + new g², with g = gradient * scale. Sums, by RULE:
// ADAMW 0, 0; STABLE Σ g² / max(v, eps²), 0; PUBLISHED Σ (sqrt(v) + eps)², Σ (m unbias)².
//
// Grid: x = call.groups workgroups; one invocation owns every (groups * THREADS)-th element.
//
// gradient        [count], in
// scale           [1], in
// first, second   [count], changed
// sums            [groups, 2], out

struct Call {
    count: u32,
    groups: u32,
    kept_first: f32,
    new_first: f32,
    kept_second: f32,
    new_second: f32,
    eps: f32,
    unbias: f32,
}

@group(0) @binding(0) var<storage, read_write> gradient: array<f32>;
@group(0) @binding(1) var<storage, read_write> scale: array<f32>;
@group(0) @binding(2) var<storage, read_write> first: array<f32>;
@group(0) @binding(3) var<storage, read_write> second: array<f32>;
@group(0) @binding(4) var<storage, read_write> sums: array<f32>;
@group(0) @binding(5) var<storage, read> call: Call;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let factor = scale[0];
    var one = 0.0;
    var other = 0.0;
    for (var at = group.x * THREADS + thread; at < call.count; at += call.groups * THREADS) {
        let g = gradient[at] * factor;
        let m = call.kept_first * first[at] + call.new_first * g;
        let v = call.kept_second * second[at] + call.new_second * g * g;
        first[at] = m;
        second[at] = v;
        if RULE == STABLE {
            one += g * g / max(v, call.eps * call.eps);
        } else if RULE == PUBLISHED {
            let d = sqrt(v) + call.eps;
            let u = m * call.unbias;
            one += d * d;
            other += u * u;
        }
    }
    let of_one = workgroup_sum(thread, one);
    let of_other = workgroup_sum(thread, other);
    if thread == 0u {
        sums[2u * group.x] = of_one;
        sums[2u * group.x + 1u] = of_other;
    }
}
