//! The gradients: which backward step belongs to which operation.

use std::ops::Range;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, TensorMetadata};

use super::attention::{AttentionCall, HeadMix};
use super::cross_entropy::Targets;
use super::embedding::Lookup;
use super::ops::{
    AttentionParts, CrossEntropyGrads, CrossEntropyParts, EncoderOps, LayerNormGrads,
};
use super::rope::Direction;
use super::sequences::HeadShape;

#[derive(Debug)]
struct RopeBackward;

impl<B: EncoderOps> Backward<B, 1> for RopeBackward {
    type State = (FloatTensor<B>, FloatTensor<B>, HeadShape, Direction);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let d_out = grads.consume::<B>(&ops.node);
        let (cos, sin, heads, direction) = ops.state;
        let back = match direction {
            Direction::Forward => Direction::Backward,
            Direction::Backward => Direction::Forward,
        };
        if let [Some(parent)] = ops.parents {
            grads.register::<B>(parent.id, B::rope(d_out, cos, sin, heads, back));
        }
    }
}

#[derive(Debug)]
struct AttentionBackward;

impl<B: EncoderOps> Backward<B, 1> for AttentionBackward {
    type State = (
        FloatTensor<B>,
        FloatTensor<B>,
        FloatTensor<B>,
        AttentionCall,
    );

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let d_out = grads.consume::<B>(&ops.node);
        let (qkv, out, stats, call) = ops.state;
        if let [Some(parent)] = ops.parents {
            let d_qkv = B::attention_backward(qkv, out, stats, d_out, call);
            grads.register::<B>(parent.id, d_qkv);
        }
    }
}

#[derive(Debug)]
struct LinearBackward;

impl<B: EncoderOps> Backward<B, 2> for LinearBackward {
    type State = [FloatTensor<B>; 2];

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let d_out = grads.consume::<B>(&ops.node);
        let [x, weight] = ops.state;
        let [of_x, of_weight] = ops.parents;
        if let Some(parent) = of_x {
            grads.register::<B>(parent.id, B::linear_grad_x(d_out.clone(), weight));
        }
        if let Some(parent) = of_weight {
            grads.register::<B>(parent.id, B::linear_grad_weight(d_out, x));
        }
    }
}

#[derive(Debug)]
struct LayerNormBackward;

impl<B: EncoderOps> Backward<B, 2> for LayerNormBackward {
    type State = (FloatTensor<B>, FloatTensor<B>, f64);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let d_out = grads.consume::<B>(&ops.node);
        let (x, weight, eps) = ops.state;
        let LayerNormGrads { d_x, d_weight } = B::layer_norm_backward(x, weight, d_out, eps);
        let [of_x, of_weight] = ops.parents;
        if let Some(parent) = of_x {
            grads.register::<B>(parent.id, d_x);
        }
        if let Some(parent) = of_weight {
            grads.register::<B>(parent.id, d_weight);
        }
    }
}

#[derive(Debug)]
struct LookUpBackward;

impl<B: EncoderOps> Backward<B, 1> for LookUpBackward {
    type State = (Lookup, usize);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let d_out = grads.consume::<B>(&ops.node);
        let (lookup, entries) = ops.state;
        if let [Some(parent)] = ops.parents {
            let d_table = B::look_up_backward(d_out, lookup, entries);
            // Where the table is the decoder's weight, too, a gradient with a number in every place
            // is there already. As long as somebody else holds this one, which is nearly all zeros,
            // the sum is made in the memory of that one.
            let _held = d_table.clone();
            grads.register::<B>(parent.id, d_table);
        }
    }
}

#[derive(Debug)]
struct CrossEntropyBackward;

impl<B: EncoderOps> Backward<B, 3> for CrossEntropyBackward {
    type State = ([FloatTensor<B>; 3], FloatTensor<B>, Targets);

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let d_losses = grads.consume::<B>(&ops.node);
        let ([x, weight, bias], stats, targets) = ops.state;
        let CrossEntropyGrads {
            d_x,
            d_weight,
            d_bias,
        } = B::cross_entropy_backward(x, weight, bias, stats, d_losses, targets);
        for (parent, gradient) in ops.parents.into_iter().zip([d_x, d_weight, d_bias]) {
            if let Some(parent) = parent {
                grads.register::<B>(parent.id, gradient);
            }
        }
    }
}

#[derive(Debug)]
struct GegluBackward;

impl<B: EncoderOps> Backward<B, 1> for GegluBackward {
    type State = FloatTensor<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let d_out = grads.consume::<B>(&ops.node);
        if let [Some(parent)] = ops.parents {
            grads.register::<B>(parent.id, B::geglu_backward(ops.state, d_out));
        }
    }
}

#[derive(Debug)]
struct GeluBackward;

impl<B: EncoderOps> Backward<B, 1> for GeluBackward {
    type State = FloatTensor<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let d_out = grads.consume::<B>(&ops.node);
        if let [Some(parent)] = ops.parents {
            grads.register::<B>(parent.id, B::gelu_erf_backward(ops.state, d_out));
        }
    }
}

impl<B: EncoderOps, C: CheckpointStrategy> EncoderOps for Autodiff<B, C> {
    fn linear(x: FloatTensor<Self>, weight: FloatTensor<Self>) -> FloatTensor<Self> {
        match LinearBackward
            .prepare::<C>([x.node(), weight.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prepared) => {
                let (x, weight) = (x.into_primitive(), weight.into_primitive());
                let out = <B as EncoderOps>::linear(x.clone(), weight.clone());
                prepared.finish([x, weight], out)
            }
            OpsKind::UnTracked(prepared) => prepared.finish(<B as EncoderOps>::linear(
                x.into_primitive(),
                weight.into_primitive(),
            )),
        }
    }

