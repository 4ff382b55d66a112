using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;
using RobustTrain.Platform;

namespace RobustTrain.Training.Native;

/// <summary>
/// Keeps libtorch right on a virtual machine that hides its processor's caches. oneDNN 3, by which libtorch 2.10 computes convolutions, cuts its work by the
/// sizes of the caches; where CPUID tells none, some gradients are wrong, NaN, or written beside their memory (docs/decisions/models.md). Its code for
/// SSE 4.1 was right. NNPACK refuses such a machine with a line on standard error.
/// </summary>
internal static unsafe class HiddenCaches
{
    private const string Variable = "ONEDNN_MAX_CPU_ISA";

    // CPUID's lists of caches: Intel's, and AMD's.
    private const int IntelLeaf = 4;
    private const int AmdLeaf = unchecked((int)0x8000001D);
    private const int CacheKind = 0x1F;

    private static readonly bool s_areHidden = X86Base.IsSupported && !IsListed(IntelLeaf) && !IsListed(AmdLeaf);

    // What the operator has set is left alone.
    private static readonly bool s_isLimited = s_areHidden && Environment.GetEnvironmentVariable(Variable) is null && Environment.GetEnvironmentVariable("DNNL_MAX_CPU_ISA") is null;

    /// <summary>What the operator should know; null for nothing.</summary>
    public static string? Warning => s_isLimited
        ? $"This virtual machine hides its processor's caches, by whose sizes oneDNN cuts convolutions, and wrongly where it knows none: it is limited to SSE 4.1, and training takes longer. {Variable} sets another limit."
        : null;

    /// <summary>Limits oneDNN, before libtorch is loaded.</summary>
    public static void LimitOneDnn()
    {
        if (s_isLimited)
            ThisProcess.SetNativeVariable(Variable, "SSE41");
    }

    /// <summary>Switches NNPACK off.</summary>
    /// <param name="libtorch">libtorch_cpu.</param>
    public static void SwitchOffNnpack(nint libtorch)
    {
        if (s_areHidden && Find("_ZN2at13globalContextEv", "?globalContext@at@@YAAEAVContext@1@XZ") is var context and not 0
            && Find("_ZN2at7Context20setUserEnabledNNPACKEb", "?setUserEnabledNNPACK@Context@at@@QEAAX_N@Z") is var set and not 0)
            ((delegate* unmanaged<nint, byte, void>)set)(((delegate* unmanaged<nint>)context)(), 0);

        nint Find(string itanium, string microsoft) => NativeLibrary.TryGetExport(libtorch, OperatingSystem.IsWindows() ? microsoft : itanium, out nint address) ? address : 0;
    }

    private static bool IsListed(int leaf)
    {
        int first = leaf < 0 ? unchecked((int)0x80000000) : 0;
        return (uint)X86Base.CpuId(first, 0).Eax >= (uint)leaf && (X86Base.CpuId(leaf, 0).Eax & CacheKind) != 0;
    }
}
