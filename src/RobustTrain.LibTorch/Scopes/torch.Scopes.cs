using RobustTrain.Native.Interop;

namespace TorchSharp;

public static partial class torch
{
    public static DisposeScope NewDisposeScope() => DisposeScopeManager.Current.Enter();

    public static DisposeScope? CurrentDisposeScope => DisposeScopeManager.Current.Innermost;

    /// <summary>Runs an expression in a scope of its own and keeps only its result.</summary>
    public static Tensor WrappedTensorDisposeScope(Func<Tensor> expr)
    {
        using DisposeScope scope = NewDisposeScope();
        return expr().MoveToOuterDisposeScope();
    }

    // The grad mode is native state of the calling thread: a guard is to be disposed on the thread that made it,
    // so there must be no await inside it.
    public static IDisposable no_grad() => new GradModeGuard(false);
    public static IDisposable enable_grad(bool enabled = true) => new GradModeGuard(enabled);
    public static IDisposable set_grad_enabled(bool mode = true) => new GradModeGuard(mode);
    public static bool is_grad_enabled() => NativeMethods.rt_grad_enabled() != 0;

    public static IDisposable inference_mode(bool mode = true) => new InferenceModeGuard(mode);
    public static bool is_inference_mode_enabled() => NativeMethods.rt_inference_enabled() != 0;

    private sealed class GradModeGuard : IDisposable
    {
        private readonly int _before = NativeMethods.rt_grad_enabled();
        private bool _disposed;

        internal GradModeGuard(bool enabled) => NativeMethods.rt_set_grad_enabled(enabled ? 1 : 0);

        public void Dispose()
        {
            if (_disposed) return;
            _disposed = true;
            NativeMethods.rt_set_grad_enabled(_before);
        }
    }

    private sealed class InferenceModeGuard : IDisposable
    {
        private nint _guard;

        internal InferenceModeGuard(bool enabled) => _ = NativeMethods.Check(NativeMethods.rt_inference_begin(enabled ? 1 : 0, out _guard));

        public void Dispose()
        {
            if (_guard == 0) return;
            NativeMethods.rt_inference_end(_guard);
            _guard = 0;
        }
    }
}
