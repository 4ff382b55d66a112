using RobustTrain.Native;
using RobustTrain.Native.Interop;

namespace RobustTrain.Tests.LibTorch;

internal static class LibTorchRequirement
{
    /// <summary>Why there is no library; null where there is one. (One that does not load fails the tests.)</summary>
    internal static string? Missing { get; } = Find();

    private static string? Find()
    {
        try
        {
            _ = NativeLoader.Find(Environment.GetEnvironmentVariable(NativeLoader.Variable), AppContext.BaseDirectory);
            return null;
        }
        catch (LibTorchNotFoundException e)
        {
            return $"native/ is not built: {e.Message}";
        }
    }
}
