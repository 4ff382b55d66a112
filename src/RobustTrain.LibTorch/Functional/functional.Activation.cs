using RobustTrain.Native.Interop;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            // In place, the result is another object for the argument's tensor, so that either can be disposed.
            private static Tensor InPlace(Tensor changed) => changed.alias();

            public static Tensor relu(Tensor x, bool inplace = false) => inplace ? InPlace(x.relu_()) : x.relu();
            public static Tensor relu6(Tensor x, bool inplace = false) => inplace ? InPlace(x.relu6_()) : x.relu6();
            public static Tensor leaky_relu(Tensor input, double negative_slope = 0.01, bool inplace = false) => inplace ? InPlace(input.leaky_relu_(negative_slope)) : input.leaky_relu(negative_slope);
            public static Tensor elu(Tensor x, double alpha, bool inplace = false) => inplace ? InPlace(x.elu_(alpha)) : x.elu(alpha);
            public static Tensor silu(Tensor x, bool inplace = false) => inplace ? InPlace(x.silu_()) : x.silu();
            public static Tensor hardswish(Tensor input, bool inplace = false) => inplace ? InPlace(input.hardswish_()) : input.hardswish();
            public static Tensor hardtanh(Tensor x, double min_val = -1, double max_val = 1, bool inplace = false) => inplace ? InPlace(x.hardtanh_(min_val, max_val)) : x.hardtanh(min_val, max_val);
            public static Tensor sigmoid(Tensor x) => x.sigmoid();
            public static Tensor sigmoid(Tensor x, bool inplace) => inplace ? InPlace(x.sigmoid_()) : x.sigmoid();
            public static Tensor tanh(Tensor x, bool inplace = false) => inplace ? InPlace(x.tanh_()) : x.tanh();
            public static Tensor prelu(Tensor input, Tensor weight) => input.prelu(weight);
            public static Tensor logsigmoid(Tensor x) => x.log_sigmoid();
            public static Tensor softplus(Tensor x, double beta = 1, double threshold = 20) => x.softplus(beta, threshold);
            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => input.softmax(dim, dtype);
            public static Tensor log_softmax(Tensor x, long dim) => x.log_softmax(dim);
            public static Tensor gelu(Tensor x) => gelu(x, Modules.GELU.Approximate.none);
            public static Tensor gelu(Tensor x, bool inplace) => gelu(x, Modules.GELU.Approximate.none, inplace);
            public static Tensor gelu(Tensor x, GELU.Approximate approximate, bool inplace = false)
            {
                string form = approximate == Modules.GELU.Approximate.tanh ? "tanh" : "none";
                return inplace ? InPlace(Aten.gelu_.Apply(x, form)) : Aten.gelu.Call(x, form);
            }
        }
    }
}
