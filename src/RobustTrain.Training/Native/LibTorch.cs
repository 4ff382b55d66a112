using System.Buffers.Binary;
using System.Runtime.InteropServices;
using RobustTrain.Platform;
using RobustTrain.Runs;
using RobustTrain.Runs.Engines;
using TorchSharp;

namespace RobustTrain.Training.Native;

/// <summary>The libtorch of this process and TorchSharp's library over it: finds them, checks them and loads them by absolute path.</summary>
/// <remarks>
/// TorchSharp looks for its libraries by name, so that it may take another libtorch of the machine, and prints what fails on standard
/// output. A user of torch therefore calls <see cref="Load()"/> first; TorchSharp then finds what is loaded already.
/// </remarks>
public static class LibTorch
{
    /// <summary>The environment variable that names another folder with libtorch.</summary>
    public const string Variable = LibTorchLocation.Variable;

    // The version that this release of TorchSharp is compiled for.
    private const int Major = 2;
    private const int Minor = 10;

    private static readonly string s_cpu = LibTorchLocation.CpuLibrary;
    private static readonly string s_cuda = LibTorchLocation.FileName("torch_cuda");
    private static readonly string s_torchSharp = LibTorchLocation.FileName("LibTorchSharp");
    private static readonly Lock s_lock = new();
    private static Loaded? s_loaded;

    /// <summary>The version of libtorch, for example "2.10.0".</summary>
    /// <exception cref="RunException">It can't be loaded.</exception>
    public static string Version => Load().Version;

    /// <summary>Whether this libtorch can compute on NVIDIA GPUs.</summary>
    /// <exception cref="RunException">It can't be loaded.</exception>
    public static bool HasCuda => Load().HasCuda;

    /// <summary>What the operator should know of how it computes here; null for nothing.</summary>
    public static string? Warning => HiddenCaches.Warning;

    /// <summary>The address of a function of libtorch_cpu; 0 where it has none of the name.</summary>
    internal static nint Export(string name) => NativeLibrary.TryGetExport(Load().Cpu, name, out nint address) ? address : 0;

    /// <summary>The address of a function of libtorch_cpu that TorchSharp has not.</summary>
    /// <param name="itanium">Its name as GCC writes it.</param>
    /// <param name="microsoft">Its name as Visual C++ writes it.</param>
    /// <param name="refusal">Makes the error where this libtorch has none.</param>
    internal static nint Function(string itanium, string microsoft, Func<RunException> refusal) =>
        Export(OperatingSystem.IsWindows() ? microsoft : itanium) is var address and not 0 ? address : throw refusal();

    /// <summary>The address of a function of TorchSharp's library.</summary>
    internal static nint TorchSharpExport(string name) => NativeLibrary.GetExport(Load().TorchSharp, name);

    /// <summary>Loads libtorch, unless that has been done.</summary>
    /// <exception cref="RunException">It is missing, of another version, for another processor, or needs what this system lacks.</exception>
    public static Loaded Load()
    {
        lock (s_lock)
        {
            return s_loaded ??= Load(FindFolder(Environment.GetEnvironmentVariable(Variable), AppContext.BaseDirectory, EngineStore.OfThisUser()));
        }
    }

    /// <summary>The folder that holds libtorch.</summary>
    /// <param name="asked">The folder that the operator names; null or empty for none.</param>
    /// <param name="program">The program's folder.</param>
    /// <param name="engines">What is installed for this user, for a program that has none of its own.</param>
    /// <exception cref="RunException">There is none.</exception>
    internal static string FindFolder(string? asked, string program, EngineStore engines)
    {
        if (!string.IsNullOrEmpty(asked))
        {
            return File.Exists(Path.Combine(asked, s_cpu))
                ? Path.GetFullPath(asked)
                : throw Missing($"{Variable} is '{asked}', but there is no {s_cpu} in that folder.", asked);
        }

        string expected = LibTorchLocation.Expected(program);
        return LibTorchLocation.Find(program, engines)
            ?? throw Missing($"libtorch was not found: there is no {s_cpu} in {expected}; the PowerShell module's Install-TrainingEngine brings it to {engines.FolderOf(EngineRelease.LibTorchVersion, EngineDevice.Cpu)}, './build.sh build' beside the program, and {Variable} may name the folder that holds it.", expected);
    }

    /// <summary>Loads libtorch from a folder, and TorchSharp's library from there or from the program's folder.</summary>
    internal static Loaded Load(string folder)
    {
        ProcessSettings.Apply();
        // c10 and the OpenMP library stand beside it and are found there.
        if (!File.Exists(Path.Combine(folder, LibTorchLocation.FileName("c10"))))
            throw Missing($"libtorch is not complete: {Path.Combine(folder, LibTorchLocation.FileName("c10"))} is missing.", folder);
        nint cpu = Open(Path.Combine(folder, s_cpu));
        HiddenCaches.SwitchOffNnpack(cpu);
        string version = VersionOf(cpu) ?? throw Unusable($"libtorch in {folder} is older than {Major}.{Minor}, which this program needs.", folder);
        if (!version.StartsWith($"{Major}.{Minor}.", StringComparison.Ordinal))
            throw Unusable($"libtorch in {folder} is version {version}, but this program needs {Major}.{Minor}.", folder);
        Open(Path.Combine(folder, LibTorchLocation.FileName("torch")));
        bool hasCuda = File.Exists(Path.Combine(folder, s_cuda));
        if (hasCuda)
            Open(Path.Combine(folder, s_cuda));
        string own = Path.Combine(folder, s_torchSharp);
        nint torchSharp = Open(File.Exists(own) ? own : Path.Combine(AppContext.BaseDirectory, s_torchSharp));
        NativeLibrary.SetDllImportResolver(typeof(torch).Assembly, (name, _, _) => name == "LibTorchSharp" ? torchSharp : 0);
        return new Loaded(cpu, torchSharp, version, hasCuda) { Folder = folder };
    }

