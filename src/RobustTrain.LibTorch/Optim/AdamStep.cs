using RobustTrain.Native.Interop;
using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>The step that Adam and AdamW share, in the order of operations that PyTorch has (Kingma and Ba 2015; Loshchilov and Hutter 2019).</summary>
/// <remarks>Decoupled (AdamW): the decay shrinks the parameter; otherwise (Adam) it adds to the gradient.</remarks>
internal sealed record AdamStep(double LearningRate, double Beta1, double Beta2, double Eps, double WeightDecay, bool Amsgrad, bool Maximize, bool Decoupled)
{
    /// <param name="parameters">With their gradients and moments, in the same order.</param>
    /// <param name="grads">Not changed.</param>
    /// <param name="averages">First moments.</param>
    /// <param name="squares">Second moments.</param>
    /// <param name="largest">The largest second moments so far; used with amsgrad only.</param>
    /// <param name="steps">How many steps each parameter has had, this one included.</param>
    internal void Run(List<Tensor> parameters, List<Tensor> grads, List<Tensor> averages, List<Tensor> squares, List<Tensor> largest, List<long> steps)
    {
        if (Maximize) grads = [.. Aten._foreach_neg.CallList(grads)];
        if (WeightDecay != 0)
        {
            if (Decoupled) Aten._foreach_mul__Scalar.Run(parameters, 1 - LearningRate * WeightDecay);
            else grads = [.. Aten._foreach_add_List.CallList(grads, parameters, WeightDecay)];
        }
        Aten._foreach_mul__Scalar.Run(averages, Beta1);
        Aten._foreach_add__List.Run(averages, grads, 1 - Beta1);
        Aten._foreach_mul__Scalar.Run(squares, Beta2);
        Aten._foreach_addcmul__Scalar.Run(squares, grads, grads, 1 - Beta2);
        if (Amsgrad)
        {
            for (int i = 0; i < largest.Count; i++) Aten.maximum_out.Run(largest[i], squares[i], largest[i]);
        }
        var roots = new double[steps.Count];
        var sizes = new double[steps.Count];
        for (int i = 0; i < sizes.Length; i++)
        {
            roots[i] = Math.Sqrt(1 - Math.Pow(Beta2, steps[i]));
            sizes[i] = -(LearningRate / (1 - Math.Pow(Beta1, steps[i])));
        }
        Tensor[] denominators = Aten._foreach_sqrt.CallList(Amsgrad ? largest : squares);
        Aten._foreach_div__ScalarList.Run(denominators, roots);
        Aten._foreach_add__Scalar.Run(denominators, Eps);
        Aten._foreach_addcdiv__ScalarList.Run(parameters, averages, denominators, sizes);
    }
}
