using System.Reflection;
using RobustTrain.Cmdlets.Lifetime;
using RobustTrain.Cmdlets.Words;
using RobustTrain.Runs;
using RobustTrain.Runs.Engines;

namespace RobustTrain.Cmdlets.Output;

/// <summary>What trains: the executable <c>robusttrain</c>, and the libtorch that it computes with.</summary>
public sealed record TrainingEngine
{
    /// <summary>The executable; it can be called: &amp; (Get-TrainingEngine).Path config show.</summary>
    public required string Path { get; init; }

    /// <summary>The executable's version; null where it is missing.</summary>
    public string? Version { get; private init; }

    /// <summary>The folder with libtorch; null where there is none.</summary>
    public string? LibTorchPath { get; private init; }

    /// <summary>The version of libtorch; null where there is none, or where ROBUSTTRAIN_LIBTORCH names it, whose version is known when it is loaded.</summary>
    public string? LibTorchVersion { get; private init; }

    /// <summary>What libtorch computes on: Cuda, on the CPU too; null where there is none.</summary>
    public string? Device { get; private init; }

    /// <summary>Whether both are there and whole.</summary>
    public bool Ready => Problems.Count == 0;

    /// <summary>What is missing or damaged, each as a sentence.</summary>
    public IReadOnlyList<string> Problems { get; private init; } = [];

    /// <summary>The versions of libtorch that Install-TrainingEngine has installed for this user.</summary>
    public IReadOnlyList<InstalledEngine> Installed { get; private init; } = [];

    /// <summary>The engine as it is now.</summary>
    /// <param name="digests">Whether every byte of an installed libtorch is read; else its files' lengths are compared.</param>
    /// <param name="stopping">Ends reading.</param>
    /// <exception cref="RunException">The record of an installed libtorch can't be read.</exception>
    internal static TrainingEngine Read(bool digests, CancellationToken stopping)
    {
        EngineStore store = EngineStore.OfThisUser();
        List<string> problems = [];
        string path = HostExecutable.Expected;
        try
        {
            HostExecutable.Find();
        }
        catch (RunException missing)
        {
            problems.Add(missing.Message);
        }

        string program = System.IO.Path.GetDirectoryName(path)!;
        string? named = Environment.GetEnvironmentVariable(LibTorchLocation.Variable) is { Length: > 0 } folder ? System.IO.Path.GetFullPath(folder) : null;
        string? own = named is null ? LibTorchLocation.FindOwn(program) : null;
        InstalledEngine? installed = named is null && own is null ? store.Find(EngineRelease.LibTorchVersion) : null;
        string? libTorch = named ?? own ?? installed?.Path;
        if (named is not null && !File.Exists(System.IO.Path.Combine(named, LibTorchLocation.CpuLibrary)))
            problems.Add(Strings.Format("NamedLibTorchNotFound", named, LibTorchLocation.CpuLibrary));
        else if (libTorch is null)
            problems.Add(Strings.Format("EngineNotInstalled"));
        problems.AddRange(installed?.Problems(digests, stopping) ?? []);

        string assembly = System.IO.Path.Combine(program, "robusttrain.dll");
        return new TrainingEngine
        {
            Path = path,
            Version = File.Exists(assembly) ? AssemblyName.GetAssemblyName(assembly).Version?.ToString(3) : null,
            LibTorchPath = libTorch,
            LibTorchVersion = installed?.Version ?? (own is null ? null : EngineRelease.LibTorchVersion),
            Device = libTorch is null ? null : (File.Exists(System.IO.Path.Combine(libTorch, LibTorchLocation.FileName("torch_cuda"))) ? EngineDevice.Cuda : EngineDevice.Cpu).ToString(),
            Problems = problems,
            Installed = store.Installed(),
        };
    }
}
