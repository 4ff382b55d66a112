using System.Runtime.CompilerServices;
using RobustTrain.Native.Interop;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        [IndexerName("TensorItems")]
        public Tensor this[params TensorIndex[] indices]
        {
            get => index(indices);
            set => _ = index_put_(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[params Tensor[] indices]
        {
            get => index(indices);
            set => _ = index_put_(value, indices);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1]
        {
            get => select(0, i1);
            set => Assign(value, i1);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2]
        {
            get => At(i1, i2);
            set => Assign(value, i1, i2);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3]
        {
            get => At(i1, i2, i3);
            set => Assign(value, i1, i2, i3);
        }

        [IndexerName("TensorItems")]
        public Tensor this[long i1, long i2, long i3, long i4]
        {
            get => At(i1, i2, i3, i4);
            set => Assign(value, i1, i2, i3, i4);
        }

        [IndexerName("TensorItems")]
        public Tensor this[params long[] indices]
        {
            get => At(indices);
            set => Assign(value, indices);
        }

        public Tensor index(params TensorIndex[] indices)
        {
            (Tensor view, List<Tensor> temporaries, Tensor?[]? chosen) = Resolve(indices);
            if (chosen is null)
            {
                Free(temporaries, except: view);
                // Indexing by nothing gives another handle, never this object itself.
                return ReferenceEquals(view, this) ? Aten.alias.Call(this) : view;
            }
            Tensor result = Aten.index_Tensor.Call(view, chosen);
            Free(temporaries);
            return result;
        }

        public Tensor index(params Tensor[] indices) => Aten.index_Tensor.Call(this, indices);

        public Tensor index_put_(Tensor value, params TensorIndex[] indices) => index_put_(value, indices, false);

        public Tensor index_put_(Tensor value, TensorIndex[] indices, bool accumulate = false)
        {
            (Tensor view, List<Tensor> temporaries, Tensor?[]? chosen) = Resolve(indices);
            if (chosen is not null) Aten.index_put_.Run(view, chosen, value, accumulate);
            else if (accumulate) Aten.add__Tensor.Run(view, value);
            else Aten.copy_.Run(view, value);
            Free(temporaries);
            return this;
        }

        public Tensor index_put_(Tensor value, params Tensor[] indices) => index_put_(value, indices, false);
        public Tensor index_put_(Tensor value, Tensor[] indices, bool accumulate = false) => Aten.index_put_.Apply(this, indices, value, accumulate);

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            using Tensor filled = full([], value, dtype, device);
            return index_put_(filled, indices);
        }

        public Tensor index_put_(Scalar value, params Tensor[] indices)
        {
            using Tensor filled = full([], value, dtype, device);
            return index_put_(filled, indices);
        }

        /// <summary>Applies the indices that need no copy (numbers, slices, new axes) as views; what is left are tensors to index the
        /// last view by, or none.</summary>
        private (Tensor View, List<Tensor> Temporaries, Tensor?[]? Chosen) Resolve(TensorIndex[] indices)
        {
            var temporaries = new List<Tensor>();
            var chosen = new List<Tensor?>();
            bool any = false;
            Tensor view = this;
            long axis = 0;
            long named = indices.Sum(i => i.Consumes);
            foreach (TensorIndex index in indices)
            {
                switch (index.Form)
                {
                    case TensorIndex.Kind.Ellipsis:
                        for (long skip = Dimensions - named; skip > 0; skip--, axis++) chosen.Add(null);
                        break;
                    case TensorIndex.Kind.NewAxis:
                        Step(Aten.unsqueeze.Call(view, axis++));
                        chosen.Add(null);
                        break;
                    case TensorIndex.Kind.Number:
                        Step(Aten.select_int.Call(view, axis, index.Start!.Value));
                        break;
                    case TensorIndex.Kind.Slice:
                        if (index.Start is not null || index.Stop is not null || index.StepSize is not null)
                            Step(Aten.slice_Tensor.Call(view, axis, index.Start, index.Stop, index.StepSize ?? 1));
                        axis++;
                        chosen.Add(null);
                        break;
                    case TensorIndex.Kind.Truth:
                        Step(Aten.unsqueeze.Call(view, axis++));
                        Tensor truth = tensor(index.Start != 0).to(device, disposeAfter: true).unsqueeze_(0);
                        temporaries.Add(truth);
                        chosen.Add(truth);
                        any = true;
                        break;
                    default:
                        chosen.Add(index.Value);
                        axis += index.Consumes;
                        any = true;
                        break;
                }
            }
            return (view, temporaries, any ? [.. chosen] : null);

            void Step(Tensor next)
            {
                temporaries.Add(next);
                view = next;
            }
        }

        private Tensor At(params ReadOnlySpan<long> indices)
        {
            Tensor view = this;
            for (int i = 0; i < indices.Length; i++)
            {
                Tensor next = view.select(0, indices[i]);
                if (i > 0) view.Dispose();
                view = next;
            }
            return view;
        }

        private void Assign(Tensor value, params ReadOnlySpan<long> indices)
        {
            using Tensor view = At(indices);
            Aten.copy_.Run(view, value);
        }

        private static void Free(List<Tensor> tensors, Tensor? except = null)
        {
            foreach (Tensor tensor in tensors)
            {
                if (!ReferenceEquals(tensor, except)) tensor.Dispose();
            }
        }
    }

    /// <summary>One index of a tensor: a number, a slice, a new axis, "...", a truth value or a tensor.</summary>
    public struct TensorIndex
    {
        internal enum Kind { Slice, Number, NewAxis, Ellipsis, Truth, Tensor }

        internal Kind Form { get; private init; }
        internal long? Start { get; private init; }
        internal long? Stop { get; private init; }
        internal long? StepSize { get; private init; }
        internal Tensor? Value { get; private init; }

        /// <summary>How many dimensions of the indexed tensor it takes.</summary>
        internal readonly long Consumes => Form switch
        {
            Kind.Slice or Kind.Number => 1,
            Kind.Tensor => Value!.dtype == ScalarType.Bool ? Value.Dimensions : 1,
            _ => 0,
        };

        public static TensorIndex Ellipsis = new() { Form = Kind.Ellipsis };
        public static TensorIndex None = new() { Form = Kind.NewAxis };
        public static TensorIndex Null = new() { Form = Kind.NewAxis };
        public static TensorIndex Colon = new() { Form = Kind.Slice };

        public static TensorIndex Slice(long? start = null, long? stop = null, long? step = null) =>
            new() { Form = Kind.Slice, Start = start, Stop = stop, StepSize = step };

        public static TensorIndex Slice((int? start, int? end) range) => Slice(range.start, range.end);

        public static TensorIndex Slice(Range range) => Slice(Position(range.Start), range.End is { IsFromEnd: true, Value: 0 } ? null : Position(range.End));

        public static TensorIndex Bool(bool value) => new() { Form = Kind.Truth, Start = value ? 1 : 0 };

        public static TensorIndex Single(long? index) => index is null ? None : new() { Form = Kind.Number, Start = index };

        public static TensorIndex Tensor(Tensor tensor) => new() { Form = Kind.Tensor, Value = tensor };

        public static implicit operator TensorIndex(long value) => Single(value);
        public static implicit operator TensorIndex((int? start, int? end) range) => Slice(range);
        public static implicit operator TensorIndex(Range range) => Slice(range);
        public static implicit operator TensorIndex(Index index) => Single(Position(index));

        private static long Position(Index index) => index.IsFromEnd ? -index.Value : index.Value;
    }
}
