using RobustTrain.Native.Interop;

namespace TorchSharp.Modules
{
    /// <summary>A tensor that a module registers as its own and an optimiser changes.</summary>
    public class Parameter : torch.Tensor
    {
        /// <summary>Takes the native tensor of <paramref name="data"/>, which is invalid afterwards.</summary>
        public Parameter(torch.Tensor data, bool requires_grad = true) : base(MoveHandleOf(data.with_requires_grad(requires_grad)), false)
        {
            if (data.OwningDisposeScope is not DisposeScope scope) return;
            scope.Remove(data);
            scope.Add(this);
        }

        /// <summary>Takes the ownership of a native tensor.</summary>
        internal Parameter(nint handle) : base(new TensorHandle(handle), true) { }
    }
}

namespace TorchSharp
{
    using Modules;

    public static partial class torch
    {
        public static partial class nn
        {
            public static Parameter Parameter(Tensor data, bool requires_grad = true) => new(data, requires_grad);
        }
    }
}
