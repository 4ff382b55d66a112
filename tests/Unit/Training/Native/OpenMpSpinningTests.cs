using System.Runtime.InteropServices;
using static TorchSharp.torch;

namespace RobustTrain.Tests.Training;

public sealed partial class OpenMpSpinningTests
{
    [LinuxFact("It is about libgomp, which libtorch for Windows does not use.")]
    public void The_environment_that_libgomp_reads_keeps_its_spinning_short()
    {
        using Tensor loaded = zeros(1);

        string? expected = Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null
            ? Environment.GetEnvironmentVariable("GOMP_SPINCOUNT") ?? "1000"
            : Environment.GetEnvironmentVariable("GOMP_SPINCOUNT");
        Assert.Equal(expected, Marshal.PtrToStringUTF8(NativeVariable("GOMP_SPINCOUNT")));
    }

    [LibraryImport("libc", EntryPoint = "getenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint NativeVariable(string name);
}
