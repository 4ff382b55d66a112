using System.Diagnostics;
using System.Runtime.InteropServices;

namespace RobustTrain.Tests.Monitoring;

/// <summary>A copy of the NVML stub, with its own scene, built once for all tests.</summary>
internal sealed class NvmlStub : IDisposable
{
    private static readonly Lazy<string> Built = new(Build);
    private readonly string folder = Directory.CreateTempSubdirectory("nvml-stub").FullName;

    public NvmlStub(string scene = "gpus 8", bool old = false)
    {
        string name = old ? "libnvml-stub-old.so" : "libnvml-stub.so";
        LibraryPath = Path.Combine(folder, name);
        File.Copy(Path.Combine(Built.Value, name), LibraryPath);
        Play(scene);
    }

    public string LibraryPath { get; }

    /// <summary>How often NVML is initialised at present.</summary>
    public unsafe int Initialised
    {
        get
        {
            nint library = NativeLibrary.Load(LibraryPath);
            try
            {
                return ((delegate* unmanaged<int>)NativeLibrary.GetExport(library, "stub_initialised"))();
            }
            finally
            {
                NativeLibrary.Free(library);
            }
        }
    }

    /// <summary>Changes the scene at once.</summary>
    public void Play(string scene)
    {
        string next = Path.Combine(folder, "next");
        File.WriteAllText(next, scene.Replace("; ", "\n", StringComparison.Ordinal) + "\n");
        File.Move(next, LibraryPath + ".scene", overwrite: true);
    }

    public void Dispose()
    {
        // A call that still hangs in it must come back before the file goes.
        Play("gpus 8");
        Directory.Delete(folder, recursive: true);
    }

    private static string Build()
    {
        string target = Directory.CreateTempSubdirectory("nvml-stub-built").FullName;
        using Process build = Process.Start(new ProcessStartInfo(Path.Combine(TestFiles.Root, "tests/nvml-stub/build.sh"), [target]) { RedirectStandardError = true })!;
        string errors = build.StandardError.ReadToEnd();
        build.WaitForExit();
        return build.ExitCode == 0 ? target : throw new InvalidOperationException($"The NVML stub was not built: {errors}");
    }
}
