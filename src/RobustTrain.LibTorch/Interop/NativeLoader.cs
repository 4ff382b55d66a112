using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RobustTrain.Native.Interop;

/// <summary>Finds librobusttrain_torch: the variable ROBUSTTRAIN_NATIVE (a file or a folder), the application's folder, and,
/// in a source tree, native/build.</summary>
internal static class NativeLoader
{
    internal const string Variable = "ROBUSTTRAIN_NATIVE";
    private static readonly Lock s_lock = new();
    private static nint s_library;

#pragma warning disable CA2255 // The resolver must stand before the first call, whoever makes it.
    [ModuleInitializer]
#pragma warning restore CA2255
    internal static void Register() => NativeLibrary.SetDllImportResolver(typeof(NativeLoader).Assembly, Resolve);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        if (name != NativeMethods.Library) return 0;
        lock (s_lock)
        {
            if (s_library == 0) s_library = Load(Environment.GetEnvironmentVariable(Variable), AppContext.BaseDirectory);
            return s_library;
        }
    }

    /// <exception cref="LibTorchNotFoundException">The library, or a library that it needs, is not there.</exception>
    internal static nint Load(string? configured, string baseDirectory)
    {
        string file = Find(configured, baseDirectory);
        OpenMpSpinning.KeepShort();
        nint library;
        try
        {
            library = NativeLibrary.Load(file);
        }
        catch (DllNotFoundException e)
        {
            // .NET's advice stands on the first line, and what the system's loader said (which library is missing) below it.
            string[] lines = e.Message.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
            string reason = string.Join("; ", lines.Length > 1 ? lines[1..] : lines);
            throw new LibTorchNotFoundException($"{file} cannot be loaded: {reason}. {LibTorchNotFoundException.Remedy}", e);
        }
        unsafe
        {
            ((delegate* unmanaged<int>)NativeLibrary.GetExport(library, nameof(NativeMethods.rt_tune_allocator)))();
        }
        return library;
    }

    internal static string Find(string? configured, string baseDirectory)
    {
        string fileName = OperatingSystem.IsMacOS() ? "librobusttrain_torch.dylib" : "librobusttrain_torch.so";
        if (!string.IsNullOrEmpty(configured))
        {
            string asked = Directory.Exists(configured) ? Path.Combine(configured, fileName) : configured;
            return File.Exists(asked)
                ? Path.GetFullPath(asked)
                : throw new LibTorchNotFoundException($"{Variable} is '{configured}', but {asked} is not there.");
        }
        foreach (string folder in Folders(baseDirectory))
        {
            string file = Path.Combine(folder, fileName);
            if (File.Exists(file)) return file;
        }
        throw new LibTorchNotFoundException($"{fileName} was not found in {baseDirectory} or a native/build folder above it. {LibTorchNotFoundException.Remedy}");
    }

    private static IEnumerable<string> Folders(string baseDirectory)
    {
        yield return baseDirectory;
        yield return Path.Combine(baseDirectory, "runtimes", RuntimeInformation.RuntimeIdentifier, "native");
        for (DirectoryInfo? folder = new(baseDirectory); folder is not null; folder = folder.Parent)
        {
            string native = Path.Combine(folder.FullName, "native");
            if (File.Exists(Path.Combine(native, "CMakeLists.txt"))) yield return Path.Combine(native, "build");
        }
    }
}
