using System.Diagnostics.CodeAnalysis;
using RobustTrain.Native.Interop;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A tensor of libtorch. Free it by <see cref="Dispose()"/> or a <see cref="DisposeScope"/>; what is forgotten is freed
    /// by the garbage collector, in its own time.</summary>
    /// <remarks>As in TorchSharp, a tensor may be read by several threads at once, but not disposed while another thread uses it.</remarks>
    public partial class Tensor : IDisposable
    {
        private TensorHandle _handle;

        internal DisposeScope? OwningDisposeScope;
        internal int ScopeIndex;

        /// <summary>Takes the ownership of a native tensor; the current dispose scope of the thread owns the object.</summary>
        internal Tensor(nint handle) : this(new TensorHandle(handle), true) { }

        private protected Tensor(TensorHandle handle, bool register)
        {
            _handle = handle;
            if (register) DisposeScopeManager.Current.Register(this);
        }

        /// <summary>How many tensor objects of this process own a native tensor now.</summary>
        public static long TotalCount => TensorHandle.LiveCount;

        /// <summary>The largest value that <see cref="TotalCount"/> had.</summary>
        public static long PeakCount => TensorHandle.PeakCount;

        public string? name { get; set; }

        public bool IsInvalid => _handle.Value == 0;

        /// <summary>The native tensor, an at::Tensor*.</summary>
        /// <exception cref="InvalidOperationException">The tensor was disposed, or became a parameter.</exception>
        public nint Handle
        {
            get
            {
                nint value = _handle.Value;
                if (value == 0) ThrowInvalid();
                return value;
            }
        }

        /// <summary>A tensor object that owns the given at::Tensor*.</summary>
        public static Tensor UnsafeCreateTensor(nint handle) => new(handle);

        public void Dispose()
        {
            Dispose(true);
            GC.SuppressFinalize(this);
        }

        protected virtual void Dispose(bool disposing)
        {
            if (!disposing || _handle.Value == 0) return;
            if (OwningDisposeScope is DisposeScope scope)
            {
                scope.CountDisposed();
                scope.Remove(this);
            }
            else
            {
                DisposeScopeManager.Current.Counts.DisposedOutsideScopeCount++;
            }
            _handle.Dispose();
        }

        public Tensor MoveToOuterDisposeScope()
        {
            OwningDisposeScope?.MoveToOuter(this);
            return this;
        }

        public Tensor DetachFromDisposeScope()
        {
            OwningDisposeScope?.Detach(this);
            return this;
        }

        public Tensor MoveToOtherDisposeScope(Tensor other) =>
            other.OwningDisposeScope is DisposeScope scope ? MoveToOtherDisposeScope(scope) : DetachFromDisposeScope();

        public Tensor MoveToOtherDisposeScope(DisposeScope? other)
        {
            if (other is null) return DetachFromDisposeScope();
            if (OwningDisposeScope is null) other.Attach(this);
            else OwningDisposeScope.MoveToOther(other, this);
            return this;
        }

        /// <summary>Gives the native tensor to the caller; this object is invalid afterwards.</summary>
        public nint DecoupleFromNativeHandle()
        {
            OwningDisposeScope?.Remove(this);
            return _handle.Release();
        }

        /// <summary>Gives the handle object to another tensor object; this one is invalid afterwards.</summary>
        private protected TensorHandle MoveHandle()
        {
            TensorHandle moved = _handle;
            _handle = TensorHandle.Empty;
            return moved;
        }

        private protected static TensorHandle MoveHandleOf(Tensor tensor) => tensor.MoveHandle();

        /// <summary>Element-wise equality of two tensors, as <c>torch.equal</c> means it.</summary>
        public override bool Equals(object? obj) => obj is Tensor other && Equals(other);

        public bool Equals(Tensor target) => Aten.equal.CallInt(this, target) != 0;

        public override int GetHashCode() => base.GetHashCode();

        [DoesNotReturn]
        private static void ThrowInvalid() => throw new InvalidOperationException("Tensor invalid -- empty handle. It was disposed (perhaps by its dispose scope), or became a parameter.");
    }
}