    private static nint Open(string path)
    {
        if (!File.Exists(path))
            throw Missing($"libtorch is not complete: {path} is missing.", path);
        (Architecture? machine, long end, long length) = ReadHeader(path);
        if (length < end)
            throw Unusable($"{path} is not complete: it has {length} bytes and needs at least {end}; fetch the package again.", path);
        if (machine is not null && machine != RuntimeInformation.ProcessArchitecture)
            throw Unusable($"{path} is made for {Name(machine.Value)} processors, but this process runs on {Name(RuntimeInformation.ProcessArchitecture)}.", path);
        try
        {
            return NativeLibrary.Load(path);
        }
        catch (Exception failed) when (failed is DllNotFoundException or BadImageFormatException)
        {
            // .NET's advice stands on the first line, what the system's loader said below it.
            string[] lines = failed.Message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            string reason = lines.FirstOrDefault(line => line.Contains("GLIBC", StringComparison.Ordinal)) ?? lines[^1];
            string advice = reason.Contains("GLIBC", StringComparison.Ordinal) ? " This system's C or C++ library is too old: Debian 12, Ubuntu 22.04 or newer is needed."
                : OperatingSystem.IsWindows() && !NativeLibrary.TryLoad("vcruntime140_1.dll", out _) ? " Microsoft's Visual C++ runtime is missing: install the Visual C++ Redistributable for x64."
                : "";
            throw Unusable($"{path} can't be loaded: {reason.TrimEnd('.')}.{advice}", path, failed);
        }
    }

    // aoti_torch_abi_version: major, minor and patch in the upper three bytes (torch/csrc/inductor/aoti_torch/c/shim.h).
    private static unsafe string? VersionOf(nint library)
    {
        if (!NativeLibrary.TryGetExport(library, "aoti_torch_abi_version", out nint function))
            return null;
        ulong version = ((delegate* unmanaged<ulong>)function)();
        return $"{version >> 56}.{(version >> 48) & 0xFF}.{(version >> 40) & 0xFF}";
    }

    // The processor that a Linux library is made for, of which the loader says when it is another one that there is no such file; and
    // where its last table ends, before which a file that was cut short ends the process when it is loaded (SIGBUS).
    private static (Architecture? Machine, long End, long Length) ReadHeader(string path)
    {
        Span<byte> header = stackalloc byte[64];
        using FileStream file = File.OpenRead(path);
        if (file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) < header.Length || !header.StartsWith("\u007fELF"u8))
            return (null, 0, file.Length);
        long sections = BinaryPrimitives.ReadInt64LittleEndian(header[40..]);
        int size = BinaryPrimitives.ReadUInt16LittleEndian(header[58..]) * BinaryPrimitives.ReadUInt16LittleEndian(header[60..]);
        Architecture? machine = BinaryPrimitives.ReadUInt16LittleEndian(header[18..]) switch
        {
            62 => Architecture.X64,
            183 => Architecture.Arm64,
            3 => Architecture.X86,
            40 => Architecture.Arm,
            _ => null,
        };
        return (machine, sections + size, file.Length);
    }

    private static string Name(Architecture architecture) => architecture.ToString().ToLowerInvariant();

    private static RunException Missing(string message, string target) => new(ExitCode.Configuration, "LibTorchNotFound", message, target);

    private static RunException Unusable(string message, string target, Exception? cause = null) => new(ExitCode.Configuration, "LibTorchNotUsable", message, target, cause);

    /// <summary>What has been loaded.</summary>
    /// <param name="Cpu">libtorch_cpu.</param>
    /// <param name="TorchSharp">TorchSharp's library.</param>
    /// <param name="Version">The version of libtorch.</param>
    /// <param name="HasCuda">Whether it can compute on NVIDIA GPUs.</param>
    public sealed record Loaded(nint Cpu, nint TorchSharp, string Version, bool HasCuda)
    {
        /// <summary>The folder that it was loaded from.</summary>
        public required string Folder { get; init; }
    }

    /// <summary>Settings of the process that hold from the moment at which libtorch is loaded.</summary>
    private static class ProcessSettings
    {
        private const int Mebibyte = 1 << 20;

        public static void Apply()
        {
            HiddenCaches.LimitOneDnn();
            if (OperatingSystem.IsWindows())
            {
                // Intel's runtime in libiomp5md.dll takes Ctrl+C, and the closing of the console, for an order to abort the process.
                ThisProcess.SetNativeVariable("FOR_DISABLE_CONSOLE_CTRL_HANDLER", "1");
                return;
            }

            if (!OperatingSystem.IsLinux())
                return;
            SpinShortly();
            KeepFreedMemory();
        }

        // docs/decisions/openmp-spinning.md. .NET's own environment is a copy, which libgomp doesn't see.
        private static void SpinShortly()
        {
            if (Environment.GetEnvironmentVariable("GOMP_SPINCOUNT") is null && Environment.GetEnvironmentVariable("OMP_WAIT_POLICY") is null)
                ThisProcess.SetNativeVariable("GOMP_SPINCOUNT", "1000");
        }

        // docs/decisions/torchsharp.md: a step's large blocks stay for the next one instead of going back to the kernel and being zeroed again.
        private static void KeepFreedMemory()
        {
            if (!Environment.GetEnvironmentVariables().Keys.Cast<string>().Any(name => name.StartsWith("MALLOC_", StringComparison.Ordinal)))
                ThisProcess.KeepFreedMemory(upTo: 1024 * Mebibyte, growBy: 64 * Mebibyte);
        }
    }
}