    fn layer_norm(x: FloatTensor<Self>, weight: FloatTensor<Self>, eps: f64) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node()];
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        match LayerNormBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prepared) => {
                let out = <B as EncoderOps>::layer_norm(x.clone(), weight.clone(), eps);
                prepared.finish((x, weight, eps), out)
            }
            OpsKind::UnTracked(prepared) => {
                prepared.finish(<B as EncoderOps>::layer_norm(x, weight, eps))
            }
        }
    }

    fn look_up(table: FloatTensor<Self>, lookup: Lookup) -> FloatTensor<Self> {
        match LookUpBackward
            .prepare::<C>([table.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prepared) => {
                let table = table.into_primitive();
                let state = (lookup.clone(), table.shape()[0]);
                prepared.finish(state, B::look_up(table, lookup))
            }
            OpsKind::UnTracked(prepared) => {
                prepared.finish(B::look_up(table.into_primitive(), lookup))
            }
        }
    }

    fn cross_entropy(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        targets: Targets,
    ) -> CrossEntropyParts<Self> {
        let nodes = [x.node(), weight.node(), bias.node()];
        let inputs = [x, weight, bias].map(|tensor| tensor.into_primitive());
        let [x, weight, bias] = inputs.clone();
        let CrossEntropyParts { losses, stats } =
            B::cross_entropy(x, weight, bias, targets.clone());
        let losses = match CrossEntropyBackward
            .prepare::<C>(nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prepared) => prepared.finish((inputs, stats.clone(), targets), losses),
            OpsKind::UnTracked(prepared) => prepared.finish(losses),
        };
        CrossEntropyParts {
            losses,
            stats: <Self as AutodiffBackend>::from_inner(stats),
        }
    }

    fn geglu(x: FloatTensor<Self>) -> FloatTensor<Self> {
        match GegluBackward
            .prepare::<C>([x.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prepared) => {
                let x = x.into_primitive();
                prepared.finish(x.clone(), B::geglu(x))
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::geglu(x.into_primitive())),
        }
    }

    fn rope(
        qkv: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        heads: HeadShape,
        direction: Direction,
    ) -> FloatTensor<Self> {
        let (cos, sin) = (cos.into_primitive(), sin.into_primitive());
        match RopeBackward
            .prepare::<C>([qkv.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prepared) => {
                let state = (cos.clone(), sin.clone(), heads, direction);
                let turned = B::rope(qkv.into_primitive(), cos, sin, heads, direction);
                prepared.finish(state, turned)
            }
            OpsKind::UnTracked(prepared) => {
                prepared.finish(B::rope(qkv.into_primitive(), cos, sin, heads, direction))
            }
        }
    }

    fn attention(qkv: FloatTensor<Self>, call: AttentionCall) -> AttentionParts<Self> {
        match AttentionBackward
            .prepare::<C>([qkv.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prepared) => {
                let qkv = qkv.into_primitive();
                let AttentionParts { out, stats } =
                    <B as EncoderOps>::attention(qkv.clone(), call.clone());
                let state = (qkv, out.clone(), stats.clone(), call);
                AttentionParts {
                    out: prepared.finish(state, out),
                    stats: <Self as AutodiffBackend>::from_inner(stats),
                }
            }
            OpsKind::UnTracked(prepared) => {
                let AttentionParts { out, stats } =
                    <B as EncoderOps>::attention(qkv.into_primitive(), call);
                AttentionParts {
                    out: prepared.finish(out),
                    stats: <Self as AutodiffBackend>::from_inner(stats),
                }
            }
        }
    }

    fn attention_backward(
        _qkv: FloatTensor<Self>,
        _out: FloatTensor<Self>,
        _stats: FloatTensor<Self>,
        _d_out: FloatTensor<Self>,
        _call: AttentionCall,
    ) -> FloatTensor<Self> {
        panic!("attention has no second derivative here");
    }

    fn attention_probabilities(
        qkv: FloatTensor<Self>,
        stats: FloatTensor<Self>,
        call: AttentionCall,
        queries: Range<usize>,
        keys: Range<usize>,
    ) -> FloatTensor<Self> {
        <Self as AutodiffBackend>::from_inner(B::attention_probabilities(
            qkv.into_primitive(),
            stats.into_primitive(),
            call,
            queries,
            keys,
        ))
    }

    fn attention_mixed(
        so_far: FloatTensor<Self>,
        qkv: FloatTensor<Self>,
        stats: FloatTensor<Self>,
        call: AttentionCall,
        tile: [Range<usize>; 2],
        mix: HeadMix,
    ) -> FloatTensor<Self> {
        <Self as AutodiffBackend>::from_inner(B::attention_mixed(
            so_far.into_primitive(),
            qkv.into_primitive(),
            stats.into_primitive(),
            call,
            tile,
            mix,
        ))
    }

    fn gelu_erf(x: FloatTensor<Self>) -> FloatTensor<Self> {
        match GeluBackward
            .prepare::<C>([x.node()])
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prepared) => {
                let x = x.into_primitive();
                prepared.finish(x.clone(), B::gelu_erf(x))
            }
            OpsKind::UnTracked(prepared) => prepared.finish(B::gelu_erf(x.into_primitive())),
        }
    }
}
