using RobustTrain.Native.Interop;
using TorchSharp.Modules;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class utils
        {
            /// <summary>Scales the gradients so that their norm, taken over all of them together, is at most <paramref name="max_norm"/>.</summary>
            /// <returns>The norm before.</returns>
            public static double clip_grad_norm_(IEnumerable<Parameter> tensors, double max_norm, double norm_type = 2.0)
            {
                using DisposeScope scope = NewDisposeScope();
                using IDisposable quiet = no_grad();
                List<Tensor> grads = Grads(tensors);
                if (grads.Count == 0) return 0;
                Tensor total;
                if (double.IsPositiveInfinity(norm_type)) total = stack(grads.Select(grad => grad.abs().max())).max();
                else total = stack(Aten._foreach_norm_Scalar.CallList(grads, norm_type)).norm((float)norm_type);
                double norm = total.Number();
                double scale = max_norm / (norm + 1e-6);
                // A norm that is not finite goes through as it is: the caller decides what it means.
                if (scale < 1 || double.IsNaN(scale)) Aten._foreach_mul__Scalar.Run(grads, Math.Min(scale, 1));
                return norm;
            }

            public static void clip_grad_value_(IEnumerable<Parameter> tensors, double clip_value)
            {
                using DisposeScope scope = NewDisposeScope();
                using IDisposable quiet = no_grad();
                foreach (Tensor grad in Grads(tensors)) _ = grad.clamp_((Scalar)(-clip_value), (Scalar)clip_value);
            }

            /// <summary>All parameters in one row.</summary>
            public static Tensor parameters_to_vector(IEnumerable<Parameter> tensors)
            {
                Tensor[] rows = [.. tensors.Select(parameter => parameter.reshape(-1))];
                Tensor joined = cat(rows);
                foreach (Tensor row in rows) row.Dispose();
                return joined;
            }

            public static void vector_to_parameters(Tensor vec, IEnumerable<Parameter> tensors)
            {
                using IDisposable quiet = no_grad();
                long start = 0;
                foreach (Parameter parameter in tensors)
                {
                    long count = parameter.numel();
                    using Tensor part = vec.narrow(0, start, count);
                    using Tensor shaped = part.view_as(parameter);
                    _ = parameter.copy_(shaped);
                    start += count;
                }
            }

            private static List<Tensor> Grads(IEnumerable<Parameter> parameters) => [.. parameters.Select(parameter => parameter.grad).OfType<Tensor>()];
        }
    }
}
