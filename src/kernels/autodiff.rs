//! The gradients: which backward step belongs to which operation.

use std::ops::Range;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend};

use super::attention::AttentionCall;
use super::ops::{AttentionParts, EncoderOps};
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
