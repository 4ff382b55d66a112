using RobustTrain.Native.Interop;

namespace TorchSharp;

/// <summary>Watches backward passes: an operation whose gradient becomes NaN throws, and is named. Slow.</summary>
public class AnomalyMode : IDisposable
{
    private readonly bool _before = IsEnabled;
    private readonly bool _checkBefore = ShouldCheckNaN;

    public AnomalyMode(bool enabled, bool check_nan = true) => NativeMethods.rt_set_anomaly(enabled ? 1 : 0, check_nan ? 1 : 0);

    public static bool IsEnabled => NativeMethods.rt_anomaly_enabled() != 0;

    public static bool ShouldCheckNaN => NativeMethods.rt_anomaly_checks_nan() != 0;

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        if (disposing) NativeMethods.rt_set_anomaly(_before ? 1 : 0, _checkBefore ? 1 : 0);
    }
}
